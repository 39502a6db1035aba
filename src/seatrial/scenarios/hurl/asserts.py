"""Reads the lines of `[Captures]` and `[Asserts]`: queries, filters, predicates and their operands.

Room scenarios, private to `hurl`. What each of them means is `answers.py`'s. DocumentError at the word that is wrong,
with the nearest known one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from seatrial.errors import did_you_mean
from seatrial.scenarios.hurl import bodies, texts
from seatrial.scenarios.hurl.cursor import Cursor
from seatrial.scenarios.hurl.syntax import (
    Argument,
    Assert,
    Bytes,
    Capture,
    Filter,
    Hole,
    Literal,
    Operand,
    Predicate,
    Query,
    Regex,
    Text,
)

BARE_QUERIES = frozenset(
    {"status", "version", "url", "body", "duration", "bytes", "rawbytes", "sha256", "md5", "ip", "redirects"}
)
TEXT_QUERIES = frozenset({"header", "xpath", "jsonpath", "variable"})
QUERIES = BARE_QUERIES | TEXT_QUERIES | {"cookie", "regex", "certificate"}

COOKIE_ATTRIBUTES = ("Value", "Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite")
CERTIFICATE_FIELDS = (
    "Subject",
    "Issuer",
    "Start-Date",
    "Expire-Date",
    "Serial-Number",
    "Subject-Alt-Name",
    "Value",
)

COMPARISONS = {"==": "any", "!=": "any", ">=": "order", ">": "order", "<=": "order", "<": "order"}
"""The signs, longer ones before their beginnings, and which operands they take."""

WORDS = {"startsWith": "start", "endsWith": "start", "contains": "any", "includes": "any", "matches": "pattern"}
FLAGS = frozenset(
    {
        "exists",
        "isBoolean",
        "isCollection",
        "isDate",
        "isEmpty",
        "isFloat",
        "isInteger",
        "isIpv4",
        "isIpv6",
        "isIsoDate",
        "isList",
        "isNumber",
        "isObject",
        "isString",
        "isUuid",
    }
)
PREDICATES = frozenset({*COMPARISONS, *WORDS, *FLAGS})

MAX_QUERY = 4096
"""Characters of what a query looks for."""

MAX_DIGITS = 4000
"""Of an integer: as many as Python writes and reads."""

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_COOKIE = re.compile(r'"([^"\n\[]*)(?:\[[ \t]*([^"\n\]]*?)[ \t]*\])?"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?![0-9])")
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)*)/")
_KEYWORDS = {"null": None, "true": True, "false": False}


def assertion(cursor: Cursor) -> Assert:
    """One assert, up to the end of its line."""
    start = cursor.at
    asked = query(cursor)
    chain = _filters(cursor)
    cursor.need_spaces("a filter or a predicate")
    predicate = _predicate(cursor)
    cursor.end_of_line()
    return Assert(asked, chain, predicate, cursor.where(start, start + len(asked.name)))


def capture(cursor: Cursor) -> Capture:
    """One capture, up to the end of its line."""
    start = cursor.at
    name = texts.key(cursor)
    cursor.spaces()
    cursor.expect(":")
    cursor.spaces()
    asked = query(cursor)
    chain = _filters(cursor)
    place = cursor.at
    cursor.spaces()
    word = cursor.match(WORD)
    redacted = bool(word and word[0] == "redact")
    if word and not redacted:
        known = {*FILTERS, "redact"}
        raise cursor.error(
            f"unknown filter '{word[0]}'", did_you_mean(word[0], known), start=word.start(), end=word.end()
        )
    if not redacted:
        cursor.at = place
    cursor.end_of_line()
    return Capture(name, asked, chain, redacted, cursor.where(start, place))


def query(cursor: Cursor) -> Query:
    """The query that is next."""
    start = cursor.at
    word = cursor.match(WORD)
    name = word[0] if word else ""
    if name not in QUERIES:
        problem = f"unknown query '{name}'" if name else f"expected a query, found {cursor.found()}"
        hint = did_you_mean(name, QUERIES)
        raise cursor.error(problem, hint, start=start, end=cursor.at if name else start + 1)
    if name in BARE_QUERIES:
        return Query(name, cursor.where(start, cursor.at))
    cursor.need_spaces(f"what '{name}' is of")
    if name == "cookie":
        return _cookie(cursor, start)
    place = cursor.at
    argument = _pattern(cursor) if name == "regex" else _quoted(cursor)
    if cursor.at - place > MAX_QUERY:
        raise cursor.error(f"a query of more than {MAX_QUERY} characters", start=place, end=place + 1)
    if name == "certificate":
        _refuse_field(cursor, argument)
    return Query(name, cursor.where(start, cursor.at), argument)


def literal(cursor: Cursor) -> Literal | None:
    """The number, true, false or null that is next, if one is."""
    start = cursor.at
    number = cursor.match(_NUMBER)
    if number:
        try:
            value = float(number[0]) if number[1] else whole_number(number[0])
        except ValueError as error:
            raise cursor.error(str(error), start=start, end=cursor.at) from None
        return Literal(value, cursor.where(start, cursor.at))
    word = cursor.look(WORD)
    if word and word[0] in _KEYWORDS:
        cursor.at = word.end()
        return Literal(_KEYWORDS[word[0]], cursor.where(start, cursor.at))
    return None


def whole_number(digits: str) -> int:
    """An integer of up to MAX_DIGITS; ValueError for a longer one."""
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _quoted(cursor: Cursor) -> Text:
    if cursor.peek() != '"':
        raise cursor.error(f"expected a text in double quotes, found {cursor.found()}")
    return texts.quoted(cursor)


def _cookie(cursor: Cursor, start: int) -> Query:
    """`cookie "name[Attribute]"`; the name may hold holes."""
    found = cursor.match(_COOKIE)
    if not found:
        raise cursor.error(f"expected a text in double quotes, found {cursor.found()}", 'write "NAME[Attribute]"')
    attribute = found[2] or ""
    names = {known.lower(): known for known in COOKIE_ATTRIBUTES}
    if found[2] is not None and attribute.lower() not in names:
        hint = did_you_mean(attribute, COOKIE_ATTRIBUTES)
        raise cursor.error(
            f"unknown attribute '{attribute}' of a cookie", hint, start=found.start(2), end=found.end(2)
        )
    inner = Cursor(cursor.text[: found.end(1)], cursor.file)
    inner.at = found.start(1)
    name = texts.bare(inner)
    return Query("cookie", cursor.where(start, cursor.at), name, names.get(attribute.lower(), ""))


def _refuse_field(cursor: Cursor, argument: Text | Regex) -> None:
    name = argument.plain if isinstance(argument, Text) else None
    if name not in CERTIFICATE_FIELDS:
        shown = argument.source if isinstance(argument, Text) else ""
        hint = did_you_mean(shown, CERTIFICATE_FIELDS)
        start = cursor.at - len(shown) - 1
        raise cursor.error(f"unknown field '{shown}' of a certificate", hint, start=start, end=cursor.at - 1)


def _pattern(cursor: Cursor) -> Text | Regex:
    if cursor.peek() == '"':
        return texts.quoted(cursor)
    if cursor.peek() == "/":
        return _regex(cursor)
    raise cursor.error(f"expected a pattern between slashes or in double quotes, found {cursor.found()}")


def _regex(cursor: Cursor) -> Regex:
    start = cursor.at
    found = cursor.match(_REGEX)
    if not found:
        raise cursor.error("the pattern is not closed", "end it with /", start=start, end=start + 1)
    return Regex(found[1].replace("\\/", "/"), cursor.where(start, cursor.at))


def _integer(cursor: Cursor) -> Literal | Hole:
    if cursor.peek(2) == "{{":
        return texts.hole(cursor)
    value = literal(cursor)
    if value is None or not isinstance(value.value, int) or isinstance(value.value, bool):
        raise cursor.error(f"expected a whole number, found {cursor.found()}" if value is None else "no whole number")
    return value


_ARGUMENTS: dict[str, tuple[Callable[[Cursor], Argument], ...]] = {
    **dict.fromkeys(
        (
            "base64Decode",
            "base64Encode",
            "base64UrlSafeDecode",
            "base64UrlSafeEncode",
            "count",
            "daysAfterNow",
            "daysBeforeNow",
            "first",
            "htmlEscape",
            "htmlUnescape",
            "last",
            "location",
            "toFloat",
            "toHex",
            "toInt",
            "toString",
            "urlDecode",
            "urlEncode",
            "utf8Decode",
            "utf8Encode",
        ),
        (),
    ),
    **dict.fromkeys(
        (
            "charsetDecode",
            "dateFormat",
            "decode",
            "format",
            "jsonpath",
            "split",
            "toDate",
            "urlQueryParam",
            "xpath",
        ),
        (_quoted,),
    ),
    "nth": (_integer,),
    "regex": (_pattern,),
    "replace": (_quoted, _quoted),
    "replaceRegex": (_pattern, _quoted),
}
FILTERS = frozenset(_ARGUMENTS)


def _filters(cursor: Cursor) -> tuple[Filter, ...]:
    """The filters that follow a query; the spaces before what is none are left."""
    chain: list[Filter] = []
    while True:
        place = cursor.at
        if not cursor.spaces():
            return tuple(chain)
        start = cursor.at
        word = cursor.match(WORD)
        if not word or word[0] not in FILTERS:
            cursor.at = place
            return tuple(chain)
        arguments = []
        for read in _ARGUMENTS[word[0]]:
            cursor.need_spaces(f"what '{word[0]}' takes")
            arguments.append(read(cursor))
        chain.append(Filter(word[0], cursor.where(start, word.end()), tuple(arguments)))


def _predicate(cursor: Cursor) -> Predicate:
    start = cursor.at
    word = cursor.look(WORD)
    negated = bool(word and word[0] == "not")
    if word and negated:
        cursor.at = word.end()
        cursor.need_spaces("a predicate")
    name = _predicate_name(cursor)
    if name in FLAGS:
        return Predicate(name, negated, cursor.where(start, cursor.at))
    if name in WORDS:
        cursor.need_spaces(f"what it {name}" if name != "startsWith" else "what it begins with")
    else:
        cursor.spaces()
    place = cursor.at
    operand = _operand(cursor)
    takes = COMPARISONS[name] if name in COMPARISONS else WORDS[name]
    if not isinstance(operand, _TAKEN[takes]) or (takes == "order" and _is_unordered(operand)):
        raise cursor.error(f"'{name}' does not take this", _TAKES[takes], start=place, end=cursor.at)
    return Predicate(name, negated, cursor.where(place, cursor.at), operand)


def _predicate_name(cursor: Cursor) -> str:
    for sign in COMPARISONS:
        if cursor.take(sign):
            return sign
    start = cursor.at
    word = cursor.match(WORD)
    if word and word[0] in PREDICATES:
        return word[0]
    if not word:
        raise cursor.error(f"expected a filter or a predicate, found {cursor.found()}", "as: == 200")
    near = did_you_mean(word[0], PREDICATES | FILTERS | {"not"})
    problem = f"unknown filter or predicate '{word[0]}'"
    hint = near if near.startswith("did you mean") else "write one as: == 200, exists, count == 3"
    raise cursor.error(problem, hint, start=start, end=cursor.at)


_TAKEN: dict[str, tuple[type, ...]] = {
    "any": (object,),
    "order": (Literal, Text, Hole),
    "start": (Text, Bytes),
    "pattern": (Text, Regex),
}
_TAKES = {
    "order": "it compares with a number or a text",
    "start": "it takes a text in quotes, hex or base64",
    "pattern": "it takes a pattern between slashes or in quotes",
}


def _is_unordered(operand: Operand) -> bool:
    return isinstance(operand, Literal) and not (
        isinstance(operand.value, (int, float)) and not isinstance(operand.value, bool)
    )


def _operand(cursor: Cursor) -> Operand:
    value = literal(cursor)
    if value is not None:
        return value
    for mark, read in _OPERANDS.items():
        if cursor.text.startswith(mark, cursor.at):
            return read(cursor)
    raise cursor.error(f"expected a value, found {cursor.found()}", "texts stand in double quotes")


_OPERANDS: dict[str, Callable[[Cursor], Operand]] = {
    "file,": bodies.file,
    "hex,": bodies.hex_bytes,
    "base64,": bodies.base64_bytes,
    "{{": texts.hole,
    '"': texts.quoted,
    "```": bodies.block,
    "`": texts.backticked,
    "/": _regex,
}
