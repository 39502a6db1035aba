"""Tokens name a user until they end, and nobody can make one."""

import base64

import pytest

from seatrial.demo import tokens as tokens_module
from seatrial.demo.tokens import TOKEN_LIFE_S, Tokens, basic_credentials, bearer_token


def test_a_token_names_the_user_it_was_issued_to_even_after_a_restart():
    assert Tokens("secret").user_of(Tokens("secret").issue("ada:lovelace")) == "ada:lovelace"


@pytest.mark.parametrize("forged", ["", ".", "abc", "YWRhOjk5OTk5OTk5OTk.abc", "\u00e9.\u00e9"])
def test_a_forged_token_names_nobody(forged):
    assert Tokens("secret").user_of(forged) is None


def test_a_token_of_another_password_names_nobody():
    assert Tokens("secret").user_of(Tokens("other").issue("ada")) is None


def test_a_token_ends(monkeypatch):
    tokens = Tokens("secret")
    token = tokens.issue("ada")
    now_s = tokens_module.time.time()
    monkeypatch.setattr(tokens_module.time, "time", lambda: now_s + TOKEN_LIFE_S + 1)
    assert tokens.user_of(token) is None


def test_basic_credentials_may_hold_colons_in_the_password():
    assert basic_credentials("Basic " + base64.b64encode(b"ada:a:b").decode()) == ("ada", "a:b")


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Basic", "Basic !!", "Basic " + base64.b64encode(b"ada").decode()]
)
def test_what_is_no_basic_auth_gives_no_credentials(header):
    assert basic_credentials(header) is None


def test_bearer_token_is_read_whatever_the_case_of_its_scheme():
    assert bearer_token("bearer abc") == "abc"
    assert bearer_token("Basic abc") is None
