"""What the audit reads from what services say of themselves: that they are ready, that an answer is whole."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import FAULT, REFUSED, WELL, Did, reading_of, seen, traffic
from seatrial.chaos.audit.battery import health_asked
from seatrial.chaos.audit.model import Kind, Observation, Sign, Strain
from seatrial.realm import Place
from seatrial.sample import Interval, Outcome, Phase, Sample
from seatrial.service import Edge

OUT = Did(0.006, call_status=503, status=503)


def _said(at: float, status: int | None) -> Sample:
    outcome = Outcome.BROKEN if status is None else Outcome.OK
    return Sample("r", Phase.DURING, "audit", "health", "front", "GET", "/readyz", at, 0.002, outcome, status=status)


def _saying(during: list[int | None], *, before: tuple[int, ...] = (200, 200), did: Did = OUT) -> Observation:
    """Asked every second whether it is ready, before the fault and from a second and a half into it."""
    said = [_said(FAULT.started_at - 2 + number, status) for number, status in enumerate(before)]
    said += [_said(FAULT.started_at + 1.5 + number, status) for number, status in enumerate(during)]
    strained = seen(traffic(lambda number, into: did if into < 1.0 or did is WELL else REFUSED), Kind.SERVER_ERROR)
    return dataclasses.replace(strained, health=tuple(said))


@pytest.mark.parametrize(
    ("statuses", "sign"),
    [
        ([200, 200, 200, 200], Sign.FOUND),
        ([204, 503, 503, 503], Sign.CLEAR),
        ([None, None, None], Sign.CLEAR),
        ([200, 200], Sign.NOT_JUDGED),
    ],
)
def test_a_service_that_says_it_is_ready_while_all_fails_is_found(statuses, sign):
    assert reading_of(_saying(statuses), "ready and not").sign is sign


def test_what_a_service_says_in_the_first_second_of_a_fault_is_not_held_against_it():
    observation = _saying([503, 503, 503])
    early = tuple(_said(FAULT.started_at + number / 20, 200) for number in range(19))
    told = dataclasses.replace(observation, health=(*observation.health, *early))
    assert reading_of(told, "ready and not").sign is Sign.CLEAR


def test_a_service_whose_requests_are_answered_may_say_that_it_is_ready():
    reading = reading_of(_saying([200, 200, 200], did=WELL), "ready and not")
    assert reading.sign is Sign.NOT_JUDGED
    assert "only 0 of" in reading.text


@pytest.mark.parametrize("before", [(), (404, 404)])
def test_a_path_that_never_said_that_it_is_ready_tells_nothing(before):
    assert reading_of(_saying([200, 200, 200], before=before), "ready and not").sign is Sign.NOT_JUDGED


def test_only_the_path_that_the_realm_names_is_asked():
    place = Place("front", health="/up", ready="/able")
    needed, optional = (Strain(Edge("front", "back"), Kind.SERVER_ERROR, optional=each) for each in (False, True))
    assert health_asked(needed, place) == "/able"
    assert health_asked(needed, dataclasses.replace(place, ready=None)) is None
    assert health_asked(optional, place) is None
    assert health_asked(Strain(Edge("front", "back"), Kind.REFUSE, optional=True), place) == "/up"
    assert health_asked(Strain(Edge("front", "back"), Kind.HANG), place) is None


def _second(phase: Phase, *, ok: int = 0, lacking: int = 0, degraded: int = 0, step: str = "browse") -> Interval:
    causes = {"check": lacking} if lacking else {}
    return Interval(
        "r", phase, "look", step, "front", "GET", "/a", 1, ok=ok, failed=lacking, causes=causes, degraded=degraded
    )


def _answering(*seconds: Interval) -> Observation:
    without = seen(traffic(lambda number, into: Did(0.005, ())), Kind.REFUSE, optional=True)
    return dataclasses.replace(without, answers=seconds)


BEFORE = _second(Phase.HOLD, ok=8)


@pytest.mark.parametrize(
    ("during", "sign"),
    [
        ([_second(Phase.DURING, lacking=4), _second(Phase.DURING, lacking=4)], Sign.FOUND),
        ([_second(Phase.DURING, lacking=4, degraded=4), _second(Phase.DURING, lacking=4, degraded=3)], Sign.CLEAR),
        ([_second(Phase.DURING, ok=8, degraded=8)], Sign.CLEAR),
        ([_second(Phase.DURING, lacking=3)], Sign.NOT_JUDGED),
        ([_second(Phase.DURING, ok=8)], Sign.NOT_JUDGED),
        ([_second(Phase.AFTER, lacking=8)], Sign.NOT_JUDGED),
        ([_second(Phase.DURING, lacking=8), _second(Phase.AFTER, lacking=2)], Sign.FOUND),
    ],
)
def test_answers_that_lack_something_and_do_not_say_so_are_a_fallback_passed_off(during, sign):
    assert reading_of(_answering(BEFORE, *during), "fallback passed off").sign is sign


def test_one_step_that_says_so_does_not_speak_for_another():
    told = _second(Phase.DURING, ok=8, degraded=8)
    silent = _second(Phase.DURING, lacking=8, step="charge")
    assert reading_of(_answering(BEFORE, told, silent), "fallback passed off").sign is Sign.FOUND


def test_what_a_step_lacked_before_the_fault_is_not_put_down_to_it():
    answers = _answering(_second(Phase.HOLD, ok=7, lacking=1), _second(Phase.DURING, lacking=8))
    assert reading_of(answers, "fallback passed off").sign is Sign.NOT_JUDGED


def test_without_a_journey_that_checks_for_it_nobody_can_tell_a_fallback_from_an_answer():
    reading = reading_of(_answering(), "fallback passed off")
    assert reading.sign is Sign.NOT_JUDGED
    assert "severity `degraded`" in reading.text
