"""Texts and trees in, what can be rendered out: simple forms at once, others by Jinja2. Private to `template`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from seatrial.errors import Where
from seatrial.template import simple
from seatrial.template.values import Fields, Fixed, Items, Run, Scope, Template, Value, to_text

_NOWHERE = Where("<template>", 1, 1)
_MARKS = ("{{", "{%", "{#")

Compiled = tuple[frozenset[str], Run]


def compile_value(content: Any, where: Callable[..., Where]) -> Value:
    """Compile every text of a YAML value; `where(*path)` tells the place of a path within it."""
    if isinstance(content, str):
        return compile_text(content, where()) if is_template(content) else Fixed(content)
    if isinstance(content, Mapping):
        fields = tuple((key, compile_value(part, functools.partial(where, key))) for key, part in content.items())
        return Fixed(content) if all(isinstance(part, Fixed) for _, part in fields) else Fields(fields)
    if isinstance(content, list):
        items = tuple(compile_value(part, functools.partial(where, index)) for index, part in enumerate(content))
        return Fixed(content) if all(isinstance(part, Fixed) for part in items) else Items(items)
    return Fixed(content)


def compile_text(text: str, where: Where = _NOWHERE) -> Template | Fixed:
    """Compile one scalar: typed when it is exactly one `{{ expression }}`, else text."""
    if not is_template(text):
        return Fixed(text)
    names, run = _simple_text(text) or _by_jinja("text", text, where)
    return Template(text, where, names, run)


def compile_url(text: str, where: Where = _NOWHERE) -> Template:
    """Compile a URL: values put into it are percent-encoded, `/` too, unless they pass through `| raw`."""
    names, run = _simple_url(text) or _by_jinja("url", text, where)
    return Template(text, where, names, run)


def compile_condition(expression: str, where: Where = _NOWHERE) -> Template:
    """Compile a bare expression, as of `when:`; rendering gives its value."""
    names, run = _simple_condition(expression) or _by_jinja("expression", expression, where)
    return Template(expression, where, names, run)


def render_text(text: str, variables: Scope, where: Where = _NOWHERE) -> str:
    """Render one text at once, always as a string: for commands and environments of processes."""
    return to_text(compile_text(text, where).render(variables))


def is_template(text: str) -> bool:
    """Whether the text holds any template mark."""
    return "{" in text and any(mark in text for mark in _MARKS)


def references(text: str, holder: str) -> frozenset[str]:
    """The names X that a text uses as `holder.X` or `holder['X']`; DocumentError when it is no template."""
    form = simple.read_form(text)
    if form is not None:
        return frozenset(path[1] for path in form.paths if path[0] == holder and len(path) > 1)
    from seatrial.template import sandbox

    return sandbox.at(_NOWHERE, functools.partial(sandbox.members, holder=holder), text)


@functools.lru_cache(maxsize=4096)
def _simple_text(text: str) -> Compiled | None:
    form = simple.read_form(text)
    if form is None:
        return None
    otherwise = _otherwise("text", text)
    return form.names, simple.typed_run(form, otherwise) or simple.text_run(form, otherwise)


@functools.lru_cache(maxsize=4096)
def _simple_url(text: str) -> Compiled | None:
    form = simple.read_form(text)
    return None if form is None else (form.names, simple.url_run(form, _otherwise("url", text)))


@functools.lru_cache(maxsize=4096)
def _simple_condition(expression: str) -> Compiled | None:
    if asked := simple.read_defined(expression):
        return asked.names, simple.defined_run(asked)
    form = simple.read_condition(expression)
    run = simple.typed_run(form, _otherwise("expression", expression)) if form else None
    return None if form is None or run is None else (form.names, run)


def _by_jinja(kind: str, text: str, where: Where) -> Compiled:
    from seatrial.template import sandbox

    compilers = {"text": sandbox.text, "url": sandbox.url, "expression": sandbox.expression}
    return sandbox.at(where, compilers[kind], text)


def _otherwise(kind: str, text: str) -> Run:
    """Jinja2's rendering of the same text, loaded and compiled when a simple form first meets the unusual."""
    return lambda scope: _by_jinja(kind, text, _NOWHERE)[1](scope)
