"""The watch of exchanges, on real traffic through our proxy and the original."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial import http
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.clock import SteadyClock, SystemClock
from seatrial.errors import CannotRun, Unsupported
from seatrial.exchange import Response
from seatrial.sample import CallsLost

TRACE = "0af7651916cd43dd8448eb211c80319c"


class _Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[int]:
    """The port of a small HTTP service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def watch(server, proxy) -> EdgeWatch:
    return EdgeWatch(server.api, "run", edges={proxy.name: "client->cards"}, clock=SystemClock())


def ask(proxy, path: str):
    url = f"http://127.0.0.1:{proxy.port}{path}"
    return http.request("GET", url, timeout_s=5.0, headers=[("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")])


def test_a_call_is_given_once_when_it_has_ended(our_server, service):
    proxy = our_server.proxy(service)
    watching = watch(our_server, proxy)
    watching.start()
    ask(proxy, "/cards?x=1")
    ask(proxy, "/missing")
    first, second = watching.poll()
    assert (first.edge, first.method, first.path, first.status) == ("client->cards", "GET", "/cards", 200)
    assert (first.trace_id, first.fate, second.status) == (TRACE, "done", 404)
    assert first.duration_s > 0
    assert watching.poll() == ()


def test_what_was_before_the_watch_is_not_given(our_server, service):
    proxy = our_server.proxy(service)
    ask(proxy, "/before")
    watching = watch(our_server, proxy)
    watching.start()
    ask(proxy, "/after")
    assert [call.path for call in watching.poll()] == ["/after"]


def test_a_call_that_hangs_is_given_by_flush(our_server, service, wait_until):
    proxy = our_server.proxy(service)
    proxy.add("timeout", timeout=0)
    watching = watch(our_server, proxy)
    watching.start()
    caller = threading.Thread(target=ask, args=(proxy, "/hangs"))
    caller.start()
    wait_until(lambda: our_server.counters(proxy.name)["requests_open"] == 1)
    assert watching.poll() == ()
    (hanging,) = watching.flush()
    assert (hanging.path, hanging.duration_s, hanging.fate) == ("/hangs", None, "open")
    proxy.ask("POST", "", {"enabled": False})
    caller.join()
    assert watching.poll() == (), "it was given already"


def test_a_call_that_began_later_than_what_is_flushed_is_given_when_it_ends(our_server, service, wait_until):
    proxy = our_server.proxy(service)
    proxy.add("timeout", timeout=0)
    watching = watch(our_server, proxy)
    watching.start()
    began = time.time()
    caller = threading.Thread(target=ask, args=(proxy, "/hangs"))
    caller.start()
    wait_until(lambda: our_server.counters(proxy.name)["requests_open"] == 1)
    assert watching.poll() == ()
    assert watching.flush(before=began - 60.0) == ()
    proxy.ask("POST", "", {"enabled": False})
    caller.join()
    (ended,) = watching.poll()
    assert (ended.path, ended.fate) == ("/hangs", "cut")
    assert ended.duration_s is not None


def test_proxies_that_are_no_edges_are_left_out(our_server, service):
    proxy, other = our_server.proxy(service), our_server.proxy(service)
    watching = watch(our_server, proxy)
    watching.start()
    ask(other, "/elsewhere")
    assert watching.poll() == ()


def test_a_server_without_exchanges_is_said_not_to_tell(toxiproxy_server, service):
    watching = watch(toxiproxy_server, toxiproxy_server.proxy(service))
    if toxiproxy_server.ask("GET", "/exchanges").status_code == 404:
        with pytest.raises(Unsupported, match="use the embedded proxy"):
            watching.start()
    else:
        watching.start()
        assert watching.poll() == ()


def test_a_proxy_that_is_gone_is_an_error():
    with pytest.raises(CannotRun, match="the proxy does not answer"):
        EdgeWatch("http://127.0.0.1:1", "run", edges={}, clock=SystemClock()).poll()


def test_events_that_were_overwritten_are_told_once_with_the_moment_they_were_missed(monkeypatch, clock):
    pages = iter([{"exchanges": [], "next": 9, "newest": 9, "lost": lost} for lost in (0, 7, 0)])
    body = (Response(200, (), json.dumps(page).encode(), 0.01) for page in pages)
    monkeypatch.setattr(http, "get", lambda url, timeout_s: next(body))
    watching = EdgeWatch("http://127.0.0.1:1", "run", edges={}, clock=clock)
    told = []
    for _ in range(3):
        watching.poll()
        told.append(watching.losses())
    assert told == [(), (CallsLost("run", clock.now(), 7),), ()]


def test_calls_are_told_by_the_watchers_clock_though_the_systems_was_set_between_their_starts(monkeypatch):
    clock = SteadyClock()
    monkeypatch.setattr("time.time", lambda: 0.0)  # whatever becomes of it since
    call = {"edge": "p", "id": 1, "method": "GET", "path": "/", "trace_id": "", "status": 200, "fate": "done"}
    seen_at = clock.now()
    event = {**call, "started_at": seen_at - 3600.0, "duration_s": 0.01, "first_byte_s": 0.01}
    events = [{**event, "event": "start"}, {**event, "event": "end"}]
    page = {"exchanges": events, "next": 2, "newest": 2, "lost": 0}
    page["epoch_of_monotonic"] = clock.epoch_of_monotonic - 3600.0
    body = json.dumps(page).encode()
    monkeypatch.setattr(http, "get", lambda url, timeout_s: Response(200, (), body, 0.01))
    (call,) = EdgeWatch("http://127.0.0.1:1", "run", edges={"p": "a->b"}, clock=clock).poll()
    assert call.started_at == pytest.approx(seen_at, abs=0.001)


def test_connections_are_counted_by_edge_those_of_an_exchange_apart(our_server, service, wait_until):
    proxy, other = our_server.proxy(service), our_server.proxy(service)
    proxy.add("timeout", timeout=0)
    caller = threading.Thread(target=ask, args=(proxy, "/hangs"))
    caller.start()
    with socket.create_connection(("127.0.0.1", proxy.port)), socket.create_connection(("127.0.0.1", other.port)):
        wait_until(lambda: our_server.counters(proxy.name)["requests_open"] == 1)
        wait_until(lambda: our_server.counters(proxy.name)["connections_open"] == 2)
        (counted,) = watch(our_server, proxy).connections()
    assert (counted.edge, counted.open, counted.busy) == ("client->cards", 2, 1)
    proxy.ask("POST", "", {"enabled": False})
    caller.join()
