"""A line of a journal: a record as JSON, and back again, checked.

Takes and gives bytes and records. Whoever reads a journal must be able to trust what comes of it, whatever a disk, an
editor or another version made of the file: `decode` gives a record whose fields are of their types, whose counts and
instants can be, and whose histograms can be read, or ValueError. Floor; must never open a file.

A journal of an hour has 40,000 lines, so each shape of a line (its keys and the types of their values) is checked
once; what remains for every line is in its `_Shape`. What lines have in common (names, equal counts) their records
share: a day's journal is judged in memory.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from seatrial.histograms import require_readable
from seatrial.sample import (
    CallsLost,
    Cause,
    Connections,
    Earlier,
    EdgeCall,
    Ending,
    Evidence,
    FaultWindow,
    Interval,
    Logged,
    Pacing,
    Play,
    PlayedStep,
    Queried,
    Record,
    Sample,
    Timings,
)

MOST = 253_402_300_799
"""The end of the year 9999 in UTC seconds: no instant is later, and no count of a second is as large."""

_KINDS: Mapping[str, type[Any]] = {
    "sample": Sample,
    "interval": Interval,
    "pacing": Pacing,
    "call": EdgeCall,
    "lost": CallsLost,
    "connections": Connections,
    "fault": FaultWindow,
    "evidence": Evidence,
    "play": Play,
    "queried": Queried,
    "earlier": Earlier,
    "logged": Logged,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_HISTOGRAMS = ("histogram", "service_histogram")
_SHARED = ("run", "scenario", "step", "service", "method", "route", "experiment")
_CAUSES = frozenset(map(str, Cause))
_NO_CAUSES: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What to do with the values of each line of these keys and types, by their places in it: `bounded` are counts
    and instants, the texts of `shared` are the same in many lines. `make` takes the values in their order."""

    names: tuple[str, ...]
    bounded: tuple[int, ...]
    histograms: tuple[int, ...]
    casts: tuple[tuple[int, Callable[[Any], Any]], ...]
    shared: tuple[int, ...]
    make: Callable[..., Any]


_SHAPES: dict[tuple[Any, ...], _Shape] = {}


def encode(record: Record) -> bytes:
    """One journal line."""
    line = {
        "record": _NAMES[type(record)],
        **{f.name: getattr(record, f.name) for f in dataclasses.fields(record)},
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def decode(line: bytes | str) -> Record:
    """The record of one line; ValueError says why it is none."""
    content = orjson.loads(line)
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    name = content.pop("record", None)
    key = (name if isinstance(name, str) else None, *content, *map(type, content.values()))
    shape = _SHAPES.get(key)
    if shape is None:
        shape = _SHAPES[key] = _shape(key[0], content)
    values = list(content.values())
    _require_bounded(values, shape)
    _require_histograms(values, shape)
    for at, cast in shape.casts:
        values[at] = cast(values[at])
    for at in shape.shared:
        values[at] = sys.intern(values[at])
    record: Record = shape.make(*values)
    return record


def _require_bounded(values: Sequence[Any], shape: _Shape) -> None:
    for at in shape.bounded:
        if not 0 <= values[at] <= MOST:
            raise ValueError(f"'{shape.names[at]}' cannot be {values[at]}")


def _require_histograms(values: list[Any], shape: _Shape) -> None:
    """One that is the same as the other needs no second look, nor a second place."""
    seen = ""
    for at in shape.histograms:
        if values[at] == seen:
            values[at] = seen
        elif values[at]:
            seen = values[at]
            _require_histogram(shape.names[at], seen)


def _require_histogram(field: str, text: str) -> None:
    try:
        require_readable(text)
    except ValueError as error:
        raise ValueError(f"'{field}' is not a histogram: {error}") from None


def _shape(name: str | None, content: Mapping[str, Any]) -> _Shape:
    kind = _KINDS.get(name or "")
    if kind is None:
        raise ValueError(f"no record of seatrial ('{name}')" if name else "it says no kind of record")
    hints = typing.get_type_hints(kind)
    _require_fields(kind, content)
    for field, value in content.items():
        if type(value) not in _allowed(hints[field]):
            raise ValueError(f"'{field}' cannot be {str(value)[:40]!r}")
    names = tuple(content)
    given = [(at, name, hints[name]) for at, name in enumerate(names) if content[name] is not None]
    return _Shape(
        names,
        bounded=tuple(at for at, name, hint in given if _is_bounded(name, hint)),
        histograms=tuple(at for at, name, _ in given if name in _HISTOGRAMS),
        casts=tuple((at, cast) for at, _, hint in given if (cast := _cast(hint))),
        shared=tuple(at for at, name, _ in given if name in _SHARED),
        make=_maker(kind, names),
    )


def _maker(kind: type[Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """By place where the keys stand as the fields do, as in every line of this version: by name takes seven times as
    long."""
    fields = tuple(field.name for field in dataclasses.fields(kind))
    if names == fields[: len(names)]:
        return kind
    return lambda *values: kind(**dict(zip(names, values, strict=True)))


def _require_fields(kind: type[Any], content: Mapping[str, Any]) -> None:
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in content:
        if name not in fields:
            raise ValueError(f"unknown key '{name}'; another version of seatrial may have written it")
    for name, field in fields.items():
        optional = not (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)
        if name not in content and not optional:
            raise ValueError(f"'{name}' is missing")


def _allowed(hint: Any) -> frozenset[type[Any]]:
    """The types that JSON may give for it."""
    if isinstance(hint, types.UnionType):
        return frozenset[type[Any]]().union(*map(_allowed, typing.get_args(hint)))
    if hint is float:
        return frozenset((int, float))
    if hint is types.NoneType or hint in (int, bool):
        return frozenset((hint,))
    if hint is str or (isinstance(hint, type) and issubclass(hint, enum.StrEnum)):
        return frozenset((str,))
    return frozenset((list,)) if typing.get_origin(hint) is tuple else frozenset((dict,))


def _is_bounded(field: str, hint: Any) -> bool:
    """Counts, and instants; a difference of two instants or a measured value may be anything."""
    number = hint in (int, float, int | None, float | None)
    return number and (hint in (int, int | None) or field == "at" or field.endswith("_at"))


def _cast(hint: Any) -> Callable[[Any], Any] | None:
    """How to turn a field's JSON value back, where it is not what JSON gives: None for that."""
    kind = next((option for option in typing.get_args(hint) if option is not types.NoneType), None)
    kind = kind if isinstance(hint, types.UnionType) else hint
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return _Members(kind).__getitem__
    return _CASTS.get(kind)


class _Members(dict[str, Any]):
    """The members of an enumeration by their values; ValueError for what is none."""

    def __init__(self, kind: type[enum.StrEnum]) -> None:
        super().__init__((str(member), member) for member in kind)
        self._kind = kind

    def __missing__(self, value: str) -> Any:
        return self._kind(value)


def _timings(value: dict[str, Any]) -> Timings:
    _require_each((each for each in value.values() if each is not None), (int, float))
    try:
        return Timings(**value)
    except TypeError:
        raise ValueError("'timings' has an unknown key") from None


def _steps(value: list[Any]) -> tuple[PlayedStep, ...]:
    _require_each(value, (dict,))
    return tuple(map(_step, value))


def _step(value: dict[str, Any]) -> PlayedStep:
    _require_each(value.values(), (str,))
    try:
        return PlayedStep(**(value | {"ending": Ending(value["ending"])}))
    except (KeyError, TypeError):
        raise ValueError("one of its 'steps' has other keys than a step") from None


def _counts(value: dict[str, Any]) -> Mapping[int, int]:
    for count in value.values():
        if type(count) is not int:  # before anything is looked up: True and 1.0 equal 1
            raise ValueError(f"{count!r} is not a count")
    return _counted(tuple(value.items()))


@functools.lru_cache(maxsize=1024)
def _counted(items: tuple[tuple[str, int], ...]) -> Mapping[int, int]:
    """Equal counts are one mapping."""
    for _, count in items:
        _require_count(count)
    return {int(key): count for key, count in items}


def _causes(value: dict[str, Any]) -> Mapping[str, int]:
    if not value:
        return _NO_CAUSES
    for cause, count in value.items():
        _require_count(count)
        if cause not in _CAUSES:
            raise ValueError(f"unknown cause '{cause}'; another version of seatrial may have written it")
    return value


def _require_count(count: Any) -> None:
    if type(count) is not int or not 0 <= count <= MOST:
        raise ValueError(f"{count!r} is not a count")


def _texts(value: list[Any]) -> tuple[str, ...]:
    _require_each(value, (str,))
    return tuple(value)


def _numbers(value: list[Any]) -> tuple[float, ...]:
    _require_each(value, (int, float))
    return tuple(value)


def _require_each(values: Iterable[Any], kinds: tuple[type[Any], ...]) -> None:
    for value in values:
        if type(value) not in kinds:
            raise ValueError(f"{str(value)[:40]!r} cannot be there")


_CASTS: Mapping[Any, Callable[[Any], Any]] = {
    Timings: _timings,
    tuple[PlayedStep, ...]: _steps,
    tuple[str, ...]: _texts,
    tuple[float, ...]: _numbers,
    Mapping[int, int]: _counts,
    Mapping[str, int]: _causes,
}
