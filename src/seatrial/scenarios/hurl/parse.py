"""Reads the text of a `.hurl` file into entries: requests and responses with their sections.

Room scenarios, private to `hurl`. Line by line, by what a line begins with; nothing is tried twice, so that a mistake
is told where it is made. Takes text, gives `Entry`s; must not know what any of it means.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any

from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.scenarios.hurl import asserts, bodies, texts
from seatrial.scenarios.hurl.cursor import Cursor
from seatrial.scenarios.hurl.option_lines import option
from seatrial.scenarios.hurl.syntax import Body, Entry, FilePart, Pair, Request, Response

MAX_SIZE_BYTES = 1 << 20

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_VERSIONS = {"": "", "/1.0": "1.0", "/1.1": "1.1", "/2": "2", "/3": "3"}

_REQUEST = re.compile(r"([A-Z]+)[ \t]+(?=[^\s:])")
_METHOD_ALONE = re.compile(r"[A-Za-z]+")
_RESPONSE = re.compile(r"HTTP(?=[/ \t\r\n]|\Z)")
_VERSION = re.compile(r"(/[0-9.]*)?")
_STATUS = re.compile(r"\*|[0-9]+")
_SECTION = re.compile(r"\[[ \t]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*\][ \t]*(?=#|\r?\n|\Z)")
_FILE = re.compile(r"file,")
_JSON_WORDS = frozenset({"true", "false", "null"})


class _Ahead(enum.Enum):
    """What the next line begins with."""

    END = enum.auto()
    REQUEST = enum.auto()
    RESPONSE = enum.auto()
    SECTION = enum.auto()
    PAIR = enum.auto()
    BODY = enum.auto()
    OTHER = enum.auto()


def parse(text: str, file: str) -> tuple[Entry, ...]:
    """The entries of a file; empty for a file without content. DocumentError for the first mistake."""
    if len(text.encode(errors="replace")) > MAX_SIZE_BYTES:
        raise DocumentError(Where(file, 1, 1), f"the file is larger than {MAX_SIZE_BYTES >> 20} MiB", "split it")
    cursor = Cursor(text.removeprefix("\ufeff"), file)
    entries: list[Entry] = []
    cursor.empty_lines()
    while not cursor.ended:
        request = _request(cursor)
        response = _response(cursor) if _ahead(cursor) is _Ahead.RESPONSE else None
        entries.append(Entry(len(entries) + 1, request, response))
        cursor.empty_lines()
    return tuple(entries)


def _ahead(cursor: Cursor) -> _Ahead:
    """What comes after empty lines, which are stepped over."""
    cursor.empty_lines()
    if cursor.ended:
        return _Ahead.END
    if _section_ahead(cursor):
        return _Ahead.SECTION
    if cursor.look(texts.KEY_AHEAD):
        return _Ahead.PAIR
    if cursor.look(_RESPONSE):
        return _Ahead.RESPONSE
    if cursor.look(_REQUEST):
        return _Ahead.REQUEST
    return _Ahead.BODY if cursor.look(bodies.BODY_AHEAD) else _Ahead.OTHER


def _section_ahead(cursor: Cursor) -> bool:
    found = cursor.look(_SECTION)
    return found is not None and found[1] not in _JSON_WORDS


def _request(cursor: Cursor) -> Request:
    start = cursor.at
    found = cursor.match(_REQUEST)
    if not found:
        raise _no_request(cursor)
    place = cursor.at
    url = texts.bare(cursor)
    cursor.end_of_line("a space in a URL is written %20")
    sections = _Sections(cursor, _REQUEST_SECTIONS)
    sections.read()
    basic = sections.items("BasicAuth")
    return Request(
        method=found[1],
        url=url,
        where=url.where if not url.where.width else cursor.where(start, place + url.where.width),
        headers=tuple(sections.headers),
        query=sections.items("Query"),
        form=sections.items("Form"),
        multipart=sections.items("Multipart"),
        cookies=sections.items("Cookies"),
        basic_auth=basic[0] if basic else None,
        options=sections.items("Options"),
        body=sections.body,
    )


def _no_request(cursor: Cursor) -> DocumentError:
    word = cursor.look(_METHOD_ALONE)
    start = cursor.at
    if _section_ahead(cursor):
        return cursor.error("a section before any request, or after the body", "begin with a line as GET http://...")
    if word and word[0].upper() in METHODS and word[0] not in METHODS:
        hint = f"write '{word[0].upper()}'"
        return cursor.error(f"'{word[0]}' is no method", hint, start=start, end=word.end())
    if word and word[0] in METHODS:
        cursor.at = word.end()
        cursor.spaces()
        return cursor.error(f"expected a URL, found {cursor.found()}", f"as: {word[0]} http://127.0.0.1:8080/")
    if word and (word[0].isupper() or cursor.text[word.end() :].lstrip(" \t").startswith("http")):
        hint = did_you_mean(word[0].upper(), METHODS)
        return cursor.error(f"unknown method '{word[0]}'", hint, start=start, end=word.end())
    return cursor.error(f"expected a request, found {cursor.found()}", "as: GET http://127.0.0.1:8080/")


def _response(cursor: Cursor) -> Response:
    start = cursor.at
    cursor.match(_RESPONSE)
    version = cursor.match(_VERSION)
    written = version[0] if version else ""
    if written not in _VERSIONS:
        hint = "write HTTP, HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3"
        raise cursor.error(f"unknown version 'HTTP{written}'", hint, start=start, end=cursor.at)
    version_where = cursor.where(start, cursor.at)
    cursor.need_spaces("a status")
    place = cursor.at
    status = cursor.match(_STATUS)
    if not status or len(status[0]) > 9:
        raise cursor.error(f"expected a status, found {cursor.found()}", "as: HTTP 200, or HTTP * for any")
    status_where = cursor.where(place, cursor.at)
    cursor.end_of_line()
    sections = _Sections(cursor, _RESPONSE_SECTIONS)
    sections.read()
    return Response(
        version=_VERSIONS[written],
        version_where=version_where,
        status=None if status[0] == "*" else int(status[0]),
        status_where=status_where,
        headers=tuple(sections.headers),
        captures=sections.items("Captures"),
        asserts=sections.items("Asserts"),
        body=sections.body,
    )


class _Sections:
    """Reads what follows the first line of a request or a response: headers, sections, then perhaps a body."""

    def __init__(self, cursor: Cursor, known: dict[str, tuple[str, Callable[[Cursor], Any]]]) -> None:
        self._cursor = cursor
        self._known = known
        self._items: dict[str, list[Any]] = {}
        self.headers: list[Pair] = []
        self.body: Body | None = None

    def items(self, name: str) -> tuple[Any, ...]:
        """What stands in the section of that name, under either of its names."""
        return tuple(self._items.get(name, ()))

    def read(self) -> None:
        """Read up to the next request, the response or the end."""
        cursor = self._cursor
        while _ahead(cursor) is _Ahead.PAIR:
            self.headers.append(pair(cursor))
        while _ahead(cursor) is _Ahead.SECTION:
            self._section()
        ahead = _ahead(cursor)
        if ahead is _Ahead.BODY:
            self.body = bodies.body(cursor)
            cursor.end_of_line()
        elif ahead is _Ahead.PAIR:
            raise cursor.error(f"expected a section, a body or a request, found {cursor.found()}")

    def _section(self) -> None:
        cursor = self._cursor
        found = cursor.match(_SECTION)
        name = found[1] if found else ""
        start = found.start(1) if found else cursor.at
        if name not in self._known:
            raise self._unknown(name, start)
        section, read = self._known[name]
        if section in self._items:
            end = start + len(name)
            raise cursor.error(f"a second section '{name}' in one entry", "join the two", start=start, end=end)
        cursor.end_of_line()
        self._items[section] = []
        while self._goes_on(section):
            self._items[section].append(read(cursor))
            if section == "BasicAuth" and _ahead(cursor) is _Ahead.PAIR:
                raise cursor.error("a second user in [BasicAuth]", "it holds one line, as user: password")

    def _goes_on(self, section: str) -> bool:
        ahead = _ahead(self._cursor)
        if section != "Asserts":
            return ahead is _Ahead.PAIR
        word = self._cursor.look(asserts.WORD)
        return bool(word) and (ahead is _Ahead.OTHER or (word is not None and word[0] in asserts.QUERIES))

    def _unknown(self, name: str, start: int) -> DocumentError:
        end = start + len(name)
        if name in {**_REQUEST_SECTIONS, **_RESPONSE_SECTIONS}:
            half = "request" if self._known is _REQUEST_SECTIONS else "response"
            other = "after the line HTTP ..." if half == "request" else "before the line HTTP ..."
            problem = f"[{name}] does not stand in a {half}"
            return self._cursor.error(problem, f"write it {other}", start=start, end=end)
        return self._cursor.error(f"unknown section '{name}'", did_you_mean(name, self._known), start=start, end=end)


def pair(cursor: Cursor) -> Pair:
    """`name: value`, up to the end of its line."""
    start = cursor.at
    name = texts.key(cursor)
    cursor.spaces()
    cursor.expect(":")
    cursor.spaces()
    value = texts.bare(cursor)
    cursor.end_of_line()
    return Pair(name, value, cursor.where(start, start + max(1, name.where.width)))


def _part(cursor: Cursor) -> Pair | FilePart:
    """A line of a multipart form."""
    start = cursor.at
    name = texts.key(cursor)
    cursor.spaces()
    cursor.expect(":")
    cursor.spaces()
    if not cursor.look(_FILE):
        cursor.at = start
        return pair(cursor)
    cursor.expect("file,")
    cursor.spaces()
    path = texts.file_name(cursor)
    cursor.spaces()
    cursor.expect(";", "a file ends with a semicolon; a space in its name is written '\\ '")
    cursor.spaces()
    content_type = texts.bare(cursor)
    cursor.end_of_line()
    where = cursor.where(start, start + max(1, name.where.width))
    return FilePart(name, path, content_type if content_type.pieces else None, where)


_REQUEST_SECTIONS: dict[str, tuple[str, Callable[[Cursor], Any]]] = {
    "Query": ("Query", pair),
    "QueryStringParams": ("Query", pair),
    "Form": ("Form", pair),
    "FormParams": ("Form", pair),
    "Multipart": ("Multipart", _part),
    "MultipartFormData": ("Multipart", _part),
    "Cookies": ("Cookies", pair),
    "BasicAuth": ("BasicAuth", pair),
    "Options": ("Options", option),
}
_RESPONSE_SECTIONS: dict[str, tuple[str, Callable[[Cursor], Any]]] = {
    "Captures": ("Captures", asserts.capture),
    "Asserts": ("Asserts", asserts.assertion),
}
