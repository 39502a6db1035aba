"""Checks and captures in a file: what is understood, what is refused with its place, and how each one fails."""

from __future__ import annotations

import dataclasses
import json

import pytest

from seatrial.errors import DocumentError
from seatrial.exchange import Certificate, Redirect, Response
from seatrial.sample import Outcome, Timings
from seatrial.scenarios.answers.expect import judge

NOON = 1_700_000_000.0
DAY_S = 86_400
BODY = {"id": 7, "name": "Ada", "tags": ["b", "a"], "since": "2020-01-31", "file": "SGVsbG8="}
ANSWER = Response(
    200,
    (("Content-Type", "application/json"), ("Set-Cookie", "SID=x; Path=/; Max-Age=60")),
    json.dumps(BODY).encode(),
    0.05,
    timings=Timings(connect_s=0.001, first_byte_s=0.02, download_s=0.001),
    http_version="1.1",
    url="http://api.test/x",
    ip="127.0.0.1",
    certificate=Certificate("CN=api", "CN=CA", "0A", NOON - DAY_S, NOON + 30 * DAY_S),
    redirects=(Redirect("http://api.test/", 302, "/x"),),
)


def checking(check):
    return f"- {{request: {{url: /}}, expect: {{checks: [{check}]}}}}"


HOLDS = [
    "{status: true, eq: 200}",
    "{status: {in: [200, 201]}}",
    "{version: true, eq: 1.1}",
    "{version: {in: [1.1, 2]}}",
    "{header: content-type, starts_with: application/}",
    "{cookie: SID, eq: x}",
    '{cookie: "SID[Max-Age]", gte: 60}',
    '{cookie: "SID[Secure]", exists: false}',
    "{cookie: SID, exists: true}",
    "{body: true, contains: Ada}",
    "{bytes: true, starts_with: 7b22}",
    "{raw_bytes: true, filter: count, gt: 10}",
    "{jsonpath: $.id, gt: 0, lt: 9}",
    '{jsonpath: "$.{{ key }}", eq: 7}',
    "{jmespath: 'length(tags)', eq: 2}",
    "{xpath: 'count(//a)', not: {eq: 5}}",
    "{regex: '\"id\": (\\d+)', eq: '7'}",
    "{url: true, ends_with: /x}",
    "{redirects: true, filters: [{nth: 0}, location], eq: 'http://api.test/x'}",
    "{ip: true, type: ipv4}",
    "{sha256: {length: 64}}",
    "{md5: {matches: '^[0-9a-f]+$'}}",
    "{duration: true, lt: 100ms}",
    "{duration: {between: [10ms, 1s]}}",
    "{timing: connect, lte: 1ms}",
    "{timing: tls, exists: false}",
    "{timing: total, filter: to_string, eq: '0.05'}",
    "{certificate: days_left, gte: 14}",
    "{certificate: expire_date, gt: 2023-11-20}",
    "{certificate: subject, eq: CN=api}",
    "{variable: key, eq: id}",
    "{trace_id: {length: 32}}",
    "{jsonpath: '$.tags[*]', filter: count, eq: 2}",
    "{jsonpath: '$.none[*]', filter: count, eq: 0}",
    "{jsonpath: $.tags, filters: [sort, first], eq: a}",
    "{jsonpath: $.name, filters: [{replace: [A, '{{ key }}']}], eq: idda}",
    "{jsonpath: $.since, filters: [{to_date: '%Y-%m-%d'}, days_before_now], gt: 1000}",
    "{jsonpath: $.since, filters: [{to_date: '%Y-%m-%d'}], type: date, lt: 2021-01-01}",
    "{jsonpath: $.since, filters: [{to_date: '%Y-%m-%d'}, {date_format: '%d.%m.%Y'}], eq: 31.01.2020}",
    "{jsonpath: $.file, filters: [base64_decode, utf8_decode], eq: Hello}",
    "{jsonpath: $.file, filters: [base64_decode], eq: 48656c6c6f, type: bytes}",
    "{jsonpath: $, schema: {type: object, required: [id]}}",
    "{jsonpath: $, not: {schema: {type: object, required: [nothing]}}}",
    "{jsonpath: $.id, schema: {const: '{{ 7 }}'}}",
    "{jsonpath: $, type: collection}",
    "{jsonpath: $.id, filters: [], eq: 7}",
]


@pytest.mark.parametrize("check", HOLDS)
def test_check_is_read_and_holds(journey, run, check):
    scenario = journey("scenario: s\nservice: api\nvars: {key: id}\nsteps:\n  " + checking(check))
    played = run(scenario, ANSWER)
    assert played.summaries == []
    assert [told.outcome for told in played.told] == [Outcome.OK]


MISSES = {
    "{version: true, eq: 2}": 'version: string <"1.1">, expected string <"2">',
    '{cookie: "SID[Max-Age]", gt: 60}': "cookie SID[Max-Age]: integer <60>, expected greater than integer <60>",
    "{cookie: SIDD, exists: true}": "cookie SIDD: none: the answer sets no cookie 'SIDD', expected there",
    "{jmespath: idd, eq: 7}": (
        "jmespath idd: none: null at idd, which is JMESPath's word for nothing, expected integer <7>"
    ),
    "{timing: first_byte, lt: 10ms}": "timing first_byte: 20 ms, expected less than 10 ms",
    "{timing: dns, lt: 10ms}": "timing dns: none: no name had to be resolved, expected less than 10 ms",
    "{certificate: days_left, gte: 60}": "certificate days_left: integer <30>, expected at least integer <60>",
    "{certificate: start_date, gt: 2026-01-01}": (
        'certificate start_date: date <2023-11-13T22:13:20Z>, expected greater than string <"2026-01-01">'
    ),
    "{redirects: true, filter: count, eq: 0}": "redirects | count: integer <1>, expected integer <0>",
    "{jsonpath: $.name, filter: to_int, eq: 7}": (
        "$.name | to_int: none: filter 'to_int': 'Ada' is no whole number, expected integer <7>"
    ),
    "{jsonpath: $.name, filter: to_int, not: {eq: 7}}": (
        "$.name | to_int: none: filter 'to_int': 'Ada' is no whole number, expected not integer <7>"
    ),
    "{jsonpath: $.file, filter: base64_decode, eq: 00ff}": (
        '$.file | base64_decode: bytes <48656c6c6f>, expected string <"00ff">'
    ),
    "{variable: kez, eq: id}": "variable kez: none: no variable 'kez', expected string <\"id\">",
    "{jsonpath: $.id, schema: {type: string}}": "$.id: integer <7>, expected valid by the schema",
    "{jsonpath: $.id, not: {schema: {type: integer}}}": "$.id: integer <7>, expected not valid by the schema",
}


@pytest.mark.parametrize("check", MISSES)
def test_check_that_misses_says_what_came_and_what_was_wanted(journey, run, check):
    scenario = journey("scenario: s\nservice: api\nvars: {key: id}\nsteps:\n  " + checking(check))
    assert run(scenario, ANSWER).summaries == [MISSES[check]]


def test_schema_that_is_not_met_names_the_path_and_the_error_of_the_first_few(journey, run):
    check = "{jsonpath: $, schema: {properties: {id: {type: string}, tags: {items: {enum: [a]}}}}}"
    [failure] = run(journey(checking(check)), ANSWER).told[0].failures
    assert failure.notes == (
        ("schema", "$.id: 7 is not of type 'string'"),
        ("schema", "$.tags[0]: 'b' is not one of ['a']"),
    )


def test_near_names_are_noted(journey, run):
    [failure] = run(journey(checking("{cookie: SIDD, exists: true}")), ANSWER).told[0].failures
    assert failure.notes == (("near", "'SID'"),)


def test_rendered_query_and_what_its_filters_were_given_are_noted(journey, run):
    check = '{jsonpath: "$.{{ key }}", filters: [sort, last], eq: z}'
    scenario = journey("scenario: s\nservice: api\nvars: {key: tags}\nsteps:\n  " + checking(check))
    [failure] = run(scenario, ANSWER).told[0].failures
    assert failure.notes == (("query", "$.tags"), ("found", 'list <["b", "a"]> before the filters'))


MISTAKES = {
    "{jsonpath: $.a, filters: [cuont], eq: 1}": (35, "unknown filter 'cuont'; did you mean 'count'?"),
    "{jsonpath: $.a, filters: [{nht: 1}], eq: 1}": (36, "unknown filter 'nht'; did you mean 'nth'?"),
    "{jsonpath: $.a, filters: [{nth: a}], eq: 1}": (41, 'string <"a"> is no index; write {nth: -1}'),
    "{jsonpath: $.a, filters: [nth], eq: 1}": (35, "'nth' takes one argument, not 0; write {nth: -1}"),
    "{jsonpath: $.a, filters: [{count: true}], eq: 1}": (43, "'count' takes no argument, not 1; write count"),
    "{jsonpath: $.a, filters: [{nth: 1, count: 1}], eq: 1}": (35, "is not a filter; write a name"),
    "{jsonpath: $.a, filters: [5], eq: 1}": (35, "integer <5> is not a filter"),
    "{jsonpath: $.a, filters: count, eq: 1}": (34, "'filters' takes a list"),
    "{jsonpath: $.a, filters: [count], filter: count, eq: 1}": (43, "'filter' beside 'filters'"),
    "{jsonpath: $.a, filters: [count]}": (9, "the check of '$.a | count' asks nothing"),
    "{jsonpath: $.a, filters: [{regex: '('}], eq: 1}": (43, "'(' is not a regular expression"),
    "{filters: [count], eq: 1}": (9, "it looks at nothing"),
    '{jsonpath: "{{ a", eq: 1}': (20, "'{{ a' is not a template"),
    "{cookie: 'SID[Expire]', eq: 1}": (18, "a cookie has no attribute 'Expire'; did you mean 'Expires'?"),
    "{timing: conect, lt: 1s}": (18, "unknown phase 'conect'; did you mean 'connect'?"),
    "{timing: connect, lt: 5}": (31, "'5' is not a duration"),
    "{certificate: days, gt: 1}": (23, "unknown field of a certificate 'days'"),
    "{header: {eq: 1}}": (18, "'header' takes a text"),
    "{ip: 127.0.0.1}": (14, "'ip' takes no argument; write {ip: {eq: 127.0.0.1}}"),
    "{xpath: '//[', exists: true}": (17, "'//[' is not an XPath"),
    "{jmespath: 'a[', exists: true}": (20, "'a[' is not a JMESPath"),
    "{jsonpath: $, schema: {type: strng}}": (31, "not a JSON Schema: 'strng'"),
    "{jsonpath: $, schema: 5}": (31, "a schema is an object, not 5"),
    "{jsonpath: $, schema: {$ref: 'http://a.test/x'}}": (31, "'http://a.test/x' leads nowhere"),
    "{jsonpath: $, schema: none.json}": (31, "no file 'none.json'"),
    "{jsonpath: $, schema: {file: none.json}}": (31, "no file 'none.json'"),
    "{jsonpath: $, schema: 'bad.json'}": (31, "'bad.json' is not JSON"),
    "{jsonpath: $, schema: 'afar.json'}": (31, "'http://a.test/x' leads nowhere; a schema is never fetched"),
    "{jsonpath: $, schema: 'near.json'}": (31, "'none.json' leads nowhere"),
    "{jsonpath: $, schema: 'http://a.test/x.json'}": (31, "'http://a.test/x.json' is not fetched"),
    "{jsonpath: $, schema: '{{ a }}.json'}": (31, "a file's name holds no template"),
    "{body: true, equals_file: none.txt}": (
        35,
        "no file 'none.txt' here or in a folder above; write it from this file's folder",
    ),
    "{body: true, equals_file: /etc/passwd}": (35, "'/etc/passwd' is an absolute path"),
    "{body: true, equals_file: ../../x}": (35, "'../../x' is outside the workspace"),
    "{body: true, equals_file: link}": (35, "'link' is outside the workspace"),
    "{body: true, equals_file: '{{ a }}'}": (35, "a file's name holds no template"),
    "{body: true, equals_file: 5}": (35, "integer <5> is no file"),
    "{body: true, equals_file: large.txt}": (35, "'large.txt' is larger than"),
}


@pytest.mark.parametrize("check", MISTAKES)
def test_mistake_in_a_check_is_told_with_its_place(journey, tmp_path, check):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "afar.json").write_text('{"$ref": "http://a.test/x"}')
    (tmp_path / "parts").mkdir()
    (tmp_path / "near.json").write_text('{"$ref": "parts/id.json"}')
    (tmp_path / "parts" / "id.json").write_text('{"items": {"$ref": "none.json"}}')
    (tmp_path / "link").symlink_to("/etc/hostname")
    with (tmp_path / "large.txt").open("wb") as large:
        large.truncate((10 << 20) + 1)
    with pytest.raises(DocumentError) as caught:
        journey("- request: {url: /}\n  expect:\n    checks:\n      - " + check)
    column, problem = MISTAKES[check]
    assert problem in str(caught.value)
    assert (caught.value.where.line, caught.value.where.column) == (7, column + 2)


@pytest.mark.parametrize(
    ("capture", "problem"),
    [
        ("{jsonpath: $.a, filter: cuont}", "unknown filter 'cuont'"),
        ("{jsonpath: $.a, filtes: [count]}", "unknown key 'filtes' in a capture; did you mean 'filters'?"),
        ("{sha256: {eq: a}}", "a capture asks nothing"),
        ("{jsonpath: $.a, severity: fail}", "unknown key 'severity' in a capture"),
    ],
)
def test_mistake_in_a_capture_is_told(journey, capture, problem):
    with pytest.raises(DocumentError) as caught:
        journey(f"- {{request: {{url: /}}, capture: {{a: {capture}}}}}")
    assert problem in str(caught.value)


def test_captures_take_filters_templates_and_what_was_captured_before_them(journey, run):
    played = run(
        journey("""
            - request: {url: /}
              capture:
                size: {jsonpath: "$.tags[*]", filter: count}
                last: {jsonpath: "$.tags[{{ size - 1 }}]", filters: [upper]}
                digest: {sha256: true}
                path: {variable: last, filters: [{replace: [A, "{{ size }}"]}]}
            - request: {url: "/{{ size }}/{{ last }}/{{ path }}"}
        """),
        ANSWER,
    )
    assert played.summaries == []
    assert played.requests[1].url == "http://api.test/2/A/2"


def test_captured_bytes_and_dates_are_worded_in_a_text(journey, run):
    played = run(
        journey("""
            - request: {url: /}
              capture:
                packed: {jsonpath: $.file, filter: base64_decode}
                since: {jsonpath: $.since, filter: {to_date: "%Y-%m-%d"}}
            - request: {url: /, headers: {X: "{{ packed }} {{ since }}"}}
        """),
        ANSWER,
    )
    assert dict(played.requests[1].headers)["X"] == "48656c6c6f 2020-01-31T00:00:00Z"


def test_any_status_is_met_by_every_status(journey):
    [step] = journey("- {request: {url: /}, expect: {status: 200}}").steps
    wanted = dataclasses.replace(step.expectations.status, statuses=())
    step = dataclasses.replace(step, expectations=dataclasses.replace(step.expectations, status=wanted))
    assert judge(step, Response(500, (), b"", 0.01), {}).failures == ()


def test_capture_that_cannot_be_made_names_the_filter(journey, run):
    played = run(journey("- {request: {url: /}, capture: {n: {jsonpath: $.name, filter: to_int}}}"), ANSWER)
    assert played.summaries == ["nothing to capture as 'n': filter 'to_int': 'Ada' is no whole number"]


def test_capture_whose_template_cannot_be_rendered_fails_the_step(journey, run):
    played = run(journey('- {request: {url: /}, capture: {n: {jsonpath: "$.{{ nowhere }}"}}}'), ANSWER)
    assert "'nowhere' is not defined" in played.summaries[0]


@pytest.mark.parametrize(
    "check", ['{jsonpath: "$[{{ key }}]", eq: 1}', '{body: true, filter: {nth: "{{ key }}"}, eq: 1}']
)
def test_rendered_text_that_is_no_query_or_argument_fails_the_step_at_its_place(journey, run, check):
    scenario = journey("scenario: s\nservice: api\nvars: {key: id}\nsteps:\n  " + checking(check))
    [failure] = run(scenario, ANSWER).told[0].failures
    assert (failure.where.file, failure.where.line) == ("s.yaml", 5)
    assert "is not a JSON path" in failure.summary or "is no index" in failure.summary


CARD = {"type": "object", "required": ["id"], "properties": {"id": {"$ref": "parts/id.json"}}}


@pytest.mark.parametrize("schema", ["schemas/card.json", "{file: schemas/card.json}", "schemas/card.yaml"])
def test_schema_may_stand_in_a_file_that_refers_to_others(journey, run, tmp_path, schema):
    (tmp_path / "schemas" / "parts").mkdir(parents=True)
    (tmp_path / "schemas" / "card.json").write_text(json.dumps(CARD))
    (tmp_path / "schemas" / "card.yaml").write_text(json.dumps(CARD))
    (tmp_path / "schemas" / "parts" / "id.json").write_text('{"type": "string"}')
    played = run(journey(checking(f"{{jsonpath: $, schema: {schema}}}")), ANSWER)
    name = schema.removeprefix("{file: ").removesuffix("}")
    assert played.summaries == [f"$: object <{json.dumps(BODY)}>, expected valid by {name}"]
    assert played.told[0].failures[0].notes == (("schema", "$.id: 7 is not of type 'string'"),)


def test_body_is_held_against_a_file(journey, run, canned, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "page.txt").write_text("one\ntwo\nthree\n")
    scenario = journey(checking("{body: true, equals_file: data/page.txt}"))
    assert run(scenario, canned.ok(content="one\ntwo\nthree\n")).summaries == []
    [failure] = run(scenario, canned.ok(content="one\n2\nthree\n")).told[0].failures
    assert failure.expected == "equal to the file data/page.txt"
    assert failure.diff == ("one\ntwo\nthree\n", "one\n2\nthree\n")


def test_bytes_are_held_against_a_file(journey, run, tmp_path):
    (tmp_path / "page.bin").write_bytes(b"\xff\x00\x01")
    scenario = journey(checking("{bytes: true, equals_file: page.bin}"))
    assert run(scenario, Response(200, (), b"\xff\x00\x01", 0.01)).summaries == []
    [failure] = run(scenario, Response(200, (), b"\xff\x02\x01\x01", 0.01)).told[0].failures
    assert failure.notes == (("differs", "from byte 1 on; 4 bytes came, 3 are wanted"),)
    assert failure.diff is None


def test_shape_of_a_body_may_ask_for_a_schema(journey, run):
    scenario = journey("- {request: {url: /}, expect: {json: {id: {$schema: {type: string}}}}}")
    assert run(scenario, ANSWER).summaries == ["$.id: integer <7>, expected valid by the schema"]
    with pytest.raises(DocumentError, match="not a JSON Schema"):
        journey("- {request: {url: /}, expect: {json: {id: {$schema: {type: strng}}}}}")


def test_check_of_a_query_with_filters_may_only_degrade(journey, run):
    [told] = run(journey(checking("{certificate: days_left, gte: 60, severity: degraded}")), ANSWER).told
    assert (told.degraded, told.failures, told.outcome) == (True, (), Outcome.OK)


def test_names_a_capture_mentions_count_as_used(journey):
    [step] = journey(
        '- {request: {url: /}, capture: {n: {jsonpath: "$.{{ key }}", filter: {nth: "{{ at }}"}}}}'
    ).steps
    assert step.uses == {"key", "at"}
