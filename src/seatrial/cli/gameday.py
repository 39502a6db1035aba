"""`seatrial gameday`: the crew at its terminal, or a script in its place, and the record at the end."""

from __future__ import annotations

import contextlib
import io
import sys
import termios
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TextIO

from seatrial.assess.gameday.guide import DONE, END, GO, NO_GO, Crew, Held, Note, Question, Underway, hold_day
from seatrial.assess.gameday.plan import PlannedStep, gameday_plan
from seatrial.assess.gameday.record import judge_steps, publish_day
from seatrial.assess.plan import Asked
from seatrial.cli.console import say, say_healed, shown_path, tell, typed_variables, workspace
from seatrial.cli.gameday_keys import Keys, Stop
from seatrial.cli.gameday_screen import showing
from seatrial.cli.verdict_text import verdict_lines
from seatrial.clock import Clock, SteadyClock
from seatrial.errors import ExitCode, Interrupted
from seatrial.reports.gameday.page import DayPage
from seatrial.verdict import Verdict, exit_code

CONSENT = "--yes: every question is answered with go, and nobody is asked"
_WORDS = {
    GO: ("go", "g"),
    NO_GO: ("no-go", "nogo", "no go", "n"),
    END: ("end", "quit", "q"),
    "yes": ("yes", "y"),
    "no": ("no", "n"),
    "unclear": ("unclear", "u"),
    DONE: (DONE,),
}
"""By what is meant, what may be typed; `n` means what the question asks for."""

_KEYS = "Esc: HALT this step and heal at once   text and Enter: a note   Ctrl-C: heal and end the day"


def run_gameday(file: Path, realm: str | None, *, variables: tuple[str, ...], yes: bool) -> ExitCode:
    """Guide a team through its game day; Interrupted (130) after a Ctrl-C, with the record written."""
    here = workspace()
    say_healed(here)
    plan = gameday_plan(here, file, Asked(realm, overrides=typed_variables(variables)))
    stop = Stop()
    clock = SteadyClock()
    crew: Crew = Consenting(stop, clock) if yes else People(stop, clock)
    with stop.heeding():
        held = hold_day(plan, clock=clock, crew=crew)
        stop.last()
        judge_steps(here, held.run)
        page = publish_day(held.run, redact=held.secrets.redact)
    return tell_day(held, page)


def tell_day(held: Held, page: DayPage) -> ExitCode:
    """Print what the day came to and where its record is; Interrupted where it was."""
    tell(f"game day: {page.grade}: {page.reason}")
    tell(f"record: {shown_path(held.run.gameday)}")
    tell(f"report: {shown_path(held.run.report)}")
    if held.interrupted:
        raise Interrupted(held.interrupted)
    if held.problem:
        say(f"error: {held.problem}")
    return exit_code(page.grade) if held.code is None else held.code


class _OnScreen:
    """What every crew sees: lines on stderr, and the figures of a step, which one at a terminal may halt."""

    def __init__(self, stop: Stop, clock: Clock) -> None:
        self._stop = stop
        self._clock = clock

    def say(self, text: str) -> None:
        """A line that stays."""
        say(text)

    def tell(self, verdict: Verdict) -> None:
        """What a step came to."""
        _tell_verdict(verdict)

    def underway(self, planned: PlannedStep, *, note: Note) -> AbstractContextManager[Underway]:
        """A step with its figures, and the keys of a terminal."""
        return _underway(planned, self._stop, self._clock, note=note)


class People(_OnScreen):
    """The crew that answers on stdin, line by line. On a terminal keys are read while a step is under way; from a
    pipe nothing is, so that each line answers the question it was written for."""

    absent = ""

    def __init__(self, stop: Stop, clock: Clock) -> None:
        super().__init__(stop, clock)
        self._at_terminal = _at_terminal()
        self._lines: TextIO = sys.stdin or io.StringIO()  # a process may be started without one
        if isinstance(self._lines, io.TextIOWrapper):
            self._lines.reconfigure(errors="replace")

    def ask(self, question: Question, *, note: Note) -> str | None:
        """One of the question's answers. A word that answers another question is asked again at a terminal; in a
        script, which cannot see the question, it is no answer. What a script says is shown as if it were typed."""
        wanted = "/".join(question.answers)
        if self._at_terminal and GO in question.answers:
            termios.tcflush(sys.stdin, termios.TCIFLUSH)  # what was typed before the question is no answer to it
        say(f"{question.text} [{wanted}]")
        while line := self._lines.readline():
            said = line.strip()
            meant = _meant(said)
            answer = next((one for one in meant if one in question.answers), None)
            if answer:
                self._echo(said)
                return answer
            if said and (not meant or DONE in question.answers):
                self._echo(note(said))
                say(f"noted; {wanted}?")
            elif meant and not self._at_terminal:
                self._echo(said)
                say(f"'{said}' is no answer to this")
                return None
            else:
                say(f"answer with {wanted}, or type a note")
        return None

    def _echo(self, text: str) -> None:
        """A terminal shows what is typed, of a pipe nobody sees it."""
        if not self._at_terminal:
            say(f"> {text}")


def _meant(said: str) -> tuple[str, ...]:
    """The answers that this is a word for; none for a note."""
    return tuple(answer for answer, words in _WORDS.items() if said.lower() in words)


class Consenting(_OnScreen):
    """Nobody: every question is answered with go beforehand, by whoever wrote `--yes`."""

    absent = CONSENT

    def ask(self, question: Question, *, note: Note) -> str | None:
        """Go, where that is an answer."""
        del note
        if GO not in question.answers:
            return None
        say(f"{question.text} go (--yes)")
        return GO


@contextlib.contextmanager
def _underway(planned: PlannedStep, stop: Stop, clock: Clock, *, note: Note) -> Iterator[Underway]:
    """A step on the screen until the block ends; at a terminal keys are read meanwhile, from a pipe nothing is."""
    with contextlib.ExitStack() as stack:
        keys = Keys(sys.stdin.fileno(), note=note, halt=stop.halt) if _at_terminal() else None
        if keys:
            stack.enter_context(keys.reading())
        typed = (lambda: keys.typing.line) if keys else (lambda: "")
        screen = stack.enter_context(showing(planned, clock, hint=_KEYS if keys else "", typed=typed))
        # Over before the others: a halt that comes late must not end the day while the terminal is put back.
        stack.enter_context(stop.step())
        yield Underway(screen.say, screen.show, lambda: stop.halted)


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _tell_verdict(verdict: Verdict) -> None:
    for line in verdict_lines(verdict):
        say(line.text)
