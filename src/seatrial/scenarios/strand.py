"""What the attempts of one strand of a play share, and what is to tell of each attempt.

Room scenarios, private to `play`: `line` goes along a strand, `attempt` sends and judges on it. Must never send.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import template
from seatrial.exchange import Answer, Request, Response
from seatrial.light import light
from seatrial.redact import MIN_LENGTH
from seatrial.sample import Outcome
from seatrial.scenarios.answers.wanted import Capture
from seatrial.scenarios.failure import Failure, Used
from seatrial.scenarios.model import Scenario, Section, Step
from seatrial.scenarios.moves import Attempted, Context
from seatrial.scenarios.sending.cookies import Jar

Scope = Mapping[str, Any]

_OK = Outcome.OK  # looking it up costs as much as a field


@light(frozen=True, slots=True)
class Origin:
    """Where the value of a variable came from, in words."""

    text: str
    captured: bool = False


@light(frozen=True, slots=True, eq=False)
class Capturing:
    """That the value of a variable was captured by a step, put in words only for who wants them; each one anew."""

    step: Step
    capture: Capture

    @property
    def captured(self) -> bool:
        """It was."""
        return True

    @property
    def text(self) -> str:
        """Where from: `step 2 'log in' ($.token)`."""
        step = self.step
        section = "" if step.section is Section.STEPS else f"{step.section} "
        return f"{section}step {step.number} '{step.name}' ({self.capture.query})"


@dataclass(slots=True)
class Strand:
    """What the attempts of one strand of a play share: chance, cookies by session, what was counted, what is to be
    warned of, and where the variables in sight came from. A block's parts run in strands of their own."""

    scenario: Scenario
    context: Context
    trace_id: str
    rng: random.Random
    jars: dict[str, Jar]
    origins: dict[str, Origin | Capturing] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    checks: int = 0

    def jar(self, session: str) -> Jar:
        """The cookies of that session."""
        jar = self.jars.get(session)
        if jar is None:
            jar = self.jars[session] = Jar()
        return jar

    def hide(self, name: str, value: Any) -> None:
        """Mask a value, and every text within it, wherever it would be shown; what is too short is warned of."""
        kept = [self.context.secrets.add(name, text) for text in _texts_in(value)]
        if not any(kept):
            self.warnings.append(f"the secret '{name}' is shorter than {MIN_LENGTH} characters and is not masked")

    def hex(self, bits: int) -> str:
        """A random id; never zero, which W3C trace context forbids."""
        return random_hex(self.rng, bits)


def _texts_in(value: Any) -> Iterator[str]:
    """The value as a text, and of a container every text and number in it."""
    yield template.to_text(value)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for part in parts:
        if not isinstance(part, bool) and part is not None:
            yield from _texts_in(part)


def random_hex(rng: random.Random, bits: int) -> str:
    """A random id of that many bits, never zero."""
    return "%0*x" % (bits >> 2, rng.getrandbits(bits) or 1)  # noqa: UP031 - twice as fast, and done for every request


def told(
    step: Step,
    number: int,
    strand: Strand,
    *,
    request: Request | None = None,
    answer: Answer | None = None,
    failures: tuple[Failure, ...] = (),
    degradations: tuple[Failure, ...] = (),
    used: tuple[Used, ...] = (),
) -> Attempted:
    """What to tell of an attempt, and what the strand has to warn of since the last one."""
    warnings, strand.warnings = tuple(strand.warnings), []
    cause = failures[0].cause if failures else None
    response = answer if isinstance(answer, Response) else None
    return Attempted(
        step=step,
        request=request,
        answer=answer,
        attempt=number,
        final=True,
        outcome=cause.outcome if cause else Outcome.OK,
        cause=cause,
        degraded=bool(degradations),
        latency_s=answer.latency_s if answer else 0.0,
        status=response.status if response else None,
        detail=next((missed.summary for missed in (*failures, *degradations)), ""),
        failures=failures,
        trace_id=strand.trace_id,
        bytes_in=len(response.body) if response else 0,
        bytes_out=len(request.body) if request and request.body else 0,
        degradations=degradations,
        used=used,
        warnings=warnings,
    )


def passed(step: Step, number: int, strand: Strand, *, request: Request | None, answer: Response) -> Attempted:
    """What to tell of an attempt in which all was as expected: `told`, without what it looks for."""
    if strand.warnings:
        return told(step, number, strand, request=request, answer=answer)
    return Attempted(
        step,
        request,
        answer,
        number,
        True,
        _OK,
        None,
        False,
        answer.latency_s,
        answer.status,
        "",
        (),
        strand.trace_id,
        len(answer.body),
        len(request.body) if request and request.body else 0,
    )


def used_by(step: Step, scope: Scope, strand: Strand) -> tuple[Used, ...]:
    """The variables this step's templates mention, for whoever has to understand its failure."""
    origins = {**strand.origins, **{capture.name: Capturing(step, capture) for capture in step.captures}}
    names = sorted(step.uses & origins.keys() & scope.keys())
    return tuple(Used(name, scope[name], origins[name].text, origins[name].captured) for name in names)


def hide_captured(step: Step, captured: Mapping[str, Any], strand: Strand) -> None:
    """Mask the captures that are secret."""
    for capture in step.captures:
        if capture.secret and capture.name in captured:
            strand.hide(capture.name, captured[capture.name])
