"""What the tests of chaos need: our proxy and the original as processes, an echo upstream, sockets that get closed,
and a container."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from containers import Contained, contain_ledger, empty_image
from experiment_bench import Bench
from fake_faults import WORLD, FakeFault
from wire import Wire

from ports import free_port
from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Means
from seatrial.chaos.model import FaultKind

PATIENCE_S = 20.0
NEEDS_UVLOOP = pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
OURS = [pytest.param("asyncio", id="ours"), pytest.param("uvloop", id="ours-uvloop", marks=NEEDS_UVLOOP)]
ORIGINAL = pytest.param("original", id="original", marks=pytest.mark.needs_toxiproxy)


class ServerUnderTest:
    """A running Toxiproxy server, ours or the original, and short ways to talk to it."""

    def __init__(self, api: str, pid: int) -> None:
        self.pid = pid
        self.api = api
        self.http = httpx.Client(base_url=api, trust_env=False, timeout=30)
        self._numbers = itertools.count(1)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, path, json=body)

    def proxy(self, upstream: int, **fields: Any) -> ProxyUnderTest:
        """A new proxy on a free port of the loopback; `upstream` is a port of it."""
        name = fields.pop("name", f"proxy-{next(self._numbers)}")
        wanted = {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"} | fields
        answer = self.ask("POST", "/proxies", wanted)
        assert answer.status_code == 201, answer.text
        return ProxyUnderTest(self, name, port_of(answer.json()["listen"]))

    def counters(self, name: str) -> dict[str, Any]:
        return self.ask("GET", "/counters").json()[name]

    def delete_all(self) -> None:
        for name in self.ask("GET", "/proxies").json():
            assert self.ask("DELETE", f"/proxies/{quote(name, safe='')}").status_code == 204


class ProxyUnderTest:
    """One proxy of a server."""

    def __init__(self, server: ServerUnderTest, name: str, port: int) -> None:
        self.server = server
        self.name = name
        self.port = port

    def ask(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        return self.server.ask(method, f"/proxies/{quote(self.name, safe='')}{path}", body)

    def add(self, kind: str, *, stream: str = "downstream", name: str = "", toxicity: float = 1.0, **attributes: int):
        """Add a toxic that must be taken; gives its name."""
        wanted = {"type": kind, "stream": stream, "name": name, "toxicity": toxicity, "attributes": attributes}
        answer = self.ask("POST", "/toxics", wanted)
        assert answer.status_code == 200, answer.text
        return answer.json()["name"]

    def remove(self, toxic: str) -> None:
        assert self.ask("DELETE", f"/toxics/{toxic}").status_code == 204


def port_of(listen: str) -> int:
    return int(listen.rpartition(":")[2])


@contextmanager
def ours(*arguments: str) -> Iterator[ServerUnderTest]:
    """Our proxy as a process."""
    command = [sys.executable, "-m", "seatrial.chaos.proxy", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield from _serving(ServerUnderTest(ready["api"], ready["pid"]), process)


@contextmanager
def original(binary: str, *arguments: str) -> Iterator[ServerUnderTest]:
    """The original toxiproxy-server as a process."""
    port = free_port()
    command = [binary, "-host", "127.0.0.1", "-port", str(port), *arguments]
    quiet = {**os.environ, "LOG_LEVEL": "fatal"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet) as process:
        wait_until(lambda: accepts(port))
        yield from _serving(ServerUnderTest(f"http://127.0.0.1:{port}", process.pid), process)


def _serving(server: ServerUnderTest, process: subprocess.Popen[Any]) -> Iterator[ServerUnderTest]:
    try:
        with server.http:
            yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(claim: Callable[[], bool]) -> None:
    """Return as soon as the claim holds; fail when it does not in a generous time."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline_s, "it did not become true"
        time.sleep(0.01)


@pytest.fixture(scope="module", params=[*OURS, ORIGINAL])
def _either_server(request: pytest.FixtureRequest, toxiproxy_binary: str | None) -> Iterator[ServerUnderTest]:
    running = original(toxiproxy_binary or "") if request.param == "original" else ours("--loop", request.param)
    with running as server:
        yield server


@pytest.fixture(scope="module", params=OURS)
def _our_server(request: pytest.FixtureRequest) -> Iterator[ServerUnderTest]:
    with ours("--loop", request.param, "--observe") as server:
        yield server


@pytest.fixture
def toxiproxy_server(_either_server: ServerUnderTest) -> Iterator[ServerUnderTest]:
    """Ours on either event loop, and the original; without proxies."""
    yield _either_server
    _either_server.delete_all()


@pytest.fixture
def our_server(_our_server: ServerUnderTest) -> Iterator[ServerUnderTest]:
    """Ours on either event loop; without proxies."""
    yield _our_server
    _our_server.delete_all()


@pytest.fixture
def start_ours() -> Iterator[Callable[..., ServerUnderTest]]:
    """Starts a process of our own proxy with command line arguments."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(ours(*arguments))


@pytest.fixture
def start_original(toxiproxy_binary: str | None) -> Iterator[Callable[..., ServerUnderTest]]:
    """Starts a process of the original with command line arguments."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(original(toxiproxy_binary or "", *arguments))


@pytest.fixture(scope="session")
def echo() -> Iterator[int]:
    """The port of an upstream that sends back what it gets, until its client ends."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=_echo_all, args=(listening,), daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _echo_all(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connected, _ = listening.accept()
            threading.Thread(target=_echo_one, args=(connected,), daemon=True).start()


def _echo_one(connected: socket.socket) -> None:
    with suppress(OSError), connected:
        while data := connected.recv(65_536):
            connected.sendall(data)


@pytest.fixture
def dial() -> Iterator[Callable[[ProxyUnderTest], socket.socket]]:
    """Connects to a proxy; a read that gets nothing fails after a generous time."""
    with ExitStack() as stack:

        def connect(proxy: ProxyUnderTest) -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S))

        yield connect


class UpstreamByHand:
    """An upstream whose side of every connection the test plays itself."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._accepted: list[socket.socket] = []
        self.port: int = listening.getsockname()[1]

    def accept(self) -> socket.socket:
        connected, _ = self._listening.accept()
        connected.settimeout(PATIENCE_S)
        self._accepted.append(connected)
        return connected

    def close(self) -> None:
        for each in (*self._accepted, self._listening):
            each.close()


@pytest.fixture
def upstream() -> Iterator[UpstreamByHand]:
    """An upstream played by the test."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(PATIENCE_S)
    by_hand = UpstreamByHand(listening)
    yield by_hand
    by_hand.close()


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[[Callable[[], bool]], None]:
    """Waits for a claim to become true."""
    return wait_until


@pytest.fixture
def read_exactly() -> Callable[[socket.socket, int], bytes]:
    """Reads so many bytes; fewer when the stream ends."""

    def read(connected: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size and (more := connected.recv(size - len(found))):
            found += more
        return found

    return read


@pytest.fixture
def how_it_ended() -> Callable[[socket.socket], str]:
    """Reads on to the end: "end" for an orderly one, "reset" for a RST."""

    def read_on(connected: socket.socket) -> str:
        try:
            while connected.recv(65_536):
                pass
        except ConnectionResetError:
            return "reset"
        return "end"

    return read_on


@pytest.fixture
def is_silent() -> Callable[..., bool]:
    """Claims that nothing, not even an end, arrives for a while."""

    def stays_silent(connected: socket.socket, for_s: float = 0.3) -> bool:
        connected.settimeout(for_s)
        try:
            connected.recv(1)
        except TimeoutError:
            return True
        finally:
            connected.settimeout(PATIENCE_S)
        return False

    return stays_silent


@pytest.fixture(name="free_port")
def _free_port() -> int:
    """A port nobody listens on."""
    return free_port()


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image for containers that have the host's own folders bound into them."""
    with empty_image() as made:
        yield made


@pytest.fixture
def contained(image: str, tmp_path: Path) -> Iterator[Contained]:
    """The ledger, healthy, in a container that allows faults."""
    with contain_ledger(image, tmp_path) as running:
        yield running


@pytest.fixture
def wire(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port)
    return Wire(proxy, dial(proxy), upstream)


@pytest.fixture
def answering():
    """The port of an upstream that answers every request without a body by 204."""
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer_all, args=(listening,), daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _answer_all(listening):
    with suppress(OSError):
        while True:
            connected, _ = listening.accept()
            threading.Thread(target=_answer_one, args=(connected,), daemon=True).start()


def _answer_one(connected):
    with suppress(OSError), connected:
        while data := connected.recv(65_536):
            connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n" * data.count(b"\r\n\r\n"))


@pytest.fixture
def bench(clock, tmp_path: Path) -> Bench:
    return Bench(clock, tmp_path)


@pytest.fixture
def world():
    """What was done, in order."""
    WORLD.clear()
    return WORLD


@pytest.fixture
def fake_kind(monkeypatch: pytest.MonkeyPatch):
    """Latency by proxy is the fake fault, also for `recover`."""
    monkeypatch.setitem(faults.FAULTS, (Means.PROXY, FaultKind.LATENCY), FakeFault)
