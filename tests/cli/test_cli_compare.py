"""`seatrial compare` says no worse, worse, or that it cannot say; and refuses what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recorded_runs import START, record_run
from seatrial.cli.compare import CompareOptions, run_compare
from seatrial.cli.runs import run_baseline
from seatrial.errors import ExitCode, UsageError
from seatrial.journal import Journal, Run, going_on
from seatrial.sample import LATE_STEPS_MS, Pacing, Phase


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A workspace with one run, `old`."""
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    record_run(tmp_path, "old", seed=1, failing=0.01)
    return tmp_path


def _compared(**options) -> tuple[ExitCode, dict]:
    code = run_compare(CompareOptions("old", "new", json_file="out.json", **options))
    return code, json.loads(Path("out.json").read_text())


def _calls(content: dict, route: str = "") -> dict[str, str]:
    return {row["what"]: row["grade"] for row in content["comparisons"] if row["route"] == route}


def test_the_same_again_is_no_worse(here, capsys):
    record_run(here, "new", seed=2, failing=0.01)
    code, content = _compared()
    assert code is ExitCode.MET
    assert set(_calls(content).values()) == {"MET"}
    assert list(_calls(content)) == ["errors", "p50", "p95", "p99", "body", "throughput"]
    out = capsys.readouterr().out
    assert out.startswith("new against old: MET, nothing is worse (alpha 0.05 over 6 comparisons)\n")


@pytest.mark.parametrize(
    ("worse", "what"),
    [
        ({"slower": 1.3}, "p50"),
        ({"slower": 1.3}, "body"),
        ({"failing": 0.05}, "errors"),
        ({"per_s": 70}, "throughput"),
    ],
)
def test_a_worse_run_is_worse_where_it_is(worse, what, here, capsys):
    record_run(here, "new", **({"seed": 2, "failing": 0.01} | worse))
    code, content = _compared()
    assert code is ExitCode.MISSED
    assert _calls(content)[what] == "MISSED"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("new against old: MISSED, worse in ")
    assert [line for line in lines if line.startswith(f"    MISSED     {what} ")]


def test_what_is_allowed_is_not_worse(here):
    record_run(here, "new", seed=2, failing=0.01, slower=1.05)
    assert _compared()[0] is ExitCode.MISSED
    assert _calls(_compared(at_most="+15%")[1])["p50"] == "MET"


def test_a_short_run_is_undecided(here, capsys):
    record_run(here, "new", seed=2, seconds=3, failing=0.01)
    assert _compared()[0] is ExitCode.UNDECIDED
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("new against old: UNDECIDED, not sure that nothing is worse (alpha")
    needed = "needs about 1,000 requests on each side, and the smaller has 298"
    assert f"    UNDECIDED  p50, p95, p99, body, throughput: {needed}" in lines


def test_a_run_without_load_has_no_data(here, capsys):
    record_run(here, "new", seed=2, seconds=0)
    code, content = _compared()
    assert (code, content["comparisons"]) == (ExitCode.UNDECIDED, [])
    assert "no data" in capsys.readouterr().out


def test_a_difference_of_one_route_is_found_and_named(here, tmp_path):
    both = ("/goods", "/cart")
    record_run(here, "before", seed=3, routes=both)
    run = record_run(here, "new", seed=4, routes=("/goods",), per_s=50)
    slow = record_run(here, "slow", seed=5, routes=("/cart",), per_s=50, slower=2.0)
    with run.journal.open("ab") as file:
        file.write(slow.journal.read_bytes())
    code = run_compare(CompareOptions("before", "new", json_file="out.json"))
    content = json.loads((tmp_path / "out.json").read_text())
    assert code is ExitCode.MISSED
    assert _calls(content, "GET /cart")["p50"] == "MISSED"
    assert _calls(content, "GET /goods")["p50"] != "MISSED"


def test_only_what_both_were_asked_is_compared_and_the_rest_is_said(here, capsys):
    record_run(here, "new", seed=2, routes=("/goods", "/cart"), per_s=200, failing=0.01, offered="twice as much")
    _, content = _compared()
    assert _calls(content, "GET /cart") == {}
    assert _calls(content)["p50"] == "MET"
    said = capsys.readouterr().err
    assert "note: not under the same load: new had twice as much, old the open model" in said
    assert "note: service 'shop': not the same requests: GET /cart only in new" in said


def test_runs_of_different_realms_are_refused_with_a_sentence(here):
    record_run(here, "new", seed=2, seconds=5, realm="prod")
    with pytest.raises(UsageError, match=r"new is of realm prod and old of realm here.*--across-realms"):
        run_compare(CompareOptions("old", "new"))


def test_runs_of_different_realms_are_compared_when_asked_to(here, capsys):
    record_run(here, "new", seed=2, failing=0.01, realm="prod")
    assert _compared(across_realms=True)[0] is ExitCode.MET
    assert "note: new is of realm prod" in capsys.readouterr().err


def test_a_run_that_goes_on_is_not_compared(here):
    run = record_run(here, "new", seed=2, seconds=5)
    with going_on(run), pytest.raises(UsageError, match="run 'new' still goes on"):
        run_compare(CompareOptions("old", "new"))


def test_a_journal_cut_in_its_middle_is_compared_by_what_is_whole(here):
    run = record_run(here, "new", seed=2, failing=0.01)
    content = run.journal.read_bytes()
    run.journal.write_bytes(content[: len(content) // 2])
    code, compared = _compared()
    assert compared["comparisons"][0]["n_new"] < 6_100
    assert code in (ExitCode.MET, ExitCode.UNDECIDED)


@pytest.mark.parametrize("unfit", ["old", "new"])
def test_with_an_unfit_generator_nothing_is_decided(unfit, here, capsys):
    record_run(here, "new", seed=2, failing=0.05)
    assert _compared()[0] is ExitCode.MISSED
    writer = Journal(Run(here / "reports" / "out" / unfit).journal)
    writer.write(Pacing(unfit, Phase.HOLD, START + 120, 100, 93, 7, 1, late_p99_s=0.001, cpu_ratio=0.2))
    writer.close()
    capsys.readouterr()
    code, content = _compared()
    room = "max_in_flight bounds them: raise it, or the target answers too slowly"
    why = f"in {unfit}: generator: 7 of 12,100 arrivals were dropped with 1 play in flight ({room})"
    assert (code, content["unfit"], set(_calls(content).values())) == (ExitCode.UNDECIDED, why, {"UNDECIDED"})
    out = capsys.readouterr().out
    assert out.startswith("new against old: UNDECIDED, the load generator was unfit (alpha")
    assert why in " ".join(out.split())
    assert "a generator was unfit; it would have been MISSED" in out


def test_how_late_a_start_may_be_depends_on_the_services_limits(here):
    run = record_run(here, "new", seed=2, failing=0.01)
    writer = Journal(run.journal)
    late = {step: 300 if step <= 20 else 0 for step in LATE_STEPS_MS}
    pacing = Pacing("new", Phase.HOLD, START + 120, 100, 100, 0, 1, late_p99_s=0.02, cpu_ratio=0.2, late_over_ms=late)
    writer.write(pacing)
    writer.close()
    assert _compared()[0] is ExitCode.UNDECIDED
    (here / "slo").mkdir()
    (here / "slo" / "shop.yaml").write_text(
        "service: shop\nobjectives: [{name: fast, indicator: latency, quantile: p90, limit: 2s}]\n"
    )
    assert _compared()[0] is ExitCode.MET


@pytest.mark.parametrize(("more", "said"), [({"ended_at": None}, True), ({"ended_at": 5.0}, False), ({}, False)])
def test_a_run_that_was_cut_short_is_told_of(more, said, here, capsys):
    record_run(here, "new", seed=2, failing=0.01, **more)
    _, content = _compared()
    assert ("new was cut short: it is compared by what it had recorded" in content["notes"]) is said
    assert ("note: new was cut short" in capsys.readouterr().err) is said


def test_a_run_may_be_called_by_its_baseline_name(here, capsys):
    record_run(here, "younger", seed=2, failing=0.01)
    run_baseline("release-1", "old", forget=False)
    assert run_compare(CompareOptions("release-1", "last")) is ExitCode.MET
    assert "younger against old" in capsys.readouterr().out


def test_the_sides_of_a_run_with_a_canary_are_compared(here, capsys):
    run = record_run(here, "both", seed=2, per_s=50, side="base", canary={"addresses": {}, "share_ratio": 0.5})
    other = record_run(here, "other", seed=3, per_s=50, side="canary", slower=1.3)
    with run.journal.open("ab") as file:
        file.write(
            b"".join(line for line in other.journal.read_bytes().splitlines(keepends=True) if b'"interval"' in line)
        )
    assert run_compare(CompareOptions("both:base", "both:canary", json_file="out.json")) is ExitCode.MISSED
    rows = json.loads((here / "out.json").read_text())["comparisons"]
    assert [(row["n_base"], row["n_new"]) for row in rows if row["what"] == "errors"] == [(6_000, 6_000)]
    assert "throughput" not in {row["what"] for row in rows}
    assert "both:canary against both:base: MISSED, worse in 4 of 5 (" in capsys.readouterr().out


def test_a_side_is_named_where_there_are_two_and_only_there(here):
    record_run(here, "both", seed=2, seconds=1, canary={"addresses": {}, "share_ratio": 0.5})
    with pytest.raises(UsageError, match="say which side, as both:base or both:canary"):
        run_compare(CompareOptions("old", "both"))
    with pytest.raises(UsageError, match="run 'old' had no canary"):
        run_compare(CompareOptions("old:canary", "both:base"))


@pytest.mark.parametrize("word", ["old", "last", "stable", "reports/out/old"])
def test_a_run_is_not_compared_with_itself(word, here):
    run_baseline("stable", "old", forget=False)
    with pytest.raises(UsageError, match=f"'old' and '{word}' are the same run"):
        run_compare(CompareOptions("old", word))


@pytest.mark.parametrize("at_most", ["10%", "-10%", "+100%", "a tenth"])
def test_how_much_worse_it_may_be_is_a_change(at_most, here):
    record_run(here, "new", seed=2, seconds=1)
    with pytest.raises(UsageError, match="--at-most"):
        run_compare(CompareOptions("old", "new", at_most=at_most))


def test_the_table_for_a_ci_job_is_markdown(here, capsys):
    record_run(here, "new", seed=2, failing=0.05)
    run_compare(CompareOptions("old", "new", markdown_file="-"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "## new against old: MISSED, worse in 2 of 6 (alpha 0.05 over 6 comparisons)"
    assert lines[2] == "| | Service | Route | | Base | New | New / base | |"
    assert [line.split(" | ")[3] for line in lines if line.startswith("| MISSED | shop |")] == [
        "errors",
        "throughput",
    ]
    run_compare(CompareOptions("old", "new", markdown_file="-", every=True))
    assert len([line for line in capsys.readouterr().out.splitlines() if " | shop |" in line]) == 6


def test_two_reports_for_one_stdout_are_refused(here):
    record_run(here, "new", seed=2, failing=0.01)
    with pytest.raises(UsageError, match="two reports cannot both be written to stdout"):
        run_compare(CompareOptions("old", "new", json_file="-", markdown_file="-"))


def test_a_mistyped_baseline_is_answered_with_the_near_one_and_a_stranger_with_all(here):
    run_baseline("release-1", "old", forget=False)
    with pytest.raises(UsageError, match=r"no run 'relase-1' in reports/out; did you mean 'release-1'\?"):
        run_compare(CompareOptions("relase-1", "last"))
    with pytest.raises(UsageError, match="no run 'x' in reports/out; the newest are: old; baselines: release-1"):
        run_compare(CompareOptions("x", "last"))


def test_a_side_with_requests_enough_in_too_few_blocks_is_not_told_to_send_as_many_again(here, capsys):
    record_run(here, "new", seed=2, seconds=12, failing=0.01)
    assert _compared()[0] is ExitCode.UNDECIDED
    assert "needs a longer hold, with more requests on each side than these 1,1" in capsys.readouterr().out
