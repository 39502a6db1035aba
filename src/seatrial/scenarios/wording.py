"""The outcome of a play in words and as plain JSON: what console, JUnit, JSON and HTML show alike. Pure and redacted.

Room scenarios. Takes what `play` told, gives text; the blocks themselves are `failure.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.redact import Secrets
from seatrial.scenarios.curl import curl_line
from seatrial.scenarios.failure import Evidence, Failure, failure_text, timing_text
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Attempted, PlayResult, StepResult


def attempt_text(told: Attempted, scenario: Scenario, *, secrets: Secrets) -> str:
    """The whole text of a failed attempt; empty when nothing failed."""
    return _attempt(told, told.failures, "FAILED", scenario, secrets) if told.failures else ""


def degraded_text(told: Attempted, scenario: Scenario, *, secrets: Secrets) -> str:
    """The same of what was missed without failing the step; empty when nothing was."""
    return _attempt(told, told.degradations, "DEGRADED", scenario, secrets) if told.degradations else ""


def play_text(result: PlayResult, *, secrets: Secrets) -> str:
    """The text of what failed outside any step (a variable, nothing requested, nothing checked); empty for none."""
    if not result.failures:
        return ""
    scenario = result.scenario
    evidence = Evidence(f"{scenario.name}   FAILED")
    return failure_text(result.failures, evidence, sources=scenario.sources, secrets=secrets)


def failure_texts(result: PlayResult, *, secrets: Secrets) -> tuple[str, ...]:
    """The texts of everything that failed in a play, in order; empty when it passed."""
    return tuple(_texts(result, secrets))


def result_json(result: PlayResult, *, secrets: Secrets) -> dict[str, Any]:
    """One play as plain JSON values: its outcome, its steps, the texts of its failures."""
    return {
        "scenario": secrets.redact(result.scenario.name),
        "file": result.scenario.file,
        "outcome": "skipped" if result.skipped else str(result.outcome),
        "teardown": str(result.teardown_outcome),
        "passed": result.passed,
        "skipped": secrets.redact(result.skipped),
        "trace_id": result.trace_id,
        "steps": [_step_json(step, result.scenario, secrets) for step in result.steps],
        "failures": list(failure_texts(result, secrets=secrets)),
    }


def _step_json(step: StepResult, scenario: Scenario, secrets: Secrets) -> dict[str, Any]:
    told = step.last
    return {
        "step": secrets.redact(step.step.name),
        "round": step.round or None,
        "section": str(step.step.section),
        "service": told.step.service if told else None,
        "method": told.step.method if told else None,
        "route": secrets.redact(told.step.route) if told else None,
        "outcome": "skipped" if step.skipped else str(step.outcome),
        "skipped": secrets.redact(step.skipped),
        "cause": str(told.cause) if told and told.cause else None,
        "status": told.status if told else None,
        "latency_s": told.latency_s if told else None,
        "attempts": step.attempts,
        "flaky": step.flaky,
        "degraded": bool(told and told.degraded),
        "failure": attempt_text(told, scenario, secrets=secrets) if told else "",
    }


def _texts(result: PlayResult, secrets: Secrets) -> Iterator[str]:
    if result.failures:
        yield play_text(result, secrets=secrets)
    for step in result.steps:
        if step.last is not None and step.failed:
            yield attempt_text(step.last, result.scenario, secrets=secrets)


def _attempt(
    told: Attempted, failures: tuple[Failure, ...], verdict: str, scenario: Scenario, secrets: Secrets
) -> str:
    evidence = Evidence(
        title=f"{_title(told, scenario)}   {verdict}",
        used=told.used,
        timing=timing_text(told.answer.timings, told.latency_s, told.trace_id) if told.answer else "",
        repeat=curl_line(told.request, secrets, step=told.step, answer=told.answer) if told.request else "",
    )
    return failure_text(failures, evidence, sources=scenario.sources, secrets=secrets)


def _title(told: Attempted, scenario: Scenario) -> str:
    retry = told.step.retry
    attempt = f"   attempt {told.attempt}/{retry.attempts}" if retry else ""
    return f"{scenario.name} > {told.step.name}{attempt}"
