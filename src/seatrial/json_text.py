"""Text of a server as JSON: what the standard allows, and not nested without end. Pure.

orjson reads nearly all of it, four times as fast; Python's own decides every doubt, and every number too long for
orjson to keep whole. Floor; imports nothing of seatrial. Everything that goes through a document afterwards may then
do so by recursion.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

MAX_DEPTH = 64
"""Levels of lists and objects, as in the documents an answer is held against."""


def parse(text: str) -> Any:
    """The value; ValueError says why the text is none."""
    try:
        value = _value(text)
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):  # most answers are too small to be deep
        raise _too_deep()
    return value


def parse_plain(body: bytes) -> Any:
    """The value of bytes in UTF-8, where orjson can tell; ValueError where `parse` is to tell of their text."""
    if _LONG_NUMBER_IN_BYTES in body.translate(_DIGITS_ALIKE) or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        raise ValueError("not plain")
    return orjson.loads(body)


def _value(text: str) -> Any:
    if not _LONG_NUMBER.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # it refuses some that are JSON, such as half a character or a number beyond any float
    return _JSON.decode(text)


def _is_deep(value: Any) -> bool:
    """Level by level, for recursion is what this guards against."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        level = [part for holder in level for part in _parts(holder) if isinstance(part, (dict, list))]
        if not level:
            return False
    return True


def _parts(holder: Any) -> Any:
    return holder.values() if isinstance(holder, dict) else holder


def _too_deep() -> ValueError:
    return ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


_LONG_NUMBER = re.compile("[0-9]{19}")
_LONG_NUMBER_IN_BYTES = b"0" * 19  # all digits being alike, which is found ten times as fast as by a pattern
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
