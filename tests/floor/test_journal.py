"""The journal gives back what was written, and survives being cut."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import journal
from seatrial.errors import DocumentError, UsageError
from seatrial.sample import (
    CallsLost,
    Cause,
    Connections,
    EdgeCall,
    Ending,
    Evidence,
    FaultWindow,
    Interval,
    Outcome,
    Pacing,
    Phase,
    Play,
    PlayedStep,
    Record,
    Sample,
    Timings,
)
from seatrial.scenarios.load.recorder import encode_histogram

texts = st.text(st.characters(codec="utf-8"), max_size=20)
instants = st.floats(min_value=0, max_value=4e9, allow_nan=False)
counts = st.integers(min_value=0, max_value=10**9)
samples = st.builds(
    Sample,
    run=texts,
    phase=st.sampled_from(Phase),
    scenario=texts,
    step=texts,
    service=texts,
    method=texts,
    route=texts,
    started_at=instants,
    latency_s=instants,
    outcome=st.sampled_from(Outcome),
    cause=st.none() | st.sampled_from(Cause),
    status=st.none() | st.integers(100, 599),
    timings=st.builds(Timings, first_byte_s=st.none() | instants),
    detail=texts,
)
intervals = st.builds(
    Interval,
    run=texts,
    phase=st.sampled_from(Phase),
    scenario=texts,
    step=texts,
    service=texts,
    method=texts,
    route=texts,
    second=counts,
    ok=counts,
    failed=counts,
    causes=st.dictionaries(st.sampled_from(sorted(map(str, Cause))), counts, max_size=3),
    over_ok=st.dictionaries(counts, counts, max_size=3),
    over_failed=st.dictionaries(counts, counts, max_size=3),
    experiment=st.none() | texts,
)
SIMPLE: list[Record] = [
    Pacing("r", Phase.HOLD, 5, planned=10, started=9, dropped=1, in_flight=3, late_p99_s=0.01, cpu_ratio=0.5),
    EdgeCall("r", "cards->ledger", 1.5, "POST", "/charges", duration_s=None, fate="open"),
    CallsLost("r", 1.5, 7),
    Connections("r", "cards->ledger", 1.5, open=5, busy=2),
    FaultWindow("hang", "timeout", "cards->ledger", 1.0, ended_at=2.0, ended="healed"),
    FaultWindow("hang", "http_error", "cards->ledger", 1.0, 2.0, "healed", selects="every 2", matched=4, hit=2),
    Evidence("r", "pay", "charge", "expected 201", trace_id="ab"),
    Play(
        "r",
        Phase.ACCEPTANCE,
        "pay",
        1.5,
        Ending.FAILED,
        "expected 201",
        steps=(PlayedStep("charge", Ending.FAILED, "expected 201"), PlayedStep("look", Ending.SKIPPED, "not so")),
        trace_id="ab",
    ),
]


@given(st.one_of(samples, intervals, st.sampled_from(SIMPLE)))
def test_a_record_survives_the_journal_unchanged(record: Record) -> None:
    assert journal.decode(journal.encode(record)) == record


def _lines(**changes: object) -> list[bytes]:
    """An interval's line, and the same with these fields changed."""
    fields = {"over_ok": {300_000: 1}, "over_failed": {300_000: 1}, "causes": {"status": 1}}
    line = {"run": "r", "phase": "hold", "scenario": "pay", "step": "charge", "service": "cards", "method": "POST"}
    line |= {"record": "interval", "route": "/charges", "second": 5, "ok": 3, "failed": 1, **fields}
    return [orjson.dumps(each, option=orjson.OPT_NON_STR_KEYS) for each in (line, line | changes)]


def test_what_two_lines_have_in_common_their_records_share() -> None:
    first, second = map(journal.decode, _lines(second=6))
    assert isinstance(first, Interval)
    assert isinstance(second, Interval)
    assert first.scenario is second.scenario
    assert first.over_ok is second.over_ok is second.over_failed
    assert (first.second, second.second) == (5, 6)


@pytest.mark.parametrize("count", [True, 1.0, "1", -1, None, 253_402_300_800])
@pytest.mark.parametrize("field", ["over_ok", "over_failed", "causes"])
def test_what_only_equals_a_count_that_was_read_before_is_none(field: str, count: object) -> None:
    good, bad = _lines(**{field: {"status" if field == "causes" else "300000": count}})
    journal.decode(good)
    with pytest.raises(ValueError, match="is not a count"):
        journal.decode(bad)


@pytest.mark.parametrize("field", ["histogram", "service_histogram"])
def test_a_histogram_beside_a_good_one_is_looked_at_too(field: str) -> None:
    good = {"histogram": encode_histogram({5: 1}), "service_histogram": encode_histogram({5: 1})}
    _, whole = _lines(**good)
    _, damaged = _lines(**good | {field: good[field][:-8] + "AAAAAAA="})
    assert journal.decode(whole)
    with pytest.raises(ValueError, match=f"'{field}' is not a histogram"):
        journal.decode(damaged)


def test_a_line_reads_the_same_whatever_the_order_of_its_keys() -> None:
    line, _ = _lines()
    turned = orjson.dumps(dict(reversed(orjson.loads(line).items())))
    assert journal.decode(turned) == journal.decode(line)


def test_a_last_line_cut_by_a_crash_ends_the_reading_quietly(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = b"".join(map(journal.encode, SIMPLE))
    path.write_bytes(whole[:-20])
    assert list(journal.read(path)) == SIMPLE[:-1]


def test_a_broken_line_in_the_middle_is_an_error_not_a_shorter_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(journal.encode(SIMPLE[0]) + b"{broken\n" + journal.encode(SIMPLE[1]))
    with pytest.raises(DocumentError, match=rf"^{path}:2:1: not a line of a journal"):
        list(journal.read(path))


def test_a_journal_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert list(journal.read(tmp_path / "none.jsonl")) == []


def test_runs_are_found_by_name_and_as_last(tmp_path: Path, clock) -> None:
    made = []
    for _ in range(2):
        run = journal.create_run(tmp_path, "demo", clock=clock)
        journal.write_json(run.about, {"realm": "demo"})
        clock.advance(60)
        made.append(run)
    assert journal.find_run(tmp_path, "last") == made[1]
    assert journal.find_run(tmp_path, made[0].name) == made[0]
    with pytest.raises(UsageError, match="no run 'yesterday'"):
        journal.find_run(tmp_path, "yesterday")


def test_a_half_written_json_file_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    journal.write_json(path, {"a": 1})
    journal.write_json(path, {"a": 2})
    assert journal.read_json(path) == {"a": 2}
    assert [item.name for item in tmp_path.iterdir()] == ["run.json"]
    path.write_text("{")
    with pytest.raises(DocumentError, match=rf"^{path}:1:2: cannot be read as JSON"):
        journal.read_json(path)


def test_a_name_too_long_for_a_file_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run"):
        journal.find_run(tmp_path, "x" * 5000)


def test_a_run_goes_on_while_anybody_writes_to_it(tmp_path: Path) -> None:
    run = journal.Run(tmp_path)
    with contextlib.ExitStack() as second:
        with journal.going_on(run):
            second.enter_context(journal.going_on(run))
            assert journal.is_going_on(run)
        assert journal.is_going_on(run)
    assert not journal.is_going_on(run)


def test_whoever_looks_at_that_moment_does_not_hide_that_a_run_goes_on(tmp_path: Path) -> None:
    run, begun, over = journal.Run(tmp_path), threading.Event(), threading.Event()

    def go_on() -> None:
        with journal.going_on(run):
            begun.set()
            over.wait(10)

    looks = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(looks, fcntl.LOCK_EX)
    goes_on = threading.Thread(target=go_on)
    goes_on.start()
    assert not begun.wait(0.1)
    os.close(looks)
    assert begun.wait(10)
    assert journal.is_going_on(run)
    over.set()
    goes_on.join()
