"""The cookies of one play: what RFC 6265 asks of a client, as far as journeys need it. No I/O.

Room scenarios. Kept here and not in a client, so that every driver keeps the same cookies. One departure: a cookie
without a Domain goes back only to the host *and port* that set it, because the services of a local realm differ by
port alone, and a journey must not behave otherwise there than in a realm where they differ by host.
"""

from __future__ import annotations

import email.utils
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC

from seatrial.exchange import Headers

MAX_COOKIES = 200
"""In one jar; the one more puts out what has expired, or else the oldest."""

_SECONDS = re.compile(r"-?[0-9]+")
_LONGEST_S = 1e10  # some three hundred years: what is longer never ends for us, and would be no time at all
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie and where it may go.

    `domain` is empty for one that goes only to its `origin`: the host in lower case and the port.
    """

    name: str
    value: str
    origin: tuple[str, int | None]
    domain: str
    path: str
    secure: bool
    expires_at: float | None = None

    def has_expired(self, now: float) -> bool:
        """Whether its time is over at that moment (UTC seconds)."""
        return self.expires_at is not None and self.expires_at <= now

    def goes_to(self, parts: urllib.parse.SplitResult, now: float) -> bool:
        """Whether a request to that URL carries it at that moment (UTC seconds)."""
        if self.has_expired(now):
            return False
        host = parts.hostname or ""
        here = _within(host, self.domain) if self.domain else _origin(parts) == self.origin
        safe = not self.secure or parts.scheme == "https" or host in _LOOPBACK
        return here and safe and _path_matches(parts.path or "/", self.path)


class Jar:
    """The cookies a play holds. Not shared between plays."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str | tuple[str, int | None], str], Cookie] = {}

    @property
    def is_empty(self) -> bool:
        """Whether it holds none."""
        return not self._cookies

    def copy(self) -> Jar:
        """The same cookies, to go on with apart."""
        other = Jar()
        other._cookies = dict(self._cookies)
        return other

    def join(self, other: Jar, before: Jar) -> None:
        """Take over what became of a copy since `before`: set, changed or ended."""
        for key, cookie in other._cookies.items():
            if before._cookies.get(key) != cookie:
                self._cookies[key] = cookie
        for key in before._cookies.keys() - other._cookies.keys():
            self._cookies.pop(key, None)

    def keep(self, url: str, headers: Headers, *, now: float) -> None:
        """Take the Set-Cookie headers of an answer from that URL; `now` (UTC seconds) decides what has expired."""
        for name, value in headers:
            if name.lower() == "set-cookie":
                self._set(urllib.parse.urlsplit(url), value, now)

    def pairs(self, url: str, *, now: float) -> list[tuple[str, str]]:
        """The cookies for that URL by name and value, longer paths first, of equal ones the older."""
        if not self._cookies:
            return []
        parts = urllib.parse.urlsplit(url)
        fitting = [cookie for cookie in self._cookies.values() if cookie.goes_to(parts, now)]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        return [(cookie.name, cookie.value) for cookie in fitting]

    def header(self, url: str, *, now: float) -> str:
        """The value of the Cookie header for that URL; empty for none."""
        return "; ".join(f"{name}={value}" for name, value in self.pairs(url, now=now))

    def _set(self, parts: urllib.parse.SplitResult, line: str, now: float) -> None:
        pair, *rest = line.split(";")
        name, equals, value = (part.strip() for part in pair.partition("="))
        attributes = _attributes(rest)
        domain = attributes.get("domain", "").lstrip(".").lower()
        if not equals or not name or (domain and not _may_set(parts.hostname or "", domain)):
            return
        path = attributes.get("path", "")
        path = path if path.startswith("/") else _default_path(parts.path)
        key = (name, domain or _origin(parts), path)
        expires_at = _expiry(attributes, now)
        if expires_at is not None and expires_at <= now:
            self._cookies.pop(key, None)
            return
        if key not in self._cookies:
            self._make_room(now)
        # One that is set anew keeps its place among those of equal paths (RFC 6265, 5.3).
        self._cookies[key] = Cookie(name, value, _origin(parts), domain, path, "secure" in attributes, expires_at)

    def _make_room(self, now: float) -> None:
        """For one more: what has expired goes first, then the oldest (RFC 6265, 5.3)."""
        if len(self._cookies) < MAX_COOKIES:
            return
        expired = [key for key, cookie in self._cookies.items() if cookie.has_expired(now)]
        for key in expired or [next(iter(self._cookies))]:
            del self._cookies[key]


def _attributes(parts: Iterable[str]) -> dict[str, str]:
    pairs = (part.partition("=") for part in parts)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _expiry(attributes: dict[str, str], now: float) -> float | None:
    """When it ends; Max-Age wins over Expires, and what cannot be read ends nothing (RFC 6265, 5.2)."""
    age = attributes.get("max-age", "")
    if _SECONDS.fullmatch(age):
        return now + max(-_LONGEST_S, min(float(age), _LONGEST_S))
    return _instant(attributes.get("expires", ""))


def _instant(date: str) -> float | None:
    """A date in UTC seconds; one that names no zone is UTC. None for what is no date."""
    try:
        read = email.utils.parsedate_to_datetime(date)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _may_set(host: str, domain: str) -> bool:
    """Whether an answer of that host may set cookies for the domain: its own or one above it, but no top-level one.

    There is no list of public suffixes here: a host of `co.uk` may set cookies for all of `co.uk`.
    """
    return host == domain or ("." in domain and _within(host, domain))


def _origin(parts: urllib.parse.SplitResult) -> tuple[str, int | None]:
    """Host and port, whatever the case, the user or whether the scheme's own port is written."""
    try:
        port = parts.port
    except ValueError:  # the door refuses such an address, so that nothing of it is ever kept
        port = None
    return parts.hostname or "", port or _PORTS.get(parts.scheme)


def _within(host: str, domain: str) -> bool:
    is_name = not host.replace(".", "").isdigit() and ":" not in host
    return host == domain or (is_name and host.endswith(f".{domain}"))


def _default_path(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _path_matches(path: str, wanted: str) -> bool:
    return path == wanted or (path.startswith(wanted) and (wanted.endswith("/") or path[len(wanted)] == "/"))
