"""Chains of calls of a test script taken apart: `pm.expect(x).to.eql(5)` as its links.

Room scenarios, importers. Pure.
"""

from __future__ import annotations

from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.symbols import Unclear

Link = tuple[str | int, tuple[js.Expression, ...] | None]
"""A name, and the arguments it is called with or None."""

FILLERS = frozenset(
    (
        *("to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same", "but", "does"),
        *("still", "also", "deep", "all"),
    )
)
"""Names that only make a chain read as English."""


def links_of(value: js.Expression) -> list[Link]:
    """A chain from its beginning: its links in order; none where it is no chain."""
    links: list[Link] = []
    arguments: tuple[js.Expression, ...] | None = None
    while not isinstance(value, js.Name):
        if isinstance(value, js.Call):
            arguments = value.arguments
            value = value.of
        elif isinstance(value, js.Member):
            links.append((value.name, arguments))
            arguments = None
            value = value.of
        else:
            return []
    return [(value.text, arguments), *reversed(links)]


def wants_false(links: list[Link]) -> bool:
    """Whether `.to.be.false` or `.to.eql(false)` ends the chain; Unclear when it is neither that nor true."""
    name, arguments = links[-1] if links else ("", None)
    word = arguments[0] if arguments else js.Literal({"true": True, "false": False}.get(str(name)))
    if not isinstance(word, js.Literal) or not isinstance(word.value, bool):
        raise Unclear
    return word.value is any(name == "not" for name, _ in links)
