"""What a test script expects of the answer, as checks: collected here, whichever way a script says it.

Room scenarios, importers. `claims` and `chains` understand the ways. Unclear, with nothing kept, for
whatever has no counterpart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.regexes import compile_regex
from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.symbols import Query, Symbols, Unclear

COMPARISONS = {
    "equal": "eq",
    "equals": "eq",
    "eq": "eq",
    "eql": "eq",
    "eqls": "eq",
    "above": "gt",
    "gt": "gt",
    "greaterThan": "gt",
    "least": "gte",
    "gte": "gte",
    "below": "lt",
    "lt": "lt",
    "lessThan": "lt",
    "most": "lte",
    "lte": "lte",
    "include": "contains",
    "includes": "contains",
    "contain": "contains",
    "contains": "contains",
    "string": "contains",
    "lengthOf": "length",
    "length": "length",
    "oneOf": "in",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
}
"""Our predicates, by the names scripts have for them."""

FALSE = [False, None, 0, ""]
"""JSON values a script takes for false."""


@dataclass
class Expected:
    """What was expected so far: statuses, the shortest limit of the whole exchange, checks in the format's words."""

    symbols: Symbols
    statuses: list[int] = field(default_factory=list)
    limits_ms: list[float] = field(default_factory=list)
    checks: list[Mapping[str, Any]] = field(default_factory=list)

    def take(self, way: Callable[[Expected, js.Expression], None], value: js.Expression) -> None:
        """An expression, understood in that way or not at all: of one that is Unclear nothing is kept."""
        kept = len(self.statuses), len(self.limits_ms), len(self.checks)
        try:
            way(self, value)
        except Unclear:
            del self.statuses[kept[0] :], self.limits_ms[kept[1] :], self.checks[kept[2] :]
            raise

    def check(self, query: Query, predicate: str, operand: Any, *, negated: bool) -> None:
        """A part of the answer is to be as the predicate says; a status and a limit are not kept as checks."""
        if predicate == "contains" and isinstance(operand, dict):
            raise Unclear  # of an object its members are meant, of a list its elements
        if query.asks == "length":
            if predicate != "eq" and predicate not in ("gt", "gte", "lt", "lte", "between", "in", "ne"):
                raise Unclear
        elif query == Query("status") and not negated and predicate in ("eq", "in"):
            listed = operand if isinstance(operand, list) else [operand]
            if all(isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 599 for one in listed):
                self.statuses += listed
                return
        elif (
            query.ms
            and not negated
            and predicate in ("lt", "lte")
            and isinstance(operand, (int, float))
            and operand > 0
        ):
            self.limits_ms.append(operand)
            return
        self.checks.append(_written(query, predicate, self._shown(query, operand), negated=negated))

    def _shown(self, query: Query, operand: Any) -> Any:
        if query.ms:
            if not isinstance(operand, (int, float)) or isinstance(operand, bool):
                raise Unclear
            return f"{operand:g}ms"
        return self.symbols.texts.marks.value(operand)


def pattern_of(arguments: tuple[js.Expression, ...]) -> str:
    """The first argument, a regular expression, as one of ours; Unclear when it is none, or cannot be one."""
    held = arguments[0] if arguments else None
    if not isinstance(held, js.Pattern) or set(held.flags) - set("gimsu"):
        raise Unclear
    flags = "".join(flag for flag in "ims" if flag in held.flags)
    text = f"(?{flags}){held.text}" if flags else held.text
    text = text.replace("\\/", "/")
    try:
        compile_regex(text)
    except ValueError:
        raise Unclear from None
    return text


def _written(query: Query, predicate: str, operand: Any, *, negated: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {predicate: operand}
    asked = {"not": asked} if negated else asked
    if query.asks == "length":
        return {query.kind: query.text, "filters": ["count"], **asked}
    return {query.kind: query.text, **asked} if query.text else {query.kind: asked}
