"""Reading of HTTP and toxics that come and go while bytes flow, and what must arrive all the same.

`input_of` makes connections and what changes on their proxy between any two of their pieces. `carry` plays it in
this process and raises where a byte is lost, changed or late for ever: under toxics that destroy nothing all bytes
arrive as they were sent; under faults of HTTP each request gets one answer, its own or the fault's.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from proxy_wire import ANSWERED, ASKED, DEADLINE_S, FoundError, in_pieces, pieces_of, say

from seatrial.chaos.proxy.edge import EdgeProxy
from seatrial.chaos.proxy.fields import read_object
from seatrial.chaos.proxy.model import parse_proxy, parse_toxic
from seatrial.chaos.proxy.proxies import Proxies

HARMLESS: tuple[dict[str, Any], ...] = (
    {"type": "latency", "attributes": {"latency": 1, "jitter": 1}},
    {"type": "latency", "stream": "upstream", "attributes": {"latency": 1}},
    {"type": "bandwidth", "stream": "upstream", "attributes": {"rate": 20_000}},
    {"type": "slow_close", "attributes": {"delay": 1}},
    {"type": "slicer", "attributes": {"average_size": 9, "size_variation": 5}},
    {"type": "slicer", "stream": "upstream", "attributes": {"average_size": 5, "size_variation": 2}},
    {"type": "http_error", "attributes": {"route": "/of-nobody"}},
    {"type": "http_replace", "attributes": {"body": "other", "probability": 0}},
    {"type": "http_truncate", "toxicity": 0, "attributes": {"bytes": 1}},
    {"type": "http_delay", "attributes": {"delay": 1, "jitter": 1}},
    {"type": "http_delay", "stream": "upstream", "attributes": {"delay": 1}},
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"type": "http_error", "attributes": {"status": 503}},
    {"type": "http_error", "attributes": {"status": 503, "every": 2}},
    {"type": "http_error", "attributes": {"status": 503, "forward": True}},
    {"type": "http_error", "toxicity": 0.5, "attributes": {"status": 503, "probability": 0.5}},
    {"type": "http_replace", "attributes": {"status": 418, "probability": 0.5}},
)
SAID = b"injected by seatrial\n"


@dataclass(frozen=True)
class Asked:
    """One request and its answer; `number` is in both, so that none can be taken for another."""

    number: int
    framing: str
    answer: str
    size: int

    @property
    def head(self) -> bytes:
        """Its head; the path has all that the upstream needs to know it by."""
        method = {"get": "GET", "head": "HEAD"}.get(self.framing, "POST")
        lines = [f"{method} /{self.number}/{self.framing}/{self.answer}/{self.size} HTTP/1.1", "Host: x"]
        lines += {"chunked": ["Transfer-Encoding: chunked"]}.get(self.framing, [f"Content-Length: {len(self.body)}"])
        lines += ["Expect: 100-continue"] if self.framing == "expect" else []
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def body(self) -> bytes:
        """Its body, with the framing of chunks."""
        return b"" if self.framing in ("get", "head") else _framed(self, self.framing)

    @property
    def answer_head(self) -> bytes:
        """The head of its answer."""
        if self.answer == "none":
            return b"HTTP/1.1 204 No Content\r\nX-Number: %d\r\n\r\n" % self.number
        sized = b"Transfer-Encoding: chunked" if self.answer == "chunked" else b"Content-Length: %d" % self.size
        return b"HTTP/1.1 200 OK\r\nX-Number: %d\r\n%b\r\n\r\n" % (self.number, sized)

    @property
    def answer_body(self) -> bytes:
        """The body of its answer."""
        return b"" if self.framing == "head" or self.answer == "none" else _framed(self, self.answer)

    @property
    def told(self) -> bytes:
        """The answer whole."""
        return self.answer_head + self.answer_body


@dataclass(frozen=True)
class Toggling:
    """Connections side by side, each by its caller's requests, or by what both sides send whatever it is.

    `pipelined` says that a caller does not wait for its answers. `changes` come one by one between pieces.
    """

    seed: str
    exchanges: tuple[tuple[Asked, ...], ...]
    raw: tuple[tuple[tuple[bytes, ...], tuple[bytes, ...]], ...]
    changes: tuple[bool | dict[str, Any] | None, ...]
    pipelined: bool
    faulty: bool


def input_of(seed: int, index: int) -> Toggling:
    """That one, the same each time."""
    name = f"toggles/{seed}/{index}"
    chance = random.Random(name)
    faulty = chance.random() < 0.5
    changes = [_change(chance, FAULTS if faulty else HARMLESS) for _ in range(chance.randrange(1, 40))]
    return Toggling(
        seed=name,
        exchanges=tuple(tuple(_asked(chance)) for _ in range(chance.randrange(1, 4))),
        raw=() if faulty else ((pieces_of(ASKED, chance), pieces_of(ANSWERED, chance)),) * chance.randrange(2),
        changes=tuple(changes),
        pipelined=not faulty and chance.random() < 0.3,
        faulty=faulty,
    )


async def carry(toggling: Toggling) -> None:
    """Play it through a proxy of its own."""
    mistakes: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    proxies = Proxies(seed="fuzz")
    play = _Play(toggling, proxies)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await play.all()
            while any(edge.connections_open for edge in proxies.all()):  # noqa: ASYNC110 - it is to be so by itself
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise FoundError("something did not arrive, or a connection is still there") from None
    except (asyncio.IncompleteReadError, OSError) as error:
        raise FoundError(f"a connection ended too early: {error!r}") from None
    finally:
        proxies.close()
        play.close()
    for edge in proxies.all():
        counters = edge.counters
        if counters.requests_open or sum(counters.by_route.values()) != counters.requests_total:
            raise FoundError(f"exchanges do not add up: {counters}")
    if mistakes:
        raise FoundError(f"mistakes of its own: {mistakes!r}")


class _Play:
    """All connections of one; every side asks for a change before it sends a piece."""

    def __init__(self, toggling: Toggling, proxies: Proxies) -> None:
        self._toggling = toggling
        self._proxies = proxies
        self._chance = random.Random(f"{toggling.seed}/pieces")
        self._changes = iter(enumerate(toggling.changes))
        self._edges: list[EdgeProxy] = []
        self._upstreams: list[asyncio.Server] = []
        self._reached: list[bytes] = []
        self._lost: list[BaseException] = []

    async def all(self) -> None:
        """Play every connection to its end."""
        toggling = self._toggling
        behind = await self._stand(self._answer)
        calls = [self._ask(asked, behind) for asked in toggling.exchanges]
        for asked, answered in toggling.raw:
            calls.append(self._swap(asked, answered))
        await asyncio.gather(*calls)
        if self._lost:
            raise self._lost[0]

    def close(self) -> None:
        """Stop the upstreams."""
        for upstream in self._upstreams:
            upstream.close()

    async def _stand(self, serve: Callable[..., Awaitable[None]]) -> EdgeProxy:
        """A proxy before an upstream that serves so."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (FoundError, asyncio.IncompleteReadError) as error:
                self._lost.append(error)
            finally:
                writer.close()

        upstream = await asyncio.start_server(served, "127.0.0.1", 0)
        self._upstreams.append(upstream)
        wanted = {
            "name": f"p{len(self._edges)}",
            "listen": "127.0.0.1:0",
            "upstream": f"127.0.0.1:{upstream.sockets[0].getsockname()[1]}",
        }
        edge = await self._proxies.create(parse_proxy(_read(wanted), host="127.0.0.1"))
        self._edges.append(edge)
        return edge

    async def _send(self, writer: asyncio.StreamWriter, message: bytes) -> None:
        for piece in in_pieces(message, self._chance):
            self._change()
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(self._chance.choice((0, 0, 0.001)))

    def _change(self) -> None:
        """What comes next, if anything; None takes the newest toxic away."""
        number, change = next(self._changes, (0, 0))
        for edge in self._edges if self._chance.random() < 0.7 else ():
            if isinstance(change, bool):
                edge.observe = change
                edge.settle_watch()
            elif isinstance(change, dict):
                self._proxies.add_toxic(edge, parse_toxic(_read({**change, "name": f"t{number}"}), ()))
            elif change is None and edge.toxics():
                self._proxies.remove_toxic(edge, edge.toxics()[-1].name)

    async def _swap(self, asked: tuple[bytes, ...], answered: tuple[bytes, ...]) -> None:
        """Both sides send what they have, and hear all of the other's."""
        heard, upstream_heard, heard_all = bytearray(), bytearray(), asyncio.Event()

        async def serve(*sides: Any) -> None:
            await say(answered, upstream_heard, *sides, before=self._change)
            heard_all.set()

        edge = await self._stand(serve)
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.listen.port)
        await say(asked, heard, reader, writer, before=self._change)
        await heard_all.wait()
        if (bytes(heard), bytes(upstream_heard)) != (b"".join(answered), b"".join(asked)):
            raise FoundError(f"not what was sent: {bytes(heard)!r} and {bytes(upstream_heard)!r}")

    async def _ask(self, asked: tuple[Asked, ...], edge: EdgeProxy) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.listen.port)
        try:
            if self._toggling.pipelined:
                await self._ask_all(asked, reader, writer)
                return
            for each in asked:
                if not await self._ask_one(each, reader, writer):
                    break
            writer.write_eof()
            with suppress(ConnectionResetError):
                if more := await reader.read():
                    raise FoundError(f"more than was asked for: {more!r}")
        finally:
            writer.close()

    async def _ask_all(
        self, asked: tuple[Asked, ...], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        every = b"".join(each.head + each.body for each in asked if each.framing != "expect")
        async with asyncio.TaskGroup() as sending:
            sending.create_task(self._send(writer, every))
            for each in asked:
                if each.framing != "expect":
                    _same(await reader.readexactly(len(each.told)), each.told)

    async def _ask_one(self, each: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask and hear its answer; False when the connection is over with it."""
        waits = each.framing == "expect"
        await self._send(writer, each.head if waits else each.head + each.body)
        head = await reader.readuntil(b"\r\n\r\n")
        if waits and head == b"HTTP/1.1 100 Continue\r\n\r\n":
            await self._send(writer, each.body)
            head = await reader.readuntil(b"\r\n\r\n")
        if head == each.answer_head:
            _same(await reader.readexactly(len(each.answer_body)), each.answer_body)
        elif self._toggling.faulty and b" 503 " in head:
            said = b"" if each.framing == "head" else SAID
            _same(await reader.readexactly(len(said)), said)
            return b"\r\nConnection: close" not in head
        elif self._toggling.faulty and b" 418 " in head and b"X-Number: %d\r\n" % each.number in head:
            _same(await reader.readexactly(len(each.answer_body)), each.answer_body)
        else:
            raise FoundError(f"to {each} came {head!r}")
        if each.head not in self._reached:
            raise FoundError(f"{each} was answered and never asked")
        return True

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The upstream: knows each request by its path, and wants it whole."""
        with suppress(ConnectionResetError, BrokenPipeError):
            while head := await _head(reader):
                number, framing, answer, size = head.split(b" ")[1].decode()[1:].split("/")
                each = Asked(int(number), framing, answer, int(size))
                _same(head, each.head)
                if framing == "expect":
                    await self._send(writer, b"HTTP/1.1 100 Continue\r\n\r\n")
                _same(await reader.readexactly(len(each.body)), each.body)
                self._reached.append(each.head)
                await self._send(writer, each.told)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The next head; empty where the stream ends before one."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return b""


def _same(found: bytes, wanted: bytes) -> None:
    if found != wanted:
        raise FoundError(f"{found!r} came where {wanted!r} was sent")


def _framed(each: Asked, framing: str) -> bytes:
    payload = (b"%d." % each.number * each.size)[: each.size]
    if framing != "chunked":
        return payload
    halves = (payload[: each.size // 2], payload[each.size // 2 :])
    return b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves if half) + b"0\r\n\r\n"


def _asked(chance: random.Random) -> Iterator[Asked]:
    first = chance.randrange(1_000_000)
    for number in range(first, first + chance.randrange(1, 8)):
        framing = chance.choice(("get", "get", "length", "chunked", "head", "expect"))
        size = chance.choice((0, 1, 5, 300, 5_000, 70_000, 300_000))
        yield Asked(number, framing, chance.choice(("length", "length", "chunked", "none")), size)


def _change(chance: random.Random, toxics: tuple[dict[str, Any], ...]) -> bool | dict[str, Any] | None:
    return chance.choice((True, False, None, chance.choice(toxics)))


def _read(value: dict[str, Any]) -> Any:
    return read_object(json.dumps(value).encode())
