"""How a service is configured, by its environment.

PORT            where to listen (required)
HOST            the address to listen on (default 127.0.0.1)
CARDS_URL, LEDGER_URL, MERCHANTS_URL, FEED_URL
                root of each service this one calls (required for those it calls); several in LEDGER_URL, separated
                by commas, are replicas on the same books
BOOKS           the file in which the replicas of the ledger have their books; without it they are in memory
DEFECTS         defect texts, separated by commas; those of other services are passed over
DEMO_PASSWORD   what customers log in with (default "seaworthy")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.demo import DEPENDS_ON
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects, defects_of

DEFAULT_PASSWORD = "seaworthy"  # noqa: S105 - the bank is a demo, its password is printed in its docs

REPLICATED = ("ledger",)
"""The services of which there can be several on the same state."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``urls`` has the root of every service this one calls, or the roots of its replicas, separated by commas."""

    service: str
    host: str
    port: int
    urls: Mapping[str, str]
    defects: Defects
    password: str
    books: Path | None = None


def read_settings(service: str, environ: Mapping[str, str]) -> Settings:
    """Raises ValueError with a sentence that names the variable and what would be right."""
    return Settings(
        service=service,
        host=environ.get("HOST", "127.0.0.1"),
        port=_port(service, environ.get("PORT", "")),
        urls={callee: _url(service, callee, environ) for callee in DEPENDS_ON[service]},
        defects=_defects(service, environ.get("DEFECTS", "")),
        password=environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD),
        books=Path(environ["BOOKS"]) if environ.get("BOOKS") else None,
    )


def _port(service: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(f"{service}: PORT is {text!r}; a port from 1 to 65535 is wanted, for example PORT=8080")
    return int(text)


def _url(service: str, callee: str, environ: Mapping[str, str]) -> str:
    name = f"{callee.upper()}_URL"
    url = environ.get(name, "")
    urls = [each.strip().rstrip("/") for each in url.split(",")]
    if len(urls) > 1 and callee not in REPLICATED:
        raise ValueError(
            f"{service}: {name} is {url!r}; only {', '.join(REPLICATED)} can have replicas, so one address"
        )
    if any(urlsplit(each).scheme not in ("http", "https") for each in urls):
        raise ValueError(
            f"{service}: {name} is {url!r}; the address of {callee} is wanted, for example {name}=http://127.0.0.1:8080"
        )
    return ",".join(urls)


def _defects(service: str, texts: str) -> Defects:
    return defects_of(service, parse_defects(text for text in texts.split(",") if text.strip()))
