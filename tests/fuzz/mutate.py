"""Makes bad documents of good ones: by bytes, by lines, by what stands in them. The same `Random` makes the same.

Takes the bytes of a document and of others of its kind, gives bytes; knows nothing of what they mean.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

MAX_BYTES = 200_000
"""Of what a mutation makes: more only takes longer. What is too large by itself is a case of its own."""

DEEP = 3_000
ODD_BYTES = (b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\x85", b"\xe2\x80\xa8", b"\x1b[2J", b"\t")
SIGNS = b"{}[]\"':,\\\n#$`;|&%*!?>-@/.~ \t0123456789"
ODD_WORDS = (
    "{{",
    "{{ 1 / 0 }}",
    "{{ a.b.c[0] }}",
    "{{ ''.__class__ }}",
    "{% for i in range(9999999) %}x{% endfor %}",
    "{{ 'x' * 999999999 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ [1] | map('upper') | list }}",
    "{{ random_int(5, 1) }}",
    "&a [*a, *a]",
    "*nothing",
    "!!python/object:os.system x",
    "<<",
    "? a",
    "- - - -",
    "9" * 5000,
    "1e999",
    "-1e999",
    "0x1F",
    ".nan",
    ".inf",
    "-0",
    "10000000000000000000000000000",
    "99999999d",
    "1e400ms",
    "0s",
    "-5s",
    "200%",
    "p100",
    "p0",
    "$..*",
    "$[?" + "(" * 500,
    "(a+)+$",
    "[",
    "(?P<a>",
    "\\",
    "%",
    "%Q%",
    "http://[::1",
    "http://a:99999999/",
    "http://\u00e9.test/",
    "file:///etc/passwd",
    "service://",
    "../../../x",
    "/dev/zero",
    "'",
    '"',
    "",
    "null",
    "true",
    "~",
    "|",
    "[" * 200,
    "{a: " * 100,
    "\u202e",
    "\U0001f600",
)
_TEXTS = ("\ud800", "\udfff x", "\0", "\x1b[31m", "a\nb", "a\r\nB: c", "\u00e9" * 300)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    10**30,
    2**63,
    -(10**39),
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"a": {}},
    {"$type": "string"},
    {"$eq": {"$not": 1}},
    {"$": 1},
    {"$ref": "#"},
    *_TEXTS,
    *ODD_WORDS,
)


def mutated(content: bytes, others: Sequence[bytes], chance: random.Random, *, keys: Sequence[str] = ()) -> bytes:
    """The content with one to a dozen things done to it."""
    for _ in range(chance.choice((1, 1, 1, 1, 1, 2, 3, 12))):
        how = chance.choice(WAYS)
        content = how(content, others, chance, keys)[:MAX_BYTES]
    return content


def as_json(value: Any) -> bytes:
    """A value as JSON, which is YAML too; lone surrogates become escapes."""
    return json.dumps(value, ensure_ascii=True).encode()


def misshapen(value: Any, chance: random.Random, keys: Sequence[str]) -> Any:
    """The value with one part of it replaced, dropped, doubled, renamed or moved."""
    made = copy.deepcopy(value)
    holders = list(_holders(made))
    if not holders:
        return chance.choice(ODD_VALUES)
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    how = chance.randrange(6)
    if how <= 1:
        holder[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    elif how == 2:
        del holder[key]
    elif how == 3:
        holder[key] = copy.deepcopy(chance.choice(holders))
    elif how == 4 and isinstance(holder, dict):
        holder[chance.choice(keys) if keys else "x"] = holder.pop(key)
    elif isinstance(holder, dict):
        holder[chance.choice(keys) if keys else "x"] = copy.deepcopy(chance.choice(ODD_VALUES))
    else:
        holder.insert(key, copy.deepcopy(holder[key]))
    return made


def retold(value: Any, chance: random.Random, keys: Sequence[str]) -> Any:
    """The value with one of its texts replaced by an odd one, so that its types stay what they are."""
    made = copy.deepcopy(value)
    places = [(holder, key) for holder in _holders(made) for key, part in _parts(holder) if isinstance(part, str)]
    if places:
        holder, key = chance.choice(places)
        holder[key] = chance.choice((*ODD_WORDS, *keys, *_TEXTS))
    return made


def _parts(holder: Any) -> Iterable[tuple[Any, Any]]:
    return holder.items() if isinstance(holder, dict) else enumerate(holder)


def _holders(value: Any) -> list[Any]:
    """Every mapping and list in it that holds something."""
    found, left = [], [value]
    while left:
        part = left.pop()
        if isinstance(part, (dict, list)) and part:
            found.append(part)
            left.extend(part.values() if isinstance(part, dict) else part)
    return found


def _at(content: bytes, chance: random.Random) -> int:
    return chance.randrange(len(content) + 1)


def _span(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = _at(content, chance)
    return start, min(len(content), start + chance.choice((1, 1, 2, 8, 60, 400)))


def flip(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """One bit of a byte turned."""
    if not content:
        return b"\x80"
    made, at = bytearray(content), chance.randrange(len(content))
    made[at] ^= 1 << chance.randrange(8)
    return bytes(made)


def insert(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """Signs, or bytes that no text holds, put in between."""
    signs = bytes(chance.choice(SIGNS) for _ in range(chance.choice((1, 1, 2, 5))))
    at = _at(content, chance)
    return content[:at] + chance.choice((signs, signs, chance.choice(ODD_BYTES))) + content[at:]


def delete(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """A span left out."""
    start, end = _span(content, chance)
    return content[:start] + content[end:]


def cut(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """All behind a place left out."""
    return content[: _at(content, chance)]


def double(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """A span once or a few hundred times more."""
    start, end = _span(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 1, 2, 300)) + content[end:]


def splice(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """A span of another document put in its place."""
    other = chance.choice(others) if others else content
    start, end = _span(content, chance)
    there, to = _span(other, chance)
    return content[:start] + other[there:to] + content[end:]


def move_line(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """A line put elsewhere, its indentation changed now and then."""
    lines = content.split(b"\n")
    line = lines.pop(chance.randrange(len(lines)))
    moved = chance.choice((line, line, b"  " + line, line.lstrip(), line + b"\r"))
    lines.insert(chance.randrange(len(lines) + 1), moved)
    return b"\n".join(lines)


def swap_word(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """A value after a colon, a comma or a blank replaced by an odd one, or a key by another."""
    words = list(re.finditer(rb"(?<=[:,\[ =]) ?[^\s,\]}{:]+", content))
    names = list(re.finditer(rb"\w+(?=:)", content))
    if names and keys and chance.random() < 0.3:
        found, word = chance.choice(names), chance.choice(keys)
    elif words:
        found, word = chance.choice(words), chance.choice((*ODD_WORDS, *keys))
        word = " " + word if chance.random() < 0.7 else f' "{word}"'
    else:
        return content
    return content[: found.start()] + word.encode() + content[found.end() :]


def deepen(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """Far too many brackets, or digits."""
    many = chance.choice((b"[", b"{", b'{"a":', b"- ", b"(", b"{{", b"9", b"&a ", b"a: ", b"<a>", b"$..", b"!"))
    at = _at(content, chance)
    return content[:at] + many * chance.choice((70, DEEP)) + content[at:]


def restructure(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """What it means, with some of it changed, written as JSON; as it is where it means nothing."""
    return _rewritten(content, misshapen, chance, keys)


def retell(content: bytes, others: Sequence[bytes], chance: random.Random, keys: Sequence[str]) -> bytes:
    """The same with other texts in it."""
    return _rewritten(content, retold, chance, keys)


def _rewritten(content: bytes, change: Callable[..., Any], chance: random.Random, keys: Sequence[str]) -> bytes:
    value = _value_of(content)
    if value is None:
        return content
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        value = change(value, chance, keys)
    return as_json(value)


def _value_of(content: bytes) -> Any:
    from seatrial import documents
    from seatrial.errors import DocumentError

    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        pass
    try:
        return documents.loads(content.decode(), "x.yaml").content
    except (DocumentError, UnicodeDecodeError):
        return None


WAYS: tuple[Callable[..., bytes], ...] = (
    flip,
    insert,
    delete,
    cut,
    double,
    splice,
    move_line,
    *(swap_word,) * 4,
    deepen,
    *(restructure,) * 4,
    *(retell,) * 6,
)
