"""Redaction: a value once secret never leaves, in any of the forms it takes on the way."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import urllib.parse
import xml.sax.saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.redact import Secrets

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=40)
ATTRIBUTE = {'"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;"}
FORMS = {
    "raw": lambda value: value,
    "json": json.dumps,
    "json unicode": lambda value: json.dumps(value, ensure_ascii=False),
    "url": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "basic auth": lambda value: base64.b64encode(f"ada:{value}".encode()).decode(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "json in json": lambda value: json.dumps(json.dumps(value)),
    "url in lower case": lambda value: re.sub(
        "%..", lambda code: code[0].lower(), urllib.parse.quote(value, safe="")
    ),
    "html": html.escape,
    "html text": lambda value: html.escape(value, quote=False),
    "xml": xml.sax.saxutils.escape,
    "xml attribute": lambda value: xml.sax.saxutils.escape(value, ATTRIBUTE),
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    "python": repr,
    "base64 url": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
}


def holding(**values):
    secrets = Secrets()
    for name, value in values.items():
        assert secrets.add(name, value)
    return secrets


@pytest.mark.parametrize("form", FORMS)
@given(value=VALUES)
def test_secret_is_masked_in_every_form_it_takes(form, value):
    text = f"<{FORMS[form](value)}>"
    shown = holding(pw=value).redact(text)
    assert "***(pw)" in shown
    assert FORMS[form](value) not in shown


@pytest.mark.parametrize("user", ["", "a", "ad", "ada"])
def test_basic_auth_is_masked_whatever_the_user_is_called(user):
    encoded = base64.b64encode(f"{user}:correct horse".encode()).decode()
    shown = holding(password="correct horse").redact(f"Basic {encoded}")
    assert "***(password)" in shown


def test_each_line_of_a_key_is_masked_and_what_frames_it_is_not():
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34Gkx\nshort\n-----END RSA PRIVATE KEY-----\n"
    shown = holding(key=pem).redact("+MIIBOgIBAAJBAKj34Gkx\n -----BEGIN RSA PRIVATE KEY-----\n short")
    assert shown == "+***(key)\n -----BEGIN RSA PRIVATE KEY-----\n short"


def test_two_secrets_look_different():
    shown = holding(first="aaaaaaaa", second="bbbbbbbb").redact("aaaaaaaa bbbbbbbb")
    assert shown == "***(first) ***(second)"


def test_longer_secret_wins_over_one_within_it():
    assert holding(short="token", long="token-extended").redact("token-extended") == "***(long)"


def test_value_too_short_to_mask_is_refused():
    secrets = Secrets()
    assert not secrets.add("pin", "123")
    assert secrets.redact("123") == "123"


def test_value_once_secret_stays_secret():
    secrets = holding(token="first-token")
    secrets.add("token", "second-token")
    assert secrets.redact("first-token second-token") == "***(token) ***(token)"


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "set-cookie", "Proxy-Authorization", "X-Api-Key"])
def test_headers_of_credentials_are_masked_even_when_unknown(name):
    assert Secrets().redact_header(name, "whatever") == "***"
    assert Secrets().redact_header(name, "Bearer whatever") == "***"
    assert holding(token="known-token").redact_header(name, "known-token") == "***(token)"


def test_nothing_beside_a_mask_is_left_in_a_header_of_credentials():
    secrets = holding(password="correct horse", sid="session-1")
    encoded = base64.b64encode(b"ada:correct horse").decode()
    assert secrets.redact_header("Authorization", f"Basic {encoded}") == "Basic ***(password)"
    assert secrets.redact_header("Authorization", "Bearer session-1") == "Bearer ***(sid)"
    assert secrets.redact_header("Cookie", "other=plain; sid=session-1") == "***(sid)"


def test_other_headers_keep_what_is_no_secret():
    assert holding(token="known-token").redact_header("X-Trace", "a known-token b") == "a ***(token) b"


def test_secrets_may_be_added_from_many_threads():
    secrets = Secrets()
    threads = [
        threading.Thread(target=lambda base=base: [secrets.add("s", f"value-{base}-{n}") for n in range(20)])
        for base in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = " ".join(f"value-{base}-{n}" for base in range(4) for n in range(20))
    assert "value-" not in secrets.redact(text)


def test_a_fork_knows_what_was_secret_and_keeps_its_own_to_itself() -> None:
    known = Secrets()
    known.add("password", "seaworthy")
    fork = known.fork()
    fork.add("token", "tok-12345")
    assert fork.redact("seaworthy tok-12345") == "***(password) ***(token)"
    assert known.redact("seaworthy tok-12345") == "***(password) tok-12345"


def few(count, **values):
    secrets = holding(**values)
    secrets.keep_newest(count)
    return secrets


def test_who_keeps_few_forgets_the_oldest_of_what_was_added_since_and_nothing_else():
    secrets = few(2, password="correct horse")
    for number in range(4):
        secrets.add("token", f"token number {number}")

    assert secrets.redact("correct horse") == "***(password)"
    assert [secrets.redact(f"token number {number}") for number in range(4)] == [
        "token number 0",
        "token number 1",
        "***(token)",
        "***(token)",
    ]


def test_a_value_that_is_added_again_is_new_again():
    secrets = few(2)
    for value in ("first value", "second value", "first value", "third value"):
        secrets.add("token", value)
    assert secrets.redact("first value, second value, third value") == "***(token), second value, ***(token)"


def test_a_secret_of_the_realm_that_is_captured_too_is_never_forgotten():
    secrets = few(1, token="correct horse")
    for value in ("correct horse", "another one", "a third one"):
        secrets.add("token", value)
    assert secrets.redact("correct horse") == "***(token)"


def test_a_thousand_secrets_are_masked_as_one_is():
    secrets = Secrets()
    for number in range(1000):
        secrets.add(f"s{number}", f"value-{number:04}")
    assert secrets.redact("<value-0000><value-0999><value-1000>") == "<***(s0)><***(s999)><value-1000>"


def test_nothing_is_kept_of_what_was_forgotten():
    secrets = few(3, password="correct horse")
    for number in range(100):
        secrets.add("token", f"{number:03}-token-{number}")
    held = (len(secrets._forms), len(secrets._lengths), len(secrets._how_many))
    for number in range(100, 200):
        secrets.add("token", f"{number:03}-token-{number}")
    now = (len(secrets._forms), len(secrets._lengths), len(secrets._how_many))
    assert all(after <= before * 1.5 for before, after in zip(held, now, strict=True))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl -sS 'http://ada:pw@a.test/x'", "curl -sS 'http://ada:***@a.test/x'"),
        ("http://:pw@a.test http://b:p%40w@c.test:81/", "http://:***@a.test http://b:***@c.test:81/"),
        ("http://ada@a.test/", "http://ada@a.test/"),
        ("http://a.test:80/x@y http://a.test/b:c@d", "http://a.test:80/x@y http://a.test/b:c@d"),
        ("http://ada:hunter2!@a.test/", "http://ada:***(pw)@a.test/"),
    ],
)
def test_password_of_a_url_is_not_shown(text, shown):
    assert holding(pw="hunter2!").redact(text) == shown


def test_a_secret_that_is_a_form_of_another_is_masked_in_its_own_forms():
    secrets = holding(key="correct horse", hexed=b"correct horse".hex())
    again = b"correct horse".hex().encode().hex()
    assert secrets.redact(again) == "***(hexed)"


def test_what_is_forgotten_takes_no_form_of_another_with_it():
    secrets = few(1, password="a/b/c/d/e")
    for value in ("a%2Fb%2Fc%2Fd%2Fe", "another one", "a third one"):
        secrets.add("token", value)
    assert secrets.redact("a/b/c/d/e a%2Fb%2Fc%2Fd%2Fe another one") == "***(password) ***(token) another one"


def test_two_values_of_one_form_keep_it_until_both_are_forgotten():
    secrets = few(2)
    secrets.add("one", "a b c d")
    secrets.add("other", "a+b+c+d")  # what a form makes of the first
    secrets.add("third", "something else")
    assert "a+b+c+d" not in secrets.redact("a+b+c+d")
    secrets.add("fourth", "yet another")
    assert secrets.redact("a+b+c+d") == "a+b+c+d"


@pytest.mark.parametrize("user", ["", "a", "ad", "ada"])
@pytest.mark.parametrize("value", ["1234", "pa$s5"])
def test_a_short_secret_is_masked_in_base64_too(value, user):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{user}:{value}".encode()).decode()
        assert "***(pin)" in holding(pin=value).redact(f"Basic {encoded}")
    assert holding(pin=value).redact(base64.b64encode(value.encode()).decode()).rstrip("=") == "***(pin)"


def test_of_secrets_that_overlap_nothing_is_left():
    secrets = holding(first="abcd1234", second="1234efgh", within="cd12")
    assert secrets.redact("<abcd1234efgh>") == "<***(first)***(second)>"
    assert holding(same="abab").redact("<ababab>") == "<***(same)>"


def test_what_a_play_adds_is_known_to_all_until_it_is_given_back():
    secrets = few(2, password="correct horse")
    lent = secrets.lend()
    for number in range(100):
        lent.add("token", f"token number {number:02}")
    secrets.add("other", "of another play")
    text = " ".join(f"token number {number:02}" for number in range(100))
    assert secrets.redact(text) == lent.redact(text) == " ".join(["***(token)"] * 100)

    lent.give_back()
    assert secrets.redact(text).count("***(token)") == 2
    assert lent.redact("correct horse") == "***(password)"


def test_a_value_two_plays_have_stays_until_both_gave_it_back():
    secrets = few(0)
    first, second = secrets.lend(), secrets.lend()
    for lent in (first, first, second):
        lent.add("token", "token of both")
    first.give_back()
    assert secrets.redact("token of both") == "***(token)"
    second.give_back()
    assert secrets.redact("token of both") == "token of both"


def test_a_secret_of_the_realm_that_a_play_captures_too_stays():
    secrets = few(0, password="correct horse")
    lent = secrets.lend()
    lent.add("token", "correct horse")
    lent.give_back()
    assert secrets.redact("correct horse") == "***(password)"
