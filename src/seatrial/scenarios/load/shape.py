"""The presets of a profile (`shape:`), written out as stages: ramp, spike, soak, step and breakpoint.

Takes what stands under `shape`, gives the stages it means, so that all that follows knows one idea. Pure. May import
the floor and `pace`; must never touch the network or a clock. A breakpoint differs from a step in its phase alone:
its rates are PROBEs, which `slo.breakpoint` judges one by one.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from seatrial.documents import Document, DurationS, Shape
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Stage

MAX_STEPS = 1000
_ROUNDING = 1e-9  # 0.1 + 0.2 must still reach 0.3

ReadLevel = Callable[[str | int | None, Where], float]
"""A level as the profile's model has it (plays per second, or users), or DocumentError at its place."""


class Kind(enum.StrEnum):
    """The presets."""

    RAMP = "ramp"
    SPIKE = "spike"
    SOAK = "soak"
    STEP = "step"
    BREAKPOINT = "breakpoint"


class RawShape(Shape):
    """`shape:` of a profile; which keys belong to which kind stands in `_KEYS`."""

    kind: str
    to: str | int | None = None
    over: DurationS | None = None
    hold: DurationS | None = None
    base: str | int | None = None
    peak: str | int | None = None
    after: DurationS | None = None
    lasts: DurationS | None = None
    times: int | None = None
    rate: str | int | None = None
    users: str | int | None = None
    lasting: DurationS | None = Field(default=None, alias="for")
    start: str | int | None = Field(default=None, alias="from")
    by: str | int | None = None
    every: DurationS | None = None
    up_to: str | int | None = None


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a kind must have, and what it may."""

    needed: tuple[str, ...]
    allowed: tuple[str, ...] = ()


_KEYS: Mapping[Kind, _Keys] = {
    Kind.RAMP: _Keys(("to", "over"), ("from", "hold")),
    Kind.SPIKE: _Keys(("base", "peak", "after", "lasts"), ("times",)),
    Kind.SOAK: _Keys(("for",), ("rate", "users", "over")),
    Kind.STEP: _Keys(("from", "by", "every"), ("times", "up_to")),
    Kind.BREAKPOINT: _Keys(("from", "by", "every", "up_to")),
}


_ALL_KEYS = frozenset(key for keys in _KEYS.values() for key in (*keys.needed, *keys.allowed))


def keys_of(kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys a kind must have beside `kind`, and those it may have."""
    return _KEYS[kind].needed, _KEYS[kind].allowed


@dataclass(frozen=True, slots=True)
class _Written:
    """A shape with the place of everything in it."""

    raw: RawShape
    document: Document
    read_level: ReadLevel

    def where(self, key: str) -> Where:
        return self.document.where("shape", key)

    def has(self, key: str) -> bool:
        return self.document.has("shape", key)

    def level(self, key: str, value: str | int | None) -> float:
        level = self.read_level(value, self.where(key))
        if not level:
            raise DocumentError(self.where(key), f"'{key}' is 0", "a level of a shape is more than 0")
        return level

    def positive_s(self, key: str, value: float | None) -> float:
        if not value:
            raise DocumentError(self.where(key), f"'{key}' lasts no time", "write a duration, as 30s")
        return value


def kind_of(raw: RawShape, document: Document) -> Kind:
    """Which preset it is; DocumentError with the nearest name when there is none."""
    if raw.kind not in set(Kind):
        hint = did_you_mean(raw.kind, Kind)
        raise DocumentError(document.where("shape", "kind"), f"'{raw.kind}' is no shape of a load", hint)
    return Kind(raw.kind)


def stages_of(raw: RawShape, document: Document, *, read_level: ReadLevel) -> tuple[Stage, ...]:
    """The stages a shape stands for; DocumentError with its place for what contradicts itself."""
    kind = kind_of(raw, document)
    _require_keys(kind, document)
    return tuple(_EXPANDED[kind](_Written(raw, document, read_level)))


def refuse_unknown_keys(document: Document) -> None:
    """DocumentError for a key the kind of the shape does not have, before those of all kinds are offered for it."""
    shape = document.content.get("shape")
    if not isinstance(shape, Mapping) or shape.get("kind") not in list(Kind):
        return
    kind = Kind(shape["kind"])
    known = (*_KEYS[kind].needed, *_KEYS[kind].allowed)
    for key in shape:
        if key != "kind" and key not in known:
            where, listed = document.where_key("shape", key), f"it has {', '.join(known)}"
            if key in _ALL_KEYS:
                raise DocumentError(where, f"a {kind} has no '{key}'", listed)
            raise DocumentError(where, f"unknown key '{key}'", did_you_mean(str(key), known))


def _require_keys(kind: Kind, document: Document) -> None:
    known = _KEYS[kind]
    listed = ", ".join((*known.needed, *known.allowed))
    for key in known.needed:
        if not document.has("shape", key):
            raise DocumentError(document.where("shape"), f"a {kind} needs '{key}'", f"it has {listed}")


def _ramp(shape: _Written) -> Iterator[Stage]:
    if shape.has("from"):
        yield Stage(Phase.RAMP, shape.level("from", shape.raw.start), 0.0)
    level = shape.level("to", shape.raw.to)
    yield Stage(Phase.RAMP, level, shape.positive_s("over", shape.raw.over))
    if shape.has("hold"):
        yield Stage(Phase.HOLD, level, shape.positive_s("hold", shape.raw.hold))


def _spike(shape: _Written) -> Iterator[Stage]:
    base, peak = shape.level("base", shape.raw.base), shape.level("peak", shape.raw.peak)
    if peak <= base:
        raise DocumentError(shape.where("peak"), "a peak that is not above the base", "exchange them")
    after_s = shape.positive_s("after", shape.raw.after)
    lasts_s = shape.positive_s("lasts", shape.raw.lasts)
    yield from _at(base, after_s)
    for _ in range(_times(shape, at_least=1) if shape.has("times") else 1):
        yield from _at(peak, lasts_s)
        yield from _at(base, after_s)


def _soak(shape: _Written) -> Iterator[Stage]:
    if shape.has("rate") == shape.has("users"):
        hint = "write `rate: 20/s` in an open model, `users: 20` in a closed one"
        raise DocumentError(shape.document.where("shape"), "a soak has either a rate or users", hint)
    key, value = ("rate", shape.raw.rate) if shape.has("rate") else ("users", shape.raw.users)
    level = shape.level(key, value)
    yield Stage(Phase.RAMP, level, shape.raw.over or 0.0)
    yield Stage(Phase.HOLD, level, shape.positive_s("for", shape.raw.lasting))


def _step(shape: _Written) -> Iterator[Stage]:
    if shape.has("times") == shape.has("up_to"):
        hint = "write either how many steps (`times: 5`) or the last level (`up_to: 500/s`)"
        raise DocumentError(shape.document.where("shape"), "a step ends by either times or up_to", hint)
    every_s = shape.positive_s("every", shape.raw.every)
    for level in _levels(shape, _times(shape, at_least=2) if shape.has("times") else None):
        yield from _at(level, every_s)


def _breakpoint(shape: _Written) -> Iterator[Stage]:
    every_s = shape.positive_s("every", shape.raw.every)
    for level in _levels(shape, None):
        yield Stage(Phase.RAMP, level, 0.0)
        yield Stage(Phase.PROBE, level, every_s)


_EXPANDED: Mapping[Kind, Callable[[_Written], Iterator[Stage]]] = {
    Kind.RAMP: _ramp,
    Kind.SPIKE: _spike,
    Kind.SOAK: _soak,
    Kind.STEP: _step,
    Kind.BREAKPOINT: _breakpoint,
}


def _at(level: float, lasts_s: float) -> tuple[Stage, Stage]:
    """At once to a level, and at it."""
    return Stage(Phase.RAMP, level, 0.0), Stage(Phase.HOLD, level, lasts_s)


def _levels(shape: _Written, times: int | None) -> list[float]:
    """From the first level on, by equal steps: so many, or to the last that is not above `up_to`."""
    first, by = shape.level("from", shape.raw.start), shape.level("by", shape.raw.by)
    steps = _steps_up_to(shape, first, by) if times is None else times
    if steps > MAX_STEPS:
        raise DocumentError(shape.document.where("shape"), f"{steps:,} steps", f"at most {MAX_STEPS:,} are read")
    return [round(first + number * by, 9) for number in range(steps)]


def _steps_up_to(shape: _Written, first: float, by: float) -> int:
    last = shape.level("up_to", shape.raw.up_to)
    if last < first:
        raise DocumentError(shape.where("up_to"), "'up_to' is below 'from'", "exchange them")
    return math.floor((last - first) / by + _ROUNDING) + 1


def _times(shape: _Written, *, at_least: int) -> int:
    times = shape.raw.times or 0
    if not at_least <= times <= MAX_STEPS:
        raise DocumentError(shape.where("times"), f"times {times}", f"it is {at_least} to {MAX_STEPS:,}")
    return times
