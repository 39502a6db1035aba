"""The only door to regular expressions that a user wrote: compiled once, and never run for longer than a second.

A pattern that backtracks without end would hold up a whole load child. The engine is imported when the first pattern
is compiled, since most commands have none. Pure; imports nothing of seatrial. Patterns of our own use `re`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

BUDGET_S = 1.0
"""Of one search or replacement; a sane pattern is through 10 MiB in a tenth of it."""

MAX_PATTERN = 1000
"""Characters of a pattern; the engine prepares a longer literal in more than quadratic time, which nothing bounds."""

MAX_SIZE = 200_000
"""Characters of one with its counted repetitions written out, as the engine does; `(a{500}){500}` has 250,000."""

MAX_REPLACED = 10 << 20
"""Characters a replacement may give."""


class TooSlow(ValueError):
    """The pattern was not through the text in time."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the pattern '{text}' took longer than {BUDGET_S:g} s")


_TOO_MUCH = (TimeoutError, MemoryError, RecursionError)  # one that calls itself without end runs out of memory first
_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Regex:
    """A compiled pattern, as written in `text`."""

    text: str
    compiled: regex.Pattern[str]

    def search(self, subject: str) -> regex.Match[str] | None:
        """The first match anywhere; TooSlow when it takes longer than the budget."""
        try:
            return self.compiled.search(subject, timeout=BUDGET_S)
        except _TOO_MUCH:
            raise TooSlow(self.text) from None

    def found(self, subject: str) -> str | None:
        """The first group of the first match (the whole match where there are no groups), else None."""
        match = self.search(subject)
        if match is None:
            return None
        return match[1] if self.compiled.groups else match[0]

    def replace(self, subject: str, replacement: str) -> str:
        r"""Every match replaced; `\1` stands for a group. ValueError for an unknown group or a result too large."""
        import regex

        try:
            return self.compiled.sub(_bounded(replacement, len(subject)), subject, timeout=BUDGET_S)
        except _TOO_MUCH:
            raise TooSlow(self.text) from None
        except (regex.error, IndexError) as error:
            raise ValueError(f"'{replacement}' cannot replace '{self.text}': {error}") from None


@functools.lru_cache(maxsize=1024)
def compile_regex(text: str) -> Regex:
    """The pattern, ready; ValueError says what is wrong with it."""
    import regex

    if len(text) > MAX_PATTERN:
        raise ValueError(f"a regular expression of more than {MAX_PATTERN} characters")
    if _size(text) > MAX_SIZE:
        raise ValueError(f"'{text}' is too large a regular expression: its repetitions multiply")
    try:
        return Regex(text, regex.compile(text))
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"'{text}' is not a regular expression: {error}") from None


def _size(text: str) -> int:
    """Characters of the pattern with its counted repetitions written out."""
    open_groups = [0]
    last = 0
    for token in _TOKEN.finditer(text):
        if token[0] == "(":
            open_groups.append(0)
            continue
        if token[1]:
            times = max(int(token[1]), int(token[2] or 0), 1)
            grown = last * (times - 1)
            last *= times
        else:
            last = open_groups.pop() if token[0] == ")" and len(open_groups) > 1 else 1
            grown = last
        open_groups[-1] += grown
    return sum(open_groups)


def _bounded(replacement: str, length: int) -> Callable[[regex.Match[str]], str]:
    """The replacement of each match, refused once all of them together are too large."""
    left = MAX_REPLACED - length

    def replaced(match: regex.Match[str]) -> str:
        nonlocal left
        text = match.expand(replacement)
        left -= len(text)
        if left < 0:
            raise ValueError(f"it would give more than {MAX_REPLACED} characters")
        return text

    return replaced
