"""Reads `slo/gate.yaml`: what an `assess` comprises and what its verdict asks for.

Room slo. Takes the folder, gives one frozen `Gate`; every mistake is an error with its place.
May import the floor and the documents' door; must never run or judge anything.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from seatrial import documents, quantity
from seatrial.documents import Document, DurationS, Ratio, Shape
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.slo.decide import ALPHA, MIN_HOLD_S
from seatrial.slo.versus import LAST_MET, Versus, VersusShape, to_versus

FILE = "gate.yaml"


SEVERITIES = ("low", "medium", "high")


class OnUndecided(enum.StrEnum):
    """What becomes of an UNDECIDED verdict: EXTEND holds the load for longer first, then fails."""

    FAIL = "fail"
    EXTEND = "extend"
    PASS = "pass"  # noqa: S105 - the user's word, no password


@dataclass(frozen=True, slots=True)
class ScoreLimits:
    """Points of 100 from which on the whole is MET or DEGRADED; both inclusive. Equal ones: it is never DEGRADED."""

    met: float
    degraded: float


@dataclass(frozen=True, slots=True)
class AuditTerms:
    """What of the audit is done, and what its findings weigh.

    `only` are edges, faults or numbers of defects, as of `seatrial chaos audit --only`; empty: all. A finding of
    `missed_from` severity (low, medium, high) or a graver one is MISSED, any other DEGRADED.
    """

    only: tuple[str, ...] = ()
    missed_from: str = "high"


@dataclass(frozen=True, slots=True)
class Gate:
    """What `assess` comprises.

    `acceptance_tags` empty: every journey. `profile` None: no load stage. `hold_at_most_s` bounds the load's hold;
    None leaves it to the profile. `extend_to_s` is how long a hold may last that would end undecided; None where
    `on_undecided` is not EXTEND. `at_most_s` bounds all of it; None: nothing does. `alpha` is the chance of a wrong
    call per objective; `alpha_in_all`, where it is said, that of a wrong call at all, and `shared` makes `alpha` of
    it. `score` None: the worst finding is the verdict. `audit` None: no edge is strained.
    """

    name: str = "default"
    acceptance_tags: tuple[str, ...] = ()
    profile: str | None = None
    hold_at_most_s: float | None = None
    extend_to_s: float | None = None
    at_most_s: float | None = None
    experiments: tuple[str, ...] = ()
    alpha: float = ALPHA
    alpha_in_all: float | None = None
    min_hold_s: float = MIN_HOLD_S
    score: ScoreLimits | None = None
    on_undecided: OnUndecided = OnUndecided.FAIL
    versus: Versus = LAST_MET
    audit: AuditTerms | None = None
    where: Where | None = field(default=None, compare=False)
    document: Document | None = field(default=None, compare=False, repr=False)

    def place(self, *path: str | int) -> Where:
        """Where in its document that stands; the gate itself where it is not written."""
        return self.document.where(*path) if self.document else self.where or Where(f"slo/{FILE}", 1, 1)


_Name = Annotated[str, Field(min_length=1)]


class _Acceptance(Shape):
    tags: tuple[_Name, ...] = ()


class _Load(Shape):
    profile: _Name
    at_most: DurationS | None = None
    extend_to: DurationS | None = None


class _Score(Shape):
    met: Ratio
    degraded: Ratio | None = None


class _Audit(Shape):
    only: tuple[_Name | int, ...] = ()
    missed_from: str = AuditTerms().missed_from


class _Gate(Shape):
    gate: _Name
    version: Literal[1] = 1
    acceptance: _Acceptance = _Acceptance()
    load: _Load | None = None
    chaos: tuple[_Name, ...] = ()
    audit: _Audit | None = None
    at_most: DurationS | None = None
    alpha: Any = None
    min_hold: DurationS = MIN_HOLD_S
    score: _Score | None = None
    on_undecided: str = OnUndecided.FAIL
    versus: str | VersusShape | None = None


SHAPES: Mapping[str, type[Shape]] = {"gate": _Gate}


def read_gate(folder: Path, name: str = "default") -> Gate:
    """The `gate:` document of that name below the folder; UsageError when there is none."""
    found = _documents(folder)
    if not found:
        raise UsageError(f"{folder.name}/{FILE}: there is no gate; write one that begins with `gate: {name}`")
    if name not in found:
        raise UsageError(f"no gate '{name}' in {folder.name}; {did_you_mean(name, found)}")
    return _gate(found[name])


def read_gates(folder: Path) -> dict[str, Gate]:
    """Every gate below the folder by its name; may be empty."""
    return {name: _gate(document) for name, document in _documents(folder).items()}


def _documents(folder: Path) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for document in documents.find(folder, "gate"):
        title = documents.parse(document, _Gate).gate
        if title in found:
            first = found[title].where("gate")
            raise DocumentError(document.where("gate"), f"a second gate '{title}'", f"the first is {first}")
        found[title] = document
    return found


def shared(gate: Gate, objectives: int) -> Gate:
    """The gate with what `alpha: {gate: ...}` allows in all split evenly over so many objectives; unchanged where
    `alpha` is per objective. (Bonferroni: the chance that any is called wrongly is at most the sum of theirs.)"""
    if gate.alpha_in_all is None:
        return gate
    return replace(gate, alpha=gate.alpha_in_all / max(1, objectives))


def _gate(document: Document) -> Gate:
    raw = documents.parse(document, _Gate)
    alpha = _alpha(raw, document)
    return Gate(
        name=raw.gate,
        acceptance_tags=raw.acceptance.tags,
        profile=raw.load.profile if raw.load else None,
        hold_at_most_s=raw.load.at_most if raw.load else None,
        extend_to_s=_extend_to_s(raw, document),
        at_most_s=_at_most_s(raw, document),
        experiments=_experiments(raw, document),
        alpha=alpha,
        alpha_in_all=alpha if isinstance(raw.alpha, dict) else None,
        min_hold_s=raw.min_hold,
        score=_score(raw, document),
        on_undecided=_on_undecided(raw, document),
        versus=to_versus(raw.versus, document),
        audit=_audit_terms(raw, document),
        where=document.where("gate"),
        document=document,
    )


def _experiments(raw: _Gate, document: Document) -> tuple[str, ...]:
    for index, name in enumerate(raw.chaos):
        if name in raw.chaos[:index]:
            raise DocumentError(
                document.where("chaos", index), f"experiment '{name}' is named twice", "leave one out"
            )
    return raw.chaos


def _audit_terms(raw: _Gate, document: Document) -> AuditTerms | None:
    if raw.audit is None:
        return None
    if raw.audit.missed_from not in SEVERITIES:
        hint = did_you_mean(raw.audit.missed_from, SEVERITIES)
        raise DocumentError(
            document.where("audit", "missed_from"), f"unknown severity '{raw.audit.missed_from}'", hint
        )
    return AuditTerms(tuple(map(str, raw.audit.only)), raw.audit.missed_from)


def _extend_to_s(raw: _Gate, document: Document) -> float | None:
    """How long an undecided hold may last; `on_undecided: extend` and this bound belong together."""
    extends = raw.on_undecided == OnUndecided.EXTEND
    bound_s = raw.load.extend_to if raw.load else None
    if bound_s is None:
        if extends:
            hint = "say up to when, as load: {profile: steady, at_most: 5m, extend_to: 10m}"
            raise DocumentError(document.where("on_undecided"), "'extend' without a bound", hint)
        return None
    where = document.where("load", "extend_to")
    if not extends:
        raise DocumentError(where, "a bound for 'extend' alone", "add on_undecided: extend, or leave it out")
    if raw.load and raw.load.at_most is not None and bound_s <= raw.load.at_most:
        raise DocumentError(where, "it extends nothing", "write a longer time than at_most")
    return bound_s


def _at_most_s(raw: _Gate, document: Document) -> float | None:
    if raw.at_most == 0:
        raise DocumentError(document.where("at_most"), "a gate of no time", "write how long it may take, as 15m")
    return raw.at_most


def _alpha(raw: _Gate, document: Document) -> float:
    """As written: per objective, or of the whole gate."""
    if "alpha" not in raw.model_fields_set:
        return ALPHA
    if not isinstance(raw.alpha, dict):
        return _chance(raw.alpha, document.where("alpha"))
    if set(raw.alpha) != {"gate"}:
        problem = f"an alpha with the keys {', '.join(map(str, raw.alpha)) or 'none'}"
        raise DocumentError(document.where("alpha"), problem, "write alpha: 5% per objective, or alpha: {gate: 5%}")
    return _chance(raw.alpha["gate"], document.where("alpha", "gate"))


def _chance(text: object, where: Where) -> float:
    try:
        alpha = quantity.ratio(text)
    except ValueError as error:
        raise DocumentError(where, str(error)) from None
    if not 0.0 < alpha < 0.5:
        hint = "it is the chance of a wrong call: above 0% and below 50%"
        raise DocumentError(where, f"an alpha of '{text}'", hint)
    return alpha


def _score(raw: _Gate, document: Document) -> ScoreLimits | None:
    if raw.score is None:
        return None
    if raw.score.degraded is not None and raw.score.degraded > raw.score.met:
        problem = "the degraded limit of the score lies above the met one"
        raise DocumentError(document.where("score", "degraded"), problem, "exchange them")
    degraded = raw.score.met if raw.score.degraded is None else raw.score.degraded
    return ScoreLimits(met=100.0 * raw.score.met, degraded=100.0 * degraded)


def _on_undecided(raw: _Gate, document: Document) -> OnUndecided:
    if raw.on_undecided not in set(OnUndecided):
        hint = did_you_mean(raw.on_undecided, OnUndecided)
        raise DocumentError(document.where("on_undecided"), f"'{raw.on_undecided}' is not known here", hint)
    return OnUndecided(raw.on_undecided)
