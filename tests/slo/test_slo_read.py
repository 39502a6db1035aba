"""Service documents and the gate: what is read, and where each mistake is said to be."""

import math
from pathlib import Path

import pytest

from seatrial.errors import DocumentError, UsageError
from seatrial.service import BreakerPromise, Dependency, Indicator, Mechanisms
from seatrial.slo.criteria import Aggregate
from seatrial.slo.gate import AuditTerms, Gate, OnUndecided, ScoreLimits, read_gate, shared
from seatrial.slo.read import read_services
from seatrial.slo.versus import Of, Versus

CARDS = """\
service: cards
owner: payments-team
tier: 1
runbook: https://wiki.example.com/cards
depends_on: [ledger, {merchants: optional}]
mechanisms:
  ledger:
    timeout: 250ms
    breaker: {min_calls: 10, failures: 50%, window: 5s, open_for: 2s, trials: 1}
    retries: {max: 1, budget: 10%}
objectives:
  - {name: available, indicator: errors, limit: 1%, window: 7d}
  - {name: fast, indicator: latency, quantile: p99, limit: 300ms, routes: ["POST /cards/*/charges"], key: true}
  - {name: roomy, indicator: throughput, at_least: 150/s, weight: 2}
  - {name: brisk, indicator: latency, quantile: p95, limit: {met: 100ms, degraded: 200ms}}
"""


def _written(folder: Path, text: str, name: str = "cards.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


def _objective(line: str) -> str:
    return f"service: cards\nobjectives:\n  - {line}\n"


def test_a_service_document_gives_all_it_promises(tmp_path):
    cards = read_services(_written(tmp_path, CARDS))["cards"]
    assert (cards.owner, cards.tier, cards.runbook) == ("payments-team", 1, "https://wiki.example.com/cards")
    assert cards.depends_on == (Dependency("ledger"), Dependency("merchants", optional=True))
    breaker = BreakerPromise(min_calls=10, failures_ratio=0.5, window_s=5.0, open_for_s=2.0, trials=1)
    assert cards.mechanisms == {
        "ledger": Mechanisms(timeout_s=0.25, breaker=breaker, retries_max=1, retries_budget_ratio=0.1)
    }


def test_objectives_are_read_in_si_units_and_ratios(tmp_path):
    available, fast, roomy, brisk = read_services(_written(tmp_path, CARDS))["cards"].objectives
    assert (available.indicator, available.limit_ratio, available.window) == (Indicator.ERRORS, 0.01, "7d")
    assert (fast.limit, fast.routes, fast.key) == (0.3, ("POST /cards/*/charges",), True)
    assert math.isclose(fast.limit_ratio, 0.01)
    assert (roomy.limit, roomy.weight) == (150.0, 2.0)
    assert (brisk.limit, brisk.degraded_limit) == (0.1, 0.2)
    assert available.where.line == 12


def test_a_folder_without_services_gives_none(tmp_path):
    assert read_services(tmp_path) == {}


def test_other_documents_in_the_folder_are_no_services(tmp_path):
    _written(tmp_path, "gate: default\n", "gate.yaml")
    assert list(read_services(_written(tmp_path, CARDS))) == ["cards"]


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ("{name: a, indicator: errors}", 5, "objective 'a' has no 'limit'"),
        ("{name: a, indicator: errors, limit: 0.01}", 41, "'0.01' is not a share; write it in percent"),
        ("{name: a, indicator: errors, limit: 300ms}", 41, "'300ms' is not a share"),
        ("{name: a, indicator: errors, limit: 0%}", 41, "no number of requests can prove it"),
        ("{name: a, indicator: errors, limit: 100%}", 41, "forbids nothing"),
        ("{name: a, indicator: errors, limit: 1%, quantile: p99}", 45, "takes no 'quantile'"),
        ("{name: a, indicator: latency, limit: 300ms}", 5, "has no 'quantile'; add it, as quantile: p99"),
        ("{name: a, indicator: latency, quantile: p99, limit: 1%}", 57, "'1%' is not a duration"),
        ("{name: a, indicator: latency, quantile: p99, limit: 0}", 57, "a limit of '0'"),
        ("{name: a, indicator: latency, quantile: 99, limit: 1s}", 45, "'99' is not a quantile"),
        ("{name: a, indicator: throughput, limit: 9/s}", 38, "takes no 'limit'; write at_least: 150/s"),
        ("{name: a, indicator: latancy, limit: 1s}", 26, "unknown indicator 'latancy'; did you mean 'latency'?"),
        ("{name: a, indicator: prometheus, query: up}", 5, "objective 'a' has no limit; add one of limit: 0.5%"),
        ("{name: a, indicator: prometheus, limit: 1%}", 5, "objective 'a' has no 'query'"),
        ("{name: a, indicator: prometheus, query: up, limit: 1%, at_least: 1}", 60, "both 'limit' and 'at_least'"),
        ("{name: a, indicator: prometheus, query: up, limit: high}", 56, "'high' is no limit of a query"),
        ("{name: a, indicator: prometheus, query: up, limit: true}", 56, "'True' is no limit of a query"),
        ("{name: a, indicator: prometheus, query: up, limit: {met: 1%}}", 56, "write both limits"),
        ("{name: a, indicator: prometheus, query: up, limit: {met: 1%, degraded: 1%}}", 76, "no laxer than '1%'"),
        ("{name: a, indicator: prometheus, query: up, limit: {met: 1%, degraded: 2s}}", 76, "no laxer than '1%'"),
        ("{name: a, indicator: prometheus, query: up, limit: 1, routes: []}", 59, "takes no 'routes'"),
        ("{name: a, indicator: prometheus, query: up, limit: 1, unit: ms}", 59, "takes no 'unit'"),
        ("{name: a, indicator: prometheus, query: $servce, limit: 1}", 45, "did you mean '$service'"),
        ("{name: a, indicator: prometheus, query: up, information: false}", 49, "information: false says nothing"),
        ("{name: a, indicator: prometheus, query: up, criteria: {met: []}}", 65, "no criteria; write"),
        ("{name: a, indicator: prometheus, query: up, criteria: {met: [[]]}}", 66, "a list without criteria would"),
        ("{name: a, indicator: prometheus, query: up, criteria: {met: [[<1], []]}}", 72, "a list without criteria"),
        (
            "{name: a, indicator: prometheus, query: up, criteria: {met: [[600]]}}",
            67,
            "600: input should be a valid str",
        ),
        ("{name: a, indicator: prometheus, query: up, criteria: {met: [['600']]}}", 67, "begins with no operator"),
        (
            "{name: a, indicator: prometheus, query: up, criteria: {met: [[<fast]]}}",
            67,
            "no number after its operator",
        ),
        ("{name: a, indicator: latency, criteria: {met: [[<600]]}}", 5, "latency objective 'a' has no 'quantile'"),
        ("{name: a, indicator: errors, criteria: {met: [[<600]]}, quantile: p9}", 61, "takes no 'quantile'"),
        ("{name: a, indicator: errors, criteria: {met: [[<600]]}, limit: 1%}", 34, "both 'limit' and 'criteria'"),
        ("{name: a, indicator: errors, criteria: {met: [[<600]]}, query: up}", 61, "takes no 'query'"),
        ("{name: a, indicator: errors, criteria: {met: [[<600]]}, unit: ms}", 67, "unit 'ms'; known: percent, ratio"),
        ("{name: a, indicator: errors, limit: 1%, query: up}", 45, "an objective of errors takes no 'query'"),
        (
            "{name: a, indicator: errors, limit: 1%, no_value: missed}",
            45,
            "an objective of errors takes no 'no_value'",
        ),
        (
            "{name: a, indicator: latency, quantile: p95, versus: baseline}",
            5,
            "how much worse it may be; add at_most",
        ),
        ("{name: a, indicator: errors, versus: baseline, limit: 1%}", 52, "versus another run takes no 'limit'"),
        ("{name: a, indicator: errors, limit: 1%, at_most: +1%}", 45, "an objective of errors takes no 'at_most'"),
        ("{name: a, indicator: errors, versus: baseline, at_most: 10%}", 61, "write it with its sign"),
        ("{name: a, indicator: errors, versus: baseline, at_most: -10%}", 61, "how much more is allowed, with a +"),
        ("{name: a, indicator: throughput, versus: x, at_least: +1%}", 59, "how much less is allowed, with a -"),
        ("{name: a, indicator: throughput, versus: x, at_least: -100%}", 59, "'-100%' forbids nothing"),
        ("{name: a, indicator: throughput, versus: x, at_most: +1%}", 49, "takes no 'at_most'; write at_least: -5%"),
        ("{name: a, indicator: errors, versus: x, at_most: {met: +9%}}", 54, "write both limits"),
        ("{name: a, indicator: errors, versus: x, at_most: {met: +9%, degraded: +9%}}", 75, "no laxer than '+9%'"),
        ("{name: a, indicator: errors, limit: 1%, routes: [/cards]}", 54, "'/cards' is not a route"),
        ("{name: a, indicator: errors, limit: 1%, key: yes}", 50, "valid boolean"),
        ("{name: a, indicator: errors, limit: 1%, weight: 0}", 53, "greater than 0"),
        ("{name: a, indicator: errors, limit: 1%, wieght: 2}", 45, "unknown key 'wieght'; did you mean 'weight'?"),
        ("{name: a, indicator: errors, limit: {met: 1%}}", 41, "write both limits"),
        ("{name: a, indicator: errors, limit: {met: 2%, degraded: 1%}}", 61, "no laxer than '2%'"),
        ("{name: a, indicator: throughput, at_least: {met: 5/s, degraded: 9/s}}", 69, "no laxer than '5/s'"),
        ("{name: a, indicator: errors, limit: 1%, window: month}", 53, "'month' is not a duration"),
    ],
)
def test_a_mistaken_objective_is_named_with_its_place(tmp_path, line, column, problem):
    with pytest.raises(DocumentError) as caught:
        read_services(_written(tmp_path, _objective(line)))
    assert problem in str(caught.value)
    assert (caught.value.where.line, caught.value.where.column) == (3, column)
    assert caught.value.where.file.endswith("cards.yaml")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (_objective("{name: a, indicator: errors, limit: 1%}") + "  - {name: a, indicator: errors, limit: 2%}\n",
         (4, 12), "duplicate objective 'a'; it stands first in line 3"),
        ("service: cards\ndepends_on: [cards]\n", (2, 14), "depends on itself"),
        ("service: cards\ndepends_on: [ledger, {ledger: optional}]\n", (2, 22), "'ledger' is named twice"),
        ("service: cards\ndepends_on: [{ledger: sometimes}]\n", (2, 14),
         "dependency 'ledger' is 'sometimes'; write {ledger: optional}"),
        ("service: cards\ndepends_on: [{ledger: optional, feed: optional}]\n", (2, 14), "2 services in one entry"),
        ("service: cards\ndepends_on: [ledger]\nmechanisms: {legder: {timeout: 1s}}\n", (3, 14),
         "does not depend on; did you mean 'ledger'?"),
        ("service: cards\nmechanisms: {ledger: {timeout: 1s}}\n", (2, 14), "add it to `depends_on`"),
    ],
)  # fmt: skip
def test_a_mistaken_service_is_named_with_its_place(tmp_path, text, place, problem):
    with pytest.raises(DocumentError) as caught:
        read_services(_written(tmp_path, text))
    assert problem in str(caught.value)
    assert (caught.value.where.line, caught.value.where.column) == place


def test_a_service_described_twice_is_refused_naming_both_files(tmp_path):
    _written(tmp_path, CARDS, "again.yaml")
    with pytest.raises(DocumentError, match=r"cards\.yaml:1:10: a second service .*again\.yaml:1:10"):
        read_services(_written(tmp_path, CARDS))


def test_a_gate_gives_all_it_comprises(tmp_path):
    text = """\
gate: default
acceptance: {tags: [smoke]}
load: {profile: steady, at_most: 5m, extend_to: 10m}
chaos: [the ledger hangs]
audit: {only: [cards->ledger, 5], missed_from: medium}
at_most: 15m
alpha: 1%
min_hold: 30s
score: {met: 90%, degraded: 75%}
on_undecided: extend
"""
    assert read_gate(_written(tmp_path, text, "gate.yaml")) == Gate(
        name="default",
        acceptance_tags=("smoke",),
        profile="steady",
        hold_at_most_s=300.0,
        extend_to_s=600.0,
        at_most_s=900.0,
        experiments=("the ledger hangs",),
        alpha=0.01,
        min_hold_s=30.0,
        score=ScoreLimits(met=90.0, degraded=75.0),
        on_undecided=OnUndecided.EXTEND,
        audit=AuditTerms(("cards->ledger", "5"), "medium"),
    )


def test_a_gate_that_says_nothing_has_the_documented_defaults(tmp_path):
    gate = read_gate(_written(tmp_path, "gate: default\n", "gate.yaml"))
    assert gate == Gate(alpha=0.05, min_hold_s=60.0, on_undecided=OnUndecided.FAIL)


def test_a_missing_gate_names_the_file_to_write(tmp_path):
    with pytest.raises(UsageError, match=r"gate\.yaml: there is no gate; write one that begins with `gate: default`"):
        read_gate(tmp_path)


def test_an_unknown_gate_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"^no gate 'nightli' in \S+; did you mean 'nightly'"):
        read_gate(_written(tmp_path, "gate: nightly\n", "gate.yaml"), "nightli")


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ("versus: {name: x, last: 1}", 9, "versus takes either a name or how many"),
        ("versus: {last: 1, across_realms: true}", 34, "always of the same realm"),
        ("versus: baseline", 9, "versus 'baseline' names no run"),
        ("versus: {last: 0}", 16, "greater than or equal to 1"),
        ("versus: {last: 1, of: pass}", 23, "'pass' is not known here"),
        ("versus: {last: 1, aggregate: p99}", 30, "'p99' is not known here; did you mean 'p"),
        ("versus: {name: x, across: true}", 19, "unknown key 'across'"),
        ("on_undecided: extend", 15, "'extend' without a bound; say up to when"),
        ("on_undecided: ignore", 15, "'ignore' is not known here"),
        ("load: {profile: x, extend_to: 5m}", 31, "a bound for 'extend' alone; add on_undecided: extend"),
        ("load: {profile: x, at_most: 5m, extend_to: 5m}\non_undecided: extend", 44, "it extends nothing"),
        ("at_most: 0s", 10, "a gate of no time"),
        ("alpha: {gate: 60%}", 15, "above 0% and below 50%"),
        ("alpha: {gat: 5%}", 8, "an alpha with the keys gat; write alpha: 5% per objective"),
        ("alpha: 0.05", 8, "write it in percent"),
        ("alpha: 0%", 8, "above 0% and below 50%"),
        ("score: {met: 70%, degraded: 80%}", 29, "lies above the met one"),
        ("chaos: [x, x]", 12, "'x' is named twice"),
        ("load: {at_most: 5m}", 7, "'profile' is missing"),
    ],
)
def test_a_mistaken_gate_is_named_with_its_place(tmp_path, line, column, problem):
    with pytest.raises(DocumentError) as caught:
        read_gate(_written(tmp_path, f"gate: default\n{line}\n", "gate.yaml"))
    assert problem in str(caught.value)
    assert (caught.value.where.line, caught.value.where.column) == (2, column)


def test_an_alpha_of_the_whole_gate_is_shared_by_the_objectives(tmp_path):
    gate = read_gate(_written(tmp_path, "gate: default\nalpha: {gate: 5%}\n", "gate.yaml"))
    assert shared(gate, 4).alpha == pytest.approx(0.0125)
    assert shared(gate, 0).alpha == 0.05
    assert shared(Gate(alpha=0.05), 4).alpha == 0.05


def test_two_gates_of_one_name_are_refused(tmp_path):
    _written(tmp_path, "gate: default\n", "a.yaml")
    with pytest.raises(DocumentError, match=r"b\.yaml:1:7: a second gate 'default'; the first is .*a\.yaml"):
        read_gate(_written(tmp_path, "gate: default\n", "b.yaml"))


@pytest.mark.parametrize(
    ("line", "versus"),
    [
        ("", Versus()),
        ("versus: last met", Versus()),
        ("versus: release-1", Versus("release-1")),
        ("versus: {last: 3}", Versus(last=3)),
        (
            "versus: {last: 3, of: met_or_degraded, aggregate: p90}",
            Versus(last=3, of=Of.MET_OR_DEGRADED, aggregate=Aggregate.P90),
        ),
        ("versus: {name: release-1, across_realms: true}", Versus("release-1", across_realms=True)),
    ],
)
def test_a_gate_says_what_baseline_means(tmp_path, line, versus):
    assert read_gate(_written(tmp_path, f"gate: default\n{line}\n", "gate.yaml")).versus == versus


def test_an_objective_versus_another_run_stands_apart(tmp_path):
    lines = (
        "{name: no slower, indicator: latency, quantile: p95, versus: baseline, at_most: +10%, weight: 2}",
        "{name: no more errors, indicator: errors, versus: release-1, at_most: {met: 0%, degraded: +50%}}",
        "{name: as roomy, indicator: throughput, versus: baseline, at_least: -5%}",
        "{name: available, indicator: errors, limit: 1%}",
    )
    text = "service: cards\nobjectives:\n" + "".join(f"  - {line}\n" for line in lines)
    cards = read_services(_written(tmp_path, text))["cards"]
    assert [objective.name for objective in cards.objectives] == ["available"]
    slower, errors, roomy = cards.comparisons
    assert (slower.versus, slower.limit, slower.quantile, slower.weight) == ("baseline", 0.1, 0.95, 2.0)
    assert (errors.versus, errors.limit, errors.degraded_limit) == ("release-1", 0.0, 0.5)
    assert roomy.limit == -0.05
