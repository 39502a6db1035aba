"""What an answer is taken for: one to act on, or a failure of whoever gave it."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from seatrial.demo.calls import TRANSIENT, UNAVAILABLE, Call, CallFailed, PeerUnavailable, Reply
from seatrial.demo.defects import TRUNCATED_ACCEPTED, Defects

Belief = Callable[[str, Call, httpx.Response], Reply]


def believing(defects: Defects) -> Belief:
    """How the answers a service gets from a callee are read; raises `CallFailed`."""
    return believed_as_it_came if defects.has(TRUNCATED_ACCEPTED) else believed


def believed(callee: str, call: Call, response: httpx.Response) -> Reply:
    """The answer, if it is one to act on; raises `CallFailed` for 5xx and for what cannot be read."""
    if response.status_code >= 500 and UNAVAILABLE not in response.headers:
        raise CallFailed(
            callee,
            f"answered {response.status_code}",
            is_transient=response.status_code in TRANSIENT,
            retry_after_s=_retry_after_s(response),
        )
    body = _json_object(callee, response)
    wrong = [name for name, kind in call.shape.items() if not isinstance(body.get(name), kind)]
    if response.is_success and wrong:
        raise CallFailed(callee, f"answer without a proper {wrong[0]!r}", is_transient=False)
    return Reply(response.status_code, body)


def _json_object(callee: str, response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise CallFailed(callee, f"answer is no JSON: {error}", is_transient=True) from None
    if not isinstance(body, dict):
        raise CallFailed(callee, "answer is no JSON object", is_transient=False)
    return body


def unavailable(callee: str, response: httpx.Response) -> PeerUnavailable:
    """What an answer means that says that another dependency is out; the callee itself is well."""
    return PeerUnavailable(
        response.headers[UNAVAILABLE],
        f"out, says {callee}",
        status=504 if response.status_code == 504 else 503,
        retry_after_s=_retry_after_s(response),
    )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header; a date is read as long enough never to be waited for."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    return float(value) if value.isdecimal() else float("inf")


def believed_as_it_came(callee: str, call: Call, response: httpx.Response) -> Reply:
    """The answer with what is missing of it left out or zero, as lenient parsers have it."""
    if not response.is_success:
        return believed(callee, call, response)
    zeros = {name: kind() for name, kind in call.shape.items()}
    return Reply(response.status_code, zeros | mended(response.content))


def mended(content: bytes) -> dict[str, Any]:
    """A JSON object that ends early, up to its last whole member, with what is open closed; {} if it has none."""
    ends = [len(content), *(comma.start() for comma in reversed(list(re.finditer(rb",", content))))]
    for end in ends:
        try:
            whole = orjson.loads(content[:end] + _closing(content[:end]))
        except orjson.JSONDecodeError:
            continue
        return whole if isinstance(whole, dict) else {}
    return {}


def _closing(content: bytes) -> bytes:
    """The brackets that close what is open, outside of texts."""
    open_ones: list[bytes] = []
    for bracket in re.findall(rb"[\[\]{}]", re.sub(rb'"(?:[^"\\]|\\.)*"', b"", content)):
        if bracket in (b"{", b"["):
            open_ones.append(b"}" if bracket == b"{" else b"]")
        elif open_ones:
            open_ones.pop()
    return b"".join(reversed(open_ones))
