"""Reads JavaScript as statements and expressions, as far as test scripts of Postman need it. Nothing is ever run.

Room scenarios, importers. A statement that is not understood becomes `Opaque`, with its text, and reading goes on
after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from seatrial.scenarios.importers.scripts.nodes import (
    Array,
    Binary,
    Call,
    Expression,
    Function,
    Joined,
    Literal,
    Member,
    Name,
    Object,
    Pattern,
    Statement,
    Unary,
)
from seatrial.scenarios.importers.scripts.tokens import Kind, NotUnderstood, Token, tokens, unescaped

MAX_DEPTH = 30
_DECLARING = frozenset({"const", "let", "var"})
_BINARY = (("||", "??"), ("&&",), ("===", "!==", "==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
_UNARY = frozenset({"!", "-", "+"})
_WORDS = {"true": True, "false": False, "null": None}
_OPEN, _SHUT = frozenset("([{"), frozenset(")]}")


def statements(script: str) -> tuple[Statement, ...]:
    """The script's statements, in order. A script with what is no token at all is one statement not understood."""
    try:
        found = tokens(script)
    except NotUnderstood as error:
        return (Statement(script, error.line),)
    return _Reader(script, found).block(0)


@dataclass
class _Reader:
    script: str
    found: list[Token]
    at: int = 0
    depth: int = 0

    @property
    def next(self) -> Token:
        return self.found[self.at]

    def block(self, depth: int) -> tuple[Statement, ...]:
        """Statements up to the end of the block or script."""
        made = []
        while self.next.kind is not Kind.END and not self._is("}"):
            if self._take(";"):
                continue
            made.append(self._statement(depth))
        return tuple(made)

    def _statement(self, depth: int) -> Statement:
        start, before = self.at, self.depth
        try:
            if depth > MAX_DEPTH:
                raise NotUnderstood(self.next.line)
            return self._understood(start, depth)
        except NotUnderstood:
            self.at, self.depth = start, before
            self._skip()
            return Statement(self._text(start), self.found[start].line)

    def _understood(self, start: int, depth: int) -> Statement:
        line = self.next.line
        if self._word("if"):
            return self._if(start, line, depth)
        if self.next.kind is Kind.NAME and self.next.value in _DECLARING:
            self.at += 1
            name = self._object() if self._is("{") else Name(self._name())
            self._need("=")
            value = self._expression()
            self._end()
            return Statement(self._text(start), line, value=value, target=name)
        value = self._expression()
        if self._take("="):
            target, value = value, self._expression()
            self._end()
            return Statement(self._text(start), line, value=value, target=target)
        self._end()
        return Statement(self._text(start), line, value=value)

    def _if(self, start: int, line: int, depth: int) -> Statement:
        self._need("(")
        condition = self._expression()
        self._need(")")
        self._need("{")
        body = self.block(depth + 1)
        self._need("}")
        if self._is_word("else"):
            raise NotUnderstood(line)
        return Statement(self._text(start), line, condition=condition, body=body)

    def _end(self) -> None:
        """A statement ends at `;`, before `}`, or where the next token stands on a new line."""
        if self._take(";") or self._is("}") or self.next.kind is Kind.END or self.next.fresh:
            return
        raise NotUnderstood(self.next.line)

    def _skip(self) -> None:
        """Go behind a statement that is not understood: its `;`, or the end of its last block or line."""
        depth = 0
        while self.next.kind is not Kind.END:
            token = self.next
            if depth == 0 and token.value == "}" and token.kind is Kind.SIGN:
                return
            self.at += 1
            if token.kind is Kind.SIGN:
                depth += (token.value in _OPEN) - (token.value in _SHUT)
            ended = token.value == ";" or (self.next.fresh and not self._goes_on())
            if depth <= 0 and ended:
                return

    def _goes_on(self) -> bool:
        """Whether a new line continues the statement before it."""
        return self._is_word("else") or self._is_word("catch") or self._is_word("finally") or self._is(".")

    def _text(self, start: int) -> str:
        return self.script[self.found[start].start : self.found[max(start, self.at - 1)].end]

    def _expression(self) -> Expression:
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                raise NotUnderstood(self.next.line)
            return self._function() or self._binary(0)
        finally:
            self.depth -= 1

    def _function(self) -> Function | None:
        """`function (..) {..}`, `(..) => ..`, `name => ..`; None, nothing taken, for anything else."""
        start = self.at
        if self._word("async") and self._is("("):
            pass
        if self._word("function"):
            if self.next.kind is Kind.NAME:
                self.at += 1
            self._parameters()
            return Function(self._braced())
        arrow = self._parameters() if self._is("(") and self._closes_before_arrow() else self._single()
        if not arrow:
            self.at = start
            return None
        self._need("=>")
        if self._is("{"):
            return Function(self._braced())
        line, begin = self.next.line, self.at
        value = self._expression()
        return Function((Statement(self._text(begin), line, value=value),))

    def _single(self) -> bool:
        following = self.found[min(self.at + 1, len(self.found) - 1)]
        if self.next.kind is Kind.NAME and following.value == "=>" and following.kind is Kind.SIGN:
            self.at += 1
            return True
        return False

    def _closes_before_arrow(self) -> bool:
        at, depth = self.at, 0
        while at < len(self.found) - 1:
            value = self.found[at].value if self.found[at].kind is Kind.SIGN else ""
            depth += (value in _OPEN and bool(value)) - (value in _SHUT and bool(value))
            at += 1
            if depth == 0:
                return self.found[at].kind is Kind.SIGN and self.found[at].value == "=>"
        return False

    def _parameters(self) -> bool:
        self._need("(")
        while not self._take(")"):
            if self.next.kind is not Kind.NAME and not self._is(","):
                raise NotUnderstood(self.next.line)
            self.at += 1
        return True

    def _braced(self) -> tuple[Statement, ...]:
        self._need("{")
        body = self.block(self.depth)
        self._need("}")
        return body

    def _binary(self, level: int) -> Expression:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self.next.kind is Kind.SIGN and self.next.value in _BINARY[level]:
            sign = self.next.value
            self.at += 1
            left = Binary(sign, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        if self.next.kind is Kind.SIGN and self.next.value in _UNARY:
            sign = self.next.value
            self.at += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise NotUnderstood(self.next.line)
            of = self._unary()
            self.depth -= 1
            return _negative(of) if sign == "-" and isinstance(of, Literal) else Unary(sign, of)
        self._word("await")
        self._word("new")
        return self._postfix(self._primary())

    def _postfix(self, of: Expression) -> Expression:
        while True:
            if self._take(".") or (self._take("?.") and not self._is("[") and not self._is("(")):
                of = Member(of, self._name())
            elif self._take("["):
                of = Member(of, _key(self._expression(), self.next.line))
                self._need("]")
            elif self._is("(") and not (self.next.fresh and isinstance(of, (Literal, Function))):
                of = Call(of, self._listed("(", ")"))
            else:
                return of

    def _primary(self) -> Expression:
        token = self.next
        if self._is("("):
            self.at += 1
            inner = self._expression()
            self._need(")")
            return inner
        if self._is("["):
            return Array(self._listed("[", "]"))
        if self._is("{"):
            return self._object()
        self.at += 1
        makes: dict[Kind, Callable[[], Expression]] = {
            Kind.NAME: lambda: Literal(_WORDS[token.value]) if token.value in _WORDS else Name(token.value),
            Kind.NUMBER: lambda: Literal(_number(token.value, token.line)),
            Kind.STRING: lambda: Literal(token.value),
            Kind.PATTERN: lambda: Pattern(token.value, token.flags),
            Kind.TEMPLATE: lambda: self._joined(token),
        }
        if token.kind not in makes:
            raise NotUnderstood(token.line)
        return makes[token.kind]()

    def _joined(self, token: Token) -> Expression:
        parts: list[Expression] = []
        for index, part in enumerate(_in_turn(token.value, token.line)):
            if index % 2:
                parts.append(_hole(part, token.line))
            elif part:
                parts.append(Literal(unescaped(part)))
        return Joined(tuple(parts))

    def _object(self) -> Object:
        self._need("{")
        members: list[tuple[str, Expression]] = []
        while not self._take("}"):
            if self.next.kind not in (Kind.NAME, Kind.STRING, Kind.NUMBER):
                raise NotUnderstood(self.next.line)
            name = self.next.value
            self.at += 1
            members.append((name, self._expression() if self._take(":") else Name(name)))
            if not self._take(",") and not self._is("}"):
                raise NotUnderstood(self.next.line)
        return Object(tuple(members))

    def _listed(self, opening: str, closing: str) -> tuple[Expression, ...]:
        self._need(opening)
        items: list[Expression] = []
        while not self._take(closing):
            items.append(self._expression())
            if not self._take(",") and not self._is(closing):
                raise NotUnderstood(self.next.line)
        return tuple(items)

    def _name(self) -> str:
        if self.next.kind is not Kind.NAME:
            raise NotUnderstood(self.next.line)
        self.at += 1
        return self.found[self.at - 1].value

    def _is(self, sign: str) -> bool:
        return self.next.kind is Kind.SIGN and self.next.value == sign

    def _is_word(self, word: str) -> bool:
        return self.next.kind is Kind.NAME and self.next.value == word

    def _take(self, sign: str) -> bool:
        taken = self._is(sign)
        self.at += taken
        return taken

    def _word(self, word: str) -> bool:
        taken = self._is_word(word)
        self.at += taken
        return taken

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise NotUnderstood(self.next.line)


def _in_turn(text: str, line: int) -> list[str]:
    """A template text's texts and `${}`s in turn; braces in a hole are counted."""
    parts, at = [""], 0
    for found in re.finditer(r"\\.|\$\{", text, re.DOTALL):
        if found.start() < at or found[0] != "${":
            continue
        end = _closing(text, found.end(), line)
        parts[-1] = text[at : found.start()]
        parts += [text[found.end() : end], ""]
        at = end + 1
    return [*parts[:-1], text[at:]]


def _closing(text: str, start: int, line: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
    raise NotUnderstood(line)


def _hole(text: str, line: int) -> Expression:
    """The expression in a template text's `${}`."""
    inner = statements(text)
    value = inner[0].value if len(inner) == 1 and inner[0].target is None else None
    if value is None:
        raise NotUnderstood(line)
    return value


def _number(text: str, line: int) -> int | float:
    if len(text) > MAX_DEPTH:
        raise NotUnderstood(line)
    if text[:2].lower() == "0x":
        return int(text, 16)
    if text.isdecimal():
        return int(text)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotUnderstood(line)
    return number


def _negative(of: Literal) -> Expression:
    number = isinstance(of.value, (int, float)) and not isinstance(of.value, bool)
    return Literal(-of.value) if number and isinstance(of.value, (int, float)) else Unary("-", of)


def _key(key: Expression, line: int) -> str | int:
    if isinstance(key, Literal) and isinstance(key.value, (str, int)) and not isinstance(key.value, bool):
        return key.value
    raise NotUnderstood(line)
