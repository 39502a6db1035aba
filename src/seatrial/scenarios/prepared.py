"""Steps compiled beforehand, for drivers that play them again and again. Pure.

Room scenarios. What is prepared is only shorter: where it does not fit, `attempt` goes the way it goes without, and
tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.realm import Tracing
from seatrial.scenarios.answers.direct import Direct, compile_direct
from seatrial.scenarios.model import Scenario, Step, every_step
from seatrial.scenarios.sending.draft import Draft, compile_draft


@dataclass(frozen=True, slots=True)
class Prepared:
    """One step: how to make its request, and how to see at once that an answer is as expected; None where that is
    not to be had. It keeps the step, so that no other gets its `id`."""

    step: Step
    draft: Draft | None
    direct: Direct | None

    @property
    def is_plain(self) -> bool:
        """Whether its one request is all there is to send."""
        return self.draft is not None and self.step.request.follow is None


def prepare(scenario: Scenario, tracing: Tracing) -> Mapping[int, Prepared]:
    """Every step of it by `id`, for a realm of that tracing."""
    steps = {id(step): step for step in every_step(scenario)}
    return {
        number: Prepared(step, compile_draft(step, tracing), compile_direct(step)) for number, step in steps.items()
    }
