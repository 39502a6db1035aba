"""A real container on a real Docker engine, killed and paused under load; what its caller's breaker does about it.

The ledger of the demo bank runs in a container, cards and feed as processes, the embedded proxy before cards and
before the ledger.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from containers import (
    Contained,
    inject_and_be_killed,
    started_harness,
    text_of,
    wait_all_healed,
    wait_for,
    wait_healthy,
)

from ports import free_port
from seatrial import http
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import ExperimentRecord
from seatrial.chaos.plan import PhaseObjective, check, plan_experiment, resolver
from seatrial.chaos.read import read_experiments
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.chaos.verify import apart, judge_experiment
from seatrial.clock import SystemClock
from seatrial.demo import breaker
from seatrial.exchange import Request
from seatrial.runtime import process, proxies
from seatrial.runtime.docker import find_container
from seatrial.runtime.read import read_realms
from seatrial.runtime.state import ProcessId
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Dependency, Edge, Mechanisms, Service
from seatrial.verdict import Finding, Grade

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]

CALLERS = 4
PAUSE_S = 0.1
FRONT, INNER = Edge("client", "cards"), Edge("cards", "ledger")
CARDS = Service(
    "cards",
    depends_on=(Dependency("ledger"),),
    mechanisms={
        "ledger": Mechanisms(
            timeout_s=0.25,
            breaker=BreakerPromise(
                min_calls=breaker.LEAST_CALLS,
                failures_ratio=breaker.FAILED_RATIO,
                window_s=breaker.WINDOW_S,
                open_for_s=breaker.OPEN_S,
            ),
        )
    },
)
FAULTS = [pytest.param("kill: {signal: KILL}", id="kill"), pytest.param("stop: {}", id="pause")]


@dataclass(frozen=True)
class Bank:
    """The bank around the contained ledger: the proxy's API, and where each edge listens."""

    ledger: Contained
    api: str
    front: str


@pytest.fixture
def bank(contained: Contained, tmp_path: Path) -> Iterator[Bank]:
    """Cards and feed as processes, the embedded proxy before cards and before the contained ledger."""
    running: list[ProcessId] = []
    try:
        proxy = proxies.start_proxy(tmp_path / "proxy.log")
        running.append(proxy.process)
        cards, feed = free_port(), free_port()
        upstreams = {FRONT: f"127.0.0.1:{cards}", INNER: f"127.0.0.1:{contained.port}"}
        edges = proxies.put_before(proxy.api, upstreams, listens={})
        urls = {"LEDGER_URL": f"http://{edges[str(INNER)].listen}", "FEED_URL": f"http://127.0.0.1:{feed}"}
        for service, port in (("feed", feed), ("cards", cards)):
            log = tmp_path / f"{service}.log"
            command = [sys.executable, "-m", "seatrial.demo", service]
            running.append(process.spawn(command, env={"PORT": str(port), **urls}, cwd=tmp_path, log=log))
            wait_healthy(f"http://127.0.0.1:{port}", log.read_text)
        yield Bank(contained, proxy.api, edges[str(FRONT)].listen)
    finally:
        process.stop(running)


@contextlib.contextmanager
def traffic(front: str) -> Iterator[None]:
    """Customers who open accounts, one after the other, each request a trace of its own."""
    over, numbers = threading.Event(), itertools.count()

    def open_accounts() -> None:
        with http.open_client() as client:
            while not over.wait(PAUSE_S):
                client.send(new_account(front, next(numbers)))

    threads = [threading.Thread(target=open_accounts) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def new_account(front: str, number: int) -> Request:
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    body = json.dumps({"owner": "Ada", "customer_id": f"c-{number}"}).encode()
    headers = (("traceparent", trace), ("Content-Type", "application/json"))
    return Request("PUT", f"http://{front}/accounts/a-{number}", headers, body, 5.0)


def play(bank: Bank) -> tuple[ExperimentRecord, tuple[Finding, ...]]:
    """Play the workspace's experiment by `run_experiment`, under load; what it showed."""
    workspace, clock = bank.ledger.workspace, SystemClock()
    realm = read_realms(workspace)["containers"]
    [experiment] = read_experiments(workspace / "chaos").values()
    checked = check(experiment, realm=realm, services={"cards": CARDS})
    resolve = resolver(workspace, realm, holder="test")
    [injection] = plan_experiment(checked, realm=realm, resolve=resolve).injections
    assert injection.resolved.injectable.service == "ledger"
    watch = EdgeWatch(
        bank.api, "test", edges={"client.to.cards": str(FRONT), "cards.to.ledger": str(INNER)}, clock=clock
    )
    watch.start()
    calls: list[EdgeCall] = []
    ledger = Ledger(workspace / "reports/out/run/faults.jsonl")
    with (
        traffic(bank.front),
        Injector(ledger, realm.name, clock=clock, say=lambda text: None) as injector,
    ):
        around = Surroundings(
            injector=injector,
            resolve=resolve,
            observe=lambda: calls.extend(watch.poll()),
            judge=_no_objective,
            mark=lambda phase, name: None,
            clock=clock,
            say=lambda text: None,
        )
        record = run_experiment(checked, around)
    (seen,) = apart((checked,), calls=calls, windows=record.windows, lost=watch.losses())
    return record, judge_experiment(seen, judge=_no_objective, aborted=record.aborted)


def _no_objective(item: PhaseObjective) -> Finding:
    pytest.fail(f"there is no objective, and {item} was asked for")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_breaker_before_a_container_that_is_gone_opens_keeps_shut_and_closes_again(
    bank: Bank, fault: str
) -> None:
    bank.ledger.write(bank.front, fault)
    before = bank.ledger.state()
    record, findings = play(bank)
    assert not record.aborted
    assert [(finding.objective, finding.grade) for finding in findings] == [
        ("breaker cards->ledger opens within 5 s", Grade.MET),
        ("breaker cards->ledger at most 0 calls while open", Grade.MET),
        ("breaker cards->ledger closes within 5 s", Grade.MET),
    ], [finding.reason for finding in findings]
    [window] = record.windows
    assert (window.target, window.ended) == ("ledger", "healed")
    after = bank.ledger.state()
    assert (after["Running"], after["Paused"]) == (True, False)
    was_started_again = after["StartedAt"] != before["StartedAt"]
    assert was_started_again is fault.startswith("kill")


@pytest.mark.parametrize("fault", FAULTS)
def test_recover_undoes_what_a_killed_harness_left_and_then_finds_nothing(contained: Contained, fault: str) -> None:
    contained.write("127.0.0.1:9", fault)
    inject_and_be_killed(contained)
    left = contained.state()
    assert left["Status"] == ("exited" if fault.startswith("kill") else "paused")

    [recovered] = recover(contained.workspace, clock=SystemClock()).undone
    assert recovered.healed, recovered.text
    assert contained.state()["Status"] == "running"
    assert contained.answers()
    assert recover(contained.workspace, clock=SystemClock()).undone == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_watchdog_undoes_what_a_killed_harness_left_and_recover_finds_nothing(
    contained: Contained, fault: str
) -> None:
    contained.write("127.0.0.1:9", fault)
    inject_and_be_killed(contained, "watched")
    wait_all_healed(contained)
    assert contained.state()["Status"] == "running"
    assert recover(contained.workspace, clock=SystemClock()).undone == ()


def test_a_restarted_container_is_the_same_one_at_the_same_place(contained: Contained) -> None:
    contained.write("127.0.0.1:9", "restart: {}")
    before = contained.state()
    realm, clock = read_realms(contained.workspace)["containers"], SystemClock()
    [experiment] = read_experiments(contained.workspace / "chaos").values()
    ledger = Ledger(contained.workspace / "reports/out/run/faults.jsonl")
    with Injector(ledger, realm.name, clock=clock, say=lambda text: None) as injector:
        resolved = resolver(contained.workspace, realm, holder="test")(experiment.method[0].fault)
        injector.inject(resolved, experiment="x")
        after = contained.state()
        assert contained.answers()
    assert after["StartedAt"] != before["StartedAt"]
    assert contained.state() == after


def test_kill_9_in_the_middle_of_a_restart_leaves_a_container_that_was_started_again(contained: Contained) -> None:
    contained.write("127.0.0.1:9", "restart: {}")
    before = contained.state()
    faults = contained.log.with_name("faults.jsonl")
    with started_harness(contained, "watched") as harness:
        wait_for(lambda: '"open"' in text_of(faults), lambda: text_of(contained.log))
        harness.send_signal(signal.SIGKILL)
    wait_all_healed(contained)
    after = contained.state()
    assert (after["Running"], after["StartedAt"] != before["StartedAt"]) == (True, True)
    assert contained.answers()
    assert recover(contained.workspace, clock=SystemClock()).undone == ()
    assert contained.state() == after


def test_a_container_is_found_by_its_labels_among_those_of_a_real_engine(contained: Contained) -> None:
    contained.write("127.0.0.1:9", "stop: {}")
    realm = read_realms(contained.workspace)["containers"]
    _, found = find_container(realm, "ledger")
    assert found.id == contained.container
    assert found.started_at == contained.state()["StartedAt"]
    assert not found.removed_at_end
    assert not found.loose_ports
