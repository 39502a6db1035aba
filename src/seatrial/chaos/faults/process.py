"""Faults on a service that runs as a process of ours: kill it, or stop it in its tracks.

Goes through `runtime`, which knows each process by id and creation time: a process somebody else started in the
meantime is neither signalled nor killed. What the process started itself, as a shell does, is killed or stopped with
it. Its fields suffice to undo it when the harness itself was killed.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from seatrial.chaos.faults.injectable import Lease, Means, Site, Undone
from seatrial.chaos.model import Fault, Kill
from seatrial.errors import CannotRun, FaultFailed
from seatrial.runtime import process
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.state import ProcessId, ServiceState, load_state
from seatrial.runtime.up import restart_service

END_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class KillProcess:
    """A signal that ends the process; undone by starting the service again where it was."""

    means: ClassVar[Means] = Means.PROCESS
    heal_deadline_s: ClassVar[float] = 60.0

    workspace: str
    realm: str
    service: str
    signal: str
    pid: int
    created_at: float

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The process that is the service now."""
        found = _running(fault, site).process
        name = fault.settings.signal if isinstance(fault.settings, Kill) else "KILL"
        return cls(str(site.workspace), site.realm.name, fault.target, name, found.pid, found.created_at)

    @property
    def lease(self) -> Lease | None:
        """None: the ledger alone tells how to undo it."""
        return None

    @property
    def sight(self) -> str:
        """The signal and the process."""
        return f"signal {self.signal} to process {self.pid} ({self.service}), started again afterwards"

    def inject(self) -> None:
        """Signal it and what it started, and see all of it end."""
        killed = ProcessId(self.pid, self.created_at)
        if not process.send_signal(killed, signal.Signals[f"SIG{self.signal}"]):
            raise FaultFailed(f"'{self.service}' (process {self.pid}) was gone before it could be killed")
        if not process.wait_gone([killed], END_DEADLINE_S):
            raise FaultFailed(
                f"'{self.service}' (process {self.pid}) outlived signal {self.signal} by {END_DEADLINE_S} s"
            )

    def heal(self) -> Undone:
        """Start the service again and wait until it is healthy, unless it runs."""
        workspace = Path(self.workspace)
        state = load_state(workspace, self.realm)
        if state is None or self.service not in state.services:
            return Undone(False, f"nothing to do: realm '{self.realm}' is down")
        if process.is_alive(state.services[self.service].process):
            return Undone(False, f"nothing to do: '{self.service}' runs")
        try:
            restart_service(choose_realm(read_realms(workspace), self.realm), workspace, self.service)
        except CannotRun as error:
            raise FaultFailed(f"'{self.service}' was killed and could not be started again: {error}") from None
        return Undone(True, f"'{self.service}' started again")


@dataclass(frozen=True, slots=True)
class StopProcess:
    """SIGSTOP: the process lives, holds its connections and answers nobody; undone by SIGCONT."""

    means: ClassVar[Means] = Means.PROCESS
    heal_deadline_s: ClassVar[float] = 10.0

    workspace: str
    realm: str
    service: str
    pid: int
    created_at: float

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The process that is the service now."""
        found = _running(fault, site).process
        return cls(str(site.workspace), site.realm.name, fault.target, found.pid, found.created_at)

    @property
    def lease(self) -> Lease | None:
        """None: the ledger alone tells how to undo it."""
        return None

    @property
    def sight(self) -> str:
        """The process."""
        return f"stop process {self.pid} ({self.service}) by SIGSTOP, continued afterwards"

    def inject(self) -> None:
        """Stop it and what it started."""
        if not process.send_signal(ProcessId(self.pid, self.created_at), signal.SIGSTOP):
            raise FaultFailed(f"'{self.service}' (process {self.pid}) was gone before it could be stopped")

    def heal(self) -> Undone:
        """Let all of it go on; one that does not stand still does not mind."""
        if not process.send_signal(ProcessId(self.pid, self.created_at), signal.SIGCONT):
            return Undone(False, f"nothing to do: process {self.pid} of '{self.service}' is gone")
        return Undone(True, f"'{self.service}' continued")


def _running(fault: Fault, site: Site) -> ServiceState:
    found = site.state.services.get(fault.target) if site.state else None
    if found is None or not process.is_alive(found.process):
        raise CannotRun(
            f"{fault.where}: '{fault.target}' does not run in realm '{site.realm.name}'; "
            f"start it: seatrial up --realm {site.realm.name}"
        )
    return found
