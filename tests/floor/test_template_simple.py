"""Simple forms are rendered without Jinja2, and nobody can tell: values, types and words of errors are the same."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import template
from seatrial.errors import DocumentError, Where
from seatrial.template import compile as compiling
from seatrial.template import sandbox, simple
from seatrial.template.values import Template

WHERE = Where("journey.yaml", 7, 3, 12)
NAMES = st.sampled_from(["a", "b_2", "A", "result", "base64", "true", "self", "not", "zz", "items"])
SPACES = st.sampled_from(["", " ", "  ", "\n", "\t"])
NUMBERS = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False, width=16) | st.booleans()
VALUES = st.recursive(
    st.none() | NUMBERS | st.text(max_size=5) | st.builds(template.Raw, st.text(max_size=3)) | st.just(len),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
SCOPES = st.dictionaries(NAMES, VALUES, max_size=6)


@st.composite
def operands(draw):
    return (
        ".".join(draw(st.lists(NAMES, min_size=1, max_size=3)))
        if draw(st.booleans())
        else str(draw(st.integers(0, 12)))
    )


@st.composite
def expressions(draw):
    if draw(st.integers(0, 5)) == 0:
        return draw(NAMES) + "()"
    text = draw(operands())
    for _ in range(draw(st.integers(0, 2))):
        text += draw(SPACES) + draw(st.sampled_from("+-*")) + draw(SPACES) + draw(operands())
    return text


@st.composite
def holes(draw):
    return "{{" + draw(SPACES) + draw(expressions()) + draw(SPACES) + "}}"


LITERALS = st.text(alphabet="ax/{}%#-é \n?&", max_size=6)
TEXTS = st.lists(holes() | LITERALS, max_size=4).map("".join)


def outcome(compiled, scope):
    """What rendering gives: the value and its type, or the error."""
    try:
        value = compiled().render(dict(scope))
    except DocumentError as error:
        return str(error)
    return type(value), repr(value)


def by_jinja(compiler, text):
    names, run = sandbox.at(WHERE, compiler, text)
    return Template(text, WHERE, names, run)


@given(TEXTS, SCOPES)
def test_text_is_what_jinja_makes_of_it(text, scope):
    if template.is_template(text):
        ours = outcome(lambda: template.compile_text(text, WHERE), scope)
        assert ours == outcome(lambda: by_jinja(sandbox.text, text), scope)


@given(TEXTS, SCOPES)
def test_url_is_what_jinja_makes_of_it(text, scope):
    ours = outcome(lambda: template.compile_url(text, WHERE), scope)
    assert ours == outcome(lambda: by_jinja(sandbox.url, text), scope)


@given(expressions() | NAMES.map("{} is defined".format) | NAMES.map("{} is not defined".format), SCOPES)
def test_condition_is_what_jinja_makes_of_it(expression, scope):
    ours = outcome(lambda: template.compile_condition(expression, WHERE), scope)
    assert ours == outcome(lambda: by_jinja(sandbox.expression, expression), scope)


@given(TEXTS)
def test_names_and_references_are_what_jinja_finds(text):
    form = simple.read_form(text)
    if form is not None:
        assert form.names == sandbox.text(text)[0]
        assert template.references(text, "a") == sandbox.members(text, "a")


@pytest.mark.parametrize(
    "text",
    [
        "{{ a }}",
        "{{a.b.c}}",
        "{{ uuid() }}",
        "/x/{{ a }}/{{ b.c }}?q={{ d }}",
        "{{ a - 2 * b.c + 1 }}",
        "}} {{ a }} {",
        "k={{ uuid() }}/{{ a }}",
    ],
)
def test_frequent_forms_are_simple(text):
    assert simple.read_form(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{{- a }}",
        "{{ a | upper }}",
        "{{ a[0] }}",
        "{{ 1.5 }}",
        "{{ f(1) }}",
        "{{{ a }}",
        "{% if a %}b{% endif %}",
        "{# a #}",
        "{{ not }}",
        "{{ a }}\r\n",
        "{{ -a }}",
        "{{ a",
    ],
)
def test_anything_else_is_left_to_jinja(text):
    assert simple.read_form(text) is None


def test_nothing_is_called_twice_even_where_the_rest_is_left_to_jinja():
    calls = []
    scope = {"f": lambda: calls.append(1), "a": {"upper": 1}, "b": "x"}
    assert template.compile_text("{{ f() }} {{ a.upper }}", WHERE).render(scope) == "null 1"
    assert template.compile_text("{{ f() }} {{ b.upper }}", WHERE).render(scope).startswith("null <built-in")
    with pytest.raises(DocumentError, match="'zz' is not defined"):
        template.compile_text("{{ f() }} {{ zz }}", WHERE).render(scope)
    assert calls == [1, 1, 1]


def test_function_that_refuses_is_told_as_it_says():
    def refuse():
        raise ValueError("no")

    with pytest.raises(DocumentError, match="cannot be rendered: no"):
        template.compile_text("{{ f() }}", WHERE).render({"f": refuse})


def test_rendered_text_is_bounded():
    value = template.compile_text("x{{ a }}{{ a }}", WHERE)
    with pytest.raises(DocumentError, match="more than 1048576 characters"):
        value.render({"a": "x" * (1 << 19)})


def test_simple_forms_do_not_load_jinja():
    program = (
        "import sys; from seatrial import template as t;"
        "assert t.compile_text('{{ a.b }}-{{ c - 1 }}').render({'a': {'b': 1}, 'c': 3}) == '1-2';"
        "assert t.compile_url('/{{ a }}').render({'a': ' '}) == '/%20';"
        "assert t.compile_condition('a is defined').render({}) is False;"
        "assert 'jinja2' not in sys.modules;"
        "t.compile_text('{{ a | upper }}');"
        "assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_compiled_text_is_shared():
    assert compiling._simple_text("{{ shared }}") is compiling._simple_text("{{ shared }}")
