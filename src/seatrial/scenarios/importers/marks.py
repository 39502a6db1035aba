"""Expressions on their way through foreign texts: a mark stands for each until the text is written as ours.

Room scenarios, importers. So a URL, a form or a JSON body with variables in it can be taken apart by what understands
plain ones. A mark is a number between two private-use characters, which survive splitting, decoding and JSON.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.importers.naming import Expression, Piece, template_text

_OPEN, _CLOSE = "\ue0f0", "\ue0f1"
MARK = re.compile(f"{_OPEN}([0-9]{{1,9}}){_CLOSE}")


@dataclass
class Marks:
    """The expressions that stand in the texts of one import."""

    expressions: list[str] = field(default_factory=list)

    def mark(self, expression: str) -> str:
        """What to put into a text for this expression."""
        if expression not in self.expressions:
            self.expressions.append(expression)
        return f"{_OPEN}{self.expressions.index(expression)}{_CLOSE}"

    def text(self, text: str) -> str:
        """The text as ours; a text that is exactly one mark keeps the type of its expression."""
        return template_text(self._pieces(text))

    def url(self, text: str) -> str:
        """A URL as ours: what stands before its path is an address or a part of one, so it is not percent-encoded."""
        return template_text(self._addressed(text))

    def _addressed(self, text: str) -> Iterator[Piece]:
        in_path = False
        for piece in self._pieces(text):
            if isinstance(piece, str):
                in_path = in_path or bool(re.search("[/?#]", piece.replace("://", "")))
                yield piece
            else:
                yield piece if in_path or piece.text.endswith("| raw") else Expression(f"{piece.text} | raw")

    def value(self, value: Any) -> Any:
        """A JSON value as ours, keys as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(part) for part in value]
        return (
            {self.shown(key): self.value(part) for key, part in value.items()} if isinstance(value, dict) else value
        )

    def shown(self, text: str) -> str:
        """The text for people, and for keys: `{{ name }}` where an expression stands."""
        return MARK.sub(lambda found: f"{{{{ {self._expression(found[1])} }}}}", text)

    def named(self, text: str) -> str:
        """The text for a step's name: `{name}` where an expression stands."""
        return MARK.sub(lambda found: f"{{{self._expression(found[1]).removeprefix('secrets.')}}}", text)

    def expression(self, text: str) -> str | None:
        """The expression a text is, when it is exactly one mark."""
        found = MARK.fullmatch(text)
        return self._expression(found[1]) if found else None

    def _pieces(self, text: str) -> Iterator[Piece]:
        for index, part in enumerate(MARK.split(text)):
            yield Expression(self._expression(part)) if index % 2 else part

    def _expression(self, number: str) -> str:
        return self.expressions[int(number)] if int(number) < len(self.expressions) else "''"


def is_marked(text: str) -> bool:
    """Whether any expression stands in the text."""
    return bool(MARK.search(text))


def percent_encoded(text: str, quote: Callable[[str], str] = lambda text: urllib.parse.quote(text, safe="")) -> str:
    """The text percent-encoded, its marks left alone."""
    return "".join(
        f"{_OPEN}{part}{_CLOSE}" if index % 2 else quote(part) for index, part in enumerate(MARK.split(text))
    )
