"""The only door to YAML: a text in, plain values and their places out. Private to `documents`.

The strict core schema types only true, false, null and JSON numbers; duplicate keys, tags and what is too deep or too
much are `DocumentError`s. Must never execute or construct anything.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml

from seatrial.errors import DocumentError, Where

MAX_DEPTH = 64
MAX_DIGITS = 40
MAX_NODES = 100_000  # aliases count each time they are expanded, so a "billion laughs" file ends here

_Fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # PyYAML is sometimes built without libyaml
_NUMBER_BEGINS = "-0123456789"
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
# What PyYAML gives untagged nodes; written out they change nothing here, and every other tag is refused.
_RESOLVED_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_Events = type[yaml.SafeLoader] | type[yaml.CSafeLoader]
_ABSENT = object()


class Place(NamedTuple):
    """Where a mapping or sequence stands and what is in it; a scalar's place is its event."""

    start_mark: Any
    end_mark: Any
    parts: Mapping[Any, Any]
    keys: Mapping[str, Any]


class _Anchored(NamedTuple):
    """What an anchor stands for; `nodes` and `height` are those of the whole, `text` is None for no scalar."""

    content: Any
    place: Any
    nodes: int
    height: int
    text: str | None


class _Reader:
    """Turns the events of one document into plain values, keeping where each came from.

    It reads events, not nodes, because its own recursion is bounded: libyaml's composing would follow brackets for
    as long as there are some, to the end of the stack.
    """

    def __init__(self, text: str, file: str, *, events: _Events) -> None:
        self._file = file
        self._next = (
            events(text).get_event if events is not yaml.SafeLoader else self._whole_texts(events(text).get_event)
        )
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._deepest = 0

    def document(self) -> tuple[dict[str, Any], Place]:
        """The one document of the stream and its place; DocumentError where there is none, or more than one."""
        self._next()  # the stream's start
        start = self._next()
        root = self._next() if isinstance(start, yaml.DocumentStartEvent) else None
        if not isinstance(root, yaml.MappingStartEvent):
            self._drain(root or start)
            raise self._no_document()
        content, place = self._value(root, 0)
        if not content:
            raise self._no_document()
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._wrong(after, "a second document", "make it a file of its own")
        return content, place

    def _value(self, event: Any, depth: int) -> tuple[Any, Any]:
        self._count(event, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.tag is not None:
            self._refuse_tag(event)
        if event.anchor is not None:
            return self._anchor(event, depth)
        return self._plain(event, depth)

    def _plain(self, event: Any, depth: int) -> tuple[Any, Any]:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), event
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        return self._sequence(event, depth)

    def _mapping(self, start: Any, depth: int) -> tuple[dict[str, Any], Place]:
        content: dict[str, Any] = {}
        keys: dict[str, Any] = {}
        parts: dict[str, Any] = {}
        event = self._next()
        while not isinstance(event, yaml.MappingEndEvent):
            key = self._key(event)
            if key in content:
                first = keys[key].start_mark.line + 1
                raise self._wrong(event, f"duplicate key '{key}'", f"it stands first in line {first}")
            keys[key] = event
            content[key], parts[key] = self._value(self._next(), depth + 1)
            event = self._next()
        return content, Place(start.start_mark, event.end_mark, parts, keys)

    def _sequence(self, start: Any, depth: int) -> tuple[list[Any], Place]:
        content: list[Any] = []
        parts: dict[int, Any] = {}
        event = self._next()
        while not isinstance(event, yaml.SequenceEndEvent):
            part, parts[len(content)] = self._value(event, depth + 1)
            content.append(part)
            event = self._next()
        return content, Place(start.start_mark, event.end_mark, parts, {})

    def _whole_texts(self, following: Callable[[], Any]) -> Callable[[], Any]:
        """The events with escaped pairs of surrogates made one character each, as JSON means them. libyaml refuses
        them all; what holds half of one could be neither shown nor sent."""

        def following_whole() -> Any:
            event = following()
            if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
                event.value = event.value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
                half = _SURROGATE.search(event.value)
                if half:
                    raise self._wrong(event, f"'\\u{ord(half[0]):04x}' is half of a character", "write the whole one")
            return event

        return following_whole

    def _key(self, event: Any) -> str:
        if isinstance(event, yaml.ScalarEvent):
            text: str | None = event.value
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(self._scalar(event), event, 1, 0, text)
        else:
            known = self._known(event) if isinstance(event, yaml.AliasEvent) else None
            text = known.text if known else None
        if text is None:
            raise self._wrong(event, "a mapping where a name should stand", 'a template must be quoted: "{{ name }}"')
        return text

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style:  # quoted, or a block
            return text
        word = _WORDS.get(text, _ABSENT)
        if word is not _ABSENT:
            return word
        if text[0] not in _NUMBER_BEGINS or not _JSON_NUMBER.fullmatch(text):
            return text
        if len(text) > MAX_DIGITS:
            raise self._wrong(event, f"the number '{text[:20]}...' has too many digits", "quote it")
        return _number(text)

    def _anchor(self, event: Any, depth: int) -> tuple[Any, Any]:
        """Read what is anchored, and keep how much it is: each alias counts as all of it."""
        before, deepest, name = self._nodes, self._deepest, event.anchor
        self._anchors[name] = None
        self._deepest = depth
        content, place = self._plain(event, depth)
        text = event.value if isinstance(event, yaml.ScalarEvent) else None
        self._anchors[name] = _Anchored(content, place, self._nodes - before + 1, self._deepest - depth, text)
        self._deepest = max(deepest, self._deepest)
        return content, place

    def _alias(self, event: Any, depth: int) -> tuple[Any, Any]:
        known = self._known(event)
        self._nodes += known.nodes - 2
        self._count(event, depth + known.height)
        return known.content, known.place

    def _known(self, event: Any) -> _Anchored:
        if event.anchor not in self._anchors:
            raise self._wrong(
                event, f"nothing is anchored as '&{event.anchor}'", "an anchor stands before its aliases"
            )
        known = self._anchors[event.anchor]
        if known is None:
            raise self._wrong(event, f"'*{event.anchor}' stands within itself", "write it out")
        return known

    def _refuse_tag(self, event: Any) -> None:
        if event.tag != "!" and event.tag.removeprefix("tag:yaml.org,2002:") not in _RESOLVED_TAGS:
            raise self._wrong(event, f"unknown tag '{event.tag}'", "tags are not used here")

    def _count(self, event: Any, depth: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._wrong(event, f"more than {MAX_NODES} values", "split the file")
        if depth > MAX_DEPTH:
            raise self._wrong(event, f"nested deeper than {MAX_DEPTH} levels", "flatten it")
        if depth > self._deepest:
            self._deepest = depth

    def _drain(self, event: Any) -> None:
        """Read on to the end: what is wrong as YAML is to be told before what is wrong for us."""
        depth = 0
        while not isinstance(event, yaml.StreamEndEvent):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            self._count(event, depth)
            event = self._next()

    def _no_document(self) -> DocumentError:
        hint = "begin it with its kind, as `scenario: pay with a card`"
        return DocumentError(Where(self._file, 1, 1), "no document here", hint)

    def _wrong(self, event: Any, problem: str, hint: str) -> DocumentError:
        return DocumentError(where_of(self._file, event), problem, hint)


def read(text: str, file: str) -> tuple[dict[str, Any], Place]:
    """By libyaml; what it refuses is read again in Python, whose word counts and says it better."""
    if _Fast is not yaml.SafeLoader:
        with contextlib.suppress(yaml.YAMLError, UnicodeEncodeError):
            return _Reader(text, file, events=_Fast).document()
    try:
        return _Reader(text, file, events=yaml.SafeLoader).document()
    except yaml.YAMLError as error:
        raise _from_yaml(error, text, file) from None


def where_of(file: str, place: Any) -> Where:
    """Of a place (or an event, which is the place of a scalar), for an error message."""
    start, end = place.start_mark, place.end_mark
    line, column = start.line, start.column
    width = end.column - column if end.line == line else 0
    return Where(file, line + 1, column + 1, width if width > 0 else 0)


def scalar(text: str) -> Any:
    """A single value as the strict core schema types it; in quotes it is a text, whatever it looks like."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text and text in _WORDS:
        return _WORDS[text]
    if not _JSON_NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
        return text
    return _number(text)


def _number(text: str) -> int | float:
    """The number of a text that is a JSON number."""
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def _from_yaml(error: yaml.YAMLError, text: str, file: str) -> DocumentError:
    if isinstance(error, yaml.reader.ReaderError):
        return _unprintable(error, text, file)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file, 1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    hint = 'a template must be quoted: "{{ name }}"' if "flow mapping" in str(error) else ""
    return DocumentError(where, f"not YAML: {problem}", hint)


def _unprintable(error: yaml.reader.ReaderError, text: str, file: str) -> DocumentError:
    """YAML takes no control character as it is; the reader tells how many characters stand before it."""
    before = text[: error.position]
    where = Where(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    code = f"{ord(text[error.position]):04X}"
    return DocumentError(where, f"not YAML: the character U+{code}", f'write it as "\\u{code}", in double quotes')
