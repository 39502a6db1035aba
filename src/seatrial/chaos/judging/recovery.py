"""Whether requests are answered again after healing, and how soon.

Takes the calls at the proxies, gives a finding. Judged at the client's own edges, by requests that usually lead to a
call on an edge the fault had hit: others never failed. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.quantity import show_duration
from seatrial.realm import CLIENT
from seatrial.sample import EdgeCall
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade, Subject

RECOVERED_RUN = 20  # good answers in a row; at 50 % failures that happens by chance once in a million


def judge_recovery(
    calls: Sequence[EdgeCall], hit: Iterable[Edge], *, fault: Span, within_s: float, experiment: str
) -> Finding:
    """Whether the requests that need the hit edges were answered well again in time. `fault` is all faults' span."""
    edges = tuple(hit)
    after = [call for call in _fronts(calls, edges, fault) if call.started_at >= fault.ended_at]
    grade, reason, measured = _recovered(after, fault, within_s)
    name = f"recovered within {show_duration(within_s)}"
    return Finding(
        Subject.EXPECTATION,
        "",
        name,
        grade,
        f"requests that need {', '.join(map(str, edges))} {reason}",
        limit=within_s,
        measured=measured,
        limit_text=name,
        measured_text="" if measured is None else show_duration(measured),
        n=len(after),
        bad=sum(not traffic.is_good(call) for call in after),
        experiment=experiment,
    )


def _recovered(after: Sequence[EdgeCall], fault: Span, within_s: float) -> tuple[Grade, str, float | None]:
    if len(after) < RECOVERED_RUN:
        wanted = f"not enough to judge: {len(after)} came after healing, {RECOVERED_RUN} are needed"
        return Grade.UNDECIDED, wanted, None
    first = next((index for index in range(len(after)) if _runs_well(after[index : index + RECOVERED_RUN])), None)
    if first is None:
        bad = sum(not traffic.is_good(call) for call in after)
        return Grade.MISSED, f"did not recover: {bad} of {len(after)} failed after healing", None
    # Requests that were good from the start had recovered with the healing itself.
    after_s = after[first].started_at - fault.ended_at if first else 0.0
    grade = Grade.MET if after_s <= within_s else Grade.MISSED
    return grade, f"were answered again {show_duration(after_s)} after healing; {first} came before", after_s


def _runs_well(run: Sequence[EdgeCall]) -> bool:
    return len(run) == RECOVERED_RUN and all(map(traffic.is_good, run))


def _fronts(calls: Sequence[EdgeCall], hit: Sequence[Edge], fault: Span) -> tuple[EdgeCall, ...]:
    """The client's calls that usually lead to a call on a hit edge, or are made on one."""
    fronts = traffic.by_time(call for call in calls if Edge.parse(call.edge).caller == CLIENT)
    inner = [edge for edge in hit if edge.caller != CLIENT]
    called = traffic.by_time(call for edge in inner for call in traffic.on_edge(calls, edge))
    habits = traffic.learn(fronts, traffic.owners(fronts, called), before=fault.started_at)
    direct = {str(edge) for edge in hit if edge.caller == CLIENT}
    return tuple(call for call in fronts if call.edge in direct or traffic.route_of(call) in habits.calling)
