"""One call along an edge: what is an answer, what is sent again, and what is given up."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from stand_ins import CONTEXT, PATIENT, served

from seatrial.demo.calls import Call, CallFailed, CallRejected, CallTimedOut, PeerUnavailable
from seatrial.demo.client import EdgeClient
from seatrial.demo.deadline import Deadline
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects

GET = Call("GET", "/accounts/1")
POST = Call("POST", "/accounts/1/debits", {"amount_cents": 1})


class Peer:
    """A peer that gives its answers in turn, the last one for ever; an exception is raised instead."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def client_of(peer, *, edge=PATIENT, defects=()):
    transport = httpx.MockTransport(peer)
    return EdgeClient(edge, "http://ledger", defects=Defects(parse_defects(defects)), transport=transport)


def call(client, what=GET, context=CONTEXT):
    return asyncio.run(client.call(what, context))


def call_and_fail(client, times, what=GET):
    for _ in range(times):
        with pytest.raises((CallFailed, CallRejected)):
            call(client, what)


def ok(**fields):
    return httpx.Response(200, json=fields)


REFUSED = httpx.ConnectError("refused")
LOST = httpx.RemoteProtocolError("Server disconnected without sending a response.")


def test_an_answer_comes_back_with_status_and_body():
    reply = call(client_of(Peer(ok(id="a"))), Call("GET", "/accounts/1", shape={"id": str}))
    assert (reply.status, reply.body) == (200, {"id": "a"})


@pytest.mark.parametrize(
    "trouble", [REFUSED, LOST, httpx.ReadError("reset"), httpx.Response(503), httpx.Response(502)]
)
def test_an_idempotent_call_is_sent_once_more_after_a_passing_trouble(trouble):
    peer = Peer(trouble, ok())
    assert call(client_of(peer)).status == 200
    assert len(peer.requests) == 2


def test_a_call_that_is_not_idempotent_is_never_sent_again():
    peer = Peer(LOST, ok())
    call_and_fail(client_of(peer), 1, POST)
    assert len(peer.requests) == 1


def test_a_post_with_an_idempotency_key_may_be_sent_again_under_the_same_key():
    peer = Peer(LOST, ok())
    call(client_of(peer), replace(POST, key="k-1"))
    assert [request.headers["idempotency-key"] for request in peer.requests] == ["k-1", "k-1"]


@pytest.mark.parametrize("status", [400, 404, 409, 429])
def test_a_4xx_is_an_answer_not_a_failure_and_not_retried(status):
    peer = Peer(httpx.Response(status, json={}))
    client = client_of(peer)
    for _ in range(20):
        assert call(client).status == status
    assert len(peer.requests) == 20


@pytest.mark.parametrize("status", [500, 501, 504])
def test_a_5xx_that_will_not_pass_is_not_retried(status):
    peer = Peer(httpx.Response(status))
    call_and_fail(client_of(peer), 1)
    assert len(peer.requests) == 1


def test_a_retry_after_beyond_the_deadline_is_respected():
    peer = Peer(httpx.Response(503, headers={"retry-after": "60"}), ok())
    call_and_fail(client_of(peer), 1)
    assert len(peer.requests) == 1


def test_retries_stay_within_their_budget():
    # One failure in three: too few for the breaker, so only the budget limits the retries.
    peer = Peer(*[answer for _ in range(100) for answer in (ok(), ok(), httpx.Response(503))], ok())
    client = client_of(peer)
    calls = 60
    for _ in range(calls):
        try:
            call(client)
        except CallFailed:
            continue
    assert len(peer.requests) <= calls * 1.1 + 3


def test_nothing_is_sent_while_the_breaker_is_open():
    peer = Peer(httpx.Response(500))
    client = client_of(peer)
    call_and_fail(client, 5)
    with pytest.raises(CallRejected, match="circuit open") as rejected:
        call(client)
    assert len(peer.requests) == 5
    assert 0 < rejected.value.retry_after_s <= 2


def test_without_a_breaker_everything_is_sent():
    peer = Peer(httpx.Response(500))
    call_and_fail(client_of(peer, defects=["5:cards"]), 20)
    assert len(peer.requests) == 20


def test_a_call_is_not_retried_once_the_breaker_has_opened():
    peer = Peer(REFUSED)
    client = client_of(peer)
    call_and_fail(client, 10)
    assert len(peer.requests) == 5


def test_a_peer_that_misses_its_own_dependency_is_not_held_responsible():
    peer = Peer(httpx.Response(503, json={}, headers={"x-unavailable-dependency": "vault", "retry-after": "2"}))
    client = client_of(peer)
    for _ in range(20):
        with pytest.raises(PeerUnavailable) as unavailable:
            call(client)
        assert (unavailable.value.dependency, unavailable.value.retry_after_s) == ("vault", 2.0)
    assert len(peer.requests) == 20


@pytest.mark.parametrize(
    "content", [b'{"id": "a', b"[]", b'{"id": 7}', b"{}", b""], ids=["cut", "list", "type", "field", "empty"]
)
def test_an_answer_that_cannot_be_believed_is_a_failure(content):
    client = client_of(Peer(httpx.Response(200, content=content)))
    call_and_fail(client, 1, Call("GET", "/accounts/1", shape={"id": str}))


def test_a_call_beyond_the_places_of_the_edge_is_refused_at_once():
    async def story():
        release = asyncio.Event()

        async def hang(request):
            await release.wait()
            return ok()

        client = client_of(hang, edge=replace(PATIENT, places=3))
        under_way = [asyncio.create_task(client.call(GET, CONTEXT)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(CallRejected, match="no place free"):
            await client.call(GET, CONTEXT)
        release.set()
        await asyncio.gather(*under_way)
        assert (await client.call(GET, CONTEXT)).status == 200

    asyncio.run(story())


def test_identity_and_remaining_time_travel_with_the_call():
    peer = Peer(ok())
    call(client_of(peer), context=CONTEXT.until(Deadline.after(20)))
    headers = peer.requests[0].headers
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (headers["x-request-id"], version, trace_id, flags) == ("r-1", "00", "a" * 32, "01")
    assert len(span_id) == 16
    assert 10_000 < int(headers["x-deadline-ms"]) < 20_000


def test_with_no_time_left_nothing_is_sent():
    peer = Peer(ok())
    with pytest.raises(CallTimedOut):
        call(client_of(peer), context=CONTEXT.until(Deadline.after(0.005)))
    assert peer.requests == []


def test_a_callers_short_deadlines_do_not_open_the_breaker():
    async def hang(request):
        await asyncio.Event().wait()

    async def story():
        client = client_of(hang)
        for _ in range(10):
            with pytest.raises(CallTimedOut):
                await client.call(GET, CONTEXT.until(Deadline.after(0.03)))

    asyncio.run(story())


@asynccontextmanager
async def raw_peer(serve):
    """A TCP peer on a free port of 127.0.0.1; gives an edge client for it."""
    async with served(serve) as port:
        client = EdgeClient(replace(PATIENT, timeout_s=0.3), f"http://127.0.0.1:{port}", defects=Defects())
        yield client
        await client.close()


def test_a_drip_is_ended_by_the_deadline():
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await asyncio.sleep(0.05)  # always well within any limit per read; 50 s in all

    async def story():
        async with raw_peer(drip) as client:
            started_s = time.monotonic()
            with pytest.raises(CallTimedOut):
                await client.call(GET, CONTEXT)
            assert time.monotonic() - started_s < 20

    asyncio.run(story())


def test_a_body_cut_short_is_a_failure():
    async def cut(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id": "a"}')
        writer.close()

    async def story():
        async with raw_peer(cut) as client:
            with pytest.raises(CallFailed):
                await client.call(replace(GET, method="POST"), CONTEXT)

    asyncio.run(story())


def test_a_given_up_call_leaves_no_connection_behind():
    gone, all_gone = [], asyncio.Event()

    async def hang(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        gone.append(await reader.read())  # b"" once the caller has closed
        writer.close()
        if len(gone) == 5:
            all_gone.set()

    async def story():
        async with raw_peer(hang) as client, asyncio.timeout(60):
            for _ in range(5):
                with pytest.raises(CallTimedOut):
                    await client.call(GET, CONTEXT.until(Deadline.after(0.1)))
            await all_gone.wait()
            assert client._line._current.http._transport._pool.connections == []

    asyncio.run(story())


def test_connections_gone_stale_are_replaced_without_a_failure():
    connections, closed = [], asyncio.Semaphore(0)

    async def answer_once(reader, writer):
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()  # without having said so
        await writer.wait_closed()
        closed.release()

    async def story():
        async with raw_peer(answer_once) as client:
            for _ in range(5):
                assert (await client.call(POST, CONTEXT)).status == 200  # a POST, so nothing is retried
                await closed.acquire()
        assert len(connections) == 5

    asyncio.run(story())
