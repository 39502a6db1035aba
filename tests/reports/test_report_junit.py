"""JUnit of a verdict, as its schema has it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from seatrial.redact import Secrets
from seatrial.reports.junit import junit_xml
from seatrial.reports.page import Journey, JourneyStep, Page
from seatrial.sample import Cause, Outcome
from seatrial.verdict import Finding, Grade, Subject

COUNTS = {"tests", "failures", "errors", "time"}
ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "testsuites": ({"name", "disabled"} | COUNTS, {"testsuite"}),
    "testsuite": (
        {"name", "disabled", "skipped", "timestamp", "hostname", "id", "package"} | COUNTS,
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "assertions", "time", "classname", "status"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}
"""Attributes and children of each element in Jenkins' junit-10.xsd."""

FINDING = Finding(Subject.OBJECTIVE, "cards", "fast", Grade.MISSED, "too slow")
OK = JourneyStep("open", outcome=Outcome.OK, latency_s=0.25)


def as_is(text: str) -> str:
    return text


def parsed(journeys: tuple[Journey, ...], findings: tuple[Finding, ...] = ()) -> ET.Element:
    return ET.fromstring(junit_xml(journeys, findings, started_at=1_700_000_000.0, redact=as_is))


def test_every_element_is_one_the_schema_knows(page: Page) -> None:
    root = parsed(page.journeys, page.verdict.findings)

    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes
        assert {child.tag for child in element} <= children
    assert all(case.get("name") and case.get("time") for case in root.iter("testcase"))


def test_the_counts_are_those_of_the_cases(page: Page) -> None:
    root = parsed(page.journeys, page.verdict.findings)
    pay, browse, objectives = root

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("20", "3", "1")
    assert [suite.get("tests") for suite in root] == ["5", "3", "12"]
    assert (pay.get("failures"), pay.get("skipped"), pay.get("time")) == ("1", "1", "0.097")
    assert (browse.get("failures"), browse.get("errors"), browse.get("skipped")) == ("0", "0", "0")
    assert (objectives.get("failures"), objectives.get("errors")) == ("2", "1")
    assert pay.get("timestamp") == "2026-07-30T08:26:40"


def test_a_failed_step_carries_its_full_text(page: Page) -> None:
    failure = parsed(page.journeys).find(".//failure")

    assert failure is not None
    assert failure.text == page.journeys[0].steps[3].text
    assert failure.get("message") == page.journeys[0].steps[3].text.partition("\n")[0]
    assert failure.get("type") == "check"


@pytest.mark.parametrize(
    ("grade", "tag"),
    [
        (Grade.MET, "system-out"),
        (Grade.DEGRADED, "system-out"),
        (Grade.UNDECIDED, "error"),
        (Grade.MISSED, "failure"),
    ],
)
def test_a_grade_has_its_element(grade: Grade, tag: str) -> None:
    case = parsed((), (replace(FINDING, grade=grade),)).find(".//testcase")

    assert case is not None
    assert [child.tag for child in case] == [tag]
    assert f"grade: {grade}" in str(case[0].text)


def test_what_could_not_be_decided_says_so() -> None:
    error = parsed((), (replace(FINDING, grade=Grade.UNDECIDED),)).find(".//error")

    assert error is not None
    assert error.get("message") == "undecided: too slow"


def test_what_does_not_count_is_skipped() -> None:
    finding = Finding(Subject.OBJECTIVE, "cards", "no slower", Grade.UNDECIDED, "no baseline", counts=False)
    (suite,) = ET.fromstring(junit_xml((), (finding,), started_at=0.0, redact=str))
    assert suite.find("testcase/skipped").get("message") == "no baseline"
    assert (suite.get("errors"), suite.get("skipped")) == ("0", "1")


def test_a_journey_that_could_not_begin_is_one_failed_case() -> None:
    root = parsed((Journey("pay", False, (), text="the variable 'amount' is missing\nin vars"),))

    (case,) = root.iter("testcase")
    assert case.get("name") == "pay"
    assert case[0].get("message") == "the variable 'amount' is missing"


def test_a_failure_outside_any_step_stands_beside_the_steps() -> None:
    root = parsed((Journey("pay", False, (OK,), text="nothing was checked"),))

    assert [len(case) for case in root.iter("testcase")] == [1, 0]
    assert root.get("failures") == "1"


def test_a_failed_step_without_a_text_still_fails() -> None:
    step = JourneyStep("open", outcome=Outcome.BROKEN, cause=Cause.REFUSED)

    failure = parsed((Journey("pay", False, (step,)),)).find(".//failure")

    assert failure is not None
    assert failure.get("message") == "broken: refused"


def test_journeys_are_not_told_twice() -> None:
    about = replace(FINDING, subject=Subject.JOURNEY, service="", objective="pay")

    assert parsed((Journey("pay", False, (OK,)),), (about,)).get("tests") == "1"
    assert parsed((), (about,)).get("tests") == "1"
    assert parsed((), (about,)).get("failures") == "1"


def test_a_finding_of_a_journey_that_is_not_there_is_told_beside_the_others() -> None:
    missing = replace(FINDING, subject=Subject.JOURNEY, service="", objective="the run was cut short")

    root = parsed((Journey("pay", True, (OK,)),), (missing,))

    assert root.get("tests") == "2"


def test_a_journey_that_was_cut_short_is_an_error_and_no_failure() -> None:
    root = parsed((Journey("pay", False, (OK,), undecided="it was cut short"),))

    assert (root.get("errors"), root.get("failures")) == ("1", "0")


def test_a_skipped_journey_is_neither_failure_nor_error() -> None:
    root = parsed((Journey("pay", False, (JourneyStep("look", skipped="not today"),), skipped="not today"),))

    assert (root.get("errors"), root.get("failures")) == ("0", "0")


def test_hostile_text_is_valid_xml() -> None:
    hostile = "<script>]]>\x00\x1b[31m\ud800\ufffe & \"'\r\nnext"
    step = replace(OK, name=hostile, outcome=Outcome.BROKEN, text=hostile)

    root = parsed((Journey(hostile, False, (step,)),))

    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text == "<script>]]>\u2400\u241b[31m\ufffd\ufffd & \"'\nnext"


def test_secrets_are_masked_in_names_messages_and_texts() -> None:
    secrets = Secrets()
    secrets.add("token", "s3cr3t-value")
    step = replace(OK, name="s3cr3t-value", outcome=Outcome.BROKEN, text="s3cr3t-value")
    finding = replace(FINDING, reason="s3cr3t-value")

    document = junit_xml((Journey("j", False, (step,)),), (finding,), started_at=0.0, redact=secrets.redact)

    assert b"s3cr3t-value" not in document
    assert document.count(b"***(token)") >= 4


def test_nothing_to_tell_is_an_empty_valid_document() -> None:
    root = parsed(())

    assert (root.tag, root.get("tests"), len(root)) == ("testsuites", "0", 0)


def test_what_is_undecided_and_let_through_is_skipped_with_the_reason() -> None:
    findings = (replace(FINDING, grade=Grade.UNDECIDED), FINDING)
    journey = Journey("pay", False, (), undecided="cut short")
    root = ET.fromstring(
        junit_xml((journey,), findings, started_at=0.0, redact=str, let_through="let through: on_undecided: pass")
    )
    assert (root.get("errors"), root.get("failures")) == ("0", "1")
    assert [suite.get("skipped") for suite in root] == ["1", "1"]
    assert root[1].find("testcase/skipped").get("message") == ("undecided: too slow; let through: on_undecided: pass")
