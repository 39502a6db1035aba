"""Reads the bodies of a `.hurl` file: JSON, XML, texts between backticks, base64, hex and files.

Room scenarios, private to `hurl`. JSON is checked but kept as it is written, since it is sent and compared so. No
recursion: any nesting up to MAX_DEPTH is read in the same loop. DocumentError at the character that is wrong.
"""

from __future__ import annotations

import base64
import binascii
import re

from seatrial.errors import did_you_mean
from seatrial.scenarios.hurl import texts
from seatrial.scenarios.hurl.cursor import Cursor
from seatrial.scenarios.hurl.syntax import Bare, Block, BlockKind, Body, Bytes, File, Hole, JsonText, Line, Text, Xml

MAX_DEPTH = 200
"""Of nested JSON lists and objects, and of XML elements."""

BODY_AHEAD = re.compile(r'[`{<"\[]|(?:base64|hex|file),|-?[0-9]|(?:true|false|null)\b')
"""What shows that a line begins a body."""

_BLANK = re.compile(r"[ \t\r\n]*+")
_WORD = re.compile(r"true|false|null")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING_CHUNK = re.compile(r'[^"\\{\x00-\x1f]+|\{(?!\{)|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4}')
_HINT = re.compile(r"[^\r\n`]*")
_NEW_LINE = re.compile(r"\r?\n")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_HEX = re.compile(r"[0-9A-Fa-f]*")
_VARIABLES = re.compile(r"variables[ \t]*(?=\{)")
_MARKUP = re.compile(
    r"<\?.*?\?>|<!--.*?-->|<!\[CDATA\[.*?\]\]>|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>"
    r"""|<(?P<close>/?)(?P<name>[^\s/>!?<"'=]+)(?:[^"'<>]|"[^"<]*"|'[^'<]*')*?(?P<empty>/?)>""",
    re.DOTALL,
)
_CHARACTERS = re.compile(r"[^<]*")


def body(cursor: Cursor) -> Body:
    """The body that is next."""
    if cursor.peek(3) == "```":
        return block(cursor)
    start = cursor.at
    if cursor.peek() == "`":
        text = texts.backticked(cursor)
        return Line(text, text.where)
    if cursor.peek() == "<":
        return _xml(cursor)
    if cursor.peek(7) == "base64,":
        return base64_bytes(cursor)
    if cursor.peek(4) == "hex,":
        return hex_bytes(cursor)
    if cursor.peek(5) == "file,":
        return file(cursor)
    return json_text(cursor, start)


def block(cursor: Cursor) -> Block:
    """A text between triple backticks."""
    start = cursor.at
    cursor.expect("```")
    place = cursor.at
    found = cursor.match(_HINT)
    hint = (found[0] if found else "").strip(" \t")
    if hint == "graphql,":
        hint = "graphql"
    if hint not in frozenset(BlockKind):
        end = place + len(hint)
        raise cursor.error(f"unknown kind of block '{hint}'", _block_hint(hint), start=place, end=end)
    if not cursor.match(_NEW_LINE):
        raise cursor.error(f"expected the end of the line after '```', found {cursor.found()}")
    kind = BlockKind(hint)
    if kind is BlockKind.GRAPHQL:
        return _graphql(cursor, start)
    text = _raw(cursor) if kind is BlockKind.RAW else texts.block(cursor)
    _close_block(cursor, start)
    return Block(kind, text, cursor.where(start, start + 3))


def base64_bytes(cursor: Cursor) -> Bytes:
    """`base64,...;`."""
    start = cursor.at
    cursor.expect("base64,")
    found = cursor.match(_BASE64)
    digits = "".join(found[0].split()) if found else ""
    try:
        value = base64.b64decode(digits.rstrip("=") + "=" * (-len(digits.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        raise cursor.error("this is not base64", start=start, end=cursor.at) from None
    cursor.expect(";", "base64 ends with a semicolon")
    return Bytes(value, cursor.where(start, cursor.at))


def hex_bytes(cursor: Cursor) -> Bytes:
    """`hex,...;`."""
    start = cursor.at
    cursor.expect("hex,")
    cursor.spaces()
    found = cursor.match(_HEX)
    digits = found[0] if found else ""
    if len(digits) % 2:
        raise cursor.error(f"{len(digits)} hexadecimal digits are no whole bytes", start=start, end=cursor.at)
    cursor.spaces()
    cursor.expect(";", "hex ends with a semicolon")
    return Bytes(bytes.fromhex(digits), cursor.where(start, cursor.at))


def file(cursor: Cursor) -> File:
    """`file,path;`."""
    start = cursor.at
    cursor.expect("file,")
    cursor.spaces()
    path = texts.file_name(cursor)
    cursor.spaces()
    cursor.expect(";", "a file ends with a semicolon; a space in its name is written '\\ '")
    return File(path, cursor.where(start, cursor.at))


def json_text(cursor: Cursor, start: int) -> JsonText:
    """A JSON value, in which a hole may stand within a string or for a value."""
    reader = _Json(cursor)
    reader.read()
    return JsonText(reader.pieces(), cursor.where(start, min(cursor.at, start + 1)))


def _block_hint(hint: str) -> str:
    if "`" in hint:
        return "the text of a block begins on the next line"
    return did_you_mean(hint, [kind for kind in BlockKind if kind])


def _raw(cursor: Cursor) -> Text:
    end = cursor.text.find("```", cursor.at)
    end = len(cursor.text) if end < 0 else end
    text, where = cursor.text[cursor.at : end], cursor.where(cursor.at, end)
    cursor.at = end
    return Text((text,) if text else (), where)


def _close_block(cursor: Cursor, start: int) -> None:
    if not cursor.take("```"):
        raise cursor.error("the block is not closed", "end it with '```'", start=start, end=start + 3)


def _graphql(cursor: Cursor, start: int) -> Block:
    """A query, and perhaps a line `variables {...}` before the block ends."""
    begin = cursor.at
    end = cursor.text.find("```", begin)
    if end < 0:
        raise cursor.error("the block is not closed", "end it with '```'", start=start, end=start + 3)
    lines = _line_starts(cursor.text, begin, end)
    place = next((line for line in lines if _VARIABLES.match(cursor.text, line)), None)
    query = Cursor(cursor.text[: end if place is None else place], cursor.file)
    query.at = begin
    text = texts.block(query)
    variables = None
    cursor.at = end
    if place is not None:
        cursor.at = place
        cursor.match(_VARIABLES)
        variables = json_text(cursor, cursor.at)
        cursor.match(_BLANK)
    _close_block(cursor, start)
    return Block(BlockKind.GRAPHQL, text, cursor.where(start, start + 3), variables)


def _line_starts(text: str, begin: int, end: int) -> list[int]:
    return [begin, *(found.end() for found in re.compile("\n").finditer(text, begin, end))]


class _Json:
    """Reads one JSON value by a stack of what is open, keeping its text."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._kept = cursor.at
        self._pieces: list[str | Hole | Bare] = []
        self._open: list[str] = []

    def pieces(self) -> tuple[str | Hole | Bare, ...]:
        """What was read."""
        self._keep(self._cursor.at)
        return tuple(self._pieces)

    def read(self) -> None:
        """Read up to the end of the value."""
        cursor = self._cursor
        while True:
            opened = self._value()
            if opened and self._enter(opened):
                continue
            while self._open:
                cursor.match(_BLANK)
                closing = self._open[-1]
                if cursor.take(closing):
                    self._open.pop()
                    continue
                self._comma(closing)
                break
            if not self._open:
                return

    def _enter(self, opened: str) -> bool:
        """Whether what was opened has a first value to be read; an empty one is closed at once."""
        self._open.append("]" if opened == "[" else "}")
        if len(self._open) > MAX_DEPTH:
            raise self._cursor.error(f"the JSON is nested deeper than {MAX_DEPTH}")
        self._cursor.match(_BLANK)
        if self._cursor.peek() == self._open[-1]:
            return False
        self._name()
        return True

    def _comma(self, closing: str) -> None:
        cursor = self._cursor
        place = cursor.at
        if not cursor.take(","):
            raise cursor.error(f"expected ',' or '{closing}', found {cursor.found()}")
        cursor.match(_BLANK)
        if cursor.peek() == closing:
            raise cursor.error(
                f"a comma before '{closing}'", "JSON has no trailing commas", start=place, end=place + 1
            )
        self._name()

    def _name(self) -> None:
        """The name of a member and its colon, within an object."""
        cursor = self._cursor
        if self._open[-1] == "]":
            return
        if cursor.peek() != '"':
            raise cursor.error(f"expected the name of a member in quotes, found {cursor.found()}")
        self._string()
        cursor.match(_BLANK)
        cursor.expect(":")

    def _value(self) -> str:
        """Read a value; of a list or an object only the bracket, which is returned."""
        cursor = self._cursor
        cursor.match(_BLANK)
        if cursor.peek(2) == "{{":
            self._keep(cursor.at)
            self._pieces.append(Bare(texts.hole(cursor)))
            self._kept = cursor.at
        elif cursor.peek() in ("[", "{"):
            cursor.at += 1
            return cursor.text[cursor.at - 1]
        elif cursor.peek() == '"':
            self._string()
        elif not cursor.match(_WORD) and not cursor.match(_NUMBER):
            raise cursor.error(f"expected a JSON value, found {cursor.found()}", "texts stand in double quotes")
        return ""

    def _string(self) -> None:
        cursor = self._cursor
        start = cursor.at
        cursor.at += 1
        while not cursor.take('"'):
            if cursor.peek(2) == "{{":
                self._keep(cursor.at)
                self._pieces.append(texts.hole(cursor))
                self._kept = cursor.at
            elif not cursor.match(_STRING_CHUNK):
                self._refuse_character(start)

    def _refuse_character(self, start: int) -> None:
        cursor = self._cursor
        if cursor.ended:
            raise cursor.error("the text is not closed", 'end it with "', start=start, end=start + 1)
        if cursor.peek() == "\\":
            shown = cursor.peek(2).rstrip("\r\n")
            raise cursor.error(
                f"'{shown}' is no escape of JSON", "write \\\\ for \\", start=cursor.at, end=cursor.at + len(shown)
            )
        raise cursor.error(f"a control character in a text: {cursor.peek()!r}", "escape it")

    def _keep(self, end: int) -> None:
        if end > self._kept:
            self._pieces.append(self._cursor.text[self._kept : end])
        self._kept = end


def _xml(cursor: Cursor) -> Xml:
    """An XML document: it ends with the element it began with."""
    start = cursor.at
    names: list[str] = []
    while True:
        found = cursor.match(_MARKUP)
        if not found:
            raise cursor.error(f"this is not XML: expected a tag, found {cursor.found()}")
        name = found["name"]
        if name and found["close"]:
            _close_element(cursor, names, name, found.start())
        elif name and not found["empty"]:
            names.append(name)
            if len(names) > MAX_DEPTH:
                raise cursor.error(f"the XML is nested deeper than {MAX_DEPTH}", start=found.start())
        if name and not names:
            return Xml(cursor.text[start : cursor.at], cursor.where(start, start + 1))
        cursor.match(_CHARACTERS)
        if cursor.ended:
            unclosed = f"the element '{names[-1]}' is not closed" if names else "the XML has no element"
            raise cursor.error(unclosed, start=start, end=start + 1)


def _close_element(cursor: Cursor, names: list[str], name: str, place: int) -> None:
    if not names or names[-1] != name:
        hint = f"'{names[-1]}' is open" if names else "nothing is open"
        raise cursor.error(f"'</{name}>' closes nothing", hint, start=place, end=cursor.at)
    names.pop()
