"""A whole assessment of a canary: two real versions of a shop, side by side under one load."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial import journal
from seatrial.assess.about import read_about
from seatrial.assess.canary import with_canary
from seatrial.assess.conclude import plan_of
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Telling, assess, conclude_run
from seatrial.clock import SystemClock
from seatrial.errors import Unreachable
from seatrial.journal import Run
from seatrial.redact import Secrets
from seatrial.sample import BASE, CANARY, Interval
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.verdict import Grade


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        server.seen[self.path] += 1
        broken = self.path == "/goods" and next(server.numbers) % 3 == 0 and server.breaks
        time.sleep(0.03 if server.breaks else 0.0)
        body = b"{}"
        self.send_response(500 if broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _shop(*, breaks: bool) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        server.breaks, server.seen, server.numbers = breaks, Counter(), itertools.count()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def old():
    with _shop(breaks=False) as server:
        yield server


@pytest.fixture
def new():
    """A version that is slower, and answers every third request wrongly."""
    with _shop(breaks=True) as server:
        yield server


@pytest.fixture
def plan(tmp_path, old):
    """One service under 120 plays a second for eleven seconds."""
    allows = "allows: {load: {max_rate: 200/s}}"
    files = {
        "realms.yaml": f"realms: {{here: {{services: {{shop: '{old.url}'}}, {allows}}}}}\n",
        "scenarios/buy.yaml": "scenario: buy\nservice: shop\nsteps: [{name: look, request: {url: /goods}, "
        "expect: {status: 200}}]\n",
        "scenarios/profiles/some.yaml": "profile: some\nscenarios: [buy]\n"
        "stages: [{ramp_to: 120/s, over: 0s}, {hold: 11s}]\n",
        "slo/shop.yaml": "service: shop\nobjectives:\n"
        "  - {name: fit, indicator: errors, versus: baseline, at_most: 0%}\n"
        "  - {name: up, indicator: errors, limit: 90%}\n",
        "slo/gate.yaml": "gate: default\nload: {profile: some}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return read_plan(tmp_path, Asked())


def _telling() -> Telling:
    return Telling(lambda line: None, lambda moment: None)


def _missed(finding) -> bool:
    """A machine that starves the generator leaves all undecided, and says what it would have been."""
    return finding.grade is Grade.MISSED or "it would have been MISSED" in finding.reason


def test_a_worse_canary_is_missed_and_both_sides_are_shown(plan, old, new):
    assessed = assess(with_canary(plan, [new.url], "50%"), clock=SystemClock(), telling=_telling())
    found = {finding.objective: finding for finding in assessed.verdict.findings}
    assert _missed(found["canary: errors"])
    assert _missed(found["fit"])
    assert re.match(r"canary .* against base 0 % \(0 of ", found["canary: errors"].measured_text)
    assert found["up"].measured_text.endswith("base and canary together")
    assert 0.3 < new.seen["/goods"] / (old.seen["/goods"] + new.seen["/goods"]) < 0.7
    assert assessed.verdict.grade is not Grade.MET
    report = assessed.run.report.read_text()
    assert f"shop at {new.url}, 50 % of the plays" in report

    about = read_about(assessed.run)
    assert json.loads(assessed.run.about.read_text())["canary"]["share_ratio"] == 0.5
    again = conclude_run(assessed.run, plan_of(plan.workspace, about), Secrets())
    assert again.verdict == assessed.verdict


def test_a_canary_that_is_worse_in_every_way_is_missed_in_every_question(plan, old, new):
    """Errors, requests and their sides are as the two versions were really asked; how long they took is set, for on a
    busy machine both wait for it alike."""
    assessed = assess(with_canary(plan, [new.url], "50%"), clock=SystemClock(), telling=_telling())
    _set_latencies(assessed.run, {BASE: 10_000, CANARY: 40_000})
    again = conclude_run(assessed.run, plan_of(plan.workspace, read_about(assessed.run)), Secrets())
    found = {one.objective: one for one in again.verdict.findings if one.objective.startswith("canary: ")}
    assert found.keys() == {f"canary: {what}" for what in ("errors", "p50", "p95", "p99", "body")}
    assert [name for name, finding in found.items() if not _missed(finding)] == []


def _set_latencies(run: Run, latencies_us: Mapping[str, int]) -> None:
    records = [
        dataclasses.replace(
            record,
            **dict.fromkeys(
                ("histogram", "service_histogram"), encode_histogram({latencies_us[record.side]: record.ok})
            ),
        )
        if isinstance(record, Interval) and record.ok
        else record
        for record in journal.read(run.journal)
    ]
    run.journal.write_bytes(b"".join(map(journal.encode, records)))


def test_a_canary_that_is_not_there_stops_the_assessment_before_anything_is_sent(plan, old):
    gone = with_canary(plan, ["http://127.0.0.1:1"], None)
    with pytest.raises(Unreachable, match=r"nothing accepts a connection at .*:1, the canary of 'shop'"):
        assess(gone, clock=SystemClock(), telling=_telling())
    assert not old.seen["/goods"]
