"""What a run is held to, and a verdict on other terms, which is a what-if."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil

import pytest

from seatrial import journal
from seatrial.assess.about import write_about
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import conclude_run
from seatrial.assess.runs import run_lines
from seatrial.assess.terms import terms_of
from seatrial.chaos.model import ResetPeer, Timeout
from seatrial.clock import SystemClock
from seatrial.journal import Journal
from seatrial.redact import Secrets
from seatrial.verdict import Grade


def test_a_verdict_on_other_terms_is_a_what_if_and_makes_the_run_no_baseline(workspace, records):
    """The documents are loosened, the run is judged by them, and they are put back."""
    run = journal.create_run(workspace, "here", clock=SystemClock())
    plain = read_plan(workspace, Asked(gate="plain"))
    profile = plain.profile.name
    write_about(run, records.about(gate="plain", profile=profile, offered=plain.offered, terms=terms_of(plain)))
    with contextlib.closing(Journal(run.journal)) as writer:
        writer.write(*(record for second in range(70) for record in records.second(second, ok=70, failed=30)))
    assert conclude_run(run, plain, Secrets()).what_if == ""
    before = run.verdict.read_bytes()
    shop, stock = (workspace / "slo" / name for name in ("shop.yaml", "stock.yaml"))
    own = [file.read_text() for file in (shop, stock)]
    for file in (shop, stock):
        file.write_text("# any failures will do\n" + file.read_text().replace("limit: 10%", "limit: 90%"))
    loosened = conclude_run(run, read_plan(workspace, Asked(gate="plain")), Secrets())
    named = {finding.name: finding.grade for finding in loosened.verdict.findings}
    assert named["shop.available"] is Grade.MET
    assert loosened.what_if.endswith("its own verdict stays: MISSED")
    assert "its own verdict stays: MISSED" in loosened.files.report.read_text()
    assert run.verdict.read_bytes() == before
    for file, text in zip((shop, stock), own, strict=True):
        file.write_text("# as before\n" + text)
    again = read_plan(workspace, Asked(gate="plain"))
    assert [line.verdict for line in run_lines(workspace)] == ["MISSED"]
    assert conclude_run(run, again, Secrets()).what_if == ""


def test_a_run_of_which_nobody_noted_the_terms_is_judged_on_its_own(workspace, records, plain):
    run = journal.create_run(workspace, "here", clock=SystemClock())
    write_about(run, records.about(gate="plain"))
    assert conclude_run(run, plain, Secrets()).what_if == ""


def test_the_terms_of_a_plan_are_the_same_wherever_they_are_read(workspace, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(workspace, elsewhere)
    assert terms_of(read_plan(workspace, Asked())) == terms_of(read_plan(elsewhere, Asked()))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("slo/shop.yaml", "limit: 10%", "limit: 11%"),
        ("slo/gate.yaml", "min_hold: 20s", "min_hold: 21s"),
        ("chaos/hang.yaml", "recovered_within: 5s", "recovered_within: 6s"),
        ("scenarios/buy.yaml", "buy a rope", "buy ropes"),
        ("scenarios/profiles/some.yaml", "hold: 40s", "hold: 41s"),
    ],
)
def test_whatever_a_run_is_held_to_is_of_its_terms(file, old, new, workspace):
    before = terms_of(read_plan(workspace, Asked()))
    for document in workspace.rglob("*.yaml") if file.startswith("scenarios/buy") else [workspace / file]:
        document.write_text(document.read_text().replace(old, new))
    assert terms_of(read_plan(workspace, Asked())) != before


def test_what_a_later_version_could_say_besides_is_not_of_the_terms_of_older_documents(workspace):
    """Each type of the plan gets one more field, with a default of its own."""
    plan = read_plan(workspace, Asked())
    more = [
        ("more", object, dataclasses.field(default=None)),
        ("most", list, dataclasses.field(default_factory=list)),
    ]

    def later(value, **said):
        fields = [(one.name, one.type, one) for one in dataclasses.fields(value)]
        kind = dataclasses.make_dataclass(type(value).__name__, [*fields, *more], frozen=True, kw_only=True)
        return kind(**{name: getattr(value, name) for name, _, _ in fields}, **said)

    grown = dataclasses.replace(plan, gate=later(plan.gate), profile=later(plan.profile))
    assert terms_of(grown) == terms_of(plan)
    assert terms_of(dataclasses.replace(grown, gate=later(plan.gate, more="said"))) != terms_of(plan)


def test_faults_of_two_kinds_are_not_the_same_terms(workspace, plan):
    checked = plan.experiments[0]
    digests = set()
    for settings in (Timeout(1.0), ResetPeer(1.0)):
        injection = checked.experiment.method[0]
        fault = dataclasses.replace(injection.fault, settings=settings)
        method = (dataclasses.replace(injection, fault=fault),)
        experiment = dataclasses.replace(checked.experiment, method=method)
        changed = dataclasses.replace(checked, experiment=experiment)
        digests.add(terms_of(dataclasses.replace(plan, experiments=(changed,))))
    assert len(digests) == 2
