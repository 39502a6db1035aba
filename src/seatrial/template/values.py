"""What a compiled text or tree is, and how its failures are told. Private to `template`; knows nothing of Jinja2."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seatrial import dates
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.template.functions import RESERVED

MAX_NAMES_SHOWN = 12

Scope = Mapping[str, Any]
Run = Callable[[Scope], Any]


class Unknown(Exception):
    """An undefined name was used: in the scope, or in the value `holder` where `inside` is true."""

    def __init__(self, name: str, holder: Any = None, *, inside: bool = False) -> None:
        super().__init__(name)
        self.name = name
        self.holder = holder
        self.inside = inside


class Unrenderable(Exception):
    """A template's engine refused; `str()` is its reason."""


_FOREIGN = (
    Unrenderable,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class Raw(str):
    """A text that is put into a URL as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. `names` are the variables it mentions."""

    text: str
    where: Where
    names: frozenset[str]
    _run: Run

    def render(self, scope: Scope) -> Any:
        """The value in that scope; DocumentError at `where` for anything that goes wrong, undefined names first."""
        try:
            return self._run(scope)
        except Unknown as unknown:
            raise self._undefined(unknown, scope) from None
        except _FOREIGN as error:
            raise DocumentError(self.where, f"'{self.text}' cannot be rendered: {error}") from None

    def _undefined(self, unknown: Unknown, scope: Scope) -> DocumentError:
        holder = unknown.holder
        names = list(map(str, holder)) if isinstance(holder, Mapping) else [] if unknown.inside else list(scope)
        near = did_you_mean(unknown.name, itertools.islice(_nearest_first(unknown.name, names), MAX_NAMES_SHOWN))
        return DocumentError(self.where, f"'{unknown.name}' is not defined, in '{self.text}'", near)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value without a template in it."""

    value: Any

    @property
    def names(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def render(self, scope: Scope) -> Any:
        """Itself, whatever the scope."""
        return self.value


@dataclass(frozen=True, slots=True)
class Items:
    """A list with templates in it."""

    parts: tuple[Value, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables its parts mention."""
        return frozenset().union(*(part.names for part in self.parts))

    def render(self, scope: Scope) -> list[Any]:
        """A new list."""
        return [part.render(scope) for part in self.parts]


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with templates in its values; keys are never templates."""

    parts: tuple[tuple[str, Value], ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables its parts mention."""
        return frozenset().union(*(part.names for _, part in self.parts))

    def render(self, scope: Scope) -> dict[str, Any]:
        """A new mapping, in the file's order."""
        return {key: part.render(scope) for key, part in self.parts}


Value = Template | Fixed | Items | Fields


def to_text(value: Any) -> str:
    """A value inside a text: strings as they are, true, false, null and containers as JSON, bytes in hex, a date in
    ISO 8601."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return dates.iso_text(value)
    if value is None or isinstance(value, (bool, Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _nearest_first(name: str, names: Iterable[str]) -> list[str]:
    """Names that begin alike before the others, so that a shortened list keeps the ones worth reading."""
    return sorted(set(names), key=lambda known: (known[:1] != name[:1], known in RESERVED, known))
