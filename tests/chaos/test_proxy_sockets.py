"""What the proxy does with its sockets as connections begin and end. Ours alone, in this process and as one."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress

import pytest

from seatrial.chaos.proxy.address import Address, resolve
from seatrial.chaos.proxy.fields import read_proxies
from seatrial.chaos.proxy.model import parse_proxy_list
from seatrial.chaos.proxy.proxies import Proxies
from seatrial.chaos.proxy.refusal import Refusal

LOOPS = ["asyncio", "uvloop"]


@asynccontextmanager
async def proxy_before_an_echo():
    """A proxy of this process, before an upstream that sends back what it gets."""

    async def echo(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    listening = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxies = Proxies(seed="1")
    wanted = {"name": "a", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"}
    specs = parse_proxy_list(read_proxies(json.dumps([wanted]).encode()), host="127.0.0.1")
    yield (await proxies.populate(specs)).edges[0]
    proxies.close()
    listening.close()


@pytest.mark.parametrize("loop", LOOPS)
def test_both_sockets_of_a_connection_send_small_pieces_at_once(loop):
    async def come():
        async with proxy_before_an_echo() as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.listen.port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            (connection,) = edge._connections
            sides = [side.transport.get_extra_info("socket") for side in (connection.client, connection.server)]
            found = [side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for side in sides]
            writer.close()
        return found

    assert all(pytest.importorskip(loop).run(asyncio.wait_for(come(), 20)))


def test_caller_that_was_accepted_as_its_proxy_was_disabled_is_closed_and_forgotten():
    async def come():
        async with proxy_before_an_echo() as edge:
            edge.stop()
            accepting = await asyncio.get_running_loop().create_server(edge._accept, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection("127.0.0.1", accepting.sockets[0].getsockname()[1])
            writer.write(b"x")
            with suppress(ConnectionResetError):
                assert await reader.read(1) == b""
            while edge.connections_open:  # noqa: ASYNC110 - it is to be so by itself
                await asyncio.sleep(0.01)
            writer.close()
            accepting.close()

    asyncio.run(asyncio.wait_for(come(), 20))


def test_caller_that_does_not_read_cannot_keep_a_connection_that_was_closed(our_server, upstream, dial, wait_until):
    proxy = our_server.proxy(upstream.port)
    caller, callee = dial(proxy), upstream.accept()
    callee.settimeout(0.2)
    with pytest.raises(TimeoutError):
        callee.sendall(bytes(64 * 1024**2))
    assert proxy.ask("PATCH", body={"enabled": False}).status_code == 200
    wait_until(lambda: our_server.counters(proxy.name)["connections_open"] == 0)
    caller.close()


def test_name_with_addresses_of_both_kinds_is_listened_on_at_the_first_of_ipv4():
    async def look():
        loop = asyncio.get_running_loop()

        async def found(*_, **__):
            hosts = [("::1", socket.AF_INET6), ("127.0.0.2", socket.AF_INET), ("127.0.0.3", socket.AF_INET)]
            return [(family, socket.SOCK_STREAM, 6, "", (host, 80)) for host, family in hosts]

        loop.getaddrinfo = found
        return await resolve(Address("both", 80))

    assert asyncio.run(look()) == Address("127.0.0.2", 80)


def test_name_that_nobody_knows_of_soon_holds_up_the_other_requests_only_for_a_while(monkeypatch):
    monkeypatch.setattr("seatrial.chaos.proxy.address.RESOLVE_DEADLINE_S", 0.05)

    async def look():
        asyncio.get_running_loop().getaddrinfo = lambda *_, **__: asyncio.sleep(60)
        async with asyncio.timeout(20):
            await resolve(Address("slow", 80))

    with pytest.raises(Refusal, match="listen tcp: lookup slow: i/o timeout"):
        asyncio.run(look())
