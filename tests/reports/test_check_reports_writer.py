"""Reports on the disk: whole or not at all, found out before anything is played, flat in memory."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from real_parts import bounded_by_rights
from seatrial.errors import UsageError
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Facts
from seatrial.reports.plays.formats import FORMATS
from seatrial.reports.plays.tap import Tap
from seatrial.reports.plays.writer import Writer, place_of

FACTS = Facts("test", 1_700_000_000.0, 1.5, 1, "1.2.3")
JOURNEY = "scenario: s\nservice: api\nsteps: [{name: a, request: {url: /}, expect: {status: 200}}]"


def writer(path):
    return Writer(Tap(Secrets()), place_of(Path(path)))


def test_the_file_is_there_whole_at_the_end_and_nothing_beside_it(tmp_path, play):
    target = tmp_path / "out" / "report.tap"
    target.parent.mkdir()
    target.write_text("the last run")
    one = writer(target)
    for played in play(JOURNEY):
        one.add(played)
    assert target.read_text() == "the last run"
    one.close(FACTS)
    assert target.read_text().startswith("TAP version 14\n# s (journey.yaml)")
    assert list(target.parent.iterdir()) == [target]


def test_a_report_that_is_discarded_leaves_everything_as_it_was(tmp_path):
    writer(tmp_path / "report.tap").discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "problem"),
    [("missing/report.tap", "No such file"), (".", "it is a folder"), ("file/report.tap", "Not a directory")],
)
def test_what_cannot_be_written_is_known_before_anything_is_played(tmp_path, target, problem):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=problem):
        writer(tmp_path / target)


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path):
    target = tmp_path / "report.tap"
    target.touch(mode=0o400)
    code = (
        "import sys, pathlib; from seatrial.reports.plays.writer import place_of as p; p(pathlib.Path(sys.argv[1]))"
    )
    command = [*bounded_by_rights(), sys.executable, "-c", code, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "UsageError" in ended.stderr
    assert "Permission denied" in ended.stderr


def test_a_new_file_may_be_read_by_whom_other_files_may(tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    writer(tmp_path / "report.tap").close(FACTS)
    assert stat.S_IMODE((tmp_path / "report.tap").stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


def test_an_old_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.tap", tmp_path / "link.tap"
    real.touch()
    real.chmod(0o640)
    link.symlink_to(real)
    writer(link).close(FACTS)
    assert link.is_symlink()
    assert real.read_text().startswith("TAP")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    writer(pipe).close(FACTS)
    reader.join()
    assert read[0].startswith("TAP")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", FORMATS)
def test_eight_hundred_further_plays_need_no_further_memory(name, play, answer, tmp_path):
    (passed,), (failed,) = play(JOURNEY), play(JOURNEY, answer(500, {"much": "x" * 1000}))
    one = Writer(FORMATS[name](Secrets()), place_of(tmp_path / "report"))

    def add(count):
        for _ in range(count):
            one.add(passed)
            one.add(failed)

    add(600)  # beyond every bound, and beyond what is kept off the disk
    tracemalloc.start()
    try:
        add(20)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        add(400)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    one.close(FACTS)
    assert after - before < 60_000
