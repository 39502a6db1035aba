"""Writes a document as YAML: plain values in, a text that `documents.loads` reads back as the same values.

Room scenarios, importers. Made for reading: what fits on a line stands on one, longer texts stand as they are, and
only what would be taken for something else is quoted. Needs no YAML package, for the strict core schema leaves few
cases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial.documents import scalar

WIDTH = 118
_BLOCK_LEVELS = 2  # the steps, and what a step says, are read one below the other
_LONG_KEY = 120  # YAML looks for the colon of a plain key no further than 1024 characters away
_PLAIN = re.compile(r"[A-Za-z0-9_$/][A-Za-z0-9_ $/.()+=@*&;%~<>|^:-]*")
_OTHERS = re.compile(r"[0-9.:_+-]+|0[xob].*|[0-9.]+e[0-9]*|[0-9-]+[ T].*|(?i:yes|no|on|off|y|n|true|false|null)")
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def dump(content: Mapping[str, Any], heading: Sequence[str] = ()) -> str:
    """The document as YAML, keys in their order, after `heading` as comments.

    Takes texts, finite numbers, true, false, null, lists and mappings with texts as keys.
    """
    comments = [f"# {_UNPRINTABLE.sub('?', line)}".rstrip() for text in heading for line in text.splitlines() or [""]]
    return "\n".join([*comments, *_mapping(content, 0)]) + "\n"


def flow(value: Any) -> str:
    """A value on one line, as it stands inside `{}` or `[]`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(part) for part in value) + "]"
    return _scalar(value)


def _mapping(content: Mapping[str, Any], level: int) -> Iterator[str]:
    """The lines of a mapping in block style, not indented."""
    for key, value in content.items():
        name = _text(key)
        if len(name) > _LONG_KEY:
            yield f"? {name}"
            yield from _below("", value, level)
        else:
            yield from _below(name, value, level)


def _below(name: str, value: Any, level: int) -> Iterator[str]:
    """`name: value`, on one line or on several."""
    if _fits(value, len(name) + 2 + 2 * level, level):
        yield f"{name}: {flow(value)}"
    elif isinstance(value, Mapping):
        yield f"{name}:"
        yield from _indented(_mapping(value, level + 1))
    elif isinstance(value, list):
        yield f"{name}:"
        yield from _indented(_list(value, level + 1))
    else:
        first, *rest = _literal(value)
        yield f"{name}: {first}"
        yield from _indented(rest)


def _list(items: list[Any], level: int) -> Iterator[str]:
    for item in items:
        yield from _item(item, level)


def _item(item: Any, level: int) -> Iterator[str]:
    if _fits(item, 2 + 2 * level, level):
        lines = [flow(item)]
    elif isinstance(item, Mapping):
        lines = list(_mapping(item, level + 1))
    elif isinstance(item, list):
        lines = list(_list(item, level + 1))
    else:
        lines = _literal(item)
    yield f"- {lines[0]}"
    yield from _indented(lines[1:])


def _fits(value: Any, before: int, level: int) -> bool:
    """Whether the value stands on one line; a text that reads better on several does not."""
    if isinstance(value, (Mapping, list)):
        if not value:
            return True
        nested = any(isinstance(part, (Mapping, list)) and part for part in _parts(value))
        return not (level < _BLOCK_LEVELS and nested) and not _has_lines(value) and before + len(flow(value)) <= WIDTH
    return not (isinstance(value, str) and _stands_as_it_is(value))


def _parts(value: Any) -> Iterator[Any]:
    yield from value.values() if isinstance(value, Mapping) else value


def _has_lines(value: Any) -> bool:
    if isinstance(value, (Mapping, list)):
        return any(_has_lines(part) for part in _parts(value))
    return isinstance(value, str) and _stands_as_it_is(value)


def _stands_as_it_is(text: str) -> bool:
    """Whether a text of several lines can be a block: its first line decides the indentation, so it needs one."""
    first = text.partition("\n")[0]
    return "\n" in text and bool(first.strip()) and first[0] not in " \t" and not _UNPRINTABLE.search(text)


def _literal(text: str) -> list[str]:
    """A text of several lines in YAML's block style; the sign after `|` says how it ends."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    sign = "-" if not ends else "" if ends == 1 else "+"
    return [f"|{sign}", *body.split("\n"), *[""] * (ends - 1)]


def _indented(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        yield f"  {line}" if line else line


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return "null" if value is None else json.dumps(value, allow_nan=False)


def _text(text: str) -> str:
    """Plain where that reads back as the same text, else in quotes."""
    if _PLAIN.fullmatch(text) and not _misleads(text):
        return text
    awkward = '"' in text or "\\" in text
    if awkward and "'" not in text and "\n" not in text and "\t" not in text and not _UNPRINTABLE.search(text):
        return f"'{text}'"
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _misleads(text: str) -> bool:
    """Whether we, or another reader of YAML, would take the plain text for something else."""
    return scalar(text) != text or ": " in text or text.endswith((":", " ")) or bool(_OTHERS.fullmatch(text))


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
