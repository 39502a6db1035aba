"""An audit as one HTML page that needs nothing else: no network, no scripts.

Room reports. Takes what an audit came to. May import the floor, this package and `render`.
"""

from __future__ import annotations

from seatrial import __version__
from seatrial.reports.audit.build import build_audit
from seatrial.reports.audit.page import AuditFacts, Mark
from seatrial.reports.experiment.chart import comparisons, lanes
from seatrial.reports.page import with_texts
from seatrial.reports.printable import printable
from seatrial.reports.render import render_part


def audit_html(facts: AuditFacts) -> str:
    """The page; every text in it is made printable."""
    page = build_audit(with_texts(facts, printable))
    return render_part(
        "audit.html.j2",
        page=page,
        facts=page.facts,
        marks=tuple(Mark),
        drawn={one.anchor: (lanes(one.seen), comparisons(one.seen)) for one in page.strains if one.seen is not None},
        version=__version__,
    )
