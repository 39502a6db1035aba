"""A queue without end before two workers, which never gives anything up: what a service has with `ENDLESS_QUEUE`.

Nobody asks how long a request has waited, or whether its caller is still there: its time counts from when its work
begins. What was answered to nobody counts as undelivered and is put back to be done again, where that is safe. So
what piled up while a dependency was slow stays, and everybody after it waits behind it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from seatrial.demo.calls import IDEMPOTENCY_KEY
from seatrial.demo.deadline import Deadline
from seatrial.demo.exchange import Answer, Asked

WORKERS = 2
KEPT_S = 120.0
"""How long what could not be delivered is done again."""

_Handler = Callable[[Asked], Awaitable[Answer]]


@dataclass(slots=True, eq=False)
class _Job:
    handler: _Handler
    asked: Asked
    may_repeat: bool
    answer: "asyncio.Future[Answer]"
    came_at_s: float

    def is_to_be_repeated(self) -> bool:
        return self.answer.cancelled() and self.may_repeat and time.monotonic() - self.came_at_s < KEPT_S


class Backlog:
    """``limit_s`` is how long a service works on a request."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []

    def before(self, handler: _Handler, *, is_safe: bool) -> _Handler:
        """The handler behind the queue; ``is_safe`` when its work may be done twice even without a key."""

        async def queued(asked: Asked) -> Answer:
            self._workers = self._workers or [asyncio.create_task(self._work()) for _ in range(WORKERS)]
            answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            may_repeat = is_safe or IDEMPOTENCY_KEY in asked.headers
            self._jobs.put_nowait(_Job(handler, asked, may_repeat, answer, time.monotonic()))
            return await answer

        return queued

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            await self._do(job)
            if job.is_to_be_repeated():
                self._jobs.put_nowait(job)
            await asyncio.sleep(0)  # the queue may never be empty again

    async def _do(self, job: _Job) -> None:
        context = job.asked.context.until(Deadline.after(self._limit_s))
        try:
            answer = await job.handler(replace(job.asked, context=context))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for who waits for the answer
            if not job.answer.cancelled():
                job.answer.set_exception(error)
        else:
            if not job.answer.cancelled():
                job.answer.set_result(answer)
