"""The files that tell what an audit came to; only this writes them."""

from __future__ import annotations

from seatrial import journal
from seatrial.assess.audit.audited import Audited
from seatrial.assess.audit.json import audit_json
from seatrial.assess.audit.junit import audit_junit
from seatrial.assess.audit.page import audit_facts
from seatrial.reports.audit.html import audit_html


def publish_audit(audited: Audited) -> None:
    """Write what others read of an audit alone: `audit.json`, its page and its JUnit."""
    files = audited.files
    files.folder.mkdir(exist_ok=True)
    journal.write_json(files.audit, audit_json(audited))
    files.report.write_text(audit_html(audit_facts(audited)), encoding="utf-8")
    files.junit.write_bytes(audit_junit(audited))


def write_audit(audited: Audited) -> None:
    """Write `audit.json` and `audit.html` of an audit that is part of an assessment."""
    journal.write_json(audited.files.audit, audit_json(audited))
    audited.files.audit_page.write_text(audit_html(audit_facts(audited)), encoding="utf-8")
