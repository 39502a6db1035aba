"""JUnit of plays: valid by Jenkins' schema, a case a step, nothing hidden that was flaky or degraded."""

from __future__ import annotations

import pytest
from lxml import etree

from seatrial.exchange import Broken
from seatrial.redact import Secrets
from seatrial.reports.plays.junit import JUnit
from seatrial.sample import Cause
from seatrial.scenarios.wording import failure_texts

SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="failure"><xs:complexType mixed="true">
    <xs:attribute name="type" type="xs:string"/><xs:attribute name="message" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="error"><xs:complexType mixed="true">
    <xs:attribute name="type" type="xs:string"/><xs:attribute name="message" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="skipped"><xs:complexType mixed="true">
    <xs:attribute name="type" type="xs:string"/><xs:attribute name="message" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="property"><xs:complexType>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="value" type="xs:string" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="properties"><xs:complexType><xs:sequence>
    <xs:element ref="property" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="system-out" type="xs:string"/>
  <xs:element name="system-err" type="xs:string"/>
  <xs:element name="testcase"><xs:complexType>
    <xs:sequence>
      <xs:element ref="skipped" minOccurs="0" maxOccurs="1"/>
      <xs:element ref="error" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element ref="failure" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element ref="system-out" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element ref="system-err" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="assertions" type="xs:string"/>
    <xs:attribute name="time" type="xs:decimal"/>
    <xs:attribute name="classname" type="xs:string"/>
    <xs:attribute name="status" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="testsuite"><xs:complexType>
    <xs:sequence>
      <xs:element ref="properties" minOccurs="0" maxOccurs="1"/>
      <xs:element ref="testcase" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element ref="system-out" minOccurs="0" maxOccurs="1"/>
      <xs:element ref="system-err" minOccurs="0" maxOccurs="1"/>
    </xs:sequence>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="xs:decimal"/>
    <xs:attribute name="disabled" type="xs:string"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="timestamp" type="xs:dateTime"/>
    <xs:attribute name="hostname" type="xs:string"/>
    <xs:attribute name="id" type="xs:string"/>
    <xs:attribute name="package" type="xs:string"/>
  </xs:complexType></xs:element>
  <xs:element name="testsuites"><xs:complexType>
    <xs:sequence><xs:element ref="testsuite" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
    <xs:attribute name="name" type="xs:string"/>
    <xs:attribute name="time" type="xs:decimal"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
    <xs:attribute name="disabled" type="xs:string"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
  </xs:complexType></xs:element>
</xs:schema>
"""
"""Jenkins' junit-10.xsd, its numbers typed as numbers."""

JOURNEY = """
scenario: pay <with> a card
service: api
setup:
  - {name: log in, request: {url: /login}, expect: {status: 201}}
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: pay, request: {url: /pay}, expect: {status: 200}}
teardown:
  - {name: log out, request: {url: /out}, expect: {status: 204}}
"""
POLL = """
scenario: it appears
service: api
steps:
  - {name: look, request: {url: /}, retry: {max: 3, interval: 0ms}, expect: {status: 200, max: {degraded: 1ms}}}
"""


@pytest.fixture
def suites(written):
    """The suites of a report that the schema takes."""

    def suites_(plays, **facts):
        root = etree.fromstring(written(JUnit(Secrets()), plays, **facts).encode())
        etree.XMLSchema(etree.fromstring(SCHEMA)).assertValid(root)
        return list(root)

    return suites_


def test_every_step_is_a_case_and_the_teardowns_stand_apart(suites, play, answer):
    (suite,) = suites(play(JOURNEY, answer(201), answer(200), answer(200), answer(204)))

    assert suite.get("name") == "journey: pay <with> a card"
    assert [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")] == [
        ("journey.pay <with> a card", "log in"),
        ("journey.pay <with> a card", "look"),
        ("journey.pay <with> a card", "pay"),
        ("journey.pay <with> a card.teardown", "log out"),
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "0", "0")
    assert suite.get("time") == "0.052"


def test_a_failed_step_has_the_whole_text_and_the_steps_after_it_are_skipped(suites, play, answer):
    plays = play(JOURNEY, answer(201), answer(500), answer(204))
    (suite,) = suites(plays)

    (failure,) = suite.iter("failure")
    assert failure.get("message") == "status 500, expected integer <200>"
    assert failure.get("type") == "status"
    assert (failure.text,) == failure_texts(plays[0].result, secrets=Secrets())
    (skipped,) = suite.iter("skipped")
    assert (skipped.getparent().get("name"), skipped.get("message")) == ("pay", "an earlier step failed")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")


def test_the_suite_tells_file_and_trace(suites, play):
    plays = play(POLL)
    (suite,) = suites(plays)
    told = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert told == {"file": "journey.yaml", "trace_id": plays[0].result.trace_id}


def test_a_flaky_step_passes_and_says_what_each_attempt_saw(suites, play, answer):
    (suite,) = suites(play(POLL, answer(503), answer(503), answer(200)))
    (case,) = suite.iter("testcase")
    assert case.find("failure") is None
    lines = case.findtext("system-out").split("\n")
    assert lines[:3] == [
        "flaky: it held at attempt 3 only",
        "attempt 1: status 503, expected integer <200>",
        "attempt 2: status 503, expected integer <200>",
    ]
    assert lines[3] == "it appears > look   attempt 3/3   DEGRADED"


def test_no_valid_answer_is_a_failure_of_its_cause(suites, play):
    (suite,) = suites(play(POLL, Broken(Cause.REFUSED, "connection refused", 0.001)))
    (failure,) = suite.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("refused", "refused: connection refused")


def test_what_concerns_no_step_is_a_case_of_the_journeys_name(suites, play):
    (suite,) = suites(play("scenario: s\nservice: api\nsteps: [{name: look, request: {url: /}}]"))
    whole, step = suite.iter("testcase")
    assert whole.get("name") == "s"
    assert "evaluated no check" in whole.findtext("failure")
    assert step.find("failure") is None


def test_a_skipped_journey_is_skipped_step_by_step(suites, play):
    (suite,) = suites(play("scenario: s\nskip: not yet\nservice: api\nsteps: [{name: look, request: {url: /}}]"))
    assert [one.get("message") for one in suite.iter("skipped")] == ["not yet"]
    assert (suite.get("tests"), suite.get("skipped")) == ("1", "1")


def test_the_root_counts_all_plays_and_no_plays_are_valid_too(suites, written, play, answer):
    assert suites([]) == []
    plays = [*play(JOURNEY, answer(201), answer(500), answer(204)), *play(POLL)]
    root = etree.fromstring(written(JUnit(Secrets()), plays).encode())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "1", "0")


def test_control_characters_of_an_answer_make_no_invalid_document(suites, play):
    (suite,) = suites(play(POLL.replace("max: 3", "max: 1"), Broken(Cause.PROTOCOL, "bad \x00\x1b[31m \ud800", 0.1)))
    assert "␛[31m" in suite.find(".//failure").text
