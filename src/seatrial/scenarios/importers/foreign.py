"""Documents of other tools, looked into without trust: JSON text in, `Part`s out that never raise on a wrong type.

Room scenarios, importers. Sizes and depths are bounded; a syntax error is a `DocumentError` with its line and
column; a value of a wrong type counts as absent and is noted. Must never execute anything or look at another file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.documents import MAX_DIGITS
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.importers.imported import Tally

MAX_BYTES = 64 << 20
"""Of one foreign file: a HAR of a long session with its pictures in it has some 50 MB."""

MAX_DEPTH = 200
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORDS = {dict: "a mapping", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}


def read_json(text: str, file: str) -> Any:
    """The value of a JSON text, without lone surrogates and without numbers no document of ours could hold."""
    if len(text) > MAX_BYTES:
        raise DocumentError(Where(file, 1, 1), f"the file is larger than {MAX_BYTES >> 20} MB", "export less of it")
    try:
        value = json.loads(text, parse_float=_float, parse_int=_int, parse_constant=str)
    except json.JSONDecodeError as error:
        raise DocumentError(Where(file, error.lineno, error.colno), f"not JSON: {error.msg}") from None
    except RecursionError:
        raise DocumentError(Where(file, 1, 1), f"nested deeper than {MAX_DEPTH} levels") from None
    if _deeper(value, MAX_DEPTH):
        raise DocumentError(Where(file, 1, 1), f"nested deeper than {MAX_DEPTH} levels")
    return _cleaned(value) if "\\u" in text else value


def json_value(text: str, max_depth: int) -> tuple[Any] | None:
    """The value of a text that is JSON (in a tuple, for it may be null); None when it is not, is nested too deep, or
    would not survive being written anew: a doubled key, a number out of range."""
    try:
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse, parse_float=_exact)
    except (ValueError, RecursionError):
        return None
    return None if _deeper(value, max_depth) else (_cleaned(value) if "\\u" in text else value,)


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a foreign document and its place, as `item[3].request.url`. Absent parts are parts too, of None."""

    value: Any
    at: str
    tally: Tally

    def __getitem__(self, key: str) -> Part:
        inner = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Part(inner, f"{self.at}.{key}" if self.at else key, self.tally)

    def __bool__(self) -> bool:
        return self.value is not None

    def text(self) -> str:
        """Its text; numbers and booleans as JSON writes them, empty when absent."""
        if isinstance(self.value, (bool, int, float)):
            return json.dumps(self.value)
        return self.value if isinstance(self.value, str) else self._without("", "a text")

    def number(self) -> int | None:
        """Its whole number; None when absent."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        self._without(None, "a whole number")
        return None

    def items(self) -> tuple[Part, ...]:
        """The parts of a list; none when absent."""
        listed = self.value if isinstance(self.value, list) else self._without([], "a list")
        return tuple(Part(item, f"{self.at}[{index}]", self.tally) for index, item in enumerate(listed))

    def members(self) -> tuple[tuple[str, Part], ...]:
        """The members of a mapping; none when absent."""
        held = self.value if isinstance(self.value, Mapping) else self._without({}, "a mapping")
        return tuple((str(key), self[str(key)]) for key in held)

    def _without(self, absent: Any, wanted: str) -> Any:
        if self.value is not None:
            self.tally.note(self.at, f"{_WORDS.get(type(self.value), 'a value')} where {wanted} should stand")
        return absent


def plain_text(text: str) -> str:
    """The text without lone surrogates, which no file could hold."""
    return _SURROGATES.sub("�", text)


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _exact(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refuse(name: str) -> None:
    raise ValueError(name)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a doubled key")
    return made


def _deeper(value: Any, levels: int) -> bool:
    """Whether containers are nested in more than `levels` levels; walked level by level, not by recursion."""
    row = [value]
    for _ in range(levels + 1):
        row = [
            part
            for held in row
            for part in (held.values() if isinstance(held, dict) else held if isinstance(held, list) else ())
            if isinstance(part, (dict, list))
        ]
        if not row:
            return False
    return True


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {plain_text(key): _cleaned(part) for key, part in value.items()}
    return value
