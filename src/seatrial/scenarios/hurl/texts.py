r"""Reads the texts of a `.hurl` file: quoted, bare, keys and file names, each with its escapes and its `{{holes}}`.

Room scenarios, private to `hurl`. An escaped character never opens a hole. DocumentError at the character that is
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from seatrial.errors import DocumentError
from seatrial.scenarios.hurl.cursor import Cursor
from seatrial.scenarios.hurl.syntax import Hole, Text

FUNCTIONS = frozenset({"newUuid", "newDate"})
RESERVED = FUNCTIONS | {"getEnv"}
"""Names no variable may have."""

_SIGNS = {"\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_STRING = {**_SIGNS, "#": "#", '"': '"', "`": "`", "/": "/"}
_KEY = {**_SIGNS, "#": "#", ":": ":", "/": "/"}
_FILE = {**_SIGNS, "#": "#", ";": ";", " ": " ", "{": "{", "}": "}"}
_FILE_AND_PASSWORD = {**_FILE, ":": "\\:"}

NAME = re.compile(r"[\w-]+")
KEY_AHEAD = re.compile(r"(?!\[)(?:\\u\{[^}\n]*+\}|\\.|\{\{[^}\n]*+\}\}|[\w\-.\[\]@$])++[ \t]*+:")
"""What shows that a line is `name: value`."""

_CODE_POINT = re.compile(r"\{([0-9A-Fa-f]{1,8})\}")
_CONTROLS = r"\x08\t\n\x0c\r"
_CHUNKS = {
    '"': re.compile(rf'[^"\\{{{_CONTROLS}]+|\{{(?!\{{)'),
    "`": re.compile(rf"[^`\\{{{_CONTROLS}]+|\{{(?!\{{)"),
    "#": re.compile(rf"[^#\\{{{_CONTROLS}]+|\{{(?!\{{)"),
}
_KEY_CHUNK = re.compile(r"[\w\-.\[\]@$]+")
_FILE_CHUNK = re.compile(r"[^#;{} \n\r\\]+")
_BLOCK_CHUNK = re.compile(r"[^`{]+|`(?!``)|\{(?!\{)")


def bare(cursor: Cursor) -> Text:
    """A text up to the end of its line or to a comment, without the spaces at its end; may be empty."""
    start = cursor.at
    pieces = _pieces(cursor, _CHUNKS["#"], _STRING)
    spaces = cursor.at - start - len(cursor.text[start : cursor.at].rstrip(" "))
    if spaces:
        cursor.at -= spaces
        last = pieces.pop()
        if isinstance(last, str) and len(last) > spaces:
            pieces.append(last[: len(last) - spaces])
    return Text(tuple(pieces), cursor.where(start, cursor.at))


def quoted(cursor: Cursor) -> Text:
    """A text between double quotes."""
    return _between('"', cursor)


def backticked(cursor: Cursor) -> Text:
    """A text between backticks."""
    return _between("`", cursor)


def key(cursor: Cursor) -> Text:
    """A name before a colon."""
    start = cursor.at
    pieces = _pieces(cursor, _KEY_CHUNK, _KEY)
    if not pieces:
        raise cursor.error(f"expected a name, found {cursor.found()}")
    return Text(tuple(pieces), cursor.where(start, cursor.at))


def file_name(cursor: Cursor) -> Text:
    """The path of a file; spaces, `;` and `#` in it are escaped."""
    return _path(cursor, _FILE)


def file_name_and_password(cursor: Cursor) -> Text:
    r"""The path of a file, and perhaps a password after a colon; a colon of the path stays `\:`."""
    return _path(cursor, _FILE_AND_PASSWORD)


def block(cursor: Cursor) -> Text:
    """What stands up to the next triple backtick, which is left; no escapes."""
    start = cursor.at
    pieces = _pieces(cursor, _BLOCK_CHUNK, {})
    return Text(tuple(pieces), cursor.where(start, cursor.at))


def hole(cursor: Cursor) -> Hole:
    """`{{name}}`."""
    cursor.expect("{{")
    cursor.spaces()
    start = cursor.at
    name = cursor.match(NAME)
    if not name:
        raise cursor.error(f"expected the name of a variable, found {cursor.found()}", "write {{name}}")
    cursor.spaces()
    if not cursor.take("}}"):
        raise cursor.error(f"expected '}}}}', found {cursor.found()}", "close every {{ with }}")
    return Hole(name[0], cursor.where(start, start + len(name[0])))


def escape(cursor: Cursor, signs: Mapping[str, str]) -> str:
    """One escaped character, the backslash being next."""
    start = cursor.at
    cursor.at += 1
    sign = cursor.peek()
    if sign == "u":
        cursor.at += 1
        return _code_point(cursor, start)
    if sign not in signs or not sign:
        known = " ".join(f"\\{known}" for known in sorted(signs))
        shown = cursor.text[start : start + 2].rstrip("\r\n")
        raise cursor.error(
            f"'{shown}' is no escape here", f"known: {known} \\u{{...}}", start=start, end=start + len(shown)
        )
    cursor.at += 1
    return signs[sign]


def _code_point(cursor: Cursor, start: int) -> str:
    digits = cursor.match(_CODE_POINT)
    code = int(digits[1], 16) if digits else -1
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise _no_character(cursor, start)
    return chr(code)


def _no_character(cursor: Cursor, start: int) -> DocumentError:
    shown = cursor.text[start : max(cursor.at, start + 2)]
    return cursor.error(f"'{shown}' is no character", "write it as \\u{1F600}", start=start, end=start + len(shown))


def _between(mark: str, cursor: Cursor) -> Text:
    start = cursor.at
    cursor.expect(mark)
    pieces = _pieces(cursor, _CHUNKS[mark], _STRING)
    if not cursor.take(mark):
        hint = "write \\t for a tab and \\n for a line break" if cursor.peek() in ("\t", "\n", "\r") else ""
        raise cursor.error(f"expected the closing {mark}, found {cursor.found()}", hint)
    return Text(tuple(pieces), cursor.where(start, cursor.at))


def _path(cursor: Cursor, signs: Mapping[str, str]) -> Text:
    start = cursor.at
    pieces = _pieces(cursor, _FILE_CHUNK, signs)
    if not pieces:
        raise cursor.error(f"expected the name of a file, found {cursor.found()}")
    return Text(tuple(pieces), cursor.where(start, cursor.at))


def _pieces(cursor: Cursor, chunk: re.Pattern[str], signs: Mapping[str, str]) -> list[str | Hole]:
    """Texts and holes in turn, as far as the chunk goes; without `signs`, a backslash is like any character."""
    pieces: list[str | Hole] = []
    run: list[str] = []
    while not cursor.ended:
        found = cursor.match(chunk)
        if found:
            run.append(found[0])
        elif signs and cursor.peek() == "\\":
            run.append(escape(cursor, signs))
        elif cursor.peek(2) == "{{":
            if run:
                pieces.append("".join(run))
                run = []
            pieces.append(hole(cursor))
        else:
            break
    return [*pieces, "".join(run)] if run else pieces
