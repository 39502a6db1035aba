"""A request about to be sent and what came back: the two words `play` and its drivers exchange.

Plain values without I/O, so that httpx, geventhttpclient and a list of canned answers can all drive
the same play. May import only `sample`'s words; must never import an HTTP client.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.light import light
from seatrial.sample import Cause, Timings

Headers = tuple[tuple[str, str], ...]

MAX_BODY_BYTES = 10 << 20
"""Of a decoded body. A journey's answer is some kB; this is what a play may hold without the run noticing."""

MAX_MESSAGES = 1000
"""Of one conversation."""


IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Of methods (RFC 9110, 9.2.2): to send such a request twice has the effect of sending it once, so that a driver may
do so by itself when a kept connection ended without a byte. Any other may have been acted on."""


class HttpVersion(enum.StrEnum):
    """What a connection speaks. HTTP/2 over TLS is agreed by ALPN, over plain TCP it is spoken at once."""

    V1_1 = "1.1"
    V2 = "2"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the server's certificate is checked, and the certificate we show.

    `ca`, `certificate` and `key` are PEM files; `pin` is the base64 SHA-256 of the server's public key.
    """

    verify: bool = True
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    password: str | None = None
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """What decides over which connection a request may go: only requests with equal ones share a connection.

    `proxy` None takes the environment's, an empty one none. `connect_timeout_s` bounds name resolution, connecting
    and TLS within the deadline of the whole exchange.
    """

    http_version: HttpVersion = HttpVersion.V1_1
    tls: Tls = Tls()
    proxy: str | None = None
    connect_timeout_s: float | None = None


class ConversationKind(enum.StrEnum):
    """What is spoken instead of one answer."""

    WEBSOCKET = "websocket"
    SSE = "sse"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What to say and hear on a WebSocket or a stream of server-sent events.

    `send` are text messages, sent in order once the connection stands (none for SSE). `enough` is asked after every
    message, with all that came so far, whether they suffice; of one conversation it is always given the same list,
    which only grows. A WebSocket message is its JSON value where it is JSON,
    else its text; an event is `{"event", "data", "id", "retry"}`, `data` likewise.
    """

    kind: ConversationKind
    enough: Callable[[Sequence[Any]], bool]
    send: tuple[str, ...] = ()


@light(frozen=True, slots=True)
class Request:
    """One request, fully rendered: nothing left to template.

    `timeout_s` is the total deadline of the exchange, the drip of the answer's body included.
    `url` is absolute, its path and query already percent-encoded; with `path_as_is` not even its `..` are resolved.
    `headers` are all that the sender adds nothing to but what HTTP itself needs (Host, Content-Length, Connection).
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None
    timeout_s: float = 10.0
    connection: Connection = Connection()
    max_body_bytes: int = MAX_BODY_BYTES
    path_as_is: bool = False
    conversation: Conversation | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The server's certificate: names as RFC 4514 texts, `serial` in upper-case hex, instants in UTC seconds."""

    subject: str
    issuer: str
    serial: str
    not_before: float
    not_after: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """One redirect that was followed: the URL that sent us on, its status, and where to."""

    url: str
    status: int
    location: str


@light(frozen=True, slots=True)
class Response:
    """A valid HTTP answer, its body complete and decoded from its content encoding.

    `headers` keep their order and repeats. `latency_s` runs from the call to the last byte. `raw` is the body as it
    came where that differs from `body`. `url` is what was asked at last, `redirects` what led there. `ip` is the
    peer's address, empty where a driver does not tell it. Of a conversation, `body` is the JSON list of the messages
    that came, and `stopped` says what ended it before they were enough; it is empty otherwise.
    """

    status: int
    headers: Headers
    body: bytes
    latency_s: float
    timings: Timings = field(default_factory=Timings)
    http_version: str = "1.1"
    raw: bytes | None = None
    url: str = ""
    ip: str = ""
    certificate: Certificate | None = None
    redirects: tuple[Redirect, ...] = ()
    stopped: str = ""

    def header(self, name: str) -> str | None:
        """The first header of that name, case-insensitively; None when absent."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None


@light(frozen=True, slots=True)
class Broken:
    """No valid answer: why, in the taxonomy's word, and the client's own text for it."""

    cause: Cause
    detail: str
    latency_s: float
    timings: Timings = field(default_factory=Timings)


Answer = Response | Broken
