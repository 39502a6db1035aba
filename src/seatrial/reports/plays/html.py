"""One HTML page that needs nothing else: no network, no scripts, light or dark as the reader's screen.

Room reports. Every play stands in it with its steps, a failed one with its text, its request and its answer. Bounded:
of a journey with very many rows the first ones are shown and all are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.errors import ExitCode
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Close, Counts, Facts, Tally
from seatrial.reports.plays.shown import Clean, ShownPlay, ShownStep, show_play
from seatrial.scenarios.played import Played
from seatrial.verdict import Grade

MAX_PASSED = 20
"""Plays of one journey that are shown although they passed."""

MAX_FAILED = 200
MAX_JOURNEYS = 2000
_THIN = 0.6  # percent of the width: a bar nobody can see tells nothing

_WORDS = {
    ExitCode.MET: ("Passed", Grade.MET),
    ExitCode.MISSED: ("Failed", Grade.MISSED),
    ExitCode.UNDECIDED: ("Nothing was played", Grade.UNDECIDED),
}


@dataclass(frozen=True, slots=True)
class _Failed:
    """One line of the list of failures."""

    anchor: str
    name: str
    step: str
    summary: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """When a step ran, in percent of its play."""

    left: float
    width: float


class Html:
    """`--html`."""

    def __init__(self, secrets: Secrets) -> None:
        self._clean = Clean(secrets)
        self._tally = Tally()
        self._failed: list[_Failed] = []
        self._shown = 0

    def add(self, played: Played) -> Iterator[str]:
        """One play's card, unless there were enough of its kind."""
        journey = self._tally.add(played)
        failed = not (played.result.passed or played.result.skipped)
        if len(self._failed) >= MAX_FAILED if failed else journey.passed + journey.skipped > MAX_PASSED:
            return
        play = show_play(played, self._clean.secrets)
        self._shown += 1
        anchor = f"play-{self._tally.counts.plays}"
        if failed:
            self._failed.append(_failed(play, anchor))
        yield _part("check_play.html.j2", play=play, anchor=anchor, bars=_bars(play), zip=zip)

    def head(self, facts: Facts) -> str:
        """Everything above the plays."""
        counts = self._tally.counts
        word, grade = _WORDS[self._tally.exit_code]
        journeys = [(self._clean.text(name), one) for name, one in self._tally.named]
        return _part(
            "check_head.html.j2",
            facts=facts,
            word=word,
            grade=str(grade),
            reason=_reason(counts, facts),
            counts=counts,
            parts=[part for part in _parts(counts) if part[1]],
            failed=self._failed,
            unshown=counts.failed - len(self._failed),
            journeys=journeys[:MAX_JOURNEYS],
        )

    def tail(self, facts: Facts) -> str:
        """Everything below them."""
        counts = self._tally.counts
        return _part("check_tail.html.j2", facts=facts, counts=counts, unshown=counts.plays - self._shown)


def _part(name: str, **words: object) -> str:
    """From a template; only who asked for a page waits for the engine of templates."""
    from seatrial.reports.render import render_part

    return render_part(name, **words)


def _failed(play: ShownPlay, anchor: str) -> _Failed:
    step = next((step for step in play.steps if step.failed), None)
    return _Failed(anchor, play.name, step.name if step else "", step.summary if step else play.summary)


def _reason(counts: Counts, facts: Facts) -> str:
    plays = (
        f"{counts.failed:,} of {counts.plays:,} plays failed" if counts.failed else f"all {counts.passed:,} passed"
    )
    said = plays if counts.passed or counts.failed else "no play came to its end"
    left = facts.planned - counts.plays
    if facts.close is Close.INTERRUPTED:
        return f"{said}; interrupted, with {left:,} still to play"
    return f"{said}; stopped after it, with {left:,} still to play" if facts.close is Close.STOPPED else said


def _parts(counts: Counts) -> tuple[tuple[str, int, str], ...]:
    return (
        ("missed", counts.failed, "failed"),
        ("met", counts.passed, "passed"),
        ("undecided", counts.skipped, "skipped"),
    )


def _bars(play: ShownPlay) -> tuple[_Bar | None, ...]:
    return tuple(_bar(step, play) for step in play.steps)


def _bar(step: ShownStep, play: ShownPlay) -> _Bar | None:
    """None for a step that did not run."""
    if step.started_at is None or step.latency_s is None or play.took_s <= 0.0:
        return None
    left = min(100.0 - _THIN, max(0.0, 100 * (step.started_at - play.started_at) / play.took_s))
    return _Bar(round(left, 2), round(min(100.0 - left, max(_THIN, 100 * step.latency_s / play.took_s)), 2))
