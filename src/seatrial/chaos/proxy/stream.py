"""How exchanges are told: as JSON, page by page, and as server-sent events while they happen.

Takes the event log, gives JSON-like objects and the bytes of a `text/event-stream` (WHATWG HTML, 9.2). The log's ring
is every reader's queue: nobody waits for a slow one, which loses what was overwritten and is told how much that was.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from seatrial.chaos.proxy.events import Change, Fate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from seatrial.chaos.proxy.events import Event, EventLog, Exchange

    Json = dict[str, Any]

EVENT_STREAM_TYPE = "text/event-stream"
_LOOK_EVERY_S = 0.05
_ALIVE_EVERY_S = 10.0
"""How often a reader that gets nothing gets an empty comment, so that one that is gone is noticed."""
_EVENTS_AT_ONCE = 500
_OPEN: Json = {
    "forwarded_s": None,
    "answered_s": None,
    "first_byte_s": None,
    "duration_s": None,
    "status": None,
    "request_bytes": 0,
    "response_bytes": 0,
    "fate": Fate.OPEN.value,
}


async def follow(log: EventLog, since: int) -> AsyncGenerator[bytes, None]:
    """The events from number `since` on, for ever, as they come.

    First a `hello` with the number the next event will have; then `start` and `end`, whose id is the event's number,
    and `lost` where events were overwritten before they could be told.
    """
    yield _sse("hello", {"next": log.next, "epoch_of_monotonic": log.clock.epoch_of_monotonic})
    quiet_s = 0.0
    while True:
        page = log.since(since, limit=_EVENTS_AT_ONCE)
        since = page.next
        if page.lost:
            yield _sse("lost", {"lost": page.lost})
        if page.events:
            quiet_s = 0.0
            yield b"".join(_sse(event.change.value, event_json(event), number=event.number) for event in page.events)
            continue
        await asyncio.sleep(_LOOK_EVERY_S)
        quiet_s += _LOOK_EVERY_S
        if quiet_s >= _ALIVE_EVERY_S:
            quiet_s = 0.0
            yield b":\n\n"


def event_json(event: Event) -> Json:
    """A start tells what was known then, even when the exchange has ended since; an end tells everything."""
    exchange = event.exchange
    start = {
        "event": event.change.value,
        "seq": event.number,
        "id": exchange.id,
        "edge": exchange.edge,
        "connection": exchange.connection,
        "started_at": exchange.started_at,
        "method": exchange.method,
        "path": exchange.path,
        "trace_id": exchange.trace_id,
    }
    return start | (_outcome(exchange) if event.change is Change.END else _OPEN)


def _sse(name: str, data: Json, *, number: int | None = None) -> bytes:
    identity = "" if number is None else f"id: {number}\n"
    return f"{identity}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _outcome(ended: Exchange) -> Json:
    return {
        "forwarded_s": _rounded(ended.forwarded_s),
        "answered_s": _rounded(ended.answered_s),
        "first_byte_s": _rounded(ended.first_byte_s),
        "duration_s": _rounded(ended.duration_s),
        "status": ended.status,
        "request_bytes": ended.request_bytes,
        "response_bytes": ended.response_bytes,
        "fate": ended.fate.value,
    }


def _rounded(time_s: float | None) -> float | None:
    return None if time_s is None else round(time_s, 6)
