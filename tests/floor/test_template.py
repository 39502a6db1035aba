"""Templates: what keeps its type, what becomes text, what is refused and where."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import template
from seatrial.errors import DocumentError, Where

WHERE = Where("journey.yaml", 7, 3, 12)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def render(text, **scope):
    return template.compile_text(text, WHERE).render(scope)


@given(JSON_VALUES)
def test_scalar_that_is_one_expression_keeps_value_and_type(value):
    rendered = render("{{ a }}", a=value)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a }}{{ b }}", "422"),
        (" {{ b }}", " 2"),
        ("x{{ yes }}", "xtrue"),
        ("x{{ nothing }}", "xnull"),
        ("{{ many }} of", '[1, "é", {"k": null}] of'),
        ("{{- a -}}", "42"),
        ("no template", "no template"),
        ("{% if yes %}y{% endif %}", "y"),
        ("{% for i in [1, 2] %}{{ i }};{% endfor %}", "1;2;"),
    ],
)
def test_anything_around_an_expression_makes_text(text, expected):
    assert render(text, a="42", b=2, yes=True, nothing=None, many=[1, "é", {"k": None}]) == expected


def test_text_that_looks_like_a_number_stays_text():
    assert render("{{ a }}", a="042") == "042"


def test_expression_with_a_leading_minus_is_an_expression():
    assert render("{{ -b }}", b=2) == -2


def test_whole_value_trees_are_rendered_and_fixed_ones_are_kept():
    content = {"n": "{{ n }}", "list": ["a", "{{ n }}"], "fixed": {"x": 1}}
    value = template.compile_value(content, lambda *_: WHERE)
    assert value.render({"n": 3}) == {"n": 3, "list": ["a", 3], "fixed": {"x": 1}}
    assert value.names == {"n"}
    assert isinstance(template.compile_value({"x": [1]}, lambda *_: WHERE), template.Fixed)


@pytest.mark.parametrize(
    "text", ["{{ tokn }}", "x {{ tokn }}", "{{ tokn + 1 }}", "{{ tokn.a }}", "{{ uuid(tokn) }}x"]
)
def test_undefined_name_is_an_error_with_place_and_nearest_name(text):
    with pytest.raises(DocumentError, match="'tokn' is not defined") as caught:
        render(text, token="t", uuid=str)
    assert caught.value.where == WHERE
    assert "did you mean 'token'?" in caught.value.hint


def test_undefined_name_with_nothing_near_lists_what_is_known():
    with pytest.raises(DocumentError, match="known: amount, purse"):
        render("{{ zzz }}", amount=1, purse=2)


def test_unknown_member_names_the_members_near_it():
    with pytest.raises(DocumentError, match="did you mean 'user_password'"):
        render("{{ secrets.user_pass }}", secrets={"user_password": "never shown"})


def test_message_about_an_unknown_secret_never_shows_a_value():
    with pytest.raises(DocumentError) as caught:
        render("{{ secrets.zzz }}", secrets={"user_password": "never-shown"})
    assert "never-shown" not in str(caught.value)


def test_undefined_may_be_asked_for_and_given_a_default():
    assert render("{{ a is defined }}") is False
    assert render("{{ a | default('none') }}") == "none"


def test_condition_is_a_bare_expression():
    condition = template.compile_condition("account_id is defined and n > 1", WHERE)
    assert condition.render({"account_id": "a", "n": 2}) is True
    assert condition.render({}) is False
    assert condition.names == {"account_id", "n"}


def test_members_of_a_mapping_win_over_its_methods():
    assert render("{{ answer.items }}", answer={"items": [1]}) == [1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/cards/{{ id }}", "/cards/a%2Fb%20c%3Fd"),
        ("/find?q={{ id }}", "/find?q=a%2Fb%20c%3Fd"),
        ("/cards/{{ id | raw }}", "/cards/a/b c?d"),
        ("/n/{{ 7 }}/{{ none }}", "/n/7/null"),
        ("/plain/é", "/plain/é"),
    ],
)
def test_values_in_a_url_are_percent_encoded_unless_raw(text, expected):
    assert template.compile_url(text, WHERE).render({"id": "a/b c?d"}) == expected


@given(st.text())
def test_no_value_breaks_out_of_its_path_segment(value):
    rendered = template.compile_url("/a/{{ v }}/b", WHERE).render({"v": value})
    assert rendered.count("/") == 3
    assert not set("?#\r\n ") & set(rendered)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ uuid.__globals__ }}",
        "{{ [].append(1) }}",
        "{% for i in range(100000) %}{% endfor %}",
        "{% for i in many %}{% endfor %}",
        "{{ 'a' * 100000000 }}",
        "{{ [0] * 100000000 }}",
        "{{ 9 ** 99999999 }}",
        "{{ 'a'.ljust(100000000) }}",
        "{{ '{:>100000000}'.format('a') }}",
        "{{ '%100000000d' % 1 }}",
        "{{ random_string(100000000) }}",
        "{{ random_string(1000, ['x' * 1000000]) }}",
        "{{ random_string.args }}",
        "{{ random_int.__self__ }}",
        "{{ today(100000000000000) }}",
        "{{ today(-800000) }}",
        "{{ ('a' * 100000) | replace('a', 'b' * 8000) }}",
        "{{ ('a' * 100000).replace('a', 'b' * 8000) }}",
        "{{ ('a' * 100000)['replace']('a', 'b' * 8000) }}",
        "{{ (range(1000) | list) | join('x' * 1000000) }}",
        "{{ ('x' * 1000000).join(['a'] * 1000) }}",
        "{{ [0] | batch(50000000, 'x') | list }}",
        "{{ 1.5 | round(10000000, 'ceil') }}",
        "{{ [0] | tojson(100000000) }}",
        "{{ [[[[0] * 1000] * 1000] * 1000] | string }}",
        "{{ [0] * 1000000 + [0] * 1000000 }}",
        "{{ ('x' * 1000000 ~ 'x' * 1000000) | length }}",
        "{{ ['x' * 1000] * 1000000 }}",
        "{{ range(1000) | map('replace', '', 'x' * 100000) | list | length }}",
        "{{ ([[0]] * 1000) | sum(start=[]) }}",
        "{{ (1).to_bytes(1000000000, 'big') }}",
        "{{ dict.fromkeys([1]) }}",
    ],
)
def test_what_escapes_or_swells_is_refused(text):
    scope = template.functions(random.Random(1), lambda: 0.0)
    with pytest.raises(DocumentError) as caught:
        render(text, many=list(range(5000)), **scope)
    assert caught.value.where == WHERE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ a", "close every"),
        ("{% set a = 1 %}", "only if and for"),
        ("{% macro f() %}{% endmacro %}", "only if and for"),
        ("{% include 'x' %}", "only if and for"),
        ("{% for a in b %}{% for c in a %}{% for d in c %}{% endfor %}{% endfor %}{% endfor %}", "nested deeper"),
        ("{{ a | center(9) }}", "center"),
        ("{{ 1 +}}", "is not a template"),
        ("{{ 1e400 }}", "a number too large"),
    ],
)
def test_what_no_template_may_hold_is_refused_when_read(text, problem):
    with pytest.raises(DocumentError, match=problem) as caught:
        template.compile_text(text, WHERE)
    assert caught.value.where == WHERE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 'aXa' | replace('a', 'b', 1) }}", "bXa"),
        ("{{ 'aXa'.replace('a', 'b') }}", "bXb"),
        ("{{ [1, 2] | join(', ') }}", "1, 2"),
        ("{{ cards | join('/', attribute='id') }}", "7/8"),
        ("{{ '/'.join(['a', 'b']) }}", "a/b"),
        ("{{ cards | map(attribute='id') | list }}", [7, 8]),
        ("{{ cards | selectattr('id', '>', 7) | first }}", {"id": 8}),
        ("{{ cards | sum(attribute='id') }}", 15),
        ("{{ ['b', 'a'] | map('upper') | sort }}", ["A", "B"]),
        ("{{ 1.256 | round(2) }}", 1.26),
        ("{{ '7' | int + 1 }}", 8),
        ("{{ {'a': '<'} | tojson }}", '{"a": "\\u003c"}'),
        ("{{ 'a b&c' | urlencode }}", "a%20b%26c"),
        ("{{ '<a>' | e }}", "&lt;a&gt;"),
        ("{{ 'a' ~ 1 ~ 'b' }}", "a1b"),
        ("{{ 'a,b'.split(',') | last }}", "b"),
        ("{{ cards[0].get('id') }}", 7),
        ("{% for card in cards %}{{ loop.index }}{{ card.id }}{% endfor %}", "1728"),
    ],
)
def test_filters_and_methods_that_stay_small_are_there(text, expected):
    assert render(text, cards=[{"id": 7}, {"id": 8}]) == expected


def test_infinity_may_be_reckoned():
    assert render("{{ 1e308 / 1e-10 > 1 }}") is True
    assert render("{{ 'inf' | float }}") == float("inf")


def test_condition_of_two_expressions_is_refused():
    with pytest.raises(DocumentError):
        template.compile_condition("a }}{{ b", WHERE)


def test_output_is_bounded_however_it_grows():
    with pytest.raises(DocumentError, match="more than 1048576 characters"):
        render("{% for i in range(1000) %}{{ a }}{% endfor %}", a="x" * 2000)


def test_functions_repeat_with_their_seed():
    def values():
        scope = template.functions(random.Random(7), lambda: 86400.0)
        return [render(text, **scope) for text in ("{{ uuid() }}", "{{ random_int(1, 9) }}", "{{ random_string() }}")]

    assert values() == values()


def test_functions_of_time_read_the_clock_they_are_given():
    scope = template.functions(random.Random(1), lambda: 86400.25)
    assert render("{{ now() }}", **scope) == "1970-01-02T00:00:00.250Z"
    assert render("{{ today() }} {{ today(-1) }}", **scope) == "1970-01-02 1970-01-01"
    assert render("{{ timestamp() }}", **scope) == 86400


def test_hashes_agree_with_their_standards():
    assert render("{{ sha256('abc') }}") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    # RFC 4231, test case 2
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert render("{{ hmac('Jefe', 'what do ya want for nothing?') }}") == wanted
    assert render("{{ base64('user:pass') }}") == "dXNlcjpwYXNz"


def test_references_name_what_a_text_uses_of_a_holder():
    text = "{{ via.ledger }}/{{ via['mer-chants'] }}{{ other.cards }}"
    assert template.references(text, "via") == {"ledger", "mer-chants"}
    assert template.references("plain", "via") == frozenset()


def test_rendered_text_is_always_text():
    assert template.render_text("{{ port }}", {"port": 8080}) == "8080"
    assert template.render_text("plain", {}) == "plain"


def test_one_text_is_compiled_once_for_two_places():
    first, second = (template.compile_text("{{ a }}", Where("f", line, 1)) for line in (1, 2))
    assert first.where.line != second.where.line
    assert first._run is second._run
