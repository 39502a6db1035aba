"""Whether every service of a realm is ready, past its proxies: what is asked before anything is judged.

Takes a realm and its state; asks each service's `health` path. What answers below 500 is ready, whatever it answers
there: not every service has the path. A peer that wants TLS of its own kind is taken by its word that it accepts
connections. Must never start or stop anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from seatrial import http
from seatrial.clock import Clock
from seatrial.errors import Unreachable
from seatrial.exchange import Response
from seatrial.quantity import show_duration
from seatrial.realm import Realm
from seatrial.runtime.state import RealmState
from seatrial.runtime.up import HEALTH_TIMEOUT_S, direct_addresses
from seatrial.sample import Cause

READY_WITHIN_S = 10.0
"""A service that was deployed a moment ago may still be starting; one that is broken stays so."""

_ASK_EVERY_S = 0.5


def require_ready(
    realm: Realm, state: RealmState | None, *, clock: Clock, within_s: float = READY_WITHIN_S
) -> tuple[str, ...]:
    """The names of the realm's services once all of them are ready; Unreachable, saying of each that is not what it
    did, when that takes too long."""
    addresses = direct_addresses(realm, state)
    ends_at = clock.monotonic() + within_s
    while reasons := unready(realm, addresses):
        if clock.monotonic() >= ends_at:
            raise Unreachable(_not_ready(realm, reasons, within_s))
        clock.sleep(_ASK_EVERY_S)
    return tuple(addresses)


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


def _not_ready(realm: Realm, reasons: Mapping[str, str], within_s: float) -> str:
    listed = "; ".join(f"{name}: {what}" for name, what in reasons.items())
    return (
        f"{realm.where}: after {show_duration(within_s)} {len(reasons)} of {len(realm.places)} services of realm "
        f"'{realm.name}' were not ready ({listed}); start them, or correct their addresses or `health`"
    )
