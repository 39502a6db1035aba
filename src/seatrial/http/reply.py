"""An answer whose head is there and whose body is still to be read, and the `Response` made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.exchange import Request, Response
from seatrial.http.engine import httpcore
from seatrial.http.failure import failures
from seatrial.http.line import Line
from seatrial.http.progress import Progress
from seatrial.unpack import Unpacker, encodings_of, read_whole


class Reply:
    """What one request was answered, as far as it came. `key` is that of a WebSocket's handshake."""

    __slots__ = ("_answer", "_line", "_request", "key", "progress")

    def __init__(
        self, request: Request, answer: httpcore.Response, *, line: Line, progress: Progress, key: str | None
    ) -> None:
        self._request = request
        self._answer = answer
        self._line = line
        self.progress = progress
        self.key = key

    @property
    def status(self) -> int:
        """Of the final answer; 101 where the server switches to another protocol."""
        return self._answer.status

    @property
    def stream(self) -> httpcore.NetworkStream:
        """The connection, once the server has switched to another protocol."""
        stream: httpcore.NetworkStream = self._answer.extensions["network_stream"]
        return stream

    def header(self, name: bytes) -> str:
        """The values of a header, lower-case name given, joined by commas; empty when absent."""
        return ",".join(value.decode("latin-1") for key, value in self._answer.headers if key.lower() == name)

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, decoded piece by piece; to be read once. Failed when it ends before its end."""
        try:
            unpacker = Unpacker(self._encodings(), self._request.max_body_bytes)
            yield from (unpacker.feed(piece) for piece in self._stream())
        except failures() as error:
            raise self.progress.failed(error) from None

    def whole(self, stopped: str = "") -> Response:
        """Read it to its end. `stopped` says why it is no conversation, where one was asked for."""
        if self._request.method == "HEAD":
            for _ in self._stream():
                pass
            return self.response(b"", stopped=stopped)
        body, raw = read_whole(self._stream(), self._encodings(), self._request.max_body_bytes)
        return self.response(body, raw=raw, stopped=stopped)

    def response(self, body: bytes, *, raw: bytes | None = None, stopped: str = "") -> Response:
        """The answer with this body, ended now."""
        answer, line = self._answer, self._line
        extensions: Any = answer.extensions
        return Response(
            status=answer.status,
            headers=tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]),
            body=body,
            latency_s=self.progress.spent_s(),
            timings=self.progress.timings(),
            http_version=extensions["http_version"].decode("latin-1").removeprefix("HTTP/"),
            raw=raw,
            url=self._request.url,
            ip=line.ip,
            certificate=line.certificate() if line.secured else None,
            stopped=stopped,
        )

    def close(self) -> None:
        """No more is wanted of it; the connection is idle if all of it was read, else of no more use."""
        self._answer.close()

    def _encodings(self) -> list[str]:
        return encodings_of(self.header(b"content-encoding"))

    def _stream(self) -> Iterable[bytes]:
        stream = self._answer.stream
        assert isinstance(stream, Iterable)  # not the asynchronous kind
        return stream
