"""The variables and texts of a `.hurl` file as the templates of our documents write them.

Room scenarios, private to `hurl`, for `document` alone. Pure, but for `Names`, which remembers what it gave out.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field

from seatrial.scenarios.hurl.syntax import Hole, Text
from seatrial.template import RESERVED

_FUNCTIONS = {"newUuid": "uuid()", "newDate": "now()"}
_MARKS = re.compile(r"\{(?=[{%#]|\Z)")
_TAKEN = frozenset(
    {*RESERVED, *keyword.kwlist, "true", "false", "none", "loop", "self", "row", "env", "file", "faker"}
)


@dataclass
class Names:
    """Variables under names a template can use; the same variable always gets the same one."""

    given: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The name for that variable: itself where possible, and never one that means something else."""
        if name not in self.given:
            wanted = re.sub(r"\W", "_", name, flags=re.ASCII)
            wanted = f"_{wanted}" if not wanted.isidentifier() else f"{wanted}_" if wanted in _TAKEN else wanted
            taken = set(self.given.values())
            numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
            self.given[name] = next(one for one in (wanted, *numbered) if one not in taken)
        return self.given[name]

    def expression(self, hole: Hole) -> str:
        """What stands between the braces for it."""
        return _FUNCTIONS.get(hole.name) or self.of(hole.name)

    def typed(self, hole: Hole) -> str:
        """The value itself."""
        return f"{{{{ {self.expression(hole)} }}}}"

    def text(self, text: Text) -> str:
        """The text, which stays one even where a hole is all of it."""
        return self.joined(text.pieces)

    def joined(self, pieces: tuple[str | Hole, ...]) -> str:
        """The pieces as one text."""
        written = "".join(literal(piece) if isinstance(piece, str) else self.typed(piece) for piece in pieces)
        return f"{written}{{{{ '' }}}}" if len(pieces) == 1 and isinstance(pieces[0], Hole) else written

    def url(self, text: Text) -> str:
        """A URL; what fills its holes is put in as it is."""
        return "".join(
            literal(piece) if isinstance(piece, str) else f"{{{{ {self.expression(piece)} | raw }}}}"
            for piece in text.pieces
        )


def literal(text: str) -> str:
    """A text in which no brace means anything to a template."""
    return _MARKS.sub("{{ '{' }}", text)
