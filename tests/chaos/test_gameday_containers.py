"""What docs/game-day.md says of containers is true, with the realm of docs/chaos-docker.md and the bank in five."""

from __future__ import annotations

import contextlib
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import SOURCES, binds, docker, empty_image, environment, wait_healthy

from ports import free_port
from seatrial import documents, journal
from seatrial.assess.gameday.about import is_gameday
from seatrial.cli.init import run_init
from seatrial.demo import DEPENDS_ON, SERVICES
from seatrial.errors import ExitCode

PATIENCE_S = 170.0


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


@pytest.mark.needs_docker
def test_the_day_on_containers_pauses_the_ledger_and_lets_it_go_on(root, tmp_path):
    workspace = tmp_path / "bank"
    run_init(workspace)
    page = (root / "docs/game-day.md").read_text()
    _, day = blocks(page, "yaml")
    (workspace / "chaos/gamedays/containers.yaml").write_text(day)
    with containers(workspace, root) as ids:
        _, _, line = blocks(page, "sh")
        begun_at = time.time()
        done = subprocess.run(
            [sys.executable, "-c", "from seatrial.cli.main import main; main()", *line.split()[1:]],
            cwd=workspace,
            env=environment(),
            input="go\ngo\nyes\ndone\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert happened_to(ids["ledger"], since=begun_at) == ["pause", "unpause"], done.stderr
        assert docker("inspect", "--format", "{{.State.Status}}", ids["ledger"]) == "running"
    (run,) = filter(is_gameday, journal.list_runs(workspace))
    record = run.gameday.read_text()
    assert re.search(r"- Fault: stop on ledger, [\d.]+ s: container \S+ unpaused", record), done.stderr
    assert done.returncode in (ExitCode.MET, ExitCode.UNDECIDED), done.stderr


def happened_to(container: str, *, since: float) -> list[str]:
    """What the engine did to the container until now, in its words."""
    span = (f"--since={since:.3f}", f"--until={time.time():.3f}")
    return docker("events", *span, f"--filter=container={container}", "--format={{.Action}}").splitlines()


@contextlib.contextmanager
def containers(workspace: Path, root: Path) -> Iterator[dict[str, str]]:
    """The bank in five containers, and the realm of docs/chaos-docker.md, with its label and ports, in the
    workspace; the ids by service."""
    bank, ports = f"bank-{secrets.token_hex(4)}", {service: free_port() for service in SERVICES}
    realm = next(
        text for text in blocks((root / "docs/chaos-docker.md").read_text(), "yaml") if "kind: docker" in text
    )
    assert documents.loads(realm, "page").kind == "realms"
    for number, service in enumerate(("gateway", "cards", "ledger", "merchants", "feed"), start=18001):
        realm = realm.replace(str(number), str(ports[service]))
    (workspace / "realms.yaml").write_text(realm.replace("com.example.bank: demo", f"com.example.bank: {bank}"))
    with empty_image() as image, contextlib.ExitStack() as stack:
        ids = {}
        for service in SERVICES:
            urls = {f"{name.upper()}_URL": f"http://127.0.0.1:{ports[name]}" for name in DEPENDS_ON[service]}
            settings = {"PORT": str(ports[service]), "PYTHONPATH": SOURCES, **urls}
            ids[service] = docker(
                *("run", "--detach", "--network=host", *binds(SOURCES)),
                *(f"--label={one}" for one in (f"com.example.bank={bank}", f"seatrial.service={service}")),
                *("--label=seatrial.chaos=allowed", *(f"--env={name}={value}" for name, value in settings.items())),
                *(image, sys.executable, "-m", "seatrial.demo", service),
            )
            stack.callback(docker, "rm", "--force", "--volumes", ids[service])
        for service, port in ports.items():
            wait_healthy(f"http://127.0.0.1:{port}", lambda name=service: docker("logs", ids[name]))
        yield ids
