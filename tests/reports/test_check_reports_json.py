"""JSON of plays: valid by the schema that is published with it."""

from __future__ import annotations

import json

import jsonschema
import pytest

from seatrial.errors import ExitCode
from seatrial.exchange import Broken
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Close
from seatrial.reports.plays.json import Json, check_schema
from seatrial.sample import Cause
from seatrial.scenarios.wording import failure_texts

JOURNEY = """
scenario: pay
service: api
rows: [{user: ada}, {user: bob}]
steps:
  - {name: look, request: {url: "/{{ row.user }}"}, retry: {max: 2, interval: 0ms}, expect: {status: 200}}
  - {name: pay, request: {url: /pay}, repeat: 2, expect: {status: 200}}
teardown:
  - {name: out, request: {url: /out}, expect: {status: 200}}
"""


@pytest.fixture
def document(written):
    """A report that the schema takes."""

    def document_(plays, **facts):
        content = json.loads(written(Json(Secrets()), plays, **facts))
        jsonschema.Draft202012Validator(check_schema()).validate(content)
        return content

    return document_


def test_the_schema_is_one_and_names_the_project_alone():
    schema = check_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:seatrial:check:1"


def test_every_play_is_there_with_its_row_and_its_steps(document, play, answer):
    plays = play(JOURNEY, answer(503), answer(200))
    content = document(plays, exit_code=ExitCode.MET)

    assert [(one["scenario"], one["journey"], one["row"]) for one in content["journeys"]] == [
        ("pay [row 1: ada]", "pay", 1),
        ("pay [row 2: bob]", "pay", 2),
    ]
    first, _ = content["journeys"]
    assert [(step["step"], step["round"], step["section"]) for step in first["steps"]] == [
        ("look", None, "steps"),
        ("pay", 1, "steps"),
        ("pay", 2, "steps"),
        ("out", None, "teardown"),
    ]
    assert (first["steps"][0]["flaky"], first["steps"][0]["attempts"]) == (True, 2)
    assert (content["passed"], content["failed"], content["requests"]) == (2, 0, 9)


def test_a_failure_has_its_cause_and_its_whole_text(document, play, answer):
    plays = play(JOURNEY, Broken(Cause.REFUSED, "refused", 0.01), Broken(Cause.REFUSED, "refused", 0.01), answer(200))
    content = document(plays, exit_code=ExitCode.MISSED)
    first, second = content["journeys"]
    assert (first["outcome"], first["passed"], second["passed"]) == ("broken", False, True)
    assert [step["outcome"] for step in first["steps"]] == ["broken", "skipped", "ok"]
    assert first["steps"][0]["cause"] == "refused"
    assert tuple(first["failures"]) == failure_texts(plays[0].result, secrets=Secrets())
    assert content["exit_code"] == 1


def test_an_interrupted_run_says_how_much_is_missing(document, play):
    content = document(play(JOURNEY), close=Close.INTERRUPTED, planned=7, exit_code=ExitCode.INTERRUPTED)
    assert (content["close"], content["planned"], len(content["journeys"]), content["exit_code"]) == (
        "interrupted",
        7,
        2,
        130,
    )


def test_a_run_of_nothing_is_valid(document):
    assert document([], exit_code=ExitCode.UNDECIDED)["journeys"] == []


def test_half_a_surrogate_in_an_answer_can_be_written(document, play):
    (first, _) = document(play(JOURNEY, Broken(Cause.PROTOCOL, "bad \ud800", 0.01)))["journeys"]
    assert "no valid answer (protocol): bad " in first["failures"][0]


def test_the_schema_refuses_what_lacks_a_key(document, play):
    content = document(play(JOURNEY))
    del content["journeys"][0]["trace_id"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(check_schema()).validate(content)
