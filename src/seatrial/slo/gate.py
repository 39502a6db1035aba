"""Reads `slo/gate.yaml`: what an `assess` comprises and what its verdict asks for.

Room slo. Takes the folder, gives one frozen `Gate`; every mistake is an error with its place, and what comes later is
refused by name. May import the floor and the documents' door; must never run or judge anything.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from seatrial import documents, quantity
from seatrial.documents import Document, DurationS, Ratio, Shape
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.slo.decide import ALPHA, MIN_HOLD_S

FILE = "gate.yaml"


class OnUndecided(enum.StrEnum):
    """What the exit code says when the verdict is UNDECIDED."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105 - the user's word, no password


@dataclass(frozen=True, slots=True)
class ScoreLimits:
    """Points of 100 from which on the whole is MET or DEGRADED; both inclusive."""

    met: float
    degraded: float


@dataclass(frozen=True, slots=True)
class Gate:
    """What `assess` comprises.

    `acceptance_tags` empty: every journey. `profile` None: no load stage. `at_most_s` bounds the load stage; None
    leaves it to the profile. `alpha` is the chance of a wrong call per objective. `score` None: the worst finding
    is the verdict.
    """

    name: str = "default"
    acceptance_tags: tuple[str, ...] = ()
    profile: str | None = None
    at_most_s: float | None = None
    experiments: tuple[str, ...] = ()
    alpha: float = ALPHA
    min_hold_s: float = MIN_HOLD_S
    score: ScoreLimits | None = None
    on_undecided: OnUndecided = OnUndecided.FAIL
    where: Where | None = field(default=None, compare=False)


_Name = Annotated[str, Field(min_length=1)]


class _Acceptance(Shape):
    tags: tuple[_Name, ...] = ()


class _Load(Shape):
    profile: _Name
    at_most: DurationS | None = None


class _Score(Shape):
    met: Ratio
    degraded: Ratio


class _Gate(Shape):
    gate: _Name
    version: Literal[1] = 1
    acceptance: _Acceptance = _Acceptance()
    load: _Load | None = None
    chaos: tuple[_Name, ...] = ()
    alpha: Any = None
    min_hold: DurationS = MIN_HOLD_S
    score: _Score | None = None
    on_undecided: str = OnUndecided.FAIL
    versus: Any = None


SHAPES: Mapping[str, type[Shape]] = {"gate": _Gate}


def read_gate(folder: Path, name: str = "default") -> Gate:
    """The `gate:` document of that name below the folder; UsageError when there is none."""
    found: dict[str, Document] = {}
    for document in documents.find(folder, "gate"):
        title = documents.parse(document, _Gate).gate
        if title in found:
            first = found[title].where("gate")
            raise DocumentError(document.where("gate"), f"a second gate '{title}'", f"the first is {first}")
        found[title] = document
    if not found:
        raise UsageError(f"{folder / FILE}: there is no gate; write one that begins with `gate: {name}`")
    if name not in found:
        raise UsageError(f"{folder}: no gate '{name}'; {did_you_mean(name, found)}")
    return _gate(found[name])


def _gate(document: Document) -> Gate:
    raw = documents.parse(document, _Gate)
    _refuse_later(raw, document)
    return Gate(
        name=raw.gate,
        acceptance_tags=raw.acceptance.tags,
        profile=raw.load.profile if raw.load else None,
        at_most_s=raw.load.at_most if raw.load else None,
        experiments=_experiments(raw, document),
        alpha=_alpha(raw, document),
        min_hold_s=raw.min_hold,
        score=_score(raw, document),
        on_undecided=_on_undecided(raw, document),
        where=document.where("gate"),
    )


def _refuse_later(raw: _Gate, document: Document) -> None:
    if "versus" in raw.model_fields_set:
        problem = "comparing with an earlier run (`versus`) is not supported yet"
        raise DocumentError(document.where_key("versus"), problem, "leave it out")
    if isinstance(raw.alpha, dict):
        problem = "an alpha for the whole gate is not supported yet"
        raise DocumentError(document.where("alpha"), problem, "write it per objective, as alpha: 5%")
    if raw.on_undecided == "extend":
        problem = "on_undecided 'extend' is not supported yet"
        raise DocumentError(document.where("on_undecided"), problem, "write fail or pass")


def _experiments(raw: _Gate, document: Document) -> tuple[str, ...]:
    for index, name in enumerate(raw.chaos):
        if name in raw.chaos[:index]:
            raise DocumentError(
                document.where("chaos", index), f"experiment '{name}' is named twice", "leave one out"
            )
    return raw.chaos


def _alpha(raw: _Gate, document: Document) -> float:
    if "alpha" not in raw.model_fields_set:
        return ALPHA
    try:
        alpha = quantity.ratio(raw.alpha)
    except ValueError as error:
        raise DocumentError(document.where("alpha"), str(error)) from None
    if not 0.0 < alpha < 0.5:
        hint = "it is the chance of a wrong call: above 0% and below 50%"
        raise DocumentError(document.where("alpha"), f"an alpha of '{raw.alpha}'", hint)
    return alpha


def _score(raw: _Gate, document: Document) -> ScoreLimits | None:
    if raw.score is None:
        return None
    if raw.score.degraded > raw.score.met:
        problem = "the degraded limit of the score lies above the met one"
        raise DocumentError(document.where("score", "degraded"), problem, "exchange them")
    return ScoreLimits(met=100.0 * raw.score.met, degraded=100.0 * raw.score.degraded)


def _on_undecided(raw: _Gate, document: Document) -> OnUndecided:
    if raw.on_undecided not in set(OnUndecided):
        hint = did_you_mean(raw.on_undecided, OnUndecided)
        raise DocumentError(document.where("on_undecided"), f"'{raw.on_undecided}' is not known here", hint)
    return OnUndecided(raw.on_undecided)
