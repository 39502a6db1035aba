"""What `baseline` means in an assessment: the `versus:` of a gate, read.

Room slo. Takes a gate's document, gives a frozen `Versus`; every mistake is an error with its place. May import the
floor and the documents' door; must never look for a run.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StrictBool

from seatrial.documents import Document, Shape
from seatrial.errors import DocumentError, did_you_mean
from seatrial.slo.criteria import Aggregate

BASELINE = "baseline"
"""The word of an objective's `versus:` that the gate gives its meaning; any other is a baseline's name."""


class Of(enum.StrEnum):
    """Which earlier runs' values relative criteria are held against, by those runs' verdicts."""

    MET = "met"
    MET_OR_DEGRADED = "met_or_degraded"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Versus:
    """The run of that `name` or, without one, the `last` runs of the same realm, gate and profile that were MET,
    taken together. `across_realms`: a named run may be of another realm.

    `of` and `aggregate` are for relative criteria alone: of which runs the values are, and how several become one.
    """

    name: str | None = None
    last: int = 1
    across_realms: bool = False
    of: Of = Of.MET
    aggregate: Aggregate = Aggregate.AVG


LAST_MET = Versus()
"""What a gate means that does not say: the one before that was MET."""


class VersusShape(Shape):
    """`versus: {last: 3}` or `versus: {name: release-1, across_realms: true}`."""

    last: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    name: Annotated[str, Field(min_length=1)] | None = None
    across_realms: StrictBool = False
    of: str = Of.MET
    aggregate: str = Aggregate.AVG


def to_versus(raw: str | VersusShape | None, document: Document) -> Versus:
    """Of a gate as written; without `versus` it is the last run that was MET."""
    if raw is None or raw == "last met":
        return LAST_MET
    written = VersusShape(name=raw) if isinstance(raw, str) else raw
    hint = "write `last met`, {last: 3}, or the name a run was given by `seatrial runs baseline`"
    if (written.name is None) == (written.last is None):
        raise DocumentError(document.where("versus"), "versus takes either a name or how many", hint)
    if written.name in (BASELINE, "last"):
        raise DocumentError(document.where("versus"), f"versus '{written.name}' names no run", hint)
    if written.last is not None and written.across_realms:
        problem = "the last runs that were met are always of the same realm"
        raise DocumentError(document.where("versus", "across_realms"), problem, "name a run, or leave it out")
    return Versus(
        written.name,
        last=written.last or 1,
        across_realms=written.across_realms,
        of=Of(_word(document, "of", written.of, Of)),
        aggregate=Aggregate(_word(document, "aggregate", written.aggregate, Aggregate)),
    )


def _word(document: Document, key: str, word: str, known: type[enum.StrEnum]) -> str:
    if word not in set(known):
        raise DocumentError(document.where("versus", key), f"'{word}' is not known here", did_you_mean(word, known))
    return word
