"""Pieces hand every byte on exactly once, in order, whatever comes and however it is cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos.proxy.heads import may_be_request, request_body_of, request_line
from seatrial.chaos.proxy.pieces import Pieces
from seatrial.chaos.proxy.scanner import NotHttp, Scanner


class Earlier:
    """Reads what came before the pieces were followed."""

    def head(self, head: bytes, start: int):
        line = request_line(head)
        if line.method == "CONNECT":
            raise NotHttp
        return request_body_of(head.lower())

    def complete(self, stop: int) -> None:
        pass


class Kept(Pieces):
    """Keeps what is handed on, and where it was said to be."""

    def __init__(self, followed: Scanner) -> None:
        super().__init__(followed)
        self.bytes = b""
        self.heads = 0
        self.ended = 0
        self.start = followed.offset

    def begin(self, head: bytes, *, start: int, passed: int):
        body = Earlier().head(head, start)
        assert start + passed == self.start + len(self.bytes)
        self.bytes += head[passed:]
        self.heads += 1
        return body

    def carry(self, data: bytes, at: int) -> None:
        assert data
        if not self.opaque:
            assert at == self.start + len(self.bytes)
        self.bytes += data

    def over(self) -> None:
        self.ended += 1


MESSAGES = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /b HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\na\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
]
ODD = [
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01",
    b"GET / HTTP/2.0\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
]
STREAM = st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=5)


@given(STREAM, st.lists(st.sampled_from(ODD), max_size=1), STREAM, st.data())
def test_every_byte_is_handed_on_once_and_in_order(before, odd, after, data):
    stream = b"".join([*before, *odd, *after])
    begun = data.draw(st.integers(0, len(b"".join(before))))
    cuts = sorted(data.draw(st.sets(st.integers(begun, len(stream)), max_size=12)) | {begun, len(stream)})
    followed = Scanner(Earlier(), may_be_request)
    followed.feed(stream[:begun])
    pieces = Kept(followed)
    for start, stop in itertools.pairwise(cuts):
        pieces.feed(stream[start:stop])
    assert pieces.bytes == stream[begun:]
    if not odd and not begun:
        assert pieces.heads == pieces.ended == len(before) + len(after)
        assert pieces.is_idle()


@given(st.binary(max_size=200), st.integers(1, 50))
def test_what_is_no_http_passes_but_for_the_beginning_of_a_head(stream, size):
    pieces = Kept(Scanner(Earlier(), may_be_request))
    for start in range(0, len(stream), size):
        pieces.feed(stream[start : start + size])
    pieces.follow_no_more()
    assert pieces.bytes == stream
