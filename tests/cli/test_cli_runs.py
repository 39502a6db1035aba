"""`seatrial runs` tells of every run whatever one of them left behind, removes old ones and names others."""

from __future__ import annotations

import contextlib
import json

import pytest

from seatrial.cli.runs import run_baseline, run_list, run_prune
from seatrial.errors import DocumentError, ExitCode, UsageError
from seatrial.journal import Journal, Run, find_run, going_on
from seatrial.sample import Logged, LogKind

FIRST, SECOND = "20260101-000000-here-0000", "20260102-000000-here-0000"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A workspace with two runs that nobody judged."""
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    for name in (FIRST, SECOND):
        folder = tmp_path / "reports" / "out" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text('{"command": "seatrial assess"}')
    return tmp_path


def _grade(here, run: str, grade: str = "MET", **about) -> None:
    folder = here / "reports" / "out" / run
    (folder / "run.json").write_text(json.dumps({"command": "seatrial assess", **about}))
    (folder / "verdict.json").write_text(json.dumps({"grade": grade}))


def _left(here) -> list[str]:
    return sorted(folder.name for folder in (here / "reports" / "out").iterdir() if folder.is_dir())


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (None, "not judged"),
        (json.dumps({"grade": "MET"}), "MET"),
        (json.dumps({"verdict": "of another version"}), "unreadable"),
        ("{half", "unreadable"),
    ],
)
def test_a_run_is_listed_whatever_its_verdict_is(verdict, told, here, capsys):
    if verdict is not None:
        (here / "reports" / "out" / FIRST / "verdict.json").write_text(verdict)
    assert run_list() is ExitCode.MET
    _, first, second = capsys.readouterr().out.splitlines()
    assert first == f"{FIRST}  {told:<10}  seatrial assess"
    assert second.split()[1:] == ["not", "judged", "seatrial", "assess"]


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        ({"grade": "MISSED", "score": 87.0}, "MISSED"),
        ({"grade": "UNDECIDED", "score": None}, "UNDECIDED"),
        ({"version": 2}, "unreadable"),
    ],
)
def test_an_audit_is_listed_with_what_its_command_ended_with(audit, told, here, capsys):
    (here / "reports" / "out" / FIRST / "audit.json").write_text(json.dumps(audit))
    run_list()
    assert capsys.readouterr().out.splitlines()[1] == f"{FIRST}  {told:<10}  seatrial assess"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("MET", 1), ("MISSED", 2)], "MISSED"),
        ([("MISSED", 1), ("MET", 1)], "MET"),  # a step that was begun again: its last run
        ([(None, 1), ("MET", 2)], "UNDECIDED"),  # killed before it had a verdict
        ([], "UNDECIDED"),
    ],
)
def test_a_game_day_is_listed_with_the_worst_of_the_steps_it_ran(steps, told, here, capsys):
    day = Run(here / "reports" / "out" / SECOND)
    with contextlib.closing(Journal(day.journal)) as journal:
        for number, (grade, step) in enumerate(steps):
            name = f"20260103-00000{number}-here-0000"
            folder = here / "reports" / "out" / name
            folder.mkdir()
            if grade:
                _grade(here, name, grade)
            journal.write(Logged(SECOND, 0.0, LogKind.BEGUN, name, step))
    day.gameday.write_text("# the record\n")
    run_list()
    assert f"{SECOND}  {told}" in capsys.readouterr().out


def test_a_run_whose_own_file_is_broken_is_listed_as_unreadable(here, capsys):
    (here / "reports" / "out" / FIRST / "run.json").write_text("[")
    run_list()
    assert f"{FIRST}  unreadable" in capsys.readouterr().out


def test_no_runs_print_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    assert run_list() is ExitCode.MET
    assert capsys.readouterr().out == ""


def test_the_list_shows_when_where_how_and_what(here, capsys):
    _grade(here, FIRST, realm="here", profile="some", started_at=1_767_225_600.0, revisions={"shop": "abc"})
    _grade(here, SECOND, "MISSED", realm="here", started_at="2026-01-02T00:00:00.000Z", git_revision="0123")
    run_baseline("release-1", FIRST, forget=False)
    capsys.readouterr()
    run_list()
    heads, first, second = capsys.readouterr().out.splitlines()
    assert heads.split() == ["RUN", "STARTED", "REALM", "PROFILE", "VERDICT", "REVISION", "BASELINE", "COMMAND"]
    wanted = [FIRST, "2026-01-01T00:00:00Z", "here", "some", "MET", "shop=abc", "release-1", "seatrial", "assess"]
    assert first.split() == wanted
    assert second.split() == [SECOND, "2026-01-02T00:00:00Z", "here", "MISSED", "0123", "seatrial", "assess"]


def test_the_list_as_json_holds_the_same(here, capsys):
    _grade(here, FIRST, realm="here", baselines={"baseline": ["r0"]})
    run_list("-")
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert (first["run"], first["verdict"], first["compared_with"]) == (FIRST, "MET", ["r0"])
    assert (second["run"], second["verdict"]) == (SECOND, "not judged")


def test_pruning_keeps_the_newest(here, capsys):
    assert run_prune(keep=1, older_than=None, dry=False) is ExitCode.MET
    assert capsys.readouterr().out == f"removed {FIRST}\n"
    assert _left(here) == [SECOND]


def test_a_dry_pruning_removes_nothing(here, capsys):
    run_prune(keep=0, older_than=None, dry=True)
    assert capsys.readouterr().out == f"would remove {FIRST}\nwould remove {SECOND}\n"
    assert _left(here) == [FIRST, SECOND]


def test_pruning_by_age_leaves_what_is_younger(here):
    _grade(here, FIRST, "MISSED", started_at=0.0)
    _grade(here, SECOND, "MISSED", started_at=4e9)
    run_prune(keep=None, older_than="30d", dry=False)
    assert _left(here) == [SECOND]


def test_with_both_a_run_goes_only_where_both_say_so(here):
    for run in (FIRST, SECOND):
        _grade(here, run, "MISSED", started_at=0.0)
    run_prune(keep=1, older_than="30d", dry=False)
    assert _left(here) == [SECOND]


def test_pruning_without_a_rule_is_refused(here):
    with pytest.raises(UsageError, match="--keep N"):
        run_prune(keep=None, older_than=None, dry=False)
    with pytest.raises(UsageError, match="--older-than: 'soon' is not a duration"):
        run_prune(keep=None, older_than="soon", dry=False)


def test_a_named_baseline_survives_pruning(here, capsys):
    run_baseline("release-1", FIRST, forget=False)
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == [FIRST]
    assert f"kept {FIRST}: baseline release-1" in capsys.readouterr().err


def test_a_name_taken_away_keeps_nothing(here):
    run_baseline("release-1", FIRST, forget=False)
    run_baseline("release-1", None, forget=True)
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == []


def test_a_run_still_going_on_survives_pruning(here, capsys):
    with going_on(Run(here / "reports" / "out" / FIRST)):
        run_prune(keep=0, older_than=None, dry=False)
        assert _left(here) == [FIRST]
        assert f"kept {FIRST}: it still goes on" in capsys.readouterr().err
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == []


def test_the_last_run_that_was_met_survives_pruning(here):
    _grade(here, FIRST, realm="here", gate="default")
    _grade(here, SECOND, "MISSED", realm="here", gate="default")
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == [FIRST]


THIRD = "20260103-000000-here-0000"


@pytest.mark.parametrize("later", [{"services": ["shop"]}, {"canary": {"share_ratio": 0.5}}, {"experiment": "hang"}])
def test_a_later_run_that_cannot_stand_for_the_whole_takes_no_earlier_ones_place(later, here):
    for run, about in ((FIRST, {}), (SECOND, later)):
        _grade(here, run, realm="here", gate="default", **about)
    run_prune(keep=0, older_than=None, dry=False)
    assert FIRST in _left(here)
    assert (SECOND in _left(here)) is ("services" in later)  # the last that judged this part


def test_of_runs_that_judged_a_part_the_last_stays_unless_a_whole_one_came_after(here):
    _grade(here, FIRST, realm="here", gate="default", services=["shop"])
    _grade(here, SECOND, realm="here", gate="default")
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == [SECOND]


def test_a_run_of_no_gate_does_not_stay_for_being_met(here):
    _grade(here, FIRST, realm="here")
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == []


@pytest.mark.parametrize(
    ("versus", "stay", "why"),
    [
        ("{last: 2}", [FIRST, THIRD], "one of the last 2 MET of its realm, gate and profile"),
        ("{last: 1, of: met_or_degraded}", [SECOND, THIRD], "the last one MET or DEGRADED of its realm"),
        ("{last: 2, of: all}", [FIRST, SECOND, THIRD], "one of the last 2 judged of its realm"),
        ("last met", [THIRD], "the last one MET of its realm"),
    ],
)
def test_runs_that_the_gate_compares_the_next_with_survive_pruning(versus, stay, why, here, capsys):
    (here / "slo").mkdir()
    (here / "slo" / "gate.yaml").write_text(f"gate: default\nversus: {versus}\n")
    (here / "reports" / "out" / THIRD).mkdir()
    second, third = ("MET", "DEGRADED") if "or" in versus else ("MISSED", "MET")
    for run, grade in ((FIRST, "MET"), (SECOND, second), (THIRD, third)):
        _grade(here, run, grade, realm="here", gate="default")
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == stay
    assert why in capsys.readouterr().err


def test_a_gate_that_cannot_be_read_stops_a_pruning(here):
    """Nobody can say which runs it needs."""
    (here / "slo").mkdir()
    (here / "slo" / "gate.yaml").write_text("gate: default\nversus: {last: 0}\n")
    with pytest.raises(DocumentError, match=r"gate.yaml:2.*greater than or equal to 1"):
        run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == [FIRST, SECOND]


def test_a_run_that_a_kept_one_was_compared_with_survives_pruning(here, capsys):
    _grade(here, FIRST, "MISSED")
    _grade(here, SECOND, "MISSED", baselines={"baseline": [FIRST]})
    run_prune(keep=1, older_than=None, dry=False)
    assert _left(here) == [FIRST, SECOND]
    assert f"kept {FIRST}: '{SECOND}' was compared with it" in capsys.readouterr().err


def test_a_run_whose_faults_are_not_undone_survives_pruning(here):
    entry = {"id": "1", "experiment": "e", "realm": "here", "means": "toxics", "kind": "latency", "target": "t"}
    ledger = here / "reports" / "out" / FIRST / "faults.jsonl"
    ledger.write_text(json.dumps({"event": "open", **entry, "undo": {}, "at": 0.0}) + "\n")
    run_prune(keep=0, older_than=None, dry=False)
    assert _left(here) == [FIRST]


def test_a_baseline_moves_when_it_is_named_again(here, capsys):
    run_baseline("release", FIRST, forget=False)
    run_baseline("release", "last", forget=False)
    assert capsys.readouterr().out.splitlines()[1] == f"baseline 'release' is {SECOND}; it was {FIRST}"
    run_baseline("stable", "release", forget=False)
    names = json.loads((here / "reports" / "out" / "baselines.json").read_text())["baselines"]
    assert names == {"release": SECOND, "stable": SECOND}


@pytest.mark.parametrize("name", ["baseline", "last", "last met", "", "a/b", "../x"])
def test_a_name_that_means_something_else_is_refused(name, here):
    with pytest.raises(UsageError, match="cannot be a baseline's name"):
        run_baseline(name, FIRST, forget=False)


def test_the_name_of_a_run_is_no_other_runs_baseline_name(here):
    with pytest.raises(UsageError, match=f"'{FIRST}' is the name of a run, which it would hide"):
        run_baseline(FIRST, SECOND, forget=False)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"canary": {"addresses": {}, "share_ratio": 0.5}}, "split with a canary"),
        ({"experiment": "stock hangs"}, "an experiment alone"),
        ({"command": "diff"}, "compared two realms"),
    ],
)
def test_a_run_that_holds_more_than_one_version_under_load_is_no_baseline(about, why, here):
    _grade(here, FIRST, **about)
    with pytest.raises(UsageError, match=f"run '{FIRST}' can be no baseline: .*{why}"):
        run_baseline("release", FIRST, forget=False)


def test_a_baseline_needs_a_run_or_its_removal(here):
    for run, forget in ((None, False), (FIRST, True)):
        with pytest.raises(UsageError, match="--remove"):
            run_baseline("x", run, forget=forget)
    with pytest.raises(UsageError, match="no baseline 'x'"):
        run_baseline("x", None, forget=True)


def test_a_run_of_another_workspace_cannot_be_named(here, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="not a run of this workspace"):
        run_baseline("x", str(elsewhere), forget=False)


def test_names_that_cannot_be_read_are_an_error_not_none(here):
    (here / "reports" / "out" / "baselines.json").write_text('{"baselines": [1]}')
    with pytest.raises(DocumentError, match=r"baselines\.json:1:1: holds no names of runs"):
        run_list()


@pytest.mark.parametrize(
    "said",
    [
        {"services": 5},
        {"services": [[]]},
        {"baselines": {"baseline": [[]]}},
        {"revisions": {"shop": {}}},
        {"started_at": 1e300},
        {"started_at": "9999-12-31T23:59:59-12:00"},
        {"started_at": "yesterday"},
        {"started_at": "0001-01-01T00:00:00"},
        {"realm": [], "gate": {}},
    ],
)
def test_one_odd_run_does_not_hide_the_others(said, here, capsys):
    _grade(here, FIRST, **said)
    _grade(here, SECOND, [])
    assert run_list() is ExitCode.MET
    told = capsys.readouterr().out
    assert FIRST in told
    assert "{}" not in told
    assert f"{SECOND}  unreadable" in told
    assert run_prune(keep=0, older_than=None, dry=False) is ExitCode.MET
    assert _left(here) == []


def test_a_run_that_cannot_be_removed_keeps_no_other(here, tmp_path_factory, capsys):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / FIRST
    first = here / "reports" / "out" / FIRST
    first.rename(elsewhere)
    first.symlink_to(elsewhere)
    assert run_prune(keep=0, older_than=None, dry=False) is ExitCode.COULD_NOT_RUN
    assert _left(here) == [FIRST]
    told = capsys.readouterr()
    assert f"{FIRST}: cannot be removed: " in told.err
    assert told.out == f"removed {SECOND}\n"


def test_where_there_is_no_run_yet_the_command_that_makes_one_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    assert run_list() is ExitCode.MET
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "there is no run in reports/out yet; `seatrial assess` makes one\n"
    with pytest.raises(UsageError, match=r"^there is no run in reports/out yet; `seatrial assess` makes one$"):
        find_run(tmp_path, "last")
    with pytest.raises(UsageError, match=r"^no run 'release-1': there is no run in reports/out yet"):
        find_run(tmp_path, "release-1")
