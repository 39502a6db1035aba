"""What is compared of an answer, and which of its headers are not.

Room slo, diff. Frozen words without I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.exchange import Headers

IGNORED_HEADERS = frozenset(
    (
        *(
            "age",
            "alt-svc",
            "cf-ray",
            "connection",
            "content-encoding",
            "content-length",
            "date",
            "keep-alive",
            "nel",
        ),
        *("ratelimit-remaining", "ratelimit-reset", "report-to", "request-id", "server", "server-timing"),
        *("traceparent", "tracestate", "trailer", "transfer-encoding", "via", "x-amz-request-id"),
        *("x-amzn-requestid", "x-amzn-trace-id", "x-correlation-id", "x-envoy-upstream-service-time"),
        *("x-powered-by", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id", "x-response-time"),
        *("x-runtime", "x-served-by", "x-trace-id"),
    )
)
"""Say of the connection, the machine or the moment, not of the answer; or differ because one realm is asked twice."""

PRESENCE_HEADERS = frozenset({"etag", "expires", "last-modified"})
"""Compared only in whether they are there: their values say when, and from which build, an answer was made."""


@dataclass(frozen=True, slots=True)
class Json:
    """A body that is JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A body that is text, and no JSON."""

    text: str


@dataclass(frozen=True, slots=True)
class Bytes:
    """A body that is neither; `digest` is its SHA-256 in hex."""

    size: int
    digest: str


Content = Json | Text | Bytes | None
"""What an answer's body is; None where it is empty."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One step as one side answered it. `status` is None where no valid answer came; `outcome` words how it ended."""

    outcome: str
    status: int | None
    headers: Headers = ()
    content: Content = None
