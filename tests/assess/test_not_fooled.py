"""What looks well and is not: whole assessments against real servers that would fool a gate of thresholds.

Each deceit has its sentence on the terminal. A stalled target is in tests/load/test_load_command.py, a killed run in
tests/e2e/test_e2e_killed.py, the clock's steps and runs of different realms in tests/e2e/test_e2e_not_fooled.py. The
limit is generous, so that a busy machine's late starts are not the reason of anything here.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seatrial import journal
from seatrial.assess import stage
from seatrial.assess.conclude import judge_run, read_run
from seatrial.assess.plan import Asked, read_plan
from seatrial.cli.assess import AssessOptions, run_assess
from seatrial.clock import SteadyClock
from seatrial.errors import ExitCode
from seatrial.slo.judge import UNFIT
from seatrial.verdict import Finding, Grade, Subject, Verdict

JOURNEYS = {
    "calm": "scenario: calm\ntags: [smoke]\nservice: calm\n"
    "steps: [{name: look, request: {url: /}, expect: {status: 200}}]\n",
    "down": "scenario: down\nservice: down\nsteps: [{name: buy, request: {url: /down}, expect: {status: 200}}]\n",
    "liar": "scenario: liar\nservice: liar\n"
    "steps: [{name: price, request: {url: /lie}, expect: {status: 200, json: {price: 250}}}]\n",
    "mute": "scenario: mute\nservice: mute\n"
    "steps: [{name: ask, timeout: 40s, request: {url: /mute}, expect: {status: 200}}]\n",
    "torn": "scenario: torn\nservice: torn\nsteps:\n"
    "  - {name: list, request: {url: /list}, expect: {status: 200}, capture: {items: {jsonpath: $.items}}}\n"
    "  - {name: take, request: {url: 'service://behind/{{ items[0] }}'}, expect: {status: 200}}\n",
    "later": "scenario: later\nservice: later\n"
    "steps: [{name: ask, delay: 3s, request: {url: /}, expect: {status: 200}}]\n",
}
OBJECTIVES = """\
objectives:
  - {name: available, indicator: errors, limit: 5%}
  - {name: fast, indicator: latency, quantile: p95, limit: 2s}
"""
PROFILES = {
    "three": "profile: three\nscenarios: [down, liar, torn]\nstages: [{ramp_to: 180/s}, {hold: 9s}]\n",
    "burst": "profile: burst\nscenarios: [down]\nmax_in_flight: 10\n"
    "stages: [{ramp_to: 100/s}, {hold: 8s}, {ramp_to: 4000/s}, {hold: 2s}]\n",
    "rare": "profile: rare\nscenarios: [calm]\nstages: [{ramp_to: 1/m}, {hold: 1s}]\n",
    "warm": "profile: warm\nscenarios: [calm]\nstages: [{ramp_to: 40/s}, {hold: 61s}]\nwarm_up: 1m\n",
    "flood": "profile: flood\nscenarios: [calm]\nstages: [{ramp_to: 20000/s}, {hold: 3s}]\n",
    "mute": "profile: mute\nscenarios: [mute, later]\nstages: [{ramp_to: 160/s}, {hold: 25s}]\nmax_in_flight: 2000\n",
}
SERVICES = ("calm", "down", "liar", "torn", "behind", "idle", "mute", "later")


class Shop(BaseHTTPRequestHandler):
    """Answers at once: 503 where it is down, a wrong price where it lies, every other list empty; every fifth not at
    all where it is mute."""

    protocol_version = "HTTP/1.1"
    asked = itertools.count()
    listed = itertools.count()
    over = threading.Event()

    def do_GET(self):
        if self.path == "/mute" and next(self.asked) % 5 == 0:
            self.close_connection = self.over.wait(60.0)
            return
        items = ["rope"] if self.path == "/list" and next(self.listed) % 2 else []
        body = json.dumps({"price": 1, "items": items}).encode()
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


@dataclass(frozen=True)
class Told:
    """What an assessment came to: the verdict with its findings by name, and all it said, each on one line."""

    code: ExitCode
    verdict: Verdict
    findings: dict[str, Finding]
    out: str
    err: str


@pytest.fixture(scope="module")
def assessed(shop, tmp_path_factory):
    """Assesses all services under a profile, as the command does."""

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
        return _told(workspace)

    return run


def _told(workspace) -> Told:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(workspace), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_assess(AssessOptions())
    (run,) = journal.list_runs(workspace)
    verdict = judge_run(read_run(run), read_plan(workspace, Asked()))
    assert out.getvalue().startswith(f"verdict: {verdict.grade}")
    named = {finding.name: finding for finding in verdict.findings}
    return Told(code, verdict, named, " ".join(out.getvalue().split()), err.getvalue())


@pytest.fixture(scope="module")
def under_three(assessed):
    """What a service that fails at once, one that lies and a journey that cannot go on come to."""
    return assessed("three")


def _missed(finding):
    """A machine that starves the generator leaves all undecided, and says what it would have been."""
    return finding.grade is Grade.MISSED or f"{UNFIT}; it would have been MISSED" in finding.reason


def test_a_service_that_fails_fast_is_not_fast(under_three):
    found = under_three.findings
    assert _missed(found["down.available"])
    assert "100 % failed" in found["down.available"].measured_text
    fast = found["down.fast"]
    assert fast.grade is Grade.UNDECIDED
    assert fast.n == 0
    assert re.fullmatch(r"no data; [\d,]+ that failed faster are left out", fast.measured_text)
    assert "failed faster than the limit, and a fast failure is no fast answer" in fast.reason
    assert "failed faster than the limit, and a fast failure is no fast answer" in under_three.out
    assert under_three.code is (ExitCode.UNDECIDED if "generator" in found else ExitCode.MISSED)


def test_a_service_that_answers_200_with_wrong_bodies_fails_its_checks(under_three):
    found = under_three.findings
    assert _missed(found["liar.available"])
    assert "100 % failed" in found["liar.available"].measured_text
    assert re.search(r"(MISSED|UNDECIDED) available errors <= 5 %; 100 % failed \(\d+ of \d+\)", under_three.out)
    assert found["liar.fast"].grade is Grade.UNDECIDED


def test_a_service_nobody_asked_has_no_data_and_is_not_met(under_three):
    found = under_three.findings
    assert {found[f"idle.{name}"].grade for name in ("available", "fast")} == {Grade.UNDECIDED}
    assert found["idle.available"].reason == "failed requests: no data: not one request was counted"
    assert found["idle.available"].reason in under_three.out


def test_requests_a_journey_could_not_render_are_no_failures_of_the_service_and_are_told(under_three):
    found = under_three.findings
    assert found["torn.available"].bad == found["behind.available"].bad == 0
    assert {found[f"behind.{name}"].grade for name in ("available", "fast")} == {Grade.UNDECIDED}
    assert re.search(r"0 % failed \(0 of [\d,]+\); [\d,]+ requests could not be rendered", under_three.out)
    rendering = found["the load's requests are rendered"]
    assert rendering.grade is Grade.UNDECIDED
    assert "of 'torn > take': the journey could not go on" in under_three.out
    assert under_three.err.count("warning: not rendered: first 'template' of torn > take: ") == 1
    assert f"warning: {rendering.reason}" in under_three.err


def test_a_load_without_traffic_is_not_met(assessed):
    told = assessed("rare", gate="")
    assert (told.verdict.grade, told.code) == (Grade.UNDECIDED, ExitCode.UNDECIDED)
    assert "no data: not one request was counted" in told.findings["calm.available"].reason
    assert "no data: not one request was counted" in told.out


class WarmUpOnly(SteadyClock):
    """A minute on as soon as a request of the warm-up was recorded: however slow the machine is, the gate's time ends
    between the two."""

    def monotonic(self):
        warmed_up = any(
            re.search(r'"record":"interval",.*"phase":"warm_up",.*"ok":[1-9]', path.read_text())
            for path in Path("reports/out").glob("*/journal.jsonl")
        )
        return super().monotonic() + 60.0 * warmed_up


def test_a_load_that_was_only_warm_up_is_not_met_and_says_that_it_was(assessed, monkeypatch):
    monkeypatch.setattr("seatrial.cli.assess.SteadyClock", WarmUpOnly)
    told = assessed("warm", gate="at_most: 55s\n")
    assert (told.verdict.grade, told.code) == (Grade.UNDECIDED, ExitCode.UNDECIDED)
    reason = told.findings["calm.available"].reason
    assert "requests came before the hold, and those are not judged" in reason
    assert reason.endswith("cut short: the gate's time of 55 s was over")
    assert "the gate's time is over before the hold begins; hold for 60 s" in told.err
    assert "the experiments take" not in told.err
    assert "no objectives to judge" not in told.err
    assert reason in told.out


def test_a_demand_beyond_what_one_process_can_do_is_the_generators_fault(assessed):
    told = assessed("flood", gate="at_most: 40s\n")
    assert (told.verdict.grade, told.code) == (Grade.UNDECIDED, ExitCode.UNDECIDED)
    reason = told.findings["generator"].reason
    assert reason.startswith("generator: ")
    assert "of a core" in reason or "late" in reason
    assert f"UNDECIDED generator {reason}" in told.out
    judged = [finding for finding in told.verdict.findings if finding.subject is Subject.OBJECTIVE]
    assert {finding.grade for finding in judged} == {Grade.UNDECIDED}


def test_a_miss_told_before_the_generator_dropped_arrivals_is_taken_back_and_says_why(assessed):
    told = assessed("burst")
    reason = told.findings["generator"].reason
    assert "arrivals were dropped" in reason
    assert told.findings["down.available"].grade is Grade.UNDECIDED
    assert f"{UNFIT}; it would have been MISSED: failed requests" in told.out
    lines = [line for line in told.err.splitlines() if line.startswith("down.available: ")]
    if any(line.startswith("down.available: MISSED after ") for line in lines):  # a busy machine is late before
        # with what the generator had done by then, and once
        assert lines[-1].startswith("down.available: no longer MISSED but UNDECIDED (generator: ")
        assert [line for line in lines if " no longer MISSED" in line] == lines[-1:]
    assert f"load: UNDECIDED, {reason}; it would have been " in told.err
    assert "down.available missed" in told.err


def test_a_service_mute_to_a_fifth_of_its_callers_is_not_met_and_a_first_wait_is_no_slowness(assessed, monkeypatch):
    monkeypatch.setattr(stage, "LoadOrder", functools.partial(stage.LoadOrder, finish_within_s=1.0))
    told = assessed("mute", gate="min_hold: 20s\n")
    findings = told.findings
    assert told.verdict.grade in (Grade.UNDECIDED, Grade.MISSED)
    for name in ("mute.available", "mute.fast"):
        assert findings[name].grade in (Grade.UNDECIDED, Grade.MISSED)
        assert findings[name].bad >= findings[name].n // 7 > 100
    later = findings["later.fast"]
    assert (later.bad, later.n > 500) == (0, True), later.reason
