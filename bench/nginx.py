"""The system under test of every measurement: one nginx with canned answers, on a loopback port of its own.

Gives its address and a `Counter` of the requests it has served; leaves no process and no file behind.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("nginx.conf")
STARTS_WITHIN_S = 10.0
BULK_BYTES = 16 * 2**20
"""How large the answer of /bulk is."""
# On the stub_status page, below this word: how many connections were accepted and handled, and how many requests.
_REQUESTS = re.compile(r"requests\s+\d+\s+\d+\s+(\d+)")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NginxMissingError(Exception):
    """There is no nginx here, or it would not start; the message says which."""


@dataclass
class Counter:
    """How many requests nginx has served, by its own count; the asking, itself a request, is left out."""

    address: str
    asked: int = field(default=0, init=False)

    def requests(self) -> int:
        """Since nginx was started."""
        with DIRECT.open(f"{self.address}/counts", timeout=5) as answer:
            text = answer.read().decode()
        self.asked += 1
        found = _REQUESTS.search(text)
        if found is None:
            raise NginxMissingError(f"this is no stub_status page: {text!r}")
        return int(found.group(1)) - self.asked


@contextlib.contextmanager
def running() -> Iterator[Counter]:
    """An nginx that answers until the block ends."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if binary is None:
        raise NginxMissingError("nginx is not installed; on Debian: apt-get install nginx-light")
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-nginx-") as folder:
        port = free_port()
        configuration = Path(folder, "nginx.conf")
        configuration.write_text(CONFIGURATION.read_text().replace("@PORT@", str(port)))
        with Path(folder, "bulk").open("wb") as bulk:
            bulk.truncate(BULK_BYTES)
        Path(folder).chmod(0o755)  # started by root, its worker is somebody else
        command = (binary, "-e", "stderr", "-p", folder, "-c", str(configuration))
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            yield _answering(process, Counter(f"http://127.0.0.1:{port}"))
        finally:
            process.terminate()
            process.communicate(timeout=STARTS_WITHIN_S)


def free_port() -> int:
    """A port of the loopback nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answering(process: subprocess.Popen[str], counter: Counter) -> Counter:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            counter.requests()
            return counter
        time.sleep(0.05)
    problem = process.stderr.read() if process.poll() is not None and process.stderr else "no answer"
    raise NginxMissingError(f"nginx did not start: {problem.strip()}")
