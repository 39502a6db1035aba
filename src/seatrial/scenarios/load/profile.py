"""Load profiles as users write them (`scenarios/profiles/*.yaml`), parsed once into frozen types.

Takes documents, gives `Profile`s, presets (`shape:`) written out as stages. May import the floor, `pace` and `shape`;
must never touch the network or a clock.
"""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seatrial import documents, quantity
from seatrial.documents import Document, DurationS, Shape
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.shape import Kind, RawShape, refuse_unknown_keys, stages_of

KIND = "profile"
DEFAULT_MAX_IN_FLIGHT = 500


class Model(enum.StrEnum):
    """How plays start: at due times whatever the target does, or one after another per user."""

    OPEN = "open"
    CLOSED = "closed"


class StopWhen(enum.StrEnum):
    """When the load may end before its stages do."""

    DECIDED = "decided"
    NEVER = "never"


class AbortWhen(enum.StrEnum):
    """What ends the load at once."""

    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Profile:
    """A load profile. `scenarios` maps a journey's name to its weight; None means the journey's own `load` weight.

    The stages' level is plays per second (OPEN) or users (CLOSED). `max_in_flight` bounds the open model: an
    arrival beyond it is dropped and counted.
    """

    name: str
    model: Model
    scenarios: Mapping[str, float | None]
    stages: tuple[Stage, ...]
    warm_up_s: float = 0.0
    max_in_flight: int = DEFAULT_MAX_IN_FLIGHT
    stop_when: StopWhen = StopWhen.NEVER
    abort_when: AbortWhen | None = None
    where: Where | None = None
    places: Mapping[str, Where] = field(default_factory=dict, compare=False)

    @property
    def probes(self) -> tuple[Stage, ...]:
        """The rates of a breakpoint search, rising; none of any other profile."""
        return tuple(stage for stage in self.stages if stage.phase is Phase.PROBE)

    @property
    def offered(self) -> str:
        """The load in words: runs may be compared where they are the same."""
        unit = "plays/s" if self.model is Model.OPEN else "users"
        return f"the {self.model} model with up to {self.peak:g} {unit}"

    @property
    def peak(self) -> float:
        """The highest level of its stages."""
        return max(stage.level for stage in self.stages)

    @property
    def lasts_s(self) -> float:
        """How long its stages take together."""
        return sum(stage.lasts_s for stage in self.stages)

    @property
    def held_s(self) -> float:
        """How long its holds take after the warm-up, its probes included; all of it where it never holds."""
        ends_s = itertools.accumulate(stage.lasts_s for stage in self.stages)
        if self.probes:
            return self.lasts_s
        held_s = sum(
            min(stage.lasts_s, max(0.0, end_s - self.warm_up_s))
            for stage, end_s in zip(self.stages, ends_s, strict=True)
            if stage.phase is Phase.HOLD
        )
        return held_s or self.lasts_s


def read_profiles(folder: Path) -> dict[str, Profile]:
    """Every profile below the folder by name; DocumentError for the first mistake, two of one name included."""
    found: dict[str, Profile] = {}
    for document in documents.find(folder, KIND):
        documents.keep(to_profile(document), found, document)
    return found


def choose_profile(profiles: Mapping[str, Profile], name: str) -> Profile:
    """The profile of that name; UsageError with the nearest name when there is none."""
    if name not in profiles:
        hint = did_you_mean(_called(profiles, name), profiles) or "none is there"
        raise UsageError(f"no profile '{name}' in scenarios/profiles; {hint}")
    return profiles[name]


def _called(profiles: Mapping[str, Profile], name: str) -> str:
    """The name of the profile in the file of that name; where it is of none, its own last part."""
    path = Path(name)
    inside = (item.name for item in profiles.values() if item.where and Path(item.where.file).name == path.name)
    return next(inside, path.stem)


def to_profile(document: Document) -> Profile:
    """One document as a Profile; DocumentError with its place when it is not one."""
    refuse_unknown_keys(document)
    raw = documents.parse(document, _RawProfile)
    model = Model(raw.model)
    return Profile(
        name=raw.profile,
        model=model,
        scenarios=_weights(raw, document),
        stages=_warmed(_curve(raw, model, document), raw.warm_up, document.where("warm_up")),
        warm_up_s=raw.warm_up,
        max_in_flight=_max_in_flight(raw, model, document),
        stop_when=StopWhen(raw.stop_when),
        abort_when=AbortWhen(raw.abort_when) if raw.abort_when else None,
        where=document.where("profile"),
        places=_places(raw, document),
    )


class _RawStage(Shape):
    ramp_to: str | int | None = None
    over: DurationS | None = None
    hold: DurationS | None = None


class _RawProfile(Shape):
    profile: str
    version: Literal[1] = 1
    model: Literal["open", "closed"] = "open"
    scenarios: list[str] | dict[str, float]
    stages: list[_RawStage] = []
    shape: RawShape | None = None
    warm_up: DurationS = 0.0
    max_in_flight: int | None = None
    stop_when: Literal["decided", "never"] = "never"
    abort_when: Literal["missed"] | None = None


SHAPES: Mapping[str, type[Shape]] = {"profile": _RawProfile}


def _weights(raw: _RawProfile, document: Document) -> dict[str, float | None]:
    if not raw.scenarios:
        raise DocumentError(document.where("scenarios"), "no scenario to play", "name at least one journey")
    if isinstance(raw.scenarios, list):
        return dict.fromkeys(_each_once(raw.scenarios, document))
    for name, weight in raw.scenarios.items():
        if weight <= 0:
            raise DocumentError(
                document.where("scenarios", name), f"weight {weight:g} of '{name}'", "a weight is more than 0"
            )
    return dict(raw.scenarios)


def _each_once(names: list[str], document: Document) -> list[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            hint = f"to play it more often, write weights: {{{name}: 2}}"
            raise DocumentError(document.where("scenarios", index), f"'{name}' a second time", hint)
    return names


def _places(raw: _RawProfile, document: Document) -> dict[str, Where]:
    """Where each journey is named."""
    if isinstance(raw.scenarios, list):
        return {name: document.where("scenarios", index) for index, name in enumerate(raw.scenarios)}
    return {name: document.where_key("scenarios", name) for name in raw.scenarios}


def _max_in_flight(raw: _RawProfile, model: Model, document: Document) -> int:
    if raw.max_in_flight is None:
        return DEFAULT_MAX_IN_FLIGHT
    where = document.where("max_in_flight")
    if model is Model.CLOSED:
        raise DocumentError(where, "max_in_flight in a closed model", "users bound it already; leave the key out")
    if raw.max_in_flight < 1:
        raise DocumentError(where, f"max_in_flight {raw.max_in_flight}", "it is at least 1")
    return raw.max_in_flight


def _curve(raw: _RawProfile, model: Model, document: Document) -> tuple[Stage, ...]:
    if raw.shape is None:
        return _stages(raw, model, document)
    if document.has("stages"):
        raise DocumentError(document.where_key("shape"), "a profile has either stages or a shape", "leave one out")
    for key in ("stop_when", "abort_when"):
        if raw.shape.kind == Kind.BREAKPOINT and document.has(key):
            hint = "it ends at the first level that does not hold; leave the key out"
            raise DocumentError(document.where_key(key), f"'{key}' with a breakpoint", hint)
    return stages_of(raw.shape, document, read_level=functools.partial(_level, model=model))


def _require_more_than_warm_up(stages: tuple[Stage, ...], warm_up_s: float, where: Where) -> None:
    lasts_s = sum(stage.lasts_s for stage in stages)
    if warm_up_s and warm_up_s >= lasts_s:
        problem = (
            f"a warm-up of {quantity.show_duration(warm_up_s)} in a profile of {quantity.show_duration(lasts_s)}"
        )
        raise DocumentError(where, problem, "nothing would be left to judge; shorten it, or hold for longer")


def _warmed(stages: tuple[Stage, ...], warm_up_s: float, where: Where) -> tuple[Stage, ...]:
    """With the warm-up before the first probe, where it would else take the probe's time; other stages contain it."""
    if not any(stage.phase is Phase.PROBE for stage in stages):
        _require_more_than_warm_up(stages, warm_up_s, where)
        return stages
    if not warm_up_s:
        return stages
    first = stages[0].level
    return (Stage(Phase.RAMP, first, 0.0), Stage(Phase.HOLD, first, warm_up_s), *stages)


def _stages(raw: _RawProfile, model: Model, document: Document) -> tuple[Stage, ...]:
    if not raw.stages:
        hint = "add `stages:`, as [{ramp_to: 20/s, over: 10s}, {hold: 1m}], or a `shape:`"
        raise DocumentError(document.where_key("profile"), "a profile without stages", hint)
    stages: list[Stage] = []
    for index, stage in enumerate(raw.stages):
        where = document.where("stages", index)
        _check_stage(stage, where)
        if stage.hold is not None:
            stages.append(Stage(Phase.HOLD, _held_level(stages, where), stage.hold))
        else:
            level = _level(stage.ramp_to, document.where("stages", index, "ramp_to"), model=model)
            stages.append(Stage(Phase.RAMP, level, stage.over or 0.0))
    if not any(stage.level for stage in stages):
        raise DocumentError(document.where("stages"), "stages that never leave 0", "ramp to more than 0")
    return tuple(stages)


def _check_stage(stage: _RawStage, where: Where) -> None:
    if (stage.ramp_to is None) == (stage.hold is None):
        hint = "write {ramp_to: 20/s, over: 10s} or {hold: 1m}"
        raise DocumentError(where, "a stage is either a ramp or a hold", hint)
    if stage.hold is not None and stage.over is not None:
        raise DocumentError(where, "'over' belongs to ramp_to", "a hold says its time itself: {hold: 1m}")


def _held_level(stages: list[Stage], where: Where) -> float:
    if not stages:
        raise DocumentError(where, "nothing to hold yet", "begin with {ramp_to: 20/s, over: 10s}")
    return stages[-1].level


def _level(written: str | int | None, where: Where, *, model: Model) -> float:
    if model is Model.CLOSED:
        if not isinstance(written, int) or written < 0:
            hint = "in a closed model it is a number of users, as 20"
            raise DocumentError(where, f"'{written}' is not a number of users", hint)
        return float(written)
    try:
        return quantity.rate_per_s(written)
    except ValueError as error:
        raise DocumentError(where, str(error), "in an open model it is plays per second") from None
