"""Reads what an experiment expects while its faults act and afterwards. Private to `read`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seatrial import quantity
from seatrial.chaos.expectations import (
    AmplificationExpectation,
    BreakerExpectation,
    BulkheadExpectation,
    Expectations,
    FallbackExpectation,
    HedgingExpectation,
    IsolationExpectation,
    Named,
    ObjectiveExpectation,
    TimeoutExpectation,
)
from seatrial.chaos.written.shapes import RawDuring, RawExperiment
from seatrial.documents import Document
from seatrial.errors import DocumentError, Where
from seatrial.service import Edge, Indicator, Objective

_QUANTILES = {"p50_at_most": 0.5, "p90_at_most": 0.9, "p95_at_most": 0.95, "p99_at_most": 0.99}
SUBJECTS = (
    *("breaker", "amplification", "timeout", "fallback", "bulkhead", "hedging", "isolation"),
    *("latency", "errors", "untouched"),
)
_OF_EDGES = ("breaker", "amplification", "timeout", "bulkhead", "hedging")  # by the calls themselves
_BY_ITSELF = ("amplification", "timeout", "fallback", "isolation")  # where nothing more is said
DEFAULT_WORSE_RATIO = 0.05
_MEMBERS = {
    "breaker": {"opens_within", "calls_while_open"},
    "amplification": {"at_most"},
    "timeout": {"bounded_by"},
    "fallback": {"status"},
    "bulkhead": {"in_flight"},
    "hedging": {"replica", "answered_within"},
    "isolation": {"at_most"},
    "latency": {*_QUANTILES, "routes"},
    "errors": {"at_most", "routes"},
    "untouched": set[str](),
}


def read_expectations(raw: RawExperiment, document: Document) -> Expectations:
    """All that is expected, sorted by what it is about."""
    lines = [_Line(_subject(item, index, document), item, index) for index, item in enumerate(raw.expect.during)]
    breakers = _breakers(lines, raw, document)
    _refuse_blind(lines, raw, document)
    return Expectations(
        breakers=breakers,
        amplifications=tuple(_amplification(line, document) for line in lines if line.subject == "amplification"),
        timeouts=tuple(_timeout(line, document) for line in lines if line.subject == "timeout"),
        fallbacks=tuple(_fallback(line, document) for line in lines if line.subject == "fallback"),
        bulkheads=tuple(_bulkhead(line, document) for line in lines if line.subject == "bulkhead"),
        hedgings=tuple(_hedging(line, document) for line in lines if line.subject == "hedging"),
        isolations=tuple(_isolation(line, document) for line in lines if line.subject == "isolation"),
        limits=tuple(_limits(lines, document)),
        untouched=tuple(_untouched(lines, document)),
        recovered_within_s=raw.expect.after.recovered_within,
    )


class _Line(NamedTuple):
    """One line of `during`, with what it is about and its place in the list."""

    subject: str
    raw: RawDuring
    at: int


def _subject(item: RawDuring, index: int, document: Document) -> str:
    """The one key that says what is expected; the others must belong to it."""
    given = [word for word in SUBJECTS if word in item.model_fields_set]
    if len(given) != 1:
        hint = f"one of {', '.join(SUBJECTS)}"
        raise DocumentError(document.where("expect", "during", index), "one expectation a line", hint)
    stray = sorted(item.model_fields_set - {given[0]} - _MEMBERS[given[0]])
    if stray:
        where = document.where_key("expect", "during", index, stray[0])
        raise DocumentError(where, f"'{stray[0]}' does not belong to '{given[0]}'", _members(given[0]))
    expects = given[0] in _BY_ITSELF or not _MEMBERS[given[0]]
    if not expects and not (item.model_fields_set & _MEMBERS[given[0]]) - {"routes"}:
        raise DocumentError(
            document.where("expect", "during", index), f"'{given[0]}' expects nothing", _members(given[0])
        )
    return given[0]


def _members(subject: str) -> str:
    return f"it takes {', '.join(sorted(_MEMBERS[subject])) or 'a list of service.objective'}"


def _breakers(lines: Iterable[_Line], raw: RawExperiment, document: Document) -> tuple[BreakerExpectation, ...]:
    closes = raw.expect.after.breaker
    closes_within_s = closes.closes_within if closes else None
    breakers = tuple(_breaker(line, closes_within_s, document) for line in lines if line.subject == "breaker")
    if closes and not breakers:
        where = document.where_key("expect", "after", "breaker")
        hint = "name it under `during`, as {breaker: cards->ledger, opens_within: 5s}"
        raise DocumentError(where, "which breaker?", hint)
    return breakers


def _breaker(line: _Line, closes_within_s: float | None, document: Document) -> BreakerExpectation:
    (edge, where), item = _edge(line, document), line.raw
    return BreakerExpectation(edge, item.opens_within, item.calls_while_open, closes_within_s, where)


def _amplification(line: _Line, document: Document) -> AmplificationExpectation:
    (edge, where), at_most = _edge(line, document), line.raw.at_most
    if isinstance(at_most, str) or (at_most is not None and at_most < 1.0):
        at = document.where("expect", "during", line.at, "at_most")
        raise DocumentError(at, f"'{at_most}' is no number from 1 on", "1.2 means a fifth more calls than usual")
    return AmplificationExpectation(edge, at_most, where)


def _timeout(line: _Line, document: Document) -> TimeoutExpectation:
    edge, where = _edge(line, document)
    return TimeoutExpectation(edge, line.raw.bounded_by, where)


def _fallback(line: _Line, document: Document) -> FallbackExpectation:
    edge, where = _edge(line, document)
    return FallbackExpectation(edge, line.raw.status, where)


def _bulkhead(line: _Line, document: Document) -> BulkheadExpectation:
    edge, where = _edge(line, document)
    return BulkheadExpectation(edge, line.raw.in_flight or 1, where)


def _hedging(line: _Line, document: Document) -> HedgingExpectation:
    (edge, where), replica, within_s = _edge(line, document), line.raw.replica, line.raw.answered_within
    if replica is None or within_s is None:
        hint = "as {hedging: cards->ledger, replica: cards->ledger2, answered_within: 100ms}"
        raise DocumentError(where, "which replica answers instead, and how soon?", hint)
    if replica.caller != edge.caller or replica == edge:
        at = document.where("expect", "during", line.at, "replica")
        raise DocumentError(at, f"'{replica}' is no other replica of '{edge.caller}'", f"as {edge}2")
    return HedgingExpectation(edge, replica, within_s, where)


def _isolation(line: _Line, document: Document) -> IsolationExpectation:
    (edge, where), at_most = _edge(line, document), line.raw.at_most
    given = _share(at_most, document.where("expect", "during", line.at, "at_most"))
    return IsolationExpectation(edge, DEFAULT_WORSE_RATIO if at_most is None else given, where)


def _edge(line: _Line, document: Document) -> tuple[Edge, Where]:
    """The edge a line is about, and its place."""
    where = document.where("expect", "during", line.at, line.subject)
    edge: Edge | None = getattr(line.raw, line.subject)
    if edge is None:
        raise DocumentError(where, "no edge here", f"as {line.subject}: cards->ledger")
    return edge, where


def _limits(lines: Iterable[_Line], document: Document) -> Iterator[ObjectiveExpectation]:
    for subject, item, index in lines:
        if subject == "latency":
            yield from _latency_limits(item, index, document)
        elif subject == "errors":
            yield _error_limit(item, index, document)


def _untouched(lines: Iterable[_Line], document: Document) -> Iterator[Named]:
    for line in lines:
        yield from named_objectives(line.raw.untouched or [], document, "expect", "during", line.at, "untouched")


def _latency_limits(item: RawDuring, index: int, document: Document) -> Iterator[ObjectiveExpectation]:
    where = document.where("expect", "during", index, "latency")
    for key, share in _QUANTILES.items():
        limit_s = getattr(item, key)
        if limit_s is not None:
            quantile = key.partition("_")[0]
            name = f"{quantile} at most {quantity.show_duration(limit_s)}"
            objective = Objective(
                name, Indicator.WAITING, limit_s, quantile=share, routes=tuple(item.routes), where=where
            )
            yield ObjectiveExpectation(item.latency or "", objective, where)


def _error_limit(item: RawDuring, index: int, document: Document) -> ObjectiveExpectation:
    where = document.where("expect", "during", index, "errors")
    limit_ratio = _share(item.at_most, document.where("expect", "during", index, "at_most"))
    name = f"errors at most {quantity.show_ratio(limit_ratio)}"
    objective = Objective(name, Indicator.ERRORS, limit_ratio, routes=tuple(item.routes), where=where)
    return ObjectiveExpectation(item.errors or "", objective, where)


def _share(at_most: float | str | None, where: Where) -> float:
    try:
        return 0.0 if at_most is None else quantity.ratio(at_most)
    except ValueError as error:
        raise DocumentError(where, str(error)) from None


def named_objectives(texts: list[str], document: Document, *path: str | int) -> Iterator[Named]:
    """Objectives written as service.objective; the list stands at that path of the document."""
    for index, text in enumerate(texts):
        service, dot, objective = text.partition(".")
        if not (service and dot and objective):
            raise DocumentError(
                document.where(*path, index), f"'{text}' names no objective", "write it as service.objective"
            )
        yield Named(service, objective, document.where(*path, index))


def _refuse_blind(lines: Iterable[_Line], raw: RawExperiment, document: Document) -> None:
    """A mechanism is judged by the calls its edge sees; behind a disabled proxy nobody sees any."""
    judged = {getattr(line.raw, line.subject): line.subject for line in lines if line.subject in _OF_EDGES}
    for index, line in enumerate(raw.method):
        if "down" in line.inject.model_fields_set and line.inject.edge in judged:
            raise DocumentError(
                document.where_key("method", index, "inject", "down"),
                f"the {judged[line.inject.edge]} of {line.inject.edge} cannot be judged while the edge is down: "
                "no call is seen there",
                "use `timeout: {timeout: 0}` or `reset_peer: {timeout: 0}`",
            )
