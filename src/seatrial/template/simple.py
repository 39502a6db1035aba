"""The forms most templates have, rendered without Jinja2 and exactly as Jinja2 would. Private to `template`.

`{{ name }}`, `{{ name.member }}`, `{{ name() }}`, sums and products of names and whole numbers, with any text around.
Whatever is unusual in a scope (an undefined name, a member that is no key, anything but numbers to reckon with, too
long a text) is left to `otherwise`, the same template compiled by Jinja2, whose word counts.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.template.functions import GLOBALS, MAX_OUTPUT
from seatrial.template.values import Raw, Run, Scope, to_text

Path = tuple[str, ...]
Operand = Path | int

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_OPERAND = rf"(?:{_NAME}(?:\.{_NAME})*|0|[1-9][0-9]{{0,18}})"
_SPACE = r"[ \t\n]*"
_SUM = re.compile(rf"{_SPACE}({_OPERAND}(?:{_SPACE}[-+*]{_SPACE}{_OPERAND})*|{_NAME}\(\)){_SPACE}")
_HOLE = re.compile(rf"\{{\{{{_SUM.pattern}\}}\}}")
_DEFINED = re.compile(rf"{_SPACE}({_NAME})[ ]+is[ ]+(not[ ]+)?defined{_SPACE}")
_WORD = re.compile(rf"{_OPERAND}|[-+*]")
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")  # what no URL has to encode
_MARK = re.compile(r"\{\{|\{%|\{#")
# What Jinja2 does not look up in the scope, or not only there.
_WORDS = frozenset(
    {
        *("true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "elif", "is", "in"),
        *("self", "super", "loop", "caller", "varargs", "kwargs", "recursive"),
    }
)


class _Doubt(Exception):
    """The scope holds something unusual: Jinja2 is to decide."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Products to add up, each with its sign; a single operand is only looked up."""

    terms: tuple[tuple[int, tuple[Operand, ...]], ...]

    @property
    def paths(self) -> Iterator[Path]:
        """The names in it, each with its members."""
        return (operand for _, product in self.terms for operand in product if not isinstance(operand, int))


@dataclass(frozen=True, slots=True)
class Call:
    """A function without arguments."""

    name: str

    @property
    def paths(self) -> Iterator[Path]:
        """The function's name."""
        return iter(((self.name,),))


Part = str | Sum | Call


@dataclass(frozen=True, slots=True)
class Form:
    """A simple text: literal pieces and expressions in order."""

    parts: tuple[Part, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables it mentions."""
        return frozenset(path[0] for path in self.paths) - GLOBALS.keys()

    @property
    def paths(self) -> Iterator[Path]:
        """Every name in it, each with its members."""
        return (path for part in self.parts if not isinstance(part, str) for path in part.paths)


@dataclass(frozen=True, slots=True)
class Defined:
    """The question whether a name is defined; `wanted` False asks whether it is not."""

    name: str
    wanted: bool

    @property
    def names(self) -> frozenset[str]:
        """The variable it mentions."""
        return frozenset({self.name}) - GLOBALS.keys()


def read_form(text: str) -> Form | None:
    """The text as a simple one; None when only Jinja2 can tell."""
    if "\r" in text:  # Jinja2 makes one kind of line break of all
        return None
    parts: list[Part] = []
    at = 0
    while mark := _MARK.search(text, at):
        hole = _HOLE.match(text, mark.start())
        part = _expression(hole[1]) if hole else None
        if hole is None or part is None:
            return None
        parts += (text[at : mark.start()], part)
        at = hole.end()
    parts.append(text[at:])
    return Form(tuple(part for part in parts if part != ""))


def read_condition(expression: str) -> Form | None:
    """A bare expression as a form of it alone; None when only Jinja2 can tell."""
    found = _SUM.fullmatch(expression)
    part = _expression(found[1]) if found else None
    return None if part is None else Form((part,))


def read_defined(expression: str) -> Defined | None:
    """Of `name is defined` or `name is not defined` what is asked; None for anything else."""
    found = _DEFINED.fullmatch(expression)
    return None if found is None or found[1] in _WORDS else Defined(found[1], wanted=found[2] is None)


def typed_run(form: Form, otherwise: Run) -> Run | None:
    """How to get the value of a form that is exactly one expression; None for any other form."""
    if len(form.parts) != 1 or isinstance(form.parts[0], str):
        return None
    value_of = _evaluator(form.parts[0])

    def run(scope: Scope) -> Any:
        try:
            value = value_of(scope)
        except _Doubt:
            return otherwise(scope)
        if isinstance(value, str) and len(value) > MAX_OUTPUT:
            return otherwise(scope)
        return value

    return run


def text_run(form: Form, otherwise: Run) -> Run:
    """How to get the form's text."""
    return _joined(form, otherwise, to_text)


def url_run(form: Form, otherwise: Run) -> Run:
    """How to get the form's text as a URL: values percent-encoded unless they are `Raw`."""
    return _joined(form, otherwise, encoded)


def defined_run(asked: Defined) -> Run:
    """How to answer it."""
    always = asked.name in GLOBALS
    return lambda scope: (always or asked.name in scope) is asked.wanted


def encoded(value: Any) -> str:
    """A value within a URL."""
    if isinstance(value, Raw):
        return value
    text = to_text(value)
    return text if _PLAIN.fullmatch(text) else urllib.parse.quote(text, safe="")


def _joined(form: Form, otherwise: Run, shown: Callable[[Any], str]) -> Run:
    """In two rounds, so that nothing is called before it is sure that Jinja2 need not decide and call it again."""
    if len(form.parts) == 1 and isinstance(form.parts[0], str) and len(form.parts[0]) <= MAX_OUTPUT:
        return lambda scope: form.parts[0]
    names = [_lone_name(part) for part in form.parts if not isinstance(part, str)]
    if all(names):
        return _laid_out(form, tuple(filter(None, names)), otherwise, shown)
    looks = tuple(_look(part) for part in form.parts)
    shows = tuple(_show(part, shown) for part in form.parts)

    def run(scope: Scope) -> str:
        try:
            found = [look(scope) for look in looks]
        except _Doubt:
            return str(otherwise(scope))
        text = "".join([show(one) for show, one in zip(shows, found, strict=True)])
        return text if len(text) <= MAX_OUTPUT else str(otherwise(scope))

    return run


def _laid_out(form: Form, names: tuple[str, ...], otherwise: Run, shown: Callable[[Any], str]) -> Run:
    """The same where nothing but names is to be looked up, as in nearly every text."""
    layout = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in form.parts)

    def run(scope: Scope) -> str:
        try:
            found = [scope[name] for name in names]
        except KeyError:
            return str(otherwise(scope))
        text = layout % tuple(map(shown, found))
        return text if len(text) <= MAX_OUTPUT else str(otherwise(scope))

    return run


def _lone_name(part: Part) -> str | None:
    """The name that is all there is of an expression."""
    operands = [operand for _, product in part.terms for operand in product] if isinstance(part, Sum) else []
    lone = operands[0] if len(operands) == 1 else 0
    return lone[0] if isinstance(lone, tuple) and len(lone) == 1 else None


def _look(part: Part) -> Callable[[Scope], Any]:
    """A part's value; of a call, the function."""
    if isinstance(part, str):
        return lambda scope: part
    return functools.partial(_function, part.name) if isinstance(part, Call) else _evaluator(part)


def _show(part: Part, shown: Callable[[Any], str]) -> Callable[[Any], str]:
    if isinstance(part, str):
        return str
    return (lambda function: shown(function())) if isinstance(part, Call) else shown


def _expression(text: str) -> Sum | Call | None:
    if text.endswith("()"):
        return None if text[:-2] in _WORDS else Call(text[:-2])
    terms: list[tuple[int, tuple[Operand, ...]]] = []
    sign, product = 1, list[Operand]()
    for word in _WORD.findall(text):
        if word in ("+", "-"):
            terms.append((sign, tuple(product)))
            sign, product = (1 if word == "+" else -1), []
        elif word != "*":
            product.append(int(word) if word.isdigit() else tuple(word.split(".")))
    terms.append((sign, tuple(product)))
    found = Sum(tuple(terms))
    return None if any(path[0] in _WORDS for path in found.paths) else found


def _evaluator(part: Sum | Call) -> Callable[[Scope], Any]:
    if isinstance(part, Call):
        return functools.partial(_called, part.name)
    operands = [operand for _, product in part.terms for operand in product]
    if len(operands) == 1:
        return _operand(operands[0])
    products = tuple((sign, tuple(map(_operand, product))) for sign, product in part.terms)
    return functools.partial(_reckoned, products)


def _operand(operand: Operand) -> Callable[[Scope], Any]:
    if isinstance(operand, int):
        return lambda scope: operand
    name, *members = operand
    return functools.partial(_member, name, tuple(members)) if members else functools.partial(_looked_up, name)


def _looked_up(name: str, scope: Scope) -> Any:
    try:
        return scope[name]
    except KeyError:
        raise _Doubt from None


def _member(name: str, members: tuple[str, ...], scope: Scope) -> Any:
    value = _looked_up(name, scope)
    for member in members:
        if not isinstance(value, Mapping) or member not in value:
            raise _Doubt
        value = value[member]
    return value


def _called(name: str, scope: Scope) -> Any:
    return _function(name, scope)()


def _function(name: str, scope: Scope) -> Callable[[], Any]:
    found: Callable[[], Any] = _looked_up(name, scope)
    if not callable(found):
        raise _Doubt
    return found


def _reckoned(products: tuple[tuple[int, tuple[Callable[[Scope], Any], ...]], ...], scope: Scope) -> Any:
    total: Any = None
    for sign, factors in products:
        product = _number(factors[0](scope))
        for factor in factors[1:]:
            product = product * _number(factor(scope))
        total = product if total is None else total + product if sign > 0 else total - product
    return total


def _number(value: Any) -> int | float:
    if type(value) is int or type(value) is float:  # not a bool, which Jinja2 may reckon with as it likes
        return value
    raise _Doubt
