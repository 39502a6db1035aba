"""Whether two sides may be compared at all, and why not: one sentence each.

Room slo. Another realm, another load or other routes make a difference that is none of the versions'. Pure; may
import the floor and its own room; must never compare.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.slo.counted import Counted
from seatrial.slo.measure import Route


def other_realm(base: Counted, new: Counted) -> str:
    """Why their realms forbid it; empty text when they do not. A side that does not know its realm is of another."""
    if base.realm == new.realm and base.realm:
        return ""
    realms = [side.realm or "an unknown realm" for side in (new, base)]
    return f"{new.name} is of realm {realms[0]} and {base.name} of realm {realms[1]}: what differs may be the realms"


def other_load(base: Counted, new: Counted) -> str:
    """Why their loads forbid it; empty text when they are the same, or one is not known."""
    if base.offered == new.offered or not (base.offered and new.offered):
        return ""
    return f"not under the same load: {new.name} had {new.offered}, {base.name} {base.offered}"


def other_routes(base: Counted, new: Counted, *, service: str, routes: tuple[str, ...] = ()) -> str:
    """Why what was asked of a service forbids it; empty text when both sides had the same routes, or one had none."""
    mine, its = new.requests(service, routes), base.requests(service, routes)
    if not mine or not its:
        return ""
    only = (*_only(mine.keys() - its.keys(), new), *_only(its.keys() - mine.keys(), base))
    return f"not the same requests: {'; '.join(only)}" if only else ""


def _only(routes: set[Route], side: Counted) -> Iterator[str]:
    if routes:
        yield f"{', '.join(sorted(map(str, routes)))} only in {side.name}"
