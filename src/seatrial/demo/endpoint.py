"""What every request of every service goes through, from the first header to the last byte of the answer.

A place in the service, a bounded body, a deadline, an ear for the caller hanging up, the handler, and its
outcome as an answer. Pure ASGI, to cost little. Must never retry or call anybody itself.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from seatrial.demo.calls import UNAVAILABLE, EdgeError
from seatrial.demo.context import REQUEST_ID, Context, context_from
from seatrial.demo.deadline import NEVER, Deadline
from seatrial.demo.defects import ERRORS, HEEDLESS, SLOW, WRONG, Defects
from seatrial.demo.exchange import Answer, Asked, Refused

MOST_REQUESTS = 256
"""Requests a service works on at once; one more is told to come back."""

MOST_BODY_BYTES = 16 * 1024
BODY_LIMIT_S = 2.0
SLOW_DEFECT_S = 0.200

Handler = Callable[[Asked], Awaitable[Answer]]


@dataclass(slots=True)
class Lifecycle:
    """Where a process is in its life; ``draining`` from the moment it was asked to stop."""

    draining: bool = False


@dataclass(slots=True)
class Floor:
    """The room the requests to some endpoints of a service share."""

    lifecycle: Lifecycle
    request_limit_s: float
    defects: Defects
    places: float = MOST_REQUESTS
    requests: int = 0


class Endpoint:
    """An ASGI application around one handler."""

    def __init__(self, handler: Handler, floor: Floor) -> None:
        self._handler = _with_defects(handler, floor.defects)
        self._floor = floor
        self._heedless = floor.defects.has(*HEEDLESS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        context = context_from(headers, Deadline.after(self._floor.request_limit_s))
        answer = await self._admitted(scope["path_params"], headers, receive, context)
        if answer is not None:
            await send_answer(send, answer, context.request_id, closing=self._floor.lifecycle.draining)

    async def _admitted(
        self, params: Mapping[str, str], headers: Mapping[str, str], receive: Receive, context: Context
    ) -> Answer | None:
        if self._floor.requests >= self._floor.places:
            return _OVERLOADED
        self._floor.requests += 1
        try:
            content = await _body(receive)
            if self._heedless:
                return await self._handler(Asked(params, headers, content, context.until(NEVER)))
            return await self._bounded(Asked(params, headers, content, context), receive)
        except Refused as refused:
            return refused.answer
        except CallerGone:
            return None
        except EdgeError as error:
            return _without_dependency(error)
        except TimeoutError:
            return _TOO_LATE
        finally:
            self._floor.requests -= 1

    async def _bounded(self, asked: Asked, receive: Receive) -> Answer:
        with _ended_when_caller_hangs_up(receive):
            async with asyncio.timeout(asked.context.deadline.remaining_s()):
                return await self._handler(asked)


class CallerGone(Exception):
    """The caller hung up before it was answered, or before it had said what it wants."""


_OVERLOADED = Answer(503, {"error": "overloaded", "detail": "too many requests at once"}, {"retry-after": "1"})
_TOO_LATE = Answer(504, {"error": "deadline_exceeded", "detail": "the deadline passed before the answer"})


async def send_answer(send: Send, answer: Answer, request_id: str, *, closing: bool) -> None:
    """Send an answer; ``closing`` asks the caller to come back on another connection."""
    content = b"" if answer.body is None else orjson.dumps(answer.body)
    headers = [(b"content-length", str(len(content)).encode()), (REQUEST_ID.encode(), request_id.encode())]
    if answer.body is not None:
        headers.append((b"content-type", b"application/json"))
    if closing:
        headers.append((b"connection", b"close"))
    headers += [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status == 204:
        del headers[0]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    content: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return _bounded_body(content)  # nearly always all there is
    async with asyncio.timeout(BODY_LIMIT_S):
        while message["type"] == "http.request" and message.get("more_body", False):
            message = await receive()
            content = _bounded_body(content + message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise CallerGone
    return content


def _bounded_body(content: bytes) -> bytes:
    if len(content) > MOST_BODY_BYTES:
        raise Refused(
            413, "too_large", f"a body of more than {MOST_BODY_BYTES} bytes is not read", connection="close"
        )
    return content


@contextmanager
def _ended_when_caller_hangs_up(receive: Receive) -> Iterator[None]:
    """Cancel the block, and with it every call it is waiting for, when nobody is left to hear the answer."""
    work = asyncio.current_task()
    assert work is not None
    ear = asyncio.get_running_loop().create_task(_until_gone(receive, work))
    try:
        yield
    except asyncio.CancelledError:
        if ear.done() and not ear.cancelled() and work.uncancel() == 0:
            raise CallerGone from None
        raise
    finally:
        ear.cancel()


async def _until_gone(receive: Receive, work: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    work.cancel()


def _without_dependency(error: EdgeError) -> Answer:
    """503, or 504 when time ran out, naming the dependency that is out and when to come back."""
    retry_after_s = max(1, math.ceil(min(60.0, error.retry_after_s or 0.0)))
    return Answer(
        error.status,
        {"error": "dependency_unavailable", "dependency": error.dependency, "detail": error.reason},
        {"retry-after": str(retry_after_s), UNAVAILABLE: error.dependency},
    )


def _with_defects(handler: Handler, defects: Defects) -> Handler:
    """The handler as it is in a healthy service, or made worse."""
    if defects.has(WRONG):
        handler = _wrong(handler)
    if defects.has(ERRORS):
        handler = _failing(handler, defects.share(ERRORS))
    if defects.has(SLOW):
        handler = _slow(handler, defects.share(SLOW))
    return handler


def _slow(handler: Handler, share: float) -> Handler:
    async def slow(asked: Asked) -> Answer:
        if random.random() < share:
            await asyncio.sleep(SLOW_DEFECT_S)
        return await handler(asked)

    return slow


def _failing(handler: Handler, share: float) -> Handler:
    async def failing(asked: Asked) -> Answer:
        if random.random() < share:
            return Answer(500, {"error": "internal", "detail": "a defect asked for this"})
        return await handler(asked)

    return failing


def _wrong(handler: Handler) -> Handler:
    async def wrong(asked: Asked) -> Answer:
        answer = await handler(asked)
        return Answer(answer.status, _with_wrong_values(answer.body), answer.headers)

    return wrong


def _with_wrong_values(value: Any) -> Any:
    """The same shape and still believable, but money is off by a cent and names are backwards."""
    if isinstance(value, Mapping):
        return {name: _wrong_field(name, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_wrong_values(each) for each in value]
    return value


def _wrong_field(name: str, value: Any) -> Any:
    if name.endswith("_cents") and isinstance(value, int):
        return value + 1
    if name == "name" and isinstance(value, str):
        return value[::-1]
    return _with_wrong_values(value)
