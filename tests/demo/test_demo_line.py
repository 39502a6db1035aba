"""Connections along an edge stay few, however calls are given up."""

import asyncio
import random

import httpx
import pytest

from seatrial.demo.line import MOST_GIVEN_UP, Line


class Peer(httpx.AsyncBaseTransport):
    """Answers when told to; knows whether it was closed."""

    def __init__(self, may_answer):
        self.may_answer = may_answer
        self.is_closed = False

    async def handle_async_request(self, request):
        await self.may_answer.wait()
        return httpx.Response(200)

    async def aclose(self):
        self.is_closed = True


def send(line):
    return asyncio.create_task(line.send("GET", "http://peer/", headers={}, content=None))


async def give_up(line, times):
    for _ in range(times):
        task = send(line)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_a_client_is_renewed_after_many_calls_were_given_up_and_closed_after_its_last_call():
    async def story():
        may_answer, peers = asyncio.Event(), []

        def connect():
            peers.append(Peer(may_answer))
            return httpx.AsyncClient(transport=peers[-1])

        line = Line(connect)
        lasting = send(line)
        await give_up(line, MOST_GIVEN_UP)
        assert len(peers) == 2
        assert not peers[0].is_closed
        may_answer.set()
        assert (await lasting).status_code == 200
        await line.close()
        assert [peer.is_closed for peer in peers] == [True, True]

    asyncio.run(story())


def test_a_few_calls_given_up_change_nothing():
    async def story():
        peers = []

        def connect():
            peers.append(Peer(asyncio.Event()))
            return httpx.AsyncClient(transport=peers[-1])

        line = Line(connect)
        await give_up(line, MOST_GIVEN_UP - 1)
        assert len(peers) == 1
        await line.close()

    asyncio.run(story())


def test_calls_given_up_at_any_moment_leave_few_connections():
    open_now, most_at_once = [], 3

    async def answer(reader, writer):
        open_now.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_now.remove(writer)
            writer.close()

    async def story():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        line = Line(lambda: httpx.AsyncClient(trust_env=False))

        async def call_for(seconds):
            async with asyncio.timeout(seconds):
                await line.send("GET", url, headers={}, content=None)

        for _ in range(200):
            calls = [call_for(random.uniform(0, 0.004)) for _ in range(most_at_once)]
            await asyncio.gather(*calls, return_exceptions=True)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(open_now) <= MOST_GIVEN_UP + 2 * most_at_once
        await line.close()
        server.close()
        async with asyncio.timeout(20):
            while open_now:  # noqa: ASYNC110 - the peers notice one by one
                await asyncio.sleep(0.01)

    asyncio.run(story())
