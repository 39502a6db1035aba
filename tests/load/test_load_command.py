"""`seatrial load`: what it plays, keeps, prints and returns."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from ports import free_port
from seatrial import journal
from seatrial.assess.runs import run_lines
from seatrial.assess.standing import why_unfit
from seatrial.assess.versus import was_cut_short
from seatrial.cli.load import run_load
from seatrial.cli.load_screen import live_table, summary_text
from seatrial.errors import DocumentError, ExitCode, LoadFailed, Refused, UsageError
from seatrial.quantity import show_duration
from seatrial.reports.load.files import LoadFiles, LoadWriter
from seatrial.sample import Interval, Pacing, Phase
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.scenarios.load.spread import Spread
from seatrial.scenarios.load.summary import Summary

COMMAND = [sys.executable, "-c", "from seatrial.cli.main import main; main()", "load"]


@pytest.fixture
def workspace(tmp_path: Path, target, monkeypatch) -> Path:
    (tmp_path / "scenarios" / "profiles").mkdir(parents=True)
    (tmp_path / "realms.yaml").write_text(
        f"realms:\n  here:\n    services: {{api: '{target.url}'}}\n    allows: {{load: {{max_rate: 100/s}}}}\n"
        f"  shut:\n    services: {{api: '{target.url}'}}\n"
    )
    (tmp_path / "scenarios" / "look.yaml").write_text(
        "scenario: look\nservice: api\nsteps:\n  - {name: first, request: {url: /first}, expect: {status: 200}}\n"
    )
    for name, scenario, rate, hold in (
        ("short", "look", 20, "1s"),
        ("long", "look", 20, "5m"),
        ("fast", "look", 200, "1s"),
    ):
        write_profile(tmp_path, name, f"scenarios: [{scenario}]\nstages: [{{ramp_to: {rate}/s}}, {{hold: {hold}}}]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_profile(workspace: Path, name: str, rest: str) -> None:
    (workspace / "scenarios" / "profiles" / f"{name}.yaml").write_text(f"profile: {name}\n{rest}")


def test_a_load_keeps_its_run_and_prints_a_line_per_step(workspace, target, capsys):
    files = LoadFiles(csv=str(workspace / "out.csv"), metrics=str(workspace / "out.prom"))
    code = run_load("short", "here", json_file=str(workspace / "out.json"), files=files)
    with (workspace / "out.csv").open(newline="") as table:
        assert sum(int(row["ok"]) for row in csv.DictReader(table)) == 20
    assert 'outcome="ok"} 20' in (workspace / "out.prom").read_text()
    printed = capsys.readouterr().out
    (run,) = journal.list_runs(workspace)
    counted = sum(record.ok for record in journal.read(run.journal) if isinstance(record, Interval))
    assert counted == target.seen["GET /first"] == 20
    assert "look > first" in printed
    assert f"run {run.folder.relative_to(workspace)}\n" in printed
    assert printed.splitlines()[-1] == f"report: {run.report.relative_to(workspace)}"
    assert '<th scope="row">first' in run.report.read_text()
    assert not was_cut_short(run)
    told = json.loads((workspace / "out.json").read_bytes())
    assert told["steps"][0]["requests"] == 20
    assert told["generator"]["dropped"] == 0
    assert code is (ExitCode.UNDECIDED if told["unfit"] else ExitCode.MET)  # a busy machine makes late starts


def test_json_on_stdout_is_alone_there(workspace, target, capsysbinary):
    run_load("short", "here", json_file="-")
    (run,) = journal.list_runs(workspace)
    assert json.loads(capsysbinary.readouterr().out)["run"] == run.name
    assert run.report.is_file()


def test_a_report_that_cannot_be_made_is_told_after_what_was_measured(workspace, target, capsys):
    (workspace / "reports" / "templates").mkdir(parents=True)
    (workspace / "reports" / "templates" / "report.html.j2").write_text("{% if %}")
    with pytest.raises(DocumentError, match=r"report\.html\.j2:1"):
        run_load("short", "here", json_file=str(workspace / "out.json"))
    assert "look > first" in capsys.readouterr().out
    assert json.loads((workspace / "out.json").read_bytes())["steps"][0]["requests"] == 20


def test_a_load_is_told_what_the_realm_says_the_objectives_count_and_the_command_asks(workspace, target, monkeypatch):
    orders = []

    def start(order, **_):
        orders.append(order)
        raise LoadFailed("enough")

    monkeypatch.setattr("seatrial.cli.load.start_load", start)
    monkeypatch.setenv("STAGE", "blue")
    more = "tracing: {traceparent: X-Trace}, variables: {city: Oslo}, allows: {load: {max_rate: 100/s}, env: [STAGE]}"
    (workspace / "realms.yaml").write_text(f"realms: {{here: {{services: {{api: '{target.url}'}}, {more}}}}}\n")
    (workspace / "slo").mkdir()
    (workspace / "slo" / "api.yaml").write_text(
        "service: api\nobjectives: [{name: fast, indicator: latency, quantile: p99, limit: 300ms}]\n"
    )
    with pytest.raises(LoadFailed, match="enough"):
        run_load("short", "here", variables=["city=Bergen"], web_port=free_port())
    (order,) = orders
    assert (order.max_requests_per_s, order.limits_us) == (100.0, {"api": (300_000,)})
    assert (order.tracing.traceparent, order.environment) == ("X-Trace", {"STAGE": "blue"})
    assert (order.variables, order.overrides) == ({"city": "Oslo"}, {"city": "Bergen"})
    assert order.web_port


def test_a_load_without_a_request_is_undecided(workspace, target, capsys):
    write_profile(workspace, "rare", "scenarios: [look]\nstages: [{ramp_to: 1/m}, {hold: 1s}]\n")
    assert run_load("rare", "here", json_file=str(workspace / "out.json")) is ExitCode.UNDECIDED
    assert "undecided: no request was sent" in capsys.readouterr().err
    assert json.loads((workspace / "out.json").read_bytes())["unfit"] == "no request was sent"
    assert not target.seen


def test_what_a_realm_does_not_allow_is_refused_before_anything_is_sent(workspace, target):
    with pytest.raises(Refused, match="does not allow load"):
        run_load("short", "shut")
    with pytest.raises(Refused, match=r"200 requests/s \(its limit is 100/s\)"):
        run_load("fast", "here")
    assert not target.seen


def test_unknown_profiles_and_journeys_are_named(workspace):
    with pytest.raises(UsageError, match=r"no profile 'shrt'.*did you mean 'short'"):
        run_load("shrt", "here")
    write_profile(workspace, "wrong", "scenarios: [lok]\nstages: [{ramp_to: 1/s}]\n")
    with pytest.raises(DocumentError, match=r"wrong\.yaml:2:13: .*plays 'lok'.*did you mean 'look'"):
        run_load("wrong", "here")


def test_a_name_nobody_has_is_told_before_anything_is_sent(workspace, target):
    journey = workspace / "scenarios" / "look.yaml"
    journey.write_text("scenario: look\nservice: api\nvars: {token: a}\nsteps: [{request: {url: '/{{ tokn }}'}}]\n")
    with pytest.raises(DocumentError, match=r"look\.yaml:4:.*'tokn' is not defined.*did you mean 'token'"):
        run_load("short", "here")
    assert not target.seen


def test_what_cannot_be_rendered_is_told_on_the_way_and_is_no_error_of_the_service(workspace, target, capfd):
    journey = workspace / "scenarios" / "look.yaml"
    journey.write_text("scenario: look\nservice: api\nsteps: [{request: {url: '/{{ [1][7] }}'}}]\n")
    write_profile(workspace, "crowd", "model: closed\nscenarios: [look]\nstages: [{ramp_to: 2}, {hold: 2s}]\n")
    code = run_load("crowd", "here", json_file=str(workspace / "out.json"))
    shown, told = capfd.readouterr(), json.loads((workspace / "out.json").read_bytes())
    (step,) = told["steps"]
    assert shown.err.count("not rendered: first 'template' of look > ") == 1
    lost = int(re.search(r"(\d+) requests could not be rendered \(template\): counted nowhere", shown.out)[1])
    assert 1 < lost < 25  # nobody tries without a pause
    assert (step["requests"], step["failed"], step["causes"], step["unrendered"]) == (0, 0, [], lost)
    assert f"{lost} not rendered" in shown.out
    assert code is ExitCode.UNDECIDED
    assert told["unfit"].startswith(f"{lost} requests could not be rendered (100 %), of 'look > ")
    assert not target.seen


def test_a_stall_of_the_target_shows_in_the_table_of_an_open_load(workspace, target, capsys):
    write_profile(workspace, "stall", "scenarios: [look]\nstages: [{ramp_to: 100/s}, {hold: 7s}]\n")
    stalling = threading.Thread(target=_stall_after, args=(target, 100))
    stalling.start()
    run_load("stall", "here", json_file=str(workspace / "out.json"))
    stalling.join()
    (step,) = json.loads((workspace / "out.json").read_bytes())["steps"]
    p50_s, _, p99_s = step["quantiles_s"]
    assert p99_s > 1.5
    assert f"  {show_duration(p99_s)}  " in capsys.readouterr().out
    assert p50_s < 0.5


def _stall_after(target, requests: int) -> None:
    """Stall for 2 s once so many have come."""
    deadline_s = time.monotonic() + 60.0
    while sum(target.seen.values()) < requests and time.monotonic() < deadline_s:
        time.sleep(0.01)
    target.stall(2.0)


@pytest.mark.parametrize("option", ["json_file", "hlog", "csv", "metrics"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_sent(workspace, target, option):
    place = {option: str(workspace / "nowhere" / "x")}
    words = place if option == "json_file" else {"files": LoadFiles(**place)}
    with pytest.raises(UsageError, match="nowhere/x: cannot be written: there is no folder"):
        run_load("short", "here", **words)
    assert not target.seen
    assert not journal.list_runs(workspace)


@pytest.mark.parametrize("word", ["--web-port", "--port"])
def test_a_port_that_is_taken_after_the_command_looked_ends_the_load_in_a_sentence(
    workspace, target, monkeypatch, word
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr("seatrial.cli.load.require_free", lambda *_: taken.listen())
        port = taken.getsockname()[1]
        said = rf"127\.0\.0\.1:{port}: Address already in use; choose another with {word}; see .*load\.log$"
        with pytest.raises(LoadFailed, match=said):
            run_load("short", "here", **({"web_port": port} if "web" in word else {"spread": Spread(1, port=port)}))
    (run,) = journal.list_runs(workspace)
    assert "Traceback" not in (run.folder / "load.log").read_text()
    assert not target.seen


def wait_for_records(workspace: Path, command: subprocess.Popen[str]) -> None:
    while not any(
        run.journal.exists() and b'"interval"' in run.journal.read_bytes() for run in journal.list_runs(workspace)
    ):
        assert command.poll() is None
        time.sleep(0.05)


def test_ctrl_c_stops_the_load_tells_what_was_measured_and_ends_with_130(workspace, target):
    with subprocess.Popen(
        [*COMMAND, "long", "--realm", "here"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        wait_for_records(workspace, command)
        command.send_signal(signal.SIGINT)
        told, progress = command.communicate(timeout=30)
    assert command.returncode == ExitCode.INTERRUPTED, progress
    assert "stopping" in progress
    assert "look > first" in told
    assert [line.command for line in run_lines(workspace)] == ["seatrial load long --realm here"]
    (run,) = journal.list_runs(workspace)
    assert was_cut_short(run)
    assert "stopped before its stages were over" in run.report.read_text()
    counted = sum(record.ok for record in journal.read(run.journal) if isinstance(record, Interval))
    assert counted == target.seen["GET /first"] > 0


def one_second(*, ok: int, failed: int) -> tuple[Interval, Pacing]:
    histogram = encode_histogram({2000: ok})
    causes = {"timeout": failed} if failed else {}
    interval = Interval(
        "r", Phase.HOLD, "pay", "charge", "cards", "POST", "/c", 1, ok, failed, causes, histogram=histogram
    )
    return interval, Pacing("r", Phase.HOLD, 1, 10, 9, 1, 3, 0.002, 0.5, late_over_ms={1: 9})


def one_pace(phase: Phase = Phase.HOLD, *, dropped: int = 0, in_flight: int = 3) -> tuple[Interval, Pacing]:
    interval, pacing = one_second(ok=10, failed=0)
    return interval, dataclasses.replace(pacing, phase=phase, started=10, dropped=dropped, in_flight=in_flight)


FULL = (
    "generator: 3 of 20 arrivals were dropped with 3 plays in flight"
    " (max_in_flight bounds them: raise it, or the target answers too slowly)"
)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        ([one_pace()], ""),
        ([one_pace(Phase.WARM_UP, dropped=3), one_pace()], ""),
        ([one_pace(Phase.RAMP, dropped=3), one_pace(in_flight=4)], FULL),
        ([], "no request was sent"),
    ],
)
def test_a_load_says_nothing_where_its_generator_could_not_keep_up_or_sent_nothing(seconds, reason):
    summary = Summary()
    for second in seconds:
        summary.add(second)
    assert why_unfit(summary, {}, less="") == reason


def test_the_summary_counts_all_and_the_live_table_the_last_seconds():
    summary = Summary()
    for _ in range(10):
        summary.add(one_second(ok=5, failed=5))
    for _ in range(5):
        summary.add(one_second(ok=10, failed=0))
    (now,), (whole,) = summary.now(), summary.whole()
    assert (now.requests, now.failed, now.per_s) == (50, 0, 10.0)
    assert (whole.requests, whole.failed, whole.causes) == (150, 50, (("timeout", 50),))
    assert whole.quantiles_s == pytest.approx((0.002, 0.002, 0.002), rel=0.001)
    assert whole.max_s == pytest.approx(0.002, rel=0.001)
    assert (summary.pace().dropped, summary.whole_pace().dropped) == (5, 15)
    assert live_table(summary, "load").row_count == 1


def test_what_runs_out_after_the_plan_slows_no_average_down_and_one_bad_second_is_not_the_whole():
    summary = Summary(lasts_s=3.0)
    for number in range(6):
        interval, pacing = one_second(ok=5, failed=0)
        planned = {"planned": 5 if number < 4 else 0, "started": 100 if number < 4 else 0}
        late = {"late_over_ms": {1: 3} if number == 0 else {}, "late_p99_s": 0.161 if number == 0 else 0.0}
        summary.add((interval, dataclasses.replace(pacing, **planned, **late)))
    pace = summary.whole_pace()
    assert pace.planned_per_s == pytest.approx(20 / 3)
    assert (pace.late_within_ms, pace.worst_late_p99_s) == (1, 0.161)
    assert summary.whole()[0].per_s == pytest.approx(30 / 3)


def test_the_live_table_keeps_a_step_on_one_line_of_a_narrow_terminal():
    summary = Summary()
    interval, pacing = one_second(ok=5, failed=0)
    summary.add((dataclasses.replace(interval, step="a step with a long name" * 3), pacing))
    console = Console(width=80, file=io.StringIO())
    console.print(live_table(summary, "load"))
    rows = [line for line in console.file.getvalue().splitlines() if "2 ms" in line and "of starts" not in line]
    assert len(rows) == 1
    assert rows[0].split()[-6:] == ["2", "ms", "2", "ms", "0", "%"]


def test_the_summary_text_has_a_column_for_each_heading_and_ends_with_the_generator():
    summary = Summary()
    summary.add(one_second(ok=0, failed=4))
    heading, row, generator = summary_text(summary).splitlines()
    assert heading.split() == ["step", "requests", "per", "s", "p50", "p95", "p99", "errors", "why"]
    assert row.split() == ["pay", ">", "charge", "4", "4.0", "-", "-", "-", "100", "%", "4", "by", "timeout"]
    assert generator == (
        "9.0 of 10.0 plays/s, 3 in flight, 1 dropped, 99 % of starts within 2 ms, cpu 50 % (worst second 50 %)"
    )


def test_a_load_without_a_second_shows_nothing_but_its_headings():
    assert summary_text(Summary()).splitlines()[1].startswith("0.0 of 0.0 plays/s")


def test_a_file_that_cannot_be_written_any_more_ends_no_load(tmp_path):
    target = tmp_path / "gone"
    target.mkdir()
    with LoadWriter(LoadFiles(metrics=str(target / "out.prom"), csv=str(tmp_path / "out.csv"))) as writer:
        shutil.rmtree(target)
        told = [writer.keep(one_second(ok=1, failed=0)) for _ in range(2)]
    assert told[0].startswith(f"{target / 'out.prom'}: cannot be written")
    assert told[1] == ""
