"""HAR 1.2 of plays, held against a schema written from the specification."""

from __future__ import annotations

import base64
import json

import jsonschema
import pytest

from seatrial.exchange import Broken, Response
from seatrial.redact import Secrets
from seatrial.reports.plays.har import MAX_BODY, Har
from seatrial.sample import Cause, Timings

PAIR = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}, "comment": {"type": "string"}},
    "additionalProperties": False,
}


def closed(required, properties):
    """An object of these members, all but the ones that begin with `_` known."""
    return {
        "type": "object",
        "required": required,
        "properties": {**properties, "comment": {"type": "string"}},
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


SIZE = {"type": "integer", "minimum": -1}
TIME = {"type": "number", "anyOf": [{"minimum": 0}, {"const": -1}]}
SPENT = {"type": "number", "minimum": 0}
SCHEMA = closed(
    ["log"],
    {
        "log": closed(
            ["version", "creator", "entries"],
            {
                "version": {"const": "1.2"},
                "creator": closed(["name", "version"], {"name": {"type": "string"}, "version": {"type": "string"}}),
                "pages": {"type": "array"},
                "entries": {
                    "type": "array",
                    "items": closed(
                        ["startedDateTime", "time", "request", "response", "cache", "timings"],
                        {
                            "startedDateTime": {
                                "type": "string",
                                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$",
                            },
                            "time": SPENT,
                            "request": closed(
                                [
                                    "method",
                                    "url",
                                    "httpVersion",
                                    "cookies",
                                    "headers",
                                    "queryString",
                                    "headersSize",
                                    "bodySize",
                                ],
                                {
                                    "method": {"type": "string"},
                                    "url": {"type": "string"},
                                    "httpVersion": {"type": "string"},
                                    "cookies": {"type": "array", "items": PAIR},
                                    "headers": {"type": "array", "items": PAIR},
                                    "queryString": {"type": "array", "items": PAIR},
                                    "postData": closed(
                                        ["mimeType", "params", "text"],
                                        {
                                            "mimeType": {"type": "string"},
                                            "params": {"type": "array", "items": PAIR},
                                            "text": {"type": "string"},
                                        },
                                    ),
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                },
                            ),
                            "response": closed(
                                [
                                    "status",
                                    "statusText",
                                    "httpVersion",
                                    "cookies",
                                    "headers",
                                    "content",
                                    "redirectURL",
                                    "headersSize",
                                    "bodySize",
                                ],
                                {
                                    "status": {"type": "integer", "minimum": 0},
                                    "statusText": {"type": "string"},
                                    "httpVersion": {"type": "string"},
                                    "cookies": {"type": "array", "items": PAIR},
                                    "headers": {"type": "array", "items": PAIR},
                                    "content": closed(
                                        ["size", "mimeType"],
                                        {
                                            "size": {"type": "integer", "minimum": 0},
                                            "compression": {"type": "integer"},
                                            "mimeType": {"type": "string"},
                                            "text": {"type": "string"},
                                            "encoding": {"const": "base64"},
                                        },
                                    ),
                                    "redirectURL": {"type": "string"},
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                },
                            ),
                            "cache": closed([], {"beforeRequest": {}, "afterRequest": {}}),
                            "timings": closed(
                                ["send", "wait", "receive"],
                                {
                                    "blocked": TIME,
                                    "dns": TIME,
                                    "connect": TIME,
                                    "ssl": TIME,
                                    "send": SPENT,
                                    "wait": SPENT,
                                    "receive": SPENT,
                                },
                            ),
                            "serverIPAddress": {"type": "string"},
                            "connection": {"type": "string"},
                            "pageref": {"type": "string"},
                        },
                    ),
                },
            },
        )
    },
)
JOURNEY = """
scenario: pay
service: api
steps:
  - name: log in
    request: {url: "/login?next=%2Fa&next=b", form: {user: ada, password: "{{ secrets.password }}"}}
    expect: {status: 200}
    capture: {token: {header: X-Token, secret: true}}
  - name: pay
    request: {method: POST, url: "/pay", json: {amount: 250}, auth: {bearer: "{{ token }}"}}
    retry: {max: 2, interval: 0ms}
    expect: {status: 200}
"""
PASSWORD = "correct horse"


@pytest.fixture
def entries(written):
    """The entries of a report that is valid."""

    def entries_(plays, secrets=None):
        content = json.loads(written(Har(secrets or Secrets()), plays))
        jsonschema.Draft202012Validator(SCHEMA).validate(content)
        return content["log"]["entries"]

    return entries_


@pytest.fixture
def journey(play, answer):
    """The journey played with a realm's secret, and that secret's keeper."""

    def journey_(*answers):
        secrets = Secrets()
        secrets.add("password", PASSWORD)
        first = answer(200, headers=(("X-Token", "tok-4f9a1c77"), ("Set-Cookie", "sid=s3cr3t; Path=/")))
        plays = play(JOURNEY, first, *answers, secrets=secrets, secret_values={"password": PASSWORD})
        return plays, secrets

    return journey_


def test_every_exchange_is_an_entry_polls_too(entries, journey, answer):
    plays, secrets = journey(answer(503), answer(200))
    told = [(one["_step"], one["_attempt"], one["response"]["status"]) for one in entries(plays, secrets)]
    assert told == [("log in", 1, 200), ("pay", 1, 503), ("pay", 2, 200)]


def test_nothing_secret_is_in_it(entries, journey, answer):
    plays, secrets = journey(answer(200))
    login, pay = entries(plays, secrets)
    text = json.dumps([login, pay])
    assert not any(secret in text for secret in (PASSWORD, "correct+horse", "tok-4f9a1c77", "s3cr3t"))
    assert {"name": "password", "value": "***(password)"} in login["request"]["postData"]["params"]
    assert login["response"]["cookies"] == [{"name": "sid", "value": "***"}]
    assert pay["request"]["cookies"] == [{"name": "sid", "value": "***"}]
    assert {"name": "Authorization", "value": "Bearer ***(token)"} in pay["request"]["headers"]


def test_query_and_body_are_told(entries, journey, answer):
    plays, secrets = journey(answer(200, {"ok": True}))
    login, pay = entries(plays, secrets)
    assert login["request"]["queryString"] == [{"name": "next", "value": "/a"}, {"name": "next", "value": "b"}]
    assert json.loads(pay["request"]["postData"]["text"]) == {"amount": 250}
    assert pay["response"]["content"]["text"] == '{"ok": true}'


def test_the_phases_add_up_to_the_whole_and_unknown_ones_are_minus_one(entries, play):
    timings = Timings(connect_s=0.001, tls_s=0.002, first_byte_s=0.004, download_s=0.001)
    response = Response(200, (), b"", 0.010, timings)
    journey = "scenario: s\nservice: api\nsteps: [{name: a, request: {url: /}, expect: {status: 200}}]"
    (entry,) = entries(play(journey, response))
    assert entry["timings"] == {
        "blocked": -1,
        "dns": -1,
        "connect": 3,
        "ssl": 2,
        "send": 2,
        "wait": 4,
        "receive": 1,
    }
    assert entry["time"] == 10


def test_no_valid_answer_has_the_status_zero_and_says_why(entries, journey):
    plays, secrets = journey(Broken(Cause.TIMEOUT, f"nothing, {PASSWORD}", 0.5))
    *_, last = entries(plays, secrets)
    assert (last["response"]["status"], last["response"]["_error"]) == (0, "timeout: nothing, ***(password)")


def test_a_body_that_is_no_text_is_base64_unless_it_holds_a_secret(entries, journey, answer):
    plain, holding = b"\xff\xfe\x00plain", b"\xff\xfe\x00" + PASSWORD.encode()
    plays, secrets = journey(answer(500, plain), answer(200, holding))
    _, first, second = entries(plays, secrets)
    content = first["response"]["content"]
    assert (base64.b64decode(content["text"]), content["encoding"]) == (plain, "base64")
    assert second["response"]["content"]["text"] == ""
    assert "hold a secret" in second["response"]["content"]["comment"]


def test_a_long_body_is_cut_and_no_secret_with_it(entries, journey, answer):
    body = "x" * (MAX_BODY - 4) + PASSWORD + "y" * 5000
    plays, secrets = journey(answer(200, body))
    content = entries(plays, secrets)[-1]["response"]["content"]
    assert len(content["text"]) == MAX_BODY
    assert content["text"].endswith("x***(")
    assert content["size"] == len(body)


def test_a_body_that_was_not_kept_is_said_to_be_left_out(entries, journey, answer, monkeypatch):
    monkeypatch.setattr("seatrial.accept.held.BODIES_BYTES", 100)
    plays, secrets = journey(answer(500, "x" * 5000), answer(200, "short"))
    _, first, second = entries(plays, secrets)
    content = first["response"]["content"]
    assert (content["size"], content.get("text"), first["response"]["bodySize"]) == (5000, None, -1)
    assert "left out" in content["comment"]
    assert second["response"]["content"]["text"] == "short"


def test_a_run_of_nothing_is_valid(entries):
    assert entries([]) == []
