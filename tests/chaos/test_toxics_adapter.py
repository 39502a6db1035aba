"""The adapter over toxiproxy-python, against our proxy and the original."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from seatrial.chaos.faults import means_of, resolve, restore, toxics
from seatrial.chaos.faults.injectable import Means, Reached, Site
from seatrial.chaos.faults.toxics import DisabledProxy, Toxic, ToxiproxyServer
from seatrial.chaos.model import (
    Bandwidth,
    Down,
    EdgeFault,
    HttpDelay,
    HttpError,
    HttpReplace,
    HttpTruncate,
    Kill,
    Latency,
    LimitData,
    ResetPeer,
    Selection,
    ServiceFault,
    Slicer,
    SlowClose,
    Stream,
    Timeout,
)
from seatrial.errors import CannotRun, FaultFailed, Unsupported
from seatrial.realm import EdgeProxy, Place, Realm, RuntimeKind
from seatrial.service import Edge

EDGE = Edge("cards", "ledger")


@pytest.fixture
def site(tmp_path: Path):
    """A realm whose edge goes through a proxy of the server under test."""

    def build(proxy) -> Site:
        edges = {str(EDGE): EdgeProxy(proxy.server.api, proxy.name)}
        realm = Realm("staging", RuntimeKind.EXTERNAL, {"ledger": Place("ledger", url="http://x")}, edges=edges)
        return Site(tmp_path, realm, None, "run-1", 30.0)

    return build


@pytest.mark.parametrize(
    ("settings", "kind", "stream", "attributes"),
    [
        (Latency(0.25, 0.05), "latency", "downstream", {"latency": 250, "jitter": 50}),
        (Timeout(0.0, Stream.UPSTREAM), "timeout", "upstream", {"timeout": 0}),
        (ResetPeer(0.1), "reset_peer", "downstream", {"timeout": 100}),
        (Bandwidth(100_000), "bandwidth", "downstream", {"rate": 100}),
        (SlowClose(2.0), "slow_close", "downstream", {"delay": 2000}),
        (Slicer(10, 3, 0.02), "slicer", "downstream", {"average_size": 10, "size_variation": 3, "delay": 20_000}),
        (LimitData(100, Stream.UPSTREAM), "limit_data", "upstream", {"bytes": 100}),
    ],
)
def test_a_toxic_is_injected_and_healed(toxiproxy_server, echo, site, settings, kind, stream, attributes):
    proxy = toxiproxy_server.proxy(echo)
    means, fault = resolve(EdgeFault(EDGE, settings), site(proxy))
    assert means is Means.PROXY
    fault.inject()
    (found,) = proxy.ask("GET", "/toxics").json()
    assert (found["type"], found["stream"], found["toxicity"]) == (kind, stream, 1)
    assert attributes.items() <= found["attributes"].items()
    assert "of the connections" not in fault.sight
    assert fault.heal().needed is True
    assert proxy.ask("GET", "/toxics").json() == []


def test_toxicity_goes_to_the_server(toxiproxy_server, echo, site):
    proxy = toxiproxy_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Timeout(0.0), toxicity=0.25), site(proxy))
    fault.inject()
    assert proxy.ask("GET", "/toxics").json()[0]["toxicity"] == 0.25
    assert " on 25 % of the connections of proxy" in fault.sight
    assert fault.heal().needed is True


HTTP = [
    (HttpDelay(0.25, 0.05, selection=Selection("/a")), {"delay": 250, "jitter": 50, "route": "/a"}),
    (HttpTruncate(5, Selection(every=2)), {"bytes": 5, "every": 2}),
    (
        HttpReplace(201, (("X-A", "b"),), "no", (("/a", "[1]"), ("/c", "null"))),
        {"status": 201, "headers": {"X-A": "b"}, "body": "no", "json": {"/a": [1], "/c": None}},
    ),
    (
        HttpError(429, "no", (("X-A", "b"),), 2, True),
        {"status": 429, "body": "no", "retry_after": 2, "forward": True},
    ),
    (HttpError(), {"status": 503, "forward": False}),
    (
        HttpError(selection=Selection("POST /a/*", "POST", (("X-A", "b*"),), 0.5, 3, 2)),
        {"route": "POST /a/*", "method": "POST", "request_headers": {"X-A": "b*"}, "probability": 0.5, "first": 3}
        | {"every": 2},
    ),
]


@pytest.mark.parametrize(("settings", "attributes"), HTTP)
def test_an_http_toxic_is_injected_and_healed_at_our_proxy(our_server, echo, site, settings, attributes):
    proxy = our_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, settings), site(proxy))
    fault.inject()
    (found,) = proxy.ask("GET", "/toxics").json()
    assert (found["type"], found["stream"], found["lease"]["holder"]) == (fault.type, "downstream", "run-1")
    assert attributes.items() <= found["attributes"].items()
    undo = {name: getattr(fault, name) for name in Toxic.__slots__}
    assert restore("proxy", fault.type, json.loads(json.dumps(undo))) == fault
    assert fault.heal().needed is True
    assert proxy.ask("GET", "/toxics").json() == []


@pytest.mark.parametrize("settings", [settings for settings, _ in HTTP])
def test_an_http_toxic_is_refused_where_the_server_is_the_original(toxiproxy_server, echo, site, settings):
    place = site(toxiproxy_server.proxy(echo))
    if toxiproxy_server.ask("GET", "/leases").status_code == 200:
        assert resolve(EdgeFault(EDGE, settings), place)
        return
    with pytest.raises(Unsupported, match="knows no HTTP; use the embedded proxy"):
        resolve(EdgeFault(EDGE, settings), place)


def test_healing_twice_is_no_error(toxiproxy_server, echo, site):
    proxy = toxiproxy_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(proxy))
    fault.inject()
    assert fault.heal().needed is True
    assert fault.heal().needed is False


def test_a_disabled_proxy_is_enabled_again(toxiproxy_server, echo, site):
    proxy = toxiproxy_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Down()), site(proxy))
    fault.inject()
    assert proxy.ask("GET").json()["enabled"] is False
    assert fault.heal().needed is True
    assert proxy.ask("GET").json()["enabled"] is True
    assert fault.heal().needed is False


def test_a_proxy_that_was_disabled_already_is_not_ours_to_enable(toxiproxy_server, echo, site):
    proxy = toxiproxy_server.proxy(echo, enabled=False)
    with pytest.raises(CannotRun, match="disabled already"):
        resolve(EdgeFault(EDGE, Down()), site(proxy))


def test_two_servers_are_not_mixed_up(toxiproxy_server, start_ours, echo, site):
    first, other = toxiproxy_server.proxy(echo), start_ours().proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(first))
    ToxiproxyServer(other.server.api).proxy(other.name)
    fault.inject()
    assert len(first.ask("GET", "/toxics").json()) == 1
    assert other.ask("GET", "/toxics").json() == []
    assert fault.heal().needed is True


def test_an_enabling_that_does_not_take_is_a_failure(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    proxy.ask("POST", "", {"enabled": False})
    server = ToxiproxyServer(toxiproxy_server.api)
    with socket.create_server(("127.0.0.1", proxy.port)), pytest.raises(FaultFailed, match=proxy.name):
        server.set_enabled(proxy.name, {"enabled": True})
    server.set_enabled(proxy.name, {"enabled": True})


def test_the_server_names_what_it_does_not_know(toxiproxy_server):
    server = ToxiproxyServer(toxiproxy_server.api)
    with pytest.raises(FaultFailed, match="proxy not found"):
        server.proxy("nobody")


def test_an_invalid_toxic_is_a_failure_with_the_servers_words(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    wanted = {"name": "x", "type": "latancy", "stream": "downstream", "toxicity": 1.0, "attributes": {}}
    with pytest.raises(FaultFailed, match="invalid toxic type"):
        ToxiproxyServer(toxiproxy_server.api).add_toxic(proxy.name, wanted)


def test_a_toxic_on_our_proxy_carries_a_lease(our_server, echo, site):
    proxy = our_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(proxy))
    fault.inject()
    (lease,) = our_server.ask("GET", "/leases").json()["leases"]
    assert (lease["holder"], lease["ttl_s"]) == ("run-1", 30.0)
    assert toxics.renew(fault.lease).held == (f"{proxy.name}/{fault.toxic}",)
    assert "lease 30 s" in fault.sight
    fault.heal()


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        (Latency(0.001), Reached(1, 1)),
        (HttpError(selection=Selection(method="GET")), Reached(1, 1)),
        (HttpError(selection=Selection(request_headers=(("X-Tenant", "blue"),))), Reached(0, 0)),
        (HttpError(selection=Selection(every=2)), Reached(1, 0)),
    ],
)
def test_healing_tells_how_far_the_fault_had_reached(our_server, echo, site, dial, settings, reached):
    proxy = our_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, settings), site(proxy))
    fault.inject()
    with dial(proxy) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert caller.recv(100)
        undone = fault.heal()
    assert undone.reached == reached
    assert undone.told == f"toxic removed (it matched {reached.matched} and hit {reached.hit})"
    assert fault.heal().reached is None


def test_the_original_does_not_tell_how_far_a_fault_had_reached(toxiproxy_server, echo, site):
    ours = toxiproxy_server.ask("GET", "/leases").status_code == 200
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(toxiproxy_server.proxy(echo)))
    fault.inject()
    assert fault.heal().reached == (Reached(0, 0) if ours else None)


def test_a_disabled_proxy_of_ours_carries_a_lease(our_server, echo, site):
    proxy = our_server.proxy(echo)
    _, fault = resolve(EdgeFault(EDGE, Down()), site(proxy))
    fault.inject()
    assert toxics.renew(fault.lease).held == (proxy.name,)
    fault.heal()
    assert toxics.renew(fault.lease).held == ()


def test_the_original_knows_no_leases_and_is_asked_for_none(toxiproxy_server, echo, site):
    ours = toxiproxy_server.ask("GET", "/leases").status_code == 200
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(toxiproxy_server.proxy(echo)))
    assert (fault.lease is not None) is ours


def test_healing_goes_on_without_the_library(toxiproxy_server, echo, site, monkeypatch: pytest.MonkeyPatch):
    proxy = toxiproxy_server.proxy(echo)
    _, slow = resolve(EdgeFault(EDGE, Latency(0.1)), site(proxy))
    _, down = resolve(EdgeFault(EDGE, Down()), site(proxy))
    slow.inject()
    down.inject()
    monkeypatch.setattr(ToxiproxyServer, "_call", _broken)
    assert down.heal().text == "proxy enabled without the library"
    assert slow.heal().text == "toxic removed without the library"
    monkeypatch.undo()
    assert proxy.ask("GET").json()["enabled"] is True
    assert proxy.ask("GET", "/toxics").json() == []


def _broken(*_: object, **__: object) -> None:
    raise FaultFailed("the library is broken")


def test_a_server_that_is_gone_holds_no_toxic(start_ours, echo, site):
    server = start_ours()
    _, fault = resolve(EdgeFault(EDGE, Latency(0.1)), site(server.proxy(echo)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = Toxic(**{**{name: getattr(fault, name) for name in Toxic.__slots__}, "api": _address(free)})
    undone = gone.heal()
    assert undone.needed is False
    assert "is gone" in undone.text


def test_a_server_that_never_answers_is_a_failure_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = ToxiproxyServer(_address(silent), timeout_s=0.2)
        with pytest.raises(FaultFailed, match="Timeout"):
            server.proxy("ledger")


def test_nothing_on_loopback_goes_through_a_proxy_of_the_environment(
    toxiproxy_server, echo, monkeypatch: pytest.MonkeyPatch
):
    proxy = toxiproxy_server.proxy(echo)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ToxiproxyServer(toxiproxy_server.api).proxy(proxy.name).enabled is True


def test_an_edge_without_a_proxy_is_named(our_server, echo, site):
    with pytest.raises(CannotRun, match="has no proxy on cards->feed; name the one that stands there"):
        resolve(EdgeFault(Edge("cards", "feed"), Latency(0.1)), site(our_server.proxy(echo)))


def test_only_a_service_of_a_runtime_can_be_killed(our_server, echo, site):
    realm = site(our_server.proxy(echo)).realm
    with pytest.raises(Unsupported, match="only knows the url of 'ledger'"):
        means_of(ServiceFault("ledger", Kill()), realm)


def test_a_fault_of_the_ledger_is_built_again_as_it_was(our_server, echo, site):
    proxy = our_server.proxy(echo)
    for settings, kind in ((Latency(0.1), Toxic), (Down(), DisabledProxy)):
        _, fault = resolve(EdgeFault(EDGE, settings), site(proxy))
        undo = {name: getattr(fault, name) for name in kind.__slots__}
        assert restore("proxy", "down" if kind is DisabledProxy else "latency", undo) == fault


def test_an_unknown_fault_of_a_ledger_is_said_to_be_so():
    with pytest.raises(FaultFailed, match="a 'melt' by proxy in the ledger cannot be understood"):
        restore("proxy", "melt", {})


def test_a_library_call_from_another_thread_keeps_to_its_server(start_ours, echo):
    pairs = [(server, server.proxy(echo)) for server in (start_ours(), start_ours())]
    seen: list[bool] = []

    def read(api: str, name: str) -> None:
        seen.extend(ToxiproxyServer(api).proxy(name).enabled for _ in range(20))

    threads = [threading.Thread(target=read, args=(server.api, proxy.name)) for server, proxy in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 40


def _address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"
