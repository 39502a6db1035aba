"""The curl line: one line, whatever the request holds, that sends the same again."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial.exchange import Connection, HttpVersion, Request, Response, Tls
from seatrial.redact import Secrets
from seatrial.scenarios.curl import curl_line


def line(method="GET", url="http://127.0.0.1:1/a", **fields):
    return curl_line(Request(method, url, **fields), Secrets())


class Echo(BaseHTTPRequestHandler):
    """Keeps what it was asked."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.needs_curl
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/plain", (), None),
        ("HEAD", "/head", (), None),
        ("POST", "/lines", (("Content-Type", "text/plain"),), b'it\'s\ntwo\tlines\\ $HOME `id` "q"'),
        ("POST", "/bytes", (("Content-Type", "application/octet-stream"),), b"\xff\xfe\x01 caf\xc3\xa9"),
        ("PUT", "/untyped", (), b"x=1"),
        ("POST", "/at", (("Content-Type", "text/plain"),), b"@/etc/hostname"),
        ("GET", "/globs?a[]=1&b={2,3}", (("X-Empty", ""), ("X-Full", "a; b")), None),
    ],
)
def test_bash_and_curl_send_the_same_again(echo, method, path, headers, body):
    request = Request(method, f"http://127.0.0.1:{echo.server_port}{path}", headers, body)
    subprocess.run(["bash", "-c", curl_line(request, Secrets())], check=True, capture_output=True, timeout=20)
    ((asked, target, sent, received),) = echo.asked
    assert (asked, target, received) == (method, path, body or b"")
    wanted = dict(headers)
    assert {name: sent.get(name) for name in wanted} == wanted
    assert ("Content-Type" in sent) is ("Content-Type" in wanted)


def test_a_body_of_several_lines_stays_on_one():
    assert line("POST", body=b"a\nb") == "curl -sS 'http://127.0.0.1:1/a' -H 'Content-Type:' --data-raw $'a\\nb'"


def test_what_a_conversation_accepts_is_asked_for_again():
    assert line(headers=(("Accept", "text/event-stream"), ("User-Agent", "seatrial/1"))) == (
        "curl -sS 'http://127.0.0.1:1/a' -H 'Accept: text/event-stream'"
    )


def test_how_it_was_connected_is_said_too():
    tls = Tls(verify=False, ca="ca.pem", certificate="me.pem", key="me.key", pin="abc=")
    told = line(
        url="https://127.0.0.1:1/../a", path_as_is=True, connection=Connection(HttpVersion.V2, tls, "http://p:1")
    )
    assert told == (
        "curl -sS --http2 --path-as-is -x 'http://p:1' -k --cacert 'ca.pem' --cert 'me.pem' --key 'me.key' "
        "--pinnedpubkey 'sha256//abc=' 'https://127.0.0.1:1/../a'"
    )


def test_a_secret_across_lines_is_masked_before_it_is_quoted():
    secrets = Secrets()
    secrets.add("password", "two\nlines")
    assert "two" not in curl_line(Request("POST", "http://127.0.0.1:1/", (), b"p=two\nlines;"), secrets)


def test_what_came_compressed_is_asked_for_so():
    request, zipped = Request("GET", "http://127.0.0.1:1/a"), (("content-encoding", "gzip"),)
    assert curl_line(request, Secrets(), answer=Response(200, zipped, b"", 0.1)) == (
        "curl -sS --compressed 'http://127.0.0.1:1/a'"
    )
    assert "--compressed" not in curl_line(request, Secrets(), answer=Response(200, (), b"", 0.1))
