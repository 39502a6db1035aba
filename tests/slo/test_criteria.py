"""Criteria have Keptn's grammar and arithmetic, to the last bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.service import Criteria, Criterion, Relation
from seatrial.slo.criteria import Aggregate, aggregate, is_relative, judge_value, parse_criterion, sets_text
from seatrial.verdict import Grade

FIXED, CHANGE, PERCENT = Relation.FIXED, Relation.CHANGE, Relation.PERCENT


def _sets(*texts):
    return tuple(tuple(parse_criterion(text) for text in one) for one in texts)


@pytest.mark.parametrize(
    ("text", "operator", "number", "relation"),
    [
        ("<600", "<", 600.0, FIXED),
        ("<=600", "<=", 600.0, FIXED),
        ("=0", "=", 0.0, FIXED),
        (">=99.5", ">=", 99.5, FIXED),
        (">.5", ">", 0.5, FIXED),
        ("<5.", "<", 5.0, FIXED),
        ("<1e3", "<", 1000.0, FIXED),
        ("< = 6 00", "<=", 600.0, FIXED),
        ("<=+10%", "<=", 10.0, PERCENT),
        ("<=10%", "<=", 10.0, PERCENT),
        ("<=-10%", "<=", -10.0, PERCENT),
        ("<=+50", "<=", 50.0, CHANGE),
        (">=-5", ">=", -5.0, CHANGE),
        (">--5", ">", 5.0, CHANGE),
        ("<+-5%", "<", -5.0, PERCENT),
    ],
)
def test_a_criterion_is_an_operator_and_a_number(text, operator, number, relation):
    assert parse_criterion(text) == Criterion(text, operator, number, relation)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "600",
        "!=5",
        "==5",
        "=<5",
        "=>5",
        "<",
        "<=%",
        "<+",
        "<fast",
        "<1,5",
        "<5ms",
        "<5%%",
        "<inf",
        "<nan",
        "<1e999",
    ],
)
def test_what_is_no_criterion_is_quoted(text):
    with pytest.raises(ValueError, match="write it as <600") as caught:
        parse_criterion(text)
    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "how", "one"),
    [
        ([], "avg", None),
        ([1.0, 2.0, 6.0], "avg", 3.0),
        ([5.0], "p50", 5.0),
        ([5.0], "p95", 5.0),
        ([30.0, 10.0, 20.0], "p50", 20.0),  # position 2 of 4
        ([10.0, 20.0], "p50", 15.0),  # position 1.5
        ([float(n) for n in range(1, 10)], "p90", 9.0),  # position 9 of 10: the last
        ([float(n) for n in range(1, 20)], "p90", 18.0),
        ([float(n) for n in range(1, 21)], "p90", 18.9),  # position 18.9
        ([float(n) for n in range(1, 21)], "p95", 19.95),
        ([1.0, 2.0, 3.0], "p95", 3.0),  # beyond the last
    ],
)
def test_earlier_values_become_one_as_keptn_takes_percentiles(values, how, one):
    found = aggregate(values, Aggregate(how))
    assert found is None if one is None else found == pytest.approx(one, rel=1e-12)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.sampled_from(Aggregate))
def test_an_aggregate_lies_among_its_values(values, how):
    found = aggregate(values, how)
    assert min(values) <= found * (1 + 1e-12) + 1e-12
    assert found <= max(values) * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize(
    ("value", "met", "degraded", "earlier", "grade"),
    [
        (599.0, [["<600"]], [], None, "MET"),
        (600.0, [["<600"]], [], None, "MISSED"),
        (600.0, [["<600"]], [["<=600"]], None, "DEGRADED"),
        (5.0, [["<10", ">4"]], [], None, "MET"),  # and, within a list
        (5.0, [["<10", ">5"]], [], None, "MISSED"),
        (5.0, [["<1"], [">4"]], [], None, "MET"),  # or, across lists
        (440.0, [["<=+10%"]], [], 400.0, "MET"),
        (440.1, [["<=+10%"]], [], 400.0, "MISSED"),
        (360.0, [["<=-10%"]], [], 400.0, "MET"),
        (450.0, [["<=+50"]], [], 400.0, "MET"),
        (395.0, [[">=-5"]], [], 400.0, "MET"),
        (394.0, [[">=-5"]], [], 400.0, "MISSED"),
        (1e9, [["<=+10%"]], [], None, "MET"),  # nothing to compare with
        (1e9, [["<=+10%", "<600"]], [], None, "MISSED"),
        (0.001, [["<=+10%"]], [], 0.0, "MISSED"),  # ten percent more of nothing is nothing
        (0.0, [["<=+10%"]], [], 0.0, "MET"),
        (0.0, [["<+101%"]], [], 0.0, "MISSED"),  # dynatrace-service#818
        (5.0, [["<=+50"]], [], 0.0, "MET"),
        (5.0, [[]], [], None, "MET"),  # an empty list asks nothing
    ],
)
def test_a_value_is_held_against_its_criteria(value, met, degraded, earlier, grade):
    criteria = Criteria(_sets(*met), _sets(*degraded))
    assert judge_value(value, criteria, earlier=earlier)[0] is Grade(grade)


def test_a_criterion_that_holds_for_want_of_an_earlier_value_shows():
    _, held = judge_value(5.0, Criteria(_sets(["<=+10%", "<600"])), earlier=None)
    assert [(one.holds, one.is_vacuous) for one in held] == [(True, True), (True, False)]


def test_criteria_that_are_degraded_are_looked_at_only_when_not_met():
    criteria = Criteria(_sets(["<600"]), _sets(["<800"]))
    assert [one.criterion.text for one in judge_value(5.0, criteria, earlier=None)[1]] == ["<600"]
    assert [one.criterion.text for one in judge_value(700.0, criteria, earlier=None)[1]] == ["<600", "<800"]


def test_criteria_are_shown_as_written():
    assert sets_text(_sets(["<=+10%", "<600"], ["<=500"], [])) == "<=+10% and <600, or <=500, or any value"
    assert is_relative(Criteria(_sets(["<600"]), _sets(["<=+10%"])))
    assert not is_relative(Criteria(_sets(["<600"])))
