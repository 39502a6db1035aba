"""JUnit XML as Jenkins' schema (junit-10.xsd) has it and every CI reads it: a suite a play, a case a step.

Room reports. The steps of the teardown stand in a class of their own, so that a journey that did not clean up is not
taken for one that did not work. A step that was skipped is skipped; one that held only at a later attempt passes, and
says so in its output.
"""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from seatrial.redact import Secrets
from seatrial.reports.junit import junit_case
from seatrial.reports.plays.form import Facts
from seatrial.reports.plays.shown import ShownPlay, ShownStep, show_play
from seatrial.scenarios.model import Section
from seatrial.scenarios.played import Played

_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


class JUnit:
    """`--junit`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._counts: Counter[str] = Counter()
        self._time_s = 0.0

    def add(self, played: Played) -> Iterator[str]:
        """One suite."""
        suite = _suite(show_play(played, self._secrets))
        self._counts.update(element.tag for element in suite.iter())
        self._time_s += float(suite.get("time", "0"))
        ET.indent(suite, level=1)
        yield f"  {ET.tostring(suite, encoding='unicode').rstrip()}\n"

    def head(self, facts: Facts) -> str:
        """The root; its schema knows no count of skipped cases."""
        del facts
        tests, failures = self._counts["testcase"], self._counts["failure"]
        counts = f'tests="{tests}" failures="{failures}" errors="0" time="{self._time_s:.3f}"'
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="seatrial" {counts}>\n'

    def tail(self, facts: Facts) -> str:
        """The root's end."""
        del facts
        return "</testsuites>\n"


def _suite(play: ShownPlay) -> ET.Element:
    stamp = dt.datetime.fromtimestamp(play.started_at, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.Element("testsuite", name=f"journey: {play.name}", timestamp=stamp)
    properties = ET.SubElement(suite, "properties")
    for name, value in _facts(play):
        ET.SubElement(properties, "property", name=name, value=value)
    if play.text or not play.steps:
        suite.append(_whole_case(play))
    suite.extend(_case(play, step) for step in play.steps)
    found = Counter(element.tag for element in suite.iter())
    time_s = sum(float(case.get("time", "0")) for case in suite.iter("testcase"))
    for name, tag in _COUNTED.items():
        suite.set(name, str(found[tag]))
    suite.set("time", f"{time_s:.3f}")
    return suite


def _facts(play: ShownPlay) -> Iterator[tuple[str, str]]:
    yield "file", play.file
    yield "trace_id", play.trace_id
    if play.row is not None:
        yield "row", str(play.row)


def _whole_case(play: ShownPlay) -> ET.Element:
    """What concerns no single step: the journey could not begin, or checked nothing."""
    case = junit_case(f"journey.{play.journey}", play.name, 0.0)
    if play.failed:
        _fail(case, play.text, message=play.summary, kind="journey")
    elif play.skipped:
        ET.SubElement(case, "skipped", message=play.skipped)
    return case


def _case(play: ShownPlay, step: ShownStep) -> ET.Element:
    apart = ".teardown" if step.section is Section.TEARDOWN else ""
    case = junit_case(f"journey.{play.journey}{apart}", step.name, step.latency_s or 0.0)
    if step.skipped:
        ET.SubElement(case, "skipped", message=step.skipped)
    elif step.failed:
        _fail(case, step.text, message=step.summary, kind=step.cause or step.outcome)
    told = "\n".join(_output(step))
    if told:
        ET.SubElement(case, "system-out").text = told
    return case


def _output(step: ShownStep) -> Iterator[str]:
    if step.flaky:
        yield f"flaky: it held at attempt {step.attempts} only"
    for number, poll in enumerate(step.polls, start=1):
        yield f"attempt {number}: {poll}"
    if step.degraded:
        yield step.degraded


def _fail(case: ET.Element, text: str, *, message: str, kind: str) -> None:
    ET.SubElement(case, "failure", message=message or "it did not pass", type=kind).text = text
