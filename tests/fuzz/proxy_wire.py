"""Bad bytes through a proxy with toxics, both ways, and what must hold of it whatever they are.

`input_of` makes one connection's worth: toxics, what the caller sends, what the upstream sends. `carry` plays it in
this process and raises where the proxy made a mistake, kept the connection, or counted what was not there.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import mutate

from seatrial.chaos.proxy.fields import read_object
from seatrial.chaos.proxy.model import parse_proxy, parse_toxic
from seatrial.chaos.proxy.proxies import Proxies

DEADLINE_S = 20.0
"""For one connection on a busy machine; it takes milliseconds."""

TOXICS: tuple[dict[str, Any], ...] = (
    {"type": "latency", "attributes": {"latency": 2, "jitter": 2}},
    {"type": "bandwidth", "attributes": {"rate": 5_000}},
    {"type": "slow_close", "attributes": {"delay": 3}},
    {"type": "timeout", "attributes": {"timeout": 5}},
    {"type": "timeout", "attributes": {"timeout": 0}},
    {"type": "reset_peer", "attributes": {"timeout": 2}},
    {"type": "slicer", "attributes": {"average_size": 7, "size_variation": 3}},
    {"type": "limit_data", "attributes": {"bytes": 40}},
    {"type": "http_error", "attributes": {"status": 503, "retry_after": 1}},
    {"type": "http_error", "attributes": {"status": 500, "forward": True, "every": 2}},
    {"type": "http_delay", "attributes": {"delay": 3, "jitter": 2}},
    {"type": "http_truncate", "attributes": {"bytes": 3}},
    {"type": "http_replace", "attributes": {"status": 201, "body": "other"}},
    {"type": "http_replace", "attributes": {"json": {"/a": None}}},
)
ASKED = (
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"HEAD /d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01 no http at all",
)
ANSWERED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a": 12}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi",
    b"* no http at all",
)


class FoundError(AssertionError):
    """What the proxy did, and must not do."""


@dataclass(frozen=True)
class Talk:
    """One connection: its toxics, and the pieces each side sends before it ends."""

    toxics: tuple[dict[str, Any], ...]
    asked: tuple[bytes, ...]
    answered: tuple[bytes, ...]
    removed: bool


@dataclass(frozen=True)
class Heard:
    """What came out at either end."""

    caller: bytearray = field(default_factory=bytearray)
    upstream: bytearray = field(default_factory=bytearray)


def input_of(seed: int, index: int) -> Talk:
    """That talk, the same each time."""
    chance = random.Random(f"wire/{seed}/{index}")
    toxics = [
        {**toxic, "name": f"t{number}", "toxicity": chance.choice((1, 1, 0.5)), **_stream(toxic, chance)}
        for number, toxic in enumerate(chance.choices(TOXICS, k=chance.randrange(4)))
    ]
    asked, answered = pieces_of(ASKED, chance), pieces_of(ANSWERED, chance)
    return Talk(tuple(toxics), asked, answered, removed=chance.random() < 0.3)


def _stream(toxic: dict[str, Any], chance: random.Random) -> dict[str, str]:
    return {} if toxic["type"].startswith("http") else {"stream": chance.choice(("upstream", "downstream"))}


def pieces_of(good: tuple[bytes, ...], chance: random.Random) -> tuple[bytes, ...]:
    """Some good messages, often bent, cut anywhere."""
    told = b"".join(
        message if chance.random() < 0.6 else mutate.mutated(message, good, chance)[:5_000]
        for message in chance.choices(good, k=chance.randrange(5))
    )
    return in_pieces(told, chance)


def in_pieces(told: bytes, chance: random.Random) -> tuple[bytes, ...]:
    """All of it, cut at up to three places."""
    cuts = sorted(chance.randrange(len(told) + 1) for _ in range(chance.randrange(4)))
    ends = [0, *cuts, len(told)]
    return tuple(told[start:stop] for start, stop in itertools.pairwise(ends) if stop > start)


async def carry(talk: Talk) -> None:
    """Play it through a proxy of its own."""
    mistakes: list[Any] = []
    heard = Heard()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: mistakes.append(context))
    upstream = await asyncio.start_server(lambda *sides: say(talk.answered, heard.upstream, *sides), "127.0.0.1", 0)
    proxies = Proxies(seed="fuzz")
    wanted = {"name": "p", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream.sockets[0].getsockname()[1]}"}
    try:
        edge = await proxies.create(parse_proxy(_read(wanted), host="127.0.0.1"))
        for toxic in talk.toxics:
            proxies.add_toxic(edge, parse_toxic(_read(toxic), ()))
        async with asyncio.timeout(DEADLINE_S):
            calling = asyncio.create_task(_call(talk, heard.caller, edge.listen.port))
            await asyncio.sleep(0.004)
            for toxic in edge.toxics() if talk.removed else ():
                proxies.remove_toxic(edge, toxic.name)
            await calling
            while edge.connections_open:  # noqa: ASYNC110 - what is asked is whether it becomes none by itself
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise FoundError("the connection is still there") from None
    finally:
        proxies.close()
        upstream.close()
    _check(edge.counters, talk, mistakes)
    if not talk.toxics and heard != Heard(bytearray(b"".join(talk.answered)), bytearray(b"".join(talk.asked))):
        raise FoundError(f"not what was sent: {heard}")


def _check(counters: Any, talk: Talk, mistakes: list[Any]) -> None:
    if mistakes:
        raise FoundError(f"mistakes of its own: {mistakes!r}")
    if counters.requests_open or sum(counters.by_route.values()) != counters.requests_total:
        raise FoundError(f"exchanges do not add up: {counters}")
    changed = any(toxic["type"].startswith("http") for toxic in talk.toxics)  # then what is counted is what was made
    too_many_down = counters.down.bytes_read > sum(map(len, talk.answered)) and not changed
    if counters.up.bytes_read > sum(map(len, talk.asked)) or too_many_down:
        raise FoundError(f"more bytes than were sent: {counters}")


async def _call(talk: Talk, heard: bytearray, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await say(talk.asked, heard, reader, writer)


async def say(
    pieces: tuple[bytes, ...],
    heard: bytearray,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Send the pieces, end, hear what comes to its end; a connection that breaks is over.

    `before` is called before each piece.
    """
    with suppress(OSError):
        for piece in pieces:
            before()
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        while part := await reader.read(65_536):
            heard += part
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _read(value: dict[str, Any]) -> Any:
    return read_object(json.dumps(value).encode())
