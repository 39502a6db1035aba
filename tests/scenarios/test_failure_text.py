"""The one text of a failure, and the same as plain JSON."""

from __future__ import annotations

import json

from seatrial.redact import Secrets
from seatrial.sample import Timings
from seatrial.scenarios.curl import curl_line
from seatrial.scenarios.failure import timing_text
from seatrial.scenarios.wording import attempt_text, degraded_text, failure_texts, play_text, result_json


def texts(played):
    return failure_texts(played.result, secrets=played.context.secrets)


def test_text_shows_place_source_rendered_value_and_both_sides(journey, run, canned):
    scenario = journey('- {name: look, request: {url: /}, expect: {json: {n: "{{ n }}"}}}')
    [text] = texts(run(scenario, canned.ok(200, {"n": 4}), variables={"n": 5}))
    assert text.splitlines()[:7] == [
        "s > look   FAILED",
        " --> s.yaml:4:56",
        "  |",
        '4 |   - {name: look, request: {url: /}, expect: {json: {n: "{{ n }}"}}}',
        "  |                                                        ^^^^^^^^^ rendered: 5",
        "  = actual:   integer <4> at $.n",
        "  = expected: integer <5>",
    ]


def test_passed_play_has_no_text(journey, run):
    played = run(journey("- {request: {url: /}, expect: {status: 200}}"))
    assert texts(played) == ()
    assert play_text(played.result, secrets=Secrets()) == ""
    assert attempt_text(played.told[0], played.result.scenario, secrets=Secrets()) == ""
    assert degraded_text(played.told[0], played.result.scenario, secrets=Secrets()) == ""


def test_place_in_a_flow_shows_the_flows_own_line(journey, run, canned):
    flow = "flow: f\nsteps:\n  - {name: ask, request: {url: /}, expect: {status: 201}}\n"
    [text] = texts(run(journey("- {use: login.yaml}", login=flow), canned.ok(500)))
    assert "--> login.yaml:3:53" in text
    assert "3 |   - {name: ask, request: {url: /}, expect: {status: 201}}" in text


def test_secret_cut_short_by_a_long_value_shows_neither_half(journey, run, canned):
    scenario = journey("- {request: {url: /}, expect: {checks: [{body: {empty: true}}]}}")
    secrets = Secrets()
    secrets.add("key", "k" * 10 + "-" * 10)
    body = "x" * 255 + "k" * 10 + "-" * 10
    [text] = texts(run(scenario, canned.ok(200, body), secrets=secrets))
    assert "***(key)" in text
    assert "kkk" not in text


def test_long_source_line_is_cut_around_its_place(journey, run, canned):
    scenario = journey(f"- {{name: {'n' * 300}, request: {{url: /}}, expect: {{status: 201}}}}")
    [text] = texts(run(scenario, canned.ok(200)))
    source, carets = text.splitlines()[3:5]
    assert len(source) < 200
    assert source[carets.index("^") :].startswith("201")


def test_everything_leaves_redacted(journey, run, canned):
    scenario = journey("""
        - request: {method: POST, url: "/{{ secrets.key }}", json: "{{ vars.k }}", auth: {bearer: "{{ vars.k }}"}}
          expect: {status: 201, json: {a: "{{ secrets.key }}"}}
    """)
    secrets = Secrets()
    secrets.add("key", 'se"cret/key')
    played = run(
        scenario,
        canned.ok(200, {"a": 'x se"cret/key'}),
        variables={"k": 'se"cret/key'},
        secret_values={"key": 'se"cret/key'},
        secrets=secrets,
    )
    document = json.dumps(result_json(played.result, secrets=secrets))
    assert "cret/key" not in document
    assert "cret%2Fkey" not in document
    assert document.count("***(key)") > 4


def test_json_tells_every_step(journey, run, canned):
    scenario = journey("- {name: a, request: {url: /}, expect: {status: 200}}\n- {name: b, request: {url: /}}")
    document = result_json(run(scenario, canned.ok(500)).result, secrets=Secrets())
    assert [(step["step"], step["outcome"], step["cause"]) for step in document["steps"]] == [
        ("a", "unexpected", "status"),
        ("b", "skipped", None),
    ]
    assert document["passed"] is False
    assert document["steps"][0]["failure"] == document["failures"][0]
    json.dumps(document)


def test_curl_line_repeats_the_request(journey, run):
    scenario = journey("""
        - request: {method: PUT, url: "/a?b=it's", headers: {X-One: "1"}, json: {n: 1}}
          expect: {status: 200}
    """)
    line = curl_line(run(scenario).requests[0], Secrets())
    assert line == (
        "curl -sS -X PUT 'http://api.test/a?b=it'\"'\"'s' -H 'Content-Type: application/json' -H 'X-One: 1' "
        "--data-raw '{\"n\":1}'"
    )


def test_curl_line_keeps_the_headers_the_step_wrote_and_no_other_that_every_request_has(journey, run, canned):
    scenario = journey("""
        - request: {url: /, headers: {accept: "*/*", User-Agent: mine, X-Request-Id: "7", Traceparent: "00-1-2-01"}}
          expect: {status: 200}
        - request: {url: /plain}
          expect: {status: 201}
    """)
    played = run(scenario, canned.ok(201))
    [text] = texts(played)
    line = text.splitlines()[-1]
    written = ("accept: */*", "User-Agent: mine", "X-Request-Id: 7", "Traceparent: 00-1-2-01")
    headers = " ".join(f"-H '{header}'" for header in written)
    assert line.endswith(f"curl -sS 'http://api.test/' {headers}")
    assert curl_line(played.requests[0], Secrets()) == "curl -sS 'http://api.test/'"


def test_curl_line_names_a_body_too_long_to_show(journey, run):
    scenario = journey('- {request: {method: POST, url: /, text: "{{ t }}"}, expect: {status: 200}}')
    line = curl_line(run(scenario, variables={"t": "x" * 5000}).requests[0], Secrets())
    assert line.endswith("# and a body of 5000 characters")


def test_reused_connection_is_called_so_and_one_never_made_is_not_named():
    assert timing_text(Timings(first_byte_s=0.004), 0.005, "t").startswith(
        "connect reused, first byte 4 ms, total 5 ms"
    )
    assert timing_text(Timings(), 0.001, "t") == "total 1 ms;  trace t"
    assert timing_text(Timings(connect_s=0.001), 1.0, "t") == "connect 1 ms, total 1 s;  trace t"
