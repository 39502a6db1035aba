"""The audit as it happens: its traffic, what that calls without a fault, then one strain after the other.

Takes a bridge whose plan has an audit; gives why strains were left out. What the strains showed is read from the
journal afterwards. Everything started here is ended here, everything injected is healed, on every way out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

from seatrial.assess import stage
from seatrial.assess.audit.crowd import crowd_per_s
from seatrial.assess.audit.plan import RATE_PER_S, Auditing
from seatrial.assess.audit.strains import Straining
from seatrial.assess.stage import Bridge, Loading
from seatrial.chaos.audit import battery, pace
from seatrial.chaos.audit.model import Kind, Strain
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector
from seatrial.chaos.plan import resolver
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.errors import CannotRun
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall

SETTLE_S = 6.0  # of traffic before the first strain: connections are made, caches filled, habits seen


def most_s(audit: Auditing) -> float:
    """How long it takes at most."""
    return SETTLE_S + pace.most_s(audit.strains)


def strain_all(bridge: Bridge, audit: Auditing) -> dict[str, str]:
    """Every strain under the same traffic; by its name, why one was left out."""
    watch = stage.watch_edges(bridge)
    if watch is None:
        raise CannotRun(f"realm '{bridge.plan.realm.name}' has no embedded proxies, and the audit sees by them alone")
    with (
        stage.load(bridge, audit.profile) as loading,
        Injector(Ledger(bridge.run.ledger), bridge.plan.realm.name, clock=bridge.clock, say=bridge.say) as injector,
    ):
        journeys = ", ".join(scenario.name for scenario in audit.mix.scenarios)
        bridge.say(f"audit: {RATE_PER_S:g} plays/s of {journeys}")
        _guard(bridge, injector, audit.strains)
        usual = _settle(bridge, loading, watch)
        left_out = dict(_left_out(bridge, audit.strains, usual))
        strains = [strain for strain in audit.strains if strain.name not in left_out]
        bridge.say(_outlook(strains, audit.strains))
        straining = Straining(bridge, loading, watch, injector=injector, usual=usual)
        return left_out | straining.play(strains)


def _outlook(strains: Sequence[Strain], planned: Sequence[Strain]) -> str:
    """What the audit will take, now that it is known what the traffic calls."""
    usual, most = show_duration(pace.usual_s(strains)), show_duration(pace.most_s(strains))
    some = f"{len(strains)} of {counted(len(planned), 'strain')} can show something"
    return f"audit: {some}; about {usual} where all is well, at most {most}"


def _guard(bridge: Bridge, injector: Injector, strains: Iterable[Strain]) -> None:
    """Start what undoes faults that have no lease: it takes a second, and would put off the first of them."""
    resolve = resolver(bridge.plan.workspace, bridge.plan.realm, holder="")
    for strain in strains:
        with contextlib.suppress(CannotRun):  # why it cannot be made is told when it is left out
            for injection in battery.experiment_of(strain).method:
                injector.guard(resolve(injection.fault))


def _settle(bridge: Bridge, loading: Loading, watch: EdgeWatch) -> tuple[EdgeCall, ...]:
    """Let the traffic run for a while from its first call on; the calls of that time."""
    usual: list[EdgeCall] = []
    ends_at: float | None = None
    give_up_at = bridge.clock.monotonic() + stage.LOAD_DEADLINE_S
    while ends_at is None or bridge.clock.monotonic() < ends_at:
        bridge.clock.sleep(stage.LOOK_EVERY_S)
        loading.require()
        calls = watch.poll()
        bridge.recorder.write(*calls, *watch.losses())
        usual += calls
        if usual and ends_at is None:
            ends_at = bridge.clock.monotonic() + SETTLE_S
        if not usual and bridge.clock.monotonic() > give_up_at:
            raise CannotRun(
                f"no call went through a proxy in {show_duration(stage.LOAD_DEADLINE_S)}; see the run's load.log"
            )
    return tuple(usual)


def _left_out(bridge: Bridge, strains: Sequence[Strain], usual: Sequence[EdgeCall]) -> Iterator[tuple[str, str]]:
    """The strains that are left out, and why: the edge has no proxy, or there is nothing to see."""
    resolve = resolver(bridge.plan.workspace, bridge.plan.realm, holder="")
    for strain in strains:
        try:
            for injection in battery.experiment_of(strain).method:
                resolve(injection.fault)
        except CannotRun as error:
            yield strain.name, str(error).removeprefix("None: ")  # a fault of the battery stands in no document
        else:
            if why := battery.why_left_out(strain, usual):
                yield strain.name, why
            elif strain.kind is Kind.CROWD and not crowd_per_s(bridge.plan):
                yield strain.name, "the realm's `max_rate` leaves no room for a crowd beside the traffic"
