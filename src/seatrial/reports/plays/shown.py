"""One play as reports show it: every text of it redacted and printable, every step with what is known of it.

Room reports. The one place that takes texts out of a play for the forms that lay them out, so that none can forget to
mask one. Pure; may import the floor and `scenarios`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from seatrial.exchange import Broken, Headers, Request, Response
from seatrial.redact import Secrets
from seatrial.reports.printable import printable
from seatrial.sample import Sample
from seatrial.scenarios.model import Section, Step
from seatrial.scenarios.moves import Attempted, StepResult
from seatrial.scenarios.played import Played
from seatrial.scenarios.wording import attempt_text, degraded_text, play_text

MAX_BODY = 4000
"""Characters of a body shown as evidence."""

_READ = 16
"""How many times MAX_BODY is read and masked before it is cut, so that no cut goes through a secret."""


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """A request and its answer as text. `status_line` says why there was no answer where there was none."""

    request_line: str
    request_headers: Headers
    request_body: str
    status_line: str
    response_headers: Headers
    response_body: str


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step. `outcome` is empty for one that was skipped, `skipped` says why then.

    `text` is its failure in full, `degraded` what was missed without failing it, `polls` what each attempt that a
    later one replaced saw. Only a failed step keeps its `exchange`.
    """

    name: str
    section: Section
    service: str = ""
    method: str = ""
    route: str = ""
    outcome: str = ""
    cause: str = ""
    status: int | None = None
    latency_s: float | None = None
    started_at: float | None = None
    attempts: int = 0
    flaky: bool = False
    skipped: str = ""
    text: str = ""
    degraded: str = ""
    summary: str = ""
    polls: tuple[str, ...] = ()
    exchange: ShownExchange | None = None
    where: tuple[str, int, int] | None = None

    @property
    def failed(self) -> bool:
        """It ran and was not OK."""
        return self.outcome not in ("", "ok")


@dataclass(frozen=True, slots=True)
class ShownPlay:
    """One play. `text` is what failed outside any step, `summary` its first failure in a line; `row` counts from 1,
    None for a journey without rows.
    """

    name: str
    journey: str
    row: int | None
    file: str
    passed: bool
    skipped: str
    steps: tuple[ShownStep, ...]
    text: str
    summary: str
    trace_id: str
    started_at: float
    took_s: float
    requests: int

    @property
    def failed(self) -> bool:
        """It was played, and not passed."""
        return not (self.passed or self.skipped)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of everything that failed, in order."""
        return tuple(text for text in (self.text, *(step.text for step in self.steps)) if text)


def show_play(played: Played, secrets: Secrets) -> ShownPlay:
    """The play with nothing secret in it."""
    result, clean = played.result, Clean(secrets)
    attempts = _attempts(played.samples)
    return ShownPlay(
        name=clean.text(result.scenario.name),
        journey=clean.text(played.journey.name),
        row=result.scenario.row.number if result.scenario.row else None,
        file=clean.text(result.scenario.file),
        passed=result.passed,
        skipped=clean.text(result.skipped),
        steps=tuple(_step(step, played, attempts, clean) for step in result.steps),
        text=printable(play_text(result, secrets=secrets)),
        summary=clean.text(result.failures[0].summary) if result.failures else "",
        trace_id=result.trace_id,
        started_at=played.started_at,
        took_s=played.took_s,
        requests=played.requests,
    )


class Clean:
    """Masks secrets and what no report can carry."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets

    def text(self, text: str) -> str:
        """The text, masked and printable."""
        return printable(self.secrets.redact(text))

    def headers(self, headers: Headers) -> Headers:
        """Each header's value masked by its name and its content."""
        return tuple((self.text(name), printable(self.secrets.redact_header(name, value))) for name, value in headers)

    def body(self, body: bytes | None) -> str:
        """The beginning of a body as text; of one that is no text, its size."""
        if not body:
            return ""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return f"({len(body)} bytes that are no text)"
        shown = self.text(text[: MAX_BODY * _READ])
        return shown if len(shown) <= MAX_BODY else f"{shown[:MAX_BODY]}... ({len(text)} characters)"


def show_exchange(request: Request, answer: Response | Broken | None, clean: Clean) -> ShownExchange:
    """A request with what came back."""
    response = answer if isinstance(answer, Response) else None
    return ShownExchange(
        request_line=clean.text(f"{request.method} {request.url}"),
        request_headers=clean.headers(request.headers),
        request_body=clean.body(request.body),
        status_line=_status_line(answer, clean),
        response_headers=clean.headers(response.headers) if response else (),
        response_body=clean.body(response.body) if response else "",
    )


def _status_line(answer: Response | Broken | None, clean: Clean) -> str:
    if isinstance(answer, Response):
        return f"HTTP/{answer.http_version} {answer.status}"
    return clean.text(f"no valid answer ({answer.cause}): {answer.detail}") if answer else "not sent"


_Attempts = defaultdict[str, deque[list[Sample]]]


def _attempts(samples: Iterable[Sample]) -> _Attempts:
    """The samples of each run of a step, by the step's name: polls first, the attempt that decided last."""
    runs: _Attempts = defaultdict(deque)
    for sample in samples:
        of_step = runs[sample.step]
        if not of_step or of_step[-1][-1].final:
            of_step.append([])
        of_step[-1].append(sample)
    return runs


def _step(result: StepResult, played: Played, attempts: _Attempts, clean: Clean) -> ShownStep:
    told = result.last
    if result.skipped or told is None:
        return _not_run(result, clean)
    scenario, runs = played.result.scenario, attempts[result.step.name]
    *polls, decided = runs.popleft() if runs else [None]
    return ShownStep(
        name=clean.text(result.title),
        section=result.step.section,
        service=told.step.service,
        method=told.step.method,
        route=clean.text(told.step.route),
        outcome=str(result.outcome),
        cause=str(told.cause or ""),
        status=told.status,
        latency_s=told.latency_s,
        started_at=decided.started_at if decided else None,
        attempts=result.attempts,
        flaky=result.flaky,
        text=printable(attempt_text(told, scenario, secrets=clean.secrets)) if result.failed else "",
        degraded=printable(degraded_text(told, scenario, secrets=clean.secrets)),
        summary=clean.text(told.detail),
        polls=tuple(printable(poll.detail) for poll in polls if poll is not None),
        exchange=show_exchange(told.request, told.answer, clean) if result.failed and told.request else None,
        where=_where(told),
    )


def _not_run(result: StepResult, clean: Clean) -> ShownStep:
    """A step that was skipped, or a call of a flow that could not begin."""
    step = result.step
    shown = ShownStep(
        clean.text(result.title),
        step.section,
        outcome="" if result.skipped else str(result.outcome),
        skipped=clean.text(result.skipped),
    )
    if not isinstance(step, Step):
        return shown
    return replace(shown, service=step.service, method=step.method, route=clean.text(step.route))


def _where(told: Attempted) -> tuple[str, int, int] | None:
    """The place of the first thing that failed."""
    first = next(iter(told.failures), None)
    return (first.where.file, first.where.line, first.where.column) if first else None
