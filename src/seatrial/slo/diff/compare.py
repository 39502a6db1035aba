"""Two answers of the same step, compared field by field.

Room slo, diff. A field is a path (`$.items[*].price`, `header.content-type`, `line.3`, `status`) and a kind. Elements
of a list share one path, and so do members whose names are data (numbers, ids, dates). Comparing an answer with
itself finds nothing; the other way round the same fields differ, `missing` and `extra` swapped.
"""

from __future__ import annotations

import enum
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seatrial.exchange import Headers
from seatrial.match import equal, looks_generated, path_text, type_name
from seatrial.slo.diff.answer import IGNORED_HEADERS, PRESENCE_HEADERS, Bytes, Content, Json, Seen, Text

MAX_DIFFERENCES = 1000
"""Of one pair of answers, the first of them: more say no more."""

OUTCOME, STATUS, LINES, BYTES, BODY = "outcome", "status", "lines", "bytes", "body"
NAMES, VALUES = ("name", "key", "id", "Name", "Key"), ("value", "values", "Value")
"""Members that say of what another member of the same object is the value."""

_IGNORABLE = re.compile(r"\$(\.\.?[^.]|\[|\Z)|(header\.[\w-]+|line\.(\d+|\*)|outcome|status|lines|bytes|body)\Z")


class Kind(enum.StrEnum):
    """How a field differs. MISSING is what only the primary has, EXTRA what only the candidate has."""

    OUTCOME = "outcome"
    STATUS = "status"
    HEADER = "header"
    TYPE = "type"
    MISSING = "missing"
    EXTRA = "extra"
    SIZE = "size"
    ORDER = "order"
    VALUE = "value"


class Absent(enum.Enum):
    """The value of a field that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs, and what each side has there (ABSENT where nothing). `beside` is what its neighbours
    say it is of, as the members of a path: `["api_key"]` for the `value` of `{name: api_key, value: ...}`."""

    path: str
    kind: Kind
    primary: Any
    candidate: Any
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Fields that are not compared, each with everything below it."""

    patterns: tuple[re.Pattern[str], ...] = ()

    def covers(self, path: str) -> bool:
        """Whether the field is one of them."""
        return any(pattern.fullmatch(path) for pattern in self.patterns)


NOTHING_IGNORED = Ignored()


def ignored(paths: Iterable[str]) -> Ignored:
    """What those paths name: as differences show them, an index for `[*]`, or `$..name` at any depth.

    ValueError quotes a path that can name no field.
    """
    return Ignored(tuple(map(_pattern, paths)))


def differences(primary: Seen, candidate: Seen, skip: Ignored = NOTHING_IGNORED) -> Iterator[Difference]:
    """Every field that differs, each once, at most MAX_DIFFERENCES. Where the statuses are of different classes, or
    one side has no answer, nothing further is compared: an error's body is another document."""
    found = (each for each in _differences(primary, candidate) if not skip.covers(each.path))
    return itertools.islice(_each_once(found), MAX_DIFFERENCES)


def _each_once(found: Iterable[Difference]) -> Iterator[Difference]:
    told: set[tuple[str, Kind]] = set()
    for each in found:
        if (each.path, each.kind) not in told:
            told.add((each.path, each.kind))
            yield each


def _pattern(path: str) -> re.Pattern[str]:
    if not _IGNORABLE.match(path):
        raise ValueError(f"'{path}' names no field")
    plain = path.lower() if path.startswith("header.") else re.sub(r"\[\d+\]", "[*]", path)
    anywhere = re.escape(plain).replace(re.escape("$.."), r"\$(?s:.*)\.", 1)
    return re.compile(rf"{anywhere}(?s:[.\[].*)?")


def _differences(primary: Seen, candidate: Seen) -> Iterator[Difference]:
    if primary.outcome != candidate.outcome:
        yield Difference(OUTCOME, Kind.OUTCOME, primary.outcome, candidate.outcome)
    if primary.status is None or candidate.status is None:
        return
    if primary.status != candidate.status:
        yield Difference(STATUS, Kind.STATUS, primary.status, candidate.status)
    if primary.status // 100 == candidate.status // 100:
        yield from _headers(_by_name(primary.headers), _by_name(candidate.headers))
        yield from _contents(primary.content, candidate.content)


def _headers(primary: Mapping[str, str], candidate: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted(primary.keys() | candidate.keys()):
        left, right = primary.get(name, ABSENT), candidate.get(name, ABSENT)
        if left != right:
            yield Difference(f"header.{name}", Kind.HEADER, left, right)


def _by_name(headers: Headers) -> dict[str, str]:
    """What is compared of them: of cookies their names, of some headers only that they are there."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if (low := name.lower()) not in IGNORED_HEADERS:
            found.setdefault(low, []).append(_shown(low, value))
    return {name: ", ".join(sorted(values) if name == "set-cookie" else values) for name, values in found.items()}


def _shown(name: str, value: str) -> str:
    if name == "set-cookie":
        return value.partition("=")[0].strip()
    return "present" if name in PRESENCE_HEADERS else value.strip()


def _contents(primary: Content, candidate: Content) -> Iterator[Difference]:
    if isinstance(primary, Json) and isinstance(candidate, Json):
        yield from _values(primary.value, candidate.value, "$")
    elif isinstance(primary, Text) and isinstance(candidate, Text):
        yield from _texts(primary.text, candidate.text)
    elif isinstance(primary, Bytes) and isinstance(candidate, Bytes):
        yield from _bytes(primary, candidate)
    elif type(primary) is not type(candidate):
        yield Difference(BODY, Kind.TYPE, _kind_of(primary), _kind_of(candidate))


def _kind_of(content: Content) -> str:
    return "empty" if content is None else type(content).__name__.lower()


def _bytes(primary: Bytes, candidate: Bytes) -> Iterator[Difference]:
    if primary.size != candidate.size:
        yield Difference(BYTES, Kind.SIZE, primary.size, candidate.size)
    elif primary.digest != candidate.digest:
        yield Difference(BYTES, Kind.VALUE, f"sha256 {primary.digest}", f"sha256 {candidate.digest}")


def _texts(primary: str, candidate: str) -> Iterator[Difference]:
    """By number where both have as many lines; else which lines only one has, wherever they stand."""
    left, right = primary.splitlines(), candidate.splitlines()
    if len(left) != len(right):
        yield Difference(LINES, Kind.SIZE, len(left), len(right))
        yield from _only_in(left, right)
    elif left != right and Counter(left) == Counter(right):
        yield Difference(LINES, Kind.ORDER, _first_apart(left, right), _first_apart(right, left))
    else:
        for number, (one, other) in enumerate(zip(left, right, strict=True), start=1):
            if one != other:
                yield Difference(f"line.{number}", Kind.VALUE, one, other)


def _only_in(left: list[str], right: list[str]) -> Iterator[Difference]:
    counted = Counter(left), Counter(right)
    for line in counted[0] - counted[1]:
        yield Difference("line.*", Kind.MISSING, line, ABSENT)
    for line in counted[1] - counted[0]:
        yield Difference("line.*", Kind.EXTRA, ABSENT, line)


def _first_apart(left: list[Any], right: list[Any]) -> Any:
    return next(one for one, other in zip(left, right, strict=True) if not equal(one, other))


def _values(left: Any, right: Any, path: str) -> Iterator[Difference]:
    if equal(left, right):
        return
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        yield from _beside(_members(left, right, path), f"{_named(left)}{_named(right)}", path)
    elif isinstance(left, list) and isinstance(right, list):
        yield from _elements(left, right, path)
    else:
        yield Difference(path, Kind.VALUE if _json_type(left) == _json_type(right) else Kind.TYPE, left, right)


def _json_type(value: Any) -> str:
    """JSON has one type of number."""
    name = type_name(value)
    return "number" if name in ("integer", "float") else name


def _members(left: Mapping[str, Any], right: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key in left:
        below = f"{path}{_segment(key)}"
        if key in right:
            yield from _values(left[key], right[key], below)
        else:
            yield Difference(below, Kind.MISSING, left[key], ABSENT)
    for key in right:
        if key not in left:
            yield Difference(f"{path}{_segment(key)}", Kind.EXTRA, ABSENT, right[key])


def _beside(found: Iterator[Difference], named: str, path: str) -> Iterator[Difference]:
    """Those below a `value` with what the neighbours of that say it is of."""
    if not named:
        return found
    values = tuple(f"{path}{_segment(key)}" for key in VALUES)
    return (replace(each, beside=each.beside + named) if each.path.startswith(values) else each for each in found)


def _named(members: Mapping[str, Any]) -> str:
    return "".join(f"[{json.dumps(members[key])}]" for key in NAMES if isinstance(members.get(key), str))


def _elements(left: list[Any], right: list[Any], path: str) -> Iterator[Difference]:
    """Of lists of one length element by element, unless only their order differs; of others what their elements
    are made of, since no element stands for another there."""
    if len(left) != len(right):
        yield Difference(path, Kind.SIZE, len(left), len(right))
        if left and right:
            yield from _made_of(_shape(left, path), _shape(right, path))
    elif _counted(left) == _counted(right):
        yield Difference(path, Kind.ORDER, _first_apart(left, right), _first_apart(right, left))
    else:
        for one, other in zip(left, right, strict=True):
            yield from _values(one, other, f"{path}[*]")


@dataclass(frozen=True, slots=True)
class _Made:
    """One path within elements: the path of what holds it, and the first value of each type that stands there."""

    holder: str
    values: dict[str, Any]


def _made_of(left: Mapping[str, _Made], right: Mapping[str, _Made]) -> Iterator[Difference]:
    """Fields that the elements of only one side have, and those of other types. A field below one that is not there
    on the other side is told with it."""
    for path in {**left, **right}:
        ours, theirs = left.get(path), right.get(path)
        if ours and theirs:
            if ours.values.keys().isdisjoint(theirs.values):
                yield Difference(path, Kind.TYPE, _first(ours), _first(theirs))
        elif ours and ours.holder in right:
            yield Difference(path, Kind.MISSING, _first(ours), ABSENT)
        elif theirs and theirs.holder in left:
            yield Difference(path, Kind.EXTRA, ABSENT, _first(theirs))


def _first(made: _Made) -> Any:
    return next(iter(made.values.values()))


def _shape(elements: list[Any], path: str) -> dict[str, _Made]:
    """Every path within the elements; the list's own is the outermost."""
    found = {path: _Made("", {"list": elements})}
    left = [(path, f"{path}[*]", element) for element in elements]
    while left:
        holder, below, value = left.pop()
        found.setdefault(below, _Made(holder, {})).values.setdefault(_json_type(value), value)
        if isinstance(value, Mapping):
            left.extend((below, f"{below}{_segment(key)}", part) for key, part in value.items())
        elif isinstance(value, list):
            left.extend((below, f"{below}[*]", part) for part in value)
    return found


def _segment(key: str) -> str:
    return ".*" if looks_generated(key) else path_text((key,))[1:]


def _counted(elements: list[Any]) -> Counter[str]:
    return Counter(json.dumps(_plain(element), sort_keys=True) for element in elements)


def _plain(value: Any) -> Any:
    """The value with whole floats as integers, which they equal."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
