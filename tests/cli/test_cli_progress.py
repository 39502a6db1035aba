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
from seatrial.verdict import Finding, Grade, Subject, Verdict


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
        "hold: 10 s of at most 90 s; 19 of 20 plays/s, 3 in flight, 1 dropped, "
        "generator at 25% of a core, 1 % errors, p50 10 ms, p95 50 ms, p99 200 ms of 'charge', the slowest"
    )


def test_in_a_log_a_service_that_hangs_shows(shown):
    hanging = dataclasses.replace(PACING, started=0, planned=0, dropped=0, in_flight=20)
    moments = [Moment("hold", at_s, 90.0, hanging, overdue=19) for at_s in (0.0, 10.0)]
    assert shown(*moments)[-1].endswith(
        "; 0 of 0 plays/s, 20 in flight (19 without an answer for more than 1 s), generator at 25% of a core"
    )


def test_in_a_log_a_decision_is_told_at_once_and_only_once(shown, findings):
    open_yet = findings.one(grade=Grade.UNDECIDED)
    met = findings.one(decided_at_s=60.0, limit_text="errors <= 2 %", measured_text="0 % failed (0 of 1,000)")
    moments = [Moment("hold", at_s, 90.0, findings=(one,)) for at_s, one in enumerate((open_yet, met, met))]
    assert shown(*moments)[1:] == ["shop.available: MET after 60 s (errors <= 2 %; 0 % failed (0 of 1,000))"]


def test_in_a_log_a_generator_that_turns_unfit_is_told_once(shown):
    moments = [Moment("hold", 1.0, 90.0, unfit=why) for why in ("", "generator: it was late", "generator: later yet")]
    assert shown(*moments)[1:] == ["warning: generator: it was late"]


def test_what_was_told_as_decided_is_taken_back_when_the_generator_turns_unfit(shown, findings):
    missed = findings.one(grade=Grade.MISSED, decided_at_s=5.0, limit_text="errors <= 2 %")
    excused = findings.one(grade=Grade.UNDECIDED)
    moments = [
        Moment("hold", 5.0, 90.0, findings=(missed,)),
        Moment("hold", 6.0, 90.0, findings=(excused,), unfit="generator: it was late"),
        Moment("hold", 7.0, 90.0, findings=(excused,), unfit="generator: later yet"),
    ]
    assert shown(*moments)[1:] == [
        "shop.available: MISSED after 5 s (errors <= 2 %)",
        "warning: generator: it was late",
        "shop.available: no longer MISSED but UNDECIDED (generator: it was late)",
    ]


def test_the_end_takes_back_what_the_generators_last_seconds_overturned_and_nothing_else(findings, capsys):
    plain = PlainProgress()
    told = (findings.one(grade=Grade.MISSED), findings.one("fast"), findings.one("roomy", Grade.UNDECIDED))
    plain.show(Moment("hold", 5.0, 90.0, findings=told))
    capsys.readouterr()
    plain.close(Verdict(Grade.MISSED, None, told))
    assert capsys.readouterr().err == ""
    unfit = Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, "generator: it was late")
    excused = [dataclasses.replace(finding, grade=Grade.UNDECIDED) for finding in told]
    plain.close(Verdict(Grade.UNDECIDED, None, (unfit, *excused)))
    assert capsys.readouterr().err.splitlines() == [
        "shop.available: no longer MISSED but UNDECIDED (generator: it was late)",
        "shop.fast: no longer MET but UNDECIDED (generator: it was late)",
    ]


def test_what_was_taken_back_already_is_not_taken_back_again_at_the_end(findings, capsys):
    plain, missed = PlainProgress(), findings.one(grade=Grade.MISSED)
    excused = dataclasses.replace(missed, grade=Grade.UNDECIDED)
    plain.show(Moment("hold", 5.0, 90.0, findings=(missed,)))
    plain.show(Moment("hold", 6.0, 90.0, findings=(excused,), unfit="generator: it was late"))
    assert capsys.readouterr().err.splitlines()[-1].startswith("shop.available: no longer MISSED")
    unfit = Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, "generator: it was late")
    plain.close(Verdict(Grade.UNDECIDED, None, (unfit, excused)))
    assert capsys.readouterr().err == ""


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
        "4 by timeout",
        "generator: it was late",
        "shop.available",
        "MISSED",
    ):
        assert part in drawn
