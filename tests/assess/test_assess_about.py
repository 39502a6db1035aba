"""`run.json` of what no gate judges: a load, an audit, a game day are written and read in one way."""

from __future__ import annotations

import dataclasses
import json

import pytest

from seatrial.assess.about_load import AboutLoad, is_load, read_about_load, write_about_load
from seatrial.assess.audit.about import AboutAudit, Strained, is_audit, read_about_audit, write_about_audit
from seatrial.assess.gameday.about import AboutDay, AboutStep, is_gameday, read_about_day, write_about_day
from seatrial.errors import DocumentError, UsageError
from seatrial.journal import Run

START, END = 1_700_000_000.25, 1_700_000_060.0
STEP = AboutStep("back hangs", "front answers", "front.available", ("timeout on front->back",), {"Ben": "errors"})
LOAD = AboutLoad("r", "here", "some", "20 plays/s", "0.1.0", START, END, "seatrial load some")
AUDIT = AboutAudit("r", "here", "some", "0.1.0", START, (Strained("a->b", "hang"),), END, {"slow on a->b": "no time"})
DAY = AboutDay("r", "here", "a day", "chaos/day.yaml", {"lead": "Ada"}, (STEP,), START, "0.1.0", END)
KINDS = {
    "load": (LOAD, write_about_load, read_about_load, is_load),
    "audit": (AUDIT, write_about_audit, read_about_audit, is_audit),
    "gameday": (DAY, write_about_day, read_about_day, is_gameday),
}

every_kind = pytest.mark.parametrize("command", KINDS)


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


@every_kind
@pytest.mark.parametrize("ended_at", [END, None])
def test_what_is_written_is_read_back_and_is_of_its_own_command_only(run, command, ended_at):
    about, write, read, _ = KINDS[command]
    about = dataclasses.replace(about, ended_at=ended_at)
    write(run, about)
    assert read(run) == about
    assert [name for name, (*_, is_it) in KINDS.items() if is_it(run)] == [command]
    assert json.loads(run.about.read_text())["started_at"] == "2023-11-14T22:13:20.250Z"


@every_kind
def test_an_instant_may_be_a_number_of_seconds(run, command):
    about, write, read, _ = KINDS[command]
    write(run, about)
    run.about.write_text(json.dumps(json.loads(run.about.read_text()) | {"started_at": START}))
    assert read(run) == about


@every_kind
@pytest.mark.parametrize("said", ["never", "1823-11-14T22:13:20Z", "2023-11-14T22:13:20", -1, True, 1e300, None])
def test_an_instant_that_no_run_can_have_had_is_told_with_its_line(run, command, said):
    about, write, read, _ = KINDS[command]
    write(run, about)
    content = json.loads(run.about.read_text()) | {"started_at": said}
    run.about.write_text(json.dumps(content, indent=2))
    line = run.about.read_text().partition('  "started_at"')[0].count("\n") + 1
    with pytest.raises(DocumentError) as told:
        read(run)
    assert str(told.value).startswith(f"{run.about}:{line}:1: 'started_at' cannot be {said!r}")


@every_kind
def test_a_run_that_is_not_there_is_a_mistake_of_who_named_it(run, command):
    with pytest.raises(UsageError, match="is not there"):
        KINDS[command][2](run)
