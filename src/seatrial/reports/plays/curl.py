"""A `curl` line for every request that was sent, in order: what was asked can be asked again without seatrial.

Room reports. Secrets are masked, so they have to be put back.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.redact import Secrets
from seatrial.reports.plays.form import Facts
from seatrial.scenarios.curl import curl_line
from seatrial.scenarios.played import Played


class Curl:
    """`--curl`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def add(self, played: Played) -> Iterator[str]:
        """A line for each request, polls too."""
        for exchange in played.exchanges:
            sent = exchange.sent
            yield curl_line(sent.request, self._secrets, step=sent.step, answer=exchange.answer) + "\n"

    def head(self, facts: Facts) -> str:
        """Nothing: every line of the file can be run."""
        del facts
        return ""

    def tail(self, facts: Facts) -> str:
        """Nothing."""
        del facts
        return ""
