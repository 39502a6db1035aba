"""Redirects are followed only when asked for, and what identifies us stays with hosts that may know it."""

from __future__ import annotations

import pytest

from seatrial.exchange import Connection, Request, Response, Tls
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.sending.redirects import next_request
from seatrial.scenarios.sending.request import Follow


def to(canned, location, status=302, *, headers=(), latency_s=0.01):
    """An answer that sends us on."""
    return canned.ok(status, headers=(("Location", location), *headers), latency_s=latency_s)


@pytest.fixture
def follow(journey, run):
    """Plays one step that follows, against these answers."""

    def of(*answers, follow="true", request="url: /a", more=""):
        return run(journey(f"- request: {{{request}, follow: {follow}}}\n  timeout: 5s\n{more}"), *answers)

    return of


def test_a_redirect_is_not_followed_unless_asked(journey, run, canned):
    played = run(journey("- {request: {url: /a}, expect: {status: 302}}"), to(canned, "/b"))
    assert len(played.requests) == 1
    assert played.result.passed


def test_the_last_answer_is_the_steps_and_the_way_there_is_told(follow, canned):
    more = "  expect: {checks: [{redirects: true, length: 2}, {body: true, contains: there}]}"
    played = follow(to(canned, "b?x=1#frag"), to(canned, "//api.test/c"), canned.ok(200, "there"), more=more)
    assert [sent.url for sent in played.requests] == [
        "http://api.test/a",
        "http://api.test/b?x=1",
        "http://api.test/c",
    ]
    assert played.result.passed
    [told] = played.told
    assert [(hop.status, hop.location) for hop in told.answer.redirects] == [
        (302, "b?x=1#frag"),
        (302, "//api.test/c"),
    ]


def test_the_step_took_as_long_as_all_of_its_requests(follow, canned):
    played = follow(to(canned, "/b", latency_s=1.0), canned.ok(latency_s=0.5))
    assert played.told[0].latency_s == 1.5
    assert [sent.timeout_s for sent in played.requests] == [5.0, 4.0]


def test_the_request_that_decided_is_the_one_that_was_sent(follow, canned):
    played = follow(to(canned, "/b"), canned.ok(500))
    assert played.told[0].request is played.requests[-1]


def test_no_time_left_breaks_the_step_before_the_next_request(follow, canned):
    played = follow(to(canned, "/b", latency_s=5.0))
    assert len(played.requests) == 1
    assert (played.told[0].outcome, played.told[0].cause) == (Outcome.BROKEN, Cause.TIMEOUT)


def test_a_loop_of_redirects_ends_at_the_limit_with_its_own_word(follow, canned):
    played = follow(to(canned, "/a"), follow="3")
    assert len(played.requests) == 4
    assert (played.told[0].cause, played.summaries) == (
        Cause.REDIRECTS,
        ["redirects: more than 3 redirects, the last one to http://api.test/a"],
    )


@pytest.mark.parametrize(
    ("status", "method", "after", "body"),
    [
        (301, "POST", "GET", None),
        (302, "POST", "GET", None),
        (303, "PUT", "GET", None),
        (307, "POST", "POST", b'{"a":1}'),
        (308, "POST", "POST", b'{"a":1}'),
        (302, "PUT", "PUT", b'{"a":1}'),
    ],
)
def test_method_and_body_go_on_as_the_standard_says(follow, canned, status, method, after, body):
    played = follow(to(canned, "/b", status), canned.ok(), request=f"method: {method}, url: /a, json: {{a: 1}}")
    sent = played.requests[1]
    assert (sent.method, sent.body) == (after, body)
    assert ("Content-Type" in dict(sent.headers)) is (body is not None)


SECRETS = "url: /a, auth: {api_key: {name: X-Mine, value: k}}, headers: {Authorization: Bearer t}, cookies: {a: b}"


@pytest.mark.parametrize(
    ("location", "follow_", "kept"),
    [
        ("/b", "true", True),
        ("http://other.test/b", "true", False),
        ("http://api.test:81/b", "true", False),
        ("https://api.test/b", "true", True),
        ("http://other.test/b", "{trusted: [other.test]}", True),
        ("http://other.test/b", "{trusted: all}", True),
    ],
)
def test_credentials_go_only_to_hosts_that_may_know_them(follow, canned, location, follow_, kept):
    sent = dict(follow(to(canned, location), canned.ok(), follow=follow_, request=SECRETS).requests[1].headers)
    assert ("Authorization" in sent, "X-Mine" in sent, "Cookie" in sent) == (kept, kept, False)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_headers_of_a_body_do_not_come_back_on_a_later_hop(follow, canned, status):
    answers = to(canned, "/b", status), to(canned, "/c", 307), canned.ok()
    played = follow(*answers, request="method: POST, url: /a, json: {a: 1}")
    assert [("Content-Type" in dict(sent.headers), sent.body) for sent in played.requests] == [
        (True, b'{"a":1}'),
        (False, None),
        (False, None),
    ]


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_goes_only_to_hosts_that_may_know_it(follow, canned, status):
    request = "method: POST, url: /a, json: {a: 1}"
    played = follow(
        to(canned, "http://other.test/b", status), request=request, more=f"  expect: {{status: {status}}}"
    )
    assert (len(played.requests), played.result.passed) == (1, True)
    trusted = follow(
        to(canned, "http://other.test/b", status), canned.ok(), request=request, follow="{trusted: [other.test]}"
    )
    assert trusted.requests[1].body == b'{"a":1}'


def test_signs_of_aws_go_only_to_hosts_that_may_know_them(follow, canned):
    auth = "aws_sigv4: {access_key: AK, secret_key: SK, region: r, service: s3, session_token: tok}"
    played = follow(to(canned, "http://other.test/b"), canned.ok(), request=f"url: /a, auth: {{{auth}}}")
    names = [{name.lower() for name, _ in sent.headers if "amz" in name.lower()} for sent in played.requests]
    assert (len(names[0]), names[1]) == (3, set())


SHOWN = Tls(ca="ca.pem", certificate="c.pem", key="k.pem", password="pw", pin="p")


def follows(request, location, *, first=None, status=302, trusted=frozenset()):
    """The request that follows this redirect."""
    answer = Response(status, (("Location", location),), b"", 0.1)
    wanted = Follow(trusted=trusted)
    nothing = frozenset()
    return next_request(first or request, request, answer, follow=wanted, cookies=lambda url: "", credentials=nothing)


def test_certificate_and_pin_are_for_hosts_that_may_know_them():
    first = Request("GET", "https://api.test/", connection=Connection(tls=SHOWN))
    away = follows(first, "https://other.test/")
    assert away.connection.tls == Tls(ca="ca.pem")
    assert follows(away, "https://api.test:443/b", first=first).connection.tls == SHOWN
    assert follows(first, "https://other.test/", trusted=frozenset({"other.test"})).connection.tls == SHOWN


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/caf\u00c3\u00a9?q=\u00c3\u00bc", "/caf%C3%A9?q=%C3%BC"),
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/\u2603", "/%E2%98%83"),
    ],
)
def test_an_address_in_utf_8_is_read_as_such(location, url):
    assert follows(Request("GET", "http://api.test/"), location).url == f"http://api.test{url}"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "http://ada:p%40w@api.test/b"),
        ("http://API.test:80/b", "http://ada:p%40w@API.test:80/b"),
        ("http://api.test:81/b", "http://api.test:81/b"),
        ("http://other.test/b", "http://other.test/b"),
        ("http://api.test.evil.test/b", "http://api.test.evil.test/b"),
    ],
)
def test_the_user_of_an_address_stays_with_its_origin(location, url):
    first = Request("GET", "http://ada:p%40w@api.test/a", (("Authorization", "x"),))
    assert follows(first, location).url == url


def test_cookies_set_on_the_way_go_along(follow, canned):
    played = follow(to(canned, "/b", headers=(("Set-Cookie", "sid=1; Path=/"),)), canned.ok())
    assert dict(played.requests[1].headers)["Cookie"] == "sid=1"


@pytest.mark.parametrize("location", ["mailto:a@b", "file:///etc/passwd", "http://", "http://a:x/", ""])
def test_a_redirect_to_nowhere_is_the_steps_answer(follow, canned, location):
    played = follow(to(canned, location), more="  expect: {status: 302}")
    assert len(played.requests) == 1
    assert played.result.passed
