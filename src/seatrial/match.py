"""Shapes a whole JSON document is held against. Pure; imports only `predicates`, whose words it hands on.

A `Pattern` is a document as YAML: objects are matched as subsets, lists element by element, and a mapping whose keys
begin with `$` is a matcher, which asks predicates (`$$` escapes). Expectations of journeys and experiments and the
comparison of two answers share it.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.errors import did_you_mean
from seatrial.predicates import (
    MAX_SHOWN,
    PREDICATES,
    TYPES,
    Predicate,
    equal,
    negated,
    operand_problem,
    plain,
    predicate,
    show,
    type_name,
)

__all__ = [
    "MAX_SHOWN",
    "PREDICATES",
    "TYPES",
    "Elements",
    "Leaf",
    "Literal",
    "Matcher",
    "Mismatch",
    "Object",
    "Path",
    "Pattern",
    "PatternError",
    "Predicate",
    "equal",
    "fill",
    "has_template",
    "is_matcher",
    "literal_key",
    "looks_generated",
    "mismatches",
    "near_keys",
    "negated",
    "operand_problem",
    "path_text",
    "pattern",
    "plain",
    "predicate",
    "show",
    "strict_mismatches",
    "type_name",
]

MAX_NAMES = 200
"""Keys of an object that are compared with the one it does not have."""

MAX_NAME = 40
"""Characters of such a key; comparing longer ones takes quadratic time, and a server chooses them."""

_GENERATED = re.compile(
    r"\d+"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?=[a-z]*\d)(?=\d*[a-z])[0-9a-f]{8,}"
    r"|(?=[a-z]*\d)[0-9a-z]{20,}"
    r"|\d{4}-\d\d(-\d\d([T ][\d:.,+Z-]+)?)?",
    re.IGNORECASE,
)

Path = tuple[str | int, ...]
Fill = Callable[[Any], Any]
Leaf = Callable[[Any, Path], Any]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that must be equal. Until filled, `value` may be a template."""

    value: Any


@dataclass(frozen=True, slots=True)
class Matcher:
    """Predicates that must all hold."""

    asked: tuple[tuple[Predicate, Any], ...]


@dataclass(frozen=True, slots=True)
class Object:
    """An object with at least these members."""

    members: tuple[tuple[str, Pattern], ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """A list of exactly these elements, in this order."""

    elements: tuple[Pattern, ...]


Pattern = Literal | Matcher | Object | Elements


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a document is not as wanted; `path` leads there, in document and pattern alike.

    `present` is False where the document has nothing at that path; `near` names its nearest existing keys. `operand`
    is the value `expected` words, None where that is a container.
    """

    path: Path
    actual: Any
    expected: str
    operand: Any = None
    present: bool = True
    near: tuple[str, ...] = ()


class PatternError(ValueError):
    """A pattern that means nothing, at `path` within it."""

    def __init__(self, path: Path, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.hint = hint


def pattern(content: Any, *, leaf: Leaf = lambda value, _: value) -> Pattern:
    """Read a document as a pattern; every literal and operand passes through `leaf` with its path in `content`.

    PatternError names the place of an unknown matcher or of matchers among ordinary keys.
    """
    return _pattern(content, leaf, ())


def fill(template: Pattern, render: Fill) -> Pattern:
    """The pattern with every leaf rendered. A rendered container is data: its `$` keys are no matchers."""
    if isinstance(template, Literal):
        return Literal(render(template.value))
    if isinstance(template, Matcher):
        return Matcher(tuple((asked, render(operand)) for asked, operand in template.asked))
    if isinstance(template, Object):
        return Object(tuple((key, fill(part, render)) for key, part in template.members))
    return Elements(tuple(fill(part, render) for part in template.elements))


def mismatches(wanted: Pattern, actual: Any) -> tuple[Mismatch, ...]:
    """Every place where `actual` is not as wanted; members that are not asked for are ignored."""
    return tuple(_subset(wanted, actual, ()))


def strict_mismatches(wanted: Pattern, actual: Any) -> tuple[Mismatch, ...]:
    """As `mismatches`, and members that are not asked for are mismatches too."""
    return (*mismatches(wanted, actual), *_extra(wanted, actual, ()))


def path_text(path: Path) -> str:
    """A path as JSONPath: `$.items[0].id`."""
    return "$" + "".join(_segment(step) for step in path)


def looks_generated(name: str) -> bool:
    """Whether a name (of a member, of a segment of a path) is data: a number, an id, a date."""
    return _GENERATED.fullmatch(name) is not None


def near_keys(holder: Any, key: str | int) -> tuple[str, ...]:
    """The keys of an object that look most like the one it does not have; empty for anything else."""
    if not isinstance(holder, Mapping):
        return ()
    names = [name for name in map(str, itertools.islice(holder, MAX_NAMES)) if len(name) <= MAX_NAME]
    close = difflib.get_close_matches(str(key)[:MAX_NAME], names, n=3, cutoff=0.5)
    return tuple(close or names[:5])


def _segment(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[A-Za-z_]\w*", step) else f"[{json.dumps(step)}]"


def _pattern(content: Any, leaf: Leaf, path: Path) -> Pattern:
    if isinstance(content, list):
        return Elements(tuple(_pattern(part, leaf, (*path, index)) for index, part in enumerate(content)))
    if not isinstance(content, Mapping):
        return Literal(leaf(content, path))
    marked = [key for key in content if _is_marked(key)]
    if not marked:
        return Object(tuple(_member(key, part, leaf, path) for key, part in content.items()))
    if len(marked) < len(content):
        plain = next(key for key in content if key not in marked)
        hint = f"write '$${marked[0][1:]}' for a member that is called '{marked[0]}'"
        raise PatternError((*path, plain), f"'{plain}' stands beside the matcher '{marked[0]}'", hint)
    return Matcher(tuple(_asked(key, operand, leaf, (*path, key)) for key, operand in content.items()))


def is_matcher(content: Any) -> bool:
    """Whether a part of a pattern is a matcher, not an object."""
    return isinstance(content, Mapping) and any(map(_is_marked, content))


def literal_key(key: str) -> str:
    """The member a pattern's key asks for: `$$type` asks for `$type`."""
    return key[1:] if key.startswith("$$") else key


def _is_marked(key: str) -> bool:
    return key.startswith("$") and not key.startswith("$$")


def _member(key: str, part: Any, leaf: Leaf, path: Path) -> tuple[str, Pattern]:
    return literal_key(key), _pattern(part, leaf, (*path, key))


def _asked(key: str, operand: Any, leaf: Leaf, path: Path) -> tuple[Predicate, Any]:
    name = key.removeprefix("$")
    if name == "not":
        return _negated(operand, leaf, path)
    if name not in PREDICATES:
        hint = did_you_mean(key, [f"${known}" for known in (*PREDICATES, "not")])
        raise PatternError(path, f"unknown matcher '{key}'", hint)
    problem = "" if has_template(operand) else operand_problem(name, operand)
    if problem:
        raise PatternError(path, problem)
    return PREDICATES[name], leaf(operand, path)


def _negated(operand: Any, leaf: Leaf, path: Path) -> tuple[Predicate, Any]:
    if not isinstance(operand, Mapping) or len(operand) != 1:
        raise PatternError(path, "'$not' takes one matcher", "as {$not: {$contains: x}}")
    [(key, inner)] = operand.items()
    asked, filled = _asked(key, inner, leaf, (*path, key))
    return negated(asked), filled


def has_template(operand: Any) -> bool:
    """Whether a text anywhere in the operand is a template, so that it can be checked only once rendered."""
    if isinstance(operand, Mapping):
        return any(map(has_template, operand.values()))
    if isinstance(operand, list):
        return any(map(has_template, operand))
    return isinstance(operand, str) and ("{{" in operand or "{%" in operand)


def _subset(wanted: Pattern, actual: Any, path: Path) -> Iterator[Mismatch]:
    if isinstance(wanted, Literal):
        if not equal(actual, wanted.value):
            yield Mismatch(path, actual, show(wanted.value), wanted.value)
    elif isinstance(wanted, Matcher):
        for asked, operand in wanted.asked:
            if not asked.holds(actual, operand):
                yield Mismatch(path, actual, asked.expected(operand), operand)
    elif isinstance(wanted, Object):
        yield from _members_of(wanted, actual, path)
    else:
        yield from _elements_of(wanted, actual, path)


def _members_of(wanted: Object, actual: Any, path: Path) -> Iterator[Mismatch]:
    if not isinstance(actual, Mapping):
        yield Mismatch(path, actual, "an object")
        return
    for key, part in wanted.members:
        if key in actual:
            yield from _subset(part, actual[key], (*path, key))
        elif not _wants_absence(part):
            operand = part.value if isinstance(part, Literal) else None
            near = near_keys(actual, key)
            yield Mismatch((*path, key), None, _wording(part), operand, present=False, near=near)


def _elements_of(wanted: Elements, actual: Any, path: Path) -> Iterator[Mismatch]:
    if not isinstance(actual, list):
        yield Mismatch(path, actual, f"a list of {len(wanted.elements)}")
    elif len(actual) != len(wanted.elements):
        yield Mismatch(path, actual, f"a list of {len(wanted.elements)}, not of {len(actual)}")
    else:
        for index, part in enumerate(wanted.elements):
            yield from _subset(part, actual[index], (*path, index))


def _extra(wanted: Pattern, actual: Any, path: Path) -> Iterator[Mismatch]:
    if isinstance(wanted, Object) and isinstance(actual, Mapping):
        known = {key for key, _ in wanted.members}
        for key in (key for key in actual if key not in known):  # in the answer's order, the same each time
            yield Mismatch((*path, key), actual[key], "no such member (strict)")
        for key, part in wanted.members:
            yield from _extra(part, actual.get(key), (*path, key))
    elif isinstance(wanted, Elements) and isinstance(actual, list):
        for index, part in enumerate(wanted.elements[: len(actual)]):
            yield from _extra(part, actual[index], (*path, index))


def _wants_absence(part: Pattern) -> bool:
    asked = part.asked if isinstance(part, Matcher) else ()
    return bool(asked) and all(
        one.name == "exists" and (operand is not False) is one.negated for one, operand in asked
    )


def _wording(part: Pattern) -> str:
    if isinstance(part, Literal):
        return show(part.value)
    if isinstance(part, Matcher):
        return " and ".join(asked.expected(operand) for asked, operand in part.asked)
    return "an object" if isinstance(part, Object) else f"a list of {len(part.elements)}"
