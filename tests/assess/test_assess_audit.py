"""An audit that the gate asks for is part of the verdict, and what was recorded of one can be read again."""

from __future__ import annotations

import contextlib
import html
import json
import re
from pathlib import Path

import pytest
from tests.audit_calls import BEGIN, FAULT, GIVEN_UP, Behaviour, Did, breaking, traffic

from seatrial.assess.about import write_about
from seatrial.assess.audit.about import AboutAudit, Strained, write_about_audit
from seatrial.assess.audit.files import publish_audit
from seatrial.assess.audit.json import audit_json
from seatrial.assess.audit.plan import RATE_PER_S
from seatrial.assess.audit.run import AuditAsked, audit_plan, audited_again
from seatrial.assess.audit.stage import most_s
from seatrial.assess.conclude import judge_run, read_run
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import conclude_run
from seatrial.assess.runs import own_verdict
from seatrial.assess.terms import terms_of_strains
from seatrial.chaos.audit.model import Kind
from seatrial.cli.judge import run_judge, run_report
from seatrial.cli.outlook import forecast_lines
from seatrial.errors import DocumentError, ExitCode, Refused, Unsupported, UsageError
from seatrial.journal import Journal, Run
from seatrial.quantity import show_duration
from seatrial.redact import Secrets
from seatrial.sample import FaultWindow
from seatrial.verdict import Grade, Subject

FILES = {
    "realms.yaml": """\
realms:
  here:
    runtime: {kind: process}
    services: {front: {start: {command: [front]}}, back: {start: {command: [back]}}}
    allows: {load: {max_rate: 100/s}, chaos: true}
""",
    "scenarios/look.yaml": "scenario: look\nservice: front\nsteps: [{name: look, request: {url: /a}}]\n",
    "slo/front.yaml": """\
service: front
depends_on: [back]
mechanisms:
  back: {timeout: 250ms, breaker: {min_calls: 10, failures: 50%, window: 5s, open_for: 2s, trials: 1}}
""",
    "slo/back.yaml": "service: back\n",
    "slo/gate.yaml": "gate: default\naudit: {only: [hang]}\n",
}

OTHERWISE = "read by other documents than the audit was made with; its own files stay"
COMMAND = "seatrial chaos audit --var defects=5:front --only 'front->back'"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A caller and its dependency, a journey, and a gate that asks for one strain."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _gate(workspace: Path, audit: str, more: str = "") -> None:
    (workspace / "slo" / "gate.yaml").write_text(f"gate: default\naudit: {audit}\n{more}")


def _hung(file: Path, behaves: Behaviour, *, ended: str = "healed") -> None:
    """Record a hang of the edge, as an audit does."""
    with contextlib.closing(Journal(file)) as journal:
        journal.write(*traffic(behaves))
        journal.write(
            FaultWindow(
                "audit: hang on front->back", "timeout", "front->back", FAULT.started_at, FAULT.ended_at, ended
            )
        )


def _audits(workspace: Path, records, run: Run, **about):
    """The findings of the run's audit by name."""
    run.folder.mkdir(parents=True, exist_ok=True)
    Journal(run.journal).close()
    write_about(run, records.about(**about))
    plan = read_plan(workspace, Asked())
    verdict = judge_run(read_run(run), plan)
    return {finding.name: finding for finding in verdict.findings if finding.subject is Subject.AUDIT}


@pytest.fixture
def run(workspace: Path) -> Run:
    """A run's folder that is not there yet."""
    return Run(workspace / "reports" / "out" / "one")


def test_an_audit_of_the_gate_has_the_strains_it_names_and_its_own_traffic(workspace):
    plan = read_plan(workspace, Asked())
    assert plan.audit is not None
    assert [strain.name for strain in plan.audit.strains] == ["audit: hang on front->back"]
    assert (plan.audit.profile.peak, plan.audit.profile.scenarios) == (RATE_PER_S, {"look": None})
    most = show_duration(most_s(plan.audit))
    assert list(forecast_lines(plan))[-1] == f"audit: 1 strain, at most {most}; what no journey calls is left out"


def _journeys(workspace: Path, asked: AuditAsked) -> set[str]:
    plan = audit_plan(workspace, asked)
    assert plan.audit is not None
    return {scenario.name for scenario in plan.audit.mix.scenarios}


def test_the_traffic_of_an_audit_is_every_journey_or_those_of_the_profile(workspace):
    text = FILES["scenarios/look.yaml"].replace("scenario: look", "scenario: aside")
    (workspace / "scenarios" / "aside.yaml").write_text(text)
    profile = (
        "profile: {name}\nmodel: open\nscenarios: [{name}]\nstages: [{{ramp_to: 1/s, over: 1s}}, {{hold: 5s}}]\n"
    )
    for name in ("look", "aside"):
        (workspace / "scenarios" / f"of_{name}.yaml").write_text(profile.format(name=name))
    assert _journeys(workspace, AuditAsked()) == {"look", "aside"}
    (workspace / "slo" / "gate.yaml").write_text("gate: default\nload: {profile: look}\n")
    assert _journeys(workspace, AuditAsked()) == {"look"}
    assert _journeys(workspace, AuditAsked(profile="aside")) == {"aside"}


def test_a_gate_without_an_audit_strains_nothing(workspace):
    (workspace / "slo" / "gate.yaml").write_text("gate: default\n")
    assert read_plan(workspace, Asked()).audit is None


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        ("{only: [front->bakc]}", r"gate\.yaml:2:15: unknown edge 'front->bakc'; did you mean 'front->back'"),
        ("{only: [99]}", r"gate\.yaml:2:15: there is no defect 99"),
        ("{only: [front->back, refuse]}", r"gate\.yaml:2:15: nothing to audit"),
        ("{missed_from: grave}", r"gate\.yaml:2:22: unknown severity 'grave'"),
    ],
)
def test_an_audit_of_what_is_not_there_is_refused_at_its_place(audit, told, workspace):
    _gate(workspace, audit)
    with pytest.raises(DocumentError, match=told):
        read_plan(workspace, Asked())


def test_an_audit_needs_a_realm_that_allows_chaos(workspace):
    (workspace / "realms.yaml").write_text(FILES["realms.yaml"].replace(", chaos: true", ""))
    with pytest.raises(Refused, match="chaos"):
        read_plan(workspace, Asked())


@pytest.mark.parametrize(
    ("change", "to"),
    [
        (
            "kind: process}\n    services: {front: {start: {command: [front]}}, back: {start: {command: [back]}}}",
            'kind: external}\n    services: {front: "http://127.0.0.1:1", back: "http://127.0.0.1:2"}',
        ),
        ("{kind: process}", "{kind: process}\n    toxiproxy: http://127.0.0.1:8474"),
    ],
)
def test_an_audit_where_no_embedded_proxy_stands_is_refused_before_anything_is_sent(workspace, change, to):
    assert change in FILES["realms.yaml"]
    (workspace / "realms.yaml").write_text(FILES["realms.yaml"].replace(change, to))
    told = r"realms\.yaml:2.*: an audit sees by embedded proxies alone, and realm 'here' has none; .*kind: process"
    for read in (lambda: read_plan(workspace, Asked()), lambda: audit_plan(workspace, AuditAsked())):
        with pytest.raises(Unsupported, match=told):
            read()


def test_an_audit_without_a_finding_is_met(workspace, records, run):
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, breaking)
    found = _audits(workspace, records, run)
    assert [(name, finding.grade) for name, finding in found.items()] == [("audit", Grade.MET)]
    assert re.fullmatch(r"no finding: \d+ of \d+ rulings on 1 edge could be judged", found["audit"].reason)


def test_a_grave_finding_is_missed_with_its_evidence_and_how_to_mend_it(workspace, records, run):
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, lambda number, into: GIVEN_UP)
    found = _audits(workspace, records, run)
    assert list(found) == ["front.no working breaker (defect 5/13/14/15)"]
    (finding,) = found.values()
    assert finding.grade is Grade.MISSED
    assert "seen: hang on front->back: never opened" in finding.reason
    assert "mend: put one breaker round the edge" in finding.reason
    assert finding.measured_text == "severity high"
    assert finding.n == finding.bad == 100  # every one of them made its call


@pytest.mark.parametrize(
    ("missed_from", "grade"), [("high", Grade.DEGRADED), ("medium", Grade.MISSED), ("low", Grade.MISSED)]
)
def test_from_which_severity_on_a_finding_is_missed_is_the_gates_to_say(missed_from, grade, workspace, records, run):
    def at_once(number: int, into: float) -> Did:
        return GIVEN_UP if int(into / 2.3) != int((into - 0.3) / 2.3) else Did(0.003, (), 503)

    _gate(workspace, f"{{only: [hang], missed_from: {missed_from}}}")
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, lambda number, into: GIVEN_UP if into < 1.0 else at_once(number, into))
    assert {finding.grade for finding in _audits(workspace, records, run).values()} == {grade}


def test_an_audit_that_left_strains_out_for_lack_of_time_is_not_met(workspace, records, run):
    _gate(workspace, "{only: [hang, slow]}")
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, breaking)
    lacking = {"audit: slow on front->back": "not run: of the gate's 60 s there were 2 s left, and it takes 12 s"}
    found = _audits(workspace, records, run, left_out=lacking)
    assert found["audit"].grade is Grade.MET
    assert found["every strain is played"].grade is Grade.UNDECIDED
    assert found["every strain is played"].reason == f"1 strain {lacking['audit: slow on front->back']}"


def test_an_audit_that_could_judge_nothing_is_undecided_and_the_gate_may_let_it_through(workspace, records, run):
    _gate(workspace, "{only: [hang]}", "on_undecided: pass\n")
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, breaking, ended="expired")
    (finding,) = _audits(workspace, records, run).values()
    assert (finding.name, finding.grade) == ("audit", Grade.UNDECIDED)
    assert "lease ran out" in finding.reason
    assert conclude_run(run, read_plan(workspace, Asked()), Secrets()).code is ExitCode.MET


@pytest.mark.parametrize(
    ("aborted", "why"), [({"audit": "not run: shop.fast was missed before"}, "missed before"), ({}, "it was not run")]
)
def test_an_audit_that_was_not_begun_is_undecided_and_says_why(aborted, why, workspace, records, run):
    (finding,) = _audits(workspace, records, run, aborted=aborted).values()
    assert finding.grade is Grade.UNDECIDED
    assert why in finding.reason


def test_the_matrix_of_a_gates_audit_stands_in_files_of_its_own(workspace, records, run):
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, lambda number, into: GIVEN_UP)
    _audits(workspace, records, run, command="seatrial assess --var defects=5:front")
    assessed = conclude_run(run, read_plan(workspace, Asked()), Secrets())
    assert assessed.code is ExitCode.MISSED
    assert json.loads(assessed.files.audit.read_text())["matrix"]["front->back"]["hang"] == "5/13/14/15"
    page = html.unescape(assessed.files.audit_page.read_text())
    assert "no working breaker" in page
    assert "<dt>Command</dt><dd>seatrial assess --var defects=5:front</dd>" in page
    report = assessed.files.report.read_text()
    assert "no working breaker" in report
    cells = re.findall(r'<td role="cell" data-label="hang"><a href="audit.html#([\w-]+)">(.+?)</a>', report)
    assert [(anchor, "5/13/14/15" in text) for anchor, text in cells] == [("strain-1", True)]
    assert f'id="{cells[0][0]}"' in page
    assert "no working breaker" in assessed.files.junit.read_text()


def test_the_matrix_of_a_gates_audit_on_other_terms_stands_beside_its_what_if(workspace, records, run):
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, lambda number, into: GIVEN_UP)
    _audits(workspace, records, run, terms="others")
    assessed = conclude_run(run, read_plan(workspace, Asked()), Secrets())
    assert f"<dt>What if</dt><dd>{assessed.what_if}</dd>" in html.unescape(run.what_if.audit_page.read_text())
    assert (run.what_if.audit.is_file(), run.audit.is_file()) == (True, False)


def _recorded(
    workspace: Path, run: Run, behaves, *, only: tuple[str, ...] = ("hang",), ended_at: float | None = BEGIN + 22
) -> None:
    """An audit alone, as `seatrial chaos audit` leaves it; its hang was played."""
    plan = audit_plan(workspace, AuditAsked(only=only))
    assert plan.audit is not None
    run.folder.mkdir(parents=True)
    _hung(run.journal, behaves)
    strains = tuple(Strained(str(strain.edge), str(strain.kind)) for strain in plan.audit.strains)
    terms = terms_of_strains(plan.audit.strains)
    write_about_audit(
        run, AboutAudit("one", "here", "audit", "0.1.0", BEGIN, strains, ended_at=ended_at, terms=terms, line=COMMAND)
    )


def _cut(workspace: Path, run: Run, behaves) -> None:
    """One of three strains that was killed when its hang was over."""
    _recorded(workspace, run, behaves, only=("hang", "slow", "drip"), ended_at=None)


def test_a_recorded_audit_is_judged_anew_from_its_journal(workspace, run, monkeypatch, capsys):
    _recorded(workspace, run, lambda number, into: GIVEN_UP)
    monkeypatch.chdir(workspace)
    assert run_judge("one", strict=False, json_file=None) is ExitCode.MISSED
    assert "defect 5/13/14/15 on front->back, severity high" in capsys.readouterr().out
    assert run_report("one") is ExitCode.MISSED
    assert capsys.readouterr().out == f"{run.report.relative_to(workspace)}\n"
    page = html.unescape(run.report.read_text())
    assert "no working breaker" in page
    assert f"<dt>Command</dt><dd>{COMMAND}</dd>" in page
    signs = [each["sign"] for each in json.loads(run.audit.read_text())["rulings"]]
    junit = run.junit.read_text()
    told = (junit.count("<failure"), junit.count("<skipped"), junit.count("<error"))
    assert told == (signs.count("found"), signs.count("not judged"), 0)
    assert min(told[:2]) > 0


def test_how_late_the_traffic_of_a_strain_was_started_is_read_from_its_own_seconds(workspace, records, run):
    _recorded(workspace, run, breaking, only=("hang", "slow"))
    with contextlib.closing(Journal(run.journal)) as journal:
        for number, (kind, late) in enumerate((("hang", {1: 8, 200: 1, 500: 0}), ("slow", {1000: 1}))):
            journal.write(records.pacing(number, experiment=f"audit: {kind} on front->back", late_over_ms=late))
    (hung,) = (seen for seen in audited_again(workspace, run).seen if seen.strain.kind is Kind.HANG)
    assert hung.late_s == 0.2


def test_an_audit_of_faults_that_only_only_asks_for_is_read_again(workspace, run):
    _recorded(workspace, run, breaking, only=("hang", "reset"))
    audited = audited_again(workspace, run)
    assert {seen.strain.kind for seen in audited.seen} == {Kind.HANG, Kind.RESET}
    assert not audited.what_if


def test_an_audit_that_was_cut_short_is_undecided_and_says_so_everywhere(workspace, run, monkeypatch, capsys):
    _cut(workspace, run, breaking)
    monkeypatch.chdir(workspace)
    assert run_judge("one", strict=False, json_file=None) is ExitCode.UNDECIDED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "undecided: the run was cut short: 1 of 3 strains played"
    assert "score: none, not every strain was played" in lines
    assert run_report("one") is ExitCode.UNDECIDED
    page = run.report.read_text()
    assert "<title>Undecided" in page
    assert "the run was cut short: 1 of 3 strains played; " in page
    written = json.loads(run.audit.read_text())
    assert written["cut_short"] == "the run was cut short: 1 of 3 strains played"
    assert (written["grade"], written["score"], written["exit_code"]) == ("UNDECIDED", None, ExitCode.UNDECIDED)
    assert own_verdict(run) == "UNDECIDED"
    assert '<error message="undecided: the run was cut short: 1 of 3 strains played' in run.junit.read_text()


def test_what_was_found_before_an_audit_was_cut_short_is_found(workspace, run, monkeypatch, capsys):
    _cut(workspace, run, lambda number, into: GIVEN_UP)
    monkeypatch.chdir(workspace)
    assert run_judge("one", strict=False, json_file=None) is ExitCode.MISSED
    told = capsys.readouterr().out
    assert "defect 5/13/14/15 on front->back, severity high" in told
    assert "\nthe run was cut short: 1 of 3 strains played\n" in told
    assert "1 finding" in run.report.read_text()
    assert "the run was cut short: 1 of 3 strains played; front: no working breaker" in run.report.read_text()


def test_of_an_audit_that_was_cut_short_what_was_begun_is_not_judged_and_the_rest_not_tried(workspace, records, run):
    _cut(workspace, run, breaking)
    with contextlib.closing(Journal(run.journal)) as journal:
        journal.write(records.sample("look", experiment="audit: slow on front->back"))
    audited = audited_again(workspace, run)
    row = audit_json(audited)["matrix"]["front->back"]
    assert (row["hang"], row["slow"], row["drip"]) == ("ok", "not judged", "not tried")
    (slow, *_) = [ruling for ruling in audited.rulings if ruling.strain.kind == "slow"]
    assert slow.reading.text == "the run was cut short"


def test_an_audit_of_a_gate_that_was_cut_short_is_not_met(workspace, records, run):
    _gate(workspace, "{only: [hang, slow]}")
    run.folder.mkdir(parents=True)
    _hung(run.audit_journal, breaking)
    (finding,) = _audits(workspace, records, run, ended_at=None).values()
    assert (finding.name, finding.grade) == ("every strain is played", Grade.UNDECIDED)
    assert finding.reason == "the run was cut short: 1 of 2 strains played"
    assessed = conclude_run(run, read_plan(workspace, Asked()), Secrets())
    assert json.loads(assessed.files.audit.read_text())["matrix"]["front->back"]["slow"] == "not tried"


def test_an_audit_read_by_other_promises_is_a_what_if_and_leaves_its_files(workspace, run):
    _recorded(workspace, run, lambda number, into: GIVEN_UP)
    slo = workspace / "slo" / "front.yaml"
    slo.write_text(slo.read_text().replace("min_calls: 10", "min_calls: 1000"))
    audited = audited_again(workspace, run)
    publish_audit(audited)
    assert audited.code is ExitCode.MET  # nobody can tell of 1,000 calls that none was enough
    assert f"<dt>What if</dt><dd>{audited.what_if}</dd>" in run.what_if.report.read_text()
    assert json.loads(run.what_if.audit.read_text())["what_if"] == audited.what_if == OTHERWISE
    assert (run.what_if.report.is_file(), run.report.is_file()) == (True, False)


def test_an_audit_of_edges_that_are_gone_cannot_be_judged(workspace, run):
    _recorded(workspace, run, breaking)
    (workspace / "slo" / "front.yaml").write_text("service: front\n")
    with pytest.raises(UsageError, match="no edge of the documents"):
        audited_again(workspace, run)
