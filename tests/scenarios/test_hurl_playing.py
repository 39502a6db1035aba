""".hurl files played over httpx against a server here: what is sent, and what is made of the answers."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from hurl_server import DOCUMENT

from seatrial import __version__
from seatrial.scenarios.hurl.asserts import FILTERS, PREDICATES, QUERIES

EVERYTHING = Path(__file__).parent / "hurl" / "everything.hurl"


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
