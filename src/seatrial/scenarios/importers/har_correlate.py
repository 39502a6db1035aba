"""Finds what a later request took from an earlier answer: a capture there, an expression here.

Room scenarios, importers. The rule, told to users in docs and report: a value counts when it has 16 characters, or
6 with a digit among them, has no blanks, and was in an answer before it was in any request; a shorter id (`id`,
`user_id`) counts in a path, and under a name that ends in the same kind of word. Of several answers that held it
the first is its origin, and in an answer JSON goes before headers, cookies and hidden fields. Pure, but for the
memory of one import.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from seatrial.scenarios.importers.foreign import json_value
from seatrial.scenarios.importers.json_paths import member
from seatrial.scenarios.importers.marks import Marks, is_marked
from seatrial.scenarios.importers.naming import identifier, sounds_secret, words

MAX_ANSWER = 5_000_000
"""Characters of one answer that are looked into."""

MAX_LEAVES = 20_000
"""Values of one answer that are remembered."""

_MAX_VALUE = 8192
_LONG = 16
_LONG_WITH_DIGIT = 6
_MAX_DEPTH = 40
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?|\d\d?:\d\d(:\d\d)?|\d+\.\d+(\.\d+)?")
_ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "ref", "code", "token", "csrf", "nonce"})
_MEMBERS = re.compile(r"\.([A-Za-z0-9_]+)")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # as RFC 9110 spells names of headers, and RFC 6265 of cookies
_COARSE = re.compile(r"[\s,;\"'<>|]+")
_FINE = re.compile(r"[^A-Za-z0-9_.~-]+")
_DULL_HEADERS = frozenset(
    (
        *("date", "server", "content-type", "content-length", "content-encoding", "cache-control", "expires", "vary"),
        *("last-modified", "connection", "set-cookie", "strict-transport-security", "transfer-encoding", "age"),
        *("content-security-policy", "alt-svc", "via", "keep-alive", "accept-ranges", "pragma", "etag"),
    )
)


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer as the correlation needs it. `resource` is the last plain segment of what was asked for."""

    entry: int
    resource: str
    headers: tuple[tuple[str, str], ...]
    content_type: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    entry: int
    key: str
    name: str
    query: Mapping[str, Any]


@dataclass
class Correlation:
    """What answers held so far, and which of it was used."""

    marks: Marks
    captures: dict[int, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _sources: dict[str, _Source] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)
    _names: dict[_Source, str] = field(default_factory=dict)

    def hear(self, answer: Seen) -> None:
        """Remember what this answer holds and no request had before."""
        for key, value, query in _leaves(answer):
            text = str(value)
            if text in self._sources or text in self._sent or not _possible(text, key):
                continue
            self._sources[text] = _Source(answer.entry, key, _name(key, _holder(query) or answer.resource), query)

    def url(self, url: str) -> str:
        """The URL with what it took replaced by marks: all of it, its path, or its segments and query values."""
        scheme, sign, rest = url.partition("://")
        host, slash, tail = rest.partition("/")
        whole, local = self._sources.get(url), self._sources.get(slash + tail)
        if whole:
            return self._use(whole)
        if local and len(tail) > 1 and "header" not in local.query:
            return f"{scheme}{sign}{host}/{self._use(local, part='[1:] | raw')}"
        path, mark, query = tail.partition("?")
        segments = [self._segment(segment) for segment in path.split("/")]
        pairs = [self._pair(pair) for pair in query.split("&")] if mark else []
        return f"{scheme}{sign}{host}{slash}{'/'.join(segments)}{mark}{'&'.join(pairs)}"

    def value(self, name: str, value: Any, depth: int = 0) -> Any:
        """A header, field or JSON value under that name, with what it took replaced by marks."""
        if depth > _MAX_DEPTH or isinstance(value, (bool, float)) or value is None:
            return value
        if isinstance(value, Mapping):
            return {key: self.value(key, part, depth + 1) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value(name, part, depth + 1) for part in value]
        return self._leaf(name, value)

    def _leaf(self, name: str, value: str | int) -> str | int:
        source = self._sources.get(str(value))
        if source and (_strong(str(value)) or _alike(name, source.key)):
            return self._use(source)
        if isinstance(value, int):
            self._sent.add(str(value))
            return value
        return self._within(value)

    def _within(self, text: str) -> str:
        """A text with the words it took replaced, the longest first."""
        if len(text) > MAX_ANSWER or is_marked(text):
            return text
        found = {word for split in (_COARSE, _FINE) for word in split.split(text) if word in self._sources}
        for word in sorted(filter(_strong, found), key=len, reverse=True):
            text = text.replace(word, self._use(self._sources[word]))
        self._sent.update(_COARSE.split(text), _FINE.split(text), (text,))
        return text

    def _segment(self, segment: str) -> str:
        plain = urllib.parse.unquote(segment)
        source = self._sources.get(plain)
        if source and (_strong(plain) or _is_id(source.key)):
            return self._use(source)
        self._sent.add(plain)
        return segment

    def _pair(self, pair: str) -> str:
        name, sign, value = pair.partition("=")
        plain = urllib.parse.unquote(value)
        replaced = self._leaf(urllib.parse.unquote(name), plain) if plain else plain
        return f"{name}{sign}{replaced if replaced != plain and is_marked(str(replaced)) else value}"

    def _use(self, source: _Source, *, part: str = "") -> str:
        if source not in self._names:
            self._names[source] = self._free(source.name)
            hidden = {"secret": True} if sounds_secret(source.key) else {}
            captures = self.captures.setdefault(source.entry, {})
            captures[self._names[source]] = {**source.query, **hidden}
        return self.marks.mark(f"{self._names[source]}{part}")

    def _free(self, name: str) -> str:
        taken = set(self._names.values())
        return next(n for n in (name, *(f"{name}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)


def _strong(value: str) -> bool:
    """Whether the value can hardly be in two places by chance."""
    if any(sign.isspace() for sign in value) or len(value) > _MAX_VALUE or _MOMENT.fullmatch(value):
        return False
    return len(value) >= _LONG or (len(value) >= _LONG_WITH_DIGIT and any(sign.isdigit() for sign in value))


def _possible(value: str, key: str) -> bool:
    return _strong(value) or (_is_id(key) and _weak(value))


def _weak(value: str) -> bool:
    """Whether the value may be an id where its name says so."""
    plain = not any(sign.isspace() for sign in value) and not _MOMENT.fullmatch(value)
    return plain and len(value) <= _LONG and any(sign.isdigit() for sign in value)


def _is_id(name: str) -> bool:
    return bool(words(name)) and words(name)[-1] in _ID_WORDS


def _alike(name: str, key: str) -> bool:
    """Whether both names end in the same word for an id, and the longer one is not of something else."""
    mine, theirs = words(name), words(key)
    return (
        _is_id(name)
        and _is_id(key)
        and (mine == theirs or (mine[-1] == theirs[-1] and min(len(mine), len(theirs)) == 1))
    )


def _holder(query: Mapping[str, Any]) -> str:
    """The name of what holds a JSON value: `cards` of `$.cards[0].id`."""
    names = _MEMBERS.findall(query.get("jsonpath", ""))
    return names[-2] if len(names) > 1 else ""


def _name(key: str, resource: str) -> str:
    """`id` of cards is `card_id`; other keys are their own names."""
    if key.lower() in _ID_WORDS and key.lower() not in ("token", "csrf", "nonce") and resource:
        return identifier(f"{singular('_'.join(words(resource)))}_{key.lower()}")
    return identifier("_".join(words(key)) or "value")


def singular(word: str) -> str:
    """The word for one of them, as far as English rules go."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _leaves(answer: Seen) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Every value an answer gives, as (its name, the value, the query that finds it)."""
    text = answer.text if len(answer.text) <= MAX_ANSWER else ""
    parsed = json_value(text, _MAX_DEPTH) if text.lstrip()[:1] in ("{", "[", '"') else None
    if parsed:
        yield from _json_leaves(parsed[0])
    yield from _header_leaves(answer)
    if not parsed and "html" in answer.content_type:
        yield from hidden_fields(text)


def _json_leaves(value: Any) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Level by level, so that of equal values the one with the shortest path is found first."""
    row: list[tuple[str, str, Any]] = [("", "$", value)]
    left = MAX_LEAVES
    while row and left > 0:
        following: list[tuple[str, str, Any]] = []
        for key, path, held in row:
            if isinstance(held, dict):
                following += [(name, member(path, name), part) for name, part in held.items()]
            elif isinstance(held, list):
                following += [(key, f"{path}[{index}]", part) for index, part in enumerate(held[:left])]
            elif isinstance(held, (str, int)) and not isinstance(held, bool):
                left -= 1
                yield key, held, {"jsonpath": path}
        row = following[:left] if left > 0 else []


def _header_leaves(answer: Seen) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    for name, value in answer.headers:
        if not _TOKEN.fullmatch(name):
            continue
        if name.lower() == "set-cookie":
            cookie, _, rest = value.partition("=")
            if _TOKEN.fullmatch(cookie.strip()):
                yield cookie.strip(), urllib.parse.unquote(rest.partition(";")[0].strip()), {"cookie": cookie.strip()}
        elif name.lower() not in _DULL_HEADERS:
            yield name, value, {"header": name}
        if name.lower() == "location":
            last = value.partition("?")[0].rstrip("/").rpartition("/")[2]
            yield "id", last, {"header": name, "filters": [{"regex": "([^/?#]+)/?(?:[?#].*)?$"}]}


class _Hidden(HTMLParser):
    """Hidden fields of forms, and the tokens pages keep in their head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str, Mapping[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        value_at = {"input": "value", "meta": "content"}.get(tag)
        hidden = tag == "meta" or said.get("type", "").lower() == "hidden"
        if value_at and hidden and said.get("name") and said.get(value_at) and len(self.found) < MAX_LEAVES:
            pattern = _tag_pattern(self.get_starttag_text() or "", said["name"], value_at)
            self.found.append((said["name"], said[value_at], {"regex": pattern}))


def hidden_fields(text: str) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """The hidden fields of a page."""
    parser = _Hidden()
    try:
        parser.feed(text)
    except (AssertionError, ValueError):  # the parser's own words for markup it cannot follow
        return
    yield from parser.found


def _tag_pattern(tag: str, name: str, value_at: str) -> str:
    """A pattern for the value in a tag, with the quotes and the order the page has its attributes in."""
    quote = next((sign for sign in "\"'" if f"{value_at}={sign}" in tag), "")
    named = rf"name=\W?{re.escape(name)}\W?"
    valued = rf"{value_at}={quote}([^{quote}]*)" if quote else rf"{value_at}=([^\s>]+)"
    first = tag.lower().find(f" {value_at}=") < tag.lower().find(" name=")
    return rf"{valued}[^>]*\s{named}" if first else rf"{named}[^>]*\s{valued}"
