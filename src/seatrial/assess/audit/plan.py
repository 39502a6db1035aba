"""What an audit comprises: its strains, and the journeys that are its traffic. Takes what was read of documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.chaos.audit.model import Strain
from seatrial.errors import Unsupported
from seatrial.realm import Realm, RuntimeKind
from seatrial.sample import Phase
from seatrial.scenarios.load.mix import Mix, mix
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.model import Scenario

COMMAND = "audit"
RATE_PER_S = 8.0  # plays: enough calls on each edge for its breaker, and a small load for two cores
MAX_IN_FLIGHT = 400


def require_embedded(realm: Realm) -> None:
    """Unsupported for a realm in which no embedded proxy stands before the edges: an audit sees by them alone."""
    if realm.runtime is RuntimeKind.PROCESS and not realm.toxiproxy:
        return
    raise Unsupported(
        f"{realm.where}: an audit sees by embedded proxies alone, and realm '{realm.name}' has none; they stand "
        "where seatrial starts the services (`runtime: {kind: process}`, no `toxiproxy:`): audit such a realm, and "
        "write experiments for this one"
    )


@dataclass(frozen=True, slots=True)
class Auditing:
    """The strains of an audit in their order, and its traffic."""

    strains: tuple[Strain, ...]
    profile: Profile
    mix: Mix


def auditing(strains: tuple[Strain, ...], scenarios: Sequence[Scenario], named: Profile | None) -> Auditing:
    """The audit of those strains under the journeys of a profile at the audit's own rate; without a profile, under
    every journey."""
    weights = named.scenarios if named else dict.fromkeys(scenario.name for scenario in scenarios)
    profile = Profile(
        name=named.name if named else COMMAND,
        model=Model.OPEN,
        scenarios=weights,
        stages=(Stage(Phase.HOLD, RATE_PER_S, 1.0),),
        max_in_flight=MAX_IN_FLIGHT,
    )
    return Auditing(strains, profile, mix(profile, scenarios))
