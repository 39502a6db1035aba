"""Splits a shell's command lines into words, as a POSIX shell (and Chrome's "copy as cURL") writes them.

Room scenarios, importers. Understands quotes, `$'..'`, line continuation, comments and what ends a command; a shell
variable becomes a piece of its word, and nothing is ever run. DocumentError names the place of a quote left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.errors import DocumentError, Where

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}|([A-Za-z_][A-Za-z0-9_]*))")
_ENDS = re.compile(r"\n|;|&&|\|\||\||&")
_REDIRECT = re.compile(r"[0-9]?(?:>>|>&|>|<)[ \t]*(?:[^\s;&|]+)?")
_CONTINUED = re.compile(r"\\\r?\n")
_ANSI = re.compile(r"(?:\\x[0-9A-Fa-f]{1,2})+|\\(u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
_ANSI_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}


@dataclass(frozen=True, slots=True)
class ShellVariable:
    """`$NAME` inside a word."""

    name: str


WordPiece = str | ShellVariable


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its pieces in order. `line` counts from 1."""

    pieces: tuple[WordPiece, ...]
    line: int

    @property
    def text(self) -> str:
        """The word with its variables as the shell writes them."""
        return "".join(piece if isinstance(piece, str) else f"${piece.name}" for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Command:
    """The words of one command, and the comment behind it."""

    words: tuple[Word, ...]
    comment: str = ""


@dataclass
class _Lexer:
    text: str
    file: str
    at: int = 0
    pieces: list[WordPiece] | None = None
    words: list[Word] = field(default_factory=list)

    def commands(self) -> Iterator[Command]:
        comment = ""
        while self.at < len(self.text):
            end = _ENDS.match(self.text, self.at)
            if end:
                self._end_word()
                if end[0] == "\n" or self.words:
                    yield from self._command(comment)
                    comment = ""
                self.at = end.end()
            elif self.text[self.at] == "#" and self.pieces is None:
                comment = self._line()
            else:
                self._step()
        self._end_word()
        yield from self._command(comment)

    def _command(self, comment: str) -> Iterator[Command]:
        if self.words:
            yield Command(tuple(self.words), comment)
        self.words = []

    def _step(self) -> None:
        sign = self.text[self.at]
        continued, redirect = _CONTINUED.match(self.text, self.at), _REDIRECT.match(self.text, self.at)
        if continued:
            self._end_word()
            self.at = continued.end()
        elif redirect and self.pieces is None:
            self.at = redirect.end()
        elif sign.isspace():
            self._end_word()
            self.at += 1
        elif self.text.startswith("$'", self.at):
            self._add(_ANSI.sub(_ansi, self._until_quote("'", self.at + 2, escapes=r"\\(?s:.)|[^'\\]")))
        elif sign == "'":
            self._add(self._until_quote("'", self.at + 1, escapes=r"[^']"))
        elif sign == '"':
            self._in_double_quotes()
        elif sign == "\\" and self.at + 1 < len(self.text):
            self._add(self.text[self.at + 1])
            self.at += 2
        else:
            self._plain()

    def _plain(self) -> None:
        variable = _VARIABLE.match(self.text, self.at)
        if variable:
            self._add(ShellVariable(variable[1] or variable[2]))
            self.at = variable.end()
        else:
            self._add(self.text[self.at])
            self.at += 1

    def _in_double_quotes(self) -> None:
        start, text = self.at, self.text
        self._add("")
        self.at += 1
        while self.at < len(text) and text[self.at] != '"':
            if text[self.at] == "\\" and text[self.at + 1 : self.at + 2] in ("$", "`", '"', "\\"):
                self._add(text[self.at + 1])
                self.at += 2
            elif _CONTINUED.match(text, self.at):
                self.at = text.index("\n", self.at) + 1
            else:
                self._plain()
        if self.at >= len(text):
            raise self._open(start)
        self.at += 1

    def _until_quote(self, quote: str, start: int, *, escapes: str) -> str:
        found = re.compile(f"(?:{escapes})*").match(self.text, start)
        end = found.end() if found else start
        if self.text[end : end + 1] != quote:
            raise self._open(self.at)
        self.at = end + 1
        return self.text[start:end]

    def _line(self) -> str:
        start = self.at
        end = self.text.find("\n", start)
        self.at = len(self.text) if end < 0 else end
        return self.text[start + 1 : self.at].strip()

    def _add(self, piece: WordPiece) -> None:
        self.pieces = self.pieces if self.pieces is not None else []
        self.pieces.append(piece)

    def _end_word(self) -> None:
        if self.pieces is not None:
            self.words.append(Word(tuple(self.pieces), self._where(self.at).line))
        self.pieces = None

    def _open(self, at: int) -> DocumentError:
        return DocumentError(self._where(at), "a quote is left open", "copy the whole command")

    def _where(self, at: int) -> Where:
        return Where(self.file, self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1) + 1)


def commands(text: str, file: str) -> tuple[Command, ...]:
    """Every command of the text, in order; empty when there is none."""
    return tuple(_Lexer(text, file).commands())


def _ansi(found: re.Match[str]) -> str:
    sign = found[1]
    if sign is None:  # bytes of UTF-8, one after the other
        return bytes(int(digits, 16) for digits in found[0].split("\\x")[1:]).decode(errors="replace")
    if sign[0] in "uU" and len(sign) > 1:
        number = int(sign[1:], 16)
        return chr(number) if number < 0x110000 else "�"
    return chr(int(sign, 8)) if sign[0] in "01234567" else _ANSI_SIGNS.get(sign, sign)
