"""Names and promises are checked, and targets found, before anything is broken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from seatrial.chaos.expectations import Named
from seatrial.chaos.model import AbortOn
from seatrial.chaos.plan import check, limits_of, plan_experiment, resolver
from seatrial.chaos.read import read_experiments
from seatrial.errors import CannotRun, DocumentError, Refused
from seatrial.realm import Allows, EdgeProxy, Place, Realm, RuntimeKind, Start
from seatrial.sample import Phase
from seatrial.service import BreakerPromise, Dependency, Edge, Indicator, Mechanisms, Objective, Service

SERVICES = {
    "cards": Service(
        "cards",
        depends_on=(Dependency("ledger"), Dependency("feed")),
        mechanisms={"ledger": Mechanisms(0.25, BreakerPromise()), "feed": Mechanisms(0.25)},
        objectives=(Objective("fast", Indicator.LATENCY, 0.3, quantile=0.99),),
    ),
    "ledger": Service("ledger"),
}
START = Start(("true",))
PLACES = {name: Place(name, start=START) for name in ("cards", "ledger", "feed")}


def realm(**fields) -> Realm:
    return Realm("demo", RuntimeKind.PROCESS, PLACES, allows=Allows(chaos=True), **fields)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads an experiment of one fault and some expectations."""
    monkeypatch.chdir(tmp_path)

    def run(inject: str = "edge: cards->ledger, timeout: {timeout: 0}", during: str = "", steady: str = ""):
        text = f"experiment: x\nmethod:\n  - {{at: 0s, inject: {{{inject}, for: 5s}}}}\n"
        text += f"steady_state: {{objectives: [{steady}]}}\nexpect: {{during: [{during}]}}\n"
        (tmp_path / "one.yaml").write_text(text)
        return read_experiments(tmp_path)["x"]

    return run


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"inject": "edge: cards->lodger, timeout: {timeout: 0}"},
            "one.yaml:3:29: unknown edge 'cards->lodger'; did you",
        ),
        ({"inject": "service: legder, kill: {}"}, "unknown service 'legder' in realm 'demo'; did you mean 'ledger'?"),
        (
            {"inject": "service: ledger, rolling_restart: {replicas: [ledgre]}"},
            "unknown service 'ledgre' in realm 'demo'; did you mean 'ledger'?",
        ),
        ({"during": "{breaker: cards->feeds, opens_within: 1s}"}, "unknown edge 'cards->feeds'; did you mean"),
        (
            {"during": "{breaker: cards->feed, opens_within: 1s}"},
            "no breaker is promised for cards->feed; promise one in",
        ),
        ({"during": "{amplification: cards->feeds}"}, "unknown edge 'cards->feeds'; did you mean"),
        ({"during": "{amplification: ledger->cards}"}, "cards calls ledger: did you mean 'cards->ledger'?"),
        ({"during": "{amplification: cards->ledger}"}, "no number of retries is promised for cards->ledger; promise"),
        (
            {"during": "{amplification: client->cards, at_most: 2}"},
            "nobody sees what leads to a call on client->cards",
        ),
        (
            {"during": "{isolation: client->cards}"},
            "nobody sees what leads to a call on client->cards",
        ),
        ({"during": "{isolation: cards->lodger}"}, "unknown edge 'cards->lodger'; did you mean"),
        (
            {"during": "{hedging: cards->ledger, replica: cards->lodger, answered_within: 1s}"},
            "unknown edge 'cards->lodger'; did you mean",
        ),
        ({"during": "{fallback: client->cards}"}, "nobody sees what leads to a call on client->cards"),
        ({"during": "{fallback: cards->lodger}"}, "unknown edge 'cards->lodger'; did you mean"),
        ({"during": "{timeout: client->cards}"}, "no timeout is promised for client->cards; promise one in"),
        ({"during": "{latency: crads, p99_at_most: 1s}"}, "unknown service 'crads'; did you mean 'cards'?"),
        ({"during": "{untouched: [cards.fats]}"}, "'cards' promises no 'fats'; did you mean 'fast'?"),
        ({"steady": "cards.quick"}, "'cards' promises no 'quick'; known: fast"),
    ],
)
def test_unknown_names_are_refused_at_their_place(read, given, said):
    with pytest.raises(DocumentError) as caught:
        check(read(**given), realm=realm(), services=SERVICES)
    assert said in str(caught.value)


def test_mechanisms_are_held_to_a_number_where_nothing_is_promised(read):
    experiment = read(during="{amplification: cards->ledger, at_most: 2}, {timeout: client->cards, bounded_by: 1s}")
    checked = check(experiment, realm=realm(), services=SERVICES)
    assert checked.promises == {
        Edge("cards", "ledger"): SERVICES["cards"].mechanisms["ledger"],
        Edge("client", "cards"): Mechanisms(),
    }
    assert checked.breakers == ()


def test_the_clients_own_edge_can_be_faulted(read):
    checked = check(read("edge: client->cards, down: {}"), realm=realm(), services=SERVICES)
    assert checked.hit == {"client->cards": (Edge("client", "cards"),)}


def test_a_fault_on_a_service_is_felt_on_every_edge_to_it(read):
    checked = check(read("service: ledger, stop: {}"), realm=realm(), services=SERVICES)
    assert checked.hit == {"ledger": (Edge("cards", "ledger"), Edge("client", "ledger"))}


def test_objectives_are_found_with_their_phase(read):
    experiment = read(during="{latency: cards, p95_at_most: 350ms}, {untouched: [cards.fast]}", steady="cards.fast")
    checked = check(experiment, realm=realm(), services=SERVICES)
    assert [(item.objective.name, item.phase) for item in checked.steady] == [("fast", Phase.HOLD)]
    assert [(item.objective.name, item.phase) for item in checked.during] == [
        ("p95 at most 350 ms", Phase.DURING),
        ("fast", Phase.DURING),
    ]
    assert limits_of([checked]) == checked.during


def test_promises_that_end_an_experiment_are_found_or_named(read):
    experiment = read()
    for name, found in (("fast", ["fast"]), ("fats", None)):
        watched = dataclasses.replace(experiment, abort_on=AbortOn(objectives=(Named("cards", name),)))
        if found:
            assert [item.objective.name for item in check(watched, realm=realm(), services=SERVICES).abort] == found
        else:
            with pytest.raises(DocumentError, match="'cards' promises no 'fats'; did you mean 'fast'"):
                check(watched, realm=realm(), services=SERVICES)


def test_a_realm_that_allows_no_chaos_refuses(read, tmp_path: Path):
    shy = Realm("prod", RuntimeKind.PROCESS, PLACES)
    checked = check(read(), realm=shy, services=SERVICES)
    with pytest.raises(Refused, match="does not allow chaos; add `chaos: true`"):
        plan_experiment(checked, realm=shy, resolve=resolver(tmp_path, shy, holder="x"))


def test_a_realm_that_is_not_up_cannot_be_planned(read, tmp_path: Path):
    checked = check(read("service: ledger, kill: {}"), realm=realm(), services=SERVICES)
    with pytest.raises(CannotRun, match="'ledger' does not run in realm 'demo'; start it"):
        plan_experiment(checked, realm=realm(), resolve=resolver(tmp_path, realm(), holder="x"))


def test_a_plan_shows_its_targets_and_does_nothing(read, our_server, echo, tmp_path: Path):
    proxy = our_server.proxy(echo)
    here = realm(edges={"cards->ledger": EdgeProxy(our_server.api, proxy.name)})
    checked = check(read(), realm=here, services=SERVICES)
    plan = plan_experiment(checked, realm=here, resolve=resolver(tmp_path, here, holder="x"))
    (line,) = [injection.sight for injection in plan.injections]
    assert line.startswith("0 s to 5 s: timeout on cards->ledger: toxic timeout (timeout=0) downstream on proxy")
    assert proxy.ask("GET", "/toxics").json() == []
    assert our_server.ask("GET", "/leases").json() == {"leases": []}


def test_an_edge_that_only_a_start_template_asks_for_is_known(read):
    asking = Place("cards", start=Start(("true",), env={"LEDGER_URL": "{{ via.ledger }},{{ via.ledger2 }}"}))
    places = {**PLACES, "cards": asking, "ledger2": Place("ledger2", start=START)}
    here = Realm("replicas", RuntimeKind.PROCESS, places, allows=Allows(chaos=True))
    hedged = read(during="{hedging: cards->ledger, replica: cards->ledger2, answered_within: 100ms}")
    assert Edge("cards", "ledger2") in check(hedged, realm=here, services=SERVICES).promises
