"""What a load could not render, told while it goes on: else its table stays empty and nobody knows why.

Takes the summary and the load's log, gives sentences once each. Reads the log alone, prints nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from seatrial.sample import Cause
from seatrial.scenarios.load.summary import Summary
from seatrial.slo.decide import unrendered_text

_FIRST = re.compile(r"first '\w+' of .*")
_READ_LINES = 1000


class Unrendered:
    """Looks for the first attempt that could not be rendered; quiet once it told of one."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._told = False

    def news(self, summary: Summary) -> Iterator[str]:
        """The sentence, when there is something to tell that was not told before."""
        unrendered = summary.unrendered.total()
        if self._told or (not unrendered and summary.requests):
            return
        first = self._first(f"first '{Cause.TEMPLATE}'" if unrendered else "first '")
        if first or unrendered:
            self._told = True
            yield f"not rendered: {first or 'a request; the log of the worker says why'}"

    def _first(self, begins: str) -> str:
        """The log's line on it, as `child_play` writes it; empty when it says nothing of the kind."""
        with self._log.open(errors="replace") as lines:
            found = (_FIRST.search(line) for line in itertools.islice(lines, _READ_LINES))
            return next((line[0] for line in found if line and line[0].startswith(begins)), "")


def unrendered_lines(summary: Summary) -> Iterator[str]:
    """What the table counts nowhere; nothing when there is none."""
    if lost := summary.unrendered.total():
        yield f"{unrendered_text(lost)} ({Cause.TEMPLATE}): counted nowhere, and no service is blamed"
