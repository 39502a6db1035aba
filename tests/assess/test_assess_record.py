"""A record is on disk before it counts, and writers from several threads lose nothing."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from seatrial import journal
from seatrial.assess.record import Recorder
from seatrial.slo.judge import judge_objectives
from seatrial.slo.measure import LOAD, Traffic, measure
from seatrial.slo.tally import total


def test_measures_are_those_of_the_journal(plan, recorder, records, tmp_path):
    recorder.write(*records.accepted(), *records.second(0), *records.second(1))
    live, later = recorder.measures(), measure(journal.read(tmp_path / "journal.jsonl"))
    assert dataclasses.replace(live, kept=None, intervals=later.intervals) == later
    assert len(live.seconds_of(LOAD)) == 2
    judged = [judge_objectives(each, plan.services, alpha=0.05, min_hold_s=1.0) for each in (live, later)]
    assert judged[0] == judged[1]
    assert [finding.n for finding in judged[0]] == [200, 200, 200]


def test_a_day_of_the_load_is_kept_in_a_few_numbers_a_second(recorder, records):
    for second in range(60):
        recorder.write(*(records.interval(second, step=f"step {step}") for step in range(10)), records.pacing(second))
    live = recorder.measures()
    assert live.intervals == {}
    assert total(live.tallies(Traffic("shop"))).ok == 60 * 10 * 100


def test_a_snapshot_does_not_change_with_later_records(recorder, records):
    recorder.write(*records.second(0))
    before = recorder.measures()
    recorder.write(*records.second(1))
    assert len(before.seconds_of(LOAD)) == 1


def test_nothing_is_copied_while_nothing_was_written(recorder, records):
    recorder.write(*records.second(0))
    before = recorder.measures()
    recorder.write()
    assert recorder.measures() is before
    recorder.write(*records.second(1))
    assert recorder.measures() is not before


def test_what_cannot_be_written_does_not_count(records):
    class FullDisk:
        def write(self, *_):
            raise OSError("no space left")

    recorder = Recorder(FullDisk(), ())
    with pytest.raises(OSError, match="no space left"):
        recorder.write(*records.second(0))
    assert dataclasses.replace(recorder.measures(), kept=None) == measure([])


def test_several_writers_lose_nothing(recorder, records, tmp_path):
    def write(base):
        for second in range(base, base + 50):
            recorder.write(records.interval(second, ok=1))

    threads = [threading.Thread(target=write, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tuple(journal.read(tmp_path / "journal.jsonl"))) == 200
    assert total(recorder.measures().tallies(Traffic("shop"))).ok == 200
