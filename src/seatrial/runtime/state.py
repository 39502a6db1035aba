"""The state file of a realm that is up: `.seatrial/<realm>.json`, written by `up`, read by every command.

Knows processes by id and time of creation, so that a reused id is never taken for one of ours. Of the
variables it holds only those a start template mentions, without which no service could be started again.
`addresses` are what plays use: the proxy in front of each service where there is one.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.journal import read_json, write_json
from seatrial.realm import CLIENT, Realm
from seatrial.service import Edge

FOLDER = ".seatrial"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of ours: its id and when the system created it (seconds since the epoch)."""

    pid: int
    created_at: float


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service of a process realm: where it listens itself, and its log file, its own from that byte on."""

    service: str
    process: ProcessId
    port: int
    url: str
    log: str
    log_since: int = 0


@dataclass(frozen=True, slots=True)
class EdgeState:
    """The proxy of one edge: its name at the proxy's API, where it listens, what it stands before."""

    edge: str
    proxy: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class ProxyState:
    """The proxy process of a realm; `process` is None when it is not ours (a real Toxiproxy)."""

    api: str
    process: ProcessId | None
    log: str = ""


@dataclass(frozen=True, slots=True)
class RealmState:
    """A realm that is up. `variables` are those its services were started with, as far as they mention them."""

    realm: str
    proxy: ProxyState | None = None
    services: Mapping[str, ServiceState] = field(default_factory=dict)
    edges: Mapping[str, EdgeState] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def addresses(self) -> dict[str, str]:
        """Base URL per service as the harness calls it: through the client's own edge."""
        fronts = {Edge.parse(edge).callee: state for edge, state in self.edges.items() if _is_front(edge)}
        direct = {name: state.url for name, state in self.services.items()}
        return direct | {name: f"http://{state.listen}" for name, state in fronts.items()}


def proxy_name(edge: Edge) -> str:
    """The edge's name at a Toxiproxy API: `>` and `/` would have to be escaped in its paths."""
    return f"{edge.caller}.to.{edge.callee}"


def state_path(workspace: Path, realm: str) -> Path:
    """Where the realm's state file is, or would be."""
    return workspace / FOLDER / f"{realm}.json"


def load_state(workspace: Path, realm: str) -> RealmState | None:
    """The state of a realm; None when it is not up. UsageError when the file is not one of ours."""
    path = state_path(workspace, realm)
    if not path.is_file():
        return None
    content = read_json(path)
    try:
        return _state(content)
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path}: not a realm's state file ({error}); remove it and start the realm again") from None


def save_state(workspace: Path, state: RealmState) -> None:
    """Write the state file in one piece."""
    path = state_path(workspace, state.realm)
    path.parent.mkdir(exist_ok=True)
    write_json(path, dataclasses.asdict(state))


def remove_state(workspace: Path, realm: str) -> None:
    """The realm is down."""
    with contextlib.suppress(FileNotFoundError):
        state_path(workspace, realm).unlink()


def addresses_of(realm: Realm, state: RealmState | None) -> dict[str, str]:
    """Base URL per service of any realm: fixed ones, and those of the state when it is up."""
    fixed = {name: place.url for name, place in realm.places.items() if place.url}
    return fixed | (state.addresses() if state else {})


def _is_front(edge: str) -> bool:
    return Edge.parse(edge).caller == CLIENT


def _state(content: Mapping[str, Any]) -> RealmState:
    proxy = content["proxy"]
    return RealmState(
        realm=content["realm"],
        proxy=ProxyState(**{**proxy, "process": _process(proxy["process"])}) if proxy else None,
        services={
            name: ServiceState(**{**item, "process": _process(item["process"])})
            for name, item in content["services"].items()
        },
        edges={name: EdgeState(**item) for name, item in content["edges"].items()},
        variables=content["variables"],
    )


def _process(content: Mapping[str, Any] | None) -> Any:
    return ProcessId(**content) if content else None
