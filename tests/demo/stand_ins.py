"""What stands in a service's place in the demo bank of a test, does as it is told, and counts what comes."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from seatrial.demo.client import EdgeClient
from seatrial.demo.context import Context
from seatrial.demo.deadline import NEVER
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects
from seatrial.demo.edges import edges_of

ACCOUNT = {"id": "acc-1", "customer_id": "cus-1", "owner": "Ada", "state": "OPEN", "balance_cents": 100}


class StandIn(httpx.AsyncBaseTransport):
    """``does`` is an async function from a request to its response, and may be replaced at any time."""

    def __init__(self, does):
        self.does = does
        self.calls = self.under_way = self.most_at_once = 0

    async def handle_async_request(self, request):
        self.calls += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return await self.does(request)
        finally:
            self.under_way -= 1


async def hang(request):
    await asyncio.Event().wait()


async def know_the_account(request):
    return httpx.Response(200, json=ACCOUNT)


def answer(status):
    async def does(request):
        return httpx.Response(status, json={})

    return does


def in_place_of(bank, service, does):
    """Put a stand-in where a service of the bank was."""
    bank.wires[service].inner = StandIn(does)
    return bank.wires[service].inner


async def ask_for_account(bank, service="cards", times=1):
    """Ask so many times at once for an account, which takes a call to the next service; gives the statuses."""
    asked = [bank.ask(service, "GET", "/accounts/acc-1") for _ in range(times)]
    return [answer.status_code for answer in await asyncio.gather(*asked)]


async def until(claim):
    """Return as soon as the claim holds of what others do; fail when it does not in a generous time."""
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - what is waited for comes about bit by bit
            await asyncio.sleep(0.01)


class Cable(httpx.AsyncBaseTransport):
    """Leads to a port of 127.0.0.1, whatever the request's host."""

    def __init__(self, port):
        self._port = port
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request):
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await self._inner.handle_async_request(request)

    async def aclose(self):
        await self._inner.aclose()


@asynccontextmanager
async def lead_to(bank, service, port):
    """Put a real port where a service of the bank was."""
    bank.wires[service].inner = cable = Cable(port)
    try:
        yield
    finally:
        await cable.aclose()


@asynccontextmanager
async def served(serve):
    """Serve each connection with an async function of reader and writer; gives the port."""
    serving = []

    async def tracked(reader, writer):
        serving.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


CONTEXT = Context(request_id="r-1", trace_id="a" * 32, trace_flags="01", deadline=NEVER)
PATIENT = replace(edges_of("cards")[0], timeout_s=30.0)
"""The edge from cards to the ledger, as a test wants it on a machine that is slow."""


class TcpPeer:
    """A service on a TCP port: gives its ``answers`` in turn, the last one for ever, once `may_answer` is set."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.requests = 0
        self.open = set()

    async def serve(self, reader, writer):
        self.open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                await self.may_answer.wait()
                writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def drop_connections(self):
        """Close all there are, as a service does that is started again."""
        for writer in tuple(self.open):
            writer.close()
            await writer.wait_closed()


def http(status, body, *, length=None):
    """An answer in bytes; a ``length`` beyond that of the body promises more than comes."""
    return f"HTTP/1.1 {status} -\r\ncontent-length: {length or len(body)}\r\n\r\n{body}".encode()


@asynccontextmanager
async def called_over_tcp(peer, *defects, name="127.0.0.1"):
    """A client of the edge from cards to the ledger, and the peer at its end; gives the client and the port."""
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = EdgeClient(PATIENT, f"http://{name}:{port}", defects=Defects(parse_defects(defects)))
    async with server:
        yield client, port
        await client.close()
        await peer.drop_connections()
