"""Lays journeys and findings out as JUnit XML, as Jenkins' schema (junit-10.xsd) has it and every CI reads it.

Room reports. One suite a journey with one case a step; one suite "objectives" with one case a finding. What was not
as wanted is a failure; what could not be decided is an error, because it is no verdict about the service and must
not pass either; a skipped step is skipped. Pure; may import the floor, `page` and `gauge`.
"""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable

from seatrial.reports.gauge import interval_text
from seatrial.reports.page import Journey, JourneyStep, with_texts
from seatrial.reports.printable import printable
from seatrial.verdict import Finding, Grade, Subject

_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def junit_xml(
    journeys: Iterable[Journey],
    findings: Iterable[Finding] = (),
    *,
    started_at: float,
    redact: Callable[[str], str],
    let_through: str = "",
) -> bytes:
    """The document, in UTF-8. A finding about a journey is left out where the journey itself is given.

    `let_through` says why what is undecided passes all the same: then it is skipped, and no error.
    """

    def clean(text: str) -> str:
        return printable(redact(text))

    played = tuple(with_texts(journey, clean) for journey in journeys)
    judged = tuple(with_texts(finding, clean) for finding in findings)
    names = {journey.name for journey in played}
    told = tuple(one for one in judged if one.subject is not Subject.JOURNEY or one.objective not in names)
    suites = [_journey_suite(journey, started_at) for journey in played]
    if told:
        suites.append(_suite("objectives", map(_finding_case, told), started_at=started_at))
    if let_through:
        _skip_undecided(suites, let_through)
    root = _whole(suites)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _journey_suite(journey: Journey, started_at: float) -> ET.Element:
    cases = [_step_case(journey, step) for step in journey.steps]
    if journey.text or journey.undecided or not cases:
        cases.insert(0, _whole_case(journey))
    return _suite(f"journey: {journey.name}", cases, started_at=journey.started_at or started_at)


def _whole_case(journey: Journey) -> ET.Element:
    """What concerns no single step: the journey could not begin, or has no steps."""
    case = junit_case(f"journey.{journey.name}", journey.name, 0.0)
    if journey.undecided:
        _add(case, "error", message=f"undecided: {journey.undecided}", text=journey.text, kind=Grade.UNDECIDED)
    elif journey.failed:
        _add(case, "failure", message=_first_line(journey.text) or "the journey did not pass", text=journey.text)
    return case


def _step_case(journey: Journey, step: JourneyStep) -> ET.Element:
    case = junit_case(f"journey.{journey.name}", step.name, step.latency_s)
    if step.outcome is None:
        ET.SubElement(case, "skipped", message=step.skipped or "not run")
    elif step.failed:
        message = _first_line(step.text) or f"{step.outcome}: {step.cause or 'no detail'}"
        _add(case, "failure", message=message, text=step.text, kind=step.cause or step.outcome)
    return case


def _finding_case(finding: Finding) -> ET.Element:
    case = junit_case(f"{finding.subject}.{finding.service or 'all'}", finding.name, finding.decided_at_s or 0.0)
    if finding.grade is Grade.MISSED:
        _add(case, "failure", message=finding.reason, text=_finding_text(finding), kind=finding.grade)
    elif not finding.counts:
        ET.SubElement(case, "skipped", message=finding.reason)
    elif finding.grade is Grade.UNDECIDED:
        message = f"undecided: {finding.reason}"
        _add(case, "error", message=message, text=_finding_text(finding), kind=finding.grade)
    else:
        ET.SubElement(case, "system-out").text = _finding_text(finding)
    return case


def _finding_text(finding: Finding) -> str:
    """Every number of the finding that is known, a line each."""
    lines = {
        "grade": finding.grade,
        "limit": finding.limit_text,
        "measured": finding.measured_text,
        "interval": interval_text(finding),
        "requests": f"{finding.n:,}, {finding.bad:,} of them bad" if finding.n else "",
        "design effect": f"{finding.design_effect:.2f}" if finding.design_effect is not None else "",
        "reason": finding.reason,
    }
    return "\n".join(f"{label}: {text}" for label, text in lines.items() if text)


def _skip_undecided(suites: Iterable[ET.Element], why: str) -> None:
    for suite in suites:
        for case in suite.iter("testcase"):
            for error in case.findall("error"):
                case.remove(error)
                ET.SubElement(case, "skipped", message=f"{error.get('message')}; {why}")
        _count(suite)


def _count(suite: ET.Element) -> None:
    for key, value in _counts([suite]).items():
        suite.set(key, value)


def _suite(name: str, cases: Iterable[ET.Element], *, started_at: float) -> ET.Element:
    stamp = dt.datetime.fromtimestamp(started_at, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.Element("testsuite", name=name, timestamp=stamp)
    suite.extend(cases)
    _count(suite)
    return suite


def _whole(suites: list[ET.Element]) -> ET.Element:
    """The root; its schema knows no count of skipped cases."""
    root = ET.Element("testsuites", name="seatrial")
    root.extend(suites)
    for key, value in _counts(suites).items():
        if key != "skipped":
            root.set(key, value)
    return root


def _counts(suites: Iterable[ET.Element]) -> dict[str, str]:
    cases = [case for suite in suites for case in suite.iter("testcase")]
    found = Counter(child.tag for case in cases for child in case)
    time_s = sum(float(case.get("time", "0")) for case in cases)
    counts = {attribute: str(found[tag]) for tag, attribute in _COUNTED.items()}
    return {"tests": str(len(cases)), **counts, "time": f"{time_s:.3f}"}


def junit_case(classname: str, name: str, time_s: float) -> ET.Element:
    """A `testcase`, passed until something is put into it."""
    return ET.Element("testcase", classname=classname, name=name, time=f"{time_s:.3f}")


def _add(case: ET.Element, tag: str, *, message: str, text: str, kind: str = "failed") -> None:
    ET.SubElement(case, tag, message=message, type=kind).text = text or message


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
