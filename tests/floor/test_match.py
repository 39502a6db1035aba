"""Predicates and shapes: what holds, what does not, and what cannot be asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import match
from seatrial.predicates import FileContent

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HOLDS = [
    ("eq", 1, 1.0),
    ("eq", {"a": [1]}, {"a": [1.0]}),
    ("ne", True, 1),
    ("ne", "1", 1),
    ("gt", 2, 1),
    ("gte", 2, 2),
    ("lt", "a", "b"),
    ("lte", 1.5, 1.5),
    ("between", 5, [5, 9]),
    ("in", 2, [1, 2]),
    ("nin", 3, [1, 2]),
    ("contains", "hello", "ell"),
    ("contains", [1, {"a": 1}], {"a": 1}),
    ("contains", {"a": None}, "a"),
    ("starts_with", "hello", "he"),
    ("ends_with", "hello", "lo"),
    ("matches", "order 17", r"\d+$"),
    ("exists", None, True),
    ("empty", [], True),
    ("empty", "x", False),
    ("length", "abc", 3),
    ("length", {"a": 1}, 1),
    ("eq", b"Hello", "48656c6C6f"),
    ("eq", NOON, "2026-01-31T13:00:00+01:00"),
    ("eq", NOON, NOON),
    ("gt", NOON, "2026-01-31"),
    ("between", NOON, ["2026-01-31", "2026-02-01"]),
    ("contains", b"Hello", "6c6c"),
    ("starts_with", b"Hello", b"He"),
    ("ends_with", b"Hello", "6c6f"),
    ("length", b"Hello", 5),
    ("empty", b"", True),
    ("schema", {"a": 1}, {"required": ["a"]}),
    ("equals_file", "text", FileContent("f", b"text")),
    ("equals_file", b"\xff", FileContent("f", b"\xff")),
]
FAILS = [
    ("eq", True, 1),
    ("eq", None, 0),
    ("gt", 1, 1),
    ("between", 10, [5, 9]),
    ("in", True, [1]),
    ("contains", "hello", "x"),
    ("empty", [0], True),
    ("length", "abc", 2),
    ("eq", b"Hello", "no hex"),
    ("eq", NOON, "at noon"),
    ("lt", NOON, "2026-01-31T11:00:00Z"),
    ("contains", b"Hello", "ff"),
    ("schema", {"b": 1}, {"required": ["a"]}),
    ("equals_file", "text", FileContent("f", b"test")),
]
SENSELESS = [
    ("gt", "5", 1),
    ("gt", None, 1),
    ("gt", True, 0),
    ("contains", 5, 5),
    ("starts_with", 5, "5"),
    ("matches", None, "."),
    ("empty", 5, True),
    ("length", 5, 1),
    ("between", "a", [1, 2]),
    ("gt", NOON, "noon"),
    ("gt", NOON, 5),
    ("contains", b"Hello", "no hex"),
    ("starts_with", b"Hello", 5),
    ("schema", b"Hello", {}),
    ("equals_file", 5, FileContent("f", b"5")),
]
TYPES = [
    ("string", "", 1),
    ("number", 1.5, "1"),
    ("integer", 1, 1.0),
    ("integer", 1, True),
    ("float", 1.5, 1),
    ("boolean", False, 0),
    ("object", {}, []),
    ("list", [], {}),
    ("null", None, 0),
    ("uuid", "12345678-1234-4234-8234-123456789abc", "1234"),
    ("iso_date", "2026-01-31", "31.1.2026"),
    ("iso_date", "2026-01-31T12:00:00Z", "12:00"),
    ("ipv4", "127.0.0.1", "127.0.0.256"),
    ("ipv6", "::1", "127.0.0.1"),
    ("email", "ada@example.com", "ada"),
    ("url", "https://example.com/x", "/x"),
    ("date", NOON, "2026-01-31T12:00:00Z"),
    ("bytes", b"", ""),
    ("collection", [], "abc"),
]


@pytest.mark.parametrize(("name", "actual", "operand"), HOLDS)
def test_predicate_holds_and_its_negation_does_not(name, actual, operand):
    assert match.predicate(name).holds(actual, operand)
    assert not match.negated(match.predicate(name)).holds(actual, operand)


@pytest.mark.parametrize(("name", "actual", "operand"), FAILS)
def test_predicate_does_not_hold_and_its_negation_does(name, actual, operand):
    assert not match.predicate(name).holds(actual, operand)
    assert match.negated(match.predicate(name)).holds(actual, operand)


@pytest.mark.parametrize(("name", "actual", "operand"), SENSELESS)
def test_question_without_sense_fails_negated_too(name, actual, operand):
    assert not match.predicate(name).holds(actual, operand)
    assert not match.negated(match.predicate(name)).holds(actual, operand)


@pytest.mark.parametrize(("name", "yes", "no"), TYPES)
def test_type_is_told_apart(name, yes, no):
    assert match.predicate("type").holds(yes, name)
    assert not match.predicate("type").holds(no, name)


def test_every_predicate_is_covered_here():
    assert {name for name, *_ in HOLDS} | {"type"} == set(match.PREDICATES)
    assert {name for name, *_ in TYPES} == set(match.TYPES)


@pytest.mark.parametrize(
    ("name", "operand"),
    [
        ("gt", None),
        ("starts_with", 5),
        ("matches", "("),
        ("in", "abc"),
        ("between", [1]),
        ("exists", "maybe"),
        ("length", -1),
        ("length", True),
        ("type", "strng"),
        ("schema", 5),
        ("schema", {"type": "strng"}),
        ("equals_file", "f"),
    ],
)
def test_impossible_operand_is_told(name, operand):
    assert match.operand_problem(name, operand)


@given(
    st.sampled_from(sorted(match.PREDICATES)),
    JSON_VALUES | st.binary() | st.datetimes(timezones=st.just(UTC)),
    JSON_VALUES
    | st.binary()
    | st.sampled_from(sorted(match.TYPES))
    | st.lists(st.integers(), min_size=2, max_size=2),
)
def test_whatever_may_be_an_operand_is_answered_of_any_value_and_worded(name, actual, operand):
    asked = match.predicate(name)
    if match.operand_problem(name, operand):
        return
    assert asked.holds(actual, operand) + match.negated(asked).holds(actual, operand) <= 1
    assert asked.expected(operand) != match.negated(asked).expected(operand)
    assert match.show(actual)


@given(JSON_VALUES)
def test_every_document_matches_itself_even_strictly(value):
    literal = match.fill(match.Literal(None), lambda _: value)
    assert match.strict_mismatches(literal, value) == ()


@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), JSON_VALUES, min_size=1))
def test_object_matches_with_more_members_but_not_with_fewer(members):
    wanted = match.Object(tuple((key, match.Literal(value)) for key, value in members.items()))
    assert match.mismatches(wanted, {**members, "more than asked": 1}) == ()
    less = dict(list(members.items())[1:])
    assert len(match.mismatches(wanted, less)) == 1


def paths(wanted, actual):
    return [match.path_text(missed.path) for missed in match.mismatches(match.pattern(wanted), actual)]


def test_every_mismatch_is_found_with_its_path():
    wanted = {"a": 1, "b": {"c": [{"d": "x"}, 2]}, "e": {"$type": "string"}}
    actual = {"a": 2, "b": {"c": [{"d": "y"}, 2]}, "e": 5}
    assert paths(wanted, actual) == ["$.a", "$.b.c[0].d", "$.e"]


def test_list_must_have_every_element_in_order():
    assert paths([1, 2], [1, 2]) == []
    assert paths([1, 2], [2, 1]) == ["$[0]", "$[1]"]
    assert paths([1, 2], [1, 2, 3]) == ["$"]
    assert paths([1], {"0": 1}) == ["$"]


def test_strict_refuses_members_that_are_not_asked_for():
    wanted = match.pattern({"a": {"b": 1}, "l": [{"x": 1}]})
    actual = {"a": {"b": 1, "c": 2}, "l": [{"x": 1, "y": 2}], "z": 3}
    assert match.mismatches(wanted, actual) == ()
    found = [match.path_text(missed.path) for missed in match.strict_mismatches(wanted, actual)]
    assert sorted(found) == ["$.a.c", "$.l[0].y", "$.z"]


def test_missing_member_names_its_nearest_neighbours():
    [missed] = match.mismatches(match.pattern({"balance": 1}), {"balances": 1, "id": 2})
    assert not missed.present
    assert missed.near == ("balances",)


def test_member_may_be_wanted_absent():
    assert paths({"error": {"$exists": False}}, {"id": 1}) == []
    assert paths({"error": {"$not": {"$exists": True}}}, {"id": 1}) == []
    assert paths({"error": {"$exists": False}}, {"error": None}) == ["$.error"]


def test_matchers_may_be_combined_and_negated():
    wanted = {"n": {"$gte": 1, "$lt": 5, "$not": {"$eq": 3}}}
    assert paths(wanted, {"n": 2}) == []
    assert paths(wanted, {"n": 3}) == ["$.n"]
    assert paths(wanted, {"n": 9}) == ["$.n"]


def test_two_dollars_stand_for_a_member_with_one():
    assert paths({"$$type": "card"}, {"$type": "card"}) == []
    assert paths({"$$type": "card"}, {"$$type": "card"}) == ['$["$type"]']


def test_rendered_container_is_data_and_never_a_matcher():
    wanted = match.fill(match.pattern({"a": "{{ x }}"}), lambda value: {"$type": "string"})
    assert match.mismatches(wanted, {"a": {"$type": "string"}}) == ()
    assert match.mismatches(wanted, {"a": "text"}) != ()


@pytest.mark.parametrize(
    ("content", "path", "problem"),
    [
        ({"a": {"$typ": "string"}}, ("a", "$typ"), "unknown matcher '$typ'"),
        ({"a": {"$type": "string", "b": 1}}, ("a", "b"), "stands beside the matcher"),
        ({"a": {"$type": "strng"}}, ("a", "$type"), "unknown type"),
        ({"a": {"$not": 5}}, ("a", "$not"), "takes one matcher"),
        ({"a": [{"$matches": "("}]}, ("a", 0, "$matches"), "not a regular expression"),
    ],
)
def test_pattern_that_means_nothing_is_an_error_with_its_path(content, path, problem):
    with pytest.raises(match.PatternError, match=problem.replace("$", r"\$")) as caught:
        match.pattern(content)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("name", "operand", "words"),
    [
        ("eq", 5, "integer <5>"),
        ("gt", 5, "greater than integer <5>"),
        ("contains", "x", 'contains string <"x">'),
        ("type", "uuid", "of type uuid"),
        ("exists", True, "there"),
        ("exists", False, "not there"),
        ("empty", False, "not empty"),
        ("length", 3, "of length 3"),
        ("eq", b"Hello", "bytes <48656c6c6f>"),
        ("gt", NOON, "greater than date <2026-01-31T12:00:00Z>"),
        ("schema", {"type": "object"}, "valid by the schema"),
        ("equals_file", FileContent("data/a.txt", b""), "equal to the file data/a.txt"),
    ],
)
def test_expectation_is_worded_with_its_type(name, operand, words):
    assert match.predicate(name).expected(operand) == words


def test_double_negation_is_worded_once():
    assert match.negated(match.predicate("exists")).expected(False) == "there"


def test_long_values_are_shortened():
    assert len(match.show("x" * 10 * match.MAX_SHOWN)) < match.MAX_SHOWN + 100
