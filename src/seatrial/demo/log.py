"""The bank's log: one short JSON line on stderr per failed call to a peer and per change of a breaker.

Nothing is logged per request served. A line carries the request id and the trace id, so that it can be found again.
"""

import logging
from datetime import UTC, datetime

import orjson

from seatrial.demo.context import Context

_LOG = logging.getLogger("seatrial.demo")


def failed_call(edge: str, context: Context, *, what: str, reason: str) -> None:
    """A call to a peer came to no answer that could be used; the request may go on without it."""
    _write(
        event="call_failed",
        edge=edge,
        call=what,
        reason=reason,
        request_id=context.request_id,
        trace_id=context.trace_id,
    )


def breaker_changed(edge: str, *, state: str) -> None:
    """A breaker is now ``closed``, ``open`` or ``half-open``."""
    _write(event="breaker", edge=edge, state=state)


def entry_dropped(context: Context, *, charge_id: str, reason: str) -> None:
    """A charge went well and will not stand in the feed: its entry could not be delivered."""
    _write(
        event="feed_entry_dropped",
        charge_id=charge_id,
        reason=reason,
        request_id=context.request_id,
        trace_id=context.trace_id,
    )


def entries_lost(waiting: int) -> None:
    """The service ends with so many entries of the feed undelivered."""
    _write(event="feed_entries_lost", waiting=str(waiting))


def _write(**fields: str) -> None:
    if _LOG.isEnabledFor(logging.INFO):
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        _LOG.info(orjson.dumps({"at": at, **fields}).decode())
