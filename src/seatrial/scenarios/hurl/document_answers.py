"""Writes what a `.hurl` file expects and captures as `expect:` and `capture:` of our documents.

Room scenarios, private to `hurl`, for `document`. The same words as `expectations` makes checks of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seatrial.errors import DocumentError, Where
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.document_bodies import json_text
from seatrial.scenarios.hurl.expectations import (
    FIELDS,
    FILTERS,
    KINDS,
    PREDICATES,
    TYPES,
    finds_many,
    replacement,
    without_hex,
)
from seatrial.scenarios.hurl.names import Names, literal
from seatrial.scenarios.hurl.syntax import BlockKind, Hole, Text

LONE = str(FilterKind.LONE)
STATUSES = range(100, 600)
"""What our documents know for a status; any number else can only be compared with."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes the second halves of entries; `notes` is told what cannot be said."""

    names: Names
    notes: list[tuple[Where, str]]

    def expect(self, response: syntax.Response | None, *, ignored: bool) -> dict[str, Any]:
        """What is expected; of an entry without a second half any status will do."""
        if response is None or ignored:
            return {"status": "any"}
        status, checks = response.status, list(self._checks(response))
        if status is not None and status not in STATUSES:
            status, checks = None, [{"status": True, "eq": status}, *checks]
        return {"status": "any" if status is None else status, **({"checks": checks} if checks else {})}

    def captures(self, response: syntax.Response | None) -> dict[str, Any]:
        """What is captured."""
        made: dict[str, Any] = {}
        for one in response.captures if response else ():
            name = one.name.plain
            if name is None:
                self.notes.append((one.where, f"the capture '{one.name.source}' has a name that is a template"))
                continue
            query = self._query(one.query, one.filters)
            if query is not None:
                made[self.names.of(name)] = {**query, **({"secret": True} if one.redacted else {})}
        return made

    def _checks(self, response: syntax.Response) -> Iterator[dict[str, Any]]:
        if response.version:
            yield {"version": True, "eq": response.version}
        for pair in response.headers:
            yield {"headers": self.names.text(pair.name), "contains": self.names.text(pair.value)}
        if response.body is not None:
            yield self._body(response.body)
        for one in response.asserts:
            query = self._query(one.query, one.filters)
            if query is not None:
                yield {**query, **self._asked(one.predicate)}

    def _body(self, body: syntax.Body) -> dict[str, Any]:
        if isinstance(body, syntax.File):
            return {"bytes": True, "equals_file": self.names.text(body.path)}
        if isinstance(body, syntax.Bytes):
            return {"bytes": True, "eq": body.value.hex()}
        return {"body": True, "eq": self._body_text(body)}

    def _body_text(self, body: syntax.JsonText | syntax.Xml | syntax.Block | syntax.Line) -> str:
        if isinstance(body, syntax.Xml):
            return literal(body.text)
        if isinstance(body, syntax.JsonText):
            return json_text(body, self.names)
        if isinstance(body, syntax.Block) and body.kind is BlockKind.GRAPHQL:
            self.notes.append((body.where, "a GraphQL block as what is expected is compared as its text"))
        return self.names.text(body.text)

    def _asked(self, predicate: syntax.Predicate) -> dict[str, Any]:
        name = PREDICATES.get(predicate.name, "type")
        operand = TYPES[predicate.name] if predicate.name in TYPES else self._operand(predicate)
        if name == "eq" and isinstance(predicate.operand, syntax.File):
            name = "equals_file"
        if name == "exists":
            return {"exists": not predicate.negated}
        if predicate.negated:
            text = "where there is nothing to look at, this holds in Hurl and fails here"
            self.notes.append((predicate.where, text))
        return {"not": {name: operand}} if predicate.negated else {name: operand}

    def _operand(self, predicate: syntax.Predicate) -> Any:
        operand = predicate.operand
        if operand is None:
            return True
        if isinstance(operand, syntax.Literal):
            return operand.value
        if isinstance(operand, Hole):
            return self.names.typed(operand)
        if isinstance(operand, syntax.Bytes):
            return operand.value.hex()
        if isinstance(operand, syntax.File):
            return self.names.text(operand.path)
        if isinstance(operand, syntax.Block):
            return self._body_text(operand)
        return literal(operand.pattern) if isinstance(operand, syntax.Regex) else self.names.text(operand)

    def _query(self, query: syntax.Query, chain: tuple[syntax.Filter, ...]) -> dict[str, Any] | None:
        try:
            looked, filters = self._looked(query), self._filters(query, chain)
        except DocumentError as error:
            self.notes.append((error.where, error.problem))
            return None
        return {str(KINDS[query.name]): looked, **({"filters": filters} if filters else {})}

    def _looked(self, query: syntax.Query) -> Any:
        argument = query.argument
        if argument is None:
            return True
        if isinstance(argument, syntax.Regex):
            return literal(argument.pattern)
        if query.name == "certificate":
            return self._field(argument)
        if query.name == "variable":
            return self.names.of(argument.source)
        return self.names.text(argument) + (f"[{query.attribute}]" if query.attribute else "")

    def _field(self, argument: Text) -> str:
        name = argument.plain or ""
        if name not in FIELDS:
            raise DocumentError(argument.where, f"the field '{name}' of a certificate is not read here")
        return FIELDS[name]

    def _filters(self, query: syntax.Query, chain: tuple[syntax.Filter, ...]) -> list[Any]:
        filters: list[Any] = []
        if KINDS[query.name] is QueryKind.HEADERS or (query.name == "jsonpath" and self._finds_many(query)):
            filters.append(LONE)
        if query.name == "duration":
            filters.append(str(FilterKind.MILLISECONDS))
        for one in without_hex(query, chain):
            filters += self._filter(one)
        return filters

    def _finds_many(self, query: syntax.Query) -> bool:
        return isinstance(query.argument, Text) and finds_many(query.argument.source)

    def _filter(self, written: syntax.Filter) -> Iterator[Any]:
        name = str(FILTERS[written.name])
        arguments = [self._argument(one) for one in written.arguments]
        if written.name == "replaceRegex" and isinstance(written.arguments[1], Text):
            pieces = written.arguments[1].pieces
            changed = tuple(replacement(piece) if isinstance(piece, str) else piece for piece in pieces)
            arguments[1] = self.names.joined(changed)
        yield name if not arguments else {name: arguments[0] if len(arguments) == 1 else arguments}
        path = written.arguments[0] if written.name == "jsonpath" else None
        if isinstance(path, Text) and finds_many(path.source):
            yield LONE

    def _argument(self, argument: syntax.Argument) -> Any:
        if isinstance(argument, Text):
            return self.names.text(argument)
        if isinstance(argument, Hole):
            return self.names.typed(argument)
        return literal(argument.pattern) if isinstance(argument, syntax.Regex) else argument.value
