"""An audit as JUnit XML: a case for each family at each edge; what was not judged is skipped. One that was cut short
has a case that says so. Pure."""

from __future__ import annotations

from seatrial.assess.audit.audited import Audited
from seatrial.assess.audit.findings import cut_short_finding
from seatrial.chaos.audit.model import Ruling, Sign
from seatrial.reports.junit import junit_xml
from seatrial.verdict import Finding, Grade, Subject

GRADES = {Sign.FOUND: Grade.MISSED, Sign.CLEAR: Grade.MET, Sign.NOT_JUDGED: Grade.UNDECIDED}


def audit_junit(audited: Audited) -> bytes:
    """The document."""
    whole = (cut_short_finding(audited.cut_short),) if audited.cut_short else ()
    findings = (*whole, *map(_finding, audited.rulings))
    return junit_xml((), findings, started_at=audited.started_at, redact=str)


def _finding(ruling: Ruling) -> Finding:
    family, strain, reading = ruling.family, ruling.strain, ruling.reading
    return Finding(
        Subject.EXPECTATION,
        strain.edge.caller,
        f"{family.number_text} {family.key}: {strain.kind} on {strain.edge}",
        GRADES[reading.sign],
        reading.text,
        n=reading.n,
        bad=reading.bad,
        counts=reading.sign is not Sign.NOT_JUDGED,
    )
