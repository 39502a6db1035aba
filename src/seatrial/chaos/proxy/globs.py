"""Patterns of routes and header values: `*` is one or more characters, `{name}` one segment of a path.

A pattern of a user is matched against what any caller sends, so matching takes no longer than a search for each part.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SEGMENT = re.compile(r"\{[^{}/]*\}")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, to `fullmatch` with."""
    first, *others = (_part(each) for each in pattern.split("*"))
    if not others:
        return re.compile(first, re.DOTALL)
    *between, last = others
    # Atomic groups: what a star took is never given back, as the next part is best found where it comes first.
    middle = "".join(f"(?>.+?{each})" for each in between)
    return re.compile(f"{first}{middle}.+{last}", re.DOTALL)


def _part(text: str) -> str:
    return "[^/]+".join(re.escape(each) for each in _SEGMENT.split(text))
