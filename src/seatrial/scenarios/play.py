"""Plays a scenario once, as a generator without I/O: it yields a `Move` and is sent the answer to a `Send`.

Room scenarios. The driver decides how a request is sent and how long a wait is; captures, expectations, retries and
skipping are here, once, for `check`, `load`, the monitor and the tests. Must never send, sleep or ask a clock.
"""

from __future__ import annotations

from collections.abc import Generator

from seatrial.exchange import Answer
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Attempted, Context, Move, PlayResult, Send, StepResult, Used, Wait

__all__ = ["Attempted", "Context", "Move", "PlayResult", "Send", "StepResult", "Used", "Wait", "play"]


def play(scenario: Scenario, context: Context) -> Generator[Move, Answer | None, PlayResult]:
    """Go through setup, steps and teardown; the generator's return value says how it ended."""
    raise NotImplementedError
    yield Wait(0.0)
