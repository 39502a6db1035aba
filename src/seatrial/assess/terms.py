"""The terms of a run: what it is held against, gate, objectives, expectations and journeys, as one short text.

Takes a plan, gives a digest that `run.json` keeps. Two plans that say the same have the same, wherever and however
their documents are written, and whether this version of seatrial reads them or a later one that knows more: what
is not said is left out. A run judged on other terms than its own is a what-if. Pure.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from seatrial.assess.plan import Plan
from seatrial.chaos.audit.model import Strain
from seatrial.errors import Where
from seatrial.scenarios.rows import expand_rows

_PLACES = frozenset({"file"})  # where something is written says nothing of what it promises
_DIGITS = 16


def terms_of(plan: Plan) -> str:
    """The digest of a plan's terms."""
    plays = [play.name for scenario in plan.acceptance for play in expand_rows(scenario)]
    said = [_plain(part) for part in (plan.gate, plan.services, plan.profile, plan.experiments, plays)]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()[:_DIGITS]


def terms_of_strains(strains: Iterable[Strain]) -> str:
    """The digest of what the strains of an audit hold their edges to."""
    said = [_plain(strain) for strain in strains]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    """In lists, texts and numbers alone, so that the same is written the same."""
    if value is None or isinstance(value, Where):
        return None
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return sorted(([str(key), _plain(item)] for key, item in value.items()), key=lambda pair: pair[0])
    if dataclasses.is_dataclass(value):
        return [type(value).__name__, *_said(value)]  # faults of several kinds have the same fields
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=str)
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} among the terms of a run; say in terms.py how it is written")


def _said(value: Any) -> Iterator[list[Any]]:
    """Fields that differ from their defaults: a later version adds some, of which older documents say nothing."""
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        unsaid = isinstance(content, Where) or content == _default(field)
        if field.compare and field.name not in _PLACES and not unsaid:
            yield [field.name, _plain(content)]


def _default(field: dataclasses.Field[Any]) -> Any:
    """MISSING where it has none, which equals nothing that a document says."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
