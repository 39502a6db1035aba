"""The verdict as JSON: for scripts behind the gate. Keys are a contract: they may be added, never renamed.

Room reports. Pure; may import the floor and `page`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from seatrial.errors import ExitCode
from seatrial.reports.page import RunFacts, with_texts
from seatrial.verdict import Finding, Verdict


def verdict_json(
    verdict: Verdict, facts: RunFacts, *, redact: Callable[[str], str], code: ExitCode
) -> dict[str, Any]:
    """What `verdict.json` holds. `code`: what the command returns, which `--strict` and the gate have a say in."""
    shown = with_texts(verdict, redact)
    return {
        "version": 1,
        "run": facts.run,
        "realm": facts.realm,
        "grade": str(shown.grade),
        "score": shown.score,
        "reason": shown.reason,
        "exit_code": int(code),
        "findings": [_finding(finding) for finding in shown.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """Every field of a finding and its name; ratios 0-1, seconds, requests per second, as in `Finding`."""
    fields = {field.name: getattr(finding, field.name) for field in dataclasses.fields(finding)}
    shown = {
        "subject": str(finding.subject),
        "grade": str(finding.grade),
        "where": finding.where and str(finding.where),
    }
    return {"name": finding.name, **fields, **shown}
