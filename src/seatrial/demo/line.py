"""The HTTP client of an edge, renewed now and then so that calls given up leave nothing behind.

A call cancelled just as its connection changes hands can leave that connection in httpcore's pool for ever,
neither idle nor closed (seen with httpcore 1.0.9: 1,500 rounds of cancelling left 300). So after `MOST_GIVEN_UP`
cancelled calls the client is retired: new calls go by a new one, and the old one is closed, with all that is
in it, when the last of its calls has ended.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from seatrial.demo.reading import Reading, whole

MOST_GIVEN_UP = 8


@dataclass(slots=True, eq=False)
class _Client:
    http: httpx.AsyncClient
    under_way: int = 0
    given_up: int = 0


class Line:
    """``connect`` makes a client; it is called once now and once for each renewal. ``read`` sends and reads."""

    def __init__(self, connect: Callable[[], httpx.AsyncClient], read: Reading = whole) -> None:
        self._connect = connect
        self._read = read
        self._current = _Client(connect())
        self._closing: set[asyncio.Task[None]] = set()

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> httpx.Response:
        """The whole answer; raises what httpx raises. Bounding the time is up to the caller, by cancelling."""
        client = self._current
        client.under_way += 1
        try:
            request = client.http.build_request(method, url, headers=headers, content=content)
            return await self._read(client.http, request)
        except asyncio.CancelledError:
            self._count_given_up(client)
            raise
        finally:
            client.under_way -= 1
            self._close_if_retired(client)

    async def close(self) -> None:
        await self._current.http.aclose()
        await asyncio.gather(*self._closing)

    def _count_given_up(self, client: _Client) -> None:
        client.given_up += 1
        if client is self._current and client.given_up >= MOST_GIVEN_UP:
            self._current = _Client(self._connect())

    def _close_if_retired(self, client: _Client) -> None:
        if client is self._current or client.under_way:
            return
        closing = asyncio.get_running_loop().create_task(client.http.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
