"""How a request is sent and its answer read: whole and to its end, or with a defect not."""

from collections.abc import Awaitable, Callable

import httpx

from seatrial.demo.defects import LEAK, TRUNCATED_ACCEPTED, Defects

Reading = Callable[[httpx.AsyncClient, httpx.Request], Awaitable[httpx.Response]]


def reading(defects: Defects) -> Reading:
    """How a service reads the answers it gets; a reading raises what httpx raises."""
    if not defects.has(LEAK, TRUNCATED_ACCEPTED):
        return whole

    async def read(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        response = await http.send(request, stream=True)
        if defects.has(LEAK) and response.is_server_error:
            # Nobody reads or closes it, so its connection is never free again.
            return httpx.Response(response.status_code, headers=response.headers)
        content = await what_came(response) if defects.has(TRUNCATED_ACCEPTED) else await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    return read


async def whole(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send it and read the answer to its end, so that its connection is free again."""
    return await http.send(request)


async def what_came(response: httpx.Response) -> bytes:
    """The body until it ended, whether that was its end or not."""
    came = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            came += chunk
    except httpx.TransportError:
        await response.aclose()
    return bytes(came)
