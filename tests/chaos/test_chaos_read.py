"""Experiment documents: what they become, and where their mistakes are."""

from pathlib import Path

import pytest

from seatrial.chaos.model import (
    Bandwidth,
    Down,
    EdgeFault,
    Kill,
    Latency,
    Named,
    ServiceFault,
    Stop,
    Stream,
    Timeout,
)
from seatrial.chaos.read import choose_experiments, read_experiments
from seatrial.errors import DocumentError, UsageError
from seatrial.service import Edge, Indicator

WHOLE = """\
experiment: the ledger hangs
realm_must_allow: chaos
traffic: {profile: steady}
steady_state: {baseline: 20s, objectives: [cards.available, cards.fast]}
method:
  - {at: 0s,  inject: {edge: cards->ledger, timeout: {timeout: 0}, for: 20s}}
  - {at: 30s, inject: {service: ledger, kill: {signal: KILL}}}
expect:
  during:
    - {breaker: cards->ledger, opens_within: 5s, calls_while_open: 0}
    - {latency: cards, p99_at_most: 350ms}
    - {errors: gateway, at_most: 5%, routes: ["GET /offers"]}
    - {untouched: [gateway.browse]}
  after: {recovered_within: 10s, breaker: {closes_within: 5s}}
abort_on: {errors: "> 50% for 5s"}
limits: {targets: 1, duration: 60s}
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reads one experiment from its text."""
    monkeypatch.chdir(tmp_path)

    def run(text: str):
        (tmp_path / "one.yaml").write_text(text)
        (experiment,) = read_experiments(tmp_path).values()
        return experiment

    return run


@pytest.fixture
def read_fault(read):
    """Reads the fault of a one-line method."""

    def run(inject: str):
        return read(f"experiment: x\nmethod:\n  - {{at: 0s, inject: {{{inject}, for: 5s}}}}\n").method[0].fault

    return run


@pytest.fixture
def complaint(read):
    """What is said about a text that cannot be read."""

    def run(text: str) -> str:
        with pytest.raises(DocumentError) as caught:
            read(text)
        return str(caught.value)

    return run


def one_line(inject: str) -> str:
    return f"experiment: x\nmethod:\n  - {{at: 0s, inject: {{{inject}}}}}\n"


def expecting(during: str) -> str:
    return (
        "experiment: x\nmethod:\n"
        "  - {at: 0s, inject: {edge: a->b, timeout: {timeout: 0}, for: 5s}}\n"
        f"expect:\n  during:\n    - {{{during}}}\n"
    )


def test_the_example_of_the_design_is_read_whole(read):
    experiment = read(WHOLE)
    hang, kill = experiment.method
    assert experiment.name == "the ledger hangs"
    assert experiment.traffic == "steady"
    assert experiment.baseline_s == 20
    assert [str(name) for name in experiment.steady_state] == ["cards.available", "cards.fast"]
    assert (hang.at_s, hang.for_s, hang.fault.target, hang.fault.settings) == (0, 20, "cards->ledger", Timeout(0.0))
    assert (kill.at_s, kill.for_s, kill.fault.target, kill.fault.settings) == (30, 30, "ledger", Kill("KILL"))
    assert experiment.abort_on.errors_ratio == 0.5
    assert experiment.abort_on.for_s == 5
    assert experiment.duration_s == 60


def test_expectations_are_sorted_by_what_they_are_about(read):
    expected = read(WHOLE).expectations
    (breaker,) = expected.breakers
    latency, errors = expected.limits
    assert (breaker.edge, breaker.opens_within_s, breaker.calls_while_open) == (Edge("cards", "ledger"), 5, 0)
    assert breaker.closes_within_s == 5
    assert (latency.service, latency.objective.indicator) == ("cards", Indicator.WAITING)
    assert latency.objective.limit == pytest.approx(0.35)
    assert latency.objective.quantile == 0.99
    assert (errors.objective.limit_ratio, errors.objective.routes) == (0.05, ("GET /offers",))
    assert (expected.untouched[0].service, expected.untouched[0].objective) == ("gateway", "browse")
    assert expected.recovered_within_s == 10


@pytest.mark.parametrize(
    ("inject", "settings"),
    [
        ("edge: a->b, latency: {latency: 250ms, jitter: 50ms}", Latency(0.25, 0.05)),
        ("edge: a->b, latency: {latency: 250}", Latency(0.25)),
        ("edge: a->b, stream: upstream, timeout: {timeout: 2s}", Timeout(2.0, Stream.UPSTREAM)),
        ("edge: a->b, bandwidth: {rate: 100kB/s}", Bandwidth(100_000)),
        ("edge: a->b, bandwidth: {rate: 100}", Bandwidth(100_000)),
        ("edge: a->b, down: {}", Down()),
        ("edge: a->b, down: null", Down()),
        ("service: b, stop: {}", Stop()),
        ("service: b, kill: {signal: SIGTERM}", Kill("TERM")),
    ],
)
def test_settings_are_taken_in_users_units_and_in_toxiproxys(read_fault, inject: str, settings):
    assert read_fault(inject).settings == settings


def test_a_fault_acts_on_an_edge_or_a_service(read_fault):
    assert isinstance(read_fault("edge: a->b, down: {}"), EdgeFault)
    assert isinstance(read_fault("service: b, stop: {}"), ServiceFault)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            one_line("edge: a->b, latancy: {latency: 1s}, for: 5s"),
            "one.yaml:3:35: unknown key 'latancy'; did you mean",
        ),
        (one_line("edge: a->b, slicer: {}, for: 5s"), "one.yaml:3:35: 'slicer' comes later; known now: latency"),
        (one_line("edge: a->b, timeout: {timeout: 0}"), "nothing says when this fault ends; add `for: 20s`"),
        (
            one_line("edge: a->b, kill: {}, for: 5s"),
            "one.yaml:3:35: 'kill' acts on another target; give it a service",
        ),
        (one_line("service: b, down: {}, for: 5s"), "'down' acts on another target; give it an edge"),
        (one_line("edge: a->b, service: b, down: {}, for: 5s"), "either an `edge` or a `service`"),
        (one_line("edge: a->b, for: 5s"), "no fault where one should stand"),
        (one_line("edge: a->b, down: {}, timeout: {timeout: 0}, for: 5s"), "2 faults (timeout, down)"),
        (one_line("edge: ab, down: {}, for: 5s"), "an edge is written caller->callee, not 'ab'"),
        (one_line("service: b, stop: {}, stream: upstream, for: 5s"), "only a fault on an edge has a stream"),
        (
            one_line("service: b, kill: {signal: KILN}, for: 5s"),
            "'KILN' is not a signal that ends; did you mean 'KILL'",
        ),
        (one_line("edge: a->b, bandwidth: {rate: fast}, for: 5s"), "'fast' is not a transfer rate"),
        (expecting("fallback: gateway"), "one.yaml:6:8: 'fallback' comes later"),
        (expecting("breaker: a->b"), "'breaker' expects nothing; it takes calls_while_open, opens_within"),
        (expecting("breaker: a->b, opens_within: 1s, p99_at_most: 1s"), "'p99_at_most' does not belong to 'breaker'"),
        (expecting("untouched: [browse]"), "'browse' names no objective; write it as service.objective"),
        (expecting("opens_within: 1s"), "one expectation a line"),
        (
            expecting("latency: a, p99_at_most: 1s") + "  after: {breaker: {closes_within: 5s}}\n",
            "which breaker?",
        ),
        (
            one_line("edge: a->b, down: {}, for: 5s") + "expect: {during: [{breaker: a->b, opens_within: 1s}]}\n",
            "cannot be judged while the edge is down",
        ),
        (
            one_line("edge: a->b, down: {}, for: 90s") + "limits: {duration: 60s}\n",
            "the method takes 90 s, its limit is 60 s",
        ),
        (one_line("edge: a->b, down: {}, for: 5s") + 'abort_on: {errors: "50%"}\n', "'50%' is not a condition"),
    ],
)
def test_mistakes_are_named_with_what_would_be_right(complaint, text: str, said: str):
    assert said in complaint(text)


def test_two_targets_at_once_need_to_be_allowed(read, complaint):
    lines = (
        "experiment: x\nmethod:\n"
        "  - {at: 0s, inject: {edge: a->b, down: {}, for: 5s}}\n"
        "  - {at: 4s, inject: {service: c, stop: {}, for: 5s}}\n"
    )
    assert "2 targets are under a fault at once, the limit is 1" in complaint(lines)
    assert len(read(f"{lines}limits: {{targets: 2}}\n").method) == 2


def test_a_second_experiment_of_one_name_is_an_error(tmp_path: Path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(one_line("edge: a->b, down: {}, for: 5s"))
    with pytest.raises(DocumentError, match="a second experiment 'x'"):
        read_experiments(tmp_path)


def test_an_unknown_experiment_is_a_usage_error(read):
    with pytest.raises(UsageError, match="unknown experiment 'the ledger hang'; did you mean 'the ledger hangs'"):
        choose_experiments({"the ledger hangs": read(WHOLE)}, ("the ledger hang",))
    with pytest.raises(UsageError, match=r"unknown experiment 'the ledger hang'; there is none$"):
        choose_experiments({}, ("the ledger hang",))


def test_named_objectives_read_as_written():
    assert str(Named("cards", "fast")) == "cards.fast"
