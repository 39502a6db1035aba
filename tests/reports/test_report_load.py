"""The page of a load: laid out as a run's report is, without a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.reports.chart import rate_plots
from seatrial.reports.load.page import Level, Load, StepNumbers
from seatrial.reports.page import Note, Page, RatePoint
from seatrial.reports.render import render_html
from seatrial.verdict import Grade
from shown_pages import WIDTHS, measured_in_a_browser, outline

HOSTILE = "</td><script>alert(1)</script>"


def as_is(text: str) -> str:
    return text


@pytest.fixture
def load_page(page: Page) -> Page:
    """The charts and findings of the run of `page`, as those of a load."""
    return replace(
        page,
        verdict=replace(page.verdict, grade=Grade.UNDECIDED, score=None, reason="nobody judged it"),
        journeys=(),
        notes=(),
        steps=(
            StepNumbers("pay", "charge", 1_200, 6, 20.0, (0.004, 0.02, 1.9, 2.0), 3, "6 by timeout"),
            StepNumbers("pay", "look", 4, 4, 0.1, None, 0, "4 refused"),
        ),
        generator=(Note("Plays", "1,190 of 1,200 started, 10 dropped"), Note("Workers", "2, none lost")),
        load=Load("a busy hour", "1,204 requests, 0.83 % of them failed.", unfit="generator: it was late"),
    )


def test_a_load_has_its_steps_generator_and_objectives_and_no_verdict(load_page: Page) -> None:
    shown = outline(render_html(load_page, redact=as_is))
    assert "load a busy hour · demo · 20260730-082640-demo-3fa1 Skip to the report seatrial Load report" in shown.text
    assert (
        "Why pay charge 3 polls 1,200 20.0 4 ms 20 ms 1.9 s 2 s 6 (0.5 %) 6 by timeout look 4 0.1 none" in shown.text
    )
    assert "none none 4 (100 %) 4 refused" in shown.text
    assert "1,190 of 1,200 started, 10 dropped" in shown.text
    assert "Objectives as they stood A load judges none of them: seatrial assess does." in shown.text
    assert "UNDECIDED The load says nothing of the services: generator: it was late." in shown.text
    assert "nobody judged it" not in shown.text
    assert "What stands against it" not in shown.text
    assert (shown.crossed, shown.open) == ([], [])


def test_a_load_that_was_fit_shows_no_grade_of_itself(load_page: Page) -> None:
    plain = replace(load_page, groups=(), load=replace(load_page.load, unfit=""))
    shown = outline(render_html(plain, redact=as_is)).text
    assert "UNDECIDED" not in shown
    assert "Objectives as they stood" not in shown


def test_a_breakpoint_shows_its_levels(load_page: Page) -> None:
    levels = (
        Level("50/s", Grade.MET, 1_500, 0, "cards.fast 0.1 % slower"),
        Level("100/s", Grade.MISSED, 630, 3, "missed"),
    )
    searched = replace(load_page, load=Load("far", "2,130 requests.", found="held up to 50/s", levels=levels))
    shown = outline(render_html(searched, redact=as_is)).text
    assert "Breakpoint: held up to 50/s." in shown
    assert "50/s held 1,500 0 cards.fast 0.1 % slower 100/s missed 630 3 missed" in shown


def test_links_of_a_load_lead_only_to_places_that_are_there(load_page: Page) -> None:
    tags = outline(render_html(load_page, redact=as_is)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(attributes["href"])[1:] for tag, attributes in tags if tag in ("a", "use")} <= set(ids)


def test_hostile_names_of_a_load_are_shown_and_not_obeyed(load_page: Page) -> None:
    steps = (replace(load_page.steps[0], name=HOSTILE, why=HOSTILE),)
    load = Load(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (Level(HOSTILE, Grade.MET, 1, 0, HOSTILE),))
    document = render_html(
        replace(load_page, steps=steps, load=load, generator=(Note(HOSTILE, HOSTILE),)), redact=as_is
    )
    assert "<script" not in document
    assert outline(document).crossed == []


def test_a_users_report_template_shapes_the_page_of_a_load_too(tmp_path, load_page: Page) -> None:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "built-in/report.html.j2" %}{% block top %}<p>ACME</p>{% endblock %}'
    )
    document = render_html(load_page, redact=as_is, templates=tmp_path)
    assert "<p>ACME</p>" in document
    assert "Objectives as they stood" in document


def test_plays_in_flight_have_a_chart_and_dropped_ones_stand_on_the_foot(page: Page) -> None:
    rates = (RatePoint(100, 20, 20, 40, 0, 0, 3), RatePoint(101, 20, 15, 30, 0, 5, 9))
    plays, in_flight, requests = rate_plots(replace(page, rates=rates, started_at=100.0, ended_at=102.0))
    assert [(line.label, line.label_y) for line in in_flight.lines] == [("in flight", None)]
    assert [(bar.left, bar.height) for bar in plays.bars] == [(50.0, 7.5)]
    assert requests.bars == ()
    assert "or of dropped plays" in render_html(replace(page, rates=rates), redact=as_is)
    assert "or of dropped plays" not in render_html(page, redact=as_is)


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_a_real_browser_shows_a_load_without_scrolling_sideways(tmp_path, load_page: Page, width: int) -> None:
    _, shown, needed = measured_in_a_browser(render_html(load_page, redact=as_is), tmp_path, width)
    assert shown == width
    assert needed <= width
