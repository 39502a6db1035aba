"""JSON bodies at the edge of the control API, read the way Toxiproxy (Go's decoder) reads them.

Keys are case-insensitive, unknown keys are ignored, `null` counts as absent, whatever follows the first JSON value is
ignored, and an integer is never taken from `1.0` or `"1"`. Everything unreadable is a `Refusal` with status 400.
"""

from __future__ import annotations

import json
import math
from typing import Any

from seatrial.chaos.proxy.refusal import Refusal, bad_request


def _refuse_constant(text: str) -> float:
    raise bad_request(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


class Fields:
    """One JSON object of a body; every reader gives None for what is absent or null."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = {key.lower(): value for key, value in found.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def text(self, name: str) -> str | None:
        """A string."""
        value = self._found.get(name)
        if value is None or isinstance(value, str):
            return value
        raise _wrong(name, value, "a string")

    def flag(self, name: str) -> bool | None:
        """`true` or `false`."""
        value = self._found.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise _wrong(name, value, "true or false")

    def integer(self, name: str) -> int | None:
        """A whole number written without a fraction."""
        value = self._found.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise _wrong(name, value, "a whole number")

    def number(self, name: str) -> float | None:
        """A finite number."""
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        raise _wrong(name, value, "a number")

    def inner(self, name: str) -> Fields | None:
        """An object inside this one."""
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Fields(value)
        raise _wrong(name, value, "an object")

    def each(self, name: str) -> list[Fields] | None:
        """A list of objects."""
        value = self._found.get(name)
        return None if value is None else _objects(value, where=name)


def read_object(body: bytes) -> Fields:
    """The object a body holds; `null` reads as an empty one."""
    value = _read(body)
    if value is None:
        return Fields({})
    if isinstance(value, dict):
        return Fields(value)
    raise bad_request(f"{_quote(value)} is not an object")


def read_proxies(body: bytes) -> list[Fields]:
    """The entries of a `/populate` body: a list, or an object that holds one under `proxies`."""
    value = _read(body)
    if isinstance(value, dict):
        return Fields(value).each("proxies") or []
    return [] if value is None else _objects(value, where="the body")


def _read(body: bytes) -> Any:
    try:
        text = body.decode()
        value, _ = _DECODER.raw_decode(text.lstrip())
    except UnicodeDecodeError:
        raise bad_request("it is not UTF-8") from None
    except RecursionError:
        raise bad_request("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise bad_request("EOF" if not text.strip() else f"invalid JSON, {error}") from None
    return value


def _objects(value: Any, where: str) -> list[Fields]:
    if not isinstance(value, list):
        raise _wrong(where, value, "a list")
    for entry in value:
        if not isinstance(entry, dict):
            raise _wrong(where, entry, "a list of objects")
    return [Fields(entry) for entry in value]


def _wrong(name: str, value: Any, wanted: str) -> Refusal:
    return bad_request(f"{name} is {_quote(value)}; {wanted} is needed")


def _quote(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
