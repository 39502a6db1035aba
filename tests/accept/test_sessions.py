"""Session cookies are secret once they were set."""

from __future__ import annotations

import pytest

from seatrial.accept.sessions import keep_sessions
from seatrial.exchange import Broken, Response
from seatrial.redact import Secrets
from seatrial.sample import Cause


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("sid=5e55101d77; Path=/; HttpOnly", "***(sid) english"),
        ("sid=5e55101d77; httponly", "***(sid) english"),
        ("sid=5e55101d77; Path=/", "5e55101d77 english"),
        ("lang=english; HttpOnly", "5e55101d77 english"),
        ("HttpOnly", "5e55101d77 english"),
    ],
)
def test_a_cookie_that_scripts_must_not_see_is_masked_everywhere(line, shown):
    secrets = Secrets()
    keep_sessions(Response(200, (("Set-Cookie", line),), b"", 0.01), secrets)
    assert secrets.redact("5e55101d77 english") == shown


def test_no_answer_sets_nothing():
    secrets = Secrets()
    keep_sessions(Broken(Cause.TIMEOUT, "Set-Cookie: sid=5e55101d77; HttpOnly", 0.01), secrets)
    assert secrets.redact("5e55101d77") == "5e55101d77"
