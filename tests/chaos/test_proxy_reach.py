"""How far toxics reached: what they matched, and what of that they hit. Ours alone."""

from __future__ import annotations

import pytest

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
REMEMBERED = 100


@pytest.fixture
def proxy(our_server, echo):
    return our_server.proxy(echo)


def reached(proxy, key="toxics"):
    return {name: (each["matched"], each["hit"]) for name, each in proxy.server.counters(proxy.name)[key].items()}


def say(connected):
    connected.sendall(REQUEST)
    assert connected.recv(100)


BYTES = [
    ("latency", {"latency": 1}),
    ("bandwidth", {"rate": 9999}),
    ("slicer", {"average_size": 9}),
    ("limit_data", {"bytes": 999}),
]


@pytest.mark.parametrize(("kind", "attributes"), BYTES)
@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_toxic_that_needs_bytes_hits_connections_once_some_come(proxy, dial, kind, attributes, stream):
    say(dial(proxy))
    toxic = proxy.add(kind, stream=stream, **attributes)
    assert reached(proxy) == {toxic: (1, 0)}
    say(dial(proxy))
    assert reached(proxy) == {toxic: (2, 2)}


@pytest.mark.parametrize(("kind", "attributes"), [("slow_close", {"delay": 1}), ("timeout", {"timeout": 0})])
def test_toxic_that_needs_none_hits_idle_connections(proxy, dial, kind, attributes):
    say(dial(proxy))
    toxic = proxy.add(kind, **attributes)
    assert reached(proxy) == {toxic: (1, 1)}


def test_toxic_without_a_connection_matched_none(proxy):
    assert reached(proxy) == {}
    toxic = proxy.add("timeout", timeout=0)
    assert reached(proxy) == {toxic: (0, 0)}


def test_toxicity_that_chose_no_connection_hit_none(proxy, dial):
    toxic = proxy.add("latency", toxicity=0.0, latency=1)
    say(dial(proxy))
    assert reached(proxy) == {toxic: (1, 0)}
    assert proxy.ask("PATCH", f"/toxics/{toxic}", {"toxicity": 1.0}).status_code == 200
    assert reached(proxy) == {toxic: (1, 1)}


def test_bytes_that_were_under_way_when_a_toxic_came_go_on_and_count(proxy, dial, wait_until):
    holds = proxy.add("latency", name="holds", latency=60_000)
    caller = dial(proxy)
    caller.sendall(REQUEST)
    wait_until(lambda: proxy.server.counters(proxy.name)["bytes_down"] == len(REQUEST))
    behind = proxy.add("latency", name="behind", latency=1)
    proxy.remove(holds)
    assert caller.recv(100)
    assert reached(proxy)[behind] == (1, 1)


def test_what_removed_toxics_had_reached_is_told(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port)
    slow = proxy.add("latency", latency=1)
    failing = proxy.ask("POST", "/toxics", {"type": "http_error", "attributes": {"every": 2}}).json()["name"]
    caller, callee = dial(proxy), upstream.accept()
    for at in range(3):
        caller.sendall(REQUEST)
        if at != 1:
            assert callee.recv(100) == REQUEST
            callee.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert caller.recv(1000).startswith(b"HTTP/1.1 503" if at == 1 else b"HTTP/1.1 204")
    proxy.remove(slow)
    proxy.remove(failing)
    assert reached(proxy) == {}
    assert reached(proxy, "removed") == {slow: (1, 1), failing: (3, 1)}


def test_of_removed_toxics_the_newest_are_remembered(proxy):
    for number in range(REMEMBERED + 5):
        proxy.remove(proxy.add("latency", name=f"t{number}", latency=1))
    proxy.remove(proxy.add("latency", name="t50", latency=1))
    assert list(reached(proxy, "removed")) == [
        *(f"t{number}" for number in range(5, REMEMBERED + 5) if number != 50), "t50"
    ]  # fmt: skip
