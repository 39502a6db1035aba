"""What toxics do to bytes on the wire, in ours and in the original.

Times have lower bounds only, or upper bounds so loose that a busy machine does not break them.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time

import pytest


class Watch:
    """Seconds since it was made, or since it was last asked to start again."""

    def __init__(self):
        self._start = time.monotonic()

    def read_s(self):
        return time.monotonic() - self._start


@pytest.fixture
def talk(read_exactly):
    """Sends bytes through an echo and gives what comes back, and how long it took."""

    def send(caller, data):
        watch = Watch()
        caller.sendall(data)
        return read_exactly(caller, len(data)), watch.read_s()

    return send


def test_without_toxics_everything_passes_both_ways(toxiproxy_server, echo, dial, talk):
    data = random.Random(1).randbytes(2_000_000)
    caller = dial(toxiproxy_server.proxy(echo))
    sender = threading.Thread(target=caller.sendall, args=(data,))
    sender.start()
    digest = hashlib.sha256()
    left = len(data)
    while left:
        found = caller.recv(65_536)
        assert found
        digest.update(found)
        left -= len(found)
    sender.join()
    assert digest.digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_delays_by_at_least_its_time(toxiproxy_server, echo, dial, talk, stream):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", stream=stream, latency=300)
    found, took_s = talk(dial(proxy), b"hello")
    assert found == b"hello"
    assert 0.29 <= took_s < 5


def test_latencies_of_one_stream_add_up(toxiproxy_server, echo, dial, talk):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", name="one", latency=150)
    proxy.add("latency", name="two", latency=150)
    assert talk(dial(proxy), b"x")[1] >= 0.29


def test_latency_keeps_order_and_does_not_limit_throughput(toxiproxy_server, echo, dial, read_exactly):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", latency=200, jitter=150)
    caller = dial(proxy)
    watch = Watch()
    for number in range(40):
        caller.sendall(bytes([number]))
        time.sleep(0.005)
    assert read_exactly(caller, 40) == bytes(range(40))
    assert watch.read_s() < 4  # one after the other they would take 8 s on the average


def test_new_toxic_acts_on_an_open_connection(toxiproxy_server, echo, dial, talk):
    proxy = toxiproxy_server.proxy(echo)
    caller = dial(proxy)
    talk(caller, b"x")
    proxy.add("latency", latency=300)
    assert talk(caller, b"y")[1] >= 0.29


def test_removing_latency_flushes_what_it_held(toxiproxy_server, echo, dial, is_silent):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("latency", latency=60_000)
    caller = dial(proxy)
    caller.sendall(b"held")
    assert is_silent(caller)
    proxy.remove(toxic)
    assert caller.recv(10) == b"held"


def test_reset_of_the_server_flushes_too(toxiproxy_server, echo, dial, is_silent):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", latency=60_000)
    caller = dial(proxy)
    caller.sendall(b"held")
    assert is_silent(caller)
    toxiproxy_server.ask("POST", "/reset")
    assert caller.recv(10) == b"held"


def test_updated_latency_acts_at_once(toxiproxy_server, echo, dial, talk):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("latency", latency=60_000)
    caller = dial(proxy)
    proxy.ask("POST", f"/toxics/{toxic}", {"attributes": {"latency": 200}})
    assert 0.19 <= talk(caller, b"x")[1] < 20


def test_bandwidth_counts_kilobytes_of_a_thousand(toxiproxy_server, echo, dial, talk):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("bandwidth", rate=100)
    found, took_s = talk(dial(proxy), b"x" * 60_000)
    assert len(found) == 60_000
    assert 0.5 <= took_s < 6


def test_bandwidth_of_zero_stalls_until_it_is_removed(toxiproxy_server, echo, dial, is_silent):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("bandwidth", stream="upstream", rate=0)
    caller = dial(proxy)
    caller.sendall(b"held")
    assert is_silent(caller)
    proxy.remove(toxic)
    assert caller.recv(10) == b"held"


def test_slow_close_delays_only_the_end(toxiproxy_server, upstream, dial):
    proxy = toxiproxy_server.proxy(upstream.port)
    proxy.add("slow_close", delay=400)
    caller = dial(proxy)
    callee = upstream.accept()
    watch = Watch()
    callee.sendall(b"data")
    callee.close()
    assert caller.recv(10) == b"data"
    assert caller.recv(10) == b""
    assert watch.read_s() >= 0.39


def test_timeout_drops_data_and_closes_after_its_time(toxiproxy_server, echo, dial, how_it_ended):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("timeout", timeout=400)
    caller = dial(proxy)
    watch = Watch()
    caller.sendall(b"lost")
    assert caller.recv(10) == b""
    assert watch.read_s() >= 0.38


def test_timeout_starts_again_with_every_chunk(toxiproxy_server, echo, dial, how_it_ended):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("timeout", stream="upstream", timeout=1000)
    caller = dial(proxy)
    watch = Watch()
    for _ in range(4):
        time.sleep(0.2)
        caller.sendall(b"x")
    assert how_it_ended(caller) == "end"
    assert watch.read_s() >= 1.75


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_timeout_of_zero_never_closes_but_its_removal_does(
    toxiproxy_server, echo, dial, how_it_ended, stream, is_silent
):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("timeout", stream=stream, timeout=0)
    caller = dial(proxy)
    caller.sendall(b"lost")
    assert is_silent(caller, for_s=0.5)
    proxy.remove(toxic)
    assert how_it_ended(caller) == "end"


def test_timeout_updated_from_zero_closes_after_the_new_time(toxiproxy_server, echo, dial, how_it_ended):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("timeout", timeout=0)
    caller = dial(proxy)
    caller.sendall(b"lost")
    watch = Watch()
    proxy.ask("POST", f"/toxics/{toxic}", {"attributes": {"timeout": 300}})
    assert how_it_ended(caller) == "end"
    assert watch.read_s() >= 0.28


@pytest.mark.parametrize("timeout_ms", [0, 300])
def test_reset_peer_resets_after_its_time(toxiproxy_server, echo, dial, how_it_ended, timeout_ms):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("reset_peer", stream="upstream", timeout=timeout_ms)
    caller = dial(proxy)
    watch = Watch()
    caller.sendall(b"x")
    assert how_it_ended(caller) == "reset"
    assert watch.read_s() >= timeout_ms / 1000 - 0.02


def test_reset_peer_leaves_an_idle_connection_alone(toxiproxy_server, echo, dial, is_silent):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("reset_peer", timeout=0)
    assert is_silent(dial(proxy))


def test_slicer_cuts_into_pieces_with_pauses(toxiproxy_server, upstream, dial, read_exactly):
    proxy = toxiproxy_server.proxy(upstream.port)
    proxy.add("slicer", stream="upstream", average_size=10, size_variation=3, delay=50_000)
    caller = dial(proxy)
    callee = upstream.accept()
    data = random.Random(2).randbytes(100)
    watch = Watch()
    caller.sendall(data)
    assert read_exactly(callee, 100) == data
    assert watch.read_s() >= 0.29  # of 13 bytes at most there are eight; a starved reader may find some together


def test_limit_data_passes_exactly_so_many_bytes(toxiproxy_server, echo, dial, read_exactly):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("limit_data", bytes=5)
    caller = dial(proxy)
    caller.sendall(b"0123456789")
    assert read_exactly(caller, 10) == b"01234"
    assert read_exactly(dial(proxy), 0) == b""


def test_limit_data_goes_on_counting_after_an_update(toxiproxy_server, echo, dial, read_exactly):
    proxy = toxiproxy_server.proxy(echo)
    toxic = proxy.add("limit_data", bytes=5)
    caller = dial(proxy)
    caller.sendall(b"012")
    assert read_exactly(caller, 3) == b"012"
    proxy.ask("POST", f"/toxics/{toxic}", {"attributes": {"bytes": 10}})
    caller.sendall(b"3456789abcdef")
    assert read_exactly(caller, 13) == b"3456789"


def test_limit_data_of_zero_closes_at_the_first_byte(toxiproxy_server, echo, dial, how_it_ended, is_silent):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("limit_data", stream="upstream", bytes=0)
    caller = dial(proxy)
    assert is_silent(caller)
    caller.sendall(b"x")
    assert how_it_ended(caller) == "end"


def test_toxicity_of_zero_hits_nobody(toxiproxy_server, echo, dial, talk):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("timeout", timeout=0, toxicity=0.0)
    assert [talk(dial(proxy), b"x")[0] for _ in range(5)] == [b"x"] * 5


def test_toxicity_is_drawn_once_per_connection(toxiproxy_server, echo, dial, read_exactly):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("limit_data", bytes=1, toxicity=0.5)
    found = []
    for _ in range(40):
        caller = dial(proxy)
        caller.sendall(b"0123456789")
        found.append(len(read_exactly(caller, 10)))
    assert set(found) == {1, 10}  # all alike has a chance of 2 in 10^12


def test_dead_upstream_accepts_and_then_closes(toxiproxy_server, dial, upstream):
    upstream.close()
    proxy = toxiproxy_server.proxy(upstream.port)
    assert dial(proxy).recv(1) == b""


def test_end_of_the_upstream_reaches_the_caller(toxiproxy_server, upstream, dial, how_it_ended):
    caller = dial(toxiproxy_server.proxy(upstream.port))
    upstream.accept().close()
    assert how_it_ended(caller) == "end"
