"""Whether every service of a realm is ready, past its proxies: what is asked before anything is judged.

Takes a realm and its state; asks each service's `health` path. What answers below 500 is ready, whatever it answers
there: not every service has the path. A peer that wants TLS of its own kind is taken by its word that it accepts
connections. Must never start or stop anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from seatrial import http
from seatrial.clock import Clock
from seatrial.exchange import Response
from seatrial.realm import Realm
from seatrial.runtime.state import RealmState
from seatrial.runtime.up import HEALTH_TIMEOUT_S, direct_addresses
from seatrial.sample import Cause

READY_WITHIN_S = 10.0
"""A service that was deployed a moment ago may still be starting; one that is broken stays so."""

_ASK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which services of a realm were ready, in the realm's order, and what each of the others did."""

    ready: tuple[str, ...]
    unready: Mapping[str, str]


def wait_until_ready(
    realm: Realm, state: RealmState | None, *, clock: Clock, within_s: float = READY_WITHIN_S
) -> Readiness:
    """Asks until every service is ready, or the time is over; what it found then."""
    addresses = direct_addresses(realm, state)
    ends_at = clock.monotonic() + within_s
    while (late := unready(realm, addresses)) and clock.monotonic() < ends_at:
        clock.sleep(_ASK_EVERY_S)
    return Readiness(tuple(name for name in addresses if name not in late), late)


def unready(realm: Realm, addresses: Mapping[str, str]) -> dict[str, str]:
    """What each service that is not ready did, by its name; empty when all are. Asks all of them at once."""
    urls = {name: f"{address.rstrip('/')}{realm.places[name].health}" for name, address in addresses.items()}
    with ThreadPoolExecutor(max_workers=max(1, len(urls))) as pool:
        found = dict(zip(urls, pool.map(_what_it_did, urls.values()), strict=True))
    return {name: f"{urls[name]} {what}" for name, what in found.items() if what}


def _what_it_did(url: str) -> str:
    """Empty text for one that is ready."""
    answer = http.get(url, timeout_s=HEALTH_TIMEOUT_S)
    if isinstance(answer, Response):
        return f"answered {answer.status}" if answer.status >= 500 else ""
    return "" if answer.cause is Cause.TLS else f"gave no answer ({answer.cause}: {answer.detail})"
