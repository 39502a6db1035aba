"""The semantics of a play, each proved against canned answers."""

from __future__ import annotations

import re
import textwrap

import pytest

from seatrial.sample import Cause, Outcome
from seatrial.scenarios.moves import Context
from seatrial.scenarios.play import play

TWO = """
    - {name: one, request: {url: /1}, expect: {status: 200}}
    - {name: two, request: {url: /2}, expect: {status: 200}}
"""


def test_play_passes_when_everything_is_as_expected(journey, run):
    played = run(journey(TWO))
    assert played.result.passed
    assert played.steps == [("one", "ok"), ("two", "ok")]
    assert [request.url for request in played.requests] == ["http://api.test/1", "http://api.test/2"]


def test_same_seed_and_answers_give_the_same_moves(journey, run):
    scenario = journey('- {request: {url: "/{{ uuid() }}"}, expect: {status: 200}}')
    assert run(scenario).moves == run(scenario).moves
    assert run(scenario, seed=2).moves != run(scenario).moves


def test_play_without_a_seed_is_never_the_same_twice(journey, run):
    scenario = journey(TWO)
    assert len({run(scenario, seed=None, once=True).result.trace_id for _ in range(2)}) == 2


def test_every_request_carries_trace_request_id_and_user_agent(journey, run):
    played = run(journey(TWO))
    headers = [dict(request.headers) for request in played.requests]
    traces = [re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", head["traceparent"]) for head in headers]
    assert {trace[1] for trace in traces} == {played.result.trace_id}
    assert len({trace[2] for trace in traces}) == 2, "a span per step"
    assert len({head["X-Request-Id"] for head in headers}) == 2
    assert all(re.fullmatch(r"seatrial/\d.*", head["User-Agent"]) for head in headers)


def test_step_without_expect_fails_from_status_400_on(journey, run, canned):
    scenario = journey(
        "- {name: plain, request: {url: /}}\n- {name: checked, request: {url: /}, expect: {status: 200}}"
    )
    assert run(scenario, canned.ok(399), canned.ok(200)).result.passed
    assert run(scenario, canned.ok(400), canned.ok(200)).steps == [("plain", "unexpected"), ("checked", "skipped")]


def test_step_without_expect_fails_on_a_broken_exchange(journey, run, canned):
    played = run(journey("- {name: plain, request: {url: /}}"), canned.broken(Cause.TIMEOUT))
    assert played.result.outcome is Outcome.BROKEN
    assert played.told[0].cause is Cause.TIMEOUT


def test_expected_error_status_is_no_failure(journey, run, canned):
    assert run(journey("- {request: {url: /}, expect: {status: [404, 410]}}"), canned.ok(410)).result.passed


def test_play_that_checks_nothing_is_a_failure(journey, run):
    played = run(journey("- {request: {url: /}}"))
    assert played.result.outcome is Outcome.UNEXPECTED
    assert [failure.summary for failure in played.result.failures] == ["the scenario evaluated no check"]


def test_play_that_requests_nothing_is_a_failure(journey, run):
    played = run(journey("- {request: {url: /}, when: 1 > 2, expect: {status: 200}}"))
    assert not played.result.passed
    assert [failure.summary for failure in played.result.failures] == ["the scenario made no request"]


def test_skipped_scenario_sends_nothing_and_has_not_passed(journey, run):
    played = run(journey("scenario: s\nskip: not yet\nsteps:\n- {request: {url: service://api/}}"))
    assert played.requests == []
    assert played.result.skipped == "not yet"
    assert not played.result.passed


def test_after_a_failure_the_rest_is_skipped_and_said_so(journey, run, canned):
    played = run(journey(TWO), canned.ok(500))
    assert played.steps == [("one", "unexpected"), ("two", "skipped")]
    assert played.result.steps[1].skipped == "an earlier step failed"
    assert len(played.requests) == 1


def test_continue_goes_on_after_a_failure_without_hiding_it(journey, run, canned):
    scenario = journey(
        "- {name: one, continue: true, request: {url: /}, expect: {status: 200}}\n" + textwrap.dedent(TWO).strip()
    )
    played = run(scenario, canned.ok(500), canned.ok(200))
    assert [outcome for _, outcome in played.steps] == ["unexpected", "ok", "ok"]
    assert played.result.outcome is Outcome.UNEXPECTED


def test_skip_and_when_leave_one_step_out(journey, run):
    scenario = journey(
        "- {name: a, skip: broken, request: {url: /}}\n- {name: b, when: vars.x, request: {url: /}}\n"
        + textwrap.dedent(TWO).strip()
    )
    played = run(scenario, variables={"x": False})
    assert [outcome for _, outcome in played.steps] == ["skipped", "skipped", "ok", "ok"]
    assert played.result.passed


def test_condition_on_an_undefined_name_fails_the_step(journey, run):
    played = run(journey("- {name: a, when: nobody > 1, request: {url: /}}"))
    assert played.told[0].cause is Cause.TEMPLATE
    assert played.requests == []


TEARDOWN = """
    scenario: s
    service: api
    setup:
      - {name: make, request: {method: POST, url: /x}, expect: {status: 201}, capture: {id: {jsonpath: $.id}}}
    steps:
      - {name: use, request: {url: "/x/{{ id }}"}, expect: {status: 200}}
    teardown:
      - {name: first, when: id is defined, request: {method: DELETE, url: "/x/{{ id }}"}, expect: {status: 204}}
      - {name: second, request: {url: /y}, expect: {status: 204}}
"""


def test_teardown_runs_after_a_failure_with_what_was_captured(journey, run, canned):
    played = run(journey(TEARDOWN), canned.ok(201, {"id": "7"}), canned.ok(500), canned.ok(204))
    assert [request.url for request in played.requests[2:]] == ["http://api.test/x/7", "http://api.test/y"]
    assert played.result.outcome is Outcome.UNEXPECTED
    assert played.result.teardown_outcome is Outcome.OK


def test_teardown_runs_after_a_failed_setup_and_its_steps_are_skipped(journey, run, canned):
    played = run(journey(TEARDOWN), canned.broken(), canned.ok(204))
    assert played.steps == [("make", "broken"), ("use", "skipped"), ("first", "skipped"), ("second", "ok")]


def test_failure_of_teardown_is_told_apart_and_stops_nothing(journey, run, canned):
    played = run(journey(TEARDOWN), canned.ok(201, {"id": "7"}), canned.ok(200), canned.ok(500), canned.ok(204))
    assert played.result.outcome is Outcome.OK
    assert played.result.teardown_outcome is Outcome.UNEXPECTED
    assert not played.result.passed
    assert played.steps[-1] == ("second", "ok")


def test_capture_of_a_failed_step_reaches_the_teardown(journey, run, canned):
    played = run(journey(TEARDOWN), canned.ok(200, {"id": "8"}), canned.ok(204))
    assert played.requests[1].url == "http://api.test/x/8"


def test_wrong_status_is_told_before_and_instead_of_empty_captures(journey, run, canned):
    scenario = journey("- {request: {url: /}, expect: {status: 200}, capture: {id: {jsonpath: $.id}}}")
    assert run(scenario, canned.ok(401, {"error": "no"})).summaries == ["status 401, expected integer <200>"]


def test_capture_that_finds_nothing_fails_the_step(journey, run, canned):
    scenario = journey("- {request: {url: /}, expect: {status: 200}, capture: {id: {jsonpath: $.id}}}")
    played = run(scenario, canned.ok(200, {"ids": 1}))
    assert played.told[0].cause is Cause.CAPTURE
    assert played.told[0].failures[0].notes == (("near", "'ids'"),)


def test_all_checks_are_evaluated_not_the_first_failing_one_only(journey, run, canned):
    scenario = journey("""
        - request: {url: /}
          expect:
            status: 201
            json: {a: 1}
            max: {fail: 1ms}
            checks: [{jsonpath: $.b, eq: 2}, {header: X-None, exists: true}]
    """)
    assert len(run(scenario, canned.ok(200, {"a": 0, "b": 0})).summaries) == 5


def test_captured_value_keeps_its_type_and_is_known_to_the_same_steps_checks(journey, run, canned):
    scenario = journey("""
        - request: {url: /}
          capture: {n: {jsonpath: $.n}}
          expect: {checks: [{jsonpath: $.twice, eq: "{{ n * 2 }}"}]}
        - request: {method: POST, url: /, json: {n: "{{ n }}"}}
    """)
    played = run(scenario, canned.ok(200, {"n": 21, "twice": 42}))
    assert played.result.passed
    assert played.requests[1].body == b'{"n":21}'


def test_secret_capture_is_masked_from_then_on(journey, run, canned):
    scenario = journey("""
        - request: {url: /}
          capture: {token: {jsonpath: $.token, secret: true}}
          expect: {status: 201}
    """)
    played = run(scenario, canned.ok(200, {"token": "very-secret"}))
    assert played.context.secrets.redact("very-secret") == "***(token)"


OWN = "- {request: {url: /}, capture: {order: {jsonpath: $.order}}, vars: {wanted: {}}, expect: {%s}}"


@pytest.mark.parametrize(
    "expected", ['json: {id: "{{ order.id }}"}', 'checks: [{jsonpath: $.id, eq: "{{ order.id }}"}]']
)
def test_an_expectation_that_its_own_answer_cannot_fill_is_a_failure_of_that_answer(journey, run, canned, expected):
    played = run(journey(OWN % expected), canned.ok(200, {"order": {}, "id": 7}))
    assert (played.told[0].cause, played.told[0].status) == (Cause.CHECK, 200)
    assert "'id' is not defined" in played.told[0].detail
    other = run(journey(OWN % expected.replace("order.id", "wanted.id")), canned.ok(200, {"order": {}, "id": 7}))
    assert other.told[0].cause is Cause.TEMPLATE


def test_slower_than_fail_fails_and_slower_than_degraded_is_only_marked(journey, run, canned):
    scenario = journey("- {request: {url: /}, expect: {max: {fail: 500ms, degraded: 200ms}}}")
    quick, slow, late = (run(scenario, canned.ok(latency_s=latency)) for latency in (0.2, 0.3, 0.6))
    assert (quick.result.passed, quick.told[0].degraded) == (True, False)
    assert (slow.result.passed, slow.told[0].degraded) == (True, True)
    assert (late.result.passed, late.told[0].cause) == (False, Cause.SLOW)


def test_check_of_severity_degraded_never_fails_the_step(journey, run, canned):
    scenario = journey("- {request: {url: /}, expect: {checks: [{jsonpath: $.a, eq: 1, severity: degraded}]}}")
    played = run(scenario, canned.ok(200, {"a": 2}))
    assert played.result.passed
    assert played.told[0].degraded
    assert played.told[0].detail == "$.a: integer <2>, expected integer <1>"


def test_overrides_win_over_scenario_variables_and_these_over_the_realms(journey, run):
    scenario = journey("""
        scenario: s
        service: api
        vars: {b: scenario, c: scenario, d: "{{ a }}+{{ b }}"}
        steps: [{request: {url: "/{{ a }}/{{ b }}/{{ c }}/{{ vars.d | raw }}/{{ realm }}"}, expect: {status: 200}}]
    """)
    variables = {"a": "realm", "b": "realm", "c": "realm"}
    played = run(scenario, variables=variables, overrides={"c": "override"})
    assert played.requests[0].url == "http://api.test/realm/scenario/override/realm+scenario/test"


def test_variable_that_cannot_be_rendered_fails_the_play_before_any_request(journey, run):
    scenario = journey("""
        scenario: s
        service: api
        vars: {a: "{{ nobody }}"}
        steps: [{request: {url: /}, expect: {status: 200}}]
    """)
    played = run(scenario)
    assert played.requests == []
    assert played.result.outcome is Outcome.UNEXPECTED
    assert "'nobody' is not defined" in played.result.failures[0].summary


def test_plays_share_nothing(journey, run, canned):
    scenario = journey("""
        - {request: {url: "/{{ seen | default('fresh') }}"}, capture: {seen: {jsonpath: $.a}}, expect: {status: 200}}
    """)
    cookie = (("Set-Cookie", "sid=1"),)
    for _ in range(2):
        played = run(scenario, canned.ok(200, {"a": "stale"}, headers=cookie))
        assert played.requests[0].url == "http://api.test/fresh"
        assert "Cookie" not in dict(played.requests[0].headers)


def test_cookies_are_kept_within_a_play(journey, run, canned):
    played = run(journey(TWO), canned.ok(200, headers=(("Set-Cookie", "sid=1; Path=/"),)), canned.ok(200))
    assert dict(played.requests[1].headers)["Cookie"] == "sid=1"


FLOW = """
    flow: login
    inputs: {user: null, realm_name: main, password: {secret: true}}
    steps:
      - name: ask
        request: {method: POST, url: /login, form: {user: "{{ user }}", pw: "{{ password }}", at: "{{ realm_name }}"}}
        expect: {status: 201}
        capture: {token: {jsonpath: $.token}, inner: {jsonpath: $.token}}
    outputs: [token]
"""


CALLER = """
    scenario: s
    service: api
    vars: {outer: 1}
    setup:
      - {name: sign in, use: login.yaml, with: {user: "ada{{ outer }}", password: pass-word}}
    steps:
      - name: after
        request: {url: "/{{ token }}/{{ inner | default('none') }}"}
        expect: {status: 201}
"""


def test_flow_is_called_with_inputs_and_gives_only_its_outputs(journey, run, canned):
    played = run(journey(CALLER, login=FLOW), canned.ok(201, {"token": "t1"}))
    assert played.requests[0].body == b"user=ada1&pw=pass-word&at=main"
    assert played.requests[1].url == "http://api.test/t1/none"
    assert played.steps == [("sign in > ask", "ok"), ("after", "ok")]
    assert played.context.secrets.redact("pass-word") == "***(password)"


def test_flow_sees_nothing_of_the_callers_variables(journey, run, canned):
    flow = FLOW.replace("/login", "'/{{ outer }}'")
    played = run(journey(CALLER, login=flow), canned.ok(201, {"token": "t1"}))
    assert "'outer' is not defined" in played.summaries[0]


def test_failure_within_a_flow_skips_its_rest_and_the_callers(journey, run, canned):
    more = FLOW.replace("    outputs", "      - {name: more, request: {url: /}}\n    outputs")
    played = run(journey(CALLER, login=more), canned.ok(500))
    assert played.steps == [("sign in > ask", "unexpected"), ("sign in > more", "skipped"), ("after", "skipped")]


def test_failing_step_tells_the_captured_values_it_used_and_their_origin(journey, run, canned):
    scenario = journey("""
        - {name: get it, request: {url: /}, capture: {id: {jsonpath: $.id}, unused: {jsonpath: $.id}}}
        - {name: use it, request: {url: "/{{ id }}"}, expect: {status: 200}}
    """)
    played = run(scenario, canned.ok(200, {"id": 7}), canned.ok(500))
    [used] = played.told[-1].used
    assert (used.name, used.value, used.origin) == ("id", 7, "step 1 'get it' ($.id)")


def test_driver_that_answers_nothing_is_told_so(journey):
    playing = play(journey(TWO), Context(realm="test", addresses={"api": "http://api.test"}))
    playing.send(None)
    with pytest.raises(TypeError, match="must be answered"):
        playing.send(None)


def test_a_secret_too_short_to_mask_is_warned_of(journey, run, canned):
    step = "- {request: {url: /}, capture: {pin: {jsonpath: $.pin, secret: true}}, expect: {status: 200}}"
    [told] = run(journey(step), canned.ok(200, {"pin": "123"})).told
    assert told.warnings == ("the secret 'pin' is shorter than 4 characters and is not masked",)
    assert not run(journey(step), canned.ok(200, {"pin": "1234"})).told[0].warnings


def test_every_text_within_a_secret_capture_is_masked(journey, run, canned):
    step = "- {request: {url: /}, capture: {creds: {jsonpath: $, secret: true}}, expect: {status: 200}}"
    secrets = run(journey(step), canned.ok(200, {"user": "ada-1", "deep": [{"password": "pass-1"}]})).context.secrets
    assert secrets.redact("ada-1 pass-1") == "***(creds) ***(creds)"
