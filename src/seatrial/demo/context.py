"""What travels with a request through every service: its id, its trace and its deadline."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.demo.deadline import Deadline

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"
DEADLINE_MS = "x-deadline-ms"

_PLAIN_ID = re.compile(r"[\x21-\x7e]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header-field-values
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Context:
    """The identity and the deadline of one request, the same at every service it reaches."""

    request_id: str
    trace_id: str
    trace_flags: str
    deadline: Deadline

    def until(self, deadline: Deadline) -> "Context":
        return Context(self.request_id, self.trace_id, self.trace_flags, deadline)

    def headers(self) -> dict[str, str]:
        """Headers for a call made on behalf of this request: the same trace, a span of its own."""
        headers = {
            REQUEST_ID: self.request_id,
            TRACEPARENT: f"00-{self.trace_id}-{random.getrandbits(64) or 1:016x}-{self.trace_flags}",
        }
        left_s = self.deadline.timeout_s()
        if left_s is not None:
            headers[DEADLINE_MS] = str(max(0, int(left_s * 1000)))
        return headers


def context_from(headers: Mapping[str, str], own_limit: Deadline) -> Context:
    """The context a request's headers (lower-case names) carry.

    An id or trace that is absent or malformed is made up. The deadline is the sooner of the caller's and our own.
    """
    request_id = headers.get(REQUEST_ID, "")
    trace = _TRACEPARENT.fullmatch(headers.get(TRACEPARENT, ""))
    return Context(
        request_id=request_id if _PLAIN_ID.fullmatch(request_id) else f"{random.getrandbits(128):032x}",
        trace_id=trace[1] if trace else f"{random.getrandbits(128) or 1:032x}",
        trace_flags=trace[2] if trace else "01",
        deadline=own_limit.sooner(_callers_deadline(headers.get(DEADLINE_MS))),
    )


def _callers_deadline(left_ms: str | None) -> Deadline:
    if left_ms is None or not left_ms.isdecimal():
        return Deadline(float("inf"))
    return Deadline.after(int(left_ms[:9]) / 1000)
