from __future__ import annotations

import html
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seatrial.errors import DocumentError
from seatrial.redact import Secrets
from seatrial.reports.build import build
from seatrial.reports.page import Journey, JourneyStep, Note, Page, Quantiles, RunFacts
from seatrial.reports.render import render_html, unbroken
from seatrial.sample import Cause, Outcome
from seatrial.verdict import Finding, Grade, Subject, Verdict

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\x00\ud800 \u202egnp.exe & \"'"
VOID = {"meta", "link", "br", "hr", "img", "input"}
SVG_LEAVES = {"path", "rect", "line", "circle", "use"}


def as_is(text: str) -> str:
    return text


class Outline(HTMLParser):
    """Tags in order, the text outside of style, and a complaint for each tag closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def outline(document: str) -> Outline:
    parsed = Outline()
    parsed.feed(document)
    parsed.close()
    return parsed


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
    assert "wants 4,726" in shown


def test_both_latencies_of_a_hold_stand_beside_each_other(page: Page) -> None:
    hold = (Quantiles("the due time", 0.004, 0.02, 1.9, 4_200), Quantiles("the sending", 0.004, 0.019, 0.034, 4_200))
    first, *others = page.latencies
    held = replace(page, latencies=(replace(first, hold=hold), *others))
    told = outline(render_html(held, redact=as_is)).text
    assert "Hold, from the due time: p50 4 ms · p95 20 ms · p99 1.9 s of 4,200 OK requests" in told
    assert "Hold, from the sending: p50 4 ms · p95 19 ms · p99 34 ms of 4,200 OK requests" in told


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


WIDTHS = (390, 1280)


@pytest.mark.needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_a_real_browser_shows_it_without_scrolling_sideways(tmp_path: Path, page: Page, width: int) -> None:
    """A frame of that width around the report measures it: the browser's own windows have a least width."""
    (tmp_path / "report.html").write_text(render_html(page, redact=as_is), encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        f'<iframe src="report.html" style="width:{width}px;height:900px;border:0" onload="measure(this)"></iframe>'
        "<p id=seen></p><script>function measure(frame) { const root = frame.contentDocument.documentElement;"
        "seen.textContent = [frame.contentDocument.title, root.clientWidth, root.scrollWidth].join('|') }</script>"
    )

    dom = _dump_dom(tmp_path / "frame.html", profile=tmp_path / "profile")

    title, shown, needed = dom.partition('<p id="seen">')[2].partition("</p>")[0].split("|")
    assert title.startswith("MISSED · demo")
    assert int(shown) == width
    assert int(needed) <= width


def _dump_dom(file: Path, *, profile: Path) -> str:
    browser = shutil.which("chromium")
    assert browser is not None
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--hide-scrollbars", "--allow-file-access-from-files", f"--user-data-dir={profile}", "--dump-dom",
    )  # fmt: skip
    done = subprocess.run([browser, *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_a_limit_is_not_broken_between_its_number_and_its_unit() -> None:
    assert unbroken("errors <= 5 %") == "errors <=\u00a05\u00a0%"
    assert unbroken("p95 <= 1 m 20 s of 3 steps") == "p95 <=\u00a01\u00a0m 20\u00a0s of 3 steps"
