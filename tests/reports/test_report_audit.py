"""The page of an audit: findings with consequences, the matrix, the evidence of its cells, what it leaves open."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from audit_calls import BEGIN, EDGE, FAULT, GIVEN_UP, OTHER, PROMISED, traffic
from seatrial.assess.experiments import course_of_strain, show
from seatrial.chaos.audit import signatures
from seatrial.chaos.audit.battery import UNCALLED
from seatrial.chaos.audit.families import IGNORES_SLOWNESS, NO_BREAKER, NO_TIMEOUT, STAYS_OPEN
from seatrial.chaos.audit.model import Family, Kind, Observation, Reading, Ruling, Sign, Strain
from seatrial.reports.audit import build
from seatrial.reports.audit.build import build_audit
from seatrial.reports.audit.html import audit_html
from seatrial.reports.audit.page import AuditFacts, Mark
from seatrial.service import Edge
from seatrial.verdict import Grade
from shown_pages import WIDTHS, measured_in_a_browser, outline, texts_cut_in_a_browser

THIRD = Edge("side", "back")
HANG = Strain(EDGE, Kind.HANG, PROMISED)


def ruling(family: Family, strain: Strain, sign: Sign, text: str = "seen", *, n: int = 0, bad: int = 0) -> Ruling:
    return Ruling(family, strain, Reading(sign, text, n, bad))


RULINGS = (
    ruling(NO_TIMEOUT, HANG, Sign.FOUND, "9 of 12 calls <b>hang</b>\x1b", n=12, bad=9),
    ruling(NO_BREAKER, HANG, Sign.FOUND, "never opened"),
    ruling(STAYS_OPEN, HANG, Sign.NOT_JUDGED, "the breaker did not open"),
    ruling(IGNORES_SLOWNESS, Strain(EDGE, Kind.SLOW), Sign.CLEAR, "opened 1 s into slow answers", n=40),
    ruling(NO_TIMEOUT, Strain(OTHER, Kind.HANG), Sign.NOT_JUDGED, UNCALLED),
    ruling(NO_BREAKER, Strain(OTHER, Kind.HANG), Sign.NOT_JUDGED, UNCALLED),
)
FACTS = AuditFacts("r", "demo", 0.0, (EDGE, OTHER, THIRD), RULINGS)


def strained() -> AuditFacts:
    """A real strain: requests wait for their timeout, and no breaker opens."""
    seen = Observation(HANG, tuple(traffic(lambda _, __: GIVEN_UP)), FAULT)
    course = course_of_strain(seen)
    assert course is not None
    return replace(FACTS, rulings=tuple(signatures.read(seen)), strains=show([course]))


def test_a_finding_shows_its_evidence_its_mending_and_what_shows_because_of_it():
    told = outline(audit_html(FACTS)).text
    assert "1 finding · audit of demo" in told
    assert "front: waits for ever for an answer defect 1/2 · severity high · front->back" in told
    assert "Seen hang on front->back : 9 of 12 calls <b>hang</b>" in told
    assert "Mend bound every call as a whole" in told
    assert "Because of it 5/13/14/15 no working breaker" in told


def test_texts_are_printable_and_never_markup():
    document = audit_html(FACTS)
    assert "\x1b" not in document
    assert "<b>hang</b>" not in document


def test_each_cell_says_by_sign_and_word_what_its_strain_came_to():
    page = build_audit(FACTS)
    assert page.matrix.kinds == (Kind.SLOW, Kind.HANG)
    marks = [[cell.mark for cell in row.cells] for row in page.matrix.rows]
    assert marks == [
        [Mark.NOTHING, Mark.FOUND], [Mark.NOT_TRIED, Mark.NOT_JUDGED], [Mark.NOT_TRIED, Mark.NOT_TRIED],
    ]  # fmt: skip
    hang = page.matrix.rows[0].cells[1]
    assert (hang.numbers, hang.judged, hang.asked) == ("1/2, 5/13/14/15", 2, 3)
    assert len({mark.sign for mark in Mark}) == len({mark.tone for mark in Mark}) == len(Mark)
    told = outline(audit_html(FACTS)).text
    assert "✓ nothing 1 of 1 ✕ found 1/2, 5/13/14/15 2 of 3" in told


def test_each_cell_that_was_tried_leads_to_its_evidence():
    parsed = outline(audit_html(FACTS))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    assert len(ids) == len(set(ids))
    assert {str(link)[1:] for link in links} <= set(ids)
    for number in (1, 2, 3):
        assert f"#strain-{number}" in links


def test_evidence_has_the_counts_of_every_ruling_and_tells_one_reason_once():
    told = outline(audit_html(FACTS)).text
    assert "hang on front->back ✕ found answers never come" in told
    assert "1/2 no timeout ✕ found 9 of 12 calls <b>hang</b>" in told
    assert "12 9 5/13/14/15 no working breaker" in told
    assert f"1/2 no timeout , 5/13/14/15 no working breaker ? not judged {UNCALLED}" in told


def test_what_was_not_judged_and_not_tried_is_said():
    page = build_audit(FACTS)
    assert [(one.reason, one.places) for one in page.left_open] == [
        ("the breaker did not open", ("hang on front->back (6)",)),
        (UNCALLED, ("front->side",)),
    ]
    assert "22 no bulkhead" in page.untried


@pytest.mark.parametrize(
    ("rulings", "word"),
    [(RULINGS[3:], "No finding"), (RULINGS[4:], "Undecided"), ((), "Undecided")],
)
def test_without_a_finding_it_is_well_only_where_something_was_judged(rulings: tuple[Ruling, ...], word: str):
    document = audit_html(replace(FACTS, rulings=rulings))
    assert f"<title>{word} · audit of demo</title>" in document
    assert (outline(document).crossed, outline(document).open) == ([], [])


@pytest.mark.parametrize(("rulings", "word"), [(RULINGS, "1 finding"), (RULINGS[3:], "Undecided")])
def test_a_page_of_an_audit_that_was_cut_short_says_so_first_and_has_no_score(rulings, word):
    page = build_audit(replace(FACTS, rulings=rulings, cut_short="it was cut short"))
    assert (page.word, page.score) == (word, None)
    assert page.reason.startswith("it was cut short; ")
    assert page.grade is not Grade.MET


def test_a_strain_is_drawn_with_its_edge_over_time_and_its_control_phase():
    told = outline(audit_html(strained())).text
    assert "front->back no breaker seen; 100 calls went into the fault" in told
    assert "calls front->back before 2 s during 10 s after 3.6 s calls 20 100 36" in told
    assert "failed 0 % 100 % 0 %" in told
    assert "requests to front before" in told


def test_the_fault_divides_the_slices_of_a_strains_calls():
    (experiment,) = strained().strains
    (lane,) = experiment.lanes
    assert lane.slice_s < 1
    assert all(each.failed in (0, each.calls) for each in lane.calls)
    assert {each.at >= FAULT.started_at for each in lane.calls if each.failed} == {True}


def test_a_strain_that_was_left_out_is_no_experiment():
    assert course_of_strain(Observation(HANG, why_not=UNCALLED)) is None


def test_an_edge_where_no_breaker_was_seen_has_no_states_and_is_not_called_closed():
    told = audit_html(strained())
    assert 'class="state ' not in told
    assert "breaker stayed closed" not in told


def test_a_request_or_two_refused_by_accident_are_no_breaker():
    calls = traffic(lambda number, _: replace(GIVEN_UP, took=0.003, calls=()) if number == 80 else GIVEN_UP)
    course = course_of_strain(Observation(HANG, tuple(calls), FAULT))
    assert course is not None
    (experiment,) = show([course])
    (lane,) = experiment.lanes
    assert lane.spells == ()
    assert lane.told.startswith("no breaker seen")


def test_a_breaker_that_one_strain_has_opened_is_closed_in_those_that_do_not():
    opened = traffic(lambda number, _: GIVEN_UP if number < 60 else replace(GIVEN_UP, took=0.003, calls=()))
    hang, slow = (
        course_of_strain(Observation(Strain(EDGE, kind, PROMISED), tuple(calls), FAULT))
        for kind, calls in ((Kind.HANG, opened), (Kind.SLOW, traffic(lambda _, __: GIVEN_UP)))
    )
    assert hang is not None
    assert slow is not None
    first, second = show([hang, slow])
    assert "open" in [spell.state for spell in first.lanes[0].spells]
    assert [spell.state for spell in second.lanes[0].spells] == ["closed"]
    assert second.lanes[0].told == "breaker stayed closed; 100 calls went into the fault"


def test_beyond_a_bound_strains_are_told_without_pictures_and_those_that_showed_something_keep_theirs(monkeypatch):
    monkeypatch.setattr(build, "DRAWN_MAX", 1)
    (seen,) = strained().strains
    slow = Strain(EDGE, Kind.SLOW)
    facts = replace(FACTS, rulings=(RULINGS[3], *RULINGS[:3]), strains=(replace(seen, name=slow.name), seen))
    page = build_audit(facts)
    assert [one.strain.kind for one in page.strains if one.seen] == [Kind.HANG]
    assert page.undrawn == 1
    assert "1 strains are told without their pictures" not in audit_html(facts)
    assert "1 strain is told without its picture" in audit_html(facts)


def test_a_large_audit_stays_below_two_megabytes():
    (seen,) = strained().strains
    edges = tuple(Edge(f"s{number}", "back") for number in range(60))
    strains = [Strain(edge, kind) for edge in edges for kind in Kind]
    rulings = tuple(ruling(NO_TIMEOUT, strain, Sign.FOUND, "seen in many calls", n=9) for strain in strains)
    facts = replace(
        FACTS, edges=edges, rulings=rulings, strains=tuple(replace(seen, name=strain.name) for strain in strains)
    )
    assert len(audit_html(facts)) < 2_000_000


def test_every_picture_and_table_is_named_and_nothing_is_loaded():
    document = audit_html(strained())
    tags = outline(document).tags
    ids = {attributes.get("id") for _, attributes in tags}
    pictures = [attributes for tag, attributes in tags if tag == "svg" and "aria-hidden" not in attributes]
    assert pictures
    assert all(set(str(one["aria-labelledby"]).split()) <= ids for one in pictures)
    count = [tag for tag, _ in tags]
    assert count.count("table") == count.count("caption") == count.count("thead")
    assert not re.findall(r"<script|src=|url\(|@import|https?:", document)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("facts", [FACTS, strained()], ids=["a matrix", "a strain"])
def test_it_fits_the_width_of_a_screen_in_a_real_browser(facts: AuditFacts, tmp_path: Path, width: int):
    title, shown_px, needed_px = measured_in_a_browser(audit_html(facts), tmp_path, width)
    assert "audit of demo" in title
    assert needed_px <= shown_px == width


@pytest.mark.needs_chromium
def test_no_edge_of_a_wide_matrix_is_broken_within_its_arrow_in_a_real_browser(tmp_path: Path):
    edge = Edge("gateway", "merchants")
    rulings = tuple(ruling(NO_TIMEOUT, Strain(edge, kind), Sign.CLEAR) for kind in Kind)
    shown = audit_html(replace(FACTS, edges=(edge,), rulings=rulings))
    assert '<span class="arrow tight">gateway-&gt;</span><wbr>merchants' in shown
    assert texts_cut_in_a_browser(shown, tmp_path, 1280) == []


def test_moments_are_counted_from_the_beginning_of_the_control_phase():
    (experiment,) = strained().strains
    assert experiment.started_at == FAULT.started_at - 2.0 > BEGIN
