"""Three replicas of one service of the demo bank, in containers of a real Docker engine: a scaled compose service."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from containers import SOURCES, binds, docker, wait_for, wait_healthy

from ports import free_port
from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Injectable
from seatrial.chaos.model import ServiceFault
from seatrial.chaos.plan import resolver
from seatrial.chaos.service_settings import ServiceSettings
from seatrial.runtime.read import read_realms

REALMS = """\
realms:
  containers:
    runtime: {{kind: docker, labels: {{com.example.bank: "{bank}"}}}}
    services: {{merchants: "http://127.0.0.1:9"}}
    allows: {{chaos: true}}
"""
EXPERIMENT = """\
experiment: a rolling restart
method:
  - {at: 0s, inject: {service: merchants, rolling_restart: {pause: 30s}, for: 1s}}
"""
LOOK = f"{sys.executable} -c \"import urllib.request as asked; asked.urlopen('http://127.0.0.1:8080/healthz')\""
HEALTH_CHECK = (f"--health-cmd={LOOK}", "--health-interval=1s")


@dataclass(frozen=True)
class Replicas:
    """The containers in their order, and the workspace that knows them; `addresses` are theirs on their network."""

    workspace: Path
    containers: tuple[str, ...]
    addresses: tuple[str, ...]

    @property
    def log(self) -> Path:
        """What the watchdog of the workspace's one run says."""
        return self.workspace / "reports/out/run/watchdog.log"

    def starts(self) -> list[str]:
        """When each was started last, in the engine's words."""
        return [docker("inspect", "--format={{.State.StartedAt}}", each) for each in self.containers]

    def running(self) -> list[bool]:
        """Whether each runs."""
        return [docker("inspect", "--format={{.State.Status}}", each) == "running" for each in self.containers]

    def found(self, settings: ServiceSettings) -> Injectable:
        """A fault of them with its targets found, as the ledger gives it back."""
        realm = read_realms(self.workspace)["containers"]
        resolved = resolver(self.workspace, realm, holder="test")(ServiceFault("merchants", settings))
        kept = json.loads(json.dumps(dataclasses.asdict(resolved.injectable)))  # type: ignore[call-overload]
        return faults.restore(resolved.means, resolved.fault.kind, kept)


@contextlib.contextmanager
def contain_replicas(
    image: str, workspace: Path, *options: Sequence[str], defects: str = "", allowed: Sequence[bool] = (True,) * 3
) -> Iterator[Replicas]:
    """Three of them, well, that allow faults where that is said; removed afterwards with their network.

    `options` are more of each one's own.
    """
    bank = f"bank-{secrets.token_hex(4)}"
    (workspace / "realms.yaml").write_text(REALMS.format(bank=bank))
    (workspace / "chaos").mkdir()
    (workspace / "chaos/rolling.yaml").write_text(EXPERIMENT)
    with contextlib.ExitStack() as stack:
        docker("network", "create", bank)
        stack.callback(docker, "network", "rm", bank)
        made: list[str] = []
        for number, allows in enumerate(allowed, 1):
            own = options[number - 1] if options else ()
            labels = [f"com.example.bank={bank}", "com.docker.compose.service=merchants"]
            labels += ["seatrial.chaos=allowed"] if allows else []
            made.append(
                docker(
                    *("run", "--detach", "--init", f"--name={bank}-merchants-{number}", f"--network={bank}", *own),
                    *(*binds(SOURCES), *(f"--label={label}" for label in labels)),
                    *(f"--env={each}" for each in ("HOST=0.0.0.0", "PORT=8080", f"PYTHONPATH={SOURCES}")),
                    *(f"--env=DEFECTS={defects}", image, sys.executable, "-m", "seatrial.demo", "merchants"),
                )
            )
            stack.callback(docker, "rm", "--force", "--volumes", made[-1])
        addresses = tuple(f"{_ip(each)}:8080" for each in made)
        for each, address in zip(made, addresses, strict=True):
            wait_healthy(f"http://{address}", lambda each=each: docker("logs", each))  # type: ignore[misc]
        yield Replicas(workspace, tuple(made), addresses)


def published() -> tuple[str, ...]:
    """The option that publishes a replica on a port of the loopback, for a replica's own."""
    return (f"--publish=127.0.0.1:{free_port()}:8080",)


def wait_checked(replicas: Replicas) -> None:
    """Return as soon as the engine says that each is healthy by its own check."""

    def said() -> list[str]:
        return [docker("inspect", "--format={{.State.Health.Status}}", each) for each in replicas.containers]

    wait_for(lambda: set(said()) == {"healthy"}, lambda: str(said()))


def _ip(container: str) -> str:
    return docker("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
