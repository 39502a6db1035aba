"""Where requests of the original go, in words of ours: addresses that stand for a service become `service://NAME`.

Room scenarios, importers. Pure.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping

from seatrial.errors import UsageError

Services = Mapping[str, str]
"""Base URLs by the name of the service that lives there."""

_USER = re.compile(r"(\w+://)?([^/?#@]+)@")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_services(words: Iterable[str]) -> dict[str, str]:
    """`NAME=BASE_URL` words; UsageError quotes the first that is not one. A base may be a foreign `{{variable}}`."""
    found = {}
    for word in words:
        name, sign, base = word.partition("=")
        if not sign or not _NAME.fullmatch(name) or not (base.startswith("{{") or is_address(base)):
            raise UsageError(f"--service takes NAME=BASE_URL, as api=https://api.example.com, not '{word}'")
        found[name] = base.rstrip("/")
    return found


def on_service(url: str, services: Services) -> str:
    """The URL with the base of a service replaced, the longest base first; itself when none fits."""
    for name, base in sorted(services.items(), key=lambda item: -len(item[1])):
        rest = url[len(base) :]
        if url.startswith(base) and rest[:1] in ("", "/", "?"):
            return f"service://{name}{rest if rest.startswith('/') else '/' + rest}"
    return url


def path_of(url: str) -> str:
    """The path of a URL, `/` when it has none."""
    rest = url.partition("://")[2] if "://" in url else url
    return "/" + rest.partition("/")[2].partition("?")[0].partition("#")[0]


def split_user(url: str) -> tuple[str, str]:
    """`user:password` of a URL, empty for none, and the URL without them."""
    found = _USER.match(url)
    return (found[2], f"{found[1] or ''}{url[found.end() :]}") if found else ("", url)


def is_address(url: str) -> bool:
    """Whether a request can be sent there."""
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
