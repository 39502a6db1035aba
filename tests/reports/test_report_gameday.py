"""The record of a game day, as Markdown and HTML: what follows of it, and that nothing typed is taken for markup."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.reports.gameday.html import gameday_html
from seatrial.reports.gameday.markdown import gameday_markdown
from seatrial.reports.gameday.page import DayEvent, DayFault, DayFinding, DayPage, DayStep
from seatrial.verdict import Grade
from shown_pages import WIDTHS, measured_in_a_browser, texts_cut_in_a_browser

NOON = 1_700_000_000.0
HEALED = DayFault("timeout", "cards->ledger", NOON + 20, NOON + 35, "toxic removed")
STEP = DayStep(
    number=1,
    experiment="the ledger hangs",
    hypothesis="payments fail fast",
    steady="cards.available, watched for 20 s",
    breaks=("0 s to 15 s: timeout on cards->ledger",),
    watch=(("Ben", "the breaker"),),
    go="go",
    run="20231114-demo-ab12",
    grade=Grade.MET,
    reason="all 6 findings are MET",
    held="yes",
    faults=(HEALED,),
)


def page(*steps: DayStep, **more) -> DayPage:
    return DayPage(
        **{
            "day": "the first one",
            "run": "20231114-demo-cd34",
            "realm": "demo",
            "file": "chaos/gamedays/day.yaml",
            "started_at": NOON,
            "ended_at": NOON + 90,
            "version": "0.1.0",
            "git_revision": "",
            "ended": "every step was run",
            "people": (("lead", "Ada"),),
            "steps": steps,
            "events": (DayEvent(NOON + 1, None, "note", "begun"), DayEvent(NOON + 20, 1, "fault", "timeout")),
            "follow_ups": ((1, "shorten the timeout"),),
            **more,
        }
    )


def plain(text: str) -> str:
    return text


def test_the_record_says_what_was_planned_said_and_measured():
    text = gameday_markdown(page(STEP), redact=plain)
    assert "# Game day: the first one\n\n**MET**: 1 of 1 steps run: 1 MET\n" in text
    for line in (
        "- lead: Ada",
        "- Hypothesis: payments fail fast",
        "- Ben: watches the breaker",
        "- Answer: go",
        "- The team says it held: yes",
        "- Measured: **MET**: all 6 findings are MET",
        "- Fault: timeout on cards-\\>ledger, 15 s: toxic removed",
        "- [ ] Step 1: shorten the timeout",
        "| 22:13:40 | 1 | fault | timeout |",
    ):
        assert f"{line}\n" in text


def test_the_page_says_the_same_and_needs_nothing_else():
    text = gameday_html(page(STEP), redact=plain)
    for words in ("payments fail fast", "Ben watches", "all 6 findings are MET", "15 s: toxic removed", "22:13:40"):
        assert words in text
    assert '<a href="../20231114-demo-ab12/report.html">' in text
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/", "")


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_no_word_that_says_what_happened_is_broken_in_a_real_browser(tmp_path, width):
    answer = DayEvent(NOON, 1, "answer", "Does everybody who would be paged know that this is a game day? go " * 3)
    shown = gameday_html(dataclasses.replace(page(STEP), events=(answer,)), redact=plain)
    assert '<td class="tight">answer</td>' in shown
    assert texts_cut_in_a_browser(shown, tmp_path, width) == []
    assert measured_in_a_browser(shown, tmp_path, width)[1:] == (width, width)


@pytest.mark.parametrize(("held", "grade"), [("yes", Grade.MISSED), ("no", Grade.MET)])
def test_where_team_and_measurement_disagree_is_to_be_looked_into(held, grade):
    (text,) = page(dataclasses.replace(STEP, held=held, grade=grade)).to_look_into
    assert f"the measured verdict is {grade}" in text


@pytest.mark.parametrize("held", ["yes", "unclear", "", "no"])
def test_what_nobody_contradicts_is_not(held):
    grade = Grade.MISSED if held == "no" else Grade.MET
    assert page(dataclasses.replace(STEP, held=held, grade=grade)).to_look_into == ()


def test_a_fault_that_is_left_comes_before_everything_that_was_missed():
    missed = DayFinding("breaker opens", Grade.MISSED, "5 s; never", "it never opened", is_against=True)
    first = dataclasses.replace(STEP, grade=Grade.MISSED, findings=(missed,))
    second = dataclasses.replace(STEP, number=2, faults=(dataclasses.replace(HEALED, over_at=None, text=""),))
    found = page(first, second).to_look_into
    assert found[0].startswith(
        "Step 2: timeout on cards->ledger is not known to be undone; then: seatrial chaos recover"
    )
    assert found[1] == "Step 1: breaker opens was MISSED: it never opened"
    assert found[2].startswith("Step 1: the team says the hypothesis held")


def test_the_worst_step_that_was_run_is_the_day_and_no_step_is_undecided():
    left_out = dataclasses.replace(STEP, number=2, go="no-go", run="", grade=None, held="", faults=())
    assert page(STEP, left_out).grade is Grade.MET
    assert page(STEP, dataclasses.replace(left_out, grade=Grade.MISSED)).grade is Grade.MISSED
    assert page(left_out).grade is Grade.UNDECIDED
    assert page(left_out).reason == "0 of 1 steps run"


def test_nothing_that_was_typed_is_markup_or_a_secret_in_either_form():
    nasty = DayEvent(NOON, 1, "note", "<img src=x> | [a](b) s3cret\x1b[2J")
    made = page(STEP, events=(nasty,))
    assert "<img" not in gameday_html(made, redact=mask)
    for text in (gameday_markdown(made, redact=mask), gameday_html(made, redact=mask)):
        assert "s3cret" not in text
        assert "\x1b" not in text
    assert "\\<img src=x\\> \\| \\[a\\](b) \\*\\*\\*" in gameday_markdown(made, redact=mask)


def mask(text: str) -> str:
    return text.replace("s3cret", "***")


def test_a_halted_step_is_one_thing_to_do_beside_what_it_missed_and_left():
    findings = (
        DayFinding("breaker closes", Grade.UNDECIDED, "", "it was halted before its end", True),
        DayFinding("recovered", Grade.UNDECIDED, "", "it was halted before its end", True),
        DayFinding("front.available", Grade.MISSED, "", "2 of 9 failed", True),
    )
    step = dataclasses.replace(STEP, held="", grade=Grade.MISSED, findings=findings, faults=())
    assert page(dataclasses.replace(step, halted="by the halt key")).to_look_into == (
        "Step 1: it was halted before its end and left 2 findings undecided: play it again",
        "Step 1: front.available was MISSED: 2 of 9 failed",
    )
    assert len(page(step).to_look_into) == 3
