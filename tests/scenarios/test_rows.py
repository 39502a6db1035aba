"""A scenario with rows is played once for each of them, and a row that cannot be read is told with its place."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.rows import expand_rows

STEP = "steps: [{request: {url: 'service://api/{{ row.user }}'}, expect: {status: 200}}]"


@pytest.fixture
def rows(journey):
    """The scenarios that are played for these rows."""

    def of(text):
        return list(expand_rows(journey(f"scenario: s\nrows: {text}\n{STEP}")))

    return of


def test_each_row_is_a_play_named_by_its_number_and_first_field(rows, run):
    played = [run(one) for one in rows("[{user: ada, n: 1}, {user: bob, n: 2}]")]
    assert [one.result.scenario.name for one in played] == ["s [row 1: ada]", "s [row 2: bob]"]
    assert [one.requests[0].url for one in played] == ["http://api.test/ada", "http://api.test/bob"]


def test_a_scenario_without_rows_is_played_as_it_is(journey):
    scenario = journey("- {request: {url: /}}")
    assert list(expand_rows(scenario)) == [scenario]


def test_rows_of_a_csv_file_are_texts_by_the_names_of_its_head(rows, tmp_path):
    (tmp_path / "u.csv").write_bytes(b'\xef\xbb\xbfuser, note\r\nada,"a, ""b"""\r\n\r\n007,\r\n')
    assert [dict(one.row.fields) for one in rows("{file: u.csv}")] == [
        {"user": "ada", "note": 'a, "b"'},
        {"user": "007", "note": ""},
    ]


def test_rows_of_a_json_file_keep_their_types(rows, tmp_path):
    (tmp_path / "u.json").write_text('[{"user": "ada", "n": 1.5, "on": true}]')
    assert dict(rows("{file: u.json}")[0].row.fields) == {"user": "ada", "n": 1.5, "on": True}


def test_shuffled_rows_keep_their_numbers_and_repeat_with_the_seed(rows):
    text = "{inline: [{user: a}, {user: b}, {user: c}, {user: d}], shuffle: 7}"
    first, again = rows(text), rows(text)
    assert [one.row for one in first] == [one.row for one in again]
    assert [one.row.number for one in first] != [1, 2, 3, 4]
    assert {one.row.number: one.row.fields["user"] for one in first} == {1: "a", 2: "b", 3: "c", 4: "d"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("u.csv", "user,n\nada\n", "u.csv:2:1: 1 fields, where the head has 2"),
        ("u.csv", "user,user\n", "u.csv:1:1: two columns are called 'user'"),
        ("u.csv", "user,\n", "u.csv:1:1: the first line must name every column"),
        ("u.csv", "", "u.csv:1:1: the first line must name every column"),
        ("u.csv", "user\n", "s.yaml:2:7: no rows"),
        ("u.csv", 'user\n"ada', "u.csv:2:1: not CSV"),
        ("u.json", "[{]", "u.json:1:3: not JSON"),
        ("u.json", "{}", "u.json:1:1: not a list of objects"),
        ("u.json", "[" * 100_000, "u.json:1:1: not JSON"),
        ("u.txt", "x", "'u.txt' is neither a .csv nor a .json file"),
        ("other.csv", "x", "no file 'u.csv' here or in a folder above"),
    ],
)
def test_rows_that_cannot_be_read_are_told_with_their_place(journey, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    asked = name if name.startswith("u.") else "u.csv"
    with pytest.raises(DocumentError) as caught:
        journey(f"scenario: s\nrows: {{file: {asked}}}\n{STEP}")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no rows, so nothing would be played"),
        ("{}", "rows come from either a `file` or an `inline` list"),
        ("{file: a.csv, inline: []}", "rows come from either a `file` or an `inline` list"),
        ("[1]", "s.yaml:2:8: 1: a mapping is wanted here"),
    ],
)
def test_rows_that_are_none_are_refused(journey, text, message):
    with pytest.raises(DocumentError) as caught:
        journey(f"scenario: s\nrows: {text}\n{STEP}")
    assert message in str(caught.value)


def test_a_row_is_named_in_a_failure_that_used_it(rows, run, canned):
    [failed] = run(rows("[{user: ada}]")[0], canned.ok(500)).told
    assert [(used.name, used.origin) for used in failed.used] == [("row", "row 1")]
