"""The demo bank for tests: in this process with no network, and as real processes on free ports."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import unhurried as patient

from ports import free_port
from seatrial.demo import DEPENDS_ON, SERVICES, edges
from seatrial.demo.client import EdgeClient
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects, defects_of
from seatrial.demo.edges import edges_of
from seatrial.demo.endpoint import Lifecycle
from seatrial.demo.guards import Guards
from seatrial.demo.serve import BUILDERS
from seatrial.demo.service import Service, application
from seatrial.demo.settings import Settings


class Wire(httpx.AsyncBaseTransport):
    """A peer without a network; refuses connections while it is cut."""

    def __init__(self, app):
        self.inner = httpx.ASGITransport(app)
        self.is_cut = False
        self.seen: list[httpx.Request] = []

    async def handle_async_request(self, request):
        if self.is_cut:
            raise httpx.ConnectError("cut")
        self.seen.append(request)
        return await self.inner.handle_async_request(request)


@dataclass
class Bank:
    """The five services in one event loop: `wires` by service, `ask` to talk to one.

    Its breakers see a clock that `skipped_s` runs ahead.
    """

    wires: dict[str, Wire] = field(default_factory=dict)
    lifecycles: dict[str, Lifecycle] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    skipped_s: float = 0.0

    def start(self, *defect_texts: str) -> None:
        for name in reversed(SERVICES):
            self._start(name, defects_of(name, parse_defects(defect_texts)))

    def _start(self, name, defects):
        guards = Guards(defects, clock=lambda: time.monotonic() + self.skipped_s)
        clients = {
            edge.callee: EdgeClient(
                edge, f"http://{edge.callee}", defects=defects, guards=guards, transport=self.wires[edge.callee]
            )
            for edge in edges_of(name)
        }
        settings = Settings(name, host="", port=1, urls={}, defects=defects, password="seaworthy")
        service = BUILDERS[name](clients, settings)
        self.lifecycles[name] = Lifecycle()
        self.wires[name] = Wire(application(service, defects=defects, lifecycle=self.lifecycles[name]))
        self.services[name] = service
        if service.outbox is not None:
            service.outbox.start()

    def restart(self, service: str) -> None:
        """Let a service that calls nobody forget all it knew."""
        settings = Settings(service, host="", port=1, urls={}, defects=Defects(), password="seaworthy")
        app = application(BUILDERS[service]({}, settings), defects=Defects(), lifecycle=Lifecycle())
        self.wires[service].inner = httpx.ASGITransport(app)

    async def stop(self) -> None:
        for service in self.services.values():
            if service.outbox is not None:
                await service.outbox.stop()
            for client in service.clients:
                await client.close()

    def at(self, service: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.wires[service], base_url=f"http://{service}")

    async def ask(self, service: str, method: str, path: str, **how) -> httpx.Response:
        how.setdefault("auth", ("ada", "seaworthy") if service == "gateway" else None)
        async with self.at(service) as client:
            return await client.request(method, path, **how)

    async def customer(self) -> tuple[str, str, str]:
        """A new customer: ids of account, customer and card."""
        account = (await self.ask("gateway", "POST", "/accounts", json={"owner": "Ada"})).json()
        card = (await self.ask("gateway", "POST", f"/accounts/{account['id']}/cards")).json()
        return account["id"], account["customer_id"], card["id"]


@pytest.fixture
def play() -> Callable[..., None]:
    """Run a story, an async function of a fresh bank, with the defects given."""

    def run(story: Callable[[Bank], Awaitable[None]], *defect_texts: str) -> None:
        async def whole() -> None:
            bank = Bank()
            bank.start(*defect_texts)
            try:
                await story(bank)
            finally:
                await bank.stop()

        asyncio.run(whole())

    return run


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank in this process waits longer, for tests in which nothing is too late."""
    monkeypatch.setattr(edges, "EDGES", patient.patient_edges())
    for name, limit_s in patient.patient_limits_s().items():
        monkeypatch.setitem(edges.REQUEST_LIMIT_S, name, limit_s)


class Processes:
    """The bank as five processes on free ports of 127.0.0.1, unhurried."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}

    def add(self, replica: str) -> None:
        """Give a replica, named for its service and a digit, a port of its own."""
        self.urls[replica] = f"http://127.0.0.1:{free_port()}"

    def start(self, service: str, **environ: str) -> None:
        """Start a service and wait until it is alive."""
        self.launch(service, **environ)
        self.wait_until_alive(service)

    def launch(self, service: str, **environ: str) -> None:
        kind = service.rstrip("0123456789")
        urls = {f"{callee.upper()}_URL": self.urls[callee] for callee in DEPENDS_ON[kind]}
        port = self.urls[service].rpartition(":")[2]
        with (self._folder / f"{service}.log").open("ab") as log:
            self._running[service] = subprocess.Popen(
                [sys.executable, patient.__file__, kind],
                env=os.environ | {"PORT": port} | urls | environ,
                stdout=log,
                stderr=log,
            )

    def wait_until_alive(self, service: str) -> None:
        give_up_at = time.monotonic() + 30
        while time.monotonic() < give_up_at:
            assert self._running[service].poll() is None, f"{service} ended: {self.log(service)}"
            try:
                if httpx.get(f"{self.urls[service]}/healthz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"{service} is not alive after 30 s: {self.log(service)}")

    def signal(self, service: str, number: signal.Signals) -> None:
        self._running[service].send_signal(number)

    def wait(self, service: str, *, at_most_s: float = 20) -> int:
        """The exit status of a service that is ending."""
        return self._running[service].wait(timeout=at_most_s)

    def log(self, service: str) -> str:
        return (self._folder / f"{service}.log").read_text()

    def end(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def no_processes(tmp_path: Path) -> Iterator[Processes]:
    """The bank with none of its services started; those that are by then are killed afterwards."""
    bank = Processes(tmp_path)
    try:
        yield bank
    finally:
        bank.end()


@pytest.fixture
def processes(no_processes: Processes) -> Processes:
    """The healthy bank, alive."""
    for service in SERVICES:
        no_processes.launch(service)
    for service in SERVICES:
        no_processes.wait_until_alive(service)
    return no_processes
