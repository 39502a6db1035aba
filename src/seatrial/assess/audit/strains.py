"""Plays the strains of an audit under its traffic, in the order and for the time that each of them needs.

Takes a bridge whose load is under way; records calls and faults. A strain begins when all has been well for as long
as its control phase, and no failed call of an earlier one is in its breaker's window any more: so edges take turns,
and nobody waits for a window to pass while another edge can be strained. Everything injected is healed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from seatrial.assess import stage
from seatrial.assess.audit.crowd import CrowdFailed, crowd
from seatrial.assess.audit.looks import ask_for_health, count_connections, starting_without
from seatrial.assess.stage import Bridge, Loading, Moment
from seatrial.chaos.audit import battery, pace
from seatrial.chaos.audit.model import Kind, Observation, Strain
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.inject import Injector
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.chaos.verify import span_of
from seatrial.clock import Clock
from seatrial.sample import EdgeCall, FaultWindow, Phase, Sample


class Straining:
    """The strains of one audit as they are played. `usual` are the calls of the traffic so far, without any fault."""

    def __init__(
        self, bridge: Bridge, loading: Loading, watch: EdgeWatch, *, injector: Injector, usual: Sequence[EdgeCall]
    ) -> None:
        self._bridge = bridge
        self._loading = loading
        self._watch = watch
        self._injector = injector
        self._calls = list(usual)
        self._calm_at = min((call.started_at for call in usual), default=bridge.clock.now())
        self._rested_at: dict[str, float] = {}

    def play(self, strains: Sequence[Strain]) -> dict[str, str]:
        """All of them; by name, why one cannot be judged: the budget had no room for it, or its crowd was gone."""
        waiting, lacking = list(strains), dict[str, str]()
        windows_s = {str(strain.edge): strain.breaker.window_s for strain in strains}
        while waiting:
            strain = pace.first(waiting, self._ready_at)
            waiting.remove(strain)
            if why := self._bridge.budget.lacking(battery.experiment_of(strain).takes_s):
                lacking[strain.name] = why
                continue
            self._bridge.show(Moment(strain.name, len(strains) - len(waiting) - 1, len(strains)))
            under_way = _UnderWay(strain, self._calls, self._bridge.clock)
            look = self._asking(under_way)
            self._loading.running.mark(Phase.HOLD, strain.name)
            look()
            self._watch_until(self._ready_at(strain), look)
            if why := self._play(strain, under_way, look, windows_s=windows_s):
                self._bridge.say(f"{strain.name}: {why}")
                lacking[strain.name] = why
        return lacking

    def _ready_at(self, strain: Strain) -> float:
        """When it may begin, UTC seconds."""
        return max(self._calm_at + battery.CONTROL_S, self._rested_at.get(str(strain.edge), 0.0))

    def _watch_until(self, moment: float, look: Callable[[], None]) -> None:
        clock = self._bridge.clock
        ends_at = clock.monotonic() + moment - clock.now()
        while (left_s := ends_at - clock.monotonic()) > 0:
            clock.sleep(min(stage.LOOK_EVERY_S, left_s))
            self._injector.require()
            look()

    def _asking(self, under_way: _UnderWay) -> Callable[[], None]:
        """Takes in what happened, and asks the caller how it is, where the strain does."""
        ask = ask_for_health(self._bridge, under_way.strain)

        def look() -> None:
            self._observe()
            count_connections(self._watch, self._bridge, edge=under_way.strain.edge)
            if ask:
                asked = ask()
                under_way.health.append(asked)
                self._bridge.recorder.write(asked)

        return look

    def _observe(self) -> None:
        self._loading.require()
        calls = self._watch.poll()
        self._calls += calls
        self._bridge.recorder.write(*calls, *self._watch.losses())

    def _play(
        self, strain: Strain, under_way: _UnderWay, look: Callable[[], None], *, windows_s: Mapping[str, float]
    ) -> str:
        """One strain, from the injection on, and what is remembered of it; why it cannot be judged, else empty."""
        already = len(self._injector.windows)
        why = self._run(strain, self._around(under_way, look))
        # What began when all was well again belongs to the strain that comes next, which is to see how it ends.
        still_open = self._watch.flush(before=math.inf if under_way.calm_at is None else under_way.calm_at)
        own = sorted(self._injector.windows[already:], key=lambda window: window.started_at)
        windows = [dataclasses.replace(window, calm_at=under_way.calm_at) for window in own]
        self._bridge.recorder.write(*windows, *still_open)
        self._calls += still_open
        self._remember(strain, windows, windows_s)
        return why

    def _run(self, strain: Strain, around: Surroundings) -> str:
        """Play the experiment of a strain; all is healed when it ends. Why it ended before its plan, else empty."""
        checked = battery.checked_of(strain)
        if strain.kind is not Kind.CROWD:
            run_experiment(checked, around, held_s=battery.CONTROL_S)
            return ""
        try:
            with crowd(self._bridge, around) as crowded:  # its control phase is the crowd's, too
                run_experiment(checked, crowded)
        except CrowdFailed as failed:
            around.mark(Phase.AFTER, strain.name)
            return str(failed)
        return ""

    def _around(self, under_way: _UnderWay, look: Callable[[], None]) -> Surroundings:
        name = under_way.strain.name
        around = stage.surroundings(self._bridge, self._loading, self._watch, injector=self._injector, name=name)

        def mark(phase: Phase, _: str | None) -> None:
            under_way.mark(phase)
            around.mark(phase, name)  # also of what was held before: it is the control phase of this strain

        paced = dataclasses.replace(around, observe=look, mark=mark, enough=under_way.has_shown_enough)
        starts = under_way.strain.kind is Kind.RESTART
        return starting_without(paced, self._bridge, under_way.strain) if starts else paced

    def _remember(self, strain: Strain, windows: Sequence[FaultWindow], windows_s: Mapping[str, float]) -> None:
        """Since when all is well, and which edges have to rest: none for longer than a whole recovery and control."""
        calm_at = windows[0].calm_at if windows else None
        self._calm_at = self._bridge.clock.now() if calm_at is None else calm_at
        if windows:
            fault = span_of(windows)
            latest = fault.ended_at + battery.experiment_of(strain).recovery_s + battery.CONTROL_S
            for edge, rested_at in pace.rested_at(strain, self._calls, fault, windows_s).items():
                self._rested_at[edge] = min(rested_at, latest)
        self._calls = [call for call in self._calls if call.started_at >= self._calm_at]


class _UnderWay:
    """One strain under way: `calls` and `health` grow meanwhile; `calm_at` is since when all is well again, None
    until it is."""

    def __init__(self, strain: Strain, calls: Sequence[EdgeCall], clock: Clock) -> None:
        self.calm_at: float | None = None
        self.health: list[Sample] = []
        self.strain = strain
        self._calls = calls
        self._clock = clock
        self._began_at: dict[Phase, float] = {}

    def mark(self, phase: Phase) -> None:
        """That what follows belongs to that phase."""
        self._began_at[phase] = self._clock.now()

    def has_shown_enough(self, phase: Phase) -> bool:
        """Whether that phase may end before its time."""
        now = self._clock.now()
        fault = Span(self._began_at[Phase.DURING], self._began_at.get(Phase.AFTER, now))
        if phase is Phase.DURING:
            seen = Observation(self.strain, tuple(self._calls), fault, health=tuple(self.health))
            return pace.has_shown_enough(seen, fault)
        self.calm_at = pace.calm_at(self.strain, self._calls, fault)
        return self.calm_at is not None
