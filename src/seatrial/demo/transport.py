"""What carries the requests of an edge: httpx's transport, or with a defect one that remembers too much."""

import asyncio
import socket
import ssl
from functools import cache

import httpcore
import httpx

from seatrial.demo.defects import ADDRESS_CACHED, STALE_CONNECTIONS, Defects


def transport_of(defects: Defects, limits: httpx.Limits, addresses: dict[str, str]) -> httpx.AsyncBaseTransport:
    """A transport with nothing connected. ``addresses`` by name outlive it; only `ADDRESS_CACHED` fills them."""
    transport = httpx.AsyncHTTPTransport(verify=tls(), trust_env=False, limits=limits)
    if defects.has(STALE_CONNECTIONS):
        transport._pool = TrustingPool(ssl_context=tls(), max_keepalive_connections=limits.max_keepalive_connections)
    return AddressCached(transport, addresses) if defects.has(ADDRESS_CACHED) else transport


@cache
def tls() -> ssl.SSLContext:
    """Made once: reading the certificates takes 20 ms, which a renewed client must not cost its callers."""
    return httpx.create_ssl_context(trust_env=False)


class TrustingPool(httpcore.AsyncConnectionPool):
    """A pool that keeps its connections for ever and never looks whether the peer has closed one."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return _Trusted(origin, ssl_context=tls())


class _Trusted(httpcore.AsyncHTTPConnection):
    def has_expired(self) -> bool:
        return False


class AddressCached(httpx.AsyncBaseTransport):
    """Looks up the address of a name once, and goes there ever after."""

    def __init__(self, transport: httpx.AsyncBaseTransport, addresses: dict[str, str]) -> None:
        self._transport = transport
        self._addresses = addresses

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name not in self._addresses:
            self._addresses[name] = await _looked_up(name)
        request.url = request.url.copy_with(host=self._addresses[name])
        request.extensions = {**request.extensions, "sni_hostname": name}
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


async def _looked_up(name: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx.ConnectError(f"{name}: {error}") from None
    return str(found[0][4][0])
