"""A comparison as one HTML page that needs nothing else: no network, no scripts.

Room reports. May import the floor and `render`.
"""

from __future__ import annotations

from seatrial.reports.diff.page import CAPTION, DiffPage
from seatrial.slo.diff.judge import Standing
from seatrial.verdict import Grade

MAX_FIELDS = 500
"""Of one standing, those that are shown: the surest."""

_WORDS = {Grade.MET: "No difference", Grade.MISSED: "They differ", Grade.UNDECIDED: "Undecided"}


def diff_html(page: DiffPage) -> str:
    """The page; its texts are redacted and printable already."""
    from seatrial.reports.render import render_part

    groups = [(standing, CAPTION[standing].capitalize(), page.judged.of(standing)) for standing in Standing]
    return render_part(
        "diff.html.j2",
        page=page,
        judged=page.judged,
        word=_WORDS[page.judged.grade],
        groups=[group for group in groups if group[2]],
        most=MAX_FIELDS,
    )
