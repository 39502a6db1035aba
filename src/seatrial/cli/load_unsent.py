"""What a load could not send, told while it goes on: else its table stays empty and nobody knows why.

Takes the summary and the load's log, gives sentences once each. Reads the log alone, prints nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from seatrial.sample import Cause
from seatrial.scenarios.load.summary import Summary

_FIRST = re.compile(r"first '\w+' of .*")
_READ_LINES = 1000


class Unsent:
    """Looks for the first attempt that was never sent; quiet once it told of one."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._told = False

    def news(self, summary: Summary) -> Iterator[str]:
        """The sentence, when there is something to tell that was not told before."""
        steps = summary.whole()
        unsent = unsent_in(summary)
        if self._told or (not unsent and any(line.requests for line in steps)):
            return
        first = self._first(f"first '{Cause.TEMPLATE}'" if unsent else "first '")
        if first or unsent:
            self._told = True
            yield f"not sent: {first or 'a request that could not be written; the log of the worker says why'}"

    def _first(self, begins: str) -> str:
        """The log's line on it, as `child_play` writes it; empty when it says nothing of the kind."""
        with self._log.open(errors="replace") as lines:
            found = (_FIRST.search(line) for line in itertools.islice(lines, _READ_LINES))
            return next((line[0] for line in found if line and line[0].startswith(begins)), "")


def unsent_in(summary: Summary) -> int:
    """How many attempts failed before they were sent."""
    return sum(dict(line.causes).get(Cause.TEMPLATE, 0) for line in summary.whole())


def unsent_lines(summary: Summary) -> Iterator[str]:
    """What the table counts as errors though the service never saw it; nothing when there is none."""
    if unsent := unsent_in(summary):
        yield f"{unsent:,} of the errors were never sent ({Cause.TEMPLATE}): they say nothing of the service"
