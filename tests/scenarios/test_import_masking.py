"""What sounds, or looks, like a secret does not stay in what is shown of a stranger's answer; the rest does."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.scenarios.importers.masking import MASK, masked_shapes, masked_text, masked_value
from seatrial.scenarios.importers.naming import sounds_like_credential, sounds_like_one_time

NAMES = [
    *("password", "db_password", "Password", "userPassword", "passwd", "pwd", "passphrase", "pass", "passcode"),
    *("token", "tokens", "access_token", "accessToken", "accesstoken", "refresh-token", "X-Auth-Token", "id_token"),
    *("api_key", "apiKey", "apikey", "X-Api-Key", "api_keys", "private_key", "client_secret", "secrets", "ssh_key"),
    *("session", "session_id", "sessionId", "sid", "PHPSESSID", "JSESSIONID", "X-Session", "auth", "Authorization"),
    *("csrf", "csrf_token", "xsrf", "jwt", "otp", "cookie", "cookies", "Set-Cookie", "sig", "signature", "hmac"),
    *("credentials", "aws_secret_access_key", "user.password", "oauth.token", "webhookKey"),
]  # fmt: skip
TEXTS = [
    *("{n}={v}", "{n}: {v}", "{n} = {v}", "{n}:{v}", "{n} := {v}", "{n} => {v}", "the {n} is {v}"),
    *('{n}="{v}"', "{n}='{v}'", '"{n}": "{v}"', '{{"{n}":"{v}","a":1}}', "{{'{n}': '{v}'}}", '"{n}": {v},'),
    *('{{\\"{n}\\": \\"{v}\\"}}', "&quot;{n}&quot;:&quot;{v}&quot;", "%22{n}%22%3A%22{v}%22", '"{n}":[1,"{v}"]'),
    *("a=1&{n}={v}&b=2", "/x?{n}={v}", "https://h.example/x?a=1&{n}={v}#top", "https://h.example/cb#{n}={v}&x=1"),
    *("next=/cb?{n}={v}", "next=%2Fcb%3F{n}%3D{v}%26a%3D1", "user[{n}]={v}", "user%5B{n}%5D={v}"),
    *("<{n}>{v}</{n}>", "<a:{n} b='1'>{v}</a:{n}>", "<{n}><![CDATA[{v}]]></{n}>", "&lt;{n}&gt;{v}&lt;/{n}&gt;"),
    *('<input name="{n}" value="{v}">', "<meta name='{n}' content='{v}'>", "<add id='{n}' value='{v}'/>"),
    *("<{n}>{v}", "x; {n}={v}; Path=/"),
    *("ok, {n}: {v}, b: 2", "2024-01-01 INFO {n}={v} done", "env {n}={v};B=2", "{n}:\n  {v}"),
]  # fmt: skip
VALUES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=3, max_size=40)


@pytest.mark.parametrize("shape", TEXTS)
def test_in_every_shape_every_secret_name_hides_its_value(shape):
    for name in NAMES:
        shown = masked_text(shape.format(n=name, v="Q7h"))
        assert "Q7h" not in shown, (name, shown)
        assert MASK in shown


@given(st.sampled_from(TEXTS), st.sampled_from(NAMES), VALUES)
def test_the_value_of_a_secret_name_is_in_no_text(shape, name, value):
    value = f"Q{value}-Qz9"  # neither its whole nor its end is ever a word of the shape itself
    shown = masked_text(shape.format(n=name, v=value))
    assert "Qz9" not in shown
    assert MASK in shown


@pytest.mark.parametrize("shape", TEXTS)
def test_the_value_of_another_name_stays(shape):
    text = shape.format(n="colour", v="blue-17")
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "a\\"b c, d", "x": 1}', '{"password": "***", "x": 1}'),
        ("password: correct horse battery", "password: ***"),
        ("token=abc&x=1", "token=***&x=1"),
        ("sid=abc; Path=/", "sid=***; Path=/"),
        ("http://ada:hunter2@h.example/x", "http://***@h.example/x"),
        ("http://tok3n@h.example/x", "http://***@h.example/x"),
        ("password=", "password="),
        ('{"token": 12, "x": 1}', '{"token": ***, "x": 1}'),
        (
            '[{"name": "api_key", "value": "v1"}, {"name": "x"}]',
            '[{"name": "api_key", "value": "***"}, {"name": "x"}]',
        ),
        ('{"name": "colour", "value": "v1"}', '{"name": "colour", "value": "v1"}'),
        ("12:30:45 session opened", "12:30:45 session opened"),
        ("a token is needed", "a token is ***"),  # in doubt
    ],
)
def test_as_much_as_can_be_stays(text, shown):
    assert masked_text(text) == shown


BASIC = base64.b64encode(b"ada:hunter2").decode()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
SHAPES = [
    *(BASIC, BASIC.rstrip("="), JWT, f"{JWT}.x.y", "ghp_0123456789abcdefABCD", "AKIAIOSFODNN7EXAMPLE"),
    *("sk_live_4eC39HqLyjWDarjtT1", "glpat-abcdefghijklmnop12", "xoxb-12345678-abc", "A9+/" * 16),
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("around", ["{}", "x {} y", '"{}"', "<a>{}</a>", "p={}&q=1", "[{}]"])
@pytest.mark.parametrize("secret", SHAPES)
def test_what_looks_like_a_secret_is_masked_wherever_it_stands(secret, around):
    if secret == SHAPES[-2] and around != "{}":
        return  # a line of a key is known as a whole line only
    shown = masked_shapes(around.format(secret))
    assert shown == around.format(MASK)


@pytest.mark.parametrize("text", ["Bearer abcdefgh", "bearer  a.b-c~d", "Basic QWxhZGRpbg==", "Token 9944b09199c6"])
def test_credentials_are_masked_after_their_scheme(text):
    assert masked_shapes(f"< {text} >") == f"< {text.split()[0]}{' ' * text.count(' ')}*** >"


@pytest.mark.parametrize(
    "text", ["Basic information", "token validation", "12.50", "2024-01-01T00:00:00Z", "c3RhdGU9b3Blbg=="]
)
def test_what_looks_like_none_stays(text):
    assert masked_shapes(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [{"password": {"x": ["v"]}}]}, {"a": [{"password": MASK}]}),
        ({"name": "api_key", "value": "v", "x": 1}, {"name": "api_key", "value": MASK, "x": 1}),
        ({"name": "colour", "value": "blue"}, {"name": "colour", "value": "blue"}),
        (["token: v", 1, None, True], ["token: ***", 1, None, True]),
        ({JWT: 1}, {MASK: 1}),
    ],
)
def test_members_are_masked_however_deep(value, shown):
    assert masked_value("", value) == shown


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets_in_answers(name):
    assert sounds_like_credential(name)


@pytest.mark.parametrize(
    "name",
    ["id", "code", "address", "author", "passport", "bypass", "class", "progress", "basis", "publicKey", "keys"],
)
def test_names_of_nothing_secret(name):
    assert not sounds_like_credential(name)


@pytest.mark.parametrize(
    ("name", "one_time"),
    [
        *(("code", True), ("login_code", True), ("ticket", True), ("SAMLResponse", True)),
        *(("country_code", False), ("zipCode", False), ("code_of_conduct", False)),
    ],
)
def test_names_of_what_lets_in_once(name, one_time):
    assert sounds_like_one_time(name) is one_time


def test_a_very_long_text_is_masked_in_reasonable_time():
    for text in ("a" * 200_000, "token" * 40_000, "a=" * 100_000, "<a " * 60_000, '"' * 100_000, "<sid>" * 20_000):
        assert isinstance(masked_text(text), str)
