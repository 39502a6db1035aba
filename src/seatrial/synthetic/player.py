"""Plays a scenario once for the monitor, and keeps the run's deadline whatever the scenario asks for.

Takes scenarios and what a play is told of the realm; gives a callable for `watch`. The deadline bounds every
request and every wait by the time that is left, and afterwards nothing is sent any more, by teardown neither:
a journey that needs longer needs a longer deadline. May import `scenarios`; must never judge an answer itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seatrial import http
from seatrial.clock import Clock
from seatrial.errors import CannotRun
from seatrial.exchange import Answer, Broken, Request
from seatrial.quantity import show_duration
from seatrial.redact import Secrets
from seatrial.sample import Cause, Phase, Sample
from seatrial.scenarios.drive import drive
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Context, PlayResult
from seatrial.scenarios.once import Onces
from seatrial.scenarios.rows import expand_rows
from seatrial.synthetic.model import PlayOutcome

RUN = "watch"  # the run its samples would belong to; the monitor keeps results, not samples


@dataclass(frozen=True)
class Player:
    """Plays a scenario of `scenarios` by its name; safe from several threads, each play has its own connections."""

    scenarios: Mapping[str, Scenario]
    context: Context
    clock: Clock

    def __call__(self, name: str, deadline_s: float) -> PlayOutcome:
        """Play it once, or once for each of its rows, within the deadline; the first that fails decides.

        CannotRun when it says itself that it must be skipped.
        """
        started = self.clock.monotonic()
        deadline = Deadline(started + deadline_s, deadline_s, self.clock)
        # Secret captures are this play's own: a watch of months must not remember them all.
        context = dataclasses.replace(self.context, secrets=self.context.secrets.fork())
        onces = Onces()
        with BoundedClient(deadline) as client:
            result = _first_failed(
                drive(
                    scenario,
                    context,
                    client,
                    clock=BoundedClock(deadline),
                    record=_ignore,
                    run=RUN,
                    phase=Phase.MONITOR,
                    onces=onces,
                )
                for scenario in expand_rows(self.scenarios[name])
            )
        return outcome_of(result, latency_s=self.clock.monotonic() - started, secrets=context.secrets)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, in monotonic seconds, after which a run of `length_s` does nothing any more."""

    ends_at: float
    length_s: float
    clock: Clock

    def left_s(self) -> float:
        """The time left, in seconds; never negative."""
        return max(0.0, self.ends_at - self.clock.monotonic())


class BoundedClient(http.Client):
    """A client whose every exchange has at most the time that is left."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def send(self, request: Request) -> Answer:
        """Send it with what is left of the time; without any left it is broken at once, and nothing was sent."""
        left_s = self._deadline.left_s()
        if left_s <= 0.0:
            shown = show_duration(self._deadline.length_s)
            return Broken(Cause.TIMEOUT, f"not sent: the monitor's deadline of {shown} has passed", 0.0)
        return super().send(dataclasses.replace(request, timeout_s=min(request.timeout_s, left_s)))


class BoundedClock:
    """A clock that waits no longer than the time that is left."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def now(self) -> float:
        """UTC seconds since the epoch."""
        return self._deadline.clock.now()

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return self._deadline.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that long, or till the deadline."""
        self._deadline.clock.sleep(min(seconds, self._deadline.left_s()))


def _first_failed(results: Iterator[PlayResult]) -> PlayResult:
    """The first that did not pass, and no play after it; else the last."""
    played: PlayResult | None = None
    for played in results:
        if not played.passed:
            break
    assert played is not None, "a scenario has at least one play"
    return played


def outcome_of(result: PlayResult, *, latency_s: float, secrets: Secrets) -> PlayOutcome:
    """What the monitor keeps of a play, redacted; CannotRun when it was skipped: that tells nothing of the target."""
    if result.skipped:
        raise CannotRun(f"{result.scenario.where}: '{result.scenario.name}' is skipped: {result.skipped}")
    step, detail = _failure(result)
    return PlayOutcome(result.passed, step, secrets.redact(detail), latency_s=latency_s, trace_id=result.trace_id)


def _failure(result: PlayResult) -> tuple[str, str]:
    """The first failing step and what was expected and seen; what failed outside a step has no step."""
    for ended in result.steps:
        if ended.failed and ended.last:
            return ended.step.name, ended.last.detail
    return "", result.failures[0].summary if result.failures else ""


def _ignore(sample: Sample) -> None:
    """Samples are not kept: the result of a play is."""
