"""A record is on disk before it counts, and writers from several threads lose nothing."""

from __future__ import annotations

import threading

import pytest

from seatrial import journal
from seatrial.assess.record import Recorder
from seatrial.slo.measure import LOAD, measure


def test_measures_are_those_of_the_journal(recorder, records, tmp_path):
    recorder.write(*records.accepted(), *records.second(0), *records.second(1))
    assert recorder.measures() == measure(journal.read(tmp_path / "journal.jsonl"))
    assert len(recorder.measures().seconds_of(LOAD)) == 2


def test_a_snapshot_does_not_change_with_later_records(recorder, records):
    recorder.write(*records.second(0))
    before = recorder.measures()
    recorder.write(*records.second(1))
    assert len(before.seconds_of(LOAD)) == 1


def test_what_cannot_be_written_does_not_count(records):
    class FullDisk:
        def write(self, *_):
            raise OSError("no space left")

    recorder = Recorder(FullDisk())
    with pytest.raises(OSError, match="no space left"):
        recorder.write(*records.second(0))
    assert recorder.measures() == measure([])


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
    assert sum(len(group) for group in recorder.measures().intervals.values()) == 200
