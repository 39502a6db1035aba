"""A rolling restart of whatever can be restarted: one part after the other, each when the one before is well again.

Takes parts by their fields, as the ledger keeps them, which also holds how many have had their turn: it is told so
before each. Healing finishes the restart that was cut short, and leaves those that had no turn alone. May import the
floor and `injectable`.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from seatrial.chaos.faults.injectable import Undone
from seatrial.chaos.model import Fault, ServiceFault
from seatrial.chaos.service_settings import RollingRestart
from seatrial.errors import CannotRun, FaultFailed, Where
from seatrial.quantity import show_duration

HEAL_MOST_S = 300.0  # however many the parts
pause: Callable[[threading.Event, float], object] = threading.Event.wait  # between two parts; over when told to stop


class Restartable(Protocol):
    """One part of a rolling restart: a frozen dataclass of JSON values."""

    heal_deadline_s: ClassVar[float]

    @property
    def label(self) -> str:
        """What it is, in a list of several."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether some run of it is there, or none of it can be started."""
        ...

    @property
    def is_former(self) -> bool:
        """Whether it still is the run that was found."""
        ...

    def inject(self) -> None:
        """Restart it; over when it is well."""
        ...

    def wait_well(self) -> None:
        """Wait until a run of it that was started since is well; FaultFailed when it is not in time."""
        ...

    def heal(self) -> Undone:
        """Start it where it is down; the run that was found is ended for good before."""
        ...


@dataclass(frozen=True, slots=True)
class InTurn:
    """Parts restarted one after the other; `rows` are the fields of each `part`, in their order. The first `begun` of
    them have had their turn: all are well but the last of these, which may have been told to end."""

    lease: ClassVar[None] = None
    noun: ClassVar[str]
    part: ClassVar[type[Any]]

    rows: Sequence[Sequence[Any]]
    pause_s: float
    begun: int

    @classmethod
    def of(cls, parts: Sequence[Restartable], pause_s: float, *, where: Where | None) -> Self:
        """Of parts that were found; CannotRun where there is but one, so that nothing would stay up meanwhile."""
        if len(parts) < 2:
            raise CannotRun(
                f"{where}: only {', '.join(part.label for part in parts)} would be restarted, and no replica would "
                "answer meanwhile; name its replicas, as rolling_restart: {replicas: [ledger2]}, or use `restart: {}`"
            )
        return cls(tuple(map(dataclasses.astuple, parts)), pause_s, begun=0)  # type: ignore[arg-type]

    @property
    def sight(self) -> str:
        """The parts, in their order."""
        listed = ", ".join(part.label for part in self.parts)
        return f"restart {self.noun} {listed} one after the other, {show_duration(self.pause_s)} apart"

    @property
    def parts(self) -> tuple[Restartable, ...]:
        """What is restarted, in its order."""
        return tuple(self.part(*row) for row in self.rows)

    @property
    def takes_s(self) -> float:
        """The pauses between one restart and the next."""
        return self.pause_s * (len(self.rows) - 1)

    @property
    def heal_deadline_s(self) -> float:
        """How long healing may take: that of each part that has had its turn, up to a bound."""
        of_each: float = self.part.heal_deadline_s
        return min(HEAL_MOST_S, of_each * max(1, self.begun))

    def in_turn(self, stop: threading.Event) -> Iterator[Self]:
        """Restart all of them, or no further one once `stop` is set; over when the last of them is well.

        Gives before each turn what undoes it from then on, and goes on when asked for the next: what is not noted by
        then, healing takes for a part that had no turn.
        """
        for number, part in enumerate(self.parts):
            if number:
                pause(stop, self.pause_s)
            if stop.is_set():
                return
            yield dataclasses.replace(self, begun=number + 1)
            part.inject()

    def heal(self) -> Undone:
        """Start what is down of those that had their turn. Where nothing is, the last of them may have been told to
        end, and is restarted for good if it still runs as before, once the others are well.
        FaultFailed when one that was restarted does not get well: the others are what is left to answer."""
        parts = self.parts[: self.begun]
        down = [part for part in parts if not part.is_up]
        if not down:
            for part in parts:
                part.wait_well()
        undone: list[Undone] = []
        failures: list[str] = []
        for part in down or [part for part in parts if part.is_former]:
            try:
                undone.append(part.heal())
            except FaultFailed as failure:  # none keeps the others from being started
                failures.append(str(failure))
        if failures:
            raise FaultFailed("; ".join(failures))
        done = "; ".join(each.text for each in undone if each.needed)
        had = f"{self.begun} of {len(self.rows)} {self.noun} had their turn"
        return Undone(bool(done), done or f"nothing to do: {had}, and are well, or gone")


def rolling_of(fault: Fault) -> tuple[tuple[str, ...], float]:
    """The services of a rolling restart and its pause; CannotRun for a fault that is none."""
    if not (isinstance(fault, ServiceFault) and isinstance(fault.settings, RollingRestart)):
        raise CannotRun(f"{fault.where}: '{fault.kind}' restarts a service and its replicas, not '{fault.target}'")
    return fault.services, fault.settings.pause_s
