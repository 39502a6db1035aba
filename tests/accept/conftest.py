"""The service and the workspace that tests of `check` share, and plays without the command around them."""

from __future__ import annotations

import pytest

from check_parts import service, workspace
from seatrial.accept.pool import Playing, plans_of, play_all
from seatrial.accept.prepare import Wanted, context_of, prepare
from seatrial.sample import Phase

__all__ = ["plans", "played", "service", "workspace"]


@pytest.fixture
def plans(workspace):
    """All plays of the workspace."""
    return lambda: plans_of(prepare(workspace.path, Wanted()).scenarios)


@pytest.fixture
def played(workspace, plans):
    """Play these plans, else all journeys of the workspace."""

    def played_(chosen=None, *, jobs=1, **told):
        context = context_of(prepare(workspace.path, Wanted()), None)
        playing = Playing(context, "check", Phase.ACCEPTANCE, **told)
        return play_all(plans() if chosen is None else chosen, playing, jobs=jobs)

    return played_
