"""Drives the `play` generator in a greenlet: sends what it asks for, waits as it says, records what it judged.

Takes a scenario and its due time, gives counts to the recorder. May import gevent (the room's fence); must never
judge an answer itself: that is `play`'s.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import random
import time
from collections.abc import Generator, Hashable, Mapping
from dataclasses import dataclass, field

import gevent

from seatrial.exchange import Answer
from seatrial.quantity import show_duration
from seatrial.redact import Deferred, Secrets
from seatrial.sample import BASE, CANARY, OVERDUE_S, Cause, Phase
from seatrial.scenarios.load.child_http import LoadClient
from seatrial.scenarios.load.mix import requests_of
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.profile import Model
from seatrial.scenarios.load.recorder import Ended, Mark, Recorder, Series, microseconds_up
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.model import Once, Scenario, Step, every_step
from seatrial.scenarios.moves import (
    Attempted,
    Claim,
    Context,
    Halted,
    Move,
    Moves,
    PlayResult,
    Reply,
    Send,
    Settle,
    Together,
    Wait,
)
from seatrial.scenarios.once import Onces, Outputs
from seatrial.scenarios.play import play
from seatrial.scenarios.prepared import Prepared, prepare

log = logging.getLogger("seatrial.load")


@dataclass(slots=True, eq=False)
class _Progress:
    """One play under way: when it was due, and of the attempt in flight its step, since when, and what it was charged
    with at its first sending."""

    scenario: Scenario
    due_at: float
    secrets: Secrets
    onces: Onces
    side: str = ""
    claims: set[tuple[Once, Hashable]] = field(default_factory=set)
    sent: Mark | None = None
    sent_at: float = 0.0
    step: Step | None = None
    late_s: float = 0.0
    sends: int = 0

    def claim(self, move: Claim) -> Outputs | None:
        """Outputs of what was run once before, else this play runs it."""
        outputs = self.onces.store(move.once).claim(move.key, time.time())
        if outputs is None:
            self.claims.add((move.once, move.key))
        return outputs

    def settle(self, move: Settle) -> None:
        """It was run."""
        self.claims.discard((move.once, move.key))
        self.onces.store(move.once).settle(move.key, move.outputs)

    def give_up_claims(self) -> None:
        """Whoever waits for what a killed play left unfinished may run it."""
        for once, key in self.claims:
            self.onces.store(once).settle(key, None)
        self.claims.clear()


@dataclass(slots=True)
class Ceiling:
    """Spaces sendings so that together they stay at or under a rate; None bounds nothing."""

    rate_per_s: float | None
    _free_at: float = field(default=0.0, init=False)

    def wait_s(self, now: float) -> float:
        """How long the next sending has to wait; its place is taken by asking."""
        if self.rate_per_s is None:
            return 0.0
        at = max(now, self._free_at)
        self._free_at = at + 1 / self.rate_per_s
        return at - now


class Player:
    """Plays journeys, any number at once, over one client into one recorder."""

    def __init__(self, order: LoadOrder, client: LoadClient, recorder: Recorder, timeline: Timeline) -> None:
        self._order = order
        self._has_due_times = order.profile.model is Model.OPEN  # a user comes when it comes
        self._client = client
        self._recorder = recorder
        self._timeline = timeline
        self._dice = random.Random(order.seed)
        # Another seed than that of the journeys' dice, or a journey would always be for the same side.
        self._sides = random.Random(None if order.seed is None else f"sides {order.seed}")
        self._ceiling = Ceiling(order.max_requests_per_s)
        self._told: set[tuple[Series, Cause]] = set()
        self._prepared: dict[str, Mapping[int, Prepared]] = {}
        self._planned: dict[str, int] = {}
        self._series: dict[tuple[str, int, str], Series] = {}
        self._played = 0
        self._unanswered: set[_Progress] = set()
        self.onces = Onces()

    def play(self, scenario: Scenario, *, due_at: float, onces: Onces | None = None) -> int:
        """Play once; how many attempts were sent. In the open model the first request's latency counts from `due_at`
        (monotonic), with the waits that the journey has before it added, the others' from their sending; a user of
        the closed model is due at no time. `onces` are those of the user who plays, else of all plays here."""
        side = self._side()
        context = self._context(scenario, side)
        moves = play(scenario, context)
        progress = _Progress(scenario, due_at, context.secrets, onces or self.onces, side)
        try:
            result = self._to_the_end(moves, progress)
        finally:
            self._give_up(progress)
            progress.give_up_claims()
        if result is not None:
            self._tell_failures(result, progress)
        return progress.sends

    def _side(self) -> str:
        """Which version this play is for: the canary with its share, whatever came before."""
        canary = self._order.canary
        if canary is None:
            return ""
        return CANARY if self._sides.random() < canary.share_ratio else BASE

    def prepare(self, scenario: Scenario, prepared: Mapping[int, Prepared] | None = None) -> None:
        """Compile what can be of its steps, where that is not `prepared` already; one that is not told here is when
        it is first played."""
        self._prepared[scenario.name] = prepared or prepare(scenario, self._order.tracing)
        self._planned[scenario.name] = requests_of(scenario) if self._has_due_times else 0

    def _context(self, scenario: Scenario, side: str) -> Context:
        if scenario.name not in self._prepared:
            self.prepare(scenario)
        self._played += 1
        order = self._order
        instead = order.canary.addresses if order.canary and side == CANARY else {}
        return Context(
            realm=order.realm,
            addresses={**order.addresses, **instead},
            variables=order.variables,
            secret_values=order.secret_values,
            overrides=order.overrides,
            environment=order.environment,
            tracing=order.tracing,
            seed=None if order.seed is None else order.seed + self._played,
            secrets=Deferred(),
            prepared=self._prepared[scenario.name],
            chance=self._dice,
        )

    def note_overdue(self, now: float, *, second: int) -> None:
        """Tell the recorder which requests have no answer at the end of a second."""
        for progress in self._unanswered:
            if now - progress.sent_at > OVERDUE_S and progress.step is not None:
                mark = self._timeline.charged(progress.sent, now)
                self._recorder.overdue(mark, self._series_of(progress, progress.step), second=second)

    def _to_the_end(self, moves: Generator[Move, Reply, PlayResult], progress: _Progress) -> PlayResult | None:
        """All of the play, or when it is `Halted` its teardown; None where that was halted."""
        try:
            return self._follow_all(moves, progress)
        except Halted:
            self._give_up(progress)
            progress.give_up_claims()  # its own teardown may be in need of one
        try:
            return self._follow_all(moves, progress, self._follow(moves.throw(Halted()), progress))
        except StopIteration as end:
            result: PlayResult = end.value
            return result
        except Halted:
            return None

    def _give_up(self, progress: _Progress) -> None:
        """Count the request in flight, if there is one, that nobody waits for any more.

        One that was not given the time that every request of a hold is given says nothing about the target: RAMP.
        """
        if progress not in self._unanswered or progress.step is None:
            return
        now = time.monotonic()
        age_s = now - progress.sent_at
        if age_s < self._order.finish_within_s:
            progress.sent = Mark(Phase.RAMP)
        self._fail_unanswered(progress, progress.step, now, age_s=age_s)

    def _fail_unanswered(self, progress: _Progress, step: Step, now: float, *, age_s: float) -> None:
        """A failure by timeout, as old as the request is."""
        mark, late_s = self._answered(progress, now)
        series = self._series_of(progress, step)
        service_us, latency_us = microseconds_up(age_s), microseconds_up(age_s + late_s)
        end = Ended(Cause.TIMEOUT, latency_us, service_us)
        self._recorder.ended(mark, series, second=self._timeline.second(now), end=end)
        detail = f"no answer when the load ended, {show_duration(age_s)} after it was sent"
        self._tell(series, Cause.TIMEOUT, detail, progress.secrets)

    def _follow_all(
        self, moves: Generator[Move, Reply, PlayResult | None], progress: _Progress, reply: Reply = None
    ) -> PlayResult | None:
        """To the end of the generator; gives what it returns."""
        try:
            while True:
                reply = self._follow(moves.send(reply), progress)
        except StopIteration as end:
            result: PlayResult | None = end.value
            return result

    def _follow(self, move: Move, progress: _Progress) -> Reply:
        if isinstance(move, Send):
            return self._send(move, progress)
        if isinstance(move, Attempted):
            self._record(move, progress)
        elif isinstance(move, Wait):
            gevent.sleep(move.seconds)
            progress.due_at += move.seconds  # what the journey itself waits before its first request is not late
        elif isinstance(move, Claim):
            return progress.claim(move)
        elif isinstance(move, Settle):
            progress.settle(move)
        else:
            self._side_by_side(move, progress)
        return None

    def _side_by_side(self, move: Together, progress: _Progress) -> None:
        """Each branch in a greenlet of its own, with marks of its own: their requests are in flight together."""
        sides = [dataclasses.replace(progress, sent=None, late_s=0.0) for _ in move.branches]
        following = [gevent.spawn(self._beside, *pair) for pair in zip(move.branches, sides, strict=True)]
        try:
            gevent.joinall(following, raise_error=True)
        finally:
            gevent.killall([branch for branch in following if not branch.dead])
        progress.sends += sum(side.sends - progress.sends for side in sides)
        progress.due_at = max((side.due_at for side in sides), default=progress.due_at)

    def _beside(self, moves: Moves, progress: _Progress) -> None:
        """One branch, whose request in flight is counted when the play is ended."""
        try:
            self._follow_all(moves, progress)
        finally:
            self._give_up(progress)

    def _send(self, move: Send, progress: _Progress) -> Answer:
        begun = progress.sent is not None  # a token, a challenge or a redirect is a part of the attempt it is for
        if not begun and progress.sends and move.attempt == 1 and progress.scenario.load.think_time_s[1]:
            _pause(self.think_s(progress.scenario))
        now = time.monotonic()
        if (wait_s := self._ceiling.wait_s(now)) > 0 and (begun or not self._is_planned(move, progress)):
            gevent.sleep(wait_s)
            now = time.monotonic()
        if not begun:
            self._begin(move, progress, now)
        return self._client.send(move.request, functools.partial(self._repeated, move.step, progress))

    def _repeated(self, step: Step, progress: _Progress) -> None:
        """The client sent a request again by itself: the first is counted as a poll is."""
        now = time.monotonic()
        mark = self._timeline.charged(progress.sent, now)
        self._recorder.polled(mark, self._series_of(progress, step), second=self._timeline.second(now))

    def _is_planned(self, move: Send, progress: _Progress) -> bool:
        """Whether the profile's rate stands for it, which the realm allows. A poll, a hop or a round more takes a
        place like all others, and waits until one is free."""
        return move.attempt == 1 and progress.sends < self._planned[progress.scenario.name]

    def _begin(self, move: Send, progress: _Progress, now: float) -> None:
        """The first request of an attempt goes out."""
        progress.step, progress.sent_at = move.step, now
        progress.sent = self._timeline.mark_at(now)
        if self._has_due_times and not progress.sends:
            progress.late_s = max(0.0, now - progress.due_at)
        progress.sends += 1
        self._unanswered.add(progress)

    def _answered(self, progress: _Progress, now: float) -> tuple[Mark, float]:
        """The attempt in flight is over: what it counts in, and how late it began."""
        self._unanswered.discard(progress)
        mark, late_s = self._timeline.charged(progress.sent, now), progress.late_s
        progress.sent, progress.late_s = None, 0.0  # what follows may fail before it is sent
        return mark, late_s

    def think_s(self, scenario: Scenario) -> float:
        """A pause as the scenario's `load` block wishes."""
        return self._dice.uniform(*scenario.load.think_time_s)

    def _record(self, move: Attempted, progress: _Progress) -> None:
        now = time.monotonic()
        mark, late_s = self._answered(progress, now)
        series = self._series_of(progress, move.step)
        second = self._timeline.second(now)
        if not move.final:
            self._recorder.polled(mark, series, second=second)
            return
        if move.cause:
            self._tell(series, move.cause, move.detail, progress.secrets)
            if move.cause is Cause.TEMPLATE:  # the journey's mistake, or an earlier answer of another shape
                self._recorder.unrendered(mark, series, second=second)
                return
        service_us = microseconds_up(move.latency_s)
        latency_us = microseconds_up(move.latency_s + late_s) if late_s else service_us
        end = Ended(move.cause, latency_us, service_us, move.bytes_in, move.degraded)
        self._recorder.ended(mark, series, second=second, end=end)

    def _series_of(self, progress: _Progress, step: Step) -> Series:
        key = (progress.scenario.name, id(step), progress.side)
        known = self._series.get(key)
        if known is None:
            known = Series(progress.scenario.name, step.name, step.service, step.method, step.route, progress.side)
            self._series[key] = known
        return known

    def _tell(self, series: Series, cause: Cause, detail: str, secrets: Secrets) -> None:
        """Log the first of its kind: thousands may follow, and all are counted."""
        if (series, cause) not in self._told:
            self._told.add((series, cause))
            told = secrets.redact(detail)
            log.warning("first '%s' of %s > %s: %s", cause, series.scenario, series.step, told)

    def _tell_failures(self, result: PlayResult, progress: _Progress) -> None:
        """Log what failed in no single step. What could not be rendered there is counted once, at the step the play
        had come to, else at its first."""
        for failure in result.failures:
            nowhere = Series(result.scenario.name, "", "", "", "")
            self._tell(nowhere, failure.cause, failure.summary, progress.secrets)
        step = progress.step or next(every_step(result.scenario), None)
        if step is not None and any(failure.cause is Cause.TEMPLATE for failure in result.failures):
            now = time.monotonic()
            mark, second = self._timeline.charged(None, now), self._timeline.second(now)
            self._recorder.unrendered(mark, self._series_of(progress, step), second=second)


def _pause(seconds: float) -> None:
    """Sleep, but leave the greenlet's turn alone when there is nothing to wait for."""
    if seconds > 0:
        gevent.sleep(seconds)
