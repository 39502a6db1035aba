"""The picture of an experiment, and its figures side by side."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.chaos.seen.parts import Figures, Part
from seatrial.chaos.seen.states import Spell, State
from seatrial.reports.experiment.chart import CALLS_PX, comparisons, lanes
from seatrial.reports.experiment.page import Compared, EdgeLane, EdgeSlice, Experiment
from seatrial.reports.page import Page
from seatrial.reports.places import POINTS_MAX
from seatrial.reports.render import render_html
from seatrial.sample import FaultWindow
from shown_pages import WIDTHS, measured_in_a_browser, outline

BEGIN = 1_785_400_000


def experiment() -> Experiment:
    """20 s of steady state, 10 s of a hang that a breaker answers, 10 s of recovery."""
    hung, healed, end = BEGIN + 20.0, BEGIN + 30.0, BEGIN + 40.0
    spells = (
        Spell(State.CLOSED, BEGIN, hung + 1),
        Spell(State.OPEN, hung + 1, healed, leaked=3),
        Spell(State.HALF_OPEN, healed, healed + 0.2, trials=1),
        Spell(State.CLOSED, healed + 0.2, end),
    )
    seconds = tuple(
        EdgeSlice(BEGIN + k, *((40, 0) if k < 20 or k > 30 else (10, 10) if k == 20 else (0, 0))) for k in range(40)
    )
    return Experiment(
        "the ledger hangs",
        BEGIN,
        end,
        (FaultWindow("the ledger hangs", "timeout", "cards->ledger", hung, healed, "healed"),),
        (EdgeLane("cards->ledger", spells, (), seconds, "breaker opened 1 s after the fault began, after 10 calls"),),
        (
            Compared(
                "calls cards->ledger",
                (
                    Figures(Part.BEFORE, 20.0, 800, 0, 0.002, 0.004, 0.009),
                    Figures(Part.DURING, 10.0, 10, 10, 0.25, 0.251, 0.26),
                    Figures(Part.AFTER, 10.0, 0, 0),
                ),
            ),
        ),
    )


def shown(page: Page, *experiments: Experiment) -> str:
    return render_html(replace(page, experiments=experiments), redact=str)


def section(document: str) -> str:
    return document.partition('<section aria-labelledby="experiments">')[2].partition("</section>")[0]


def test_answered_calls_stand_and_failed_ones_hang_on_one_scale():
    (lane,) = lanes(experiment())
    highest, lowest = max(bar.height for bar in lane.answered), max(bar.height for bar in lane.failed)
    assert highest + lowest == pytest.approx(CALLS_PX, abs=0.1)
    assert highest / lowest == pytest.approx(40 / 10, rel=0.01)
    assert (lane.most_answered, lane.most_failed) == (40, 10)


def test_the_fault_and_the_states_stand_where_they_were():
    (lane,) = lanes(experiment())
    assert [(shade.left, shade.width) for shade in lane.faults] == [(50.0, 25.0)]
    assert [(shade.kind, shade.left) for shade in lane.states] == [
        ("closed", 0.0), ("open", 52.5), ("half-open", 75.0), ("closed", 75.5),
    ]  # fmt: skip
    assert [shade.label for shade in lane.states] == [
        "closed",
        "open",
        "",
        "closed",
    ]  # no room for a short one's name
    assert "3 calls came through" in lane.states[1].detail
    assert "1 trial call" in lane.states[2].detail


def test_a_picture_is_also_told_in_words():
    (lane,) = lanes(experiment())
    assert lane.text == (
        "timeout on cards->ledger from 0:20.0 to 0:30.0; breaker opened 1 s after the fault began, after 10 calls;"
        " 1,170 calls, 10 failed"
    )
    (compared,) = comparisons(experiment())
    assert compared.rates == "before 40/s, 0 % failed; during 1/s, 100 % failed; after 0/s, none failed"
    assert compared.latencies == "before p50 2 ms, p99 9 ms; during p50 250 ms, p99 260 ms; after no call ended"


def test_a_fault_that_was_never_healed_is_shaded_to_the_end():
    whole = experiment()
    (lane,) = lanes(replace(whole, faults=(replace(whole.faults[0], ended_at=None, ended=""),)))
    assert lane.faults[0].left + lane.faults[0].width == 100.0
    assert "not healed" in lane.faults[0].detail
    assert "to the end" in lane.text


def test_an_edge_whose_breaker_nobody_looked_at_has_calls_and_no_states(page: Page):
    whole = experiment()
    told = section(shown(page, replace(whole, lanes=(replace(whole.lanes[0], spells=(), told=""),))))
    assert 'class="answered"' in told
    assert 'class="state' not in told


def test_bars_of_a_comparison_share_one_scale_and_a_part_without_calls_has_none():
    before, during, after = comparisons(experiment())[0].columns
    assert (before.answered, before.failed) == (100.0, 0.0)
    assert (during.answered, during.failed) == (0.0, 2.5)
    assert (after.answered, after.low) == (0.0, None)
    assert (before.low or 100.0) < (during.low or 0.0)


def test_before_during_and_after_stand_side_by_side_with_their_figures(page: Page):
    told = outline(section(shown(page, experiment()))).text
    assert "calls cards->ledger before 20 s during 10 s after 10 s calls 800 10 0 per second 40.0 1.0 0.0" in told
    assert "failed 0 % 100 % none p50 2 ms 250 ms none" in told


def test_every_picture_has_a_title_and_a_text_and_every_table_headings(page: Page):
    tags = outline(section(shown(page, experiment()))).tags
    pictures = [attributes for tag, attributes in tags if tag == "svg"]
    ids = {attributes["id"] for tag, attributes in tags if tag in ("title", "desc") and "id" in attributes}
    assert len(pictures) == 3
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= ids
    heads = [attributes for tag, attributes in tags if tag == "th"]
    assert {attributes["scope"] for attributes in heads} == {"col", "row"}
    assert len([tag for tag, _ in tags if tag == "caption"]) == 1


def test_states_are_told_by_name_and_not_by_colour_alone(page: Page):
    told = section(shown(page, experiment()))
    assert ">closed</text>" in told
    assert ">open</text>" in told
    assert "half-open: trial calls" in outline(told).text
    assert "<title>half-open, 0:30.0 to 0:30.2, 1 trial call" in told


def test_a_long_experiment_has_no_more_bars_than_a_screen_can_show(page: Page):
    whole = experiment()
    long = replace(
        whole,
        ended_at=BEGIN + 20_000.0,
        lanes=(replace(whole.lanes[0], calls=tuple(EdgeSlice(BEGIN + k, 9, 3) for k in range(20_000))),),
    )
    (lane,) = lanes(long)
    assert max(len(lane.answered), len(lane.failed)) <= POINTS_MAX
    assert len(section(shown(page, long))) < 150_000


def test_without_an_experiment_nothing_is_said_of_any(page: Page):
    document = shown(page)
    assert "#experiments" not in document
    assert section(document) == ""


def test_the_markup_is_well_nested_and_hostile_names_are_text(page: Page):
    parsed = outline(shown(page, replace(experiment(), name="</div><script>x</script>")))
    assert (parsed.crossed, parsed.open) == ([], [])
    assert not re.findall(r"<script", shown(page, replace(experiment(), name="<script>")))


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_width_of_a_screen_in_a_real_browser(page: Page, tmp_path: Path, width: int):
    _, shown_px, needed_px = measured_in_a_browser(shown(page, experiment()), tmp_path, width)
    assert needed_px <= shown_px == width
