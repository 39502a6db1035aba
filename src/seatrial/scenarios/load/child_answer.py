"""An answer as it arrives: bytes in, a `Response` out, parsed by geventhttpclient.

`whole` reads at once what nearly every answer under load is: one that came in one piece, with a length and no
encoding, in plain ASCII. Anything else it leaves to `Parser`, which decides every doubt. May import geventhttpclient
(the room's fence); does no I/O.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from geventhttpclient.response import HTTPResponse

from seatrial.exchange import MAX_BODY_BYTES, Headers, Request, Response
from seatrial.sample import Timings
from seatrial.unpack import encodings_of, read_whole, too_large

_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [\x20-\x7e]*\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?\r\n)+)\r\n"
)
_LINE = re.compile(r"([^:]+):[ \t]*(.*)\r\n")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,9}")
_DOUBTFUL = frozenset({"transfer-encoding", "content-encoding", "upgrade", "proxy-connection", "trailer"})
_BODILESS = frozenset({204, 304})
_LONGEST = 4096  # bytes of a head worth remembering
_UNTIMED = Timings()


class Head(NamedTuple):
    """What the lines before a body say of a plain answer; `length` are the body's bytes."""

    status: int
    headers: Headers
    length: int


class Surplus(Exception):
    """The server goes on after its whole answer: the answer counts, the connection is of no more use."""


class Parser(HTTPResponse):  # type: ignore[misc]
    """geventhttpclient's parser of one answer, holding its body to the limit while it arrives."""

    status = 0
    surplus = False
    limit = MAX_BODY_BYTES

    def _on_message_begin(self) -> None:
        if self.answered:
            raise Surplus
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        super()._on_message_complete()
        self.status = self.get_code()

    def _on_body(self, buf: bytearray) -> None:
        super()._on_body(buf)
        if len(self._body_buffer) > self.limit:
            raise too_large(self.limit)

    @property
    def answered(self) -> bool:
        """A whole final answer is there; 1xx answers only announce one."""
        return bool(self.message_complete and self.status >= 200)

    @property
    def reusable(self) -> bool:
        """The connection may carry another exchange."""
        return not (self.surplus or self.should_close())

    def response(self, request: Request, latency_s: float) -> Response:
        """The answer; Unpackable when its body cannot be had."""
        body, raw = self._unpacked()
        return Response(
            status=self.status,
            headers=tuple(self.items()),
            body=body,
            latency_s=latency_s,
            http_version=self.get_http_version().removeprefix("HTTP/"),
            raw=raw,
            url=request.url,
        )

    def _unpacked(self) -> tuple[bytes, bytes | None]:
        """The body, decoded from its content encodings, and the body as it came where that is another."""
        came = bytes(self._body_buffer)
        return read_whole((came,) if came else (), encodings_of(str(self.get("content-encoding", ""))), self.limit)


class Whole(NamedTuple):
    """A plain answer that came in one piece, and whose connection stays of use."""

    head: Head
    body: bytes
    reusable: bool = True

    def response(self, request: Request, latency_s: float) -> Response:
        """The answer."""
        status, headers, _ = self.head
        return Response(status, headers, self.body, latency_s, _UNTIMED, "1.1", None, request.url)


def whole(data: bytes, request: Request) -> Whole | None:
    """The answer, if these bytes are exactly that and nothing in it is unusual; None leaves it to the `Parser`."""
    end = data.find(b"\r\n\r\n") + 4
    head = _head(data[:end]) if 3 < end <= _LONGEST else None
    if head is None or len(data) - end != head.length or head.length > request.max_body_bytes:
        return None
    return None if request.method == "HEAD" else Whole(head, data[end:])


@functools.lru_cache(maxsize=1024)
def _head(lines: bytes) -> Head | None:
    """The answers of a load begin alike for as long as their Date does."""
    found = _HEAD.fullmatch(lines)
    status = int(found[1]) if found else 204
    headers = tuple(_LINE.findall(found[2].decode("ascii"))) if found else ()
    said = {name.lower(): value for name, value in headers}
    length = said.get("content-length", "")
    doubtful = status in _BODILESS or len(said) < len(headers) or not _DOUBTFUL.isdisjoint(said)
    if doubtful or not _LENGTH.fullmatch(length) or said.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    return Head(status, headers, int(length))
