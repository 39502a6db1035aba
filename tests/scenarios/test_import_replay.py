"""A HAR recording to be sent again: what is sent, to which service, and what never leaves the recording."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.importers.replay import read_capture, replay

BASE = "https://api.example.com"


def entry(url=f"{BASE}/cards/12", method="GET", headers=(), second=0, **more):
    return {
        "startedDateTime": f"2024-01-01T00:00:{second:02}Z",
        "request": {
            "method": method,
            "url": url,
            "headers": [{"name": name, "value": value} for name, value in headers],
            **more,
        },
        "response": {"status": 200, "content": {"mimeType": "application/json"}},
    }


def capture(*entries, writing=False):
    return read_capture(json.dumps({"log": {"entries": list(entries)}}), "day.har", writing=writing)


def replayed(*entries, writing=False, secrets=(), bases=({"api": BASE},)):
    return replay(capture(*entries, writing=writing), bases, secrets=frozenset(secrets))


def sent(*entries, scope=None, **told):
    """Method, URL, params and headers of what is sent, rendered."""
    scope = scope or {}
    requests = [journey.steps[0].request for journey in replayed(*entries, **told).journeys]
    return [
        (
            request.method,
            request.url.render(scope),
            {name: value.render(scope) for name, value in request.params},
            {name: value.render(scope) for name, value in request.headers},
        )
        for request in requests
    ]


def test_requests_are_sent_as_they_were_in_their_order():
    one = entry(f"{BASE}/cards?b=%20x&a=1#top", headers=[("Accept", "application/json"), ("X-Tenant", "north")])
    assert sent(entry(second=1), one) == [
        ("GET", "/cards?b=%20x&a=1", {}, {"Accept": "application/json", "X-Tenant": "north"}),
        ("GET", "/cards/12", {}, {}),
    ]


def test_what_looks_like_a_template_is_sent_as_it_was():
    [(_, url, _, headers)] = sent(entry(f"{BASE}/%7B%7Bx%7D%7D?q={{{{x}}}}", headers=[("X-A", "{{ secrets.x }}")]))
    assert (url, headers) == ("/%7B%7Bx%7D%7D?q=%7B%7Bx}}", {"X-A": "{{ secrets.x }}"})


def test_ids_in_a_path_are_no_part_of_a_steps_name():
    whole = replayed(entry(), entry(f"{BASE}/v2/users/0b0e6e9c-4f2f-4c5e-9d3c-6f1c2f0a7b11/pets"))
    assert [journey.steps[0].name for journey in whole.journeys] == ["GET /cards/*", "GET /v2/users/*/pets"]
    assert {journey.name for journey in whole.journeys} == {"day.har"}


SECRET = "s3cr3t-value-91"
CREDENTIALS = [
    ("Authorization", f"Bearer {SECRET}"),
    ("Cookie", f"sid={SECRET}"),
    ("X-Api-Key", SECRET),
    ("X-CSRF-Token", SECRET),
    ("X-Whatever", f"Bearer {SECRET}"),
]


def test_credentials_of_the_capture_are_never_sent():
    whole = replayed(entry(f"{BASE}/x?access_token={SECRET}&q=1", headers=CREDENTIALS))
    assert SECRET not in repr(whole)
    assert sent(entry(f"{BASE}/x?access_token={SECRET}&q=1", headers=CREDENTIALS)) == [("GET", "/x?q=1", {}, {})]
    told = [text for text in whole.left_out if "of the capture" in text]
    assert len(told) == 6
    assert "headers `X-Api-Key` of the capture (a realm's secret `x_api_key` is sent instead)" in told


ALL_THE_SAME = [
    *("session_id", "sid", "sig", "auth_code", "code", "ticket", "X-Amz-Signature", "X-Amz-Credential", "hmac"),
    *("PHPSESSID", "tokens", "accesstoken", "api_keys", "samlResponse", "client_assertion", "code_verifier", "pwd"),
]  # fmt: skip


@pytest.mark.parametrize("name", ALL_THE_SAME)
def test_whatever_a_credential_is_called_it_stays_in_the_capture(name):
    one = entry(f"{BASE}/x?a=1&{name}={SECRET}&b=2", headers=[(name, SECRET), ("X-Tenant", "north")])
    assert sent(one) == [("GET", "/x?a=1&b=2", {}, {"X-Tenant": "north"})]
    assert SECRET not in repr(replayed(one))


@pytest.mark.parametrize(
    "value",
    [
        *(f"Bearer {SECRET}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.abc", "YWRhOmh1bnRlcjI="),
        *(f"/cb?session_id={SECRET}", f"https://h.example/x?a=1&sig={SECRET}", f"/x#access_token={SECRET}"),
    ],
)
def test_a_credential_within_a_value_stays_there_with_it(value):
    one = entry(f"{BASE}/x?a=1&next={urllib.parse.quote(value, safe='')}", headers=[("X-Next", value)])
    assert sent(one) == [("GET", "/x?a=1", {}, {})]


def test_a_session_in_the_path_stays_there():
    one = entry(f"{BASE}/a;v=1;jsessionid={SECRET}/b;sid={SECRET}?q=1")
    assert sent(one) == [("GET", "/a;v=1/b?q=1", {}, {})]
    whole = replayed(one)
    assert whole.journeys[0].steps[0].name == "GET /a;v=1/b"
    assert SECRET not in repr(whole)
    assert whole.left_out == {"parameters of paths of the capture that are credentials": 1}


def test_the_page_a_request_came_from_is_not_sent():
    assert sent(entry(headers=[("Referer", f"{BASE}/x?session_id={SECRET}")])) == [("GET", "/cards/12", {}, {})]


@pytest.mark.parametrize(
    "name", ["country_code", "zipCode", "state", "q", "id", "author", "address", "page", "class"]
)
def test_what_no_credential_is_called_is_sent(name):
    one = entry(f"{BASE}/x?{name}=DE", headers=[(f"X-{name}", "DE")])
    assert sent(one) == [("GET", f"/x?{name}=DE", {}, {f"X-{name}": "DE"})]


def test_a_realms_own_secret_takes_their_place():
    scope = {"secrets": {"authorization": "Bearer ours", "access_token": "our token", "cookie": "sid=ours"}}
    one = entry(f"{BASE}/x?access_token={SECRET}", headers=CREDENTIALS)
    [(_, url, params, headers)] = sent(one, secrets=scope["secrets"], scope=scope)
    assert (url, params) == ("/x", {"access_token": "our token"})
    assert headers == {"Authorization": "Bearer ours", "Cookie": "sid=ours"}


def test_what_has_no_service_is_not_sent_and_said():
    whole = replayed(entry("https://cdn.example.net/a"), entry("https://api.example.com.evil.example/a"))
    assert whole.journeys == ()
    assert [text.partition(",")[0] for text in whole.left_out] == [
        "requests to https://cdn.example.net",
        "requests to https://api.example.com.evil.example",
    ]


def test_what_goes_where_is_said():
    bases = ({"v2": f"{BASE}/v2"}, {"api": BASE, "v2": "https://other.example.com"})
    whole = replayed(entry(), entry(f"{BASE}/v2/x"), entry(f"{BASE}/y"), bases=bases)
    assert [journey.steps[0].service for journey in whole.journeys] == ["api", "v2", "api"]
    assert whole.mapped == (f"{BASE} -> api (2 requests)", f"{BASE}/v2 -> v2 (1 request)")


def test_writing_requests_are_left_out_unless_wanted():
    assert capture(entry(method="DELETE"), entry(method="POST")).left_out == {
        "DELETE requests (--mutating sends them)": 1,
        "POST requests (--mutating sends them)": 1,
    }
    posted = {"postData": {"mimeType": "application/json", "text": '{"a": 1}'}}
    [one] = capture(entry(method="POST", **posted), writing=True).requests
    assert (one.body, one.headers) == (b'{"a": 1}', (("Content-Type", "application/json"),))
    [journey] = replayed(entry(method="POST", **posted), writing=True).journeys
    assert journey.steps[0].mutates


def test_a_form_is_written_anew_and_an_upload_left_out():
    fields = {"params": [{"name": "a", "value": "1 2"}]}
    form = {"postData": {"mimeType": "application/x-www-form-urlencoded", **fields}}
    upload = {"postData": {"mimeType": "multipart/form-data; boundary=x", **fields}}
    whole = capture(entry(method="POST", **form), entry(method="POST", **upload), writing=True)
    assert [one.body for one in whole.requests] == [b"a=1+2"]
    assert whole.left_out == {"uploads of files, which a recording does not hold": 1}


def test_static_resources_and_websockets_are_left_out():
    whole = capture(entry(f"{BASE}/logo.png"), entry("wss://api.example.com/ws"))
    assert whole.requests == ()
    assert sum(whole.left_out.values()) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"log": {}}', '{"log": {"entries": 1}}', "{" * 300])
def test_what_is_no_recording_is_refused(text):
    with pytest.raises(DocumentError, match=r"day\.har:\d+:\d+: "):
        read_capture(text, "day.har", writing=False)
