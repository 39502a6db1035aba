"""What stands in the holes of a .hurl file: variables as they are, each looked up by its name in the scope."""

from __future__ import annotations

import random

import pytest

from seatrial import template
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.hurl import values
from seatrial.scenarios.hurl.syntax import Hole, Text

WHERE = Where("journey.hurl", 3, 7, 12)


def text(*pieces):
    """A text of its pieces; a list of one name is a hole."""
    return Text(tuple(Hole(piece[0], WHERE) if isinstance(piece, list) else piece for piece in pieces), WHERE)


def render(*pieces, **scope):
    return values.template_of(text(*pieces)).render(scope)


@pytest.mark.parametrize("value", [7, 1.5, True, None, [1], {"a": 1}, "x"])
def test_a_hole_alone_keeps_the_type_of_its_value(value):
    rendered = values.value_of_hole(Hole("a", WHERE)).render({"a": value})
    assert rendered == value
    assert type(rendered) is type(value)


def test_values_within_a_text_are_written_as_hurl_writes_them():
    assert render(["a"], "/", ["b"], "?", ["c"], a=1, b=True, c=None) == "1/true?null"


def test_name_may_hold_hyphens_and_begin_with_a_digit():
    value = values.value_of(text(["my-id"], ["2nd"]))
    assert value.names == {"my-id", "2nd"}
    assert value.render({"my-id": "a", "2nd": "b"}) == "ab"


def test_text_without_holes_is_fixed():
    assert values.value_of(text('{"a": 1} {% if %}')) == template.Fixed('{"a": 1} {% if %}')


def test_undefined_name_is_told_with_the_nearest_one():
    with pytest.raises(DocumentError, match=r"'tokn' is not defined; did you mean 'token'") as caught:
        render("x", ["tokn"], token="t")
    assert caught.value.where == WHERE


def test_functions_of_the_scope_are_no_variables():
    scope = template.functions(random.Random(1), lambda: 0.0)
    with pytest.raises(DocumentError, match="'today' is not defined"):
        render(["today"], **scope)


def test_new_uuid_and_new_date_are_those_of_the_play_and_no_variables():
    def drawn():
        scope = template.functions(random.Random(5), lambda: 86400.25)
        return render(["newUuid"], " ", ["newUuid"], " ", ["newDate"], **scope).split()

    first, second, date = drawn()
    assert first != second
    assert date == "1970-01-02T00:00:00.250000Z"
    assert drawn() == [first, second, date]
    assert values.value_of(text(["newUuid"])).names == frozenset()


def test_new_uuid_is_made_where_a_variable_has_the_name_of_its_function():
    assert len(render(["newUuid"], uuid="mine")) == 36
    assert render(["newDate"], now="mine").endswith("Z")


def test_text_is_bounded():
    with pytest.raises(DocumentError, match="more than 10485760 characters") as caught:
        render(["a"], ["a"], a="x" * (6 << 20))
    assert caught.value.where == WHERE
