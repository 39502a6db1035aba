"""Looks on a connection that is open already for the first request that can be told from what was said before.

Takes what either side sends from when its HTTP is to be read, and who spoke last until then; changes nothing. HTTP
says whose turn it is only to those who have read it all, so one thing is taken for granted: a caller waits for an
answer before it asks again. Where it is seen not to, the connection is left alone for good, since a fault would be
given to the wrong request. Pure.
"""

from __future__ import annotations

from seatrial.chaos.proxy.heads import (
    SWITCHING_PROTOCOLS,
    begins_request,
    may_be_request,
    may_be_status,
    request_lines_in,
    status_line,
)
from seatrial.chaos.proxy.scanner import HEAD_LIMIT_BYTES, NotHttp

_LINE_LIMIT_BYTES = 8 * 1024
_STATUS_BYTES = len(b"HTTP/1.1 200 ")
_HEAD_END = b"\r\n\r\n"


class Lookout:
    """One connection; `asked` claims that the caller spoke last, so an answer is still to come.

    `gave_up` claims that the connection is never to be read: it was upgraded, or its caller does
    not wait for answers.
    """

    def __init__(self, *, asked: bool) -> None:
        self.gave_up = False
        self._asked = asked
        self._line = b""
        self._line_is_due = False
        self._head = b""

    def begins(self, data: bytes) -> bool:
        """Claims that these next bytes of the caller begin a request that is to be read, as all that follows."""
        if self.gave_up:
            return False
        if not self._asked:
            if begins_request(data):
                return True
            self._asked, self._head = True, b""
            self._line_is_due = may_be_request(data)
        self._look_for_another(self._line + data)
        return False

    def answered(self, data: bytes) -> None:
        """The upstream's next bytes: the caller may ask again once they begin a final answer."""
        if not self._asked or self.gave_up:
            return
        self._head += data
        while self._head and self._asked and not self.gave_up:
            if not self._take_head():
                return

    def _look_for_another(self, text: bytes) -> None:
        """Give up where the caller begins a request while an answer is still to come."""
        lines = request_lines_in(text)
        if lines > self._line_is_due:
            self.gave_up = True
        if lines:
            self._line_is_due = False
        self._line = text[text.rfind(b"\n") + 1 :][-_LINE_LIMIT_BYTES:]

    def _take_head(self) -> bool:
        """Take the head that came; False while more of it is needed."""
        head = self._head
        if len(head) < _STATUS_BYTES and may_be_status(head):
            return False
        try:
            status = status_line(head).status
        except NotHttp:  # the middle of an answer, or no HTTP
            status = 0
        if status == SWITCHING_PROTOCOLS:
            self.gave_up = True
        elif 100 <= status < 200 and len(head) <= HEAD_LIMIT_BYTES:
            end = head.find(_HEAD_END)
            if end < 0:
                return False
            self._head = head[end + len(_HEAD_END) :]
        else:
            self._asked, self._head = False, b""
        return True
