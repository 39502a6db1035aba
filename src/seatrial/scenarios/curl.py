"""A request as one `curl` line that repeats it. Pure; secrets are masked, so they have to be put back to run it."""

from __future__ import annotations

import shlex

from seatrial.exchange import Request
from seatrial.redact import Secrets

MAX_BODY = 4000
_OWN = frozenset({"user-agent", "accept", "accept-encoding", "traceparent", "x-request-id"})
"""Headers every request of ours carries and no answer should depend on."""


def curl_line(request: Request, secrets: Secrets) -> str:
    """`curl -sS 'http://...' -H '...'`; a body beyond MAX_BODY characters is named, not shown."""
    words = ["curl", "-sS"]
    body = request.body.decode(errors="replace") if request.body else ""
    if request.method != ("POST" if body else "GET"):
        words += ["-X", request.method]
    words.append(_quoted(secrets.redact(request.url)))
    for name, value in request.headers:
        if name.lower() not in _OWN:
            words += ["-H", _quoted(f"{name}: {secrets.redact_header(name, value)}")]
    if len(body) > MAX_BODY:
        return " ".join(words) + f"   # and a body of {len(body)} characters"
    if body:
        words += ["--data-raw", _quoted(secrets.redact(body))]
    return " ".join(words)


def _quoted(word: str) -> str:
    """Always in quotes, so that a mask with its brackets is safe to paste."""
    quoted = shlex.quote(word)
    return quoted if quoted.startswith("'") or "'" in word else f"'{word}'"
