"""What Postman's test scripts mean: expectations, captures and variables, from the idioms people use.

Room scenarios, importers. Reads statements, never runs one. What is not understood is noted with its place and text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.importers.imported import quoted
from seatrial.scenarios.importers.naming import sounds_secret
from seatrial.scenarios.importers.postman_texts import Texts
from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.chains import chain
from seatrial.scenarios.importers.scripts.checks import Expected
from seatrial.scenarios.importers.scripts.claims import claim
from seatrial.scenarios.importers.scripts.symbols import SCOPES, Query, Symbol, Symbols, Text, Unclear, path_of
from seatrial.scenarios.importers.scripts.syntax import statements


@dataclass(frozen=True, slots=True)
class Script:
    """What the scripts around a request come to. `before` is set before it, `after` for the requests that follow."""

    statuses: tuple[int, ...] = ()
    limit_ms: float | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    captures: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


class Reading:
    """Reads the scripts of one request, outermost first; `where` is what notes call it."""

    def __init__(self, texts: Texts, where: str) -> None:
        self.where = where
        self.tally = texts.tally
        self.marks = texts.marks
        self.symbols = Symbols(texts)
        self.expected = Expected(self.symbols)
        self.captures: dict[str, Any] = {}
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}

    def read(self, script: str, *, place: str, prior: bool) -> None:
        """One script; `prior` for what is run before the request."""
        for statement in statements(script):
            self._statement(statement, place, prior=prior)

    def result(self) -> Script:
        """What all of them came to."""
        expected = self.expected
        return Script(
            statuses=tuple(expected.statuses),
            limit_ms=min(expected.limits_ms, default=None),
            checks=tuple(expected.checks),
            captures=self.captures,
            before=self.before,
            after=self.after,
        )

    def _statement(self, statement: js.Statement, place: str, *, prior: bool) -> None:
        call = statement.value
        if isinstance(call, js.Call) and path_of(call.of) == "pm.test" and statement.target is None:
            for inner in _body_of_test(call):
                self._statement(inner, place, prior=prior)
            if _body_of_test(call):
                return
        if isinstance(call, js.Call) and (path_of(call.of) or "").startswith("console."):
            self.tally.note(self.where, "lines that only write to the console were left out")
            return
        try:
            self._understood(statement, place, prior=prior)
        except Unclear:
            text = statement.text.strip().splitlines() or [""]
            more = f" and {len(text) - 1} more lines" if len(text) > 1 else ""
            self.tally.note(f"{self.where}, {place} line {statement.line}", f"{quoted(text[0])}{more}")

    def _understood(self, statement: js.Statement, place: str, *, prior: bool) -> None:
        value, target = statement.value, statement.target
        if value is None:
            self._conditional(statement, place)
        elif isinstance(target, js.Name):
            self.symbols.names[target.text] = self.symbols.symbol(value)
        elif isinstance(target, js.Object):
            self._taken_apart(target, self.symbols.symbol(value))
        elif isinstance(target, js.Member) and target.of == js.Name("tests"):
            self.expected.take(claim, value)
            self.tally.count("checks")
        elif target is None and isinstance(value, js.Call) and self._sets(value, prior=prior):
            pass
        elif target is None:
            self.expected.take(chain, value)
            self.tally.count("checks")
        else:
            raise Unclear

    def _taken_apart(self, target: js.Object, value: Symbol) -> None:
        """`const {a, b: c} = value`."""
        for name, given in target.members:
            below = value.below(name) if isinstance(value, Query) else None
            if below is None or not isinstance(given, js.Name):
                raise Unclear
            self.symbols.names[given.text] = below

    def _conditional(self, statement: js.Statement, place: str) -> None:
        """A condition on the status around nothing but captures: the status is expected anyway."""
        condition = statement.condition
        on_status = isinstance(condition, js.Binary) and self.symbols.maybe(condition.left) == Query("status")
        calls = [inner.value for inner in statement.body if isinstance(inner.value, js.Call) and not inner.target]
        if not on_status or not calls or len(calls) < len(statement.body):
            raise Unclear
        first = statement.text.partition("\n")[0]
        for call in calls:
            if not self._sets(call, prior=False):
                raise Unclear
        self.tally.note(f"{self.where}, {place} line {statement.line}", f"{quoted(first)} is taken as always so")

    def _sets(self, call: js.Call, *, prior: bool) -> bool:
        """`pm.environment.set(name, value)` and its like."""
        words = (path_of(call.of) or "").split(".")
        modern = len(words) == 3 and words[0] == "pm" and words[1] in SCOPES and words[2] == "set"
        legacy = words[0] == "postman" and words[-1] in ("setEnvironmentVariable", "setGlobalVariable")
        if not (modern or legacy) or len(call.arguments) < 2:
            return False
        name, value = self.symbols.symbol(call.arguments[0]), self.symbols.symbol(call.arguments[1])
        if not isinstance(name, Text) or not isinstance(name.value, str):
            raise Unclear
        self._set(name.value, value, prior=prior)
        return True

    def _set(self, name: str, value: Symbol, *, prior: bool) -> None:
        ours = self.tally.names.of(name)
        if isinstance(value, Query):
            if prior:
                raise Unclear
            self.captures[ours] = {**value.capture(), **({"secret": True} if sounds_secret(name) else {})}
            self.tally.count("captures")
            return
        held = value.value
        if isinstance(held, str) and sounds_secret(name):
            held = held if self.marks.expression(held) or not held else self.marks.mark(self.tally.secret(name, held))
        (self.before if prior else self.after)[ours] = self.marks.value(held)
        self.tally.count("assignments")


def _body_of_test(call: js.Call) -> tuple[js.Statement, ...]:
    function = call.arguments[1] if len(call.arguments) > 1 else None
    return function.body if isinstance(function, js.Function) else ()
