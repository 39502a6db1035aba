"""Every form of a request is sent as its standard says: bodies, parameters, cookies, headers."""

from __future__ import annotations

import base64
import email.parser
import email.policy
import json
import shutil
from pathlib import Path

import pytest

from seatrial.errors import DocumentError
from seatrial.exchange import HttpVersion, Tls


@pytest.fixture
def request_(journey, run):
    """The one request of a journey whose step says this of it."""

    def of(text, **told):
        [sent] = run(journey(f"- request: {text}\n  expect: {{status: 200}}"), **told).requests
        return sent

    return of


def header(request, name):
    """The value of a header that is sent once, None when it is not."""
    values = [value for key, value in request.headers if key.lower() == name.lower()]
    assert len(values) < 2
    return values[0] if values else None


def parts_of(request):
    """The parts of a multipart body, as the standard library's own parser reads them."""
    head = f"Content-Type: {header(request, 'content-type')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_content_type() if part["content-type"] else None,
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def test_multipart_parts_have_names_types_and_contents(request_, tmp_path):
    (tmp_path / "ship.png").write_bytes(b"\x89PNG\r\n\x00")
    sent = request_(
        "{method: POST, url: /, multipart: {a: x, n: 5, tags: [one, two], gone: null, "
        "meta: {value: {k: 1}}, pic: {file: ship.png}, "
        "doc: {file: ship.png, filename: d.bin, type: application/x-d}}}"
    )
    assert parts_of(sent) == [
        ("a", None, None, b"x"),
        ("n", None, None, b"5"),
        ("tags", None, None, b"one"),
        ("tags", None, None, b"two"),
        ("meta", None, "application/json", b'{"k":1}'),
        ("pic", "ship.png", "image/png", b"\x89PNG\r\n\x00"),
        ("doc", "d.bin", "application/x-d", b"\x89PNG\r\n\x00"),
    ]


def test_multipart_escapes_names_as_browsers_do(request_):
    sent = request_('{method: POST, url: /, multipart: {"a\\"b": {value: x, filename: "c\\nd"}}}')
    assert b'name="a%22b"; filename="c%0D%0Ad"' in sent.body


def test_multipart_ends_lines_of_values_as_the_encoding_wants(request_):
    assert parts_of(request_('{method: POST, url: /, multipart: {a: "x\\ny"}}'))[0][3] == b"x\r\ny"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("{fil: x}", "unknown key 'fil' in a part"),
        ("{type: a/b}", "either a `file` or a `value`"),
        ("{file: nowhere.png}", "no file 'nowhere.png'"),
        ("{file: ../../etc/passwd}", "'../../etc/passwd' is outside the workspace"),
        ("{file: /etc/passwd}", "'/etc/passwd' is an absolute path"),
    ],
)
def test_a_part_that_means_nothing_is_refused_at_reading(journey, part, message):
    with pytest.raises(DocumentError, match=r"^s\.yaml:4") as caught:
        journey(f"- request: {{method: POST, url: /, multipart: {{a: {part}}}}}")
    assert message in str(caught.value)


def test_graphql_is_posted_with_its_variables_and_nothing_unsaid(request_):
    sent = request_('{url: /graphql, graphql: {query: "query Q($n: Int) { a(n: $n) { b } }", variables: {n: 3}}}')
    assert (sent.method, header(sent, "content-type")) == ("POST", "application/json")
    assert json.loads(sent.body) == {"query": "query Q($n: Int) { a(n: $n) { b } }", "variables": {"n": 3}}


def test_xml_is_sent_as_it_is_written(request_):
    sent = request_("{method: POST, url: /, xml: '<a>{{ 1 + 1 }}</a>'}")
    assert (sent.body, header(sent, "content-type")) == (b"<a>2</a>", "application/xml")


def test_a_file_is_sent_byte_for_byte_with_its_type(request_, tmp_path):
    (tmp_path / "row.json").write_bytes(b'{"a": "{{ no template }}"}\r\n')
    sent = request_("{method: PUT, url: /, file: row.json}")
    assert (sent.body, header(sent, "content-type")) == (b'{"a": "{{ no template }}"}\r\n', "application/json")


def test_raw_leaves_braces_of_a_body_alone(request_):
    assert request_("{method: POST, url: /, raw: true, text: 'Dear {{ name }}'}").body == b"Dear {{ name }}"


def test_cookies_of_the_step_win_over_those_of_the_jar(journey, run, canned):
    played = run(
        journey("""
            - request: {url: /in}
            - request: {url: /on, cookies: {theme: dark, gone: null}}
              expect: {status: 200}
        """),
        canned.ok(headers=(("Set-Cookie", "sid=1; Path=/"), ("Set-Cookie", "theme=light; Path=/"))),
    )
    assert header(played.requests[1], "cookie") == "sid=1; theme=dark"


def test_sessions_keep_their_cookies_apart(journey, run, canned):
    played = run(
        journey("""
            - request: {url: /in, session: ada}
            - request: {url: /on, session: bob}
            - request: {url: /on, session: ada}
              expect: {status: 200}
        """),
        canned.ok(headers=(("Set-Cookie", "sid=ada; Path=/"),)),
        canned.ok(),
    )
    assert [header(sent, "cookie") for sent in played.requests] == [None, None, "sid=ada"]


def test_without_cookies_answers_set_none(journey, run, canned):
    played = run(
        journey("scenario: s\nservice: api\ncookies: false\nsteps:\n  - request: {url: /}\n  - request: {url: /}"),
        canned.ok(headers=(("Set-Cookie", "sid=1"),)),
    )
    assert header(played.requests[1], "cookie") is None


def test_minimal_headers_are_user_agent_and_accept_alone(request_):
    sent = request_("{url: /, default_headers: minimal}")
    assert [name for name, _ in sent.headers] == ["User-Agent", "Accept"]
    packed = request_("{url: /, default_headers: minimal, compressed: true}")
    assert [name for name, _ in packed.headers] == ["User-Agent", "Accept", "Accept-Encoding"]


def test_a_header_may_repeat_or_be_left_out(request_):
    sent = request_("{url: /, headers: {X-A: [1, 2], Accept: null}}")
    assert [value for name, value in sent.headers if name == "X-A"] == ["1", "2"]
    assert header(sent, "accept") is None


@pytest.mark.parametrize(("version", "meant"), [("1.1", HttpVersion.V1_1), ("2", HttpVersion.V2)])
def test_the_version_of_http_is_chosen_by_name(request_, version, meant):
    assert request_(f"{{url: /, http_version: {version}}}").connection.http_version is meant


def test_http_1_0_is_refused_by_name(journey):
    with pytest.raises(DocumentError, match=r"HTTP/1.0 cannot be sent over httpx; use 1.1 or 2"):
        journey("- request: {url: /, http_version: 1.0}")


def test_tls_and_proxy_say_how_to_connect(request_, tmp_path, authority):
    shutil.copy(authority.ca, tmp_path / "ca.pem")
    pin = base64.b64encode(bytes(32)).decode()
    sent = request_(
        f"{{url: /, tls: {{ca: ca.pem, verify: false, pin: 'sha256//{pin}'}}, proxy: 'http://{{{{ host }}}}:1'}}",
        variables={"host": "proxy.test"},
    )
    assert sent.connection.tls == Tls(verify=False, ca=str(tmp_path / "ca.pem"), pin=pin)
    assert sent.connection.proxy == "http://proxy.test:1"


def test_a_client_certificate_is_shown_whatever_else_authenticates(request_, tmp_path, authority):
    certificate, key = authority.issue("me", password="1234")
    (tmp_path / "me.pem").write_bytes(Path(certificate).read_bytes() + Path(key).read_bytes())
    sent = request_("{url: /, auth: {bearer: t, client_certificate: {cert: me.pem, password: '{{ 1234 }}'}}}")
    assert sent.connection.tls == Tls(certificate=str(tmp_path / "me.pem"), password="1234")
    assert header(sent, "authorization") == "Bearer t"


def test_files_that_are_no_certificates_fail_the_step_before_it_is_sent(journey, run, tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    played = run(journey("- request: {url: /, tls: {ca: ca.pem}}"))
    assert played.requests == []
    assert "ca.pem" in played.summaries[0]


def test_a_deadline_may_stand_in_the_request_and_bound_connecting(request_, journey):
    sent = request_("{url: /, timeout: {connect: 1s, total: 3s}}")
    assert (sent.timeout_s, sent.connection.connect_timeout_s) == (3.0, 1.0)
    assert request_("{url: /, timeout: 4s}").timeout_s == 4.0
    with pytest.raises(DocumentError, match="'timeout' stands in the request too"):
        journey("- request: {url: /, timeout: 4s}\n  timeout: 3s")


def test_limits_on_a_body_are_configurable(request_):
    assert request_("{url: /, max_body: 64kB}").max_body_bytes == 64_000


def test_ids_go_under_the_names_the_realm_gives_them_or_not_at_all(journey, run):
    from seatrial.realm import Tracing

    scenario = journey("- {request: {url: /}, expect: {status: 200}}")
    named = run(scenario, tracing=Tracing("X-Trace", None)).requests[0]
    assert header(named, "x-trace").startswith("00-")
    assert header(named, "x-request-id") is None
    silent = run(scenario, tracing=Tracing(None, None)).requests[0]
    assert {name for name, _ in silent.headers} == {"User-Agent", "Accept", "Accept-Encoding"}


@pytest.mark.parametrize(
    ("request_text", "message"),
    [
        ("{url: /, json: 1, xml: <a/>}", "'xml' and 'json' in one request"),
        ("{url: /, max_body: 5}", "'5' is not a size"),
        ("{url: /, follow: sometimes}", "'sometimes' does not say how to follow; write true, a number"),
        ("{url: /, tls: {verfy: false}}", "unknown key 'verfy'; did you mean 'verify'?"),
        ("{url: /, default_headers: none}", "'none': input should be 'all' or 'minimal'"),
        ("{url: 'ws://a.test/'}", "is a WebSocket's address"),
    ],
)
def test_a_request_that_cannot_be_is_told(journey, run, request_text, message):
    try:
        told = run(journey(f"- request: {request_text}")).summaries
    except DocumentError as error:
        told = [str(error)]
    assert message in told[0]
