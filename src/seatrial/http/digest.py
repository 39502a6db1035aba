"""Answers a digest challenge (RFC 7616) with httpx's own `DigestAuth`. Takes both sides, gives a header's value."""

from __future__ import annotations

from seatrial.exchange import Request, Response
from seatrial.http.engine import httpx


def answer_challenge(request: Request, response: Response, *, user: str, password: str) -> str | None:
    """The Authorization header that answers the challenge; None for one of another kind, or that means nothing."""
    asked = httpx.Request(request.method, request.url)
    flow = httpx.DigestAuth(user, password).auth_flow(asked)
    next(flow)
    try:
        again = flow.send(httpx.Response(response.status, headers=list(response.headers), request=asked))
    # httpx knows no auth-int, and says so with NotImplementedError; what else it raises is a challenge made wrong.
    except (StopIteration, httpx.ProtocolError, NotImplementedError, KeyError, TypeError, ValueError):
        return None
    value: str | None = again.headers.get("authorization")
    return value
