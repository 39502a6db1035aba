"""An observation sorted out: the calls of the strained edge, the requests that need it, what its breaker did.

Takes an `Observation` with a fault, gives a `View` that signatures read. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.chaos.audit.model import Observation, Strain
from seatrial.chaos.audit.reasons import otherwise_uncalled
from seatrial.chaos.seen import breaker, traffic
from seatrial.chaos.seen.breaker import BreakerTimeline, Request, Span
from seatrial.quantity import singular
from seatrial.sample import Connections, EdgeCall, Interval, Sample
from seatrial.service import Edge

LEAST_CONTROL = 5
GOOD_CONTROL_RATIO = 0.9
LEAST_REFUSED = 4
PATIENCE_S = 3.0
PATIENT_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class View:
    """What signatures read. All by time; `control` and `during` are the calls on the edge before the fault and those
    that began while it was on, `requests` those to the caller that usually need the edge, or did; `health`
    is what it said of itself while the fault was on, `health_before` what it said before. `otherwise_uncalled` are
    the requests that made no call on the edge for another reason than its breaker."""

    strain: Strain
    fault: Span
    calls: tuple[EdgeCall, ...]
    control: tuple[EdgeCall, ...]
    during: tuple[EdgeCall, ...]
    requests: tuple[Request, ...]
    timeline: BreakerTimeline
    health: tuple[Sample, ...] = ()
    stopped_at: float | None = None
    health_before: tuple[Sample, ...] = ()
    answers: tuple[Interval, ...] = ()
    connections: tuple[Connections, ...] = ()
    cut_at: float | None = None
    starts: tuple[Sample, ...] = ()
    otherwise_uncalled: frozenset[EdgeCall] = frozenset()

    @classmethod
    def of(cls, seen: Observation, fault: Span) -> View:
        """The view of an observation whose fault was on."""
        edge = seen.strain.edge
        on_edge = traffic.on_edge(seen.calls, edge)
        return cls(
            strain=seen.strain,
            fault=fault,
            calls=seen.calls,
            control=tuple(call for call in on_edge if call.started_at < fault.started_at),
            during=tuple(call for call in on_edge if fault.started_at <= call.started_at < fault.ended_at),
            requests=requests_of(seen.calls, edge, before=fault.started_at),
            timeline=_timeline(seen.calls, seen.strain, fault),
            health=tuple(item for item in seen.health if fault.started_at <= item.started_at < fault.ended_at),
            stopped_at=seen.stopped_at,
            health_before=tuple(item for item in seen.health if item.started_at < fault.started_at),
            answers=seen.answers,
            connections=seen.connections,
            cut_at=seen.cut_at,
            starts=seen.starts,
            otherwise_uncalled=otherwise_uncalled(seen.calls, edge, before=fault.started_at),
        )

    @property
    def limit_s(self) -> float:
        """A call that is under way for so long is not bounded by any sensible timeout."""
        return max(PATIENCE_S, PATIENT_RATIO * (self.strain.promised.timeout_s or 0.0))

    @property
    def asked(self) -> tuple[Request, ...]:
        """The requests that came while the fault was on."""
        return tuple(
            item for item in self.requests if self.fault.started_at <= item.call.started_at < self.fault.ended_at
        )

    @property
    def uncalled(self) -> tuple[EdgeCall, ...]:
        """Those of the requests that came while the fault was on which made no call, and for no other reason."""
        return tuple(item.call for item in self.asked if self.is_uncalled(item))

    def is_uncalled(self, request: Request) -> bool:
        """Whether it made no call on the edge, and nothing but what guards the edge can be the reason."""
        return not request.led_to and request.call not in self.otherwise_uncalled

    def waited(self, request: EdgeCall) -> bool:
        """Whether a request took as long as one that waited for somebody; nothing is slow where no timeout is
        promised."""
        timeout_s = self.strain.promised.timeout_s
        return timeout_s is not None and (request.duration_s or self.limit_s) >= breaker.FAST_SHARE * timeout_s

    @property
    def is_waited_for(self) -> bool:
        """Whether the caller answers only after the call, as it did before the fault."""
        return waited_for(item for item in self.requests if item.call.started_at < self.fault.started_at)

    @property
    def why_unjudged(self) -> str:
        """Why nothing can be read from it, empty when it can: too few calls before the fault, or they failed."""
        good = sum(map(traffic.is_good, self.control))
        if len(self.control) < LEAST_CONTROL:
            return needed(len(self.control), "calls in the control phase", LEAST_CONTROL)
        if good < GOOD_CONTROL_RATIO * len(self.control):
            return f"{len(self.control) - good} of {len(self.control)} calls failed before the fault"
        return ""

    @property
    def has_opened(self) -> bool:
        """Whether the edge was spared, as by a breaker that opened; a request or two that made no call may be an
        accident."""
        return has_opened(self.timeline)

    @property
    def refusing(self) -> BreakerTimeline:
        """What the breaker of the edge did by the requests that nothing else kept from calling: what is no proof that
        it opened (they may have gone to a replica) is left out."""
        calls = [call for call in self.calls if call not in self.otherwise_uncalled]
        return _timeline(calls, self.strain, self.fault)

    def beside(self, edge: Edge) -> BreakerTimeline:
        """What the breaker of another edge of the caller did meanwhile, by the requests that never need the strained
        edge: those fail with it anyway."""
        needing = {traffic.route_of(item.call) for item in self.requests}
        both = requests_of(self.calls, edge, before=self.fault.started_at)
        failing = {
            call for item in both if traffic.route_of(item.call) in needing for call in (item.call, *item.led_to)
        }
        otherwise = otherwise_uncalled(self.calls, edge, before=self.fault.started_at)
        left_out = failing | otherwise
        calls = [call for call in self.calls if call not in left_out and traffic.route_of(call) not in needing]
        return _timeline(calls, dataclasses.replace(self.strain, edge=edge), self.fault)

    @property
    def other_edges(self) -> tuple[Edge, ...]:
        """The other edges of the caller that were called."""
        known = dict.fromkeys(Edge.parse(call.edge) for call in self.calls)
        return tuple(edge for edge in known if edge.caller == self.strain.edge.caller and edge != self.strain.edge)


def needed(count: int, what: str, wanted: int) -> str:
    """`1 call at once, 8 are needed`, of `calls at once`: the first plural is what is counted."""
    plural = next(word for word in what.split() if word != singular(word))
    told = what.replace(plural, singular(plural), 1) if count == 1 else what
    return f"{count} {told}, {wanted} are needed"


def has_opened(told: BreakerTimeline) -> bool:
    """Whether a breaker opened, and enough requests were refused to say so."""
    return told.opened_at is not None and told.refused >= LEAST_REFUSED


def waited_for(requests: Iterable[Request]) -> bool:
    """Whether a caller answers only after its calls; False where it calls later, by itself."""
    calling = [item for item in requests if item.led_to]
    late = sum(item.led_to[0].started_at > traffic.ended_at(item.call) for item in calling)
    return 2 * late < len(calling)


def overlap(calls: Iterable[EdgeCall]) -> int:
    """The most calls that were under way at the same moment."""
    turns = [turn for call in calls for turn in ((call.started_at, 1), (traffic.ended_at(call), -1))]
    most = open_now = 0
    for _, change in sorted(turns):
        open_now += change
        most = max(most, open_now)
    return most


def requests_of(calls: Sequence[EdgeCall], edge: Edge, *, before: float) -> tuple[Request, ...]:
    """The requests to the caller of an edge that usually lead to a call on it, by what was so before, or did."""
    inbound = traffic.inbound(calls, edge.caller)
    owned = traffic.owners(inbound, traffic.on_edge(calls, edge))
    calling = traffic.learn(inbound, owned, before=before).calling
    return tuple(
        Request(call, tuple(owned.get(index, ())))
        for index, call in enumerate(inbound)
        if owned.get(index) or traffic.route_of(call) in calling
    )


def _timeline(calls: Sequence[EdgeCall], strain: Strain, fault: Span) -> BreakerTimeline:
    promised = dataclasses.replace(strain.promised, breaker=strain.breaker)
    return breaker.trace(calls, strain.edge, fault=fault, promised=promised)


def held_s(call: EdgeCall, until: float) -> float:
    """How long it was under way, at least, by that moment."""
    return min(traffic.ended_at(call), until) - call.started_at
