"""The finding about the caller of an edge, as every judge of a mechanism gives it. Pure."""

from __future__ import annotations

from seatrial.service import Edge
from seatrial.verdict import Finding, Grade, Subject


def edge_finding(
    edge: Edge,
    name: str,
    grade: Grade,
    reason: str,
    experiment: str | None = None,
    *,
    limit: float | None = None,
    measured: float | None = None,
    measured_text: str = "",
    n: int = 0,
    bad: int = 0,
) -> Finding:
    """What was expected stands in its name; without a measured text nothing was measured."""
    return Finding(
        Subject.EXPECTATION,
        edge.caller,
        name,
        grade,
        reason,
        limit=limit,
        measured=measured,
        limit_text=name,
        measured_text=measured_text,
        n=n,
        bad=bad,
        experiment=experiment,
    )


def share_finding(
    edge: Edge, name: str, grade: Grade, reason: str, experiment: str, *, n: int = 0, good: int = 0
) -> Finding:
    """That `good` of `n` were good, nothing where `n` is 0."""
    measured_text = f"{good} of {n}" if n else ""
    return edge_finding(edge, name, grade, reason, experiment, measured_text=measured_text, n=n, bad=n - good)
