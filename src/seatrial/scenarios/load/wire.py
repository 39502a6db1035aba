"""A request as HTTP/1.1 says it: where it goes, and its bytes.

Takes a `Request`, gives an `Origin` and bytes; `Unsayable` for what HTTP/1.1 cannot carry. Nearly every URL under
load is plain and its origin known already; any other is taken apart by the library. Pure. May import the floor.
"""

from __future__ import annotations

import base64
import functools
import re
import urllib.parse
from dataclasses import dataclass
from typing import NamedTuple

from seatrial.exchange import Request, Tls
from seatrial.paths import resolved

_PORTS = {"http": 80, "https": 443}
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_PLAIN_URL = re.compile(r"(https?://[A-Za-z0-9.:-]+)(/[\x21\x22\x24-\x7e]*)")
_CONTROLS = bytes(sign for sign in (*range(0x20), 0x7F) if sign != ord("\t"))
_BROKEN = "a header or the URL holds a line break or a character HTTP cannot carry"
_SAFE_TARGET = re.compile(r"[\x21-\x7e]+")


class Unsayable(ValueError):
    """A request that cannot be said in HTTP/1.1; the text says why."""


class Origin(NamedTuple):
    """Where connections go: what a free list is keyed by, and so a tuple, of which the hash is soon made."""

    scheme: str
    host: str
    port: int
    tls: Tls | None = None

    @property
    def host_header(self) -> str:
        """The value of the Host header: brackets round IPv6, the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Destination:
    """What a URL says: where, who we are to it, path and query; and the Host header's line."""

    origin: Origin
    user: str
    path: str
    query: str
    host_line: str


def say(request: Request) -> tuple[Origin, bytes]:
    """Where the request goes and its bytes; Unsayable when it cannot be said in HTTP/1.1."""
    plain = _PLAIN_URL.fullmatch(request.url)
    if plain is None:
        place = _place(request.url, request.connection.tls)
        path, query = place.path, place.query
    else:
        place = _known(plain[1], request.connection.tls if plain[1].startswith("https") else None)
        path, _, query = plain[2].partition("?")
    if not request.path_as_is:
        path = resolved(path)
    target = f"{path or '/'}?{query}" if query else path or "/"
    own = "".join([f"{name}: {value}\r\n" for name, value in request.headers])
    before, after = _needed(request, place, own)
    raw = f"{request.method} {target} HTTP/1.1\r\n{before}{own}{after}".encode()
    lines = 1 + before.count("\n") + len(request.headers) + after.count("\n")
    if len(raw) - len(raw.translate(None, _CONTROLS)) != 2 * lines:  # each line ends in two, so there are no others
        raise Unsayable(_BROKEN)
    if plain is None and not _SAFE_TARGET.fullmatch(target):
        raise Unsayable(_BROKEN)
    return place.origin, b"%b\r\n%b" % (raw, request.body or b"")


def _needed(request: Request, place: _Destination, own: str) -> tuple[str, str]:
    """What HTTP and the URL's `user:password` need before the request's own header lines and after them, where those
    do not say it."""
    given = f"\n{own.lower()}"
    host = "" if "\nhost:" in given else place.host_line
    basic = f"Authorization: {_basic(place.user)}\r\n" if place.user and "\nauthorization:" not in given else ""
    needs_length = (request.body or request.method in _BODY_METHODS) and "\ncontent-length:" not in given
    length = f"Content-Length: {len(request.body or b'')}\r\n" if needs_length else ""
    return host + basic, length


def _place(url: str, tls: Tls | None) -> _Destination:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Unsayable(f"'{url}' is not an http or https URL")
    if parts.port == 0:
        raise Unsayable(f"'{url}' is not a URL: its port is none from 1 to 65535")
    port = parts.port or _PORTS[parts.scheme]
    origin = Origin(parts.scheme, parts.hostname, port, tls if parts.scheme == "https" else None)
    user = parts.netloc.rpartition("@")[0]
    return _Destination(origin, user, parts.path, parts.query, f"Host: {origin.host_header}\r\n")


_known = functools.lru_cache(maxsize=256)(_place)
"""A load asks few origins again and again."""


def _basic(user: str) -> str:
    """What `user:password` of a URL makes by RFC 7617."""
    name, _, password = user.partition(":")
    both = f"{urllib.parse.unquote(name)}:{urllib.parse.unquote(password)}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"
