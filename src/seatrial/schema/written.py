"""How quantities and short forms are written: what a reader takes before it becomes a number or a shape.

A shape shows only what comes out of its reading (`250ms` is a float there). For each function that reads, this says
what may go in; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]

_NUMBER = r"\d+(\.\d+)?"
_TIME = rf"{_NUMBER}\s*(us|ms|s|m|h|d)"
_SOME = r"(?=\D*0*[.0]*[1-9])"  # a digit that is not 0 comes before the unit

TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%", "description": "A template, as `{{ name }}`."}

QUANTITIES: Mapping[str, Schema] = {
    "Duration": {
        "description": "A duration with its unit: us, ms, s, m, h or d.",
        "anyOf": [{"type": "string", "pattern": rf"^\s*{_TIME}\s*$"}, {"const": 0}],
        "examples": ["250ms", "2s", "5m"],
    },
    "SomeTime": {
        "description": "A duration with its unit, more than 0: us, ms, s, m, h or d.",
        "type": "string",
        "pattern": rf"^\s*{_SOME}{_TIME}\s*$",
        "examples": ["250ms", "2s", "5m"],
    },
    "Durations": {
        "description": "A duration, or the shortest and the longest.",
        "anyOf": [{"type": "string", "pattern": rf"^\s*{_TIME}\s*(\.\.\s*{_TIME}\s*)?$"}],
        "examples": ["1s", "1s..3s"],
    },
    "Rate": {
        "description": "How often: per s, m or h.",
        "type": "string",
        "pattern": rf"^\s*{_NUMBER}\s*/\s*(s|m|h)\s*$",
        "examples": ["200/s", "600/m"],
    },
    "Ratio": {
        "description": "A share in percent.",
        "type": "string",
        "pattern": r"^\s*(\d{1,2}(\.\d+)?|0+\d{1,2}(\.\d+)?|100(\.0+)?)\s*%\s*$",
        "examples": ["5%", "0.1%"],
    },
    "More": {
        "description": "How much more is allowed, in percent with its sign.",
        "type": "string",
        "pattern": r"^\s*(\+\d+(\.\d+)?|[+-]?0+(\.0+)?)\s*%\s*$",
        "examples": ["+10%", "+0.5%"],
    },
    "Less": {
        "description": "How much less is allowed, in percent with its sign.",
        "type": "string",
        "pattern": r"^\s*(-0*\d{1,2}(\.\d+)?|[+-]?0+(\.0+)?)\s*%\s*$",
        "examples": ["-5%"],
    },
    "Quantile": {
        "description": "A quantile, as p99 for 99%.",
        "type": "string",
        "pattern": r"^p(?=[\d.]*[1-9])\d{1,2}(\.\d+)?$",
        "examples": ["p95", "p99", "p99.9"],
    },
    "Size": {
        "description": "A size in B, kB, MB (1000), KiB or MiB (1024).",
        "type": "string",
        "pattern": rf"^\s*{_NUMBER}\s*(B|kB|KB|MB|KiB|MiB)\s*$",
        "examples": ["64kB", "10MiB"],
    },
    "SomeSize": {
        "description": "A size of more than 0, in B, kB, MB (1000), KiB or MiB (1024).",
        "type": "string",
        "pattern": rf"^\s*{_SOME}{_NUMBER}\s*(B|kB|KB|MB|KiB|MiB)\s*$",
        "examples": ["64kB", "10MiB"],
    },
    "Transfer": {
        "description": "Bytes per second; a bare number is in kB per second, as Toxiproxy means it.",
        "anyOf": [
            {"type": "string", "pattern": rf"^\s*{_NUMBER}\s*(B|kB|KB|MB|KiB|MiB)\s*/\s*s\s*$"},
            {"type": "number", "minimum": 0},
        ],
        "examples": ["100kB/s"],
    },
    "ToxicTime": {
        "description": "A duration with its unit; a bare number is in milliseconds, as Toxiproxy means it.",
        "anyOf": [{"type": "string", "pattern": rf"^\s*{_TIME}\s*$"}, {"type": "number", "minimum": 0}],
        "examples": ["250ms", 0],
    },
    "Edge": {
        "description": "A caller and the service it calls.",
        "type": "string",
        "pattern": r"^(?!\s*->)\s*\S.*?->\s*\S",
        "examples": ["cards->ledger", "client->gateway"],
    },
    "Condition": {
        "description": "A share of failing requests, and for how long.",
        "type": "string",
        "pattern": rf"^\s*>\s*(100|\d{{1,2}})(\.\d+)?\s*%\s+for\s+{_TIME}\s*$",
        "examples": ["> 50% for 5s"],
    },
    "Status": {"type": "integer", "minimum": 100, "maximum": 599, "examples": [200, 201, 404]},
}


POSITIVE: Mapping[str, str] = {"Duration": "SomeTime", "Size": "SomeSize"}
"""Which quantity is meant where a shape wants more than 0."""


def quantity(name: str) -> Schema:
    """A reference to one of QUANTITIES."""
    return {"$ref": f"#/$defs/{name}"}


def _named(name: str) -> Callable[[Schema], Schema]:
    return lambda _: quantity(name)


def _measured(name: str) -> Callable[[Schema], Schema]:
    """A quantity whose bound pydantic shows within what comes out of it."""
    return lambda inner: quantity(POSITIVE[name] if "exclusiveMinimum" in inner else name)


def _or(*others: Schema) -> Callable[[Schema], Schema]:
    return lambda inner: {"anyOf": [*others, inner]}


READERS: Mapping[str, Callable[[Schema], Schema]] = {
    "quantity.duration_s": _measured("Duration"),
    "quantity.duration_range_s": _named("Durations"),
    "quantity.rate_per_s": _named("Rate"),
    "quantity.ratio": _named("Ratio"),
    "quantity.quantile": _named("Quantile"),
    "quantity.size_bytes": _measured("Size"),
    "scenarios.written.shapes._named": _or({"type": "string"}),
    "scenarios.written.shapes._rows": _or({"type": "array", "items": {"type": "object"}, "minItems": 1}),
    "scenarios.written.shapes._timeout": _or(quantity("SomeTime")),
    "scenarios.written.shapes._follow": _or({"type": "boolean"}, {"type": "integer", "minimum": 1, "maximum": 100}),
    "scenarios.written.shapes._statuses": lambda _: {
        "anyOf": [quantity("Status"), {"type": "array", "items": quantity("Status"), "minItems": 1}, {"const": "any"}]
    },
    "scenarios.written.shapes._not_empty": lambda inner: {**inner, "minItems": 1},
    "scenarios.written.shapes._version": lambda _: {"enum": [1.1, 2, "1.1", "2", "2.0", "HTTP/1.1", "HTTP/2"]},
    "scenarios.written.shapes._listed": lambda _: {},
    "scenarios.written.shapes._input": _or({"type": ["string", "number", "boolean", "array", "null"]}),
    "scenarios.written.shapes._side_by_side": lambda inner: {**inner, "maxItems": 64},
    "chaos.written.shapes._memory_bytes": _measured("Size"),
    "chaos.written.shapes._toxiproxy_s": _named("ToxicTime"),
    "chaos.written.shapes._toxiproxy_slicer_s": _named("ToxicTime"),
    "chaos.written.shapes._toxiproxy_bytes_per_s": _named("Transfer"),
    "chaos.written.shapes._abort": _named("Condition"),
    "chaos.written.shapes._nothing": lambda _: {
        "anyOf": [{"type": "object", "maxProperties": 0}, {"enum": [True, None]}]
    },
    "chaos.written.shapes._edge": _named("Edge"),
    "slo.entry._window": _named("Duration"),
    "scenarios.load.profile._RawProfile._later": lambda _: {"not": {}},
}
"""What each function takes, by its name within seatrial; given what comes out of it."""


def reader_name(function: Any) -> str:
    """The name of a reading function in READERS."""
    plain = getattr(function, "__func__", function)
    return f"{plain.__module__}.{plain.__qualname__}".removeprefix("seatrial.")


def as_written(value: Any, schema: Schema) -> Any:
    """A default as a user would write it where that schema stands; None when it is none worth showing."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value:
        return str(value)
    if not isinstance(value, int | float):
        return None
    shown = _SHOWN.get(schema.get("$ref", "").rpartition("/")[2])
    return shown(value) if shown else value


def _time(value: float) -> Any:
    if not value:
        return 0
    return f"{value:g}s" if value >= 1 else f"{value * 1000:g}ms"


_SHOWN: Mapping[str, Callable[[Any], Any]] = {
    "Duration": _time,
    "SomeTime": _time,
    "ToxicTime": _time,
    "Ratio": lambda value: f"{value * 100:g}%",
    "SomeSize": lambda value: f"{value / 2**20:g}MiB",
}
