"""What a request is as bytes: the quick way and the thorough one say the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.exchange import Connection, Request, Tls
from seatrial.scenarios.load import wire

HOSTS = st.sampled_from(["127.0.0.1:8080", "api.test", "api.test:80", "API.test:443", "[::1]:81", "ada:pw@api.test"])
PATHS = st.text(st.sampled_from("ab/.?#&=%20 é[]"), max_size=12).map(lambda text: f"/{text}")
URLS = st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "HTTP"]), HOSTS, PATHS | st.just(""))


def told(request):
    try:
        return wire.say(request)
    except ValueError as error:
        return str(error)


@given(url=URLS, as_is=st.booleans(), body=st.none() | st.binary(max_size=3))
@example(url="http://api.test/a#b", as_is=False, body=None)
@example(url="http://api.test/a?x=/../y", as_is=False, body=None)
def test_a_plain_url_is_said_as_the_library_takes_it_apart(url, as_is, body):
    request = Request(
        "POST", url, (("X-A", "1"),), body, connection=Connection(tls=Tls(verify=False)), path_as_is=as_is
    )
    quick = told(request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_PLAIN_URL", wire.re.compile("(?!)"))
        assert told(request) == quick


@pytest.mark.parametrize("sign", ["\n", "\r", "\r\n", "\0", "\x7f"])
def test_a_sign_that_would_end_a_line_is_never_said(sign):
    for header in (("X-A", f"a{sign}b"), (f"X{sign}", "a")):
        assert "cannot carry" in told(Request("GET", "http://api.test/", (header,)))


def test_a_method_of_two_lines_is_never_said():
    assert "cannot carry" in told(Request("GET /a HTTP/1.1\r\nX-A: b\r\n\r\nGET", "http://api.test/"))


def test_an_empty_header_and_a_tab_are_said():
    _, said = wire.say(Request("GET", "http://api.test/", (("X-A", ""), ("X-B", "a\tb"))))
    assert said == b"GET / HTTP/1.1\r\nHost: api.test\r\nX-A: \r\nX-B: a\tb\r\n\r\n"
