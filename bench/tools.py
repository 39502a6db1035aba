"""The command lines: the same 5-step journey in each tool's own form, against the same address.

Every tool checks every answer, and a run in which a check failed is no measurement: newman, k6 and Locust say it
by their exit status, `seatrial check` too, and `seatrial load`, which judges nothing, by its JSON.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from measure import Tool
from peers import Peer

JOURNEY = Path(__file__).with_name("journey")
REALMS = """\
realms:
  bench:
    services: {{bank: "{address}"}}
    allows: {{mutations: true, load: {{max_rate: 1000000/s}}}}
"""
PROFILE = """\
profile: flat_out
model: closed # every user plays again as soon as it has done
scenarios: [pay once]
stages:
  - {{ramp_to: {users}, over: 0s}}
  - {{hold: {duration_s}s}}
"""


@dataclass(frozen=True)
class Crowd:
    """The closed model of every load: that many users, for so long, without a pause."""

    users: int
    duration_s: int


def make_workspace(folder: Path, address: str, crowd: Crowd) -> Path:
    """The bench's seatrial workspace in that folder, its realm at the address, its profile with that crowd."""
    workspace = folder / "workspace"
    shutil.copytree(JOURNEY, workspace)
    (workspace / "realms.yaml").write_text(REALMS.format(address=address))
    profiles = workspace / "scenarios" / "profiles"
    profiles.mkdir()
    (profiles / "flat_out.yaml").write_text(PROFILE.format(users=crowd.users, duration_s=crowd.duration_s))
    return workspace


def seatrial_check(peer: Peer, workspace: Path) -> Tool:
    """`seatrial check` with what it prints when nothing else is asked."""
    command = (str(peer.program), "check", "scenarios/journey.yaml", "--realm", "bench")
    return Tool("seatrial check", command, workspace)


def newman(peer: Peer, address: str) -> Tool:
    """newman with its usual reporter."""
    collection = str(JOURNEY / "journey.postman.json")
    command = (str(peer.program), "run", collection, "--env-var", f"base={address}", "--color", "off")
    return Tool("newman", command, JOURNEY)


def tavern(peer: Peer, address: str) -> Tool:
    """pytest with Tavern's plugin and no other."""
    pytest = (str(peer.program), "-m", "pytest", "-q", "-p", "no:cacheprovider")
    command = (*pytest, "-c", os.devnull, "--rootdir", str(JOURNEY), "test_journey.tavern.yaml")
    return Tool("tavern", command, JOURNEY, {"BASE": address})


def seatrial_rows(peer: Peer, workspace: Path, rows: int) -> Tool:
    """`seatrial check` of the journey once a row; its lines go where those of others go, to a file."""
    file = workspace / "scenarios" / f"rows_{rows}.yaml"
    numbers = workspace / f"rows_{rows}.csv"
    numbers.write_text("number\n" + "".join(f"{number}\n" for number in range(rows)))
    journey = (JOURNEY / "scenarios" / "journey.yaml").read_text()
    file.write_text(journey.replace("pay once", f"pay once in {rows} rows", 1) + f"rows: {{file: {numbers.name}}}\n")
    command = (str(peer.program), "check", str(file), "--realm", "bench", "--quiet")
    return Tool("seatrial check", command, workspace)


def newman_rows(peer: Peer, address: str, rows: int) -> Tool:
    """newman as often as there are rows."""
    one = newman(peer, address)
    return dataclasses.replace(one, command=(*one.command, "--iteration-count", str(rows), "--reporters", "progress"))


def httpx_loop(address: str, rows: int) -> Tool:
    """The bare loop around one httpx.Client, by our interpreter."""
    return Tool("httpx loop", (sys.executable, str(JOURNEY / "httpx_loop.py"), address, str(rows)), JOURNEY)


def seatrial_load(peer: Peer, workspace: Path) -> Tool:
    """`seatrial load`, its parent and child together; flat out it may say of itself that it was too busy to judge."""
    result = workspace / "load.json"
    command = (str(peer.program), "load", "flat_out", "--realm", "bench", "--json", str(result))
    return Tool("seatrial load", command, workspace, problem=lambda: _failed_steps(result), fine=(0, 5))


def locust(peer: Peer, address: str, crowd: Crowd) -> Tool:
    """The hand-written FastHttpUser file, on one process."""
    crowd_words = ("--users", str(crowd.users), "--spawn-rate", "100", "--run-time", f"{crowd.duration_s}s")
    command = (str(peer.program), "--locustfile", "locustfile.py", "--headless", "--only-summary", *crowd_words)
    return Tool("locust", (*command, "--host", address), JOURNEY)


def k6(peer: Peer, address: str, crowd: Crowd) -> Tool:
    """k6 with as many threads as it takes."""
    crowd_words = ("--vus", str(crowd.users), "--duration", f"{crowd.duration_s}s", "--env", f"BASE={address}")
    command = (str(peer.program), "run", "--quiet", "--no-usage-report", *crowd_words, "journey.k6.js")
    return Tool("k6", command, JOURNEY, {"K6_NO_USAGE_REPORT": "true"})


def _failed_steps(result: Path) -> str | None:
    steps = json.loads(result.read_text())["steps"]
    failed = sum(step["failed"] for step in steps)
    if not steps:
        return "no request at all"
    return f"{failed} requests failed their checks" if failed else None
