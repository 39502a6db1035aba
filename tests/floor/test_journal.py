"""The journal gives back what was written, and survives being cut."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import journal
from seatrial.errors import DocumentError, UsageError
from seatrial.sample import (
    CallsLost,
    Cause,
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
    FaultWindow("hang", "timeout", "cards->ledger", 1.0, ended_at=2.0, ended="healed"),
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
    with journal.going_on(run):
        with journal.going_on(run):
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
