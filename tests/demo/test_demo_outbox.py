"""Entries of the feed are delivered later, and what cannot be is said."""

import asyncio
from dataclasses import replace

import httpx

from seatrial.demo import outbox as outbox_module
from seatrial.demo.client import EdgeClient
from seatrial.demo.context import Context
from seatrial.demo.deadline import NEVER
from seatrial.demo.defects import Defects
from seatrial.demo.edges import edges_of
from seatrial.demo.outbox import MOST_WAITING, Outbox

EDGE = replace(edges_of("cards")[1], timeout_s=30.0)
CONTEXT = Context("r-1", "a" * 32, "01", NEVER)


def outbox_to(peer):
    return Outbox(EdgeClient(EDGE, "http://feed", defects=Defects(), transport=httpx.MockTransport(peer)))


def test_stopping_delivers_what_waits():
    delivered = []

    def feed(request):
        delivered.append(request.url.path)
        return httpx.Response(201, json={})

    async def story():
        outbox = outbox_to(feed)
        for number in range(5):
            outbox.post(f"chg-{number}", {}, CONTEXT)
        outbox.start()
        await outbox.stop()

    asyncio.run(story())
    assert sorted(delivered) == [f"/entries/chg-{number}" for number in range(5)]


def test_an_entry_is_delivered_again_until_the_feed_has_taken_it(monkeypatch):
    monkeypatch.setattr(outbox_module, "PAUSE_S", 0.001)
    answers = [httpx.Response(500), httpx.Response(500), httpx.Response(201, json={})]
    tried, taken = [], asyncio.Event()

    def feed(request):
        tried.append(request.headers["x-request-id"])
        if len(answers) == 1:
            taken.set()
        return answers.pop(0)

    async def story():
        outbox = outbox_to(feed)
        outbox.post("chg-1", {}, CONTEXT)
        outbox.start()
        async with asyncio.timeout(20):
            await taken.wait()
        await outbox.stop()

    asyncio.run(story())
    assert tried == ["r-1", "r-1", "r-1"]


def test_when_too_many_wait_the_oldest_is_dropped_and_said_so(caplog):
    caplog.set_level("INFO", logger="seatrial.demo")
    outbox = outbox_to(lambda request: httpx.Response(201, json={}))
    for number in range(MOST_WAITING + 1):
        outbox.post(f"chg-{number}", {}, CONTEXT)
    assert outbox._waiting.qsize() == MOST_WAITING
    assert [line for line in caplog.messages if '"chg-0"' in line and "too many" in line]


def test_stopping_does_not_wait_for_a_feed_that_is_out(monkeypatch):
    monkeypatch.setattr(outbox_module, "FLUSH_S", 0.1)

    async def story():
        outbox = outbox_to(lambda request: httpx.Response(500))
        outbox.post("chg-1", {}, CONTEXT)
        outbox.start()
        async with asyncio.timeout(20):
            await outbox.stop()

    asyncio.run(story())
