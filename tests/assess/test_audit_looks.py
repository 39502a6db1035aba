"""What an audit sees of a caller that is started while its dependency is out: a fake clock, a service in steps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial import http
from seatrial.assess.audit import looks
from seatrial.chaos.audit.model import Kind, Strain
from seatrial.chaos.experiment import Surroundings
from seatrial.chaos.model import FaultKind
from seatrial.exchange import Broken, Response
from seatrial.sample import Cause, Connections, Outcome
from seatrial.service import Edge

EDGE = Edge("front", "back")
OUT = SimpleNamespace(resolved=SimpleNamespace(fault=SimpleNamespace(kind=FaultKind.DOWN)))


class Bench:
    """A bridge with a recorder of its own, and a service that does at each start what it is told to: it answers, or
    ends by itself, after so many seconds."""

    def __init__(self, clock, monkeypatch) -> None:
        self.clock = clock
        self.written: list = []
        self.active: list = []
        self.starts: list[float] = []
        self.does: list[tuple[str, float]] = []
        monkeypatch.setattr(looks, "begin_service", self._begin)
        monkeypatch.setattr(http, "get", self._get)
        monkeypatch.setattr(looks.process, "is_alive", lambda _: not self._is("ends"))

    @property
    def bridge(self):
        realm = SimpleNamespace(places={"front": SimpleNamespace(health="/healthz")})
        return SimpleNamespace(
            clock=self.clock,
            plan=SimpleNamespace(realm=realm, workspace=Path()),
            run=SimpleNamespace(name="r"),
            state=None,
            recorder=SimpleNamespace(write=lambda *records: self.written.extend(records)),
        )

    @property
    def around(self) -> Surroundings:
        injector = SimpleNamespace(active=self.active)
        return Surroundings(injector, None, lambda: None, None, None, self.clock, lambda _: None)

    def _begin(self, realm, workspace, service):
        self.starts.append(self.clock.monotonic())
        return SimpleNamespace(url="http://127.0.0.1:1", process=None)

    def _get(self, url, *, timeout_s):
        assert url == "http://127.0.0.1:1/healthz"
        return Response(200, (), b"", 0.001) if self._is("answers") else None

    def _is(self, what: str) -> bool:
        does, after_s = self.does[len(self.starts) - 1]
        return does == what and self.clock.monotonic() - self.starts[-1] >= after_s


@pytest.fixture
def bench(clock, monkeypatch) -> Bench:
    return Bench(clock, monkeypatch)


def _look(bench: Bench, *does: tuple[str, float], times: int = 1) -> list[tuple[Outcome, Cause | None]]:
    """How the starts came out that so many looks recorded, the dependency being out."""
    bench.does = list(does)
    around = looks.starting_without(bench.around, bench.bridge, Strain(EDGE, Kind.RESTART))
    bench.active.append(OUT)
    for _ in range(times):
        around.observe()
    return [(sample.outcome, sample.cause) for sample in bench.written]


def test_a_caller_that_answers_is_started_once(bench):
    assert _look(bench, ("answers", 1.0), times=3) == [(Outcome.OK, None)]
    assert bench.written[0].latency_s == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("second", "told"),
    [(("ends", 4.0), (Outcome.BROKEN, Cause.REFUSED)), (("answers", 1.0), (Outcome.OK, None))],
)
def test_a_caller_that_ends_by_itself_is_started_once_more(bench, second, told):
    assert _look(bench, ("ends", 4.0), second, times=2) == [(Outcome.BROKEN, Cause.REFUSED), told]


def test_a_caller_that_runs_in_silence_is_not_waited_for_without_end(bench):
    assert _look(bench, ("sleeps", 0.0)) == [(Outcome.BROKEN, Cause.TIMEOUT)]
    assert bench.written[0].latency_s == pytest.approx(looks.START_DEADLINE_S, abs=0.2)


def test_a_caller_is_not_started_while_its_dependency_is_there(bench):
    looks.starting_without(bench.around, bench.bridge, Strain(EDGE, Kind.RESTART)).observe()
    assert bench.starts == []


def test_the_connections_of_the_strained_edge_alone_are_kept(bench):
    own, other = (Connections("r", edge, 1.0, 3, 1) for edge in ("front->back", "front->side"))
    watch = SimpleNamespace(connections=lambda: (own, other))
    looks.count_connections(watch, bench.bridge, edge=EDGE)
    assert bench.written == [own]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Response(503, (), b"", 0.001), (Outcome.OK, None, 503)),
        (Broken(Cause.REFUSED, "refused", 0.001), (Outcome.BROKEN, Cause.REFUSED, None)),
    ],
)
def test_a_caller_is_asked_for_its_health_past_its_proxy(bench: Bench, monkeypatch, answer, told):
    asked = []
    monkeypatch.setattr(looks, "direct_addresses", lambda realm, state: {"front": "http://127.0.0.1:2/"})
    monkeypatch.setattr(http, "get", lambda url, *, timeout_s: asked.append(url) or answer)
    ask = looks.ask_for_health(bench.bridge, Strain(EDGE, Kind.REFUSE))
    sample = ask()
    assert asked == ["http://127.0.0.1:2/healthz"]
    assert (sample.outcome, sample.cause, sample.status) == told
    assert (sample.step, sample.service, sample.route) == ("health", "front", "/healthz")
