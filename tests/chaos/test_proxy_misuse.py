"""What nobody should ask of a proxy: each a sentence, nothing broken, nothing left. Ours alone."""

from __future__ import annotations

import asyncio
import threading

import psutil
import pytest

from seatrial.chaos.proxy.address import Address
from seatrial.chaos.proxy.way import Hop, way_back


def refusal(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()["error"].removeprefix("bad request body: ")


def create(server, name, listen, upstream, **more):
    return server.ask("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream} | more)


@pytest.mark.parametrize(
    ("listen", "host"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "localhost"), ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.7")],
)
def test_proxy_before_itself_is_refused(our_server, free_port, listen, host):
    answer = create(our_server, "a", f"{listen}:{free_port}", f"{host}:{free_port}")
    assert refusal(answer) == f"upstream {host}:{free_port} leads back to the proxy itself: a -> a"
    assert our_server.ask("GET", "/proxies").json() == {}


def test_proxies_that_lead_to_each_other_are_refused(our_server, echo, free_port):
    last = our_server.proxy(free_port, name="last")
    middle = our_server.proxy(last.port, name="middle")
    answer = create(our_server, "first", f"127.0.0.1:{free_port}", f"127.0.0.1:{middle.port}")
    said = f"upstream 127.0.0.1:{middle.port} leads back to the proxy itself: first -> middle -> last -> first"
    assert refusal(answer) == said
    assert create(our_server, "first", f"127.0.0.1:{free_port}", f"127.0.0.1:{echo}").status_code == 201


def test_update_that_leads_back_is_refused_and_changes_nothing(our_server, echo, dial):
    proxy = our_server.proxy(echo, name="a")
    before = proxy.ask("GET").json()
    answer = proxy.ask("PATCH", body={"upstream": f"127.0.0.1:{proxy.port}"})
    assert refusal(answer) == f"upstream 127.0.0.1:{proxy.port} leads back to the proxy itself: a -> a"
    assert proxy.ask("GET").json() == before
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"


def test_populate_that_leads_back_is_refused_and_keeps_what_stands(our_server, echo):
    proxy = our_server.proxy(echo, name="a")
    wanted = {"name": "a", "listen": f"127.0.0.1:{proxy.port}", "upstream": f"127.0.0.1:{proxy.port}"}
    assert "leads back" in refusal(our_server.ask("POST", "/populate", [wanted]))
    assert proxy.ask("GET").json()["upstream"] == f"127.0.0.1:{echo}"


def test_chain_of_proxies_is_no_way_back(our_server, echo, dial):
    port = echo
    for _ in range(5):
        port = our_server.proxy(port).port
    caller = dial(our_server.proxy(port))
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"


@pytest.mark.parametrize(
    ("listen", "upstream", "way"),
    [
        (Address("::1", 7), Address("::1", 7), ["a"]),
        (Address("::", 7), Address("127.0.0.1", 7), ["a"]),
        (Address("127.0.0.1", 7), Address("::ffff:127.0.0.1", 7), ["a"]),
        (Address("::ffff:127.0.0.1", 7), Address("127.0.0.1", 7), ["a"]),
        (Address("0.0.0.0", 7), Address("::ffff:127.0.0.1", 7), ["a"]),
        (Address("0.0.0.0", 7), Address("::1", 7), []),
        (Address("127.0.0.1", 7), Address("::", 7), []),
        (Address("192.0.2.1", 7), Address("0.0.0.0", 7), []),
        (Address("127.0.0.1", 7), Address("127.0.0.2", 7), []),
        (Address("0.0.0.0", 7), Address("192.0.2.1", 7), []),
        (Address("127.0.0.1", 0), Address("127.0.0.1", 0), []),
        (Address("127.0.0.1", 7), Address("\udcff", 7), []),
    ],
)
def test_way_back_is_found_by_address(listen, upstream, way):
    assert asyncio.run(way_back(Hop("a", listen, upstream), [])) == way


def test_way_into_a_circle_of_others_ends():
    others = [
        Hop("b", Address("127.0.0.1", 2), Address("127.0.0.1", 3)),
        Hop("c", Address("127.0.0.1", 3), Address("127.0.0.1", 2)),
    ]
    assert asyncio.run(way_back(Hop("a", Address("127.0.0.1", 1), Address("127.0.0.1", 2)), others)) == []


def toxic(index, stream="downstream"):
    return {"type": "noop", "name": f"t{index}", "stream": stream}


def test_ten_thousand_toxics_are_refused_at_once(our_server, free_port):
    toxics = [toxic(index) for index in range(10_000)]
    answer = create(our_server, "a", f"127.0.0.1:{free_port}", "127.0.0.1:1", toxics=toxics)
    assert refusal(answer) == "toxics has 10000 entries; at most 100 may act on a proxy"
    assert our_server.ask("GET", "/proxies").json() == {}


@pytest.mark.parametrize("kind", ["noop", "latency", "slow_close", "slicer", "http_error"])
def test_hundred_toxics_work_and_one_more_is_refused(our_server, echo, dial, kind):
    attributes = {"slicer": {"average_size": 100}}.get(kind, {})
    proxy = our_server.proxy(echo, name="a")
    caller = dial(proxy)
    for index in range(100):
        wanted = {"type": kind, "name": f"t{index}", "toxicity": 0 if kind == "http_error" else 1}
        assert proxy.ask("POST", "/toxics", wanted | {"attributes": attributes}).status_code == 200
    said = "a has 100 toxics, and no more may act on a proxy; remove some first"
    assert refusal(proxy.ask("POST", "/toxics", toxic(100))) == said
    for connected in (caller, dial(proxy)):
        connected.sendall(b"x")
        assert connected.recv(1) == b"x"
        connected.close()
    assert our_server.ask("POST", "/reset").status_code == 204


def test_body_of_a_gigabyte_passes_a_slicer_in_bounded_memory(start_ours, upstream, dial):
    size, piece = 1024**3, memoryview(bytes(1024**2))
    server = start_ours()
    proxy = server.proxy(upstream.port, name="a")
    proxy.add("slicer", average_size=16_384, size_variation=64)
    caller, callee = dial(proxy), upstream.accept()
    process = psutil.Process(server.pid)
    before, highest, received = process.memory_info().rss, 0, 0
    sending = threading.Thread(target=lambda: [callee.sendall(piece) for _ in range(size // len(piece))], daemon=True)
    sending.start()
    room = bytearray(len(piece))
    while received < size:
        for _ in range(64):
            received += caller.recv_into(room, min(len(room), size - received)) if received < size else 0
        highest = max(highest, process.memory_info().rss)
    sending.join(timeout=60)
    assert received == size
    assert highest - before < 16 * 1024**2


def test_caller_that_does_not_read_leaves_little_in_a_slicer(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port, name="a")
    proxy.add("slicer", average_size=500)
    _, callee = dial(proxy), upstream.accept()
    process = psutil.Process(our_server.pid)
    before = process.memory_info().rss
    callee.settimeout(1.5)
    with pytest.raises(TimeoutError):
        callee.sendall(bytes(256 * 1024**2))
    assert process.memory_info().rss - before < 48 * 1024**2
