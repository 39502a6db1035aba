"""A container that a fault is done to: how it is found, read back after what the engine did, and started again.

Goes through `runtime`, which finds the container and refuses one that has not been opted in. A container is known by
its id and the moment it was started: one that somebody else replaced, restarted or paused in the meantime is another
run of it. The fields suffice to undo a fault when the harness itself was killed, at whatever engine was used then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from seatrial.chaos.faults.injectable import AtOnce, Means, Site, Undone
from seatrial.chaos.model import Fault
from seatrial.errors import CannotRun, FaultFailed, Refused
from seatrial.runtime.containers import Container, Status, permit_fault
from seatrial.runtime.docker import Engine, find_container
from seatrial.runtime.up import direct_addresses

END_DEADLINE_S = 10.0
HEALTHY_WITHIN_S = 30.0
_ALIVE = (Status.RUNNING, Status.PAUSED)

Claim = Callable[[Container | None], bool]


@dataclass(frozen=True, slots=True)
class OnContainer(AtOnce):
    """What every fault on a container knows of it; `started_at` is that of the run the fault is done to."""

    means: ClassVar[Means] = Means.DOCKER
    lease: ClassVar[None] = None
    heal_deadline_s: ClassVar[float] = 45.0

    engine: str
    container: str
    name: str
    started_at: str
    service: str

    @property
    def at(self) -> Engine:
        """The engine that runs it."""
        return Engine(self.engine)

    def look(self) -> Container | None:
        """How it is now; None when it is gone."""
        return self.at.look(self.container)

    def runs_on(self, found: Container | None) -> bool:
        """Whether it still is the run that was found, running."""
        return found is not None and found.status is Status.RUNNING and found.started_at == self.started_at

    def is_another(self, found: Container | None) -> bool:
        """Whether it was started since."""
        return found is not None and found.started_at != self.started_at

    def has_ended(self, found: Container | None) -> bool:
        """Whether the run that was found is over."""
        return found is None or found.started_at != self.started_at or found.status not in _ALIVE

    def read_back(self, holds: Claim, done: str, otherwise: str = "") -> Container | None:
        """How it is after the engine said that it was `done`; FaultFailed where that does not hold."""
        found = self.look()
        if not holds(found):
            raise FaultFailed(f"the engine said it {done}, and it {otherwise or state_of(found)}")
        return found

    def untouched(self, found: Container | None, why: str = "") -> Undone:
        """Nothing is to be undone: it `why`, else it is as it was found now."""
        return Undone(False, f"nothing to do: container {self.name} {why or state_of(found)}")

    def see_end(self, outlived: str) -> None:
        """Wait until the run that was found is over; FaultFailed that says `outlived` when it is not in time."""
        if not self.at.wait_until(self.container, self.has_ended, deadline_s=END_DEADLINE_S):
            raise FaultFailed(outlived)


@dataclass(frozen=True, slots=True)
class OnRestartable(OnContainer):
    """A container that can be started again as it is. `health_url` tells that it is well; where empty, its own check
    does."""

    heal_deadline_s: ClassVar[float] = 90.0

    health_url: str

    @property
    def is_up(self) -> bool:
        """Whether some run of it is there, or it is gone and no run of it can be."""
        found = self.look()
        return found is None or found.status in _ALIVE

    @property
    def is_former(self) -> bool:
        """Whether it still is the run that was found."""
        return self.runs_on(self.look())

    def wait_healthy(self) -> None:
        """Wait until it runs and is well; FaultFailed with the end of its log when it is not in time."""
        self.at.wait_healthy(self.container, self.health_url, deadline_s=HEALTHY_WITHIN_S)

    def start(self) -> None:
        """Start it as it was created, and wait until it is healthy."""
        self.at.start(self.container)
        self.wait_healthy()

    def start_again(self, told: str) -> Undone:
        """Start it again if the run that was `told` to end is over or may yet be; one started since is left alone."""
        found = self.look()
        if self.runs_on(found):
            # It may yet end, when nobody looks any more: it is ended for good.
            with contextlib.suppress(FaultFailed):  # it may have ended just now
                self.at.send_signal(self.container, "KILL")
            self.see_end(f"container {self.name} could not be ended, and may end later by {told}")
        elif found is None or found.status in _ALIVE:
            return self.untouched(found)
        self.start()
        return Undone(True, f"container {self.name} started again and healthy")


def restartable(
    engine: Engine, found: Container, service: str, health_url: str
) -> tuple[str, str, str, str, str, str]:
    """The fields of an `OnRestartable`, in their order."""
    return engine.url, found.id, found.name, found.started_at, service, health_url


def container_of(fault: Fault, site: Site) -> tuple[Engine, Container]:
    """The container of a service, opted in and running."""
    engine, found = find_container(site.realm, fault.target)
    return engine, opted_in(found, fault)


def opted_in(found: Container, fault: Fault) -> Container:
    """The same, when it allows faults and runs; Refused or CannotRun else."""
    permit_fault(found, where=fault.where)
    if found.status is not Status.RUNNING:
        of = found.service or fault.target
        raise CannotRun(f"{fault.where}: container {found} of '{of}' does not run; start it, or unpause it")
    return found


def refuse_unstartable(found: Container, fault: Fault) -> None:
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


def health_url_of(fault: Fault, site: Site, service: str | None = None) -> str:
    """Where the service, that of the fault unless another is named, says itself that it is well, past our proxies."""
    name = service or fault.target
    address = direct_addresses(site.realm, site.state).get(name)
    if address is None:
        raise CannotRun(
            f"{fault.where}: nothing tells the address of '{name}'; start its realm: "
            f"seatrial up --realm {site.realm.name}"
        )
    return f"{address}{site.realm.places[name].health}"


def state_of(found: Container | None) -> str:
    """How a container is, as the end of a sentence about it."""
    return "is gone" if found is None else f"is {found.status}"
