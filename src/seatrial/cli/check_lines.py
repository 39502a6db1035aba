"""The lines of `seatrial check`: one a play, one a step, the text of every failure. Pure.

Takes a `Played` and how much is wanted; every text that came from a target or a file is masked and printable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.quantity import counted, show_duration
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Counts, Tally
from seatrial.reports.plays.shown import Clean, ShownExchange, show_exchange
from seatrial.reports.printable import printable
from seatrial.scenarios.moves import Attempted, PlayResult, StepResult
from seatrial.scenarios.played import Exchange, Played
from seatrial.scenarios.wording import degraded_text, failure_texts

STEPS = 1
HEADS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or several, of the result; `style` are rich's words, shown on a terminal alone."""

    text: str
    style: str = ""


def play_lines(played: Played, secrets: Secrets, *, verbosity: int) -> Iterator[Line]:
    """Everything told of one play. `verbosity`: -1 only what failed, 0 a line, STEPS every step, HEADS its heads."""
    result, clean = played.result, Clean(secrets)
    if verbosity >= 0 or not (result.passed or result.skipped):
        yield _headline(played, clean)
    if verbosity >= STEPS:
        yield from _step_lines(played, clean, verbosity=verbosity)
    for told in degraded(result):
        if verbosity >= STEPS:
            yield Line(printable(degraded_text(told, result.scenario, secrets=secrets)))
        elif verbosity == 0:
            summary = clean.text(told.degradations[0].summary)
            yield Line(f"    degraded: {clean.text(told.step.name)}: {summary}")
    for step in result.steps if verbosity >= 0 else ():
        for warning in step.last.warnings if step.last else ():
            yield Line(f"    warning: {clean.text(step.title)}: {clean.text(warning)}", "yellow")
    for text in failure_texts(result, secrets=secrets):
        yield Line(f"\n{printable(text)}\n")


def rows_line(name: str, counts: Counts, took_s: float) -> Line:
    """What the rows of one journey came to together."""
    told = [f"{counts.passed} rows passed"]
    if counts.failed:
        told.append(f"{counts.failed} failed")
    if counts.skipped:
        told.append(f"{counts.skipped} skipped")
    word, style = ("FAILED", "bold red") if counts.failed else ("PASSED", "green")
    return Line(f"{word}   {name}: {', '.join(told)}  ({show_duration(took_s)})", style)


def summary_line(tally: Tally, *, took_s: float, left: int = 0) -> Line:
    """The last line; `left` plays did not begin."""
    counts = tally.counts
    told = [f"{counts.passed} passed", f"{counts.failed} failed"]
    if counts.skipped:
        told.append(f"{counts.skipped} skipped")
    if left:
        told.append(f"{left} not played")
    requests = counted(counts.requests, "request")
    style = "bold red" if counts.failed else "bold green" if counts.passed else ""
    journeys = counted(len(tally.journeys), "journey")
    what = journeys if counts.plays == len(tally.journeys) else f"{counted(counts.plays, 'play')} of {journeys}"
    return Line(f"{what}: {', '.join(told)}; {requests} in {show_duration(took_s)}", style)


def poll_line(told: Attempted, clean: Clean) -> str:
    """An attempt that will be repeated."""
    retry = told.step.retry
    return (
        f"    {clean.text(told.step.name)}: attempt {told.attempt}/{retry.attempts if retry else 1} did not hold yet"
    )


def poll_lines(played: Played, clean: Clean) -> Iterator[str]:
    """The same of a play that is over: one line for every attempt that was repeated."""
    retries = {step.last.step.name: step.last.step.retry for step in played.result.steps if step.last}
    for sample in played.samples:
        retry = retries.get(sample.step)
        if not sample.final and retry:
            yield f"    {clean.text(sample.step)}: attempt {sample.attempt}/{retry.attempts} did not hold yet"


def degraded(result: PlayResult) -> Iterator[Attempted]:
    """The steps that missed something without failing."""
    for step in result.steps:
        if step.last is not None and step.last.degraded:
            yield step.last


def _headline(played: Played, clean: Clean) -> Line:
    result = played.result
    name = clean.text(result.scenario.name)
    if result.skipped:
        return Line(f"SKIPPED  {name}: {clean.text(result.skipped)}", "dim")
    word, style = ("PASSED", "green") if result.passed else ("FAILED", "bold red")
    ran = [step for step in result.steps if not step.skipped]
    flaky = [clean.text(step.title) for step in ran if step.flaky]
    notes = [counted(len(ran), "step"), show_duration(played.took_s)]
    if len(ran) < len(result.steps):
        notes.append(f"{len(result.steps) - len(ran)} skipped")
    if flaky:
        notes.append(f"flaky: {', '.join(flaky)}")
    if any(degraded(result)):
        notes.append("degraded")
    return Line(f"{word}   {name}  ({', '.join(notes)})", style)


def _step_lines(played: Played, clean: Clean, *, verbosity: int) -> Iterator[Line]:
    left = list(played.exchanges)
    for step in played.result.steps:
        yield Line(f"    {_step_line(step, clean)}")
        if verbosity >= HEADS:
            for exchange in _taken(step, left):
                yield from _heads(show_exchange(exchange.sent.request, exchange.answer, clean))


def _step_line(step: StepResult, clean: Clean) -> str:
    name = clean.text(step.title)
    if step.skipped:
        return f"-  {name}: skipped, {clean.text(step.skipped)}"
    mark = "!" if step.failed else "+"
    told = step.last
    if told is None:
        return f"{mark}  {name}"
    attempts = f", {step.attempts} attempts" if step.attempts > 1 else ""
    return f"{mark}  {name}: {told.status or told.cause} in {show_duration(told.latency_s)}{attempts}"


def _taken(step: StepResult, left: list[Exchange]) -> tuple[Exchange, ...]:
    """The exchanges of this run of the step, taken out of those not told yet: all up to the one that decided."""
    own = [exchange for exchange in left if exchange.sent.step is step.step]
    request = step.last.request if step.last else None
    end = next((place for place, exchange in enumerate(own, start=1) if exchange.sent.request is request), 0)
    taken = tuple(own[:end])
    left[:] = [exchange for exchange in left if not any(exchange is one for one in taken)]
    return taken


def _heads(shown: ShownExchange) -> Iterator[Line]:
    yield from _marked(">", shown.request_line, shown.request_headers)
    yield from _marked("<", shown.status_line, shown.response_headers)


def _marked(mark: str, first: str, headers: Iterable[tuple[str, str]]) -> Iterator[Line]:
    for text in (first, *(f"{name}: {value}" for name, value in headers)):
        yield Line(f"       {mark} {text}", "dim")
