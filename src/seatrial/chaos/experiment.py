"""Plays one experiment: plan -> baseline -> inject -> observe -> heal -> recover, as one straight line.

Takes a checked experiment, and traffic and judgement as callables; gives an `ExperimentRecord`. What it showed is
judged from what was recorded meanwhile (`verify`). Heals on every way out. Must never import scenarios or slo, nor
ask another clock than it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.chaos.active import Active, Resolved
from seatrial.chaos.inject import Injector, Say
from seatrial.chaos.model import AbortOn, Experiment, ExperimentRecord, Fault, Injection
from seatrial.chaos.plan import Checked, refuse_longer
from seatrial.chaos.verify import EXPIRED, UNSTEADY, Judge, judge_steady
from seatrial.clock import Clock
from seatrial.errors import CannotRun
from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import FaultWindow, Phase
from seatrial.verdict import Finding, Grade

TICK_S = 0.5

Observe = Callable[[], object]
Mark = Callable[[Phase, str | None], None]
Failing = Callable[[], float | None]
Enough = Callable[[Phase], bool]


@dataclass(frozen=True)
class Surroundings:
    """What an experiment is played in. The traffic goes on by itself meanwhile.

    `resolve` finds a fault's target when its time has come. `observe` is called at every tick, to record the calls
    that ended since. `judge` holds an objective against what was measured in its phase; `mark` says to which phase
    what follows belongs. `failing` is the share of requests that failed in about the last second, None when there
    were none; without it no abort condition is watched. `enough` says at every tick whether a phase, DURING or AFTER,
    has shown all it can and may end before its time. The `injector` has been entered.
    """

    injector: Injector
    resolve: Callable[[Fault], Resolved]
    observe: Observe
    judge: Judge
    mark: Mark
    clock: Clock
    say: Say
    failing: Failing | None = None
    enough: Enough = lambda phase: False


def run_experiment(checked: Checked, around: Surroundings, *, held_s: float = 0.0) -> ExperimentRecord:
    """Play it to the end. An undisturbed hold that lasts for `held_s` already counts as baseline; without one the
    baseline is marked as the experiment's own, because an earlier experiment may have left its traces in the hold.

    FaultFailed when a fault cannot be injected; everything was healed then.
    """
    for injection in checked.experiment.method:
        # A target that is not there is told before anybody waits for a baseline; the watchdog has that time to start.
        resolved = around.resolve(injection.fault)
        refuse_longer(injection, resolved, limit_s=checked.experiment.limits.duration_s)
        around.injector.guard(resolved)
    course = _Course(checked, around)
    started_at = around.clock.now()
    steady = course.baseline(held_s)
    if any(finding.grade is Grade.MISSED for finding in steady):
        return course.record(started_at, aborted=UNSTEADY)
    aborted = course.method()
    course.recover()
    return course.record(started_at, aborted=aborted)


class _Ended(Exception):
    """No error: why a method ends before its plan does."""


class _Course:
    """One experiment under way."""

    def __init__(self, checked: Checked, around: Surroundings) -> None:
        self._checked = checked
        self._experiment = checked.experiment
        self._around = around
        self._first_window = len(around.injector.windows)

    @property
    def windows(self) -> tuple[FaultWindow, ...]:
        """The faults of this experiment that are over, in the order of their beginning."""
        own = self._around.injector.windows[self._first_window :]
        return tuple(sorted(own, key=lambda window: window.started_at))

    def baseline(self, held_s: float) -> tuple[Finding, ...]:
        """Watch the undisturbed system; what was found of its steady state."""
        wait_s = max(0.0, self._experiment.baseline_s - held_s)
        if wait_s:
            self._around.say(f"{self._experiment.name}: baseline for {show_duration(wait_s)}")
        self._around.mark(Phase.HOLD, None if held_s else self._experiment.name)
        self._watch_until(self._around.clock.monotonic() + wait_s, self._look)
        return judge_steady(self._checked, self._around.judge)

    def method(self) -> str:
        """Inject and heal on time; why it ended early, empty when it did not. Everything is healed at its end."""
        self._around.mark(Phase.DURING, self._experiment.name)
        begun = self._around.clock.monotonic()
        on: dict[Injection, Active] = {}
        look = self._looking(self._experiment.abort_on)
        try:
            for at_s, injection in _agenda(self._experiment):
                self._watch_until(begun + at_s, look, phase=Phase.DURING)
                if on and self._around.enough(Phase.DURING):
                    return ""
                self._turn(injection, on, look, latest=begun + self._experiment.limits.duration_s)
            return ""
        except _Ended as ended:
            return str(ended)
        finally:
            self._around.injector.heal_all()

    def recover(self) -> None:
        """Watch how the system comes back."""
        self._around.mark(Phase.AFTER, self._experiment.name)
        self._around.say(f"{self._experiment.name}: healed; watching the recovery")
        self._watch_until(self._around.clock.monotonic() + self._experiment.recovery_s, self._look, phase=Phase.AFTER)

    def record(self, started_at: float, *, aborted: str) -> ExperimentRecord:
        """What is left of it."""
        name, windows = self._experiment.name, self.windows
        lost = ", ".join(window.target for window in windows if window.ended == EXPIRED)
        ended = f"the lease of {lost} ran out by itself" if lost else aborted
        return ExperimentRecord(name, started_at, self._around.clock.now(), windows, ended)

    def _turn(
        self, injection: Injection, on: dict[Injection, Active], look: Callable[[], None], *, latest: float
    ) -> None:
        """Heal what is on, inject what is not; an injection that takes its time is over by then, or ended."""
        active = on.pop(injection, None)
        if active is not None:
            self._around.injector.heal(active)
            return
        selected = f" ({injection.fault.selects})" if injection.fault.selects else ""
        self._around.say(f"{self._experiment.name}: {injection.fault.kind} on {injection.fault.target}{selected}")
        resolved = self._around.resolve(injection.fault)

        def meanwhile() -> None:
            look()
            if self._around.clock.monotonic() > latest:
                limit = show_duration(self._experiment.limits.duration_s)
                raise _Ended(
                    f"{injection.fault.kind} on {injection.fault.target} was not over within the limit, {limit}"
                )

        on[injection] = self._around.injector.inject(resolved, experiment=self._experiment.name, meanwhile=meanwhile)

    def _watch_until(self, moment: float, look: Callable[[], None], *, phase: Phase = Phase.HOLD) -> None:
        """Look at every tick until then, or until the phase has shown enough."""
        clock = self._around.clock
        while (left_s := moment - clock.monotonic()) > 0:
            clock.sleep(min(TICK_S, left_s))
            look()
            if phase is not Phase.HOLD and self._around.enough(phase):
                return

    def _looking(self, abort: AbortOn | None) -> Callable[[], None]:
        """Lets what happened be recorded, at every tick of the method; _Ended when that is to end it all.

        One for all of the method: errors may begin with one fault and go on with the next.
        """
        clock, bad_since = self._around.clock, None

        def look() -> None:
            nonlocal bad_since
            self._look()
            bad_since = self._bad_since(abort, bad_since)
            if abort and bad_since is not None and clock.monotonic() - bad_since >= abort.for_s:
                errors = f"more than {show_ratio(abort.errors_ratio or 0.0)} errors"
                raise _Ended(f"{errors} for {show_duration(abort.for_s)}")
            if abort and (missed := self._missed()):
                raise _Ended(missed)

        return look

    def _missed(self) -> str:
        """Which objective that ends the experiment is missed, and how; empty while none is."""
        for item in self._checked.abort:
            finding = self._around.judge(item)
            if finding.grade is Grade.MISSED:
                return f"{item.service}.{item.objective.name} was missed: {finding.reason}"
        return ""

    def _look(self) -> None:
        """Let what happened be recorded; FaultFailed with its faults where their proxy is gone."""
        self._around.injector.require()
        try:
            self._around.observe()
        except CannotRun:
            self._around.injector.require_proxies()
            raise

    def _bad_since(self, abort: AbortOn | None, since: float | None) -> float | None:
        share = self._around.failing() if abort and self._around.failing else None
        if abort is None or abort.errors_ratio is None or share is None or share <= abort.errors_ratio:
            return None
        return self._around.clock.monotonic() if since is None else since


def _agenda(experiment: Experiment) -> list[tuple[float, Injection]]:
    """When to turn each fault on, then off, by time; at the same moment what ends goes first."""
    turns = [(item.at_s, 1, item) for item in experiment.method]
    turns += [(item.until_s, 0, item) for item in experiment.method]
    return [(at_s, item) for at_s, _, item in sorted(turns, key=lambda turn: turn[:2])]
