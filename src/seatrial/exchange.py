"""A request about to be sent and what came back: the two words `play` and its drivers exchange.

Plain values without I/O, so that httpx, geventhttpclient and a list of canned answers can all drive
the same play. May import only `sample`'s words; must never import an HTTP client.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.sample import Cause, Timings

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, fully rendered: nothing left to template.

    `timeout_s` is the total deadline of the exchange, the drip of the answer's body included.
    `url` is absolute, its path and query already percent-encoded.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Response:
    """A valid HTTP answer, its body complete and decoded from its content encoding.

    `headers` keep their order and repeats. `latency_s` runs from the call to the last byte.
    """

    status: int
    headers: Headers
    body: bytes
    latency_s: float
    timings: Timings = field(default_factory=Timings)
    http_version: str = "1.1"

    def header(self, name: str) -> str | None:
        """The first header of that name, case-insensitively; None when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Broken:
    """No valid answer: why, in the taxonomy's word, and the client's own text for it."""

    cause: Cause
    detail: str
    latency_s: float
    timings: Timings = field(default_factory=Timings)


Answer = Response | Broken
