"""Progress in a log: a line when a stage begins, then one every ten seconds of it; nothing for a redraw."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console
from rich.live import Live

from seatrial.assess.stage import Moment
from seatrial.cli.progress import LiveProgress, PlainProgress, progress
from seatrial.sample import Pacing, Phase
from seatrial.scenarios.load.summary import StepLine
from seatrial.verdict import Grade


@pytest.fixture
def shown(capsys):
    """Shows moments, gives the lines that were written to stderr; stdout stays the result's."""

    def show(*moments):
        plain = PlainProgress()
        for moment in moments:
            plain.show(moment)
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err.splitlines()

    return show


def test_a_stage_is_told_once(shown):
    moments = [Moment("load: warming up", done_s, 90.0) for done_s in (0.0, 0.25, 0.5, 9.5)]
    assert shown(*moments) == ["load: warming up"]


def test_a_new_stage_is_told_at_once(shown):
    assert shown(Moment("a", 0.0, 1.0), Moment("b", 0.1, 1.0), Moment("a", 0.2, 1.0)) == ["a", "b", "a"]


def test_every_ten_seconds_it_tells_how_far_the_stage_is(shown, findings):
    judged = (findings.one(), findings.one("fast", Grade.UNDECIDED), findings.one("roomy", Grade.MISSED))
    moments = [Moment("hold", step / 4, 90.0, findings=judged) for step in range(4 * 25)]
    lines = [line for line in shown(*moments)[1:] if line.startswith("hold: ")]
    first, second = lines
    assert first == "hold: 10 s of at most 90 s, 2 of 3 objectives decided"
    assert second.startswith("hold: 20 s of at most 90 s")


STEP = StepLine("pay", "charge", 200, 4, (("timeout", 4),), 0, 40.0, (0.01, 0.05, 0.2))
PACING = Pacing("r", Phase.HOLD, 1, 20, 19, 1, 3, 0.001, 0.25)


def test_in_a_log_the_load_is_told_with_its_pace_errors_and_slowest_step(shown):
    quick = dataclasses.replace(STEP, step="look", failed=0, quantiles_s=(0.001, 0.002, 0.003))
    untimed = dataclasses.replace(STEP, step="never", requests=0, failed=0, quantiles_s=None)
    moments = [Moment("hold", at_s, 90.0, PACING, steps=(quick, STEP, untimed)) for at_s in (0.0, 10.0)]
    assert shown(*moments)[-1] == (
        "hold: 10 s of at most 90 s, 0 of 0 objectives decided; 19 of 20 plays/s, 3 in flight, 1 dropped, "
        "generator at 25% of a core, 1 % errors, p50 10 ms, p95 50 ms, p99 200 ms of 'charge', the slowest"
    )


def test_in_a_log_a_decision_is_told_at_once_and_only_once(shown, findings):
    open_yet = findings.one(grade=Grade.UNDECIDED)
    met = findings.one(decided_at_s=60.0, limit_text="errors <= 2 %", measured_text="0 % failed (0 of 1,000)")
    moments = [Moment("hold", at_s, 90.0, findings=(one,)) for at_s, one in enumerate((open_yet, met, met))]
    assert shown(*moments)[1:] == ["shop.available: MET after 60 s (errors <= 2 %; 0 % failed (0 of 1,000))"]


def test_in_a_log_a_generator_that_turns_unfit_is_told_once(shown):
    moments = [Moment("hold", 1.0, 90.0, unfit=why) for why in ("", "generator: it was late", "generator: later yet")]
    assert shown(*moments)[1:] == ["warning: generator: it was late"]


def test_a_stage_of_unknown_length_is_only_named(shown):
    assert shown(Moment("experiment", 0.0, 0.0), Moment("experiment", 50.0, 0.0)) == ["experiment"]


def test_where_stderr_is_no_terminal_the_log_is_what_is_shown(capsys):
    with progress() as display:
        assert isinstance(display, PlainProgress)
        display.say("acceptance: buy a rope: passed")
    assert capsys.readouterr().err == "acceptance: buy a rope: passed\n"


def test_a_terminal_shows_the_stage_the_pace_and_every_objective(findings):
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    judged = (findings.one(limit_text="errors <= 2%"), findings.one("fast", Grade.MISSED))
    with Live(console=console, auto_refresh=False) as live:
        LiveProgress(live).show(Moment("load: hold", 12.0, 90.0, PACING, judged, (STEP,), "generator: it was late"))
        live.refresh()
    drawn = console.file.getvalue()
    for part in (
        "load: hold",
        "12 s / 90 s",
        "19 of 20 plays/s",
        "25% of a core",
        "1 dropped",
        "charge",
        "200 ms",
        "timeout 4",
        "generator: it was late",
        "shop.available",
        "MISSED",
    ):
        assert part in drawn
