"""What a service does around every request: ids, deadlines, callers that hang up, too many at once."""

import asyncio
import json

import pytest

from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects
from seatrial.demo.endpoint import MOST_BODY_BYTES, MOST_REQUESTS, Endpoint, Floor, Lifecycle
from seatrial.demo.exchange import Answer


def floor_of(*defect_texts, limit_s=30.0):
    return Floor(Lifecycle(), limit_s, Defects(parse_defects(defect_texts)))


async def ask(endpoint, *, content=b"", headers=None, hang_up=None):
    """Call an endpoint as a server would; gives status, headers and body, or None if it did not answer."""
    sent, received = [], [{"type": "http.request", "body": content}]

    async def receive():
        if received:
            return received.pop(0)
        await (hang_up or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await endpoint({"headers": raw, "path_params": {}}, receive, send)
    if not sent:
        return None
    start, body = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, json.loads(body["body"] or "null")


async def greet(asked):
    return Answer(200, {"name": "anna", "state": "OPEN", "rows": [{"amount_cents": 5}]})


async def hang(asked):
    await asyncio.Event().wait()


def test_the_request_id_is_echoed_and_made_up_where_there_is_none():
    endpoint = Endpoint(greet, floor_of())
    assert asyncio.run(ask(endpoint, headers={"x-request-id": "r-7"}))[1]["x-request-id"] == "r-7"
    assert len(asyncio.run(ask(endpoint))[1]["x-request-id"]) == 32
    assert len(asyncio.run(ask(endpoint, headers={"x-request-id": "not an id"}))[1]["x-request-id"]) == 32


def test_a_request_is_answered_504_when_the_callers_deadline_passes():
    status, _, body = asyncio.run(ask(Endpoint(hang, floor_of()), headers={"x-deadline-ms": "20"}))
    assert (status, body["error"]) == (504, "deadline_exceeded")


def test_a_request_without_a_deadline_gets_that_of_the_service():
    assert asyncio.run(ask(Endpoint(hang, floor_of(limit_s=0.02))))[0] == 504


def test_the_work_ends_when_the_caller_hangs_up():
    ended = []

    async def work(asked):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def story():
        gone = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, gone.set)
        assert await ask(Endpoint(work, floor_of()), hang_up=gone) is None

    asyncio.run(story())
    assert ended == [True]


def test_a_cancelled_request_stays_cancelled():
    async def story():
        task = asyncio.create_task(ask(Endpoint(hang, floor_of())))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_one_request_too_many_is_told_to_come_back():
    async def story():
        floor = floor_of()
        endpoint, gone = Endpoint(hang, floor), asyncio.Event()
        waiting = [asyncio.create_task(ask(endpoint, hang_up=gone)) for _ in range(MOST_REQUESTS)]
        await asyncio.sleep(0.01)
        status, headers, _ = await ask(Endpoint(greet, floor))
        assert (status, headers["retry-after"]) == (503, "1")
        gone.set()
        await asyncio.gather(*waiting)
        assert (await ask(Endpoint(greet, floor)))[0] == 200

    asyncio.run(story())


def test_a_body_too_large_is_refused():
    assert asyncio.run(ask(Endpoint(greet, floor_of()), content=b" " * (MOST_BODY_BYTES + 1)))[0] == 413


def test_a_draining_service_closes_its_connections_after_the_answer():
    floor = floor_of()
    floor.lifecycle.draining = True
    assert asyncio.run(ask(Endpoint(greet, floor)))[1]["connection"] == "close"


def test_a_share_of_the_requests_fails_when_asked_to():
    endpoint = Endpoint(greet, floor_of("errors=50%"))

    async def statuses():
        return [(await ask(endpoint))[0] for _ in range(200)]

    assert set(asyncio.run(statuses())) == {200, 500}


def test_wrong_answers_keep_their_shape():
    body = asyncio.run(ask(Endpoint(greet, floor_of("wrong"))))[2]
    assert body == {"name": "anna"[::-1], "state": "OPEN", "rows": [{"amount_cents": 6}]}


def test_without_timeouts_a_deadline_is_not_heeded():
    async def story():
        endpoint = Endpoint(hang, floor_of("1:cards", limit_s=0.01))
        task = asyncio.create_task(ask(endpoint, headers={"x-deadline-ms": "10"}))
        done, _ = await asyncio.wait([task], timeout=0.2)
        assert not done
        task.cancel()

    asyncio.run(story())
