"""The report as HTML: the same bytes for the same page, whole, and loaded from nowhere."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.errors import DocumentError
from seatrial.redact import Secrets
from seatrial.reports.build import build
from seatrial.reports.page import Journey, JourneyStep, Note, Page, PhaseSpan, Quantiles, RunFacts
from seatrial.reports.render import render_html, unbroken
from seatrial.sample import Cause, Outcome, Phase
from seatrial.verdict import Finding, Grade, Subject, Verdict
from shown_pages import WIDTHS, measured_in_a_browser, outline, texts_cut_in_a_browser

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\x00\ud800 \u202egnp.exe & \"'"


def as_is(text: str) -> str:
    return text


def bare_page(*, journeys: tuple[Journey, ...] = (), verdict: Verdict | None = None) -> Page:
    facts = RunFacts("run-1", "demo", started_at=1000.0)
    return build(facts, verdict or Verdict(Grade.UNDECIDED, None, (), "no data"), journeys=journeys)


def test_the_same_page_gives_the_same_bytes(page: Page) -> None:
    assert render_html(page, redact=as_is).encode() == render_html(page, redact=as_is).encode()


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    document = render_html(page, redact=as_is)
    markup = "".join(re.findall(r"<[^>]*>", document)) + document.partition("<style>")[2].partition("</style>")[0]

    assert "http:" not in markup
    assert "https:" not in markup
    assert "src=" not in markup
    assert "@import" not in markup
    assert "url(" not in markup
    assert "<script" not in markup
    assert "default-src 'none'" in markup


def test_links_lead_only_to_places_that_are_there(page: Page) -> None:
    tags = outline(render_html(page, redact=as_is)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    links = [attributes["href"] for tag, attributes in tags if tag in ("a", "use")]

    assert len(ids) == len(set(ids))
    assert {str(link)[1:] for link in links} <= set(ids)
    assert len(links) > 20


def test_the_markup_is_well_nested(page: Page) -> None:
    parsed = outline(render_html(page, redact=as_is))

    assert (parsed.crossed, parsed.open) == ([], [])


def test_every_finding_stands_in_the_report_with_its_reason_and_numbers(page: Page) -> None:
    shown = outline(render_html(page, redact=as_is)).text

    for finding in page.verdict.findings:
        assert finding.objective in shown
        assert finding.reason in shown
        assert finding.limit_text in shown
        assert finding.measured_text in shown
    for finding in page.against:
        assert finding.name in shown
    assert "10.1 % – 19.2 %" in shown
    assert "needs 4,726" in shown


def test_a_finding_that_has_the_requests_it_needs_is_not_said_to_need_them(page: Page) -> None:
    found = tuple(replace(one, n=4726 if one.wanted_n else one.n) for one in page.verdict.findings)
    shown = outline(render_html(bare_page(verdict=replace(page.verdict, findings=found)), redact=as_is)).text

    assert "needs 4,726" not in shown


def test_what_does_not_count_is_shown_and_called_neither_undecided_nor_against_it() -> None:
    met = Finding(Subject.OBJECTIVE, "shop", "fast", Grade.MET, "fast enough")
    apart = Finding(Subject.OBJECTIVE, "shop", "no slower", Grade.UNDECIDED, "no baseline: none yet", counts=False)
    page = bare_page(verdict=Verdict(Grade.MET, 100.0, (met, apart), "met"))

    shown = outline(render_html(page, redact=as_is)).text

    assert "1 met 1 shown without counting" in shown
    assert "no baseline: none yet" in shown
    assert "UNDECIDED" not in shown
    assert "What stands against it" not in shown


def test_both_latencies_of_a_hold_stand_beside_each_other(page: Page) -> None:
    whole = (
        Quantiles("the due time", 0.004, 0.02, 1.9, 2.0, 4_200),
        Quantiles("the sending", 0.004, 0.019, 0.034, 0.04, 4_200),
    )
    first, *others = page.latencies
    held = replace(page, latencies=(replace(first, whole=whole), *others))
    told = outline(render_html(held, redact=as_is)).text
    assert (
        "Hold, 4,200 OK p50 p95 p99 Max from the due time 4 ms 20 ms 1.9 s 2 s"
        " from the sending 4 ms 19 ms 34 ms 40 ms"
    ) in told


def test_a_limit_that_only_repeats_its_expectation_is_left_out_and_one_reason_stands_once() -> None:
    opens = Finding(Subject.EXPECTATION, "cards", "opens in 5 s", Grade.UNDECIDED, "not run", experiment="hangs")
    judged = (replace(opens, limit_text="opens in 5 s"), replace(opens, objective="closes"))
    told = outline(render_html(bare_page(verdict=Verdict(Grade.UNDECIDED, None, judged, "")), redact=as_is)).text

    assert told.count("opens in 5 s") == 1
    assert "hangs > 2 expectations not run" in told
    assert "cards: opens in 5 s UNDECIDED not run" in told


def test_a_failed_step_is_told_in_full(page: Page) -> None:
    document = render_html(page, redact=as_is)
    shown = html.unescape(document.partition('<pre class="failure">')[2].partition("</pre>")[0])

    assert shown == page.journeys[0].steps[3].text


def test_verdict_run_realm_and_revision_are_named(page: Page) -> None:
    shown = outline(render_html(page, redact=as_is)).text

    for text in ("MISSED · demo · 20260730-082640-demo-3fa1", "71.4", "9c1f2ab (main)", "2026-07-30 08:26:40 UTC"):
        assert text in shown


def test_every_table_has_a_caption_and_every_header_a_scope(page: Page) -> None:
    tags = [tag for tag, _ in outline(render_html(page, redact=as_is)).tags]
    scopes = [
        attributes.get("scope") for tag, attributes in outline(render_html(page, redact=as_is)).tags if tag == "th"
    ]

    assert tags.count("table") == tags.count("caption") > 5
    assert set(scopes) == {"col", "row"}


def test_every_grade_is_told_in_words_and_not_by_colour_alone(page: Page) -> None:
    document = render_html(page, redact=as_is)

    for grade in Grade:
        assert re.search(rf'<use href="#icon-{grade.lower()}"/></svg>{grade}</span>', document)


@pytest.mark.parametrize("place", ["verdict", "finding", "journey", "step", "note", "realm"])
def test_hostile_text_is_shown_and_not_obeyed(place: str) -> None:
    finding = Finding(Subject.OBJECTIVE, "cards", "fast", Grade.MISSED, HOSTILE if place == "finding" else "slow")
    step = JourneyStep(
        "step", outcome=Outcome.BROKEN, cause=Cause.RESET, text=HOSTILE if place == "step" else "reset"
    )
    page = build(
        RunFacts("run-1", HOSTILE if place == "realm" else "demo", started_at=1000.0),
        Verdict(Grade.MISSED, 0.0, (finding,), HOSTILE if place == "verdict" else "missed"),
        journeys=(Journey(HOSTILE if place == "journey" else "pay", False, (step,)),),
        notes=(Note("note", HOSTILE if place == "note" else "text"),),
    )

    document = render_html(page, redact=as_is)

    assert "<script" not in document
    assert "alert(1)" in document
    assert "\u241b[31m" in document
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", document)
    assert document.encode()
    assert outline(document).crossed == []


def test_secrets_are_masked_wherever_they_stand() -> None:
    secrets = Secrets()
    secrets.add("token", "s3cr3t-value")
    step = JourneyStep("pay s3cr3t-value", outcome=Outcome.OK, route="/x/s3cr3t-value", text="got s3cr3t-value")
    page = bare_page(journeys=(Journey("j s3cr3t-value", True, (step,), file="s3cr3t-value.yaml"),))

    document = render_html(page, redact=secrets.redact)

    assert "s3cr3t-value" not in document
    assert "got ***(token)" in document


def test_a_secret_made_of_digits_does_not_spoil_the_charts(page: Page) -> None:
    secrets = Secrets()
    secrets.add("pin", "1000")

    document = render_html(page, redact=secrets.redact)

    assert 'viewBox="0 0 1000 ' in document
    assert "***" not in "".join(re.findall(r'\sd="[^"]*"', document))


def test_a_run_without_findings_says_that_no_data_is_never_met() -> None:
    shown = outline(render_html(bare_page(), redact=as_is)).text

    assert "UNDECIDED" in shown
    assert "no data is never met" in shown
    assert "Over time" not in shown


def test_met_though_the_band_crosses_the_limit_is_explained_where_it_happens_and_only_there() -> None:
    proven = Finding(
        Subject.EXPECTATION, "cards", "p95 during", Grade.MET, "", limit=0.05, measured=0.0, low=0.0, high=0.04
    )
    sentence = "the requests do not contradict the limit and do not prove it"

    def shown(finding: Finding) -> str:
        return render_html(bare_page(verdict=Verdict(Grade.MET, 100.0, (finding,), "")), redact=as_is)

    assert sentence not in shown(proven)
    assert shown(replace(proven, high=0.21)).count(sentence) == 1


def test_a_users_template_of_the_same_name_wins(tmp_path: Path, page: Page) -> None:
    (tmp_path / "report.html.j2").write_text("ours: {{ verdict.grade }} {{ page.facts.realm }}\n")

    assert render_html(page, redact=as_is, templates=tmp_path) == "ours: MISSED demo\n"


def test_a_users_template_may_extend_the_built_in_one(tmp_path: Path, page: Page) -> None:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "built-in/report.html.j2" %}{% block top %}<p>ACME {{ draw.badge("MET") }}</p>{% endblock %}'
    )

    document = render_html(page, redact=as_is, templates=tmp_path)

    assert "<p>ACME <span" in document
    assert "cards.fast" in document


def test_a_users_macros_and_style_win_too(tmp_path: Path, page: Page) -> None:
    (tmp_path / "style.css.j2").write_text("body { color: teal }")

    document = render_html(page, redact=as_is, templates=tmp_path)

    assert "<style>\nbody { color: teal }" in document
    assert "cards.fast" in document


def test_a_folder_without_templates_changes_nothing(tmp_path: Path, page: Page) -> None:
    assert render_html(page, redact=as_is, templates=tmp_path / "none") == render_html(page, redact=as_is)


@pytest.mark.parametrize(
    "mistake",
    ["{% if %}", "{{ page.nothing }}", "{{ 1 / 0 }}", "{% include 'gone.j2' %}", "{{ ''.__class__.mro() }}"],
)
def test_a_mistake_in_a_users_template_is_told_with_its_line(tmp_path: Path, page: Page, mistake: str) -> None:
    file = tmp_path / "report.html.j2"
    file.write_text(f"<p>\n\n{mistake}\n")

    with pytest.raises(DocumentError) as caught:
        render_html(page, redact=as_is, templates=tmp_path)

    assert str(caught.value).startswith(f"{file}:3:1: ")


def test_a_users_template_is_escaped_as_ours_is(tmp_path: Path, page: Page) -> None:
    (tmp_path / "report.html.j2").write_text("{{ page.verdict.reason }}")
    hostile = replace(page, verdict=replace(page.verdict, reason="<b>"))

    assert render_html(hostile, redact=as_is, templates=tmp_path) == "&lt;b&gt;"


def test_a_report_of_an_hour_stays_small(page: Page) -> None:
    long = replace(
        page,
        latencies=tuple(
            replace(one, bands=tuple(replace(one.bands[k % 150], second=k) for k in range(3600)))
            for one in page.latencies
        ),
        started_at=0.0,
        ended_at=3600.0,
    )

    assert len(render_html(long, redact=as_is)) < 400_000


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_a_real_browser_shows_it_without_scrolling_sideways(tmp_path: Path, page: Page, width: int) -> None:
    title, shown, needed = measured_in_a_browser(render_html(page, redact=as_is), tmp_path, width)
    assert title.startswith("MISSED · demo")
    assert shown == width
    assert needed <= width


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_broken_and_no_name_of_a_phase_is_cut(tmp_path: Path, page: Page, width: int) -> None:
    first, lasts_s = page.started_at, page.ended_at - page.started_at
    ends = [first + lasts_s * number * number / 100 for number in range(11)]
    phases = tuple(PhaseSpan(Phase.RAMP, *each) for each in itertools.pairwise(ends))  # from 1 % to 19 % of the axis
    crowded = replace(page, phases=(*page.phases, *phases))
    assert texts_cut_in_a_browser(render_html(crowded, redact=as_is), tmp_path, width) == []


def test_a_limit_is_not_broken_between_its_number_and_its_unit() -> None:
    assert unbroken("errors <= 5 %") == "errors <=\u00a05\u00a0%"
    assert unbroken("p95 <= 1 m 20 s of 3 steps") == "p95 <=\u00a01\u00a0m 20\u00a0s of 3 steps"
    assert unbroken("slow (3 of 4) of 5") == "slow (3\u00a0of\u00a04) of 5"
