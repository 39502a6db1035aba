"""Templates of .hurl files: names and nothing else, each looked up as it is."""

from __future__ import annotations

import random

import pytest

from seatrial import template
from seatrial.errors import DocumentError, Where

WHERE = Where("journey.hurl", 3, 7, 12)


def render(text, **scope):
    return template.compile_names(text, WHERE).render(scope)


@pytest.mark.parametrize("value", [7, 1.5, True, None, [1], {"a": 1}, "x"])
def test_one_name_alone_keeps_the_type_of_its_value(value):
    rendered = render("{{ a }}", a=value)
    assert rendered == value
    assert type(rendered) is type(value)


def test_names_within_a_text_are_shown_as_text():
    assert render("{{a}}/{{ b }}?{{c}}", a=1, b=True, c=None) == "1/true?null"


def test_name_may_hold_hyphens_and_begin_with_a_digit():
    value = template.compile_names("{{ my-id }}{{ 2nd }}", WHERE)
    assert value.names == {"my-id", "2nd"}
    assert value.render({"my-id": "a", "2nd": "b"}) == "ab"


def test_text_without_names_is_fixed():
    assert template.compile_names('{"a": {"b": 1}} {% if %}', WHERE).render({}) == '{"a": {"b": 1}} {% if %}'
    assert isinstance(template.compile_names("plain", WHERE), template.Fixed)


@pytest.mark.parametrize("text", ["{{ a b }}", "{{}}", "x {{ a", "{{ a.b }}", "{{ a | upper }}", "{{{ a }}}"])
def test_anything_else_in_braces_is_refused_with_its_place(text):
    with pytest.raises(DocumentError, match="is not a template; write") as caught:
        template.compile_names(text, WHERE)
    assert caught.value.where == WHERE


def test_undefined_name_is_told_with_the_nearest_one():
    with pytest.raises(
        DocumentError, match=r"'tokn' is not defined, in 'x\{\{tokn\}\}'; did you mean 'token'"
    ) as caught:
        render("x{{tokn}}", token="t")
    assert caught.value.where == WHERE


def test_functions_of_the_scope_are_no_variables():
    scope = template.functions(random.Random(1), lambda: 0.0)
    with pytest.raises(DocumentError, match="'today' is not defined"):
        render("{{ today }}", **scope)


def test_new_uuid_and_new_date_are_those_of_the_play_and_no_variables():
    def drawn():
        scope = template.functions(random.Random(5), lambda: 86400.25)
        return template.compile_names("{{newUuid}} {{ newUuid }} {{newDate}}", WHERE).render(scope).split()

    first, second, date = drawn()
    assert first != second
    assert date == "1970-01-02T00:00:00.250Z"
    assert drawn() == [first, second, date]
    assert template.compile_names("{{newUuid}}", WHERE).names == frozenset()


def test_new_uuid_is_made_where_a_variable_has_the_name_of_its_function():
    assert len(render("{{newUuid}}", uuid="mine")) == 36
    assert render("{{newDate}}", now="mine").endswith("Z")


def test_text_of_names_is_bounded():
    with pytest.raises(DocumentError, match="more than 1048576 characters"):
        render("{{ a }}{{ a }}", a="x" * (1 << 20))
