"""Predicates on one value, and shapes a whole JSON document is held against. Pure; imports only `errors`.

A `Predicate` answers yes, no, or "cannot be asked of this value"; the last fails a check even when it is negated, so
that `not: {gt: 5}` never passes on a text. A `Pattern` is a document as YAML: objects are matched as subsets, lists
element by element, and a mapping whose keys begin with `$` is a matcher (`$$` escapes). Expectations of journeys and
experiments and the comparison of two answers share it.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from seatrial.errors import did_you_mean

Path = tuple[str | int, ...]
Ask = Callable[[Any, Any], bool | None]
Fill = Callable[[Any], Any]
Leaf = Callable[[Any, Path], Any]

MAX_SHOWN = 20_000
"""Characters of a value in a message. Whoever prints it shortens it further, after redaction: cutting a secret in two
would hide neither half."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A question about a value: its YAML name, its wording, whether the answer is turned round.

    `ask(actual, operand)` is None when the question makes no sense for that value.
    """

    name: str
    wording: str
    ask: Ask
    negated: bool = False

    def holds(self, actual: Any, operand: Any) -> bool:
        """Whether it is so; never when the question makes no sense."""
        answer = self.ask(actual, operand)
        return answer is not None and answer is not self.negated

    def expected(self, operand: Any) -> str:
        """What was wanted, for a message: `not contains string <"x">`."""
        turned = self.negated
        if self.name in _FLAGS:
            turned, words = turned is not (operand is False), self.wording
        else:
            words = f"{self.wording} {operand if self.name in _WORDS else show(operand)}".strip()
        return f"not {words}" if turned else words


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


def predicate(name: str) -> Predicate:
    """The predicate of that YAML name; KeyError when there is none."""
    return PREDICATES[name]


def negated(asked: Predicate) -> Predicate:
    """The same question, turned round."""
    return Predicate(asked.name, asked.wording, asked.ask, not asked.negated)


def operand_problem(name: str, operand: Any) -> str:
    """Why this can be no operand of that predicate, empty when it can; templates are checked once rendered."""
    return _OPERANDS[name](operand) if name in _OPERANDS else ""


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


def equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, but true is no number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def show(value: Any) -> str:
    """A value with its type, as in `integer <2>` or `string <"EUR">`, shortened."""
    return f"{type_name(value)} <{plain(value)}>"


def plain(value: Any) -> str:
    """A value as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text)} characters)"


def type_name(value: Any) -> str:
    """JSON's word for the value's type; whole numbers are integers, others floats."""
    for name in ("null", "boolean", "integer", "float", "string", "list", "object"):
        if TYPES[name](value):
            return name
    return type(value).__name__


def path_text(path: Path) -> str:
    """A path as JSONPath: `$.items[0].id`."""
    return "$" + "".join(_segment(step) for step in path)


def near_keys(holder: Any, key: str | int) -> tuple[str, ...]:
    """The keys of an object that look most like the one it does not have; empty for anything else."""
    if not isinstance(holder, Mapping):
        return ()
    names = [str(name) for name in holder]
    close = difflib.get_close_matches(str(key), names, n=3, cutoff=0.5)
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
        for key in actual.keys() - known:
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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Ask:
    def ask(actual: Any, operand: Any) -> bool | None:
        numbers = _is_number(actual) and _is_number(operand)
        texts = isinstance(actual, str) and isinstance(operand, str)
        return compare(actual, operand) if numbers or texts else None

    return ask


def _between(actual: Any, operand: Any) -> bool | None:
    if not isinstance(operand, list) or len(operand) != 2:
        return None
    answers = _at_least(actual, operand[0]), _at_most(actual, operand[1])
    return None if None in answers else all(answers)


def _contains(actual: Any, operand: Any) -> bool | None:
    if isinstance(actual, str):
        return operand in actual if isinstance(operand, str) else None
    if isinstance(actual, Mapping):
        return operand in actual if isinstance(operand, str) else None
    return any(equal(item, operand) for item in actual) if isinstance(actual, list) else None


def _starts_with(actual: Any, operand: Any) -> bool | None:
    return actual.startswith(operand) if isinstance(actual, str) and isinstance(operand, str) else None


def _ends_with(actual: Any, operand: Any) -> bool | None:
    return actual.endswith(operand) if isinstance(actual, str) and isinstance(operand, str) else None


def _matches(actual: Any, operand: Any) -> bool | None:
    return bool(re.search(operand, actual)) if isinstance(actual, str) and isinstance(operand, str) else None


def _exists(actual: Any, operand: Any) -> bool:
    """A value that is asked at all is there; who finds nothing answers for itself."""
    return operand is not False


def _empty(actual: Any, operand: Any) -> bool | None:
    return (len(actual) == 0) is (operand is not False) if isinstance(actual, (str, list, Mapping)) else None


def _length(actual: Any, operand: Any) -> bool | None:
    return len(actual) == operand if isinstance(actual, (str, list, Mapping)) and _is_number(operand) else None


def _in(actual: Any, operand: Any) -> bool | None:
    return any(equal(actual, option) for option in operand) if isinstance(operand, list) else None


def _nin(actual: Any, operand: Any) -> bool | None:
    found = _in(actual, operand)
    return None if found is None else not found


def _type(actual: Any, operand: Any) -> bool | None:
    return TYPES[operand](actual) if isinstance(operand, str) and operand in TYPES else None


def _text_that(accepts: Callable[[str], Any]) -> Callable[[Any], bool]:
    def ask(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(accepts(value))
        except ValueError:
            return False

    return ask


def _is_iso_date(text: str) -> bool:
    return bool(date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text))


def _is_url(text: str) -> bool:
    parts = urllib.parse.urlsplit(text)
    return bool(parts.scheme and parts.netloc)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "list": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
    "uuid": _text_that(uuid.UUID),
    "iso_date": _text_that(_is_iso_date),
    "ipv4": _text_that(ipaddress.IPv4Address),
    "ipv6": _text_that(ipaddress.IPv6Address),
    "email": _text_that(re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+").fullmatch),
    "url": _text_that(_is_url),
}

_at_least = _ordered(lambda left, right: left >= right)
_at_most = _ordered(lambda left, right: left <= right)
_ASKED: tuple[Predicate, ...] = (
    Predicate("eq", "", equal),
    Predicate("ne", "anything but", lambda left, right: not equal(left, right)),
    Predicate("gt", "greater than", _ordered(lambda left, right: left > right)),
    Predicate("gte", "at least", _at_least),
    Predicate("lt", "less than", _ordered(lambda left, right: left < right)),
    Predicate("lte", "at most", _at_most),
    Predicate("between", "between (both included)", _between),
    Predicate("in", "one of", _in),
    Predicate("nin", "none of", _nin),
    Predicate("contains", "contains", _contains),
    Predicate("starts_with", "starts with", _starts_with),
    Predicate("ends_with", "ends with", _ends_with),
    Predicate("matches", "matches", _matches),
    Predicate("exists", "there", _exists),
    Predicate("empty", "empty", _empty),
    Predicate("length", "of length", _length),
    Predicate("type", "of type", _type),
)
PREDICATES: Mapping[str, Predicate] = {asked.name: asked for asked in _ASKED}
_FLAGS = frozenset({"exists", "empty"})
_WORDS = frozenset({"type", "length"})


def _text_problem(operand: Any) -> str:
    return "" if isinstance(operand, str) else f"{show(operand)} is no text to compare with"


def _pattern_problem(operand: Any) -> str:
    try:
        re.compile(operand)
    except (re.error, TypeError) as error:
        return f"{show(operand)} is not a regular expression: {error}"
    return ""


def _list_problem(operand: Any) -> str:
    return "" if isinstance(operand, list) else f"{show(operand)} is no list of allowed values"


def _pair_problem(operand: Any) -> str:
    pair = isinstance(operand, list) and len(operand) == 2
    return "" if pair else f"{show(operand)} is not a pair [lowest, highest]"


def _flag_problem(operand: Any) -> str:
    return "" if isinstance(operand, bool) else f"{show(operand)} is neither true nor false"


def _length_problem(operand: Any) -> str:
    counted = isinstance(operand, int) and not isinstance(operand, bool) and operand >= 0
    return "" if counted else f"{show(operand)} is no length"


def _type_problem(operand: Any) -> str:
    if isinstance(operand, str) and operand in TYPES:
        return ""
    return f"unknown type {show(operand)}; " + did_you_mean(str(operand), TYPES)


def _order_problem(operand: Any) -> str:
    ordered = _is_number(operand) or isinstance(operand, str)
    return "" if ordered else f"{show(operand)} is neither a number nor a text"


_OPERANDS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), _order_problem),
    **dict.fromkeys(("starts_with", "ends_with"), _text_problem),
    **dict.fromkeys(("in", "nin"), _list_problem),
    **dict.fromkeys(("exists", "empty"), _flag_problem),
    "between": _pair_problem,
    "matches": _pattern_problem,
    "length": _length_problem,
    "type": _type_problem,
}
