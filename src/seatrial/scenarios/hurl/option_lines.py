"""Reads the lines of `[Options]`: every name Hurl has, and a value of the kind it takes.

Room scenarios, private to `hurl`. Whether an option can be followed is `requests.py`'s to say. DocumentError at the
name or the value that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from seatrial.errors import did_you_mean
from seatrial.scenarios.hurl import texts
from seatrial.scenarios.hurl.asserts import literal
from seatrial.scenarios.hurl.cursor import Cursor
from seatrial.scenarios.hurl.syntax import Definition, Hole, Literal, Option, OptionValue, Text

_NAME = re.compile(r"[A-Za-z0-9._-]*")
_DURATION = re.compile(r"([0-9]+)([A-Za-z]*)")
_COUNT = re.compile(r"-?[0-9]+(?![0-9.A-Za-z])")
_LEVEL = re.compile(r"[a-z]+")
UNITS_S = {"": 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
MAX_DURATION_S = 24 * 3600.0
_LEVELS = ("brief", "verbose", "debug")


def option(cursor: Cursor) -> Option:
    """One option, up to the end of its line."""
    start = cursor.at
    found = cursor.match(_NAME)
    name = found[0] if found else ""
    end = cursor.at
    if name not in OPTIONS:
        raise cursor.error(f"unknown option '{name}'", did_you_mean(name, OPTIONS), start=start, end=end)
    cursor.spaces()
    cursor.expect(":")
    cursor.spaces()
    value = OPTIONS[name](cursor)
    cursor.end_of_line()
    return Option(name, value, cursor.where(start, end))


def _text(cursor: Cursor) -> Text:
    text = texts.bare(cursor)
    if not text.pieces:
        raise cursor.error(f"expected a value, found {cursor.found()}")
    return text


def _hole(cursor: Cursor) -> Hole | None:
    return texts.hole(cursor) if cursor.peek(2) == "{{" else None


def _boolean(cursor: Cursor) -> Literal | Hole:
    start = cursor.at
    value = _hole(cursor) or literal(cursor)
    if value is None or (isinstance(value, Literal) and not isinstance(value.value, bool)):
        cursor.at = start
        raise cursor.error(f"expected true or false, found {cursor.found()}")
    return value


def _count(cursor: Cursor) -> Literal | Hole:
    start = cursor.at
    hole = _hole(cursor)
    if hole:
        return hole
    found = cursor.match(_COUNT)
    if not found or len(found[0]) > 10 or int(found[0]) < -1:
        cursor.at = start
        raise cursor.error(f"expected a whole number, found {cursor.found()}", "-1 means without end")
    return Literal(int(found[0]), cursor.where(start, cursor.at))


def _natural(cursor: Cursor) -> Literal | Hole:
    value = _count(cursor)
    if isinstance(value, Literal) and value.value < 0:
        raise cursor.error("expected a number that is not negative")
    return value


def _duration(cursor: Cursor) -> Literal | Hole:
    start = cursor.at
    hole = _hole(cursor)
    if hole:
        return hole
    found = cursor.match(_DURATION)
    if not found:
        raise cursor.error(f"expected a duration, found {cursor.found()}", "as 500ms or 2s")
    if found[2] not in UNITS_S:
        raise cursor.error(
            f"unknown unit '{found[2]}'", "write ms, s, m or h", start=found.start(2), end=found.end(2)
        )
    seconds = int(found[1][:12]) * UNITS_S[found[2]]
    if seconds > MAX_DURATION_S or len(found[1]) > 12:
        raise cursor.error(f"'{found[0][:24]}' is longer than a day", start=start, end=cursor.at)
    return Literal(seconds, cursor.where(start, cursor.at))


def _verbosity(cursor: Cursor) -> Literal:
    start = cursor.at
    found = cursor.match(_LEVEL)
    if not found or found[0] not in _LEVELS:
        cursor.at = start
        raise cursor.error(f"expected brief, verbose or debug, found {cursor.found()}")
    return Literal(found[0], cursor.where(start, cursor.at))


def _definition(cursor: Cursor) -> Definition:
    start = cursor.at
    found = cursor.match(texts.NAME)
    if not found:
        raise cursor.error(f"expected the name of a variable, found {cursor.found()}", "write variable: NAME=VALUE")
    if found[0] in texts.RESERVED:
        raise cursor.error(f"'{found[0]}' is a function of Hurl", "choose another name", start=start, end=cursor.at)
    cursor.spaces()
    cursor.expect("=", "write variable: NAME=VALUE")
    cursor.spaces()
    value = _variable(cursor)
    return Definition(found[0], value, cursor.where(start, found.end()))


def _variable(cursor: Cursor) -> Literal | Text:
    """A number, true, false or null alone on the line; else a text, in quotes or not."""
    start = cursor.at
    value = literal(cursor)
    if value is not None and cursor.look(_ENDS):
        return value
    cursor.at = start
    return texts.quoted(cursor) if cursor.peek() == '"' else texts.bare(cursor)


_ENDS = re.compile(r"[ \t]*(?:#|\r?\n|\Z)")

OPTIONS: dict[str, Callable[[Cursor], OptionValue]] = {
    **dict.fromkeys(
        (
            "aws-sigv4",
            "connect-to",
            "header",
            "netrc-file",
            "no-header",
            "pinnedpubkey",
            "proxy",
            "proxy-header",
            "resolve",
            "tls-max",
            "tls-min",
            "unix-socket",
            "user",
        ),
        _text,
    ),
    **dict.fromkeys(
        (
            "compressed",
            "digest",
            "fail-with-body",
            "http1.0",
            "http1.1",
            "http2",
            "http3",
            "insecure",
            "ipv4",
            "ipv6",
            "location",
            "location-trusted",
            "negotiate",
            "netrc",
            "netrc-optional",
            "no-jsonpath-coercion",
            "ntlm",
            "path-as-is",
            "skip",
            "verbose",
            "very-verbose",
        ),
        _boolean,
    ),
    **dict.fromkeys(("cacert", "key", "output"), texts.file_name),
    "cert": texts.file_name_and_password,
    **dict.fromkeys(("connect-timeout", "delay", "max-time", "retry-interval"), _duration),
    **dict.fromkeys(("max-redirs", "repeat", "retry"), _count),
    "limit-rate": _natural,
    "variable": _definition,
    "verbosity": _verbosity,
}
"""Every option with what reads its value."""
