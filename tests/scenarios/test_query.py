"""Queries: what they find in an answer, and what they say when there is nothing."""

from __future__ import annotations

import pytest

from seatrial.exchange import Response
from seatrial.scenarios.query import compile_query, run
from seatrial.scenarios.reading import Reading
from seatrial.scenarios.wanted import QueryKind


def look(kind, text, body=b"", *headers):
    return run(compile_query(QueryKind(kind), text), Reading(Response(200, headers, body, 0.25)), {})


DOCUMENT = b'{"id": 7, "none": null, "items": [{"n": 1}, {"n": 2}], "empty": [], "a b": {"c": true}}'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.id", 7),
        ("$.none", None),
        ("$.items[-1].n", 2),
        ("$['a b'].c", True),
        ("$.items[*].n", [1, 2]),
        ("$.items[?@.n > 1].n", [2]),
        ("$..n", [1, 2]),
        ("$.empty", []),
    ],
)
def test_json_path_finds_one_value_or_the_list_of_many(path, value):
    found = look("jsonpath", path, DOCUMENT)
    assert found.exists
    assert found.value == value


@pytest.mark.parametrize(
    ("path", "value", "near"),
    [
        ("$.idd", None, ("id",)),
        ("$.items[0].m", None, ("n",)),
        ("$.items[*].m", [], ("n",)),
        ("$.items[9].n", None, ()),
        ("$.id.x", None, ()),
        ("$.empty[*]", [], ()),
    ],
)
def test_json_path_that_finds_nothing_names_the_nearest_keys(path, value, near):
    found = look("jsonpath", path, DOCUMENT)
    assert not found.exists
    assert (found.value, found.near) == (value, near)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_body_that_is_no_json_says_so(body):
    found = look("jsonpath", "$.a", body)
    assert not found.exists
    assert "not JSON" in found.why


def test_header_is_found_whatever_its_case_and_the_first_wins():
    headers = (("X-Cache", "no"), ("x-cache", "yes"))
    assert look("header", "x-CACHE", b"", *headers).value == "no"
    missing = look("header", "X-Cach", b"", *headers)
    assert (missing.exists, missing.near) == (False, ("X-Cache", "x-cache"))


def test_regex_gives_its_first_group_or_the_whole_match():
    assert look("regex", r"id=(\d+)", b"a id=7 id=8").value == "7"
    assert look("regex", r"id=\d+", b"a id=7").value == "id=7"
    assert not look("regex", r"id=\d+", b"none").exists


def test_body_is_decoded_by_its_charset_and_never_fails():
    latin = ("Content-Type", "text/plain; charset=latin-1")
    unknown = ("Content-Type", "text/plain; charset=klingon")
    assert look("body", "", "é".encode("latin-1"), latin).value == "é"
    assert look("body", "", "é".encode(), unknown).value == "é"
    assert look("body", "", b"\xff").value == "\ufffd"


def test_status_and_duration_are_the_answers():
    assert look("status", "").value == 200
    assert look("duration", "").value == 0.25
