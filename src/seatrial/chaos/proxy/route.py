"""Which route a path belongs to, guessed from the path alone: what looks like an identifier becomes `{}`.

Takes paths without query, gives `/cards/{}/entries` for `/cards/c-17/entries`. A proxy knows no service's routes; a
guess that is wrong splits or joins counts, and changes nothing else. The number of routes a proxy counts is bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

ROUTES_LIMIT = 256
OTHER = "other"
_LONGEST_WORD = 40
_LONGEST_METHOD = 16
_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)*")
_WORD = re.compile(r"[A-Za-z]+[0-9]?")
_DIGIT = re.compile(r"[0-9%]")


class Counted(NamedTuple):
    """What ended exchanges are counted by; status None: the answer never came."""

    method: str
    route: str
    status: int | None


class RouteCounts(Counter[Counted]):
    """Counts of a proxy's ended exchanges. Of methods and routes beyond `ROUTES_LIMIT` the new ones are `other`."""

    def count(self, method: str, path: str, status: int | None) -> None:
        """One more exchange ended."""
        counted = _counted(method, path, status)
        if counted not in self and len(self) >= ROUTES_LIMIT:
            counted = Counted(OTHER, OTHER, status)
        self[counted] += 1


@lru_cache(maxsize=4096)
def _counted(method: str, path: str, status: int | None) -> Counted:
    return Counted(method if len(method) <= _LONGEST_METHOD else OTHER, route_of(path), status)


@lru_cache(maxsize=4096)
def route_of(path: str) -> str:
    """The path with `{}` for each segment that looks like an identifier.

    Those are: what has a digit or an escape in it, but for `v1`, `v2.1` and words that end with one digit (`oauth2`);
    and what is longer than forty characters.
    """
    return "/".join(map(_shown, path.split("/")))


def _shown(segment: str) -> str:
    if len(segment) > _LONGEST_WORD:
        return "{}"
    if not _DIGIT.search(segment) or _VERSION.fullmatch(segment) or _WORD.fullmatch(segment):
        return segment
    return "{}"
