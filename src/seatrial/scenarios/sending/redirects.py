"""The request that follows a redirect, by RFC 9110 and RFC 3986. Pure.

Room scenarios, private to `attempt`. What identifies us goes along only to hosts that are trusted with it.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable

from seatrial.exchange import Request, Response
from seatrial.scenarios.sending.request import Follow

STATUSES = frozenset({301, 302, 303, 307, 308})
_HOSTLESS = (("http", ""), ("https", ""))  # which urljoin takes for an address on the same host
_OF_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})


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

    `first` is what was asked at first: its host may know our `credentials` (headers in lower case). `cookies` gives
    the jar's for the new address; those the step wrote itself stay behind.
    """
    location = answer.header("location")
    if answer.status not in STATUSES or not location:
        return None
    url = _joined(request.url, location)
    if url is None:
        return None
    trusted = _is_trusted(first.url, url, follow)
    dropped = {"cookie", "host", *(() if trusted else credentials)}
    method, keeps_body = _method(request.method, answer.status)
    dropped |= set() if keeps_body else _OF_BODY
    own = first.headers if trusted else request.headers
    headers = [header for header in own if header[0].lower() not in dropped]
    kept = cookies(url)
    if kept:
        headers.append(("Cookie", kept))
    body = request.body if keeps_body else None
    return dataclasses.replace(request, method=method, url=url, headers=tuple(headers), body=body)


def _joined(base: str, location: str) -> str | None:
    """The address by RFC 3986, without a fragment; None for one that is not HTTP, or no address at all."""
    try:
        if urllib.parse.urlsplit(location.strip())[:2] in _HOSTLESS:
            return None
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(base, location.strip()))
        parts.port  # noqa: B018 - a port that is no number is only found when it is asked for
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return urllib.parse.quote(parts._replace(fragment="").geturl(), safe="/?#[]@!$&'()*+,;=:%~-._")


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
    if follow.trusted is None or now.hostname in follow.trusted or now.netloc in follow.trusted:
        return True
    same = (before.scheme, before.netloc) == (now.scheme, now.netloc)
    upgraded = before.hostname == now.hostname and (before.scheme, now.scheme) == ("http", "https")
    return same or (upgraded and before.port in (None, 80) and now.port in (None, 443))
