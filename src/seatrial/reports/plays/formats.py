"""Every format of reports of plays, by the name of its option.

Room reports. A new one is its own file, a line here, and an option of `seatrial check`.
"""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.reports.plays.curl import Curl
from seatrial.reports.plays.form import Form
from seatrial.reports.plays.har import Har
from seatrial.reports.plays.html import Html
from seatrial.reports.plays.json import Json
from seatrial.reports.plays.junit import JUnit
from seatrial.reports.plays.markdown import Markdown
from seatrial.reports.plays.tap import Tap

FORMATS: Mapping[str, type[Form]] = {
    "junit": JUnit,
    "tap": Tap,
    "json": Json,
    "har": Har,
    "html": Html,
    "markdown": Markdown,
    "curl": Curl,
}
