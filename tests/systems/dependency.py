"""A dependency of a service under test: it misbehaves to the byte as it is told, and remembers its calls."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from misbehaving import Server

LANTERN = {"sku": "lantern", "name": "Storm lantern", "list_price_cents": 4500}
SAID = {
    "catalog": {"products": [LANTERN], **LANTERN},
    "pricing": {"prices": {"lantern": 3900}, "sku": "lantern", "price_cents": 3900},
    "orders": {"id": "ord-1", "sku": "lantern", "available": 5},
    "stock": {"id": "ord-1", "sku": "lantern", "available": 5},
    "payments": {"id": "pay-1", "state": "CAPTURED"},
}


@dataclass(frozen=True)
class Call:
    """A request as a dependency got it."""

    at_s: float
    method: str
    path: str
    headers: dict[str, str]


class Dependency:
    """Is well until its `behave` is another; remembers its calls, how many are and were open at once, and how many
    connections there are."""

    def __init__(self, name):
        self.body = json.dumps(SAID[name]).encode()
        self.behave = well
        self.calls: list[Call] = []
        self.most_open = 0
        self.connected = 0
        self._under_way: list[Call] = []
        self._connections = []
        self._counting = threading.Lock()
        self.server = Server(self._serve)

    @property
    def url(self):
        return self.server.url

    @property
    def open(self):
        """How many calls are under way."""
        return len(self._under_way)

    def ends(self, call):
        """A call that is answered now is open no more, before its caller can know and make another."""
        with self._counting:
            if call in self._under_way:
                self._under_way.remove(call)

    def hang_up(self):
        """Close every connection, as a restart does."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, server, connection):
        self._connections.append(connection)
        self._count_connected(1)
        try:
            self._answer(server, connection)
        finally:
            self._count_connected(-1)

    def _answer(self, server, connection):
        while raw := server.request(connection):
            call = _call(raw)
            self._begins(call)
            self.calls.append(call)
            try:
                self.behave(self, connection, call)
            finally:
                self.ends(call)

    def _count_connected(self, change):
        with self._counting:
            self.connected += change

    def _begins(self, call):
        with self._counting:
            self._under_way.append(call)
            self.most_open = max(self.most_open, self.open)


def _call(raw):
    first, *lines = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = (line.partition(": ") for line in lines)
    return Call(time.monotonic(), method, path, {name.lower(): value for name, _, value in headers})


def head(status, length, **headers):
    """The beginning of an answer."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {length}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def well(dependency, connection, call):
    dependency.ends(call)
    connection.sendall(head(200, len(dependency.body)) + dependency.body)


def answers(status, body=b'{"error": "so be it"}', **headers):
    """Always the same answer."""

    def behave(dependency, connection, call):
        connection.sendall(head(status, len(body), **headers) + body)

    return behave


def hangs(dependency, connection, call):
    """No answer, until the caller hangs up."""
    connection.recv(1)


def slow(seconds):
    """Well, after a while."""

    def behave(dependency, connection, call):
        time.sleep(seconds)
        well(dependency, connection, call)

    return behave


def drips(seconds):
    """A good answer that takes that long from its first byte to its last."""

    def behave(dependency, connection, call):
        connection.sendall(head(200, len(dependency.body)))
        for byte in dependency.body:
            time.sleep(seconds / len(dependency.body))
            connection.sendall(bytes([byte]))

    return behave


def cuts(dependency, connection, call):
    """A good answer that ends in the middle."""
    connection.sendall(head(200, len(dependency.body)) + dependency.body[:20])
    connection.shutdown(socket.SHUT_RDWR)


def fails_two_of_three(dependency, connection, call):
    well_now = len(dependency.calls) % 3 == 0
    (well if well_now else answers(500))(dependency, connection, call)
