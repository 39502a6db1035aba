"""Addresses as Toxiproxy writes them (`host:port`, `[v6]:port`), and the socket a proxy listens on."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from dataclasses import dataclass
from http import HTTPStatus

from seatrial.chaos.proxy.refusal import Refusal

_BACKLOG = 1024
_NUMBER = re.compile(r"[+-]?[0-9]+")
_LONGEST_PORT = 16
RESOLVE_DEADLINE_S = 2.0


@dataclass(frozen=True)
class Address:
    """Where to listen or dial; `port` 0 asks the operating system for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, default_host: str) -> Address:
    """Read `host:port`; an empty text is a free port of `default_host`, an empty host is `default_host`.

    A port may be the name of a service, and an empty one is 0, as Go has it. Raises `ValueError` with Go's words for
    what is wrong (`address bogus: missing port in address`).
    """
    if not text:
        return Address(default_host, 0)
    host, port = _split(text)
    return Address(host or default_host, _port(port))


def _split(text: str) -> tuple[str, str]:
    """Host and port, told apart as Go's `net.SplitHostPort` does."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"address {text}: missing port in address")
    if text.startswith("["):
        host, port = _split_bracketed(text)
    elif ":" in host:
        raise ValueError(f"address {text}: too many colons in address")
    for stray in "[]":
        if stray in host or stray in port:
            raise ValueError(f"address {text}: unexpected '{stray}' in address")
    return host, port


def _split_bracketed(text: str) -> tuple[str, str]:
    host, bracket, rest = text[1:].partition("]")
    if not bracket:
        raise ValueError(f"address {text}: missing ']' in address")
    if not rest.startswith(":"):
        raise ValueError(f"address {text}: missing port in address")
    if ":" in rest[1:]:
        raise ValueError(f"address {text}: too many colons in address")
    return host, rest[1:]


def _port(text: str) -> int:
    if not text:
        return 0
    if not _NUMBER.fullmatch(text):
        return _port_of_service(text)
    number = int(text) if len(text) <= _LONGEST_PORT else -1
    if not 0 <= number <= 65_535:
        raise ValueError(f"address {text}: invalid port")
    return number


def _port_of_service(name: str) -> int:
    try:
        return socket.getservbyname(name, "tcp")
    except (OSError, ValueError):
        raise ValueError(f"lookup tcp/{name}: unknown port") from None


async def resolve(address: Address) -> Address:
    """The numeric address to listen on, IPv4 first as Toxiproxy chooses.

    Raises `Refusal` with status 500 when the name is unknown, or not known soon: all other changes wait for this one.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_DEADLINE_S):
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"listen tcp: lookup {address.host}: i/o timeout") from None
    except (OSError, UnicodeError):
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"listen tcp: lookup {address.host}: no such host") from None
    best = min(found, key=lambda info: info[0] != socket.AF_INET)
    return Address(str(best[4][0]), address.port)


def listen_on(address: Address) -> socket.socket:
    """A listening, non-blocking socket on a numeric address.

    Raises `Refusal` with status 500 and the operating system's text, worded as Toxiproxy words it.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on what says that it is TCP, and what is accepted says what its listener does
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
