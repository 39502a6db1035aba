"""What connections leave in the proxy when they are over: nothing. Ours alone."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
import threading
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from seatrial.chaos.proxy.connection import Connection
from seatrial.chaos.proxy.fields import read_proxies
from seatrial.chaos.proxy.model import parse_proxy_list
from seatrial.chaos.proxy.proxies import Proxies

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
TOXICS = [
    {"type": "latency", "attributes": {"latency": 60_000}},
    {"type": "slow_close", "attributes": {"delay": 60_000}},
    {"type": "bandwidth", "attributes": {"rate": 0}},
    {"type": "timeout", "attributes": {"timeout": 60_000}},
    {"type": "reset_peer", "attributes": {"timeout": 60_000}},
    {"type": "slicer", "attributes": {"average_size": 1, "delay": 1_000_000}},
]


def come_and_go(port, times, problems):
    """Connect, ask something, and leave: in order, with a reset, or at once."""
    try:
        for number in range(times):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
                if number % 4:
                    caller.sendall(REQUEST)
                if number % 4 > 1:
                    assert caller.recv(1)
                if number % 4 == 3:
                    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except (OSError, AssertionError) as problem:
        problems.append(problem)


def cycle(server, proxy, connections, wait_until):
    """So many connections by four callers; gives memory and descriptors when all are over."""
    problems, each = [], connections // 4
    callers = [threading.Thread(target=come_and_go, args=(proxy.port, each, problems)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not problems
    wait_until(lambda: server.counters(proxy.name)["connections_open"] == 0)
    process = psutil.Process(server.pid)
    return process.memory_info().rss, process.num_fds()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_ten_thousand_connections_leave_memory_and_descriptors_as_before(start_ours, echo, wait_until, loop):
    pytest.importorskip(loop)
    server = start_ours("--loop", loop)
    proxy = server.proxy(echo)
    memory, descriptors = cycle(server, proxy, 2_000, wait_until)
    later_memory, later_descriptors = cycle(server, proxy, 8_000, wait_until)
    # The newest 65,536 starts and ends of exchanges are kept: at most a kilobyte for each exchange of these.
    assert later_memory - memory < 6_000 * 1024 + 4 * 1024**2
    assert later_descriptors <= descriptors + 1


@pytest.mark.parametrize("toxic", TOXICS, ids=[toxic["type"] for toxic in TOXICS])
@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_connection_cut_under_a_toxic_leaves_no_task_no_timer_and_no_object(toxic, stream):
    wanted = {"name": "a", "listen": "127.0.0.1:0", "toxics": [toxic | {"stream": stream}]}
    before, left = asyncio.run(asyncio.wait_for(cut_one(wanted), 20))
    assert left == before


async def cut_one(wanted):
    """What is there before there is a connection, and after one with bytes under way in both directions was cut."""
    before = what_is_there()
    async with upstream_that_speaks() as port:
        proxies = Proxies(seed="1")
        text = json.dumps([wanted | {"upstream": f"127.0.0.1:{port}"}]).encode()
        populated = await proxies.populate(parse_proxy_list(read_proxies(text), host="127.0.0.1"))
        edge = populated.edges[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.listen.port)
        writer.write(b"0123456789")
        while what_is_there()["connections"] == before["connections"]:  # noqa: ASYNC110 - the proxy takes it by itself
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        proxies.delete(edge)
        await reader.read()
        writer.close()
    del edge, proxies, populated
    for _ in range(100):
        await asyncio.sleep(0.02)
        if what_is_there() == before:
            break
    return before, what_is_there()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_connection_that_is_cut_as_its_upstream_is_reached_is_over(loop, monkeypatch):
    """uvloop tells nobody of the end of a transport whose dial is cancelled after it was made."""
    made = Connection.made

    def made_and_cut(self, side):
        made(self, side)
        if side is self.server:
            self.cut()

    async def come():
        async with upstream_that_speaks() as port:
            proxies = Proxies(seed="1")
            text = json.dumps([{"name": "a", "upstream": f"127.0.0.1:{port}"}]).encode()
            edge = (await proxies.populate(parse_proxy_list(read_proxies(text), host="127.0.0.1"))).edges[0]
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.listen.port)
            await reader.read()
            writer.close()
            while edge.connections_open:  # noqa: ASYNC110 - it is to be so by itself
                await asyncio.sleep(0.01)
            proxies.close()

    monkeypatch.setattr(Connection, "made", made_and_cut)
    pytest.importorskip(loop).run(asyncio.wait_for(come(), 20))


@asynccontextmanager
async def upstream_that_speaks():
    """The port of an upstream that says something to whoever comes, and then only listens."""

    async def speak(reader, writer):
        writer.write(b"0123456789")
        with suppress(OSError):
            while await reader.read(100):
                pass
        writer.close()

    listening = await asyncio.start_server(speak, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


def what_is_there():
    """Tasks, timers that would still ring, connections of the proxy."""
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "timers": sum(not timer.cancelled() for timer in asyncio.get_running_loop()._scheduled),
        "connections": sum(isinstance(each, Connection) for each in gc.get_objects()),
    }


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_half_open_peers_cost_two_descriptors_and_go_with_their_proxy(start_ours, upstream, dial, wait_until, loop):
    pytest.importorskip(loop)
    server = start_ours("--loop", loop)
    proxy = server.proxy(upstream.port)
    process = psutil.Process(server.pid)
    server.counters(proxy.name)
    before = process.num_fds()
    for _ in range(20):
        caller, callee = dial(proxy), upstream.accept()
        caller.shutdown(socket.SHUT_WR)
        assert callee.recv(1) == b""
    assert process.num_fds() == before + 2 * 20
    assert server.ask("DELETE", f"/proxies/{proxy.name}").status_code == 204
    wait_until(lambda: process.num_fds() <= before - 1)
