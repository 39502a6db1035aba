"""JSON paths (RFC 9535): compiled from text, followed through a document. Pure.

Room scenarios, private to `query` and `filters`. A path of names, indexes and `*` alone, as nearly every one is, is
walked here, without the library and some ten times as fast; the library is imported for the first path that needs it,
and judges every text that is no such path.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.match import near_keys
from seatrial.regexes import TooSlow, compile_regex

if TYPE_CHECKING:
    import jsonpath

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_\x80-\ud7ff\ue000-\U0010ffff][\w\x80-\ud7ff\ue000-\U0010ffff]*)
    |\[(?:'(?P<single>[^'\\\x00-\x1f\ud800-\udfff]*)'
         |"(?P<double>[^"\\\x00-\x1f\ud800-\udfff]*)"
         |(?P<index>0|-?[1-9][0-9]{0,14})
         |(?P<every>\*))\]
    |\.(?P<each>\*)""",
    re.VERBOSE | re.ASCII,
)

Step = str | int | None  # None is `*`: every element or member

MAX_VALUES = 100_000
"""Values one path may lead to: `$..*..*` leads to many more than the document has."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path. `singular` ones lead to one value at most.

    `steps` are its names, indexes and `*`; where there is a `parsed` path of the library, they only show the way it
    roughly takes (0 for anything but a name or an index).
    """

    text: str
    steps: tuple[Step, ...]
    singular: bool = True
    parsed: jsonpath.JSONPath | None = None

    def values(self, document: Any) -> list[Any]:
        """What it leads to, in the document's order, empty when nothing; ValueError when it cannot be followed."""
        return _walk(self.steps, document) if self.parsed is None else _follow(self.parsed, document)

    def near(self, document: Any) -> tuple[str, ...]:
        """The nearest keys where the path leads no further."""
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(document, Mapping) or step not in document:
                    return near_keys(document, step)
                document = document[step]
            elif isinstance(document, list) and document:
                document = document[step if step is not None and -len(document) <= step < len(document) else 0]
            else:
                return ()
        return ()


@functools.lru_cache(maxsize=1024)
def compile_path(text: str) -> JsonPath:
    """The path, ready; ValueError says what is wrong with it."""
    steps = _plain_steps(text)
    if steps is not None:
        return JsonPath(text, steps, singular=None not in steps)
    parsed = _parsed(text)
    return JsonPath(text, tuple(_shown(segment) for segment in parsed.segments), parsed.singular_query(), parsed)


def _plain_steps(text: str) -> tuple[Step, ...] | None:
    """The steps of a path of names, indexes and `*` in their usual writing, else None."""
    if not text.startswith("$"):
        return None
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            return None
        steps.append(_plain_step(found))
        at = found.end()
    return tuple(steps)


def _plain_step(found: re.Match[str]) -> Step:
    kind = str(found.lastgroup)
    if kind in ("every", "each"):
        return None
    return int(found[kind]) if kind == "index" else found[kind]


def _walk(steps: tuple[Step, ...], document: Any) -> list[Any]:
    found = [document]
    for step in steps:
        found = [inner for holder in found for inner in _inside(holder, step)]
    return found


def _inside(holder: Any, step: Step) -> Iterable[Any]:
    if isinstance(holder, list):
        if step is None:
            return holder
        return (holder[step],) if isinstance(step, int) and -len(holder) <= step < len(holder) else ()
    if not isinstance(holder, (dict, Mapping)):  # to see a dict as a mapping takes five times as long
        return ()
    if step is None:
        return holder.values()
    return (holder[step],) if isinstance(step, str) and step in holder else ()


def _follow(path: jsonpath.JSONPath, document: Any) -> list[Any]:
    """The library takes a text for a document yet to be parsed; a document that is a text has nothing inside."""
    import jsonpath

    if isinstance(document, str):
        document = json.dumps(document)
    try:
        found = [node.obj for node in itertools.islice(path.finditer(document), MAX_VALUES + 1)]
    except (jsonpath.JSONPathError, RecursionError, ArithmeticError) as error:
        raise ValueError(f"the path cannot be followed: {(*error.args, '')[0]}") from None
    if len(found) > MAX_VALUES:
        raise ValueError(f"the path leads to more than {MAX_VALUES} values")
    return found


def _parsed(text: str) -> jsonpath.JSONPath:
    import jsonpath

    try:
        path = _environment().compile(text)
    except jsonpath.JSONPathError as error:  # its own str() fails for some queries
        raise ValueError(f"'{text}' is not a JSON path (RFC 9535): {error.args[0]}") from None
    except RecursionError:
        raise ValueError(f"'{text}' is nested too deep") from None
    except ArithmeticError:
        raise ValueError(f"'{text}' holds a number out of range") from None
    if not isinstance(path, jsonpath.JSONPath):
        raise ValueError(f"'{text}' is more than one JSON path")
    return path


def _shown(segment: Any) -> Step:
    selector = segment.selectors[0]
    step = getattr(selector, "name", getattr(selector, "index", 0))
    return step if isinstance(step, (str, int)) else 0


@functools.cache
def _environment() -> jsonpath.JSONPathEnvironment:
    """The library with its two functions that take a user's pattern bounded in time."""
    import jsonpath
    from jsonpath.function_extensions import Match, Search

    def bounded(kind: type[Any], anchored: str) -> Any:
        class _Bounded(kind):  # type: ignore[misc]
            def __call__(self, value: object, pattern: object) -> bool:
                if not isinstance(value, str) or not isinstance(pattern, str):
                    return False
                return _holds(anchored.format(pattern), value)

        return _Bounded()

    environment = jsonpath.JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = bounded(Match, r"\A(?:{})\Z")
    environment.function_extensions["search"] = bounded(Search, "{}")
    return environment


def _holds(pattern: str, value: str) -> bool:
    """RFC 9535: a wrong pattern matches nothing; one that takes too long is told."""
    try:
        return compile_regex(pattern).search(value) is not None
    except TooSlow:
        raise
    except ValueError:
        return False
