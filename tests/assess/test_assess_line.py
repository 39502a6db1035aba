"""The line of an assessment: what comes first goes into its folder, its load, and what it leaves out."""

from __future__ import annotations

import dataclasses
import json

import pytest

from misbehaving import Server, keeps_saying
from seatrial import journal
from seatrial.assess import preflight, stage
from seatrial.assess import run as module
from seatrial.assess.budget import budget
from seatrial.assess.headroom import Headroom
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Assessed, Telling, assess
from seatrial.assess.stage import Bridge
from seatrial.cli.main import app
from seatrial.clock import SystemClock
from seatrial.errors import CannotRun
from seatrial.journal import OUT, Run
from seatrial.realm import Place, Tracing
from seatrial.sample import Earlier
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.moves import Context
from seatrial.verdict import Grade

OK, DOWN = (f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode() for status in (200, 503))
RELATIVE = """\
service: shop
objectives: [{name: slow, indicator: latency, quantile: p90, criteria: {met: [["<=+10%"]]}}]
"""


@pytest.fixture
def assessed(workspace, monkeypatch):
    """Assesses the workspace's services, all of which give that answer; no load is begun."""
    monkeypatch.setattr(preflight, "measure_headroom", lambda: Headroom(2.0, 2, 0.0))
    monkeypatch.setattr(module, "resolver", lambda *realm, holder: lambda fault: None)

    def load(bridge, profile):
        raise AssertionError("a load was begun")

    monkeypatch.setattr(stage, "load", load)

    def run(answer, gate, **more) -> Assessed:
        (workspace / "slo" / "gate.yaml").write_text(f"gate: default\nacceptance: {{tags: [smoke]}}\n{gate}")
        with Server(keeps_saying(*[answer] * 20)) as server:
            plan = read_plan(workspace, Asked())
            places = {name: Place(name, server.url.rstrip("/")) for name in ("shop", "stock")}
            plan = dataclasses.replace(plan, realm=dataclasses.replace(plan.realm, places=places))
            telling = Telling(lambda text: None, lambda moment: None)
            return assess(plan, clock=SystemClock(), telling=telling, **more)

    return run


def test_after_a_failed_acceptance_nothing_else_is_begun_and_all_of_it_says_so(assessed):
    found = assessed(DOWN, "load: {profile: some}\nchaos: [stock hangs]\n")
    findings = {finding.name: finding for finding in found.verdict.findings}
    assert (found.verdict.grade, findings["buy a rope"].grade) == (Grade.MISSED, Grade.MISSED)
    why = "not run: the journey 'buy a rope' failed before"
    others = [finding for name, finding in findings.items() if name != "buy a rope"]
    assert {finding.grade for finding in others} == {Grade.UNDECIDED}
    assert {finding.experiment for finding in others} == {None, "stock hangs"}
    assert all(why in finding.reason for finding in others), [finding.reason for finding in others]


WORDS = (
    "assess --realm here --gate plain --service shop --revision shop=1a2b --var city=Oslo --processes 2 --strict"
    " --canary shop=http://127.0.0.1:9 --share 20%"
)


def test_what_the_command_is_told_is_what_is_assessed(workspace, monkeypatch):
    told = []

    def enough(plan, **more):
        told.append((plan, more))
        raise CannotRun("enough")

    monkeypatch.setattr("seatrial.cli.assess.assess", enough)
    monkeypatch.chdir(workspace)
    with pytest.raises(CannotRun, match="enough"):
        app(WORDS.split(), standalone_mode=False)
    ((plan, more),) = told
    assert (plan.realm.name, plan.gate.name, list(plan.services)) == ("here", "plain", ["shop"])
    assert (more["revisions"], more["strict"]) == ({"shop": "1a2b"}, True)
    assert (plan.overrides, plan.spread.own) == ({"city": "Oslo"}, 2)
    assert plan.canary == Canary({"shop": "http://127.0.0.1:9"}, 0.2)


def test_what_is_not_begun_takes_the_audit_along(plan):
    audited = dataclasses.replace(plan, audit=object())
    assert module._left_out(audited, "why") == dict.fromkeys(("load", "stock hangs", "audit"), "why")


def test_the_revisions_that_were_told_are_kept_and_shown(assessed):
    found = assessed(OK, "", revisions={"shop": "1a2b"})
    assert json.loads(found.run.about.read_bytes())["revisions"] == {"shop": "1a2b"}
    assert "1a2b" in found.run.report.read_text()


def test_what_relative_criteria_are_held_against_is_in_the_journal_before_anything_is_sent(assessed, workspace):
    (workspace / "slo" / "shop.yaml").write_text(RELATIVE)
    before = workspace / OUT / "1"
    before.mkdir(parents=True)
    about = {"realm": "here", "gate": "default", "profile": "some", "started_at": 1.0, "ended_at": 2.0}
    (before / "run.json").write_text(json.dumps(about))
    measured = {"service": "shop", "objective": "slow", "measured": 10.0, "low": None, "experiment": None}
    (before / "verdict.json").write_text(json.dumps({"grade": "MET", "findings": [measured]}))
    found = assessed(OK, "load: {profile: some}\nat_most: 1us\n")
    first, *_ = journal.read(found.run.journal)
    assert first == Earlier(found.run.name, "shop", "slow", ("1",), (10.0,))


def test_a_load_is_told_what_the_realm_allows_and_the_objectives_count(plan, recorder, clock, tmp_path, monkeypatch):
    orders = []

    def start(order, **_):
        orders.append(order)
        raise RuntimeError("enough")

    monkeypatch.setattr(stage, "start_load", start)
    known = {
        "variables": {"city": "Oslo"},
        "overrides": {"city": "Bergen"},
        "secret_values": {"token": "t0ken"},
        "environment": {"STAGE": "blue"},
        "tracing": Tracing("X-Trace", None),
    }
    context = Context("here", {"shop": "http://127.0.0.1:1"}, **known)
    bridge = Bridge(plan, Run(tmp_path), recorder, context, None, clock, print, print, budget(clock, None))
    with pytest.raises(RuntimeError, match="enough"), stage.load(bridge, plan.profile):
        pass
    (order,) = orders
    assert {name: getattr(order, name) for name in known} == known
    assert order.addresses == context.addresses
    assert order.max_requests_per_s == 100.0
    assert order.limits_us["shop"] == (200_000,)
