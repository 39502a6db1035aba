"""One objective as it is written, and its place: what the readers of objectives share.

Room slo. Shapes and places only; may import the floor and the documents' door; must never decide what is right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool

from seatrial import quantity
from seatrial.documents import Document, Quantile, Shape
from seatrial.errors import DocumentError

_ROUTE = re.compile(r"([A-Z]+|\*) /\S*")

_Name = Annotated[str, Field(min_length=1)]
_Weight = Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)]


def _window(text: object) -> str:
    quantity.duration_s(text)
    return str(text)


class RawCriteria(Shape):
    """Lists of lists: all criteria of one list, any one list."""

    met: tuple[tuple[str, ...], ...]
    degraded: tuple[tuple[str, ...], ...] = ()


class RawObjective(Shape):
    """One objective, whatever its form."""

    name: _Name
    indicator: str
    limit: Any = None
    at_least: Any = None
    quantile: Quantile | None = None
    routes: tuple[str, ...] = ()
    window: Annotated[str, BeforeValidator(_window)] = "30d"
    weight: _Weight = 1.0
    key: StrictBool = False
    versus: _Name | None = None
    at_most: Any = None
    query: _Name | None = None
    criteria: RawCriteria | None = None
    information: StrictBool = False
    unit: str | None = None
    no_value: Literal["undecided", "missed"] = "undecided"


@dataclass(frozen=True, slots=True)
class Entry:
    """One objective as written, and its place."""

    document: Document
    index: int
    raw: RawObjective

    def wrong_value(self, *path: str | int, problem: str, hint: str = "") -> DocumentError:
        """An error at the value of that path."""
        return DocumentError(self.document.where("objectives", self.index, *path), problem, hint)

    def wrong_key(self, key: str, *, problem: str, hint: str = "") -> DocumentError:
        """An error at that key."""
        return DocumentError(self.document.where_key("objectives", self.index, key), problem, hint)

    def routes(self) -> tuple[str, ...]:
        """Its routes; DocumentError for what is none."""
        for index, route in enumerate(self.raw.routes):
            if not _ROUTE.fullmatch(route):
                hint = "write it as POST /cards/*/charges, with * for a part that varies"
                raise self.wrong_value("routes", index, problem=f"'{route}' is not a route", hint=hint)
        return self.raw.routes
