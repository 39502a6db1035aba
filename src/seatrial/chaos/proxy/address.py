"""Addresses as Toxiproxy writes them (`host:port`, `[v6]:port`), and the socket a proxy listens on."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from http import HTTPStatus

from seatrial.chaos.proxy.refusal import Refusal

_BACKLOG = 1024


@dataclass(frozen=True)
class Address:
    """Where to listen or dial; `port` 0 asks the operating system for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, default_host: str) -> Address:
    """Read `host:port`; an empty text is a free port of `default_host`, an empty host is `default_host`.

    Raises `ValueError` with Go's words for what is wrong (`address bogus: missing port in address`).
    """
    if not text:
        return Address(default_host, 0)
    host, colon, port = text.rpartition(":")
    if not colon or host.count("[") != host.count("]"):
        raise ValueError(f"address {text}: missing port in address")
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare and bare == host:
        raise ValueError(f"address {text}: too many colons in address")
    if not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"address {text}: invalid port")
    return Address(bare or default_host, int(port))


async def resolve(address: Address) -> Address:
    """The numeric address to listen on, IPv4 first as Toxiproxy chooses.

    Raises `Refusal` with status 500 when the name is unknown.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"listen tcp: lookup {address.host}: no such host") from None
    best = min(found, key=lambda info: info[0] != socket.AF_INET)
    return Address(str(best[4][0]), address.port)


def listen_on(address: Address) -> socket.socket:
    """A listening, non-blocking socket on a numeric address.

    Raises `Refusal` with status 500 and the operating system's text, worded as Toxiproxy words it.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((address.host, address.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"listen tcp {address}: bind: {reason}") from None
    return listening


def bound_address(listening: socket.socket) -> Address:
    """The address a listening socket really has, with the port the system chose."""
    host, port = listening.getsockname()[:2]
    return Address(host, port)
