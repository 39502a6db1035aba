"""WebSockets: the handshake's headers, then messages over the connection the server has switched (RFC 6455).

wsproto reads and writes the frames: it does no I/O, so every wait stays our network's, within the deadline, through
our proxies and our TLS. httpx-ws, built on it too, was looked at: it reads in a thread of its own, with timeouts a
call, and needs an httpx client. permessage-deflate is not offered. wsproto is imported with the first WebSocket only.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

from seatrial.exchange import Headers, Request, Response
from seatrial.http.conversation import Heard, value_of
from seatrial.http.engine import httpcore
from seatrial.http.failure import Failed, Late
from seatrial.http.reply import Reply
from seatrial.sample import Cause

if TYPE_CHECKING:
    from wsproto.connection import Connection

CLOSE_S = 1.0
"""How long, within the deadline, the server's own farewell is waited for."""

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_READ_BYTES = 1 << 16
_ABNORMAL = 1006  # never sent; wsproto's word for an end without a farewell
# RFC 6455, section 7.4.1
_REASONS = {
    1000: "normal closure",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status",
    1007: "invalid payload",
    1008: "policy violation",
    1009: "message too big",
    1010: "extension missing",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
}


def new_key() -> str:
    """A nonce for one handshake."""
    return base64.b64encode(os.urandom(16)).decode()


def needed(key: str) -> Headers:
    """The headers of a handshake with this key."""
    return (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    )


def converse(request: Request, reply: Reply) -> Response:
    """Say what is to be said, hear till it is enough. A handshake not answered with 101 is an ordinary answer."""
    if reply.status != 101:
        return reply.whole(f"the server did not switch to WebSocket, it answered {reply.status}")
    _check_switched(request, reply)
    talk = _Talk(request, reply)
    talk.run()
    response = reply.response(talk.heard.body(), stopped=talk.heard.stopped)
    talk.leave()
    return response


class _Talk:
    """One WebSocket that stands."""

    def __init__(self, request: Request, reply: Reply) -> None:
        from wsproto.connection import Connection, ConnectionType

        assert request.conversation is not None
        self._texts = request.conversation.send
        self._reply = reply
        self._frames: Connection = Connection(ConnectionType.CLIENT)
        self._parts: list[Any] = []
        self.heard = Heard(request, reply.progress)
        self._is_open = True

    def run(self) -> None:
        """Until it is over, for whatever reason; Failed when the server breaks the protocol."""
        from wsproto.utilities import ProtocolError

        try:
            self._say()
            self._hear()
        except Late:
            self._is_open = False
            self.heard.run_late()
        except httpcore.WriteError as error:
            self._broke(str(error))
        except ProtocolError as error:
            raise Failed(Cause.PROTOCOL, f"not a valid WebSocket: {error}") from None
        except Failed as failed:
            if failed.cause is not Cause.RESET:
                raise
            self._broke(failed.detail)

    def leave(self) -> None:
        """Say farewell and wait a moment for the server's; what goes wrong now is of no interest."""
        from wsproto.events import CloseConnection
        from wsproto.utilities import ProtocolError

        if not self._is_open:
            return
        self._reply.progress.hurry(CLOSE_S)
        try:
            self._send(CloseConnection(code=1000))
            while self._is_open:
                for event in self._events():
                    self._is_open = self._is_open and not isinstance(event, CloseConnection)
        except (Failed, httpcore.WriteError, ProtocolError):
            self._is_open = False

    def _say(self) -> None:
        from wsproto.events import TextMessage

        for text in self._texts:
            self._send(TextMessage(data=text))

    def _hear(self) -> None:
        if self.heard.is_enough():
            return
        while self._is_open:
            for event in self._events():
                if self._is_last(event):
                    return

    def _events(self) -> list[Any]:
        """What comes next, at least a byte of it."""
        self._frames.receive_data(self._reply.stream.read(_READ_BYTES) or None)
        return list(self._frames.events())

    def _is_last(self, event: Any) -> bool:
        """Take an event; whether the conversation is over with it."""
        from wsproto import events

        if isinstance(event, events.Ping):
            self._send(event.response())
        elif isinstance(event, events.CloseConnection):
            self._closed(event)
            return True
        elif isinstance(event, events.Message):
            return self._is_last_part(event)
        return False

    def _is_last_part(self, event: Any) -> bool:
        self.heard.weigh(len(event.data))
        self._parts.append(event.data)
        if not event.message_finished:
            return False
        whole, self._parts = self._parts, []
        if isinstance(whole[0], str):
            return self.heard.take(value_of("".join(whole)))
        return self.heard.take(base64.b64encode(b"".join(whole)).decode())

    def _closed(self, event: Any) -> None:
        """The end: the server said farewell or just ended; wsproto still open tells what is no WebSocket."""
        self._is_open = False
        if self._frames.state.name == "OPEN":
            raise Failed(Cause.PROTOCOL, f"not a valid WebSocket: {event.reason}")
        if event.code == _ABNORMAL:
            self.heard.stopped = "the server ended the connection without closing the WebSocket"
            return
        words = event.reason or _REASONS.get(event.code, "")
        self.heard.stopped = f"the server closed ({f'{int(event.code)} {words}'.strip()})"
        self._answer_farewell(event)

    def _answer_farewell(self, event: Any) -> None:
        try:
            self._send(event.response())
        except (Failed, httpcore.WriteError):
            return

    def _broke(self, detail: str) -> None:
        self._is_open = False
        self.heard.stopped = f"the connection broke: {detail.lower()}"

    def _send(self, event: Any) -> None:
        self._reply.stream.write(self._frames.send(event))


def _check_switched(request: Request, reply: Reply) -> None:
    """The server must have agreed to this very handshake (RFC 6455, section 4.1)."""
    keys = [value for name, value in request.headers if name.lower() == "sec-websocket-key"]
    key = keys[0] if keys else reply.key
    wanted = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()).decode()
    if reply.header(b"upgrade").lower() != "websocket":
        raise Failed(Cause.PROTOCOL, "the server switched to something else than WebSocket")
    if reply.header(b"sec-websocket-accept").strip() != wanted:
        raise Failed(Cause.PROTOCOL, "the server's Sec-WebSocket-Accept does not answer our key")
    if extensions := reply.header(b"sec-websocket-extensions"):
        raise Failed(Cause.PROTOCOL, f"the server uses a WebSocket extension that was not offered: {extensions}")
