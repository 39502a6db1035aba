"""Splits JavaScript into tokens, as far as test scripts of Postman need it. Nothing is ever run.

Room scenarios, importers. Knows texts, template texts, numbers, patterns, comments and signs; NotUnderstood for the
rest.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

MAX_TOKENS = 20_000
_SPACE = re.compile(r"(?:[ \t\r\f\v\ufeff\xa0]|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_STRING = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)
_TEMPLATE = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)
_PATTERN = re.compile(r"/((?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)")
_SIGN = re.compile(
    r"=>|\?\.|===|!==|==|!=|<=|>=|&&|\|\||\?\?|\+\+|--|\.\.\.|[-+*/%]=|[{}()\[\];,.<>=!?:+\-*/%&|^~@#]"
)
_ESCAPE = re.compile(r"\\(u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|\r?\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_BEFORE_PATTERN = frozenset({"return", "typeof", "case", "in", "of"})


class NotUnderstood(ValueError):
    """The script holds what is not read here; `line` counts from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class Kind(enum.Enum):
    """What a token is."""

    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    TEMPLATE = "template"
    PATTERN = "pattern"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, its value (of a text without quotes and escapes) and where it stands; `fresh` on a new line."""

    kind: Kind
    value: str
    start: int
    end: int
    line: int
    fresh: bool
    flags: str = ""


def tokens(text: str) -> list[Token]:
    """All tokens, END last."""
    found: list[Token] = []
    at, line, fresh = 0, 1, True
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            line += space[0].count("\n")
            fresh = fresh or "\n" in space[0]
            at = space.end()
            continue
        if text[at] == "\n":
            at, line, fresh = at + 1, line + 1, True
            continue
        token = _token(text, at, line, fresh=fresh, before=found[-1] if found else None)
        found.append(token)
        if len(found) > MAX_TOKENS:
            raise NotUnderstood(line)
        line += text.count("\n", at, token.end)
        at, fresh = token.end, False
    return [*found, Token(Kind.END, "", at, at, line, fresh=True)]


def unescaped(text: str) -> str:
    """A text of a script with its escapes resolved."""
    return _ESCAPE.sub(_sign_of, text)


def _token(text: str, at: int, line: int, *, fresh: bool, before: Token | None) -> Token:
    shapes = ((Kind.NAME, _NAME), (Kind.NUMBER, _NUMBER), (Kind.STRING, _STRING), (Kind.TEMPLATE, _TEMPLATE))
    for kind, shape in shapes:
        found = shape.match(text, at)
        if found:
            value = found[0][1:-1] if kind in (Kind.STRING, Kind.TEMPLATE) else found[0]
            value = unescaped(value) if kind is Kind.STRING else value
            return Token(kind, value, at, found.end(), line, fresh)
    pattern = _PATTERN.match(text, at) if _may_be_pattern(before) else None
    if pattern:
        return Token(Kind.PATTERN, pattern[1], at, pattern.end(), line, fresh, pattern[2])
    sign = _SIGN.match(text, at)
    if not sign:
        raise NotUnderstood(line)
    return Token(Kind.SIGN, sign[0], at, sign.end(), line, fresh)


def _may_be_pattern(before: Token | None) -> bool:
    """Whether a slash begins a pattern here; after a value it divides."""
    if before is None:
        return True
    if before.kind is Kind.NAME:
        return before.value in _BEFORE_PATTERN
    return before.kind is Kind.SIGN and before.value not in (")", "]", "}")


def _sign_of(found: re.Match[str]) -> str:
    escaped = found[1]
    if escaped[0] in "ux" and len(escaped) > 1:
        number = int(escaped[1:].strip("{}"), 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "�"
    return "" if escaped.endswith("\n") else _ESCAPED.get(escaped, escaped)
