"""HTTP/2's GOAWAY where it is a farewell and no end: the answer under way is still to come (RFC 9113, 6.8).

A server says so after so many requests (nginx after `keepalive_requests`, 1000 of them), or before it is stopped.
h2 takes every GOAWAY for the end of the connection and refuses what follows (python-hyper/h2 issue 1181), so such a
one is kept from it. Takes the peer's bytes, gives the engine's; pure. An exchange has its connection alone here, so
that there is one stream to think of.
"""

from __future__ import annotations

_HEAD_BYTES = 9
_GOAWAY = 7
_GOAWAY_BYTES = 8
_LONGEST = 1 << 14
_NO_ERROR = 0
_STREAM_BITS = 0x7FFFFFFF


class Farewell:
    """Follows the frames of one connection. `said`: the peer wishes no further request on it."""

    __slots__ = ("_held", "_passing", "said")

    def __init__(self) -> None:
        self._held = b""
        self._passing = 0
        self.said = False

    def passed_on(self, data: bytes, *, stream: int) -> bytes:
        """What the engine shall see of these bytes while it waits for that stream; may be nothing yet."""
        self._held += data
        pieces = [self._pass()]
        while whole := self._frame_bytes():
            if self._is_farewell(stream):
                self.said = True
                self._held = self._held[whole:]
            else:
                self._passing = whole
                pieces.append(self._pass())
        return b"".join(pieces)

    def rest(self) -> bytes:
        """What was held back when the peer ended."""
        held, self._held = self._held, b""
        return held

    def _pass(self) -> bytes:
        """Of the frame that is passed on, what is there."""
        piece = self._held[: self._passing]
        self._held = self._held[len(piece) :]
        self._passing -= len(piece)
        return piece

    def _frame_bytes(self) -> int:
        """How long the next frame is; 0 while its head is not there, nor all of it where it may be a farewell."""
        if self._passing or len(self._held) < _HEAD_BYTES:
            return 0
        length = int.from_bytes(self._held[:3], "big")
        whole = _HEAD_BYTES + length
        is_short = self._held[3] == _GOAWAY and length <= _LONGEST
        return 0 if is_short and len(self._held) < whole else whole

    def _is_farewell(self, stream: int) -> bool:
        """Whether the next frame is a GOAWAY that ends nothing under way."""
        if self._held[3] != _GOAWAY or len(self._held) < _HEAD_BYTES + _GOAWAY_BYTES:
            return False
        last = int.from_bytes(self._held[9:13], "big") & _STREAM_BITS
        return int.from_bytes(self._held[13:17], "big") == _NO_ERROR and last >= stream
