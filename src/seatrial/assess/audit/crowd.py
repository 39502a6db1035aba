"""The crowd of an audit: a second load of the same journeys on top of its traffic, for what shows only when many
requests are there at once.

Takes a stage's `Bridge` and what an experiment is played in, gives the same with a crowd in it, as large as the
realm's rate leaves room for.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from seatrial.assess import stage
from seatrial.assess.plan import Plan
from seatrial.assess.stage import Bridge, Loading
from seatrial.chaos.experiment import Surroundings
from seatrial.errors import LoadFailed
from seatrial.quantity import show_duration
from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import LAST_SAID

RATE_PER_S = 16.0  # plays on top: three times the audit's traffic
LEAST_PER_S = 8.0  # fewer are no crowd


def crowd_per_s(plan: Plan) -> float:
    """How many plays a second the crowd has; 0 where the realm leaves no room for one."""
    room_per_s = plan.realm.allows.max_rate_per_s
    if plan.audit is None or room_per_s is None:
        return 0.0
    rate = min(RATE_PER_S, room_per_s / plan.audit.mix.requests_per_play - plan.audit.profile.peak)
    return rate if rate >= LEAST_PER_S else 0.0


class CrowdFailed(LoadFailed):
    """The crowd did not come, ended before it was told to, or lost records: what it was to show cannot be judged."""


@contextlib.contextmanager
def crowd(bridge: Bridge, around: Surroundings) -> Iterator[Surroundings]:
    """The crowd is there when the context begins, and goes when the faults of an experiment that is played in what
    this gives are healed: only the usual traffic is left then. CrowdFailed as soon as it is gone before that."""
    audit, rate = bridge.plan.audit, crowd_per_s(bridge.plan)
    if audit is None or not rate:
        raise CrowdFailed(f"realm '{bridge.plan.realm.name}' leaves no room for a crowd beside an audit's traffic")
    name = f"{audit.profile.name}, a crowd"
    many = dataclasses.replace(audit.profile, name=name, stages=(Stage(Phase.HOLD, rate, 1.0),))
    bridge.say(f"traffic: {rate:g} plays/s more")
    with stage.load(bridge, many) as loading:
        come = _Crowd(loading, around)
        come.wait(bridge)
        yield dataclasses.replace(around, mark=come.mark, observe=come.observe)
        come.leave()


class _Crowd:
    """The crowd that is there, in the surroundings of the experiment."""

    def __init__(self, loading: Loading, around: Surroundings) -> None:
        self._loading = loading
        self._around = around
        self._is_wanted = True

    def wait(self, bridge: Bridge) -> None:
        """Return when it is there."""
        give_up_at = bridge.clock.monotonic() + stage.LOAD_DEADLINE_S
        while self._loading.last is None:
            bridge.clock.sleep(stage.LOOK_EVERY_S)
            self._require()
            if bridge.clock.monotonic() > give_up_at:
                late = show_duration(stage.LOAD_DEADLINE_S)
                raise CrowdFailed(f"the crowd sent nothing in {late}; see the run's {stage.LOG}")

    def observe(self) -> None:
        """Look about, and whether it is still there."""
        self._around.observe()
        if self._is_wanted:
            self._require()

    def mark(self, phase: Phase, experiment: str | None) -> None:
        """That what follows belongs to that phase; healed is what it was there for."""
        self._around.mark(phase, experiment)
        if phase is Phase.AFTER:
            self._is_wanted = False
            self._loading.running.stop()

    def leave(self) -> None:
        """Return when the last of its records is kept."""
        self._loading.stop()
        with _as_crowd():
            self._loading.require_whole()

    def _require(self) -> None:
        with _as_crowd():
            self._loading.require()


@contextlib.contextmanager
def _as_crowd() -> Iterator[None]:
    """What the load generator failed by is what the crowd failed by, in a line: the last words are in its log."""
    try:
        yield
    except LoadFailed as error:
        raise CrowdFailed(f"the crowd is gone: {str(error).partition(LAST_SAID)[0]}") from error
