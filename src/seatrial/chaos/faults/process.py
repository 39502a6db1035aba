"""Faults on a service that runs as a process of ours: kill it, stop it in its tracks, or restart it and its replicas.

Goes through `runtime`, which knows each process by id and creation time: a process somebody else started in the
meantime is neither signalled nor killed. What the process started itself, as a shell does, is killed or stopped with
it. Its fields suffice to undo it when the harness itself was killed. The order of replicas is in `rolling`.
"""

from __future__ import annotations

import signal as signals
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from seatrial.chaos.faults.injectable import AtOnce, Means, Site, Undone
from seatrial.chaos.faults.rolling import InTurn, rolling_of
from seatrial.chaos.model import Fault
from seatrial.chaos.service_settings import Kill
from seatrial.errors import CannotRun, FaultFailed
from seatrial.runtime import process
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.state import ProcessId, ServiceState, load_state
from seatrial.runtime.up import require_healthy, restart_service

END_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class OnProcess(AtOnce):
    """What every fault on a process knows of it: the service, and the process that it was when it was found."""

    means: ClassVar[Means] = Means.PROCESS
    heal_deadline_s: ClassVar[float] = 60.0
    lease: ClassVar[None] = None

    workspace: str
    realm: str
    service: str
    pid: int
    created_at: float

    @property
    def former(self) -> ProcessId:
        """The process that was found."""
        return ProcessId(self.pid, self.created_at)

    @property
    def current(self) -> ProcessId | None:
        """The process that is the service now, which may have ended; None when the realm is down."""
        state = load_state(Path(self.workspace), self.realm)
        known = state.services.get(self.service) if state else None
        return known.process if known else None

    def send(self, number: signals.Signals, wanted: str) -> None:
        """Signal it and what it started; FaultFailed when it is gone before it could be what is `wanted`."""
        if not process.send_signal(self.former, number):
            raise FaultFailed(f"'{self.service}' (process {self.pid}) was gone before it could be {wanted}")

    def restart(self) -> None:
        """End the process of the service that there is, start another, and wait until that is healthy."""
        workspace = Path(self.workspace)
        try:
            restart_service(choose_realm(read_realms(workspace), self.realm), workspace, self.service)
        except CannotRun as error:
            raise FaultFailed(f"'{self.service}' was ended and could not be started again: {error}") from None

    def start_again(self) -> Undone:
        """Start a service that was told to end, unless another process of it runs; the former is ended for good."""
        running = self.current
        if running is None:
            return Undone(False, f"nothing to do: realm '{self.realm}' is down")
        if process.is_alive(running) and running != self.former:
            return Undone(False, f"nothing to do: '{self.service}' runs")
        process.send_signal(self.former, signals.SIGKILL)
        self.restart()
        return Undone(True, f"'{self.service}' started again")


@dataclass(frozen=True, slots=True)
class KillProcess(OnProcess):
    """A signal that ends the process; undone by starting the service again where it was."""

    signal: str

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The process that is the service now."""
        name = fault.settings.signal if isinstance(fault.settings, Kill) else Kill().signal
        return cls(*_found(fault, site, fault.target), name)

    @property
    def sight(self) -> str:
        """The signal and the process."""
        return f"signal {self.signal} to process {self.pid} ({self.service}), started again afterwards"

    def inject(self) -> None:
        """Signal it and what it started, and see all of it end."""
        self.send(signals.Signals[f"SIG{self.signal}"], "killed")
        if not process.wait_gone([self.former], END_DEADLINE_S):
            raise FaultFailed(
                f"'{self.service}' (process {self.pid}) outlived signal {self.signal} by {END_DEADLINE_S} s"
            )

    def heal(self) -> Undone:
        """Start the service again and wait until it is healthy, unless another process of it runs.

        The one that was told to end may yet do so, when nobody looks any more: it is ended for good.
        """
        return self.start_again()


@dataclass(frozen=True, slots=True)
class StopProcess(OnProcess):
    """SIGSTOP: the process lives, holds its connections and answers nobody; undone by SIGCONT."""

    heal_deadline_s: ClassVar[float] = 10.0

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The process that is the service now."""
        return cls(*_found(fault, site, fault.target))

    @property
    def sight(self) -> str:
        """The process."""
        return f"stop process {self.pid} ({self.service}) by SIGSTOP, continued afterwards"

    def inject(self) -> None:
        """Stop it and what it started."""
        self.send(signals.SIGSTOP, "stopped")

    def heal(self) -> Undone:
        """Let all of it go on; one that does not stand still does not mind."""
        if not process.send_signal(self.former, signals.SIGCONT):
            return Undone(False, f"nothing to do: process {self.pid} of '{self.service}' is gone")
        return Undone(True, f"'{self.service}' continued")


@dataclass(frozen=True, slots=True)
class RestartProcess(OnProcess):
    """TERM, KILL to what outlives it by 10 s, and started again where it was; healing finishes what was cut short."""

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The process that is the service now."""
        return cls(*_found(fault, site, fault.target))

    @property
    def sight(self) -> str:
        """The process."""
        return f"restart process {self.pid} ({self.service}): TERM, and started again at once"

    @property
    def label(self) -> str:
        """The process and its service, in a list of several."""
        return f"{self.pid} ({self.service})"

    @property
    def is_up(self) -> bool:
        """Whether some process of it is there; where the realm is down, the one that was found."""
        return process.is_alive(self.current or self.former)

    @property
    def is_former(self) -> bool:
        """Whether the process that was found lives."""
        return process.is_alive(self.former)

    def inject(self) -> None:
        """End it and start another; over when that is healthy."""
        if not self.is_former or self.current != self.former:
            raise FaultFailed(f"'{self.service}' (process {self.pid}) was gone before it could be restarted")
        self.restart()
        if self.is_former:
            raise FaultFailed(f"'{self.service}' (process {self.pid}) was restarted, and its former process lives")

    def wait_well(self) -> None:
        """Wait until another process of the service is healthy."""
        running = self.current
        if running is None or running == self.former:
            return
        workspace = Path(self.workspace)
        try:
            require_healthy(choose_realm(read_realms(workspace), self.realm), workspace, self.service)
        except CannotRun as error:
            raise FaultFailed(f"'{self.service}' was restarted, and is not well: {error}") from None

    def heal(self) -> Undone:
        """Start the service and wait until it is healthy, unless another process of it runs."""
        return self.start_again()


@dataclass(frozen=True, slots=True)
class RollingRestartProcesses(InTurn):
    """Services restarted one after the other, each when the one before is healthy; healing finishes the one begun."""

    means: ClassVar[Means] = Means.PROCESS
    noun: ClassVar[str] = "processes"
    part: ClassVar[type[RestartProcess]] = RestartProcess

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The processes that are the services now."""
        services, pause_s = rolling_of(fault)
        parts = [RestartProcess(*_found(fault, site, name)) for name in services]
        return cls.of(parts, pause_s, where=fault.where)


def _found(fault: Fault, site: Site, service: str) -> tuple[str, str, str, int, float]:
    """The fields of an `OnProcess`: the process that is the service now."""
    found = _running(fault, site, service).process
    return str(site.workspace), site.realm.name, service, found.pid, found.created_at


def _running(fault: Fault, site: Site, service: str) -> ServiceState:
    """The service as it runs now; CannotRun when it does not."""
    found = site.state.services.get(service) if site.state else None
    if found is None or not process.is_alive(found.process):
        raise CannotRun(
            f"{fault.where}: '{service}' does not run in realm '{site.realm.name}'; "
            f"start it: seatrial up --realm {site.realm.name}"
        )
    return found
