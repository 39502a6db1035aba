"""Lays the record of a game day out as one HTML page that needs nothing else: no network, no scripts. Pure."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.reports.gameday.markdown import fault_lines
from seatrial.reports.gameday.page import DayPage
from seatrial.reports.page import with_texts
from seatrial.reports.printable import printable
from seatrial.reports.render import render_part


def gameday_html(page: DayPage, *, redact: Callable[[str], str]) -> str:
    """The page; every text in it is redacted and printable."""
    shown = with_texts(page, lambda text: printable(redact(text)))
    return render_part("gameday.html.j2", page=shown, fault_lines=fault_lines)
