"""Experiment documents: what they become, and where their mistakes are."""

from pathlib import Path

import pytest

from seatrial.chaos.expectations import Named
from seatrial.chaos.model import (
    Bandwidth,
    Disconnect,
    Down,
    EdgeFault,
    HttpDelay,
    HttpError,
    HttpReplace,
    HttpTruncate,
    Kill,
    Latency,
    LimitData,
    Restart,
    RollingRestart,
    Selection,
    ServiceFault,
    Slicer,
    SlowClose,
    Stop,
    Stream,
    Timeout,
)
from seatrial.chaos.read import choose_experiments, read_experiments
from seatrial.chaos.service_settings import Limit
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
        ("edge: a->b, http_error: {}", HttpError()),
        (
            "edge: a->b, http_error: {status: 429, body: no, headers: {X-A: b}, retry_after: 2s, forward: true}",
            HttpError(429, "no", (("X-A", "b"),), 2, True),
        ),
        (
            "edge: a->b, http_error: {route: /a/*, method: post, request_headers: {X-A: b}, probability: 50%}",
            HttpError(selection=Selection("/a/*", "post", (("X-A", "b"),), 0.5)),
        ),
        (
            "edge: a->b, http_error: {route: POST /a/*, first: 3, every: 2}",
            HttpError(selection=Selection("POST /a/*", first=3, every=2)),
        ),
        ("edge: a->b, slow_close: {delay: 2s}", SlowClose(2.0)),
        ("edge: a->b, slicer: {average_size: 10}", Slicer(10)),
        ("edge: a->b, slicer: {average_size: 10, size_variation: 3, delay: 20000}", Slicer(10, 3, 0.02)),
        ("edge: a->b, stream: upstream, slicer: {average_size: 1, delay: 5ms}", Slicer(1, 0, 0.005, Stream.UPSTREAM)),
        ("edge: a->b, limit_data: {bytes: 100}", LimitData(100)),
        (
            "edge: a->b, http_delay: {delay: 250ms, jitter: 50, route: /a}",
            HttpDelay(0.25, 0.05, selection=Selection("/a")),
        ),
        ("edge: a->b, stream: upstream, http_delay: {delay: 1s}", HttpDelay(1.0, stream=Stream.UPSTREAM)),
        ("edge: a->b, http_truncate: {bytes: 5, every: 2}", HttpTruncate(5, Selection(every=2))),
        (
            "edge: a->b, http_replace: {status: 201, headers: {X-A: b}, body: no, json: {/a: {b: [1]}, /c: null}}",
            HttpReplace(201, (("X-A", "b"),), "no", (("/a", '{"b": [1]}'), ("/c", "null"))),
        ),
        ("edge: a->b, down: {}", Down()),
        ("edge: a->b, down: null", Down()),
        ("service: b, stop: {}", Stop()),
        ("service: b, kill: {signal: SIGTERM}", Kill("TERM")),
        ("service: b, restart: {}", Restart()),
        ("service: b, disconnect: {network: bank_default}", Disconnect("bank_default")),
        ("service: b, disconnect: {}", Disconnect()),
        ("service: b, limit: {cpu: 0.2, memory: 64MiB}", Limit(0.2, 64 * 2**20)),
        ("service: b, limit: {cpu: 1}", Limit(1.0)),
        ("service: b, rolling_restart: {replicas: [c, d], pause: 2s}", RollingRestart(("c", "d"), 2.0)),
        ("service: b, rolling_restart: {replicas: [c]}", RollingRestart(("c",))),
        ("service: b, rolling_restart: {}", RollingRestart()),
    ],
)
def test_settings_are_taken_in_users_units_and_in_toxiproxys(read_fault, inject: str, settings):
    assert read_fault(inject).settings == settings


def test_toxicity_is_the_share_of_connections_that_is_hit(read_fault):
    assert read_fault("edge: a->b, timeout: {timeout: 0}, toxicity: 25%").toxicity == 0.25
    assert read_fault("edge: a->b, http_error: {}").toxicity == 1.0


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
        (one_line("edge: a->b, slicer: {}, for: 5s"), "average_size"),
        (
            one_line("edge: a->b, slicer: {average_size: 3, size_variation: 3}, for: 5s"),
            "one.yaml:3:43: a piece could be empty; size_variation is less than average_size",
        ),
        (one_line("edge: a->b, http_replace: {}, for: 5s"), "nothing is replaced; status, headers, body or json"),
        (one_line("edge: a->b, http_replace: {status: 304}, for: 5s"), "status 304 has no body"),
        (one_line("edge: a->b, http_replace: {json: {a: 1}}, for: 5s"), "another 'a': a JSON Pointer, as /items/0"),
        (one_line("edge: a->b, stream: upstream, http_truncate: {bytes: 0}, for: 5s"), "acts on answers; remove it"),
        (one_line("edge: a->b, down: {}, toxicity: 5%, for: 5s"), "'down' has no toxicity: it is the whole edge"),
        (one_line("service: b, stop: {}, toxicity: 5%, for: 5s"), "only a fault on an edge has a toxicity"),
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
        (one_line("edge: a->b, disconnect: {}, for: 5s"), "'disconnect' acts on another target; give it a service"),
        (one_line("service: b, disconnect: {network: ''}, for: 5s"), "one.yaml:3:"),
        (one_line("service: b, limit: {}, for: 5s"), "nothing is limited; as limit: {cpu: 0.2, memory: 64MiB}"),
        (one_line("service: b, limit: {memory: 5MiB}, for: 5s"), "less than 6MiB, the least an engine gives"),
        (one_line("service: b, limit: {cpu: 0}, for: 5s"), "one.yaml:3:"),
        (one_line("edge: a->b, restart: {}, for: 5s"), "'restart' acts on another target; give it a service"),
        (one_line("service: b, restart: {}, toxicity: 5%, for: 5s"), "only a fault on an edge has a toxicity"),
        (one_line("service: b, rolling_restart: {replicas: [c], pause: 31s}, for: 5s"), "one.yaml:3:"),
        (
            one_line("service: b, rolling_restart: {replicas: [c, b]}, for: 5s"),
            "'b' would be restarted twice; name each replica once, the service not",
        ),
        (one_line("edge: a->b, bandwidth: {rate: fast}, for: 5s"), "'fast' is not a transfer rate"),
        (one_line("edge: a->b, http_error: {status: 200}, for: 5s"), "one.yaml:3:56:"),
        (one_line("edge: a->b, http_error: {route: a/*}, for: 5s"), "3:55: 'a/*' is no route; a path, as /cards/*"),
        (one_line("edge: a->b, http_error: {method: PO ST}, for: 5s"), "'PO ST' is no method; a method, as POST"),
        (one_line("edge: a->b, http_error: {request_headers: {a b: c}}, for: 5s"), "headers cannot be looked for"),
        (one_line("edge: a->b, http_error: {route: ''}, for: 5s"), "one.yaml:3:55: '': an empty text means nothing"),
        (one_line("edge: a->b, http_delay: {delay: 1ms, method: ''}, for: 5s"), "one.yaml:3:68: '': an empty text"),
        (one_line("edge: a->b, http_error: {request_headers: {}}, for: 5s"), "one.yaml:3:65: {}: an empty one means"),
        (one_line("edge: a->b, http_error: {request_headers: {'': x}}, for: 5s"), "one.yaml:3:70: '': an empty text"),
        (one_line("edge: a->b, http_error: {request_headers: {A: ''}}, for: 5s"), "one.yaml:3:69: '': an empty text"),
        (one_line("edge: a->b, http_error: {probability: 0.5}, for: 5s"), "'0.5' is not a share"),
        (one_line("edge: a->b, http_error: {first: 0}, for: 5s"), "one.yaml:3:55:"),
        (one_line("edge: a->b, http_error: {retry_after: 1.5s}, for: 5s"), "whole seconds, not 1.5"),
        (one_line("edge: a->b, http_error: {headers: {Connection: x}}, for: 5s"), "no Connection: the proxy frames"),
        (
            one_line("edge: a->b, stream: upstream, http_error: {}, for: 5s"),
            "'http_error' acts on answers; remove it",
        ),
        (one_line("service: b, http_error: {}, for: 5s"), "'http_error' acts on another target"),
        (expecting("shedding: a->b"), "one.yaml:6:8: 'shedding' comes later"),
        (expecting("bulkhead: a->b"), "'bulkhead' expects nothing; it takes in_flight"),
        (expecting("fallback: gateway"), "an edge is written caller->callee, not 'gateway'"),
        (expecting("fallback: a->b, at_most: 2"), "'at_most' does not belong to 'fallback'; it takes status"),
        (expecting("amplification: a->b, at_most: 0.5"), "'0.5' is no number from 1 on"),
        (expecting("amplification: a->b, at_most: 20%"), "'20%' is no number from 1 on"),
        (expecting("amplification: null"), "no edge here; as amplification: cards->ledger"),
        (expecting("errors: a, at_most: 0.2"), "'0.2' is not a share; write it in percent, as 5%"),
        (expecting("timeout: a->b, at_most: 2"), "'at_most' does not belong to 'timeout'; it takes bounded_by"),
        (
            one_line("edge: a->b, down: {}, for: 5s") + "expect: {during: [{timeout: a->b}]}\n",
            "the timeout of a->b cannot be judged while the edge is down",
        ),
        (expecting("hedging: a->b"), "'hedging' expects nothing; it takes answered_within, replica"),
        (expecting("hedging: a->b, replica: a->b2"), "which replica answers instead, and how soon?"),
        (
            expecting("hedging: a->b, replica: c->b2, answered_within: 1s"),
            "'c->b2' is no other replica of 'a'; as a->b2",
        ),
        (expecting("isolation: a->b, at_most: 2"), "'2.0' is not a share; write it in percent, as 5%"),
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
        (
            one_line("service: a, rolling_restart: {replicas: [b, c], pause: 30s}, for: 1s")
            + "limits: {duration: 59s}\n",
            "the method takes 60 s, its limit is 59 s",
        ),
        (one_line("edge: a->b, down: {}, for: 5s") + 'abort_on: {errors: "50%"}\n', "'50%' is not a condition"),
    ],
)
def test_mistakes_are_named_with_what_would_be_right(complaint, text: str, said: str):
    assert said in complaint(text)


def test_retries_and_timeouts_are_expected_by_a_number_or_by_the_promise(read):
    (named,) = read(expecting("amplification: a->b, at_most: 1.2")).expectations.amplifications
    (promised,) = read(expecting("amplification: a->b")).expectations.amplifications
    (bounded,) = read(expecting("timeout: a->b, bounded_by: 300ms")).expectations.timeouts
    (timeout,) = read(expecting("timeout: a->b")).expectations.timeouts
    (fallback,) = read(expecting("fallback: a->b, status: 203")).expectations.fallbacks
    assert (fallback.edge, fallback.status) == (Edge("a", "b"), 203)
    assert (named.edge, named.at_most, promised.at_most) == (Edge("a", "b"), 1.2, None)
    assert (bounded.edge, bounded.bounded_by_s, timeout.bounded_by_s) == (Edge("a", "b"), 0.3, None)


def test_one_journey_every_so_often_is_traffic_too(read, complaint):
    line = one_line("edge: a->b, down: {}, for: 5s")
    traffic = read(f"{line}traffic: {{scenario: pay with a card, every: 200ms}}\n").traffic
    assert (traffic.scenario, traffic.every_s) == ("pay with a card", 0.2)
    for wrong in (
        "{}",
        "{scenario: a}",
        "{every: 1s}",
        "{profile: a, every: 1s}",
        "{profile: a, scenario: b, every: 1s}",
    ):
        assert "the traffic is a profile, or one journey every so often" in complaint(f"{line}traffic: {wrong}\n")


def test_a_missed_promise_may_end_an_experiment(read, complaint):
    line = one_line("edge: a->b, down: {}, for: 5s")
    abort = read(f"{line}abort_on: {{objectives: [a.fast]}}\n").abort_on
    assert (abort.errors_ratio, [str(name) for name in abort.objectives]) == (None, ["a.fast"])
    both = read(f"{line}abort_on: {{errors: '> 50% for 5s', objectives: [a.fast]}}\n").abort_on
    assert (both.errors_ratio, both.for_s, len(both.objectives)) == (0.5, 5.0, 1)
    assert "'abort_on' names no condition" in complaint(f"{line}abort_on: {{}}\n")
    assert "'fast' names no objective" in complaint(f"{line}abort_on: {{objectives: [fast]}}\n")


def test_hedging_and_isolation_are_read(read):
    expected = read(
        one_line("edge: a->b, latency: 9ms, for: 5s").replace("latency: 9ms", "latency: {latency: 9ms}")
        + "expect:\n  during:\n    - {hedging: a->b, replica: a->b2, answered_within: 100ms}\n"
        "    - {isolation: a->b}\n    - {isolation: a->c, at_most: 10%}\n"
    ).expectations
    [hedging] = expected.hedgings
    assert (str(hedging.edge), str(hedging.replica), hedging.within_s) == ("a->b", "a->b2", 0.1)
    assert [(str(each.edge), each.at_most_ratio) for each in expected.isolations] == [("a->b", 0.05), ("a->c", 0.1)]


def test_two_targets_at_once_need_to_be_allowed(read, complaint):
    lines = (
        "experiment: x\nmethod:\n"
        "  - {at: 0s, inject: {edge: a->b, down: {}, for: 5s}}\n"
        "  - {at: 4s, inject: {service: c, stop: {}, for: 5s}}\n"
    )
    assert "2 targets are under a fault at once, the limit is 1" in complaint(lines)
    assert len(read(f"{lines}limits: {{targets: 2}}\n").method) == 2


def test_an_unknown_experiment_is_a_usage_error(read):
    with pytest.raises(UsageError, match="unknown experiment 'the ledger hang'; did you mean 'the ledger hangs'"):
        choose_experiments({"the ledger hangs": read(WHOLE)}, ("the ledger hang",))
    with pytest.raises(UsageError, match=r"unknown experiment 'the ledger hang'; there is none$"):
        choose_experiments({}, ("the ledger hang",))


def test_named_objectives_read_as_written():
    assert str(Named("cards", "fast")) == "cards.fast"
