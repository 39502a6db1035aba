""".hurl files written as documents of ours: they read back, and send the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.hurl.document import to_document
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.read import read_scenario

EVERYTHING = Path(__file__).parent / "hurl" / "everything.hurl"
GET = "GET http://h.test/\n"


@pytest.fixture
def convert(tmp_path, monkeypatch):
    """Write a text as a document, and read that back."""
    monkeypatch.chdir(tmp_path)

    def convert_(text, **options):
        (tmp_path / "f.hurl").write_text(text)
        converted = to_document(tmp_path / "f.hurl", HurlOptions(**options))
        (tmp_path / "f.yaml").write_text(json.dumps(converted.content, indent=1))
        return converted, read_scenario(tmp_path / "f.yaml")

    return convert_


def step(converted):
    [only] = converted.content["steps"]
    return only


def test_file_of_everything_reads_back_with_as_many_checks(tmp_path):
    converted = to_document(EVERYTHING)
    path = tmp_path / "e.yaml"
    path.write_text(json.dumps(converted.content))
    ours, theirs = read_scenario(path), read_hurl(EVERYTHING)
    assert [len(one.expectations.checks) for one in ours.steps] == [
        len(one.expectations.checks) for one in theirs.steps
    ]
    assert [len(one.captures) for one in ours.steps] == [len(one.captures) for one in theirs.steps]
    assert converted.variables == ("host", "sha256_", "one")
    assert {text for _, text in converted.notes} == {
        "where there is nothing to look at, this holds in Hurl and fails here"
    }


SENT = [
    "GET http://h.test/a?x=1\n",
    "GET http://h.test/{{id}}?q={{id}}&r={{yes}}\n",
    "DELETE http://h.test/\nX-A: {{id}}\nX-B: 1\nX-B: 2\nX-C: {% x\n",
    'POST http://h.test/\n{"a": [1, {{id}}, "{{id}}", "x {{word}}", {{yes}}], "b": {"c": null}, "{": "{% {"}\n',
    "PUT http://h.test/\n```\nline {{id}}\n{ {% if %}\n```\n",
    "PUT http://h.test/\n```raw\n{{id}}\n```\n",
    "PUT http://h.test/\n```xml\n<a>{{id}}</a>\n```\n",
    "PUT http://h.test/\n```json\n{'no': json}\n```\n",
    "PUT http://h.test/\n<a>{{x}}</a>\n",
    "PUT http://h.test/\nContent-Type: text/csv\n`a,{{id}}`\n",
    'POST http://h.test/\n```graphql\n{ a }\nvariables {"x": {{id}}}\n```\n',
    "POST http://h.test/\nhex,6162;\n",
    "POST http://h.test/\nfile,data.bin;\n",
    "GET http://h.test/?\n[Query]\na: {{word}}\n",
    "GET http://h.test/\n[Query]\na: 1 2\na: {{word}}\n",
    "GET http://h.test/\n[Query]\nf[x]: 1 2&3\n{{word2}}: {{word}}\n",
    "GET http://h.test/\n[Cookies]\na: {{id}}\n",
    "GET http://h.test/\nCookie: a={{id}}; b=2\n[Cookies]\nc: 3\n",
    "GET http://h.test/\nCookie: word\n[Cookies]\nc: 3\n",
    "HEAD http://h.test/1\n{}\nHEAD http://h.test/2\n[Form]\na: b\n",
    "GET http://h.test/\n[BasicAuth]\n{{id}}: x:y\n",
    "GET http://h.test/\n[Options]\nuser: {{id}}:x\nheader: X-Z: {{word}}!\npath-as-is: true\n",
    "GET http://h.test/\n[Options]\nvariable: my-own={{id}}1\nGET http://h.test/{{my-own}}\n",
    "GET http://h.test/\n[Options]\nrepeat: 2\nGET http://h.test/2\n[Options]\nskip: {{yes}}\n",
    "GET http://h.test/\n[Options]\ncompressed: true\ndelay: 5ms\nretry: 2\nmax-time: 1500ms\n",
]
GIVEN = {"id": 7, "word": "a b/é", "word2": "w", "yes": True}


def canonical(request):
    """What of a request must be the same; JSON by its meaning."""
    headers = sorted((name.lower(), value) for name, value in request.headers)
    try:
        body = json.loads(request.body) if request.body else None
    except ValueError:
        body = request.body
    return request.method, request.url, headers, body, request.timeout_s


@pytest.mark.parametrize("text", SENT)
def test_document_sends_what_the_file_sends(convert, run, canned, tmp_path, text):
    (tmp_path / "data.bin").write_bytes(b"\x00\x01")
    converted, ours = convert(text, variables=GIVEN)
    theirs = read_hurl(tmp_path / "f.hurl", HurlOptions(variables=GIVEN))
    played, wanted = run(ours, canned.ok()), run(theirs, canned.ok())
    assert list(map(canonical, played.requests)) == list(map(canonical, wanted.requests))
    assert played.waits == wanted.waits
    assert played.steps == wanted.steps
    assert converted.notes == ()
    assert converted.variables == ()


def test_form_is_a_mapping(convert, run):
    converted, scenario = convert("POST http://h.test/\n[Form]\na: x y\na: {{id}}\n", variables={"id": 1})
    assert step(converted)["request"]["form"] == {"a": ["x y", "{{ id }}{{ '' }}"]}
    assert run(scenario).requests[0].body == b"a=x+y&a=1"


def test_multipart_keeps_names_and_types(convert, run, tmp_path):
    (tmp_path / "a.txt").write_text("content")
    _, scenario = convert("POST http://h.test/\n[Multipart]\na: b\nf: file,a.txt;\n")
    body = run(scenario).requests[0].body
    assert b'name="a"\r\n\r\nb\r\n' in body
    assert b'name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n' in body


def test_what_is_expected_and_captured_judges_alike(convert, run, canned):
    text = f"""{GET}HTTP 200
X-A: 1
[Captures]
my-id: jsonpath "$.items[*].id"
token: header "X-A" redact
[Asserts]
jsonpath "$.n" >= 2
jsonpath "$.name" not startsWith "b"
jsonpath "$.items[?@.id == 1].id" == 1
body contains "{{{{word}}}}"
duration < 5000
GET http://h.test/{{{{my-id}}}}/{{{{token}}}}
HTTP 201
"""
    converted, scenario = convert(text, variables={"word": "ada"})
    played = run(scenario, canned.ok(200, {"n": 2, "name": "ada", "items": [{"id": 1}]}, headers=(("X-A", "1"),)))
    assert played.requests[1].url == "http://h.test/1/1"
    assert played.summaries == ["status 200, expected integer <201>"]
    first, second = converted.content["steps"]
    assert first["capture"] == {
        "my_id": {"jsonpath": "$.items[*].id", "filters": ["lone"]},
        "token": {"headers": "X-A", "filters": ["lone"], "secret": True},
    }
    assert [one["name"] for one in (first, second)] == ["GET /", "GET /*/*"]


def test_steps_of_one_name_are_numbered_and_writing_ones_say_so(convert):
    converted, _ = convert("POST http://h.test/\nPOST http://h.test/\nGET http://h.test/\n")
    assert [(one["name"], one.get("mutates")) for one in converted.content["steps"]] == [
        ("POST /", True),
        ("POST / (2)", True),
        ("GET /", None),
    ]


def test_what_a_document_cannot_say_is_noted_with_its_place(convert):
    text = (
        "POST http://h.test/\n[Options]\nunix-socket: /x\nmax-redirs: -1\nlocation: true\nretry: -1\nhex,ff;\n"
        'HTTP 200\n[Asserts]\ncertificate "Value" exists\nbody not contains "x"\n'
    )
    converted, _ = convert(text)
    assert [(where.line, note.partition(";")[0]) for where, note in converted.notes] == [
        (3, "'unix-socket' is not done here"),
        (7, "the body is bytes that a document cannot hold"),
        (1, "100 redirects are followed at most"),
        (1, "it is tried 1000 times, or 600 s long"),
        (10, "the field 'Value' of a certificate is not read here"),
        (11, "where there is nothing to look at, this holds in Hurl and fails here"),
    ]


def test_status_that_is_none_is_compared_with(convert, run, canned):
    converted, scenario = convert(f"{GET}HTTP 20\n")
    assert step(converted)["expect"] == {"status": "any", "checks": [{"status": True, "eq": 20}]}
    assert not run(scenario, canned.ok(200)).result.passed


def test_secret_is_named_and_its_value_is_not_there(convert):
    converted, _ = convert("GET http://h.test/{{pw}}\n", secrets={"pw": "hunter22"})
    assert "hunter22" not in json.dumps(converted.content)
    assert step(converted)["request"]["url"] == "http://h.test/{{ secrets.pw | raw }}"
    assert converted.secrets == ("pw",)


def test_variables_nothing_gives_a_value_are_told(convert):
    converted, _ = convert("GET {{host}}/{{my-id}}\n", variables={"host": "http://h.test"})
    assert converted.variables == ("my_id",)
    assert converted.content["vars"] == {"host": "http://h.test"}


def test_file_without_a_request_is_refused(convert):
    with pytest.raises(DocumentError, match="the file has no request"):
        convert("# nothing\n")
