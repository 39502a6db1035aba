"""What looks well and is not: whole assessments against real servers that would fool a gate of thresholds.

Each deceit has its sentence in the verdict. The clock's steps are proved with fakes in test_assess_hold.py, a
stalled target in tests/load/test_load_run.py, a killed run in tests/e2e/test_e2e_killed.py. The limit is generous, so
that a busy machine's late starts are not the reason of anything here.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial.assess import stage
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Telling, assess
from seatrial.clock import SystemClock
from seatrial.verdict import Grade, Subject

JOURNEYS = {
    "calm": "scenario: calm\ntags: [smoke]\nservice: calm\n"
    "steps: [{name: look, request: {url: /}, expect: {status: 200}}]\n",
    "down": "scenario: down\nservice: down\nsteps: [{name: buy, request: {url: /down}, expect: {status: 200}}]\n",
    "liar": "scenario: liar\nservice: liar\n"
    "steps: [{name: price, request: {url: /lie}, expect: {status: 200, json: {price: 250}}}]\n",
    "mute": "scenario: mute\nservice: mute\n"
    "steps: [{name: ask, timeout: 40s, request: {url: /mute}, expect: {status: 200}}]\n",
    "later": "scenario: later\nservice: later\n"
    "steps: [{name: ask, delay: 3s, request: {url: /}, expect: {status: 200}}]\n",
}
OBJECTIVES = """\
objectives:
  - {name: available, indicator: errors, limit: 5%}
  - {name: fast, indicator: latency, quantile: p95, limit: 2s}
"""
PROFILES = {
    "two": "profile: two\nscenarios: [down, liar]\nstages: [{ramp_to: 240/s}, {hold: 6s}]\n",
    "rare": "profile: rare\nscenarios: [calm]\nstages: [{ramp_to: 1/m}, {hold: 1s}]\n",
    "warm": "profile: warm\nscenarios: [calm]\nstages: [{ramp_to: 40/s}, {hold: 61s}]\nwarm_up: 1m\n",
    "flood": "profile: flood\nscenarios: [calm]\nstages: [{ramp_to: 20000/s}, {hold: 3s}]\n",
    "mute": "profile: mute\nscenarios: [mute, later]\nstages: [{ramp_to: 160/s}, {hold: 25s}]\nmax_in_flight: 2000\n",
}
SERVICES = ("calm", "down", "liar", "idle", "mute", "later")


class Shop(BaseHTTPRequestHandler):
    """Answers at once: 503 where it is down, a wrong price where it lies; every fifth not at all where it is mute."""

    protocol_version = "HTTP/1.1"
    asked = itertools.count()
    over = threading.Event()

    def do_GET(self):
        if self.path == "/mute" and next(self.asked) % 5 == 0:
            self.close_connection = self.over.wait(60.0)
            return
        body = json.dumps({"price": 1}).encode()
        status = 503 if self.path == "/down" else 200
        head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def log_message(self, *_):
        """Nothing."""


class Crowd(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        """A client that left is nothing to report."""


@pytest.fixture(scope="module")
def shop():
    with Crowd(("127.0.0.1", 0), Shop) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Shop.over.set()
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def assessed(shop, tmp_path_factory):
    """Assesses all services under a profile; the findings by name, and the verdict."""

    def run(profile, gate=""):
        workspace = tmp_path_factory.mktemp(profile)
        places = ", ".join(f"{name}: '{shop}'" for name in SERVICES)
        files = {
            "realms": f"realms: {{here: {{services: {{{places}}}, allows: {{load: {{max_rate: 100000/s}}}}}}}}\n"
        }
        files |= {f"scenarios/{name}": text for name, text in JOURNEYS.items()}
        files |= {f"scenarios/profiles/{profile}": PROFILES[profile]}
        files |= {f"slo/{name}": f"service: {name}\n{OBJECTIVES}" for name in SERVICES}
        files["slo/gate"] = f"gate: default\nacceptance: {{tags: [smoke]}}\nload: {{profile: {profile}}}\n{gate}"
        for name, text in files.items():
            path = workspace / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        telling = Telling(lambda text: None, lambda moment: None)
        verdict = assess(read_plan(workspace, Asked()), clock=SystemClock(), telling=telling).verdict
        return {finding.name: finding for finding in verdict.findings}, verdict

    return run


@pytest.fixture(scope="module")
def under_two(assessed):
    """What a service that fails at once, and one that lies, come to."""
    return assessed("two")[0]


def test_a_service_that_fails_fast_is_not_fast(under_two):
    assert under_two["down.available"].grade is Grade.MISSED
    assert "100 % failed" in under_two["down.available"].measured_text
    fast = under_two["down.fast"]
    assert fast.grade is Grade.UNDECIDED
    assert fast.n == 0
    assert re.fullmatch(r"no data; [\d,]+ that failed faster are left out", fast.measured_text)
    assert "failed faster than the limit, and a fast failure is no fast answer" in fast.reason


def test_a_service_that_answers_200_with_wrong_bodies_fails_its_checks(under_two):
    assert under_two["liar.available"].grade is Grade.MISSED
    assert "100 % failed" in under_two["liar.available"].measured_text
    assert under_two["liar.fast"].grade is Grade.UNDECIDED


def test_a_service_nobody_asked_has_no_data_and_is_not_met(under_two):
    assert {under_two[f"idle.{name}"].grade for name in ("available", "fast")} == {Grade.UNDECIDED}
    assert under_two["idle.available"].reason == "failed requests: no data: not one request was counted"


def test_a_load_without_traffic_is_not_met(assessed):
    findings, verdict = assessed("rare", gate="")
    assert verdict.grade is Grade.UNDECIDED
    assert "no data: not one request was counted" in findings["calm.available"].reason


def test_a_load_that_was_only_warm_up_is_not_met_and_says_that_it_was(assessed):
    findings, verdict = assessed("warm", gate="at_most: 5s\n")
    assert verdict.grade is Grade.UNDECIDED
    reason = findings["calm.available"].reason
    assert "requests came before the hold, and those are not judged" in reason
    assert reason.endswith("cut short: the gate's time of 5 s was over")


def test_a_demand_beyond_what_one_process_can_do_is_the_generators_fault(assessed):
    findings, verdict = assessed("flood", gate="at_most: 7s\n")
    assert verdict.grade is Grade.UNDECIDED
    assert findings["generator"].reason.startswith("generator: ")
    assert "of a core" in findings["generator"].reason or "late" in findings["generator"].reason
    judged = [finding for finding in verdict.findings if finding.subject is Subject.OBJECTIVE]
    assert {finding.grade for finding in judged} == {Grade.UNDECIDED}


def test_a_service_mute_to_a_fifth_of_its_callers_is_not_met_and_a_first_wait_is_no_slowness(assessed, monkeypatch):
    monkeypatch.setattr(stage, "LoadOrder", functools.partial(stage.LoadOrder, finish_within_s=1.0))
    findings, verdict = assessed("mute", gate="min_hold: 20s\n")
    assert verdict.grade in (Grade.UNDECIDED, Grade.MISSED)
    for name in ("mute.available", "mute.fast"):
        assert findings[name].grade in (Grade.UNDECIDED, Grade.MISSED)
        assert findings[name].bad >= findings[name].n // 7 > 100
    later = findings["later.fast"]
    assert (later.bad, later.n > 500) == (0, True), later.reason
