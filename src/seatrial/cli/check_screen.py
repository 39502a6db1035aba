"""What `seatrial check` shows while it plays: results on stdout, progress on stderr, on a terminal one live line.

Only the main thread draws. On a terminal the last line of stderr says how far the run is and is drawn anew; elsewhere
every journey's beginning is a line, and of one with very many rows a line now and then.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from seatrial.cli.check_lines import STEPS, Line, play_lines, poll_line, rows_line
from seatrial.cli.console import say, tell
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Counts
from seatrial.reports.plays.shown import Clean
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Attempted, Move, Send
from seatrial.scenarios.played import Played

FOLDED_FROM = 21
"""Rows of one journey from which on those that passed are counted, not listed."""

EVERY_S = 10.0
REDRAWN_S = 0.1
_CLEAR = "\r\x1b[2K"


@dataclass(frozen=True, slots=True)
class Look:
    """How a run is shown. `secrets` masks what is told; `to_stderr`: stdout is taken by a report."""

    secrets: Secrets
    verbosity: int
    plays: int
    to_stderr: bool = False


class Screen:
    """Tells one play after the other."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._clean = Clean(look.secrets)
        self._live = LiveLine() if live_terminal() else None
        self._counts = Counts()
        self._folded: Fold | None = None
        self._begun = 0

    def begin(self, journey: Scenario, scenario: Scenario) -> None:
        """A play begins; in the main thread, in order."""
        self._begun += 1
        if self._live:
            self.redraw(scenario.name)
        elif self._look.verbosity < 0:
            return
        elif not folds(journey, self._look.verbosity):
            self._say(f"[{self._begun}/{self._look.plays}] {self._clean.text(scenario.name)}")
        elif scenario.row is None or self._folded is None or self._folded.journey is not journey:
            rows = len(journey.rows or ())
            self._say(f"[{self._begun}/{self._look.plays}] {self._clean.text(journey.name)}: {rows} rows")

    def moved(self, scenario: Scenario, move: Move) -> None:
        """What a play does next; in the main thread."""
        if isinstance(move, Attempted) and not move.final:
            self._say(poll_line(move, self._clean))
        elif isinstance(move, Send):
            self.redraw(f"{scenario.name} > {move.step.name}")

    def redraw(self, doing: str = "") -> None:
        """How far it is, on a terminal."""
        if self._live:
            counts = self._counts
            failed = f", {counts.failed} failed" if counts.failed else ""
            self._live.draw(f"{counts.plays}/{self._look.plays} played{failed}  {self._clean.text(doing)}")

    def ended(self, played: Played) -> None:
        """Tell how a play went."""
        self._counts.add(played)
        if not folds(played.journey, self._look.verbosity):
            self._show_all(played, self._look.verbosity)
            return
        if self._folded is None or self._folded.journey is not played.journey:
            self._folded = Fold(played.journey)
        if not (played.result.passed or played.result.skipped):
            self._show_all(played, self._look.verbosity)
        if self._folded.add(played) and self._look.verbosity >= 0:
            self._show(self._folded.line(self._clean))
            self._folded = None
        elif not self._live and (told := self._folded.now_and_then() if self._folded else ""):
            self._say(f"    {self._clean.text(played.journey.name)}: {told}")

    def close(self, *lines: Line) -> None:
        """The last lines; of rows that were cut short, what they came to so far."""
        if self._folded is not None and self._look.verbosity >= 0 and self._folded.counts.plays:
            self._show(self._folded.line(self._clean))
            self._folded = None
        for line in lines:
            self._show(line)
        self.clear()

    def clear(self) -> None:
        """Take the live line away."""
        if self._live:
            self._live.clear()

    def _show_all(self, played: Played, verbosity: int) -> None:
        for line in play_lines(played, self._look.secrets, verbosity=verbosity):
            self._show(line)

    def _show(self, line: Line) -> None:
        self.clear()
        if self._look.to_stderr:
            say(line.text)
        else:
            tell(line.text, style=line.style)

    def _say(self, text: str) -> None:
        self.clear()
        say(text)


class Fold:
    """The rows of one journey as one line."""

    def __init__(self, journey: Scenario) -> None:
        self.journey = journey
        self.counts = Counts()
        self._took_s = 0.0
        self._told_at = time.monotonic()

    def add(self, played: Played) -> bool:
        """Count one more; True when it was the last."""
        self.counts.add(played)
        self._took_s += played.took_s
        return self.counts.plays == len(self.journey.rows or ())

    def line(self, clean: Clean) -> Line:
        """What they came to."""
        return rows_line(clean.text(self.journey.name), self.counts, self._took_s)

    def now_and_then(self) -> str:
        """How far it is, when it is time to say so; else empty."""
        if time.monotonic() - self._told_at < EVERY_S:
            return ""
        self._told_at = time.monotonic()
        failed = f", {self.counts.failed} failed" if self.counts.failed else ""
        return f"{self.counts.plays} of {len(self.journey.rows or ())} rows{failed}"


class LiveLine:
    """One line of stderr that is drawn over and over."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._drawn_at = float("-inf")
        self._there = False

    def draw(self, text: str) -> None:
        """Draw it, unless it was drawn a moment ago; cut to the terminal's width."""
        if self._now() - self._drawn_at < REDRAWN_S:
            return
        self._drawn_at = self._now()
        width = shutil.get_terminal_size().columns - 1
        self._put(f"{_CLEAR}{' '.join(text.split())[:width]}")
        self._there = True

    def clear(self) -> None:
        """Leave the line empty for what comes next."""
        if self._there:
            self._put(_CLEAR)
            self._there = False
            self._drawn_at = float("-inf")

    def _put(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def folds(journey: Scenario, verbosity: int) -> bool:
    """Whether the rows of a journey are told as one line."""
    return verbosity < STEPS and journey.rows is not None and len(journey.rows) >= FOLDED_FROM


def live_terminal() -> bool:
    """Whether stderr is a screen on which a line can be drawn over."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
