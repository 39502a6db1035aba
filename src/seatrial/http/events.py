"""Server-sent events: a stream of text decoded while it comes, by the rules of the WHATWG HTML standard, 9.2.6.

httpx-sse and httpx2's own decoder were looked at: both want an httpx response read with httpx's timeouts, and give
events without data, which the standard drops. The rules are few; here they are.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

from seatrial.exchange import Request, Response
from seatrial.http.conversation import Heard, value_of
from seatrial.http.failure import Failed, Late
from seatrial.http.reply import Reply
from seatrial.sample import Cause

CONTENT_TYPE = "text/event-stream"
_LINE_END = re.compile(r"\r\n|\r|\n")


def listen(request: Request, reply: Reply) -> Response:
    """Hear events till they are enough; an answer that is no event stream is an ordinary one."""
    kind = reply.header(b"content-type").partition(";")[0].strip().lower()
    if reply.status != 200 or kind != CONTENT_TYPE:
        shown = kind or "no content type"
        return reply.whole(f"the answer is no event stream: status {reply.status}, {shown}")
    heard = Heard(request, reply.progress)
    try:
        _hear(heard, reply)
    except Late:
        heard.run_late()
    except Failed as failed:
        if failed.cause not in (Cause.RESET, Cause.TRUNCATED):
            raise
        heard.stopped = f"the stream broke: {failed.detail}"
    return reply.response(heard.body(), stopped=heard.stopped)


def _hear(heard: Heard, reply: Reply) -> None:
    if heard.is_enough():
        return
    decoder = Decoder()
    for piece in reply.pieces():
        heard.weigh(len(piece))
        for event in decoder.feed(piece):
            if heard.take(event):
                return
    heard.stopped = "the stream ended"


class Decoder:
    """Takes bytes as they come, gives each event once it is whole."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest: list[str] = []
        self._is_after_return = False
        self._last_id = ""
        self._name = ""
        self._data: list[str] = []
        self._retry: int | None = None

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The events these bytes complete."""
        for line in self._lines(self._text.decode(data)):
            if line:
                self._note(line)
                continue
            event = self._event()
            self._clear()
            if event is not None:
                yield event

    def _lines(self, text: str) -> Iterator[str]:
        """Whole lines; a line feed that follows a carriage return of an earlier piece ends no line."""
        if self._is_after_return and text:
            text = text.removeprefix("\n")
            self._is_after_return = False
        *whole, rest = _LINE_END.split(text)
        if whole:
            whole[0] = "".join((*self._rest, whole[0]))
            self._rest.clear()
            self._is_after_return = text.endswith("\r")
        self._rest.append(rest)
        yield from whole

    def _note(self, line: str) -> None:
        """One field; a line that begins with a colon is a comment, one without is a field without value."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = int(value[:18])

    def _event(self) -> dict[str, Any] | None:
        """What the fields so far make; nothing without data."""
        if not self._data:
            return None
        data = value_of("\n".join(self._data))
        return {"event": self._name or "message", "data": data, "id": self._last_id, "retry": self._retry}

    def _clear(self) -> None:
        self._name = ""
        self._data = []
        self._retry = None
