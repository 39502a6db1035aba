"""Where a request goes: its URL taken apart by httpx, as httpx's engine wants it.

Pure. Failed(PROTOCOL) for what is no URL of ours.
"""

from __future__ import annotations

import base64
import functools
import re
from typing import NamedTuple

from seatrial.http.engine import httpcore, httpx
from seatrial.http.failure import Failed
from seatrial.paths import resolved
from seatrial.sample import Cause

_HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
_PATH_ON = re.compile(r"[^:/?#]+://[^/?#]*([^?#]*)([^#]*)")
_SAFE_TARGET = re.compile(rb"[\x21-\x7e]+")


class Destination(NamedTuple):
    """A URL in its parts; `scheme` is http or https, also of a WebSocket. `authorization` is what its user and
    password make by RFC 7617, empty without them."""

    scheme: str
    host: str
    port: int
    host_header: bytes
    url: httpcore.URL
    authorization: bytes


@functools.lru_cache(maxsize=2048)
def destination_of(url: str, *, path_as_is: bool) -> Destination:
    """The parts of a URL. With `path_as_is` its path and query are sent as they are written, `..` and all."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Failed(Cause.PROTOCOL, f"'{url}' is not a URL: {error}") from None
    scheme = _HTTP_SCHEMES.get(parts.scheme)
    if scheme is None or not parts.raw_host:
        raise Failed(Cause.PROTOCOL, f"'{url}' is not an http, https, ws or wss URL")
    if parts.port is not None and not 0 < parts.port <= _LAST_PORT:
        raise Failed(Cause.PROTOCOL, f"'{url}' is not a URL: its port is none from 1 to {_LAST_PORT}")
    target = _as_written(url) if path_as_is else _resolved(url, parts)
    if not _SAFE_TARGET.fullmatch(target):
        raise Failed(Cause.PROTOCOL, f"the path of '{url}' holds what a request line cannot")
    default = _PORTS[scheme]
    port = parts.port or default
    name = parts.raw_host if b":" not in parts.raw_host else b"[%b]" % parts.raw_host
    header = name if port == default else b"%b:%d" % (name, port)
    wire = httpcore.URL(scheme=scheme.encode(), host=parts.raw_host, port=parts.port, target=target)
    return Destination(scheme, parts.raw_host.decode("ascii"), port, header, wire, _authorization(parts))


def _authorization(parts: httpx.URL) -> bytes:
    if not parts.userinfo:
        return b""
    return b"Basic " + base64.b64encode(f"{parts.username}:{parts.password}".encode())


def _as_written(url: str) -> bytes:
    found = _PATH_ON.match(url)
    path, query = (found[1], found[2]) if found else ("", "")
    return f"{path or '/'}{query}".encode()


def _resolved(url: str, parts: httpx.URL) -> bytes:
    """The path and query as httpx encodes them; where there are dots, by the rule, which httpx does not keep."""
    found = _PATH_ON.match(url)
    if found is None or "/." not in found[1]:
        return parts.raw_path
    query = parts.query
    path = parts.copy_with(path=resolved(found[1])).raw_path.partition(b"?")[0]
    return path + (b"?" + query if query else b"")
