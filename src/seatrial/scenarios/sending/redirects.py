"""The request that follows a redirect, by RFC 9110 and RFC 3986. Pure.

Room scenarios, private to `attempt`. What identifies us goes along only to hosts that are trusted with it.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable

from seatrial.exchange import Connection, Request, Response
from seatrial.scenarios.sending.request import Follow

STATUSES = frozenset({301, 302, 303, 307, 308})
_HOSTLESS = (("http", ""), ("https", ""))  # which urljoin takes for an address on the same host
_OF_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
_SIGNED = frozenset({"x-amz-security-token", "x-amz-date", "x-amz-content-sha256"})
_PORTS = {"http": 80, "https": 443}


def next_request(
    first: Request,
    request: Request,
    answer: Response,
    *,
    follow: Follow,
    cookies: Callable[[str], str],
    credentials: frozenset[str],
) -> Request | None:
    """The request that follows this answer to `request`; None when it redirects to nowhere we can go.

    `first` is what was asked at first: its host may know our `credentials` (headers in lower case), our body and the
    certificate we show. No other may, so that a redirect which would carry a body there is not followed. `cookies`
    gives the jar's for the new address; those the step wrote itself stay behind.
    """
    location = answer.header("location")
    if answer.status not in STATUSES or not location:
        return None
    url = _joined(request.url, location)
    if url is None:
        return None
    trusted = _is_trusted(first.url, url, follow)
    method, keeps_body = _method(request.method, answer.status)
    body = request.body if keeps_body else None
    if body and not trusted:
        return None
    dropped = {"cookie", "host", *(() if trusted else credentials | _SIGNED), *(() if body else _OF_BODY)}
    headers = [header for header in first.headers if header[0].lower() not in dropped]
    kept = cookies(url)
    if kept:
        headers.append(("Cookie", kept))
    connection = first.connection if trusted else _unknown(first.connection)
    sent = dataclasses.replace(request, method=method, headers=tuple(headers), body=body, connection=connection)
    return dataclasses.replace(sent, url=_known(first.url, url))


def _unknown(connection: Connection) -> Connection:
    """The connection without what tells who we are, and without the pin, which is of another server's key."""
    tls = dataclasses.replace(connection.tls, certificate=None, key=None, password=None, pin=None)
    return dataclasses.replace(connection, tls=tls)


def _known(first: str, url: str) -> str:
    """The address with the user and password of the first one where it is of the same origin, as curl has it."""
    before, now = urllib.parse.urlsplit(first), urllib.parse.urlsplit(url)
    user, at, _ = before.netloc.rpartition("@")
    if not at or "@" in now.netloc or _origin(before) != _origin(now):
        return url
    return now._replace(netloc=f"{user}@{now.netloc}").geturl()


def _joined(base: str, location: str) -> str | None:
    """The address by RFC 3986, without a fragment; None for one that is not HTTP, or no address at all."""
    try:
        location = _text(location.strip())
        if urllib.parse.urlsplit(location)[:2] in _HOSTLESS:
            return None
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(base, location))
        parts.port  # noqa: B018 - a port that is no number is only found when it is asked for
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return urllib.parse.quote(parts._replace(fragment="").geturl(), safe="/?#[]@!$&'()*+,;=:%~-._")


def _text(location: str) -> str:
    """A header's bytes are told as Latin-1; an address in them that is not all ASCII is UTF-8 where it can be."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _method(method: str, status: int) -> tuple[str, bool]:
    """The method to go on with, and whether the body goes along (RFC 9110, 15.4)."""
    if status == 303 and method != "HEAD":
        return "GET", False
    if status in (301, 302) and method == "POST":
        return "GET", False
    return method, True


def _is_trusted(first: str, url: str, follow: Follow) -> bool:
    """The origin that was asked at first, the same host over TLS, and the hosts named."""
    before, now = urllib.parse.urlsplit(first), urllib.parse.urlsplit(url)
    if follow.trusted is None or now.hostname in follow.trusted or _host(now) in follow.trusted:
        return True
    upgraded = before.hostname == now.hostname and (before.scheme, now.scheme) == ("http", "https")
    return _origin(before) == _origin(now) or (upgraded and before.port in (None, 80) and now.port in (None, 443))


def _host(parts: urllib.parse.SplitResult) -> str:
    return parts.netloc.rpartition("@")[2].lower()


def _origin(parts: urllib.parse.SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, where the scheme's own port need not be written, and a user is no part of it."""
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
