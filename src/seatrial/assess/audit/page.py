"""What the page of an audit is made of: its rulings, and its strains as experiments. Pure; judges nothing."""

from __future__ import annotations

from seatrial.assess.audit.audited import Audited
from seatrial.assess.experiments import course_of_strain, show
from seatrial.reports.audit.page import AuditFacts


def audit_facts(audited: Audited) -> AuditFacts:
    """What `reports.audit.html` lays out."""
    return AuditFacts(
        audited.run.name,
        audited.realm,
        audited.started_at,
        audited.edges,
        audited.rulings,
        show([course for course in map(course_of_strain, audited.seen) if course is not None]),
        audited.cut_short,
        audited.command,
        audited.what_if,
    )
