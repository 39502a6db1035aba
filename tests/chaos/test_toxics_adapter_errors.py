"""Whatever stands at a Toxiproxy's address: the adapter raises errors of ours alone, and in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from seatrial.chaos.faults import resolve, toxics
from seatrial.chaos.faults.injectable import Lease, Site
from seatrial.chaos.faults.toxics import DisabledProxy, Toxic, ToxiproxyServer
from seatrial.chaos.model import Down, EdgeFault, HttpError, Latency
from seatrial.errors import CannotRun, FaultFailed, SeatrialError
from seatrial.realm import EdgeProxy, Place, Realm, RuntimeKind
from seatrial.service import Edge

EDGE = Edge("cards", "ledger")


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


PROXY = b'{"name": "p", "upstream": "u", "listen": "l", "enabled": %s, "toxics": %s}'
ANSWERS = {
    "nothing": b"",
    "no http": b"\x00\x01\x02\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "a short body": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
    "a broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no gzip": answer(b"plain", "200 OK", "Content-Encoding: gzip"),
    "a huge header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "a bad status": b"HTTP/1.1 abc\r\n\r\n",
    "a redirect": answer(b"", "302 Found", "Location: /elsewhere"),
    "no json": answer(b"<html>"),
    "no utf-8": answer(b'{"name": "\xff\xfe"}'),
    "deep json": answer(b"[" * 100_000),
    "a list": answer(b"[]"),
    "a text": answer(b'"proxy"'),
    "null": answer(b"null"),
    "an empty object": answer(b"{}"),
    "toxics that are none": answer(PROXY % (b"true", b"5")),
    "toxics of texts": answer(PROXY % (b"true", b'["a"]')),
    "toxics without a type": answer(PROXY % (b"true", b'[{"name": "a"}]')),
    "toxics with a text for toxicity": answer(PROXY % (b"true", b'[{"type": "a", "toxicity": "x"}]')),
    "attributes that are none": answer(PROXY % (b"true", b'[{"type": "a", "attributes": 3}]')),
    "enabled that is none": answer(PROXY % (b'"no"', b"[]")),
    "a conflict": answer(b"\xff\xfe", "409 Conflict"),
    "not found": answer(b"", "404 Not Found"),
    "a bad request": answer(b"{}", "400 Bad Request"),
    "forbidden": answer(b"User agent not allowed\n", "403 Forbidden"),
    "an error": answer(b"<html>Timeout</html>", "503 Service Unavailable"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.fixture
def standing():
    """Starts a server that answers everything with the same bytes; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)

    def start(given: bytes, *, pause_s: float = 0.0) -> str:
        threading.Thread(target=_serve, args=(listening, given, pause_s), daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _serve(listening: socket.socket, given: bytes, pause_s: float) -> None:
    with suppress(OSError):
        while True:
            connected, _ = listening.accept()
            threading.Thread(target=_answer, args=(connected, given, pause_s), daemon=True).start()


def _answer(connected: socket.socket, given: bytes, pause_s: float) -> None:
    with suppress(OSError), connected:
        connected.recv(65_536)
        if not pause_s:
            connected.sendall(given)
            return
        for byte in given:
            connected.sendall(bytes([byte]))
            time.sleep(pause_s)


def toxic_at(api: str) -> Toxic:
    return Toxic(api, "p", "a->b", "t", "latency", "downstream", {"latency": 1}, "run-1", 5.0)


OPERATIONS = {
    "has_leases": lambda api: ToxiproxyServer(api).has_leases(),
    "proxy": lambda api: ToxiproxyServer(api).proxy("p"),
    "set_enabled": lambda api: ToxiproxyServer(api).set_enabled("p", {"enabled": False}),
    "remove_toxic": lambda api: ToxiproxyServer(api).remove_toxic("p", "t"),
    "inject a toxic": lambda api: toxic_at(api).inject(),
    "heal a toxic": lambda api: toxic_at(api).heal(),
    "disable": lambda api: DisabledProxy(api, "p", "a->b", None, 5.0).inject(),
    "enable": lambda api: DisabledProxy(api, "p", "a->b", None, 5.0).heal(),
    "renew": lambda api: toxics.renew(Lease(api, "run-1")),
}


def said_by(operation: Callable[[str], object], api: str) -> str:
    """What our error says; empty when there was none. Any other error is a failed test."""
    try:
        operation(api)
    except SeatrialError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("given", ANSWERS.values(), ids=ANSWERS)
def test_only_our_errors_reach_a_user_whatever_is_answered(standing, given: bytes):
    api = standing(given)
    said = [said_by(operation, api) for operation in OPERATIONS.values()]
    assert any(said)
    assert not any("\n" in each for each in said)


def test_only_our_errors_reach_a_user_where_nobody_listens(free_port):
    api = f"http://127.0.0.1:{free_port}"
    said = {name: said_by(operation, api) for name, operation in OPERATIONS.items()}
    assert {name for name, text in said.items() if not text} == {"heal a toxic", "enable"}
    assert all(api in text for text in said.values() if text)


@pytest.mark.parametrize(
    "api", ["", "x", "https://a:1", "http://", "http://a:99999", "http://[::1", "http://a:b", "ftp://127.0.0.1"]
)
def test_an_address_that_is_none_is_said_to_be_so(api: str):
    with pytest.raises(CannotRun, match="is not the address of a Toxiproxy; write it as"):
        ToxiproxyServer(api)


def test_a_server_that_drips_its_answer_is_given_up_at_the_deadline_as_a_whole(standing):
    server = ToxiproxyServer(standing(answer(PROXY % (b"true", b"[]")), pause_s=0.1), timeout_s=0.5)
    begun = time.monotonic()
    with pytest.raises(FaultFailed, match="no whole answer within 500 ms"):
        server.proxy("p")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("kind", [Latency(0.1), Down(), HttpError()])
def test_a_server_that_is_not_there_is_not_taken_for_an_original(tmp_path: Path, free_port: int, kind):
    api = f"http://127.0.0.1:{free_port}"
    edges = {str(EDGE): EdgeProxy(api, "p")}
    realm = Realm("staging", RuntimeKind.EXTERNAL, {"ledger": Place("ledger", url="http://x")}, edges=edges)
    with pytest.raises(FaultFailed, match=api):
        resolve(EdgeFault(EDGE, kind), Site(tmp_path, realm, None, "run-1", 30.0))


def test_a_toxic_that_was_taken_otherwise_is_a_failure(standing):
    held = b'[{"name": "t", "type": "latency", "stream": "downstream", "toxicity": 1, "attributes": {"latency": 2}}]'
    with pytest.raises(FaultFailed, match="and has another"):
        toxic_at(standing(answer(PROXY % (b"true", held)))).inject()


TOXIC_T = b'[{"name": "t", "type": "%s", "stream": "%s", "toxicity": %s, "attributes": {"latency": 1}}]'


@pytest.mark.parametrize(
    "held", [(b"latency", b"upstream", b"1"), (b"timeout", b"downstream", b"1"), (b"latency", b"downstream", b"0.5")]
)
def test_a_toxic_of_another_kind_stream_or_share_is_not_the_one_that_was_wanted(standing, held):
    with pytest.raises(FaultFailed, match="and has another"):
        toxic_at(standing(answer(PROXY % (b"true", TOXIC_T % held)))).inject()


def test_a_toxic_that_is_still_there_after_its_removal_is_left(standing):
    api = standing(answer(PROXY % (b"true", TOXIC_T % (b"latency", b"downstream", b"1"))))
    with pytest.raises(FaultFailed, match="said it removed the toxic 't' from p, and still has it"):
        ToxiproxyServer(api).remove_toxic("p", "t")
    with pytest.raises(FaultFailed, match=r"toxic t is left on a->b: .*still has it"):
        toxic_at(api).heal()


def test_a_toxic_that_is_listed_after_its_removal_without_the_library_is_left(standing):
    with pytest.raises(FaultFailed, match="toxic t is left on a->b"):
        toxic_at(standing(answer(b'[{"name": "t"}]'))).heal()


def test_a_proxy_that_is_not_enabled_by_any_client_is_left(standing):
    api = standing(answer(PROXY % (b"false", b"[]")))
    with pytest.raises(FaultFailed, match="proxy p of a->b is left disabled"):
        DisabledProxy(api, "p", "a->b", None, 5.0).heal()


@pytest.mark.parametrize("heal", ["heal a toxic", "enable"])
def test_a_server_that_only_hangs_up_is_not_gone_and_may_hold_the_fault(standing, heal):
    api = standing(b"")
    with pytest.raises(FaultFailed, match="is left"):
        OPERATIONS[heal](api)
    assert toxics.proxy_is_gone(api) is False


def test_a_renewal_that_is_refused_is_none_whatever_it_holds(standing):
    api = standing(answer(b'{"held": [], "expired": []}', "500 Internal Server Error"))
    with pytest.raises(FaultFailed, match="the leases of run-1 could not be renewed"):
        toxics.renew(Lease(api, "run-1"))


def test_what_answers_otherwise_than_a_toxiproxy_is_taken_for_none(standing):
    with pytest.raises(FaultFailed, match="no Toxiproxy answers there"):
        ToxiproxyServer(standing(ANSWERS["an error"])).has_leases()


def test_a_redirect_to_another_server_is_not_followed(standing, our_server, echo):
    proxy = our_server.proxy(echo, name="p")
    elsewhere = f"Location: {our_server.api}/proxies/{proxy.name}"
    with pytest.raises(FaultFailed, match="302"):
        ToxiproxyServer(standing(answer(b"", "302 Found", elsewhere))).proxy("p")


def test_of_a_long_answer_the_beginning_is_quoted(standing):
    with pytest.raises(FaultFailed) as failed:
        ToxiproxyServer(standing(answer(b"x" * 10_000, "500 Internal Server Error"))).proxy("p")
    assert str(failed.value).endswith("500 " + "x" * 500)


def test_a_server_at_an_address_of_ipv6_is_spoken_to(start_ours, echo):
    if not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    server = start_ours("--host", "::1")
    proxy = server.proxy(echo)
    assert ToxiproxyServer(server.api).proxy(proxy.name).enabled is True


def test_an_address_without_a_port_is_http_s_own():
    assert ToxiproxyServer("http://toxiproxy/")._consumer.port == 80


def test_a_name_that_is_no_path_is_escaped(our_server, echo):
    proxy = our_server.proxy(echo, name="a/b?c")
    fault = Toxic(our_server.api, proxy.name, "a->b", "t/1", "latency", "downstream", {"latency": 1}, "run-1", 30.0)
    fault.inject()
    assert ToxiproxyServer(our_server.api).proxy(proxy.name).toxics["t/1"].attributes["latency"] == 1
    assert fault.heal().text == "toxic removed"


def test_edges_of_one_realm_may_have_their_proxies_at_several_servers(toxiproxy_server, start_ours, echo, tmp_path):
    first, other = toxiproxy_server.proxy(echo), start_ours().proxy(echo)
    edges = {
        "cards->ledger": EdgeProxy(first.server.api, first.name),
        "cards->feed": EdgeProxy(other.server.api, other.name),
    }
    realm = Realm("staging", RuntimeKind.EXTERNAL, {"ledger": Place("ledger", url="http://x")}, edges=edges)
    site = Site(tmp_path, realm, None, "run-1", 30.0)
    faults = [resolve(EdgeFault(Edge.parse(edge), Latency(0.1)), site)[1] for edge in edges]
    for fault in faults:
        fault.inject()
    assert [len(proxy.ask("GET", "/toxics").json()) for proxy in (first, other)] == [1, 1]
    assert faults[0].heal().needed is True
    assert [len(proxy.ask("GET", "/toxics").json()) for proxy in (first, other)] == [0, 1]
    assert faults[1].heal().needed is True
    assert [len(proxy.ask("GET", "/toxics").json()) for proxy in (first, other)] == [0, 0]
