"""The log of a game day: every answer, note and step with its instant, on the disk when it was said.

Takes words of people and of the guide, gives lines of the day's journal. Secrets are masked before anything is kept.
"""

from __future__ import annotations

from collections.abc import Callable

from seatrial.clock import Clock
from seatrial.journal import Journal, Run
from seatrial.sample import Logged, LogKind

FOLLOW_UP = "todo"
"""A note that begins so is a follow-up: somebody has to do something."""


class Log:
    """Writes lines; `step` is the one that all belong to until it is set anew, None for the day as a whole. Notes may
    come from another thread."""

    def __init__(self, journal: Journal, run: Run, *, clock: Clock, redact: Callable[[str], str]) -> None:
        self._journal = journal
        self._run = run
        self._clock = clock
        self._redact = redact
        self.step: int | None = None

    def answer(self, asked: str, answer: str) -> None:
        """What the team said to a question."""
        self._write(LogKind.ANSWER, answer, asked)

    def note(self, text: str) -> str:
        """What somebody saw; `todo: ...` is a follow-up. Gives the text with its secrets masked."""
        if _without_mark(text) != text:
            return self.follow_up(text)
        self._write(LogKind.NOTE, text)
        return self._redact(text)

    def follow_up(self, text: str) -> str:
        """What somebody has to do afterwards. Gives the text with its secrets masked."""
        self._write(LogKind.FOLLOW_UP, _without_mark(text))
        return self._redact(text)

    def begun(self, run: Run) -> None:
        """The step's experiment has a run of its own now."""
        self._write(LogKind.BEGUN, run.name)

    def halted(self, text: str) -> None:
        """Somebody ended the step at once."""
        self._write(LogKind.HALTED, text)

    def ended(self, text: str) -> None:
        """How the step ended, or the day."""
        self._write(LogKind.ENDED, text)

    def _write(self, kind: LogKind, text: str, asked: str = "") -> None:
        line = Logged(self._run.name, self._clock.now(), kind, self._redact(text), self.step, self._redact(asked))
        self._journal.write(line)


def _without_mark(text: str) -> str:
    """What is to be done; a text that is not marked as a follow-up stays as it is."""
    first, _, rest = text.partition(" ")
    return rest.strip() if first.rstrip(":").lower() == FOLLOW_UP and rest.strip() else text
