"""A place in a `.hurl` text, and the small steps every part of its grammar is read by.

Room scenarios, private to `hurl`. Knows characters, spaces, lines and positions, nothing of the format. Every failure
is a DocumentError with line and column, counted in characters from 1. May import `errors` only.
"""

from __future__ import annotations

import bisect
import re

from seatrial.errors import DocumentError, Where

MAX_SHOWN = 24
_SPACES = re.compile(r"[ \t]*+")
_SHOWN = re.compile(r"[A-Za-z0-9_-]+|\S")
_END_OF_LINE = re.compile(r"[ \t]*+(?:#[^\n]*+)?+(?:\n|\r\n|\Z)")
_EMPTY_LINES = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?+\r?\n)*+(?:[ \t]*+#[^\n]*+\Z)?")


class Cursor:
    """Where reading has come to in one text. `at` is an index into `text`; only the parsers move it."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.at = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def where(self, start: int | None = None, end: int | None = None) -> Where:
        """The place of the text from `start` (here, unless given) to `end`; its width ends with its line."""
        start = self.at if start is None else start
        line = bisect.bisect_right(self._lines, start)
        width = len(self.text[start:end].partition("\n")[0].rstrip("\r")) if end is not None else 0
        return Where(self.file, line, start - self._lines[line - 1] + 1, width)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def peek(self, length: int = 1) -> str:
        """The next characters, fewer at the end."""
        return self.text[self.at : self.at + length]

    def take(self, literal: str) -> bool:
        """Step over that text if it is next."""
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def look(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern matches here."""
        return pattern.match(self.text, self.at)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What the pattern matches here, stepped over."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def spaces(self) -> bool:
        """Step over spaces and tabs; whether there were any."""
        start = self.at
        self.match(_SPACES)
        return self.at > start

    def expect(self, literal: str, hint: str = "") -> None:
        """Step over that text; DocumentError when something else is next."""
        if not self.take(literal):
            raise self.error(f"expected '{literal}', found {self.found()}", hint)

    def need_spaces(self, before: str) -> None:
        """Step over at least one space."""
        if not self.spaces():
            raise self.error(f"expected a space and {before}, found {self.found()}")

    def end_of_line(self, hint: str = "") -> None:
        """Step over the rest of a line, which may hold a comment and nothing else."""
        if not self.match(_END_OF_LINE):
            self.spaces()
            raise self.error(f"expected the end of the line, found {self.found()}", hint)

    def empty_lines(self) -> None:
        """Step over lines without content, then over the spaces before what comes."""
        self.match(_EMPTY_LINES)
        self.spaces()

    def error(
        self, problem: str, hint: str = "", *, start: int | None = None, end: int | None = None
    ) -> DocumentError:
        """The error to raise, of here or of the text between `start` and `end`."""
        if start is None and end is None:
            shown = self.look(_SHOWN)
            end = shown.end() if shown else None
        return DocumentError(self.where(start, end), problem, hint)

    def found(self) -> str:
        """What is next, in words for a message."""
        if self.ended:
            return "the end of the file"
        if self.peek() in "\r\n":
            return "the end of the line"
        if self.peek() == "\t":
            return "a tab"
        shown = self.look(_SHOWN)
        text = shown[0] if shown else self.peek()
        return f"'{text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + '...'}'"
