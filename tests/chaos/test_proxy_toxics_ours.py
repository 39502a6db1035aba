"""What our toxics and connections do better than Toxiproxy's, on the wire."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
import time

import pytest


class Watch:
    """Seconds since it was made, or since it was last asked to start again."""

    def __init__(self):
        self._start = time.monotonic()

    def read_s(self):
        return time.monotonic() - self._start


def test_our_half_close_lets_the_answer_through(our_server, upstream, dial, read_exactly):
    caller = dial(our_server.proxy(upstream.port))
    callee = upstream.accept()
    caller.sendall(b"ask")
    caller.shutdown(socket.SHUT_WR)
    assert read_exactly(callee, 10) == b"ask"
    callee.sendall(b"late answer")
    callee.close()
    assert read_exactly(caller, 100) == b"late answer"


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_our_reset_peer_resets_open_connections_and_both_sides(
    our_server, upstream, dial, how_it_ended, read_exactly, stream
):
    proxy = our_server.proxy(upstream.port)
    caller, callee = dial(proxy), upstream.accept()
    caller.sendall(b"x")
    assert read_exactly(callee, 1) == b"x"
    proxy.add("reset_peer", stream=stream, timeout=0)
    (caller if stream == "upstream" else callee).sendall(b"y")
    assert [how_it_ended(caller), how_it_ended(callee)] == ["reset", "reset"]


def test_our_reset_peer_can_be_removed_while_it_waits(our_server, echo, dial, is_silent):
    proxy = our_server.proxy(echo)
    toxic = proxy.add("reset_peer", stream="upstream", timeout=60_000)
    caller = dial(proxy)
    caller.sendall(b"held")
    assert is_silent(caller)
    proxy.remove(toxic)
    assert caller.recv(10) == b"held"


def test_our_reset_peer_with_toxicity_zero_closes_in_order(our_server, echo, dial, how_it_ended):
    proxy = our_server.proxy(echo)
    proxy.add("reset_peer", stream="upstream", timeout=0, toxicity=0.0)
    caller = dial(proxy)
    caller.sendall(b"x")
    caller.shutdown(socket.SHUT_WR)
    assert how_it_ended(caller) == "end"


def test_caller_that_gave_up_on_our_black_hole_leaves_no_connection(
    our_server, upstream, dial, wait_until, is_silent
):
    proxy = our_server.proxy(upstream.port)
    for stream in ("upstream", "downstream"):
        toxic = proxy.add("timeout", stream=stream, timeout=0)
        caller, callee = dial(proxy), upstream.accept()
        caller.sendall(b"x")
        assert is_silent(caller, for_s=0.1)
        caller.close()
        while callee.recv(10):
            pass
        callee.close()
        wait_until(lambda: our_server.counters(proxy.name)["connections_open"] == 0)
        proxy.remove(toxic)


def test_black_hole_hides_the_end_of_the_upstream(our_server, upstream, dial, is_silent):
    proxy = our_server.proxy(upstream.port)
    proxy.add("timeout", timeout=0)
    caller = dial(proxy)
    upstream.accept().close()
    assert is_silent(caller, for_s=0.5)


def test_dead_upstream_resets_a_caller_that_has_sent(our_server, upstream, dial, how_it_ended):
    upstream.close()
    proxy = our_server.proxy(upstream.port)
    caller = dial(proxy)
    caller.sendall(b"x")
    assert how_it_ended(caller) == "reset"


def test_black_holed_dial_holds_up_nobody_and_ends(our_server, dial, echo, how_it_ended):
    with full_backlog() as port:
        proxy = our_server.proxy(port)
        waiting = dial(proxy)
        watch = Watch()
        other = dial(our_server.proxy(echo))
        other.sendall(b"x")
        assert other.recv(1) == b"x"
        assert proxy.ask("PATCH", body={"upstream": f"127.0.0.1:{echo}"}).status_code == 200
        assert how_it_ended(waiting) == "end"
        assert watch.read_s() < 15


def test_dial_is_given_up_at_its_deadline(our_server, dial, how_it_ended):
    with full_backlog() as port:
        watch = Watch()
        caller = dial(our_server.proxy(port))
        caller.sendall(b"early bytes")
        assert how_it_ended(caller) == "reset"
        assert 4.9 <= watch.read_s() < 19


def test_slow_reader_holds_the_sender_up(our_server, upstream, dial):
    caller = dial(our_server.proxy(upstream.port))
    callee = upstream.accept()
    data = random.Random(3).randbytes(64 * 1024 * 1024)
    sender = threading.Thread(target=callee.sendall, args=(data,))
    sender.start()
    sender.join(1.0)
    held_up = sender.is_alive()
    digest, left = hashlib.sha256(), len(data)
    while left:
        found = caller.recv(1_000_000)
        assert found
        digest.update(found)
        left -= len(found)
    sender.join()
    assert held_up
    assert digest.digest() == hashlib.sha256(data).digest()


def test_toxics_come_and_go_without_harm_to_the_stream(our_server, echo, dial):
    proxy = our_server.proxy(echo)
    caller = dial(proxy)
    data = random.Random(4).randbytes(3_000_000)
    sender = threading.Thread(target=caller.sendall, args=(data,))
    sender.start()
    digest, left, turn = hashlib.sha256(), len(data), 0
    while left:
        found = caller.recv(65_536)
        assert found
        digest.update(found)
        left -= len(found)
        turn += 1
        if turn % 5 == 0:
            for toxic in [each["name"] for each in proxy.ask("GET", "/toxics").json()]:
                proxy.remove(toxic)
        if turn % 5 == 2:
            proxy.add("latency", latency=5, jitter=4)
            proxy.add("slicer", stream="upstream", average_size=900, size_variation=300, delay=10)
            proxy.add("bandwidth", rate=20_000)
    sender.join()
    assert digest.digest() == hashlib.sha256(data).digest()


def test_seed_makes_every_chance_the_same(start_ours, echo, dial, read_exactly):
    def hits(seed):
        server = start_ours("--seed", seed)
        proxy = server.proxy(echo)
        proxy.add("limit_data", bytes=1, toxicity=0.5)
        found = []
        for _ in range(24):
            caller = dial(proxy)
            caller.sendall(b"01")
            found.append(len(read_exactly(caller, 2)))
        return found

    first, same, other = hits("7"), hits("7"), hits("8")
    assert first == same
    assert first != other


class full_backlog:  # noqa: N801 - used like a function
    """A port whose accept queue is full, so that a connect to it hangs."""

    def __enter__(self):
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(0)
        self._callers = []
        while self._connects():
            pass
        return self._listening.getsockname()[1]

    def _connects(self):
        caller = socket.socket()
        caller.settimeout(0.5)
        self._callers.append(caller)
        try:
            caller.connect(self._listening.getsockname())
        except TimeoutError:
            return False
        return True

    def __exit__(self, *_):
        for each in (*self._callers, self._listening):
            each.close()
