"""The line of a game day: nothing is left of earlier runs, the realm is up, questions, step after step, the record.

Takes a `DayPlan` and the crew that answers; gives the day's run and how it ended. Nothing is injected without a go
that somebody gave. Whatever happens, what was started is ended and what was injected is healed before it returns.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from seatrial import __version__, journal
from seatrial.assess.gameday.about import AboutDay, AboutStep, write_about_day
from seatrial.assess.gameday.log import Log
from seatrial.assess.gameday.plan import DayPlan, PlannedStep, sights
from seatrial.assess.headroom import measure_headroom
from seatrial.assess.preflight import short_of_room
from seatrial.assess.run import HEALED, Assessed, Telling, assess, command_line, git_revision
from seatrial.assess.stage import Say, Show
from seatrial.chaos.healing.recover import realm_lock, require_healed
from seatrial.clock import Clock
from seatrial.errors import ExitCode, Interrupted, SeatrialError
from seatrial.journal import Journal, Run, going_on
from seatrial.redact import Secrets
from seatrial.runtime.resolve import resolve_secrets
from seatrial.runtime.standing import standing
from seatrial.runtime.up import require_reachable
from seatrial.verdict import Verdict

GO, NO_GO, END = "go", "no-go", "end"
DONE = "done"

Note = Callable[[str], str]
"""Keeps what somebody says, and gives it as it was kept: with secrets masked."""

BY_KEY = "by the halt key; what was injected is healed"


@dataclass(frozen=True, slots=True)
class Question:
    """What the crew is asked, and the answers there are; whatever else they say is a note."""

    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Underway:
    """What the crew sees and does while a step is under way: `say` gets a line that stays, `show` how it is now;
    `is_halted` tells whether they have ended it at once."""

    say: Say
    show: Show
    is_halted: Callable[[], bool]


class Crew(Protocol):
    """The people of the day, at a terminal or by a script. `absent` says why nobody is asked, empty where somebody
    is."""

    @property
    def absent(self) -> str:
        """Why nobody is asked."""
        ...

    def say(self, text: str) -> None:
        """A line that stays."""
        ...

    def ask(self, question: Question, *, note: Note) -> str | None:
        """One of its answers, after as many notes as they like; None when there is nobody to answer any more."""
        ...

    def underway(self, planned: PlannedStep, *, note: Note) -> AbstractContextManager[Underway]:
        """A step that goes on until the block ends; the halt key raises KeyboardInterrupt in it."""
        ...

    def tell(self, verdict: Verdict) -> None:
        """What a step came to, as measured."""
        ...


@dataclass(frozen=True)
class Held:
    """How a day ended. `code` is None where what was measured decides it; `interrupted` and `problem` say why it
    ended before its time."""

    run: Run
    secrets: Secrets
    code: ExitCode | None = None
    interrupted: str = ""
    problem: str = ""


def hold_day(plan: DayPlan, *, clock: Clock, crew: Crew) -> Held:
    """Guide the crew through the day; its journal and `run.json` hold all of it at the end.

    Raises what is wrong before there is a run: a realm that is not there, a fault that is left and cannot be undone.
    """
    secrets, asked = Secrets(), plan.steps[0].plan
    with contextlib.ExitStack() as stack:
        _require_healed(plan, clock, crew.say)
        state = stack.enter_context(standing(plan.realm, plan.workspace, variables=asked.overrides, say=crew.say))
        require_reachable(plan.realm, state)
        resolve_secrets(plan.realm, plan.workspace, secrets)
        if warning := short_of_room(measure_headroom(), asked):
            crew.say(f"warning: {warning}; let this machine do nothing else until the day is over")
        steps = tuple(map(_about_step, plan.steps))
        run = journal.create_run(plan.workspace, plan.realm.name, clock=clock)
        stack.enter_context(going_on(run))
        about = _about(plan, run, steps, clock=clock, redact=secrets.redact)
        write_about_day(run, about)
        writer = Journal(run.journal)
        stack.callback(writer.close)
        log = Log(writer, run, clock=clock, redact=secrets.redact)
        held = _guarded(_Day(plan, about, log, crew, clock), Held(run, secrets))
        write_about_day(run, dataclasses.replace(about, ended_at=clock.now()))
        return held


def _require_healed(plan: DayPlan, clock: Clock, say: Say) -> None:
    """Undo what earlier runs have left, while nobody else breaks anything."""
    with realm_lock(plan.workspace, plan.realm.name):
        require_healed(plan.workspace, plan.realm.name, clock=clock, say=say)
    say(f"nothing is left of earlier runs in realm '{plan.realm.name}'")


def _guarded(day: _Day, held: Held) -> Held:
    """Go through the day; whatever ends it early is in its log."""
    try:
        day.go_through()
    except (KeyboardInterrupt, Interrupted) as error:
        said, day.log.step = str(error) or HEALED, None
        day.log.ended(said)
        return dataclasses.replace(held, code=ExitCode.INTERRUPTED, interrupted=said)
    except SeatrialError as error:
        day.log.step = None
        day.log.ended(f"could not go on: {error}")
        return dataclasses.replace(held, code=error.exit_code, problem=str(error))
    return held


@dataclass(frozen=True)
class _Day:
    """A day under way."""

    plan: DayPlan
    about: AboutDay
    log: Log
    crew: Crew
    clock: Clock

    def go_through(self) -> None:
        """Everything from the plan to what follows of it."""
        for line in self._overview():
            self.crew.say(line)
        if self.crew.absent:
            self.log.note(self.crew.absent)
        if not all(self._is_go(question) for question in self.plan.day.before):
            self.log.ended("ended before the first step")
            return
        self.log.ended(self._steps())
        self.crew.ask(Question("What follows of this? One a line", (DONE,)), note=self.log.follow_up)

    def _steps(self) -> str:
        """Go through the steps; how that ended."""
        left_out = []
        for planned in self.plan.steps:
            self.log.step = planned.number
            answer = self._step(planned)
            self.log.step = None
            if answer == NO_GO:
                left_out.append(planned.number)
            elif answer != GO:
                return f"ended before step {planned.number}"
        return f"no-go for {_numbered(left_out)}" if left_out else "every step was run"

    def _overview(self) -> Iterator[str]:
        people = ", ".join(f"{role} {name}" for role, name in self.about.people.items())
        yield f"game day: {self.about.day}{f' ({people})' if people else ''}"
        for number, step in enumerate(self.about.steps, start=1):
            yield f"  {number}. {step.experiment}"
            yield from (f"     {line}" for line in step.breaks)

    def _is_go(self, question: str) -> bool:
        return self._asked(question, (GO, NO_GO)) == GO

    def _asked(self, text: str, answers: tuple[str, ...]) -> str | None:
        answer = self.crew.ask(Question(text, answers), note=self.log.note)
        if answer is None:
            self.crew.say(_unanswered(answers))
        self.log.answer(text, answer or _unanswered(answers))
        return answer

    def _step(self, planned: PlannedStep) -> str | None:
        """What the crew said to it: only after a go it was run, and after a no-go the day goes on without it."""
        for line in _briefing(planned, self.about.steps[planned.number - 1]):
            self.crew.say(line)
        answer = self._asked(f"Step {planned.number}, {planned.step.experiment}: go?", (GO, NO_GO, END))
        if answer == NO_GO:
            self.crew.say(f"step {planned.number} is left out")
        if answer != GO:
            return answer
        self._run(planned)
        if not self.crew.absent:
            self._asked(f"Did the hypothesis hold: {planned.step.hypothesis}?", ("yes", "no", "unclear"))
        return answer

    def _run(self, planned: PlannedStep) -> None:
        """Its experiment, to its end, its halt or an interrupt, which is raised again."""
        assessed, interrupted = None, ""
        with self.crew.underway(planned, note=self.log.note) as underway:
            try:
                assessed = self._assess(planned, underway)
                interrupted = assessed.interrupted
            except (KeyboardInterrupt, Interrupted) as error:
                interrupted = str(error) or HEALED
        if interrupted and underway.is_halted():
            self.log.halted(BY_KEY)
            self.crew.say(f"halted {BY_KEY}")
        elif interrupted:
            self.log.halted(interrupted)
            raise Interrupted(interrupted)
        if assessed:
            self.log.ended(f"{assessed.verdict.grade}: {assessed.verdict.reason}")
            self.crew.tell(assessed.verdict)

    def _assess(self, planned: PlannedStep, underway: Underway) -> Assessed:
        telling = Telling(underway.say, underway.show, self.log.begun)
        return assess(planned.plan, clock=self.clock, telling=telling, experiment=planned.step.experiment)


def _unanswered(answers: tuple[str, ...]) -> str:
    """What becomes of a question that nobody answers: nothing more is injected."""
    taken_as = next((answer for answer in (END, NO_GO) if answer in answers), "")
    return f"no answer: taken as {taken_as}" if taken_as else "no answer"


def _numbered(steps: Sequence[int]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(map(str, steps))}"


def _briefing(planned: PlannedStep, about: AboutStep) -> Iterator[str]:
    yield ""
    yield f"step {planned.number}: {about.experiment}"
    yield f"  hypothesis: {about.hypothesis}"
    yield f"  first: {about.steady}"
    yield from (f"  breaks: {line}" for line in about.breaks)
    yield from (f"  {who} watches {what}" for who, what in about.watch.items())


def _about_step(planned: PlannedStep) -> AboutStep:
    step = planned.step
    return AboutStep(step.experiment, step.hypothesis, planned.steady, tuple(sights(planned)), dict(step.watch))


def _about(
    plan: DayPlan, run: Run, steps: tuple[AboutStep, ...], *, clock: Clock, redact: Callable[[str], str]
) -> AboutDay:
    return AboutDay(
        run=run.name,
        realm=plan.realm.name,
        day=plan.day.name,
        file=plan.day.file,
        people=dict(plan.day.people),
        steps=steps,
        started_at=clock.now(),
        seatrial=__version__,
        git_revision=git_revision(plan.workspace),
        line=command_line(redact),
    )
