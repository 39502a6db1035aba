"""Faults on a service that runs as a container: kill it, or pause it.

Goes through `runtime`, which finds the container and refuses one that has not been opted in. A container is known by
its id and the moment it was started: one that somebody else replaced, restarted or paused in the meantime is left as
it is. The fields suffice to undo a fault when the harness itself was killed, at whatever engine was used then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from seatrial.chaos.faults.injectable import Lease, Means, Site, Undone
from seatrial.chaos.model import Fault, Kill
from seatrial.errors import CannotRun, FaultFailed, Refused
from seatrial.runtime.containers import Container, Status, permit_fault
from seatrial.runtime.docker import Engine, find_container
from seatrial.runtime.up import direct_addresses

END_DEADLINE_S = 10.0
HEALTHY_WITHIN_S = 30.0
_ALIVE = (Status.RUNNING, Status.PAUSED)


@dataclass(frozen=True, slots=True)
class KillContainer:
    """A signal that ends the container; undone by starting the same container again."""

    means: ClassVar[Means] = Means.DOCKER
    heal_deadline_s: ClassVar[float] = 90.0

    engine: str
    container: str
    name: str
    started_at: str
    service: str
    signal: str
    health_url: str

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now; Refused when it could not be started again as it is."""
        engine, found = _target(fault, site)
        _refuse_unstartable(found, fault)
        return cls(
            engine=engine.url,
            container=found.id,
            name=found.name,
            started_at=found.started_at,
            service=fault.target,
            signal=fault.settings.signal if isinstance(fault.settings, Kill) else Kill().signal,
            health_url=_health_url(fault, site),
        )

    @property
    def lease(self) -> Lease | None:
        """None: the ledger alone tells how to undo it."""
        return None

    @property
    def sight(self) -> str:
        """The signal and the container."""
        return f"signal {self.signal} to container {self.name} ({self.service}), started again afterwards"

    def inject(self) -> None:
        """Signal it, and see it end."""
        engine = Engine(self.engine)
        engine.send_signal(self.container, self.signal)
        if not engine.wait_until(self.container, self._has_ended, deadline_s=END_DEADLINE_S):
            raise FaultFailed(
                f"container {self.name} outlived signal {self.signal} by {END_DEADLINE_S:g} s; its first process "
                "ignores what it does not handle: use KILL, or start the container with an init (`init: true`)"
            )

    def heal(self) -> Undone:
        """Start it again and wait until it is healthy, unless it runs or is gone."""
        engine = Engine(self.engine)
        found = engine.look(self.container)
        if found is None or found.status in _ALIVE:
            return _nothing_to_do(self.name, found)
        engine.start(self.container)
        engine.wait_healthy(self.container, self.health_url, deadline_s=HEALTHY_WITHIN_S)
        return Undone(True, f"container {self.name} started again and healthy")

    def _has_ended(self, found: Container | None) -> bool:
        return found is None or found.started_at != self.started_at or found.status not in _ALIVE


@dataclass(frozen=True, slots=True)
class PauseContainer:
    """Every process of the container frozen: it holds its connections and answers nobody; undone by unpausing."""

    means: ClassVar[Means] = Means.DOCKER
    heal_deadline_s: ClassVar[float] = 45.0

    engine: str
    container: str
    name: str
    started_at: str
    service: str

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now."""
        engine, found = _target(fault, site)
        return cls(engine.url, found.id, found.name, found.started_at, fault.target)

    @property
    def lease(self) -> Lease | None:
        """None: the ledger alone tells how to undo it."""
        return None

    @property
    def sight(self) -> str:
        """The container."""
        return f"pause container {self.name} ({self.service}), unpaused afterwards"

    def inject(self) -> None:
        """Pause it, and see that it is."""
        engine = Engine(self.engine)
        engine.pause(self.container)
        found = engine.look(self.container)
        if found is None or found.status is not Status.PAUSED:
            raise FaultFailed(f"the engine said it paused container {self.name}, and it {_state_of(found)}")

    def heal(self) -> Undone:
        """Unpause it, and see that it runs; one that is not paused, or was started since, does not mind."""
        engine = Engine(self.engine)
        found = engine.look(self.container)
        if found is None or found.status is not Status.PAUSED or found.started_at != self.started_at:
            return _nothing_to_do(self.name, found)
        engine.unpause(self.container)
        after = engine.look(self.container)
        if after is not None and after.status is Status.PAUSED:
            raise FaultFailed(f"the engine said it unpaused container {self.name}, and it is paused")
        return Undone(True, f"container {self.name} unpaused")


def _target(fault: Fault, site: Site) -> tuple[Engine, Container]:
    """The container of a service, opted in and running."""
    engine, found = find_container(site.realm, fault.target)
    permit_fault(found, where=fault.where)
    if found.status is not Status.RUNNING:
        raise CannotRun(f"{fault.where}: container {found} of '{fault.target}' does not run; start it, or unpause it")
    return engine, found


def _refuse_unstartable(found: Container, fault: Fault) -> None:
    """A container that is gone once it ends, or comes back at another port, cannot be healed."""
    if found.removed_at_end:
        raise Refused(
            f"{fault.where}: container {found} is removed when it ends (`--rm`), so it could not be started again; "
            "create it without, or use `stop: {}`"
        )
    if found.loose_ports:
        raise Refused(
            f"{fault.where}: container {found} publishes {', '.join(found.loose_ports)} on a host port that changes "
            "with every start; publish it on a fixed one, as 127.0.0.1:8080:8080"
        )


def _health_url(fault: Fault, site: Site) -> str:
    """Where the service itself says that it is well, past the harness's own proxies."""
    address = direct_addresses(site.realm, site.state).get(fault.target)
    if address is None:
        raise CannotRun(
            f"{fault.where}: nothing tells the address of '{fault.target}'; start its realm: "
            f"seatrial up --realm {site.realm.name}"
        )
    return f"{address}{site.realm.places[fault.target].health}"


def _nothing_to_do(name: str, found: Container | None) -> Undone:
    return Undone(False, f"nothing to do: container {name} {_state_of(found)}")


def _state_of(found: Container | None) -> str:
    return "is gone" if found is None else f"is {found.status}"
