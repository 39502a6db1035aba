"""What is prepared is only sooner: every step of our journeys makes the same request and judges any answer alike.

Every other test that plays a scenario by the fixture `run` plays it prepared, too.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.exchange import Response
from seatrial.redact import Deferred, Secrets
from seatrial.scenarios.answers.direct import compile_direct
from seatrial.scenarios.model import STRAIGHT, Scenario, every_step
from seatrial.scenarios.moves import Context, Send
from seatrial.scenarios.play import play
from seatrial.scenarios.prepared import prepare
from seatrial.scenarios.read import read_scenarios
from seatrial.template import RESERVED

ROOT = Path(__file__).parents[2]
OURS = (*read_scenarios(ROOT / "scenarios"), *read_scenarios(ROOT / "bench" / "journey" / "scenarios"))
STEPS = [(scenario, step) for scenario in OURS for step in every_step(scenario)]
ADDRESSES = dict.fromkeys({step.service for _, step in STEPS}, "http://bank.test:8080/")
VALUES = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    250,
    -3,
    10**20,
    "",
    "a b/c",
    "EUR",
    "1",
    "é\n",
    "\ud800",
    [],
    [1, "1"],
    {},
    {"id": "x"},
]
KEYS = ["id", "token", "state", "balance_cents", "token_type", "entries", "customer_id", "amount_cents"]
DOCUMENTS = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=12,
)
BODIES = DOCUMENTS.map(lambda document: json.dumps(document).encode()) | st.sampled_from(
    [
        b"",
        b"no JSON",
        b'{"id": "\\ud800"}',
        b'{"id": NaN}',
        b'{"id": 12345678901234567890}',
        "\ufeff{}".encode(),
        b"\xff",
    ]
)
TYPES = st.sampled_from(["application/json", "application/json; charset=latin-1", "text/plain; charset=hex", ""])


def played(scenario, context, answers):
    """Every move of a play against these answers, the last for ever, and how it ended."""
    playing, moves, reply, left = play(scenario, context), [], None, list(answers)
    try:
        while True:
            move = playing.send(reply)
            moves.append(move)
            asked = isinstance(move, Send)
            reply = (left.pop(0) if len(left) > 1 else left[0]) if asked else None
    except StopIteration as end:
        return moves, end.value


def contexts(scenario, **given):
    """The same context without and with what can be prepared."""
    plain = Context("test", ADDRESSES, seed=7, now=lambda: 1_700_000_000.0, **given)
    return plain, replace(plain, prepared=prepare(scenario, plain.tracing), secrets=Secrets())


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[f"{one.name} > {step.name}" for one, step in STEPS])
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(data=st.data())
def test_a_step_of_ours_sends_and_judges_alike_prepared_or_not(number, data):
    scenario, step = STEPS[number]
    alone = Scenario(scenario.name, scenario.file, scenario.where, (step,), variables=scenario.variables)
    values = {name: data.draw(st.sampled_from(VALUES), label=name) for name in sorted(step.uses - RESERVED)}
    status = data.draw(st.sampled_from([200, 201, 204, 302, 401, 404, 503]))
    headers = (("Content-Type", data.draw(TYPES)), ("Set-Cookie", "a=b"))
    answer = Response(status, headers, data.draw(BODIES), data.draw(st.sampled_from([0.001, 30.0])))
    plain, prepared = (played(alone, each, [answer]) for each in contexts(alone, overrides=values))
    assert prepared == plain


JOURNEY = next(scenario for scenario in OURS if scenario.name == "pay once")
ACCOUNT = {"id": "acc-41", "customer_id": "7", "state": "OPEN", "balance_cents": 100_000}
GOOD = [
    (201, {"token": "tok-5f2c", "token_type": "Bearer"}),
    (201, ACCOUNT),
    (200, ACCOUNT),
    (201, {"id": "chg-9003", "state": "APPROVED", "amount_cents": 250, "balance_cents": 99_750}),
    (200, {"entries": [{"id": "chg-9001"}, {"id": "chg-9003"}]}),
]


def answers(good):
    return [Response(status, (), json.dumps(content).encode(), 0.01) for status, content in good]


def test_a_good_journey_passes_alike_and_nothing_of_it_goes_the_long_way(monkeypatch):
    plain, prepared = contexts(JOURNEY)
    wanted = played(JOURNEY, plain, answers(GOOD))
    monkeypatch.setattr("seatrial.scenarios.attempt.judge", None)
    monkeypatch.setattr("seatrial.scenarios.attempt.expand", None)
    assert played(JOURNEY, prepared, answers(GOOD)) == wanted
    assert wanted[1].passed


@given(at=st.integers(0, 4), key=st.sampled_from(KEYS), value=st.sampled_from(VALUES), gone=st.booleans())
def test_a_journey_with_one_wrong_member_fails_alike(at, key, value, gone):
    status, content = GOOD[at]
    changed = {name: one for name, one in {**content, key: value}.items() if not (gone and name == key)}
    given = [*GOOD[:at], (status, changed), *GOOD[at + 1 :]]
    plain, prepared = contexts(JOURNEY)
    assert played(JOURNEY, prepared, answers(given)) == played(JOURNEY, plain, answers(given))


def test_expectations_that_draw_a_number_are_left_to_the_long_way(journey):
    step = journey("- {request: {url: /a}, expect: {json: {n: '{{ random_int(1, 9) }}'}}}").steps[0]
    assert compile_direct(step) is None


def test_plays_without_a_seed_draw_from_the_chance_given():
    drawn = [
        played(JOURNEY, Context("test", ADDRESSES, chance=random.Random(3)), answers(GOOD))[1].trace_id
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1] == f"{random.Random(3).getrandbits(128):032x}"


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=9)), max_size=4), st.text(max_size=40))
def test_deferred_secrets_mask_as_others(added, text):
    soon, shows, knows, forks = Secrets(), Deferred(), Deferred(), Deferred()  # each is asked one thing first
    for name, value in added:
        kept = soon.add(name, value)
        assert [late.add(name, value) for late in (shows, knows, forks)] == [kept] * 3
    shown = f"{text}{''.join(value for _, value in added)}"
    assert shows.redact(shown) == soon.redact(shown)
    assert all((value in knows) is (value in soon) for _, value in added)
    assert forks.fork().redact(shown) == soon.redact(shown)


def test_deferred_secrets_know_what_others_know_before_anything_was_added():
    late = Deferred()
    late.keep_newest(1)
    lent = late.lend()
    assert lent.add("token", "abcdefgh")
    assert "abcdefgh" in late
    assert lent.redact("an abcdefgh") == "an ***(token)"
    with pytest.raises(AttributeError, match="nothing"):
        _ = late.nothing


@pytest.mark.parametrize("scenario", OURS, ids=lambda scenario: scenario.name)
def test_a_step_that_is_simply_run_is_played_as_one_that_might_not_be(scenario):
    roundabout = replace(scenario, steps=tuple(replace(part, course=replace(part.course)) for part in scenario.steps))
    context = Context("test", ADDRESSES, seed=1)
    told = [_short(*played(each, context, answers(GOOD))) for each in (scenario, roundabout)]
    assert told[0] == told[1]
    assert any(part.course is STRAIGHT for part in scenario.steps)


def _short(moves, result):
    steps = [(step.title, step.outcome, step.attempts) for step in result.steps]
    return [move.request for move in moves if isinstance(move, Send)], steps, len(moves)
