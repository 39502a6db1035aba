"""A load that nobody else judges: how its objectives stand, when it may end early, and what a breakpoint finds."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from seatrial import journal
from seatrial.assess.asked import asked_of
from seatrial.assess.search import levels_of
from seatrial.assess.standing import Standing, why_unfit
from seatrial.cli.load import run_load
from seatrial.cli.load_screen import live_view, standing_lines, state_words
from seatrial.errors import DocumentError, ExitCode
from seatrial.sample import Interval, Pacing, Phase
from seatrial.scenarios.load.mix import mix
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import AbortWhen, Model, Profile, StopWhen, read_profiles
from seatrial.scenarios.load.summary import Summary
from seatrial.scenarios.read import read_scenarios
from seatrial.service import Indicator, Objective, Service
from seatrial.slo.breakpoint import Ended, Search, search
from seatrial.slo.measure import measure
from seatrial.slo.read import read_services
from seatrial.verdict import Grade

LOOK = "scenario: look\nservice: api\nsteps:\n  - {name: first, request: {url: /first}, expect: {status: 200}}\n"
BROKEN = LOOK.replace("look", "fail").replace("/first", "/broken")
SERVICE = "service: api\nobjectives: [{name: available, indicator: errors, limit: 1%}]\n"
FAST = "service: api\nobjectives: [{name: fast, indicator: latency, quantile: p90, limit: 1s}]\n"
SERVICES = {"api": Service("api", objectives=(Objective("available", Indicator.ERRORS, 0.01),))}


@pytest.fixture
def workspace(tmp_path: Path, target, monkeypatch) -> Path:
    (tmp_path / "scenarios" / "profiles").mkdir(parents=True)
    (tmp_path / "slo").mkdir()
    (tmp_path / "realms.yaml").write_text(
        f"realms:\n  here:\n    services: {{api: '{target.url}'}}\n    allows: {{load: {{max_rate: 200/s}}}}\n"
    )
    (tmp_path / "scenarios" / "look.yaml").write_text(LOOK)
    (tmp_path / "scenarios" / "fail.yaml").write_text(BROKEN)
    (tmp_path / "slo" / "api.yaml").write_text(SERVICE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def profile(**more) -> Profile:
    return Profile("p", Model.OPEN, {"look": None}, (Stage(Phase.HOLD, 50.0, 600.0),), **more)


def second(number: int, *, ok: int = 50, failed: int = 0) -> tuple[Interval, Pacing]:
    causes = {"status": failed} if failed else {}
    interval = Interval("r", Phase.HOLD, "look", "first", "api", "GET", "/first", number, ok, failed, causes)
    return interval, Pacing("r", Phase.HOLD, number, 50, 50, 0, 1, 0.001, 0.2)


def _intervals() -> list[Interval]:
    """Whatever of them this process holds."""
    return [each for each in gc.get_objects() if isinstance(each, Interval)]


def stood(how: Profile, *, seconds: int, **counts) -> Standing:
    objectives = Standing(how, SERVICES)
    for number in range(seconds):
        objectives.add(second(number, **counts))
    return objectives


def test_a_load_ends_when_everything_is_decided_only_where_the_profile_says_so():
    assert stood(profile(stop_when=StopWhen.DECIDED), seconds=120).over == (
        "every objective is decided (stop_when: decided)"
    )
    assert stood(profile(stop_when=StopWhen.DECIDED), seconds=5).over == ""
    assert stood(profile(), seconds=120).over == ""


def test_a_load_ends_at_a_miss_only_where_the_profile_says_so():
    missed = {"seconds": 30, "ok": 0, "failed": 50}
    assert stood(profile(abort_when=AbortWhen.MISSED), **missed).over == "api.available missed (abort_when: missed)"
    assert stood(profile(), **missed).over == ""


def test_what_an_unfit_generator_decided_is_not_called_so_while_the_load_goes_on():
    how = profile(abort_when=AbortWhen.MISSED, stop_when=StopWhen.DECIDED)
    objectives = Standing(how, SERVICES)
    for number in range(30):
        interval, pacing = second(number, ok=0, failed=50)
        objectives.add((interval, dataclasses.replace(pacing, cpu_ratio=0.97)))
    unfit = "generator: it used 97 % of a core"
    assert list(state_words(objectives.findings)) == ["1 UNDECIDED"]
    assert objectives.trouble == unfit
    assert objectives.over == (f"api.available looks missed, though that is undecided ({unfit}) (abort_when: missed)")


@pytest.mark.parametrize(("phase", "unfit"), [(Phase.WARM_UP, False), (Phase.HOLD, True)])
def test_what_was_not_rendered_in_the_warm_up_says_nothing_of_the_load(phase, unfit):
    summary = Summary()
    for number in range(40):
        interval, pacing = second(number)
        now = phase if number < 10 else Phase.HOLD
        lost = 50 if number < 10 else 0
        summary.add(
            (dataclasses.replace(interval, phase=now, unrendered=lost), dataclasses.replace(pacing, phase=now))
        )
    said = why_unfit(summary, SERVICES, less="")
    assert bool(said) is unfit
    assert summary.unrendered.total() == 500


def test_a_warm_up_of_which_nothing_could_be_rendered_sent_nothing():
    summary, (interval, pacing) = Summary(), second(0, ok=0)
    summary.add(
        (
            dataclasses.replace(interval, phase=Phase.WARM_UP, unrendered=50),
            dataclasses.replace(pacing, phase=Phase.WARM_UP),
        )
    )
    assert why_unfit(summary, SERVICES, less="").startswith("50 requests could not be rendered (100 %)")


def test_the_objectives_are_shown_below_the_steps_and_said_in_a_line():
    objectives, summary = stood(profile(), seconds=30, ok=0, failed=50), Summary()
    summary.add(second(0))
    console = Console(width=120, file=io.StringIO())
    console.print(live_view(summary, objectives, "load"))
    shown = console.file.getvalue()
    assert "first" in shown
    assert "MISSED  api.available  errors <= 1 %  100 % failed" in shown
    assert list(state_words(objectives.findings)) == ["MISSED api.available"]
    assert list(standing_lines(objectives.conclude())) == [
        "objectives as they stood (assess judges them):",
        "  MISSED  api.available  errors <= 1 %  100 % failed (250 of 250)",
    ]


def test_what_is_undecided_says_why():
    concluded = stood(profile(), seconds=5).conclude()
    _, line = standing_lines(concluded)
    (finding,) = concluded.findings
    assert line.startswith("  UNDECIDED  api.available")
    assert finding.reason
    assert line.endswith(f"({finding.reason})")


def test_only_objectives_that_the_journeys_speak_to_are_looked_at(workspace):
    profiles = {"p": profile()}
    chosen = mix(profiles["p"], read_scenarios(workspace / "scenarios"))
    other = Objective("other", Indicator.ERRORS, 0.01, routes=("GET /elsewhere",))
    services = {
        "api": Service("api", objectives=(SERVICES["api"].objectives[0], other)),
        "idle": Service("idle", objectives=(other,)),
    }
    assert {name: [item.name for item in one.objectives] for name, one in asked_of(services, chosen).items()} == {
        "api": ["available"]
    }


def write_profile(workspace: Path, rest: str) -> None:
    (workspace / "scenarios" / "profiles" / "p.yaml").write_text(f"profile: p\n{rest}")


def test_a_load_that_missed_ends_at_once_and_is_judged_by_nobody(workspace, target, capsys):
    write_profile(workspace, "scenarios: [fail]\nstages: [{ramp_to: 60/s}, {hold: 5m}]\nabort_when: missed\n")
    code = run_load("p", "here", json_file=str(workspace / "out.json"))
    told = json.loads((workspace / "out.json").read_bytes())
    assert 60 < target.seen["GET /broken"] < 60 * 60
    said = capsys.readouterr().err  # a busy machine makes late starts
    assert re.search(r"stopping: api.available (missed|looks missed, .*) \(abort_when: missed\)", said)
    (objective,) = told["objectives"]
    assert (told["breakpoint"], objective["name"]) == (None, "api.available")
    assert objective["grade"] == ("UNDECIDED" if told["unfit"] else "MISSED")  # a busy machine makes late starts
    assert code is (ExitCode.UNDECIDED if told["unfit"] else ExitCode.MET)


def test_a_breakpoint_rises_until_an_objective_is_missed_and_can_be_redone_from_its_journal(
    workspace, target, capsys
):
    target.one_at_a_time_s = 0.03  # no more than 33/s
    shape = "{kind: breakpoint, from: 20/s, by: 70/s, every: 6s, up_to: 160/s}"
    write_profile(workspace, f"scenarios: [look]\nshape: {shape}\n")
    (workspace / "slo" / "api.yaml").write_text(FAST)
    code = run_load("p", "here", json_file=str(workspace / "out.json"))
    told, said = json.loads((workspace / "out.json").read_bytes())["breakpoint"], capsys.readouterr()
    again = redone(workspace)
    assert (told["held"], told["ended"]) == (again.held, again.ended)
    assert told["text"] in said.out
    assert [level["level"] for level in told["levels"]] in ([20.0], [20.0, 90.0])
    if again.ended is Ended.GENERATOR:  # a busy machine makes late starts
        assert code is ExitCode.UNDECIDED
    else:
        assert (again.held, again.ended, code) == (20.0, Ended.MISSED, ExitCode.MET)
        assert told["text"].startswith("held up to 20/s; at 90/s api.fast was missed: ")
        assert "stopping: held up to 20/s; at 90/s " in said.err  # what was in flight then counts too


def redone(workspace: Path) -> Search:
    (run,) = journal.list_runs(workspace)
    levels = levels_of(read_profiles(workspace / "scenarios")["p"])
    return search(measure(journal.read(run.journal)), read_services(workspace / "slo"), levels)


def test_a_breakpoint_that_nothing_could_miss_is_refused(workspace, target):
    shape = "{kind: breakpoint, from: 20/s, by: 70/s, every: 6s, up_to: 160/s}"
    write_profile(workspace, f"scenarios: [look]\nshape: {shape}\n")
    (workspace / "slo" / "api.yaml").write_text(FAST.replace("limit: 1s", "limit: 1s, routes: [GET /else]"))
    other = "scenario: other\nservice: api\nsteps: [{request: {url: /else}, expect: {status: 200}}]\n"
    (workspace / "scenarios" / "other.yaml").write_text(other)
    with pytest.raises(DocumentError, match=r"p\.yaml:1:10: a breakpoint rises until an objective is missed"):
        run_load("p", "here")
    assert not target.seen


def test_no_interval_of_a_load_is_held_whether_it_is_decided_or_not():
    before = set(map(id, _intervals()))
    decided, undecided, idle = stood(profile(), seconds=120), stood(profile(), seconds=5), Standing(profile(), {})
    idle.add(second(0))
    assert [each for each in _intervals() if id(each) not in before] == []
    assert [finding.grade for finding in decided.conclude().findings] == [Grade.MET]
    assert [finding.grade for finding in undecided.conclude().findings] == [Grade.UNDECIDED]
    assert idle.conclude().findings == ()
