"""Whether a read that one replica is late with is answered by another, and the call that lost is cancelled.

Takes the calls at the proxies and when the fault acted, gives a finding for each of the two. A late read is hedged
when a call to the other replica begins while the first is open. Pure; may import only the floor and this room's
words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import HedgingExpectation
from seatrial.chaos.judging.edge_finding import share_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import EdgeCall
from seatrial.verdict import Finding, Grade

ENOUGH_READS = 10  # that were late, and calls that lost
SHARE = 0.95  # of them: a budget may keep one from being hedged, a busy machine be late
READS = ("GET", "HEAD")
CANCELLED_WITHIN_S = 0.1  # after the other's answer; what ends by itself within that tells nothing


@dataclass(frozen=True, slots=True)
class Hedging:
    """Reads that the slow replica was `late` with, of them `answered` in time by the other; calls that `lost` to an
    answer of the other, of them `cancelled` with it."""

    late: int
    answered: int
    lost: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class _Read:
    """A request, its first call to the slow replica, and the call to the other that hedged it."""

    request: EdgeCall
    slow: EdgeCall
    hedge: EdgeCall | None


def hedge(calls: Sequence[EdgeCall], expected: HedgingExpectation, *, fault: Span) -> Hedging:
    """The reads whose first call went to the slow replica while the fault was on."""
    reads = tuple(_reads(calls, expected, fault))
    late = [read for read in reads if read.hedge or _lasted(read.slow) > expected.within_s]
    answered = sum(_is_rescued(read, expected.within_s) for read in late)
    ends = [end for read in reads if (end := _end_of_loser(read)) is not None]
    return Hedging(len(late), answered, len(ends), sum(ends))


def judge_hedging(seen: Hedging, expected: HedgingExpectation, *, experiment: str) -> tuple[Finding, ...]:
    """Late reads are answered by the other replica; the calls that lost are cancelled."""
    late = (
        f"{seen.answered} of {seen.late} reads that {expected.edge} was late with were answered by "
        f"{expected.replica.callee} within {show_duration(expected.within_s)}"
    )
    lost = f"{seen.cancelled} of {seen.lost} calls that lost on {expected.edge} were cancelled with the answer"
    answered, cancelled = _names(expected)
    return (
        _shared(expected, answered, late, experiment, n=seen.late, good=seen.answered),
        _shared(expected, cancelled, lost, experiment, n=seen.lost, good=seen.cancelled),
    )


def undecided_hedging(expected: HedgingExpectation, *, experiment: str, reason: str) -> tuple[Finding, ...]:
    """The same findings, undecided for that reason: when there was nothing to judge from."""
    return tuple(share_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment) for name in _names(expected))


def _reads(calls: Sequence[EdgeCall], expected: HedgingExpectation, fault: Span) -> Iterator[_Read]:
    inbound = [
        request
        for request in traffic.inbound(calls, expected.edge.caller)
        if request.method in READS and fault.started_at <= request.started_at < fault.ended_at
    ]
    slow = traffic.owners(inbound, traffic.on_edge(calls, expected.edge))
    other = traffic.owners(inbound, traffic.on_edge(calls, expected.replica))
    for index, request in enumerate(inbound):
        firsts, hedges = slow.get(index, []), other.get(index, [])
        if firsts and not _began_before(hedges, firsts[0]):
            yield _Read(request, firsts[0], next(_begun_while_open(hedges, firsts[0]), None))


def _began_before(calls: Iterable[EdgeCall], first: EdgeCall) -> bool:
    return any(call.started_at < first.started_at for call in calls)


def _begun_while_open(calls: Iterable[EdgeCall], first: EdgeCall) -> Iterator[EdgeCall]:
    return (call for call in calls if call.started_at <= traffic.ended_at(first))


def _lasted(call: EdgeCall) -> float:
    return traffic.ended_at(call) - call.started_at


def _is_rescued(read: _Read, within_s: float) -> bool:
    answered_s = traffic.ended_at(read.request) - read.slow.started_at
    return bool(read.hedge) and traffic.is_good(read.request) and answered_s <= within_s


def _end_of_loser(read: _Read) -> bool | None:
    """Whether the slow replica's call was cancelled when the other had answered; None where it did not lose, or ended
    by itself so soon that nobody can tell."""
    if read.hedge is None or not traffic.is_good(read.hedge):
        return None
    won_at = traffic.ended_at(read.hedge)
    ended_at = traffic.ended_at(read.slow)
    if ended_at > won_at + CANCELLED_WITHIN_S:
        return False
    return True if read.slow.fate == "client_closed" else None


def _shared(expected: HedgingExpectation, name: str, story: str, experiment: str, *, n: int, good: int) -> Finding:
    """The finding that most of `n` were `good`."""
    if n < ENOUGH_READS:
        reason = f"not enough to judge: {story}; {ENOUGH_READS} are needed"
        return share_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment, n=n, good=good)
    grade = Grade.MET if good >= SHARE * n else Grade.MISSED
    return share_finding(
        expected.edge, name, grade, f"{story}; {show_ratio(SHARE)} are expected", experiment, n=n, good=good
    )


def _names(expected: HedgingExpectation) -> tuple[str, str]:
    within = show_duration(expected.within_s)
    return (
        f"hedging of {expected.edge} answered by {expected.replica.callee} within {within}",
        f"hedging of {expected.edge} cancels what lost",
    )
