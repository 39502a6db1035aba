"""JSON bodies at the edge of the control API, read the way Toxiproxy (Go's decoder) reads them.

Keys are case-insensitive, unknown keys are ignored, `null` counts as absent, whatever follows the first JSON value is
ignored, and an integer is never taken from `1.0` or `"1"`. Everything unreadable is a `Refusal` with status 400.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from seatrial.chaos.proxy.refusal import Refusal, bad_request


def _refuse_constant(text: str) -> float:
    raise bad_request(f"{text} is not a JSON number")


_HALF = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


class Fields:
    """One JSON object of a body; every reader gives None for what is absent or null."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = {key.lower(): value for key, value in found.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def text(self, name: str) -> str | None:
        """A string; halves of surrogate pairs in it are replaced, as Go does."""
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            return _HALF.sub("\ufffd", value)
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

    def texts(self, name: str) -> tuple[tuple[str, str], ...] | None:
        """An object whose values are strings, as pairs in its order, its keys as they are written."""
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
            return tuple(value.items())
        raise _wrong(name, value, "an object of strings")

    def json_texts(self, name: str) -> tuple[tuple[str, str], ...] | None:
        """An object of anything, as pairs in its order: its keys as they are written, its values as JSON."""
        value = self._found.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return tuple((key, json.dumps(each)) for key, each in value.items())
        raise _wrong(name, value, "an object")

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
    raise bad_request(f"{quoted(value)} is not an object")


def read_proxies(body: bytes) -> list[Fields]:
    """The entries of a `/populate` body: a list, or an object that holds one under `proxies`."""
    value = _read(body)
    if not isinstance(value, dict):
        return [] if value is None else _objects(value, where="the body")
    if not any(key.lower() == "proxies" for key in value):
        raise bad_request("a list of proxies is needed, or an object that has one as proxies")
    return Fields(value).each("proxies") or []


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
    except ValueError:
        raise bad_request("it holds a number of thousands of digits") from None
    return value


def _objects(value: Any, where: str) -> list[Fields]:
    if not isinstance(value, list):
        raise _wrong(where, value, "a list")
    for entry in value:
        if not isinstance(entry, dict | None):
            raise _wrong(where, entry, "a list of objects")
    return [Fields(entry or {}) for entry in value]


def _wrong(name: str, value: Any, wanted: str) -> Refusal:
    return bad_request(f"{name} is {quoted(value)}; {wanted} is needed")


def quoted(value: Any) -> str:
    """A value in a sentence: its JSON, or how that begins."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
