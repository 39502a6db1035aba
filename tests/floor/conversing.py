"""Conversations with a server of the tests, had in one line."""

from __future__ import annotations

import time

from seatrial import http
from seatrial.exchange import (
    Conversation,
    ConversationKind,
    Request,
)

DEADLINE_S = 0.6
GENEROUS_S = 20.0


def count(number):
    return lambda messages: len(messages) >= number


def listen(url, enough, timeout_s=GENEROUS_S, **fields):
    """The answer to listening to events, which came in time."""
    headers = (("Accept", "text/event-stream"),)
    return conversed(url, Conversation(ConversationKind.SSE, enough), timeout_s, headers=headers, **fields)


def conversed(url, conversation, timeout_s, **fields):
    started = time.monotonic()
    with http.open_client() as client:
        answer = client.send(Request("GET", url, timeout_s=timeout_s, conversation=conversation, **fields))
    assert time.monotonic() - started < max(timeout_s, GENEROUS_S / 2)
    return answer


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
