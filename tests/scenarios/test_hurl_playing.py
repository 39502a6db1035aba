""".hurl files played over httpx against a server here: what is sent, and what is made of the answers."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seatrial import __version__
from seatrial.clock import SystemClock
from seatrial.http import open_client
from seatrial.sample import Phase
from seatrial.scenarios.drive import drive
from seatrial.scenarios.hurl.asserts import FILTERS, PREDICATES, QUERIES
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import parse_options
from seatrial.scenarios.moves import Context
from seatrial.scenarios.rows import expand_rows

EVERYTHING = Path(__file__).parent / "hurl" / "everything.hurl"
DOCUMENT = json.dumps(
    {
        "id": 7,
        "name": "ada",
        "half": 1.5,
        "yes": True,
        "none": None,
        "list": [1, 2, 3],
        "empty": [],
        "obj": {"a": 1},
        "uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "date": "2026-01-31T12:00:00Z",
        "future": "2999-01-31",
        "ip": "10.0.0.1",
        "ip6": "::1",
        "big": 123456789012345678901234567890,
        "items": [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}],
        "text": "a,b,c",
        "html": "<a&b>",
        "b64": "aGVsbG8=",
        "link": "http://h/p?x=1&y=a%20b",
        "number": "42",
        "quoted": '{"k": [1, 2]}',
    }
).encode()
SID = "sid=abc; Path=/; Domain=127.0.0.1; HttpOnly; Max-Age=3600; SameSite=Lax; Expires=Sun, 13 Jan 2999 22:23:01 GMT"
ANSWERS = {
    "/json": (
        200,
        DOCUMENT,
        [("Content-Type", "application/json"), ("X-One", "1"), ("X-Many", "a"), ("X-Many", "b"), ("Set-Cookie", SID)],
    ),
    "/xml": (200, b"<r><i>one</i><i>two</i></r>", [("Content-Type", "application/xml")]),
    "/redirect": (302, b"", [("Location", "/xml")]),
    "/redirect2": (302, b"", [("Location", "/redirect")]),
    "/bytes": (200, b"\x00\xff", [("Content-Type", "application/octet-stream")]),
    "/text": (200, b"one\ntwo\n", [("Content-Type", "text/plain")]),
    "/fails": (500, b"oh", [("Content-Type", "text/plain")]),
}


@dataclass
class Got:
    """One request as the server got it; `headers` without those of the connection."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Server:
    """Answers as ANSWERS says, `/echo...` with nothing, `/third` well only from the third time on."""

    got: list[Got] = field(default_factory=list)
    port: int = 0

    @property
    def host(self):
        return f"http://127.0.0.1:{self.port}"

    def answer(self, got):
        self.got.append(got)
        if got.path == "/third":
            times = sum(one.path == "/third" for one in self.got)
            return (200 if times >= 3 else 503), json.dumps({"times": times}).encode(), []
        return ANSWERS.get(got.path, (200, b"", []))


@pytest.fixture
def server():
    """A server of its own for one test."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            headers = [pair for pair in self.headers.items() if pair[0].lower() not in ("connection", "host")]
            got = Got(self.command, self.path, headers, self.rfile.read(length))
            status, body, sent = state.answer(got)
            self.send_response_only(status)
            for name, value in (*sent, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the library's names

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@dataclass
class Result:
    passed: bool
    failures: list[str]
    steps: list[tuple[str, str]]


@pytest.fixture
def play(server, tmp_path):
    """Play a file, or a text as one; `{{host}}` is the server. Options by Hurl's names, `_` for `-`."""

    def play_(text, **given):
        path = text if isinstance(text, Path) else tmp_path / "f.hurl"
        if not isinstance(text, Path):
            path.write_text(text)
        variables = [f"host={server.host}", *given.pop("variable", [])]
        options = parse_options({"variable": variables, **{key.replace("_", "-"): one for key, one in given.items()}})
        passed, failures, steps = True, [], []
        for scenario in expand_rows(read_hurl(path, options)):
            context = Context(realm="", addresses={}, secret_values=options.secrets)
            with open_client() as client:
                result = drive(
                    scenario,
                    context,
                    client,
                    clock=SystemClock(),
                    record=lambda _: None,
                    run="r",
                    phase=Phase.ACCEPTANCE,
                )
            passed = passed and result.passed
            told = [*(one.failures for one in (step.last for step in result.steps) if one), result.failures]
            failures += [f"{one.where.line}: {one.summary}" for part in told for one in part]
            steps += [(one.title, "skipped" if one.skipped else str(one.outcome)) for one in result.steps]
        return Result(passed, failures, steps)

    return play_


def test_every_query_predicate_and_filter_holds_where_it_should(play, server):
    digest = hashlib.sha256(DOCUMENT).hexdigest()
    result = play(EVERYTHING, variable=[f"sha256={digest}", "one=1"])
    assert result.failures == []
    assert result.passed
    assert [one.path for one in server.got] == ["/json", "/redirect", "/xml"]


def test_the_file_of_everything_holds_everything():
    words = set(re.findall(r"[A-Za-z0-9]+|[=!<>]=?|==", EVERYTHING.read_text()))
    assert not {*QUERIES, *FILTERS, *PREDICATES} - words


def test_each_request_has_host_accept_and_user_agent_and_nothing_else(play, server):
    assert play("GET {{host}}/echo\nDELETE {{host}}/echo\n").passed
    for got in server.got:
        assert sorted(name for name, _ in got.headers if name.lower() != "content-length") == ["Accept", "User-Agent"]
        assert (got.header("Accept"), got.header("User-Agent")) == ("*/*", f"seatrial/{__version__}")


def test_answer_of_any_status_passes_where_nothing_is_expected(play):
    assert play("GET {{host}}/fails\nGET {{host}}/fails\nHTTP *\n").passed


def test_bodies_are_sent_as_they_are_written(play, server, tmp_path):
    (tmp_path / "a b.txt").write_bytes(b"\x00file")
    text = r"""
POST {{host}}/echo
{ "a":  1,
  "b": "{{x}}", "c": {{n}} }
POST {{host}}/echo
Content-Type: application/vnd.api+json
{"a": 1}
POST {{host}}/echo
<a>{{x}}</a>
POST {{host}}/echo
```xml
<a>{{x}}</a>
```
POST {{host}}/echo
```graphql
{ a }
variables { "x": "{{x}}" }
```
POST {{host}}/echo
```
{{x}} {{newUuid}}
```
POST {{host}}/echo
```raw
{{x}}
```
POST {{host}}/echo
`one {{n}}`
POST {{host}}/echo
hex,00ff;
POST {{host}}/echo
file,a\ b.txt;
"""
    assert play(text, variable=['x=q"\\', "n=7"]).passed
    sent = [(one.header("Content-Type"), one.body) for one in server.got]
    uuid = sent[5][1].decode().split()[-1]
    assert re.fullmatch(r"[0-9a-f-]{36}", uuid)
    assert sent == [
        ("application/json", b'{ "a":  1,\n  "b": "q\\"\\\\", "c": 7 }'),
        ("application/vnd.api+json", b'{"a": 1}'),
        ("application/xml", b"<a>{{x}}</a>"),
        ("application/xml", b'<a>q"\\</a>\n'),
        ("application/json", b'{"query":"{ a }","variables":{"x":"q\\"\\\\"}}'),
        (None, f'q"\\ {uuid}\n'.encode()),
        (None, b"{{x}}\n"),
        (None, b"one 7"),
        (None, b"\x00\xff"),
        (None, b"\x00file"),
    ]


def test_values_of_queries_and_forms_are_encoded_and_their_names_are_not(play, server):
    text = """
GET {{host}}/echo?z={{v}}
[Query]
f[a]: 1 2&3
v: {{v}}
GET {{host}}/echo?
[QueryStringParams]
a: é-._~
POST {{host}}/echo
[Form]
x[y]: a b
empty:
"""
    assert play(text, variable=["v=a/b"]).passed
    assert [one.path for one in server.got] == [
        "/echo?z=a/b&f[a]=1%202%263&v=a%2Fb",
        "/echo?a=%C3%A9-._~",
        "/echo",
    ]
    assert (server.got[2].header("Content-Type"), server.got[2].body) == (
        "application/x-www-form-urlencoded",
        b"x[y]=a%20b&empty=",
    )


def test_value_that_would_break_the_url_fails_the_step(play, server):
    result = play("GET {{host}}/echo?a={{v}}\n", variable=["v=a b"])
    assert result.failures == [f"1: a space or a control character in the URL '{server.host}/echo?a=a b'"]
    assert server.got == []


def test_multipart_names_files_as_written_and_types_them_by_their_ending(play, server, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(b"\x89P")
    text = "POST {{host}}/echo\n[Multipart]\na: b c\nf: file,sub/a.png;\ng: file,sub/a.png; text/{{t}}\n"
    assert play(text, variable=["t=x"]).passed
    [got] = server.got
    boundary = got.header("Content-Type").partition("; boundary=")[2].encode()
    parts = [part.strip(b"\r\n") for part in got.body.split(b"--" + boundary)[1:-1]]
    assert parts == [
        b'Content-Disposition: form-data; name="a"\r\n\r\nb c',
        b'Content-Disposition: form-data; name="f"; filename="sub/a.png"\r\nContent-Type: image/png\r\n\r\n\x89P',
        b'Content-Disposition: form-data; name="g"; filename="sub/a.png"\r\nContent-Type: text/x\r\n\r\n\x89P',
    ]


def test_cookies_are_kept_and_the_files_own_are_sent_beside_them(play, server):
    text = "GET {{host}}/json\nGET {{host}}/echo\n[Cookies]\nown: x y\nGET {{host}}/echo\nCookie: a={{v}}; b=2\n"
    assert play(text, variable=["v=1"]).passed
    assert [one.header("Cookie") for one in server.got] == [None, "sid=abc; own=x y", "sid=abc; a=1; b=2"]
    server.got.clear()
    assert play(text, variable=["v=1"], no_cookie_store=True).passed
    assert [one.header("Cookie") for one in server.got] == [None, "own=x y", "a=1; b=2"]


def test_header_cookie_leaves_the_section_out_and_may_be_no_pair(play, server):
    text = "GET {{host}}/json\nGET {{host}}/echo\nCookie: a=1\n[Cookies]\nown: x\nGET {{host}}/echo\nCookie: word\n"
    assert play(text).passed
    assert [one.header("Cookie") for one in server.got] == [None, "sid=abc; a=1", "word"]


def test_head_says_the_type_of_its_body_and_sends_none(play, server):
    assert play('HEAD {{host}}/echo\n{"a": 1}\nHEAD {{host}}/echo\n[Form]\na: 1\nHEAD {{host}}/echo\n`x`\n').passed
    assert [(one.header("Content-Type"), one.body) for one in server.got] == [
        ("application/json", b""),
        ("application/x-www-form-urlencoded", b""),
        (None, b""),
    ]


def test_play_may_begin_with_stored_cookies(play, server, tmp_path):
    jar = tmp_path / "jar.txt"
    jar.write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1\nother.test\tTRUE\t/\tFALSE\t0\tb\t2\n")
    assert play("GET {{host}}/echo\n", cookie=str(jar)).passed
    assert server.got[0].header("Cookie") == "a=1"


def test_user_is_sent_by_section_option_and_command_line(play, server):
    text = (
        "GET {{host}}/echo\n[BasicAuth]\n{{u}}: c:d\nGET {{host}}/echo\n[Options]\nuser: {{u}}:x\nGET {{host}}/echo\n"
    )
    assert play(text, variable=["u=bob"], user="a:b").passed
    assert [one.header("Authorization") for one in server.got] == [
        "Basic Ym9iOmM6ZA==",
        "Basic Ym9iOng=",
        "Basic YTpi",
    ]


def test_redirects_are_followed_only_where_it_is_said(play, server):
    assert play("GET {{host}}/redirect\nHTTP 302\nLocation: /xml\n").passed
    assert play("GET {{host}}/redirect2\nHTTP 200\n", location=True).passed
    result = play("GET {{host}}/redirect2\n[Options]\nlocation: true\nmax-redirs: 1\n")
    assert not result.passed
    assert [one.path for one in server.got] == [
        "/redirect",
        *("/redirect2", "/redirect", "/xml"),
        *("/redirect2", "/redirect"),
    ]


def test_request_is_retried_until_it_holds_and_captures_anew(play, server):
    text = """
GET {{host}}/third
[Options]
retry: 5
retry-interval: 1ms
HTTP 200
[Captures]
times: jsonpath "$.times"
GET {{host}}/echo/{{times}}
"""
    assert play(text).passed
    assert [one.path for one in server.got] == ["/third", "/third", "/third", "/echo/3"]


def test_retries_end(play, server):
    result = play("GET {{host}}/third\nHTTP 200\nGET {{host}}/echo\n", retry="1", retry_interval="1")
    assert result.failures == ["2: status 503, expected integer <200>"]
    assert result.steps == [("GET /third", "unexpected"), ("GET /echo", "skipped")]
    assert len(server.got) == 2


def test_all_asserts_are_evaluated_and_each_failure_has_its_line(play):
    text = 'GET {{host}}/json\nHTTP/2 200\nX-One: 2\n[Asserts]\nstatus == 201\nbody == "x"\njsonpath "$.id" == 7\n'
    result = play(text)
    assert [one.partition(":")[0] for one in result.failures] == ["2", "3", "5", "6"]


def test_bodies_expected_are_compared_whole(play, tmp_path):
    (tmp_path / "two.bin").write_bytes(b"\x00\xff")
    text = "GET {{host}}/text\nHTTP 200\n```\none\ntwo\n```\nGET {{host}}/bytes\nHTTP 200\nfile,two.bin;\n"
    assert play(f"{text}GET {{{{host}}}}/bytes\nHTTP 200\nbase64,AP8=;\n").passed
    assert not play("GET {{host}}/text\nHTTP 200\n`one`\n").passed
    assert not play("GET {{host}}/bytes\nHTTP 200\nhex,00;\n").passed


def test_later_entries_see_what_was_captured_in_its_own_type(play, server):
    text = """
GET {{host}}/json
HTTP 200
[Captures]
my-id: jsonpath "$.id"
yes: jsonpath "$.yes"
none: jsonpath "$.none"
half: jsonpath "$.half"
POST {{host}}/echo/{{my-id}}
X-All: {{yes}} {{none}} {{half}}
{"id": {{my-id}}, "text": "{{my-id}}", "none": {{none}}}
"""
    assert play(text).passed
    got = server.got[1]
    assert (got.path, got.header("X-All")) == ("/echo/7", "true null 1.5")
    assert json.loads(got.body) == {"id": 7, "text": "7", "none": None}


def test_text_for_a_json_value_fails_the_step_and_says_what_to_do(play):
    result = play('POST {{host}}/echo\n{"a": {{v}}}\n', variable=["v=x"])
    assert result.failures == ["2: 'v' is the text 'x', no JSON value"]


def test_variable_that_nothing_defines_fails_the_step_at_its_place(play):
    result = play("GET {{host}}/echo/{{nme}}\n", variable=["name=x"])
    assert result.failures == ["1: 'nme' is not defined"]


def test_list_cannot_stand_in_a_text(play):
    text = 'GET {{host}}/json\nHTTP 200\n[Captures]\nl: jsonpath "$.list"\nGET {{host}}/echo/{{l}}\n'
    assert play(text).failures == ["5: 'l' is of type list and cannot stand in a text"]


def test_entries_are_skipped_repeated_and_chosen(play, server):
    text = """
GET {{host}}/a
[Options]
skip: true
GET {{host}}/b
[Options]
repeat: 2
GET {{host}}/c
[Options]
skip: {{no}}
GET {{host}}/d
"""
    assert play(text, variable=["no=false"], to_entry="3").passed
    assert [one.path for one in server.got] == ["/b", "/b", "/c"]
    server.got.clear()
    result = play(text, variable=["no=true"], from_entry="2")
    assert [one.path for one in server.got] == ["/b", "/b", "/d"]
    assert ("GET /c", "skipped") in result.steps


def test_file_is_repeated_as_a_whole(play, server):
    result = play("GET {{host}}/a\nGET {{host}}/b\n", repeat="2")
    assert [one.path for one in server.got] == ["/a", "/b", "/a", "/b"]
    assert result.passed


def test_play_goes_on_after_a_failure_only_when_told(play, server):
    text = "GET {{host}}/fails\nHTTP 200\nGET {{host}}/echo\n"
    assert not play(text, continue_on_error=True).passed
    assert [one.path for one in server.got] == ["/fails", "/echo"]


def test_asserts_may_be_ignored_but_captures_are_made(play, server):
    text = (
        'GET {{host}}/json\nHTTP 500\n[Captures]\nid: jsonpath "$.id"\n[Asserts]\nbody == ""\nGET {{host}}/{{id}}\n'
    )
    assert play(text, ignore_asserts=True).passed
    assert server.got[1].path == "/7"


def test_headers_of_the_command_line_and_of_options_are_added(play, server):
    text = "GET {{host}}/echo\nX-A: file\n[Options]\nheader: X-B: {{v}}\nGET {{host}}/echo\nUser-Agent: own\n"
    assert play(text, variable=["v=1"], header=["X-A: line"], user_agent="me", compressed=True).passed
    first, second = server.got
    assert [value for name, value in first.headers if name == "X-A"] == ["file", "line"]
    assert (first.header("X-B"), first.header("User-Agent"), second.header("User-Agent")) == ("1", "me", "own")
    assert "gzip" in first.header("Accept-Encoding")


def test_header_that_every_request_carries_may_be_left_out(play, server):
    assert play("GET {{host}}/echo\n[Options]\nno-header: accept\n").passed
    assert server.got[0].header("Accept") is None


def test_path_is_left_as_it_is_when_told(play, server):
    assert play("GET {{host}}/a/../echo\nGET {{host}}/a/../echo\n[Options]\npath-as-is: true\n").passed
    assert [one.path for one in server.got] == ["/echo", "/a/../echo"]


def test_secret_is_a_variable_that_the_scenario_does_not_hold(play, server, tmp_path):
    assert play("GET {{host}}/echo/{{pw}}\n", secret=["pw=hunter22"]).passed
    assert server.got[0].path == "/echo/hunter22"
    options = parse_options({"secret": ["pw=hunter22"]})
    assert "hunter22" not in repr(read_hurl(tmp_path / "f.hurl", options)) + repr(options)
