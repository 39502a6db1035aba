"""Filters: what each makes of a value, and what it says where it can make nothing."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import DocumentError, Where
from seatrial.scenarios.answers import filter_values, filters
from seatrial.scenarios.answers.filters import CannotApply, apply, compile_filter
from seatrial.scenarios.answers.wanted import FilterKind
from seatrial.template import compile_text

HERE = Where("s.yaml", 3, 7)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY_S = 86_400
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def made(kind, value, *arguments, scope=None, now=NOON.timestamp):
    return apply(compile_filter(FilterKind(kind), arguments, HERE), value, scope or {}, now=now)


MADE = [
    ("base64_decode", (), "SGVsbG8=", b"Hello"),
    ("base64_decode", (), "SGVs\nbG8", b"Hello"),
    ("base64_encode", (), b"Hello", "SGVsbG8="),
    ("base64_encode", (), "é", "w6k="),
    ("base64_url_safe_decode", (), "_-8", b"\xff\xef"),
    ("base64_url_safe_encode", (), b"\xff\xef", "_-8"),
    ("count", (), [1, 2], 2),
    ("count", (), [], 0),
    ("count", (), b"abc", 3),
    ("count", (), {"a": 1}, 1),
    ("days_after_now", (), datetime(2026, 2, 1, 18, tzinfo=UTC), 1),
    ("days_after_now", (), datetime(2026, 1, 31, 11, tzinfo=UTC), 0),
    ("days_before_now", (), datetime(2026, 1, 29, 11, tzinfo=UTC), 2),
    ("decode", ("iso-8859-1",), b"caf\xe9", "café"),
    ("decode", ("gb2312",), b"\xc4\xe3\xba\xc3", "你好"),
    ("first", (), [1, 2, 3], 1),
    ("last", (), [1, 2, 3], 3),
    ("nth", (1,), [1, 2, 3], 2),
    ("nth", (-2,), [1, 2, 3], 2),
    ("date_format", ("%d.%m.%Y %H:%M",), NOON, "31.01.2026 12:00"),
    ("to_date", ("%Y-%m-%d %H:%M",), "2026-01-31 12:00", NOON),
    ("to_date", ("%Y-%m-%dT%H:%M:%S%z",), "2026-01-31T13:00:00+01:00", NOON),
    ("html_escape", (), "<a & 'b'>", "&lt;a &amp; &#x27;b&#x27;&gt;"),
    ("html_unescape", (), "&lt;a&gt; &eacute;", "<a> é"),
    ("jsonpath", ("$.a[0]",), '{"a": [7]}', 7),
    ("jsonpath", ("$.a[*]",), {"a": [7, 8]}, [7, 8]),
    ("jsonpath", ("$.b[*]",), {"a": [7, 8]}, []),
    ("xpath", ("string(//b)",), "<a><b>x</b></a>", "x"),
    ("xpath", ("//b",), "<a><b>x</b><b>y</b></a>", ["x", "y"]),
    ("regex", (r"id=(\d+)",), "a id=7", "7"),
    ("regex", (r"id=\d+",), "a id=7", "id=7"),
    ("location", (), {"url": "http://a.test/x/y", "status": 302, "location": "../z"}, "http://a.test/z"),
    ("location", (), {"url": "http://a.test/", "status": 302, "location": "http://b.test/"}, "http://b.test/"),
    ("replace", ("l", "L"), "hello", "heLLo"),
    ("replace", ("l", ""), "hello", "heo"),
    ("replace_regex", (r"(\w)(\w)", r"\2\1"), "abcd", "badc"),
    ("split", (", ",), "a, b", ["a", "b"]),
    ("to_float", (), "1.5e1", 15.0),
    ("to_float", (), 2, 2.0),
    ("to_int", (), " -17 ", -17),
    ("to_int", (), 17.9, 17),
    ("to_string", (), 17, "17"),
    ("to_string", (), True, "true"),
    ("to_string", (), {"a": None}, '{"a": null}'),
    ("to_string", (), NOON, "2026-01-31T12:00:00Z"),
    ("to_hex", (), b"\x00\xff", "00ff"),
    ("url_decode", (), "a%2Fb+c", "a/b+c"),
    ("url_encode", (), "a b/é", "a%20b/%C3%A9"),
    ("url_query_param", ("b",), "http://a.test/?a=1&b=x%20y&b=2", "x y"),
    ("url_query_param", ("e",), "?e=", ""),
    ("utf8_decode", (), "é".encode(), "é"),
    ("utf8_decode", (), b"a\xff", "a\ufffd"),
    ("utf8_encode", (), "é", "é".encode()),
    ("lower", (), "ABC", "abc"),
    ("upper", (), "abc", "ABC"),
    ("trim", (), " a \n", "a"),
    ("sort", (), [3, 1.5, 2], [1.5, 2, 3]),
    ("sort", (), ["b", "a"], ["a", "b"]),
    ("unique", (), [1, 1.0, True, "1", {"a": 1}, {"a": 1.0}], [1, True, "1", {"a": 1}]),
    ("lone", (), ["a"], "a"),
    ("lone", (), ["a", "b"], ["a", "b"]),
    ("milliseconds", (), 0.25, 250),
]
CANNOT = [
    ("base64_decode", (), "a*b", "'a*b' is not base64"),
    ("base64_encode", (), 5, "integer <5> is no bytes"),
    ("base64_url_safe_decode", (), "a+b", "'a+b' is not base64 for URLs"),
    ("base64_url_safe_encode", (), None, "null <null> is no bytes"),
    ("count", (), "abc", "'abc' has nothing to count"),
    ("days_after_now", (), "2026-01-31", "'2026-01-31' is no date; make it one by to_date"),
    ("days_before_now", (), 5, "integer <5> is no date"),
    ("decode", ("utf-8",), b"a\xff", "bytes <61ff> is not utf-8 (byte 1)"),
    ("decode", ("utf-8",), "text", "'text' is no bytes"),
    ("first", (), [], "the list is empty"),
    ("last", (), "abc", "'abc' is no list"),
    ("nth", (3,), [1, 2, 3], "a list of 3 has no element 3"),
    ("nth", (-4,), [1, 2, 3], "a list of 3 has no element -4"),
    ("date_format", ("%Y",), "2026", "'2026' is no date"),
    ("to_date", ("%Y-%m-%d",), "31.1.2026", "'31.1.2026' is no date in the format '%Y-%m-%d'"),
    ("to_date", ("%Y",), 2026, "integer <2026> is no text"),
    ("html_escape", (), 5, "integer <5> is no text"),
    ("html_unescape", (), 5, "integer <5> is no text"),
    ("jsonpath", ("$.a",), "{", "'{' is not JSON"),
    ("jsonpath", ("$.b",), {"a": 1}, 'nothing at $.b in object <{"a": 1}>'),
    ("xpath", ("//a",), "", "it is empty"),
    ("xpath", ("//a",), 5, "integer <5> is no text"),
    ("regex", (r"\d+",), "abc", r"nothing in 'abc' matches '\d+'"),
    ("location", (), {"url": "x"}, 'object <{"url": "x"}> is no redirect'),
    ("replace", ("a", "b"), 5, "integer <5> is no text"),
    ("replace_regex", ("a", r"\9"), "a", "cannot replace"),
    ("split", (",",), 5, "integer <5> is no text"),
    ("to_float", (), "nan", "'nan' is no number"),
    ("to_float", (), "1e999", "too large"),
    ("to_float", (), 10**400, "too large"),
    ("to_int", (), "abc", "'abc' is no whole number"),
    ("to_int", (), "1_000", "'1_000' is no whole number"),
    ("to_int", (), float("inf"), "infinity"),
    ("to_int", (), True, "boolean <true> is no whole number"),
    ("to_string", (), b"a", "decode it"),
    ("to_hex", (), "a", "'a' is no bytes"),
    ("url_decode", (), 5, "integer <5> is no text"),
    ("url_encode", (), 5, "integer <5> is no text"),
    ("url_query_param", ("c",), "/?a=1", "no parameter 'c' in '/?a=1'"),
    ("utf8_decode", (), "a", "'a' is no bytes"),
    ("utf8_encode", (), 5, "integer <5> is no text"),
    ("lower", (), 5, "integer <5> is no text"),
    ("upper", (), 5, "integer <5> is no text"),
    ("trim", (), 5, "integer <5> is no text"),
    ("sort", (), [1, "a"], "neither numbers alone nor texts alone"),
    ("unique", (), "aa", "'aa' is no list"),
    ("lone", (), [], "the list is empty"),
    ("lone", (), "a", "'a' is no list"),
    ("milliseconds", (), "soon", "'soon' is no number"),
]


@pytest.mark.parametrize(("kind", "arguments", "value", "wanted"), MADE)
def test_filter_makes_its_value(kind, arguments, value, wanted):
    result = made(kind, value, *arguments)
    assert result == wanted
    assert type(result) is type(wanted)


@pytest.mark.parametrize(("kind", "arguments", "value", "why"), CANNOT)
def test_filter_that_cannot_be_applied_names_itself_and_quotes_the_value(kind, arguments, value, why):
    with pytest.raises(CannotApply) as caught:
        made(kind, value, *arguments)
    assert str(caught.value).startswith(f"filter '{kind}': ")
    assert why in str(caught.value)


def test_every_filter_is_covered_here_both_ways():
    assert {kind for kind, *_ in MADE} == {kind for kind, *_ in CANNOT} == set(FilterKind) == set(filters._FILTERS)


@pytest.mark.parametrize(
    ("kind", "arguments", "problem"),
    [
        ("count", [1], "'count' takes no argument, not 1; write count"),
        ("nth", [], "'nth' takes one argument, not 0; write {nth: -1}"),
        ("nth", ["1"], 'string <"1"> is no index'),
        ("nth", [True], "boolean <true> is no index"),
        ("replace", ["a"], "'replace' takes 2 arguments, not 1; write {replace: [old, new]}"),
        ("replace", ["", "b"], "an empty text"),
        ("split", [1.5], "float <1.5> is no text"),
        ("regex", ["("], "'(' is not a regular expression"),
        ("replace_regex", ["(", "a"], "'(' is not a regular expression"),
        ("jsonpath", ["a.b"], "'a.b' is not a JSON path"),
        ("xpath", ["//["], "'//[' is not an XPath"),
        ("decode", ["klingon"], "unknown charset 'klingon'"),
        ("decode", ["hex"], "unknown charset 'hex'"),
        ("decode", ["punycode"], "unknown charset 'punycode'"),
        ("date_format", ["%Q"], "'%Q' is no date format"),
        ("to_date", ["ymd"], "'ymd' is no date format: no directive"),
    ],
)
def test_wrong_arguments_are_told_with_their_place(kind, arguments, problem):
    with pytest.raises(DocumentError) as caught:
        compile_filter(FilterKind(kind), arguments, HERE)
    assert str(caught.value).startswith(f"s.yaml:3:7: {problem}")


def test_argument_may_be_a_template_and_keeps_its_type():
    assert made("nth", [1, 2, 3], "{{ at }}", scope={"at": 2}) == 3
    assert made("regex", "b=2", "{{ name }}=(.)", scope={"name": "b"}) == "2"
    assert made("split", "a2b", "{{ at }}", scope={"at": 2}) == ["a", "b"]
    assert made("replace", "a-b", "-", compile_text("{{ by }}", HERE), scope={"by": "+"}) == "a+b"


@pytest.mark.parametrize(("argument", "scope"), [("{{ at }}", {"at": "x"}), ("{{ at }}", {})])
def test_template_that_renders_to_no_argument_is_told_with_its_place(argument, scope):
    with pytest.raises(DocumentError, match=r"s\.yaml:3:7: .*(is no index|'at' is not defined)"):
        made("nth", [1], argument, scope=scope)


def test_result_is_bounded():
    assert made("replace", "a" * 1000, "a", "b" * 1000) == "b" * 1_000_000
    with pytest.raises(CannotApply, match="more than"):
        made("replace", "a" * 10_000, "a", "b" * 10_000)
    with pytest.raises(CannotApply, match="more than"):
        made("replace_regex", "a" * 10_000, "a", "b" * 10_000)
    with pytest.raises(CannotApply, match="more than"):
        made("split", "," * filter_values.MAX_PARTS, ",")


def test_base64_then_utf8_gives_the_text_that_was_packed():
    assert made("utf8_decode", made("base64_decode", made("base64_encode", "grüezi"))) == "grüezi"


@given(st.binary())
def test_both_base64_undo_themselves(content):
    assert made("base64_decode", made("base64_encode", content)) == content
    assert made("base64_url_safe_decode", made("base64_url_safe_encode", content)) == content


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escapes_undo_themselves(text):
    assert made("url_decode", made("url_encode", text)) == text
    assert made("utf8_decode", made("utf8_encode", text)) == text


@given(JSON_VALUES, st.sampled_from([kind for kind in FilterKind if not filters._FILTERS[kind].arguments]))
def test_no_value_makes_a_filter_fail_otherwise(value, kind):
    with contextlib.suppress(CannotApply):
        made(kind, value)


@given(st.lists(JSON_VALUES))
def test_what_is_left_of_a_list_is_unlike_each_other(values):
    left = made("unique", values)
    assert made("unique", left) == left
    assert all(any(kept is value for value in values) for kept in left)
