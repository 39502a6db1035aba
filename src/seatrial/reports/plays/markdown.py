"""A short summary for a CI job: a table of the journeys, and the texts of what failed.

Room reports. Bounded, because places that show it are: a journey is one line whatever its rows, and of very many
failures the first are shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.errors import ExitCode
from seatrial.quantity import counted, show_duration
from seatrial.redact import Secrets
from seatrial.reports.markdown import fenced, plain
from seatrial.reports.plays.form import Close, Counts, Facts, Tally
from seatrial.reports.plays.shown import Clean, show_play
from seatrial.scenarios.played import Played

MAX_FAILURES = 50
MAX_JOURNEYS = 500

_HEADS = {
    ExitCode.MET: "✅ Passed",
    ExitCode.MISSED: "❌ Failed",
    ExitCode.UNDECIDED: "❔ Nothing was played",
}
_CLOSES = {Close.STOPPED: ", stopped after a failure", Close.INTERRUPTED: ", interrupted"}


class Markdown:
    """`--markdown`."""

    def __init__(self, secrets: Secrets) -> None:
        self._clean = Clean(secrets)
        self._tally = Tally()

    def add(self, played: Played) -> Iterator[str]:
        """The texts of what failed in it."""
        self._tally.add(played)
        if played.result.passed or played.result.skipped or self._tally.counts.failed > MAX_FAILURES:
            return
        play = show_play(played, self._clean.secrets)
        yield f"\n### {plain(play.name)}\n"
        for text in play.texts:
            yield f"\n{fenced(text)}\n"

    def head(self, facts: Facts) -> str:
        """What it came to, and the table."""
        counts = self._tally.counts
        word = _HEADS[self._tally.exit_code]
        about = (
            f"{_counted(counts)} on realm {plain(facts.realm)}{_CLOSES.get(facts.close, '')}; "
            f"{counted(counts.requests, 'request')} in {show_duration(facts.took_s)}."
        )
        rows = [self._row(name, one) for name, one in self._tally.named[:MAX_JOURNEYS]]
        table = "\n".join(
            ("| | Journey | Passed | Failed | Skipped | Requests |", "|---|---|--:|--:|--:|--:|", *rows)
        )
        return f"## {word}\n\n{about}\n\n{table}\n"

    def tail(self, facts: Facts) -> str:
        """What was left out."""
        del facts
        unshown = self._tally.counts.failed - MAX_FAILURES
        unlisted = len(self._tally.journeys) - MAX_JOURNEYS
        more = f"\n{unshown} more failed; their texts are in the other reports.\n" if unshown > 0 else ""
        return more + (f"\n{unlisted} more journeys are not in the table.\n" if unlisted > 0 else "")

    def _row(self, name: str, counts: Counts) -> str:
        sign = "❌" if counts.failed else "✅" if counts.passed else "⏭️"
        shown = plain(self._clean.text(name))
        return f"| {sign} | {shown} | {counts.passed} | {counts.failed} | {counts.skipped} | {counts.requests} |"


def _counted(counts: Counts) -> str:
    skipped = f", {counts.skipped} skipped" if counts.skipped else ""
    return f"{counted(counts.plays, 'play')}: {counts.passed} passed, {counts.failed} failed{skipped}"
