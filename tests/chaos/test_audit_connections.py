"""What the audit reads from the connections to a dependency: leaks, stale ones, losers of a race that run on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from audit_calls import BEGIN, EDGE, END, FAULT, OTHER, REFUSED, WELL, Behaviour, Did, seen, traffic
from seatrial.chaos.audit import signatures
from seatrial.chaos.audit.model import Kind, Observation, Reading, Sign
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import Connections, EdgeCall

FAILED = Did(0.006, call_status=503, status=503)


def _reading(observation: Observation, family: str) -> Reading:
    return {ruling.family.key: ruling.reading for ruling in signatures.read(observation)}[family]


def _counted(before: int, after: int, *, busy: int = 0) -> tuple[Connections, ...]:
    """Connections as they were counted twice a second: idle ones before the fault's end, and after it."""
    moments = [BEGIN + number / 2 for number in range(int((END - BEGIN) * 2))]
    idle = [after if at >= FAULT.ended_at else before for at in moments]
    return tuple(Connections("r", str(EDGE), at, count + busy, busy) for at, count in zip(moments, idle, strict=True))


def _opening(failures: int) -> Behaviour:
    """A caller whose breaker opens after so many failed calls."""
    return lambda number, into: FAILED if into < failures / 10 else REFUSED


def _failing(failures: int, connections: Sequence[Connections]) -> Observation:
    calls = traffic(_opening(failures))
    return dataclasses.replace(seen(calls, Kind.SERVER_ERROR), connections=tuple(connections))


@pytest.mark.parametrize(
    ("connections", "sign"),
    [
        (_counted(2, 12), Sign.FOUND),
        (_counted(2, 2), Sign.CLEAR),
        (_counted(12, 12), Sign.CLEAR),
        (_counted(2, 2, busy=10), Sign.CLEAR),
        ((), Sign.NOT_JUDGED),
    ],
    ids=["one for each failed call", "as many as before", "many before, too", "many under way", "nobody counted"],
)
def test_a_connection_left_for_each_failed_call_is_a_leak(connections, sign):
    assert _reading(_failing(10, connections), "leak").sign is sign


def _left_by_earlier_strains(before: int, after: int) -> tuple[Connections, ...]:
    """Many are open before the fault, and all of them go in its first half; then new ones come."""
    counts = []
    for each in _counted(before, after):
        into = (each.at - FAULT.started_at) / (FAULT.ended_at - FAULT.started_at)
        gone = dataclasses.replace(each, open=max(1, round(before * (1.0 - 2.0 * into))))
        counts.append(gone if 0.0 <= into < 1.0 else each)
    return tuple(counts)


@pytest.mark.parametrize(("before", "after", "sign"), [(10, 12, Sign.FOUND), (20, 12, Sign.NOT_JUDGED)])
def test_connections_that_earlier_strains_left_and_that_went_meanwhile_hide_no_leak(before, after, sign):
    assert _reading(_failing(10, _left_by_earlier_strains(before, after)), "leak").sign is sign


def _but(moment: int, count: int) -> tuple[Connections, ...]:
    """Twelve idle ones are left, but for one look at the recovery, by its number."""
    counts = list(_counted(2, 12))
    number = next(index for index, each in enumerate(counts) if each.at >= FAULT.ended_at) if moment == 0 else moment
    counts[number] = dataclasses.replace(counts[number], open=count)
    return tuple(counts)


@pytest.mark.parametrize(("moment", "sign"), [(0, Sign.FOUND), (-2, Sign.CLEAR)], ids=["as it begins", "at its end"])
def test_what_is_left_is_what_all_of_the_last_looks_at_the_recovery_show(moment, sign):
    assert _reading(_failing(10, _but(moment, 2)), "leak").sign is sign


@pytest.mark.parametrize(("failures", "sign"), [(10, Sign.FOUND), (30, Sign.CLEAR)])
def test_a_few_connections_more_after_many_failed_calls_are_no_leak(failures, sign):
    assert _reading(_failing(failures, _counted(2, 8)), "leak").sign is sign


def test_connections_on_which_calls_are_under_way_are_not_left():
    busy = [
        dataclasses.replace(each, busy=each.open) if each.at >= FAULT.ended_at else each for each in _counted(2, 12)
    ]
    assert _reading(_failing(10, busy), "leak").sign is Sign.CLEAR


def test_few_failed_calls_show_no_leak():
    reading = _reading(_failing(3, _counted(2, 12)), "leak")
    assert reading.sign is Sign.NOT_JUDGED
    assert "5 are needed" in reading.text


def test_as_many_connections_as_calls_were_under_way_at_once_are_no_leak():
    crowd = traffic(lambda number, into: Did(2.0, ((0.001, 1.9),), 503, call_status=503))
    observation = dataclasses.replace(seen(crowd, Kind.SERVER_ERROR), connections=_counted(2, 19))
    assert _reading(observation, "leak").sign is Sign.CLEAR


CUT = Span(FAULT.started_at, FAULT.started_at + 1.0)


def _call(at: float) -> EdgeCall:
    """One that waits for half a second, for nobody's request."""
    return EdgeCall("r", str(EDGE), at, "GET", "/", 0.5, None, 200, fate="done")


def _cut(after: Behaviour, *, idle: int = 5, at_once: int = 4, during: Did = WELL) -> Observation:
    """The connections of the edge were closed a moment before the end of a short fault."""
    calls = [
        *traffic(lambda number, into: during if into < 1.0 else after(number, into - 1.0)),
        *(_call(FAULT.started_at + number / 100) for number in range(at_once)),
    ]
    closed = dataclasses.replace(seen(calls, Kind.CUT), fault=CUT, cut_at=CUT.ended_at - 0.1)
    return dataclasses.replace(closed, connections=_counted(idle, 1))


NOT_SENT = Did(0.004, (), 503)


def test_requests_that_fail_without_a_call_once_connections_were_closed_used_stale_ones():
    reading = _reading(_cut(lambda number, into: NOT_SENT if into < 0.5 else WELL), "stale connections")
    assert reading.sign is Sign.FOUND
    assert reading.bad == 5


@pytest.mark.parametrize(
    "did", [WELL, dataclasses.replace(FAILED, took=0.3)], ids=["answered", "failed by a call that arrived"]
)
def test_requests_whose_calls_arrive_used_no_stale_connection(did):
    reading = _reading(_cut(lambda number, into: did if into < 0.5 else WELL), "stale connections")
    assert reading.sign is Sign.CLEAR


def test_a_caller_that_refused_requests_before_is_not_said_to_use_stale_connections():
    observation = _cut(lambda number, into: NOT_SENT)

    def is_refused(call: EdgeCall) -> bool:
        return call.trace_id != "" and int(call.trace_id.removeprefix("/a")) % 4 == 0

    calls = [
        dataclasses.replace(call, status=503) if is_refused(call) else call
        for call in observation.calls
        if call.edge != str(EDGE) or not is_refused(call)
    ]
    reading = _reading(dataclasses.replace(observation, calls=tuple(calls)), "stale connections")
    assert reading.sign is Sign.NOT_JUDGED
    assert "before its connections were closed" in reading.text


@pytest.mark.parametrize(("idle", "at_once"), [(1, 4), (9, 0)], ids=["few are open", "few were ever of use"])
def test_without_idle_connections_none_can_be_stale(idle, at_once):
    reading = _reading(_cut(lambda number, into: NOT_SENT, idle=idle, at_once=at_once), "stale connections")
    assert reading.sign is Sign.NOT_JUDGED
    assert "3 are needed" in reading.text


@pytest.mark.parametrize(("retries", "sign"), [(0, Sign.CLEAR), (1, Sign.NOT_JUDGED)])
def test_retries_may_hide_that_a_few_connections_were_stale(retries, sign):
    observation = _cut(lambda number, into: WELL)
    promised = dataclasses.replace(observation.strain.promised, retries_max=retries)
    strain = dataclasses.replace(observation.strain, promised=promised)
    assert _reading(dataclasses.replace(observation, strain=strain), "stale connections").sign is sign


def test_what_failed_while_connections_were_closed_may_have_opened_a_breaker():
    """Requests that are refused afterwards are then no evidence of stale connections."""
    slow = Did(1.0, ((0.001, 0.9),), 503, call_status=503)
    reading = _reading(_cut(lambda number, into: REFUSED, during=slow), "stale connections")
    assert reading.sign is Sign.NOT_JUDGED
    assert "breaker" in reading.text


@pytest.mark.parametrize(("retries", "sign"), [(0, Sign.FOUND), (2, Sign.NOT_JUDGED)])
def test_each_sending_of_what_failed_while_connections_were_closed_counts_for_its_breaker(retries, sign):
    brief = Did(0.2, ((0.001, 0.15),), 503, call_status=503)
    observation = _cut(lambda number, into: REFUSED, during=brief)
    promised = dataclasses.replace(observation.strain.promised, retries_max=retries)
    strain = dataclasses.replace(observation.strain, promised=promised)
    assert _reading(dataclasses.replace(observation, strain=strain), "stale connections").sign is sign


def _race(did: Did) -> list[EdgeCall]:
    """Each request calls the strained edge and, 30 ms later, another for the same; that answers at once."""
    hedged = dataclasses.replace(did, calls=((0.03, 0.004),), call_gone=False)
    usual = Did(0.04)
    return [
        *traffic(lambda number, into: did, before=usual, after=usual),
        *(
            call
            for call in traffic(lambda number, into: hedged, before=usual, after=usual, edge=OTHER)
            if call.edge == str(OTHER)
        ),
    ]


@pytest.mark.parametrize(
    ("did", "sign"),
    [
        (Did(0.036, ((0.001, 0.22),)), Sign.FOUND),
        (Did(0.036, ((0.001, 0.25),), call_gone=True), Sign.FOUND),
        (Did(0.036, ((0.001, 0.036),), call_gone=True), Sign.CLEAR),
        (Did(0.23, ((0.001, 0.22),)), Sign.CLEAR),
        (Did(0.036, ((0.001, 0.03),)), Sign.NOT_JUDGED),
    ],
    ids=["answered later", "given up by itself", "cancelled", "waited for", "answered first"],
)
def test_a_call_that_lost_a_race_is_to_be_cancelled(did, sign):
    assert _reading(seen(_race(did), Kind.SLOW), "losers run on").sign is sign


def test_a_call_for_something_else_that_was_answered_meanwhile_has_won_no_race():
    calls = [
        dataclasses.replace(call, path="/else") if call.edge == str(OTHER) else call
        for call in _race(Did(0.036, ((0.001, 0.22),)))
    ]
    assert _reading(seen(calls, Kind.SLOW), "losers run on").sign is Sign.NOT_JUDGED


def test_without_a_second_call_for_the_same_there_is_no_loser():
    alone = traffic(lambda number, into: Did(0.036, ((0.001, 0.22),)))
    assert _reading(seen(alone, Kind.SLOW), "losers run on").sign is Sign.NOT_JUDGED
