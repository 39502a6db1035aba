"""Two answers compared field by field: every kind of difference by its path, and none of an answer with itself."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.slo.diff.answer import Bytes, Json, Seen, Text
from seatrial.slo.diff.compare import ABSENT, MAX_DIFFERENCES, Kind, differences, ignored

MIRROR = {Kind.MISSING: Kind.EXTRA, Kind.EXTRA: Kind.MISSING}


def seen(content=None, *, status=200, headers=(), outcome="passed"):
    return Seen(outcome, status, tuple(headers), content)


def found(left, right, *skip):
    return [(each.path, each.kind) for each in differences(left, right, ignored(skip))]


def of_json(left, right, *skip):
    return found(seen(Json(left)), seen(Json(right)), *skip)


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        ({"a": 1}, {"a": 2}, [("$.a", "value")]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": 1.5}, [("$.a", "value")]),
        ({"a": 1}, {"a": "1"}, [("$.a", "type")]),
        ({"a": 1}, {"a": True}, [("$.a", "type")]),
        ({"a": None}, {"a": 0}, [("$.a", "type")]),
        ({"a": None}, {}, [("$.a", "missing")]),
        ({}, {"a": {"b": 1}}, [("$.a", "extra")]),
        ({"a": {"b c": 1}}, {"a": {"b c": 2}}, [('$.a["b c"]', "value")]),
        ([1, 2], [2, 1], [("$", "order")]),
        ({"l": [{"n": 1}, {"n": 2}]}, {"l": [{"n": 2}, {"n": 1.0}]}, [("$.l", "order")]),
        ([1, 2], [1, 3], [("$[*]", "value")]),
        ([{"p": 1}, {"p": 2}], [{"p": 8}, {"p": 9}], [("$[*].p", "value")]),
        ([1], [1, 1], [("$", "size")]),
        ([], [{"a": 1}], [("$", "size")]),
        ([{"a": 1}], [{"a": 1, "b": {"c": 1}}, {"a": 2}], [("$", "size"), ("$[*].b", "extra")]),
        ([{"a": 1}, {"a": 2}], [{"a": "x"}], [("$", "size"), ("$[*].a", "type")]),
        ([{"a": 1}, {"a": None}], [{"a": 3}], [("$", "size")]),
        ({"7": 1}, {"8": 1}, [("$.*", "missing"), ("$.*", "extra")]),
        ({"by": {"2024-01-02": {"n": 1}}}, {"by": {"2024-01-02": {"n": 2}}}, [("$.by.*.n", "value")]),
        ({"v1": 1}, {"v2": 1}, [("$.v1", "missing"), ("$.v2", "extra")]),
    ],
)
def test_json_is_compared_by_path(left, right, told):
    assert of_json(left, right) == told


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        ("a\nb\nc", "a\nB\nc", [("line.2", "value")]),
        ("a\nb", "b\na", [("lines", "order")]),
        ("a\nb", "a\nx\nb", [("lines", "size"), ("line.*", "extra")]),
        ("a\n", "a", []),
    ],
)
def test_text_is_compared_by_line(left, right, told):
    assert found(seen(Text(left)), seen(Text(right))) == told


def test_bytes_are_compared_by_size_and_digest():
    assert found(seen(Bytes(2, "aa")), seen(Bytes(3, "bb"))) == [("bytes", "size")]
    assert found(seen(Bytes(2, "aa")), seen(Bytes(2, "bb"))) == [("bytes", "value")]
    assert found(seen(Bytes(2, "aa")), seen(Bytes(2, "aa"))) == []


def test_a_body_of_another_kind_is_one_difference():
    [told] = differences(seen(Json({"a": 1})), seen(Text("<html>")))
    assert (told.path, told.kind, told.primary, told.candidate) == ("body", Kind.TYPE, "json", "text")
    assert found(seen(None), seen(Text("x"))) == [("body", "type")]


def test_headers_are_compared_by_name_in_any_case():
    left = seen(headers=[("Content-Type", "a/b"), ("X-One", "1")])
    right = seen(headers=[("content-type", "a/c"), ("x-two", "2")])
    told = {each.path: (each.primary, each.candidate) for each in differences(left, right)}
    assert told == {
        "header.content-type": ("a/b", "a/c"),
        "header.x-one": ("1", ABSENT),
        "header.x-two": (ABSENT, "2"),
    }


def test_headers_of_the_moment_and_the_connection_are_not_compared():
    left = seen(headers=[("Date", "a"), ("Server", "b"), ("Connection", "close"), ("Content-Length", "4")])
    assert found(left, seen()) == []


def test_of_a_cookie_the_name_is_compared_and_of_an_etag_that_it_is_there():
    left = seen(headers=[("Set-Cookie", "sid=1; Path=/"), ("ETag", '"a"')])
    assert found(left, seen(headers=[("Set-Cookie", "sid=2"), ("ETag", '"b"')])) == []
    assert found(left, seen(headers=[("Set-Cookie", "id=1")])) == [
        ("header.etag", "header"),
        ("header.set-cookie", "header"),
    ]


def test_another_class_of_status_ends_the_comparison():
    assert found(seen(Json(1)), seen(Json(2), status=201)) == [("status", "status"), ("$", "value")]
    assert found(seen(Json(1)), seen(Json(2), status=500)) == [("status", "status")]


def test_a_side_without_an_answer_differs_in_its_outcome_alone():
    assert found(seen(Json(1)), Seen("failed: refused", None)) == [("outcome", "outcome")]


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ("$.a.b", ["$.c[*].id", "$.bc"]),
        ("$.c[0].id", ["$.a.b", "$.bc"]),
        ("$.c", ["$.a.b", "$.bc"]),
        ("$..id", ["$.a.b", "$.bc"]),
        ("$.b", ["$.a.b", "$.c[*].id", "$.bc"]),
        ("$", []),
        ("$..nothing", ["$.a.b", "$.c[*].id", "$.bc"]),
    ],
)
def test_an_ignored_path_takes_what_is_below_it_along(skip, left):
    one, other = {"a": {"b": 1}, "c": [{"id": 1}], "bc": 1}, {"a": {"b": 2}, "c": [{"id": 2}], "bc": 2}
    assert [path for path, _ in of_json(one, other, skip)] == left


@pytest.mark.parametrize(
    "word", ["a", "", "headers", "price.x", "statuses", "header", "header.", "line.", "line.x", "$x", "$.", "$..."]
)
def test_a_path_that_can_name_no_field_is_refused(word):
    with pytest.raises(ValueError, match=re.escape(f"'{word}' names no field")):
        ignored([word])


def test_headers_lines_and_statuses_can_be_ignored():
    left, right = seen(Text("a\nb"), headers=[("X-A", "1")]), seen(Text("b\nc"), status=201, headers=[("X-A", "2")])
    assert found(left, right, "header.X-A", "status") == [("line.1", "value"), ("line.2", "value")]
    assert [path for path, _ in found(left, right, "line.2")] == ["status", "header.x-a", "line.1"]


def test_very_many_differences_are_cut():
    left, right = {f"k{n}x": 1 for n in range(3000)}, {f"k{n}x": 2 for n in range(3000)}
    assert len(of_json(left, right)) == MAX_DIFFERENCES


def test_a_large_list_that_differs_everywhere_is_one_difference_and_quick():
    left, right = [{"n": n} for n in range(50_000)], [{"n": -n - 1} for n in range(50_000)]
    began = time.process_time()
    assert of_json(left, right) == [("$[*].n", "value")]
    assert time.process_time() - began < 10


def test_an_ignored_path_is_sought_in_linear_time():
    began = time.process_time()
    ignored(["$..a"]).covers("$" + ".b" * 20_000)
    assert time.process_time() - began < 5


KEYS = st.sampled_from(["a", "b", "c d", "7", "id"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
CONTENTS = st.one_of(
    st.none(),
    VALUES.map(Json),
    st.text("ab\n", max_size=8).map(Text),
    st.builds(Bytes, st.integers(1, 2), st.sampled_from(["aa", "bb"])),
)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["Date", "X-A", "x-b", "Set-Cookie", "ETag"]), st.sampled_from(["1", "2"])), max_size=3
)
ANSWERS = st.builds(
    Seen,
    st.sampled_from(["passed", "failed: check"]),
    st.sampled_from([None, 200, 201, 500]),
    HEADERS.map(tuple),
    CONTENTS,
)


@given(ANSWERS)
def test_an_answer_never_differs_from_itself(answer):
    assert list(differences(answer, answer)) == []


@given(ANSWERS, ANSWERS)
def test_the_other_way_round_the_same_fields_differ(left, right):
    there = Counter((path, MIRROR.get(kind, kind)) for path, kind in found(left, right))
    assert there == Counter(found(right, left))


@given(VALUES, VALUES)
def test_json_that_is_not_equal_differs_somewhere(left, right):
    same = seen(Json(left)) == seen(Json(right))
    if of_json(left, right) == []:
        assert left == right
    elif same:
        # Python takes True for 1; JSON does not.
        assert repr(left) != repr(right)
