"""Requests with a short deadline, to servers that misbehave."""

from __future__ import annotations

import time

from seatrial import http
from seatrial.exchange import Request

DEADLINE_S = 0.6
IN_TIME_S = 12.0
"""Twenty times the deadline: a busy machine is no failure, an unbounded wait is."""
GENEROUS_S = 20.0
HEAD = b"HTTP/1.1 200 OK\r\n"


def sent(url, *, timeout_s=DEADLINE_S, **fields):
    """The answer, and that it came in time."""
    started = time.monotonic()
    with http.open_client() as client:
        answer = client.send(Request(fields.pop("method", "GET"), url, timeout_s=timeout_s, **fields))
    assert time.monotonic() - started < max(IN_TIME_S, timeout_s)
    return answer
