"""Keeps session cookies secret: what a server gives to be shown only to itself is as good as a password.

Room accept. `redact` masks the headers they travel in; here their values are made known to it, so that a body that
repeats one, or the text of a check that looked at one, does not tell it either.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.exchange import Answer, Response
from seatrial.redact import Secrets

MIN_LENGTH = 8
"""Characters below which a cookie is a setting and no key: masking them would riddle every text."""


def keep_sessions(answer: Answer, secrets: Secrets) -> None:
    """Make secret what the answer sets as a cookie that scripts must not see (`HttpOnly`)."""
    for name, value in _sessions(answer):
        if len(value) >= MIN_LENGTH:
            secrets.add(name, value)


def _sessions(answer: Answer) -> Iterator[tuple[str, str]]:
    for header, line in answer.headers if isinstance(answer, Response) else ():
        if header.lower() == "set-cookie":
            pair, *attributes = line.split(";")
            if any(attribute.strip().lower() == "httponly" for attribute in attributes):
                name, _, value = pair.partition("=")
                yield name.strip(), value.strip()
