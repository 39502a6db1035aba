"""A user's patterns: found, replaced, and never run for long."""

from __future__ import annotations

import pytest

from seatrial import match, regexes
from seatrial.regexes import TooSlow, compile_regex

ENDLESS = "(a|a)*(a|a)*(a|a)*$"
SUBJECT = "a" * 5000 + "!"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(regexes, "BUDGET_S", 0.02)


def test_first_group_is_found_or_the_whole_match():
    assert compile_regex(r"id=(\d+)").found("a id=7 id=8") == "7"
    assert compile_regex(r"id=\d+").found("a id=7") == "id=7"
    assert compile_regex(r"id=\d+").found("none") is None


@pytest.mark.parametrize("text", ["(", "[", "*", "(?P<a", "a" * (regexes.MAX_PATTERN + 1), r"\1"])
def test_text_that_is_no_pattern_is_told(text):
    with pytest.raises(ValueError, match="regular expression"):
        compile_regex(text)


@pytest.mark.parametrize(
    "text", ["(a{5000}){5000}", "((a{99}){99}b){99,}", r"(\(){9}([)]x{500}){500}", "a{999999999}"]
)
def test_pattern_whose_repetitions_multiply_is_refused_unbuilt(text):
    with pytest.raises(ValueError, match="its repetitions multiply"):
        compile_regex(text)


@pytest.mark.parametrize(
    "text",
    [
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"(\d{1,3}\.){3}\d{1,3}",
        "a{1000}b{1000}",
        "[(]{5}x{,3}",
    ],
)
def test_pattern_of_usual_size_is_compiled(text):
    assert compile_regex(text).text == text


def test_pattern_that_calls_itself_without_end_is_given_up():
    with pytest.raises(TooSlow):
        compile_regex("(?R)").search("a")


def test_pattern_that_backtracks_without_end_is_given_up(impatient):
    with pytest.raises(TooSlow, match="took longer than"):
        compile_regex(ENDLESS).search(SUBJECT)
    with pytest.raises(TooSlow):
        compile_regex(ENDLESS).replace(SUBJECT, "b")


def test_predicate_that_took_too_long_fails_negated_too_and_says_why(impatient):
    asked = match.predicate("matches")
    assert not asked.holds(SUBJECT, ENDLESS)
    assert not match.negated(asked).holds(SUBJECT, ENDLESS)
    assert "took longer than" in asked.ask(SUBJECT, ENDLESS)


def test_replacement_knows_groups_and_is_bounded():
    assert compile_regex(r"(\w)-(?P<b>\w)").replace("a-b c-d", r"\g<b>\1") == "ba dc"
    with pytest.raises(ValueError, match="cannot replace"):
        compile_regex("a").replace("a", r"\7")
    with pytest.raises(ValueError, match="more than"):
        compile_regex("a").replace("a" * 5000, "b" * 5000)
