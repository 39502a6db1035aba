"""What an audit says to a verdict: a finding for each cause, or one that there is none. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.assess.budget import NOT_RUN
from seatrial.chaos.audit import causes
from seatrial.chaos.audit.model import Cause, Ruling, Severity, Sign
from seatrial.quantity import counted
from seatrial.verdict import Finding, Grade, Subject

NAME = "audit"
EVERY = "every strain is played"


def audit_findings(
    rulings: Sequence[Ruling], left_out: Mapping[str, str], *, missed_from: Severity, cut_short: str = ""
) -> Iterator[Finding]:
    """A cause of that severity or a graver one is MISSED, any other DEGRADED. Where nothing could be judged, the
    gate's time left strains out, or the audit was `cut_short`, that is UNDECIDED."""
    found = causes.causes(rulings)
    for cause in found:
        yield _of(cause, Grade.MISSED if cause.family.severity >= missed_from else Grade.DEGRADED)
    lacking = [why for why in left_out.values() if why.startswith(NOT_RUN)]
    if lacking:
        reason = f"{counted(len(lacking), 'strain')} {lacking[0]}"
        yield Finding(Subject.AUDIT, "", EVERY, Grade.UNDECIDED, reason)
    if cut_short:
        yield cut_short_finding(cut_short)
    elif not found:
        yield _whole(rulings)


def cut_short_finding(reason: str) -> Finding:
    """Of an audit that was interrupted or killed, whatever it had judged until then."""
    return Finding(Subject.AUDIT, "", EVERY, Grade.UNDECIDED, reason)


def audit_not_run(reason: str) -> Finding:
    """Of an audit that was never begun."""
    return Finding(Subject.AUDIT, "", NAME, Grade.UNDECIDED, reason)


def _of(cause: Cause, grade: Grade) -> Finding:
    family = cause.family
    seen = "; ".join(f"{item.strain.kind} on {item.strain.edge}: {item.reading.text}" for item in cause.rulings)
    others = ", ".join(dict.fromkeys(item.family.number_text for item in cause.consequences))
    because = f"; because of it, {others}" if others else ""
    return Finding(
        Subject.AUDIT,
        cause.caller,
        f"{family.key} (defect {family.number_text})",
        grade,
        f"{family.title}; seen: {seen}{because}; mend: {family.advice}",
        measured_text=f"severity {family.severity.word}",
        n=sum(item.reading.n for item in cause.rulings),
        bad=sum(item.reading.bad for item in cause.rulings),
    )


def _whole(rulings: Sequence[Ruling]) -> Finding:
    """That nothing was found, where anything could be."""
    judged = sum(ruling.reading.sign is not Sign.NOT_JUDGED for ruling in rulings)
    if not judged:
        why = next((ruling.reading.text for ruling in rulings), "no edge has a strain")
        return audit_not_run(
            f"no data: not one of {counted(len(rulings), 'ruling')} could be judged; the first: {why}"
        )
    edges = len({ruling.strain.edge for ruling in rulings if ruling.reading.sign is not Sign.NOT_JUDGED})
    told = f"{judged} of {counted(len(rulings), 'ruling')} on {counted(edges, 'edge')}"
    return Finding(
        Subject.AUDIT,
        "",
        NAME,
        Grade.MET,
        f"no finding: {told} could be judged",
        measured_text=f"no finding, {told} judged",
        n=judged,
    )
