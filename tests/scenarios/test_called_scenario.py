"""A step may call a whole scenario: its variables go in, what it captures comes out, its teardown runs at its end."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError

OPEN = """
    scenario: open an account
    vars: {owner: Ada, title: "Ms {{ owner }}"}
    setup: [{request: {url: /login}, capture: {token: {jsonpath: $.v, secret: true}}}]
    steps: [{request: {url: "/open/{{ title }}"}, capture: {account: {jsonpath: $.v}}}]
    teardown: [{request: {url: "/close/{{ account }}"}}]
"""


def paths(played):
    return [sent.url.removeprefix("http://api.test") for sent in played.requests]


def test_its_setup_steps_and_teardown_run_and_what_it_captured_comes_out(journey, run, canned):
    scenario = journey("- {use: open.yaml}\n- {request: {url: '/x/{{ account }}'}, expect: {status: 200}}", open=OPEN)
    played = run(scenario, canned.ok(200, {"v": "tok-1"}), canned.ok(200, {"v": "a-1"}), canned.ok(200))
    assert paths(played) == ["/login", "/open/Ms%20Ada", "/close/a-1", "/x/a-1"]
    assert [name for name, _ in played.steps][:3] == [
        "open > GET /login",
        "open > GET /open/*",
        "open > GET /close/*",
    ]
    assert played.result.passed
    assert played.context.secrets.redact("tok-1") == "***(token)"


def test_its_variables_may_be_given(journey, run, canned):
    played = run(journey("- {use: open.yaml, with: {owner: Bob}}", open=OPEN), canned.ok(200, {"v": "tok-1"}))
    assert paths(played)[1] == "/open/Ms%20Bob"


def test_its_teardown_runs_when_it_failed(journey, run, canned):
    answers = canned.ok(200, {"v": "tok-1"}), canned.ok(500, {"v": "a-1"}), canned.ok(200)
    played = run(journey("- {use: open.yaml}\n- {request: {url: /x}}", open=OPEN), *answers)
    assert paths(played) == ["/login", "/open/Ms%20Ada", "/close/a-1"]
    assert played.steps[-1] == ("GET /x", "skipped")


@pytest.mark.parametrize(("line", "why"), [("skip: not now", "not now"), ("never_in: test", "never in test")])
def test_one_that_is_not_for_now_is_skipped_with_its_reason(journey, run, line, why):
    played = run(journey("- {use: open.yaml}", open=OPEN.replace("vars:", f"{line}\n    vars:")))
    assert played.result.steps[0].skipped == why


@pytest.mark.parametrize(
    ("step", "flow", "message"),
    [
        ("{use: open.yaml, with: {ownr: x}}", OPEN, "takes no 'ownr'; did you mean 'owner'?"),
        (
            "{use: open.yaml}",
            OPEN.replace("vars:", "rows: [{a: 1}]\n    vars:"),
            "a scenario with rows cannot be called",
        ),
        ("{use: open.yaml}", "profile: p\nscenarios: [s]\n", "a 'profile' where a flow is used"),
        ("{use: open.yaml}", OPEN.replace("setup: [", "setup: [{use: s.yaml}, "), "comes to use itself"),
    ],
)
def test_a_call_that_cannot_be_is_refused_with_its_place(journey, step, flow, message):
    with pytest.raises(DocumentError) as caught:
        journey(f"- {step}", open=flow)
    assert message in str(caught.value)
    assert caught.value.where.line > 0
