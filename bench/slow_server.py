"""A server on loopback of which a known share of answers is slow: the truth that a verdict is held against.

`python slow_server.py SHARE SEED` prints its port, then answers every request with 200 until its stdin closes. Each
answer is slow by itself with that chance, drawn from the seed: no bursts, and no other reason to be slow.
"""

from __future__ import annotations

import asyncio
import random
import sys

SLOW_S = 0.6
"""Far above the limit of the bench's objective, so that a busy machine neither makes nor hides a slow answer."""

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class Answering(asyncio.Protocol):
    """One connection: an answer for every head of a request that is whole."""

    def __init__(self, share: float, dice: random.Random) -> None:
        self._share = share
        self._dice = dice
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Requests have no body here, so an empty line ends each."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for _ in heads:
            delay_s = SLOW_S if self._dice.random() < self._share else 0.0
            asyncio.get_running_loop().call_later(delay_s, self._transport.write, ANSWER)


async def serve(share: float, seed: int) -> None:
    """Until nobody holds stdin any more."""
    dice = random.Random(seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(share, dice), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), int(sys.argv[2])))
