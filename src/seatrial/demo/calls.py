"""One call along an edge: what is asked, what comes back, and how it may end without a usable answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from seatrial.demo.context import Context
from seatrial.demo.edges import Edge

IDEMPOTENCY_KEY = "idempotency-key"
UNAVAILABLE = "x-unavailable-dependency"

TRANSIENT = frozenset({502, 503})
"""Statuses after which the same call may well succeed a moment later."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})

Shape = Mapping[str, type]
"""Fields a successful answer must have, and their JSON types."""


class EdgeError(Exception):
    """A call brought no usable answer.

    ├── CallRejected      not sent: circuit open, or no place free
    ├── CallTimedOut      the deadline passed first
    ├── CallFailed        no connection, connection lost, unreadable answer, or 5xx
    └── PeerUnavailable   the peer is well, but a dependency of its own is out

    ``status`` is what whoever asked us is to be told.
    """

    status = 503

    def __init__(self, dependency: str, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.reason = reason
        self.retry_after_s = retry_after_s


class CallRejected(EdgeError):
    """Nothing was sent."""


class CallTimedOut(EdgeError, TimeoutError):
    """Whether the peer did the work is unknown."""

    status = 504


class CallFailed(EdgeError):
    """``is_transient`` when the same call may well succeed a moment later."""

    def __init__(
        self, dependency: str, reason: str, *, is_transient: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(dependency, reason, retry_after_s=retry_after_s)
        self.is_transient = is_transient


class PeerUnavailable(EdgeError):
    """``status`` is what the peer answered: 503 or 504."""

    def __init__(self, dependency: str, reason: str, *, status: int, retry_after_s: float | None) -> None:
        super().__init__(dependency, reason, retry_after_s=retry_after_s)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make: ``path`` from the peer's root, ``body`` sent as JSON."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    key: str | None = None
    shape: Shape = field(default_factory=dict)

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _IDEMPOTENT or self.key is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable answer: 2xx of the asked shape, or 4xx. ``body`` is empty for an answer without one."""

    status: int
    body: Mapping[str, Any]


class Peer(Protocol):
    """Who is at the end of an edge: a service by itself, or its replicas as one."""

    @property
    def edge(self) -> Edge:
        """What its breaker, its timeouts and the log go by."""
        ...

    async def call(self, call: Call, context: Context) -> Reply:
        """Make a call on behalf of a request; raises `EdgeError`."""

    async def check(self, context: Context) -> None:
        """Raise `EdgeError` if it is out."""

    async def close(self) -> None:
        """Give its connections back; no call may come afterwards."""
        ...
