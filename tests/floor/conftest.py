"""A server that says exactly the bytes a test wants, at the moments it wants."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

Script = Callable[[socket.socket], None]


class ScriptServer:
    """Runs a script on every connection, after having read one request."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.over = threading.Event()  # for scripts that wait until the test is done
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.requests.append(_request(connection))
                self._script(connection)

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)


def _request(connection: socket.socket) -> bytes:
    """One request: its head, and its body by Content-Length."""
    received = b""
    while not _is_whole(received):
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return received


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end) and len(body) >= int(lengths[0] if lengths else 0)


@pytest.fixture
def serve() -> Iterator[Callable[[Script], ScriptServer]]:
    """Start a server with a script; every one is closed after the test."""
    servers: list[ScriptServer] = []

    def start(script: Script) -> ScriptServer:
        servers.append(ScriptServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
