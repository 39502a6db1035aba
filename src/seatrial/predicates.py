"""Predicates on one value, and how a value is worded. Pure.

A `Predicate` answers yes, no, or "cannot be asked of this value"; the last fails a check even when it is negated, so
that `not: {gt: 5}` never passes on a text. `PREDICATES` and `TYPES` are the registries. Values are JSON's, and the
bytes and dates that queries and filters make of them. Imports only the floor.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from seatrial import dates
from seatrial.errors import did_you_mean
from seatrial.json_schema import FORMATS, Schema, as_schema, text_that
from seatrial.regexes import TooSlow, compile_regex

Ask = Callable[[Any, Any], bool | str | None]

MAX_SHOWN = 20_000
"""Characters of a value in a message. Whoever prints it shortens it further, after redaction: cutting a secret in two
would hide neither half."""

MAX_BYTES_SHOWN = 64
_SIMPLE = frozenset({str, int, float})


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file holds that an answer must equal, and what to call it."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Predicate:
    """A question about a value: its YAML name, its wording, whether the answer is turned round.

    `ask(actual, operand)` is None when the question makes no sense for that value, and a text that says why where it
    could not be answered. `of_nothing` is the answer where a query found nothing to ask it of; a predicate that has
    one makes no sense where a filter did not fit.
    """

    name: str
    wording: str
    ask: Ask
    negated: bool = False
    of_nothing: bool | None = None

    def holds(self, actual: Any, operand: Any) -> bool:
        """Whether it is so; never when the question makes no sense."""
        return self.accepts(self.ask(actual, operand))

    def accepts(self, answer: bool | str | None) -> bool:
        """Whether that answer is the wanted one."""
        return isinstance(answer, bool) and answer is not self.negated

    def expected(self, operand: Any) -> str:
        """What was wanted, for a message: `not contains string <"x">`."""
        turned = self.negated
        if self.name in _FLAGS:
            turned, words = turned is not (operand is False), self.wording
        else:
            words = f"{self.wording} {_worded(self.name, operand)}".strip()
        return f"not {words}" if turned else words


def _worded(name: str, operand: Any) -> str:
    if name == "schema" and isinstance(operand, (Mapping, bool)):
        return "the schema"
    return str(operand) if name in _WORDS else show(operand)


def predicate(name: str) -> Predicate:
    """The predicate of that YAML name; KeyError when there is none."""
    return PREDICATES[name]


def negated(asked: Predicate) -> Predicate:
    """The same question, turned round."""
    return Predicate(asked.name, asked.wording, asked.ask, not asked.negated, asked.of_nothing)


def operand_problem(name: str, operand: Any) -> str:
    """Why this can be no operand of that predicate, empty when it can; templates are checked once rendered."""
    return _OPERANDS[name](operand) if name in _OPERANDS else ""


def equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 equals 1.0, but true is no number. Bytes equal their hex, dates their ISO text."""
    kind = type(left)
    if kind is type(right) and kind in _SIMPLE:
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right) or _equal_as_text(left, right)


def _equal_as_text(left: Any, right: Any) -> bool:
    if isinstance(left, bytes) or isinstance(right, bytes):
        packed = as_bytes(left)
        return packed is not None and packed == as_bytes(right)
    if isinstance(left, datetime) or isinstance(right, datetime):
        moment = dates.date_of(left)
        return moment is not None and moment == dates.date_of(right)
    return False


def as_bytes(value: Any) -> bytes | None:
    """Bytes, or those of a hex text; None for anything else."""
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            return None
    return value if isinstance(value, bytes) else None


def show(value: Any) -> str:
    """A value with its type, as in `integer <2>` or `string <"EUR">`, shortened."""
    return f"{type_name(value)} <{plain(value)}>"


def plain(value: Any) -> str:
    """A value as JSON, shortened; bytes in hex, a date in ISO 8601."""
    if isinstance(value, (bytes, datetime)):
        return _plain_other(value)
    text = json.dumps(value, ensure_ascii=False, default=_plain_other)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}... ({len(text)} characters)"


def _plain_other(value: Any) -> str:
    if isinstance(value, bytes):
        more = f"... ({len(value)} bytes)" if len(value) > MAX_BYTES_SHOWN else ""
        return value[:MAX_BYTES_SHOWN].hex() + more
    return dates.iso_text(value) if isinstance(value, datetime) else str(value)


def type_name(value: Any) -> str:
    """JSON's word for the value's type; whole numbers are integers, others floats."""
    for name in ("null", "boolean", "integer", "float", "string", "list", "object", "bytes", "date"):
        if TYPES[name](value):
            return name
    return type(value).__name__


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Ask:
    def ask(actual: Any, operand: Any) -> bool | None:
        numbers = _is_number(actual) and _is_number(operand)
        if numbers or (isinstance(actual, str) and isinstance(operand, str)):
            return compare(actual, operand)
        if isinstance(actual, datetime) or isinstance(operand, datetime):
            left, right = dates.date_of(actual), dates.date_of(operand)
            return compare(left, right) if left and right else None
        return None

    return ask


def _between(actual: Any, operand: Any) -> bool | None:
    if not isinstance(operand, list) or len(operand) != 2:
        return None
    answers = _at_least(actual, operand[0]), _at_most(actual, operand[1])
    return None if None in answers else all(answer is True for answer in answers)


def _contains(actual: Any, operand: Any) -> bool | None:
    if isinstance(actual, str):
        return operand in actual if isinstance(operand, str) else None
    if isinstance(actual, bytes):
        part = as_bytes(operand)
        return None if part is None else part in actual
    if isinstance(actual, Mapping):
        return operand in actual if isinstance(operand, str) else None
    return any(equal(item, operand) for item in actual) if isinstance(actual, list) else None


def _starts_with(actual: Any, operand: Any) -> bool | None:
    whole, part = _alike(actual, operand)
    return None if part is None else whole.startswith(part)


def _ends_with(actual: Any, operand: Any) -> bool | None:
    whole, part = _alike(actual, operand)
    return None if part is None else whole.endswith(part)


def _alike(actual: Any, operand: Any) -> tuple[Any, Any]:
    """Both as texts, or both as bytes; the second None where they are neither."""
    if isinstance(actual, bytes):
        return actual, as_bytes(operand)
    return actual, operand if isinstance(actual, str) and isinstance(operand, str) else None


def _matches(actual: Any, operand: Any) -> bool | str | None:
    if not isinstance(actual, str) or not isinstance(operand, str):
        return None
    try:
        return compile_regex(operand).search(actual) is not None
    except TooSlow as error:
        return str(error)


def _schema(actual: Any, operand: Any) -> bool | str | None:
    """On bytes and dates a schema says nothing."""
    if not isinstance(operand, (Schema, Mapping, bool)) or isinstance(actual, (bytes, datetime)):
        return None
    try:
        return as_schema(operand).accepts(actual)
    except ValueError as error:
        return str(error)


def _equals_file(actual: Any, operand: Any) -> bool | None:
    if not isinstance(operand, FileContent):
        return None
    if isinstance(actual, str):
        return actual.encode(errors="surrogatepass") == operand.content
    return actual == operand.content if isinstance(actual, bytes) else None


def _exists(actual: Any, operand: Any) -> bool:
    """A value that is asked at all is there; who finds nothing answers for itself."""
    return operand is not False


def _empty(actual: Any, operand: Any) -> bool | None:
    return (len(actual) == 0) is (operand is not False) if isinstance(actual, (str, bytes, list, Mapping)) else None


def _length(actual: Any, operand: Any) -> bool | None:
    return len(actual) == operand if isinstance(actual, (str, bytes, list, Mapping)) and _is_number(operand) else None


def _in(actual: Any, operand: Any) -> bool | None:
    return any(equal(actual, option) for option in operand) if isinstance(operand, list) else None


def _nin(actual: Any, operand: Any) -> bool | None:
    found = _in(actual, operand)
    return None if found is None else not found


def _type(actual: Any, operand: Any) -> bool | None:
    return TYPES[operand](actual) if isinstance(operand, str) and operand in TYPES else None


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
    "uuid": text_that(FORMATS["uuid"]),
    "iso_date": text_that(_is_iso_date),
    "ipv4": text_that(FORMATS["ipv4"]),
    "ipv6": text_that(FORMATS["ipv6"]),
    "email": text_that(FORMATS["email"]),
    "url": text_that(_is_url),
    "date": lambda value: isinstance(value, datetime),
    "bytes": lambda value: isinstance(value, bytes),
    "collection": lambda value: isinstance(value, (list, Mapping, bytes)),
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
    Predicate("schema", "valid by", _schema),
    Predicate("equals_file", "equal to the file", _equals_file),
)
PREDICATES: Mapping[str, Predicate] = {asked.name: asked for asked in _ASKED}
_FLAGS = frozenset({"exists", "empty"})
_WORDS = frozenset({"type", "length", "schema", "equals_file"})


def _text_problem(operand: Any) -> str:
    return "" if isinstance(operand, (str, bytes)) else f"{show(operand)} is no text to compare with"


def _pattern_problem(operand: Any) -> str:
    if not isinstance(operand, str):
        return f"{show(operand)} is not a regular expression"
    try:
        compile_regex(operand)
    except ValueError as error:
        return str(error)
    return ""


def _schema_problem(operand: Any) -> str:
    try:
        as_schema(operand)
    except ValueError as error:
        return str(error)
    return ""


def _file_problem(operand: Any) -> str:
    return "" if isinstance(operand, FileContent) else f"{show(operand)} is not what a file holds"


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
    ordered = _is_number(operand) or isinstance(operand, (str, datetime))
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
    "schema": _schema_problem,
    "equals_file": _file_problem,
}
