"""A service of the shop as a process, among dependencies that misbehave."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from dependency import Dependency

from ports import free_port
from real_parts import find_opossum

SHOP = Path(__file__).with_name("shop")
CALLS = {"storefront": ("catalog", "pricing", "orders"), "orders": ("stock", "payments")}


@dataclass(frozen=True)
class Heard:
    """What came of a request; status 0 when nothing did."""

    status: int
    seconds: float
    body: dict


class Stand:
    """One service as a process, and its dependencies by name in `around`."""

    def __init__(self, service, defects, log):
        self.service = service
        self.around = {name: Dependency(name) for name in CALLS[service]}
        self._log = log
        self._defects = defects
        self._port = free_port()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", trust_env=False)

    def start(self):
        urls = {f"{name.upper()}_URL": dependency.url for name, dependency in self.around.items()}
        given = {"PORT": str(self._port), "DEFECTS": self._defects, "NODE_PATH": find_opossum() or ""}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [shutil.which("node") or "node", str(SHOP / "src" / "main.js"), self.service],
                env={**os.environ, **urls, **given},
                stdout=log,
                stderr=log,
            )

    def wait_until_alive(self):
        give_up_at = time.monotonic() + 30
        while self.ask("/healthz").status != 200:
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < give_up_at, self._log.read_text()
            time.sleep(0.05)

    def ask(self, path, *, method="GET", patience_s=5.0, **how):
        began = time.monotonic()
        try:
            response = self._client.request(method, path, timeout=patience_s, **how)
        except httpx.TransportError:
            return Heard(0, time.monotonic() - began, {})
        return Heard(response.status_code, time.monotonic() - began, response.json())

    def ask_at_once(self, times, path):
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: self.ask(path), range(times)))

    def ask_meanwhile(self, path):
        """The future of an answer."""
        pool = ThreadPoolExecutor(1)
        future = pool.submit(self.ask, path)
        pool.shutdown(wait=False)
        return future

    def close(self):
        self._client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for dependency in self.around.values():
            dependency.server.close()
