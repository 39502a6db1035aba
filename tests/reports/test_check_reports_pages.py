"""HTML, Markdown and curl of plays: whole without the network, bounded, the failure's text as everywhere."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from lxml import html as lxml_html

from seatrial.exchange import Broken
from seatrial.redact import Secrets
from seatrial.reports.plays import html as html_form
from seatrial.reports.plays import markdown as markdown_form
from seatrial.reports.plays.curl import Curl
from seatrial.reports.plays.form import Close
from seatrial.reports.plays.html import Html
from seatrial.reports.plays.junit import JUnit
from seatrial.reports.plays.markdown import Markdown
from seatrial.reports.plays.tap import Tap
from seatrial.sample import Cause
from seatrial.scenarios.wording import failure_texts

JOURNEY = """
scenario: pay | with <b>
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: pay, request: {method: POST, url: /pay, json: {amount: 250}}, expect: {status: 200}}
teardown:
  - {name: out, request: {url: /out}, expect: {status: 200}}
"""
ROWS = """
scenario: many
service: api
rows: [%s]
steps: [{name: look, request: {url: /look}, expect: {status: 200}}]
"""
VOID = {"meta", "link", "br", "circle", "line", "rect", "path", "use"}


def rows(count):
    return ROWS % ", ".join(f"{{n: {number}}}" for number in range(count))


class Nesting(HTMLParser):
    """Fails where an element is closed that is not the innermost open one."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Closed at once."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page(written):
    """The page, well nested, and its text."""

    def page_(plays, secrets=None, **facts):
        text = written(Html(secrets or Secrets()), plays, **facts)
        nesting = Nesting()
        nesting.feed(text)
        assert nesting.open == []
        return text, lxml_html.fromstring(text)

    return page_


def test_the_page_needs_nothing_but_itself(page, play, answer):
    text, root = page(play(JOURNEY, answer(500)))
    assert root.xpath("//script | //img | //iframe | //object | //link[@rel != 'icon']") == []
    assert root.xpath("//link/@href") == ["data:,"]
    assert "@import" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    targets = [href.lstrip("#") for href in root.xpath("//a/@href")]
    assert set(targets) <= set(root.xpath("//@id"))


def test_a_failed_step_shows_its_whole_text_its_request_and_its_answer(page, play, answer):
    plays = play(JOURNEY, answer(200), answer(500, {"error": "<sorry>"}), answer(200))
    _, root = page(plays)
    (failure,) = root.xpath("//pre[@class='failure']")
    assert (failure.text_content(),) == failure_texts(plays[0].result, secrets=Secrets())
    request, response = (pre.text_content() for pre in root.xpath("//pre[@class='exchange']"))
    assert request.startswith("POST http://api.test/pay\n")
    assert '{"amount":250}' in request
    assert response.startswith("HTTP/1.1 500\n")
    assert '{"error": "<sorry>"}' in response
    (line,) = root.xpath("//ul[@class='against']/li")
    assert "status 500, expected integer <200>" in line.text_content()


def test_every_step_has_its_row_and_its_bar(page, play, answer):
    _, root = page(play(JOURNEY, answer(500)))
    steps = root.xpath("//table[@class='steps']/tbody/tr[th]")
    assert [row.xpath("string(th)").split()[0] for row in steps] == ["look", "pay", "out"]
    assert [len(row.xpath(".//rect")) for row in steps] == [1, 0, 1]
    assert "skipped: an earlier step failed" in steps[1].text_content()
    assert "POST /pay" in steps[1].text_content()
    assert "teardown" in steps[2].text_content()


def test_a_passed_run_says_so_and_has_no_failures(page, play):
    _, root = page(play(JOURNEY))
    assert root.xpath("string(//h1)").strip() == "Passed"
    assert root.xpath("//*[@id='failures']") == []


def test_of_very_many_rows_the_first_are_shown_and_all_are_counted(page, play, answer, monkeypatch):
    monkeypatch.setattr(html_form, "MAX_FAILED", 3)
    plays = play(rows(60), *[answer(200)] * 40, answer(500))
    text, root = page(plays)
    assert len(root.xpath("//table[@class='steps']")) == html_form.MAX_PASSED + 3
    assert root.xpath("string(//table[@class='journeys']/tbody/tr)").split() == ["many", "40", "20", "0", "60"]
    assert "The first 3 of 20." in text
    assert "37 more plays are counted above and not shown" in text


def test_an_interrupted_run_says_how_much_is_missing(page, play):
    text, _ = page(play(JOURNEY), close=Close.INTERRUPTED, planned=5)
    assert "interrupted, with 4 still to play" in text


def test_a_run_of_nothing_is_a_page_too(page):
    text, root = page([])
    assert root.xpath("string(//h1)").strip() == "Nothing was played"
    assert "Nothing was played." in text


def test_the_summary_for_a_job_has_a_line_a_journey_and_the_texts_of_failures(written, play, answer):
    plays = play(JOURNEY, answer(500, {"fence": "````"}))
    text = written(Markdown(Secrets()), plays)
    assert text.startswith("## ❌ Failed\n\n1 play: 0 passed, 1 failed on realm test; 2 requests in 1.5 s.\n")
    assert "| ❌ | pay \\| with \\<b\\> | 0 | 1 | 0 | 2 |" in text
    blocks = re.findall(r"^(`{5,})text\n(.*?)\n\1$", text, re.DOTALL | re.MULTILINE)
    assert tuple(block for _, block in blocks) == failure_texts(plays[0].result, secrets=Secrets())


def test_the_summary_stays_short_however_many_fail(written, play, answer, monkeypatch):
    monkeypatch.setattr(markdown_form, "MAX_FAILURES", 2)
    text = written(Markdown(Secrets()), play(rows(30), answer(500)))
    assert text.count("### many") == 2
    assert "28 more failed" in text
    assert "| ❌ | many | 0 | 30 | 0 | 30 |" in text


def test_every_request_is_one_curl_line(written, play, answer):
    polling = JOURNEY.replace("url: /look}", "url: /look}, retry: {max: 2, interval: 0ms}")
    text = written(Curl(Secrets()), play(polling, answer(500), answer(200)))
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[0] == lines[1] == "curl -sS 'http://api.test/look'"
    assert lines[2].endswith("""--data-raw '{"amount":250}'""")


def test_a_refused_connection_is_on_the_page(page, play):
    _, root = page(play(JOURNEY, Broken(Cause.REFUSED, "connection refused", 0.001)))
    first, *_ = root.xpath("//pre[@class='exchange']/b/text()[starts-with(., 'no valid')]")
    assert first == "no valid answer (refused): connection refused"


@pytest.mark.parametrize(
    ("form", "before"),
    [(JUnit, '<failure message="'), (Tap, 'message: "'), (Html, '<p class="why">')],
    ids=["junit", "tap", "html"],
)
def test_what_failed_outside_any_step_is_told_in_its_own_words(written, play, form, before):
    plays = play(
        """
        scenario: begins badly
        service: api
        vars: {a: "{{ missing }}"}
        steps: [{name: look, request: {url: "/{{ a }}"}, expect: {status: 200}}]
        """
    )
    summary = plays[0].result.failures[0].summary
    assert "missing" in summary
    assert before + summary in html.unescape(written(form(Secrets()), plays))
