"""One run of a monitor: a play and, when it fails, the plays that confirm it. All within one deadline.

Takes a callable that plays once, so that it can be told apart from HTTP. Must never play past the deadline.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from seatrial.clock import Clock
from seatrial.synthetic.model import Monitor, PlayOutcome

PlayOnce = Callable[[str, float], PlayOutcome]  # a scenario's name and a deadline in seconds, which it keeps


def play_confirmed(monitor: Monitor, scenario: str, *, play_once: PlayOnce, clock: Clock) -> PlayOutcome:
    """How the run ended: as its last play did.

    A retry that passes is good and flaky, and keeps the step and detail of the failure before it. A retry for
    which no time is left is not made: the failure stands.
    """
    ends_at = clock.monotonic() + monitor.deadline_s
    outcome = play_once(scenario, monitor.deadline_s)
    for _ in range(monitor.confirm.retries):
        left_s = ends_at - clock.monotonic() - monitor.confirm.after_s
        if outcome.passed or left_s <= 0.0:
            return outcome
        clock.sleep(monitor.confirm.after_s)
        again = play_once(scenario, left_s)
        outcome = _flaky(again, outcome) if again.passed else again
    return outcome


def _flaky(passed: PlayOutcome, failed: PlayOutcome) -> PlayOutcome:
    return dataclasses.replace(passed, flaky=True, step=failed.step, detail=failed.detail)
