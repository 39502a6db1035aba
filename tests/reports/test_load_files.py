"""Files of a load for other programs, read back by their own readers."""

from __future__ import annotations

import csv
import subprocess

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from real_parts import find_server
from seatrial.cli.judge import write_load_files
from seatrial.errors import ExitCode, UsageError
from seatrial.histograms import quantile_of
from seatrial.journal import Journal, Run
from seatrial.reports.load import hlog, seconds
from seatrial.reports.load.files import LoadFiles, LoadWriter, load_by_second
from seatrial.reports.load.metrics import Metrics
from seatrial.reports.load.seconds import COLUMNS
from seatrial.sample import Interval, Pacing, Phase
from seatrial.scenarios.load.recorder import encode_histogram

START = 1_700_000_000


def interval(second: int, latencies: dict[int, int], **fields) -> Interval:
    usual = {
        "run": "r",
        "phase": Phase.HOLD,
        "scenario": "pay, with a card",
        "step": 'charge "it"',
        "service": "cards",
        "method": "POST",
        "route": "/cards/*/charges",
        "ok": sum(latencies.values()),
        "failed": 2,
        "causes": {"status": 1, "timeout": 1},
        "polls": 3,
        "bytes_in": 1000,
        "histogram": encode_histogram(latencies),
        "service_histogram": encode_histogram(latencies),
    }
    return Interval(second=second, **(usual | fields))


def pacing(second: int) -> Pacing:
    return Pacing("r", Phase.HOLD, second, 10, 9, 1, 4, 0.002, 0.25)


SECONDS = [
    (interval(START, {4_000: 9, 40_000: 1}), pacing(START)),
    (interval(START + 1, {4_000: 9, 900_000: 1}, phase=Phase.PROBE, level=50.0), pacing(START + 1)),
    (interval(START + 2, {}), pacing(START + 2)),
]


@pytest.fixture
def written(tmp_path):
    """The three files of SECONDS."""
    files = LoadFiles(str(tmp_path / "load.hlog"), str(tmp_path / "load.csv"), str(tmp_path / "load.prom"))
    with LoadWriter(files) as writer:
        for second in SECONDS:
            writer.add(second)
    return tmp_path


def test_an_hdr_log_is_read_back_by_hdrhistograms_own_reader(written):
    reader = HistogramLogReader(str(written / "load.hlog"), HdrHistogram(1, 60_000_000, 3))
    found = []
    while (histogram := reader.get_next_interval_histogram()) is not None:
        found.append(histogram)
    reader.input_file.close()
    assert [item.get_total_count() for item in found] == [10, 10]
    assert [item.get_start_time_stamp() for item in found] == [START * 1000, (START + 1) * 1000]
    assert [item.get_tag() for item in found] == ['pay_with_a_card/charge_"it"'] * 2
    assert found[1].get_value_at_percentile(100) == pytest.approx(900_000, rel=0.001)
    assert reader.get_start_time_sec() == START


def test_an_hdr_log_has_the_head_and_lines_of_its_format(written):
    _, version, start, legend, first, _ = (written / "load.hlog").read_text().splitlines()
    assert version == "#[Histogram log format version 1.3]"
    assert start == f"#[StartTime: {START}.000 (seconds since epoch), 2023-11-14T22:13:20.000Z]"
    assert legend == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    tag, begins, lasts, largest, histogram = first.split(",")
    assert (tag, begins, lasts) == ('Tag=pay_with_a_card/charge_"it"', f"{START}.000", "1.000")
    assert float(largest) == pytest.approx(40.0, rel=0.001)
    assert histogram == SECONDS[0][0].histogram


def test_a_table_has_a_row_per_step_and_second(written):
    with (written / "load.csv").open(newline="") as file:
        first, second, third = csv.DictReader(file)
    assert tuple(first) == COLUMNS
    assert (first["time"], first["scenario"], first["step"]) == (
        "2023-11-14T22:13:20.000Z",
        "pay, with a card",
        'charge "it"',
    )
    assert (first["ok"], first["failed"], first["polls"], first["causes"]) == ("10", "2", "3", "status=1;timeout=1")
    assert (first["p50_ms"], first["max_ms"]) == ("4.001", "40.031")
    assert (first["planned"], first["started"], first["dropped"], first["in_flight"]) == ("10", "9", "1", "4")
    assert (second["phase"], second["level"], first["level"]) == ("probe", "50", "")
    assert (third["ok"], third["p99_ms"], third["service_p99_ms"]) == ("0", "", "")


@given(
    st.dictionaries(st.integers(1, 60_000_000), st.integers(1, 1000), max_size=40),
    st.dictionaries(st.integers(1, 60_000_000), st.integers(1, 1000), max_size=40) | st.none(),
)
def test_the_latencies_of_a_row_are_those_of_its_histograms(due, sent):
    record = interval(START, due, service_histogram=encode_histogram(due if sent is None else sent))
    row = next(csv.DictReader([seconds.head(), *seconds.rows((record,))]))
    for column, histogram, quantile in (
        ("p50_ms", record.histogram, 0.5),
        ("p95_ms", record.histogram, 0.95),
        ("p99_ms", record.histogram, 0.99),
        ("max_ms", record.histogram, 1.0),
        ("service_p99_ms", record.service_histogram, 0.99),
    ):
        value_us = quantile_of([histogram], quantile)
        assert row[column] == ("" if value_us is None else f"{value_us / 1000:.3f}")
    for line in hlog.lines((record,)):
        assert line.split(",")[3] == f"{HdrHistogram.decode(record.histogram).get_max_value() / 1000:.3f}"


def test_metrics_add_up_over_the_seconds(written):
    lines = (written / "load.prom").read_text().splitlines()
    labels = (
        'scenario="pay, with a card",step="charge \\"it\\"",service="cards",method="POST",route="/cards/*/charges"'
    )
    assert f'seatrial_load_requests_total{{{labels},outcome="ok"}} 20' in lines
    assert f'seatrial_load_requests_total{{{labels},outcome="failed"}} 6' in lines
    assert f'seatrial_load_failures_total{{{labels},cause="timeout"}} 3' in lines
    buckets = {
        line.split('le="')[1].split('"')[0]: int(line.rpartition(" ")[2]) for line in lines if "_bucket{" in line
    }
    assert [buckets[end] for end in ("0.005", "0.025", "0.05", "1", "+Inf")] == [18, 18, 19, 20, 20]
    (total,) = (float(line.rpartition(" ")[2]) for line in lines if "latency_seconds_sum" in line)
    assert total == pytest.approx(18 * 0.004 + 0.04 + 0.9, rel=0.001)
    assert 'seatrial_load_plays_total{state="dropped"} 3' in lines
    assert "seatrial_load_in_flight_plays 4" in lines


@pytest.mark.needs_prometheus
@pytest.mark.parametrize("seconds", [SECONDS, []])
def test_prometheus_own_tool_finds_nothing_wrong_with_the_metrics(seconds):
    metrics = Metrics()
    for second in seconds:
        metrics.add(second)
    checked = subprocess.run(
        [find_server("promtool") or "promtool", "check", "metrics"],
        input=metrics.text(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_same_files_are_made_of_a_finished_run(written, tmp_path, monkeypatch):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    run = Run(tmp_path / "reports" / "out" / "x")
    run.folder.mkdir(parents=True)
    run.about.write_text("{}")
    log = Journal(run.journal)
    for second in SECONDS:
        log.write(*second)
    log.close()
    monkeypatch.chdir(tmp_path)
    again = {name: tmp_path / f"again.{name}" for name in ("hlog", "csv", "metrics")}
    assert write_load_files("x", LoadFiles(**{name: str(path) for name, path in again.items()})) is ExitCode.MET
    for name, suffix in (("hlog", "hlog"), ("csv", "csv"), ("metrics", "prom")):
        assert again[name].read_bytes() == (written / f"load.{suffix}").read_bytes()


def test_a_run_without_a_load_is_undecided(tmp_path, monkeypatch, capsys):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    folder = tmp_path / "reports" / "out" / "x"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert write_load_files("x", LoadFiles(csv=str(tmp_path / "x.csv"))) is ExitCode.UNDECIDED
    assert "no load was recorded" in capsys.readouterr().err


def test_a_last_second_that_a_crash_cut_off_is_kept():
    records = [record for second in SECONDS for record in second][:-1]
    assert list(load_by_second(iter(records))) == [*SECONDS[:2], SECONDS[2][:1]]


@pytest.mark.parametrize(
    ("target", "said"), [("no/such/folder.csv", "cannot be written: No such file"), ("-", "name a file")]
)
@pytest.mark.parametrize("kind", ["hlog", "csv", "metrics"])
def test_a_file_that_cannot_be_written_is_said_before_anything_is_sent(target, said, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        LoadWriter(LoadFiles(**{kind: target}))


def test_metrics_are_replaced_in_one_piece(tmp_path):
    with LoadWriter(LoadFiles(metrics=str(tmp_path / "m.prom"))) as writer:
        assert "requests_total{" not in (tmp_path / "m.prom").read_text()
        writer.add(SECONDS[0])
        writer.show()
        assert 'outcome="ok"} 10' in (tmp_path / "m.prom").read_text()
        assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]
