"""Reads `experiment:` documents into `Experiment`s.

Takes the `chaos/` folder; every mistake is a `DocumentError` with its place, and what a later version will know
is refused by name. Whether edges and services exist is not known here: `plan` checks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seatrial import documents, quantity
from seatrial.chaos.model import (
    DEFAULT_BASELINE_S,
    DEFAULT_DURATION_S,
    KINDS,
    AbortOn,
    Bandwidth,
    BreakerExpectation,
    Down,
    EdgeFault,
    Expectations,
    Experiment,
    Fault,
    Injection,
    Kill,
    Latency,
    Limits,
    Named,
    ObjectiveExpectation,
    ResetPeer,
    ServiceFault,
    Stop,
    Stream,
    Timeout,
)
from seatrial.documents import Document, DurationS, Ratio, Shape
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean, unknown
from seatrial.service import Edge, Indicator, Objective

LATER_FAULTS = frozenset(
    {
        *("slow_close", "slicer", "limit_data", "http_error", "http_delay", "http_truncate", "http_replace"),
        *("pause", "restart", "disconnect", "cpu", "memory", "rolling_restart"),
    }
)
LATER_EXPECTATIONS = frozenset(
    {"fallback", "amplification", "retries", "hedging", "bulkhead", "shedding", "throughput"}
)
SIGNALS = ("KILL", "TERM", "INT", "QUIT", "ABRT", "HUP")
_QUANTILES = {"p50_at_most": 0.5, "p90_at_most": 0.9, "p95_at_most": 0.95, "p99_at_most": 0.99}
_ABORT = re.compile(r"^>\s*(\S+(?:\s*%)?)\s+for\s+(\S.*)$")


def _toxiproxy_s(value: object) -> float:
    """Seconds from `250ms`, or from a bare number, which Toxiproxy means in milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value / 1000.0
    return quantity.duration_s(value)


def _toxiproxy_bytes_per_s(value: object) -> int:
    """Bytes per second from `100kB/s`, or from a bare number, which Toxiproxy means in KB (1000 bytes) per second."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return round(value * 1000)
    size, slash, unit = str(value).partition("/")
    if slash and unit.strip() == "s":
        return quantity.size_bytes(size.strip())
    raise ValueError(f"'{value}' is not a transfer rate; write it as 100kB/s")


def _abort(value: object) -> tuple[float, float]:
    found = _ABORT.match(str(value).strip())
    if not found:
        raise ValueError(f"'{value}' is not a condition; write it as '> 50% for 5s'")
    return quantity.ratio(found[1]), quantity.duration_s(found[2])


def _nothing(value: object) -> dict[str, Any]:
    if value in (None, True, {}):
        return {}
    raise ValueError(f"'{value}' where no settings are known; write {{}}")


def _edge(value: object) -> Edge:
    return Edge.parse(str(value))


ToxicS = Annotated[float, BeforeValidator(_toxiproxy_s)]
ToxicBytesPerS = Annotated[int, BeforeValidator(_toxiproxy_bytes_per_s)]
Nothing = Annotated[dict[str, Any], BeforeValidator(_nothing)]
AnEdge = Annotated[Edge, BeforeValidator(_edge)]


class _Latency(Shape):
    latency: ToxicS
    jitter: ToxicS = 0.0


class _Timeout(Shape):
    timeout: ToxicS


class _Bandwidth(Shape):
    rate: ToxicBytesPerS


class _Kill(Shape):
    signal: str = "KILL"


class _Inject(Shape):
    edge: AnEdge | None = None
    service: str | None = None
    stream: Stream | None = None
    duration: DurationS | None = Field(default=None, alias="for")
    latency: _Latency | None = None
    timeout: _Timeout | None = None
    reset_peer: _Timeout | None = None
    bandwidth: _Bandwidth | None = None
    down: Nothing | None = None
    kill: _Kill | None = None
    stop: Nothing | None = None


class _Line(Shape):
    at: DurationS
    inject: _Inject


class _SteadyState(Shape):
    baseline: DurationS = DEFAULT_BASELINE_S
    objectives: list[str] = []


class _During(Shape):
    breaker: AnEdge | None = None
    opens_within: DurationS | None = None
    calls_while_open: int | None = Field(default=None, ge=0)
    latency: str | None = None
    p50_at_most: DurationS | None = None
    p90_at_most: DurationS | None = None
    p95_at_most: DurationS | None = None
    p99_at_most: DurationS | None = None
    errors: str | None = None
    at_most: Ratio | None = None
    untouched: list[str] | None = None
    routes: list[str] = []


class _Closes(Shape):
    closes_within: DurationS


class _After(Shape):
    recovered_within: DurationS | None = None
    breaker: _Closes | None = None


class _Expect(Shape):
    during: list[_During] = []
    after: _After = _After()


class _AbortOn(Shape):
    errors: Annotated[tuple[float, float], BeforeValidator(_abort)]


class _Limits(Shape):
    targets: int = Field(default=1, ge=1)
    duration: DurationS | None = Field(default=None, gt=0)


class _Traffic(Shape):
    profile: str


class _Experiment(Shape):
    experiment: str = Field(min_length=1)
    version: Literal[1] = 1
    realm_must_allow: Literal["chaos"] = "chaos"
    traffic: _Traffic | None = None
    steady_state: _SteadyState = _SteadyState()
    method: list[_Line] = Field(min_length=1)
    expect: _Expect = _Expect()
    abort_on: _AbortOn | None = None
    limits: _Limits = _Limits()


SHAPES: Mapping[str, type[Shape]] = {"experiment": _Experiment}


def read_experiments(folder: Path) -> dict[str, Experiment]:
    """Every experiment below the folder by name, in the order of their files; two of one name are an error."""
    found: dict[str, Experiment] = {}
    for document in documents.find(folder, "experiment"):
        experiment = _read(document)
        if experiment.name in found:
            first = found[experiment.name].where
            raise DocumentError(
                document.where("experiment"), f"a second experiment '{experiment.name}'", f"the first is {first}"
            )
        found[experiment.name] = experiment
    return found


def choose_experiments(known: Mapping[str, Experiment], names: tuple[str, ...]) -> tuple[Experiment, ...]:
    """The experiments of those names, in their order; UsageError for an unknown one."""
    for name in names:
        if name not in known:
            raise UsageError(unknown("experiment", name, known))
    return tuple(known[name] for name in names)


def _read(document: Document) -> Experiment:
    _refuse_later(document)
    raw = documents.parse(document, _Experiment)
    duration_s = raw.limits.duration
    experiment = Experiment(
        name=raw.experiment,
        method=tuple(_injection(index, raw, document) for index in range(len(raw.method))),
        expectations=_expectations(raw, document),
        steady_state=tuple(_named(raw.steady_state.objectives, document, "steady_state", "objectives")),
        baseline_s=raw.steady_state.baseline,
        abort_on=AbortOn(*raw.abort_on.errors) if raw.abort_on else None,
        limits=Limits(raw.limits.targets, duration_s if duration_s is not None else DEFAULT_DURATION_S),
        traffic=raw.traffic.profile if raw.traffic else None,
        where=document.where("experiment"),
        file=document.file,
    )
    _refuse_over_limits(experiment, document)
    return experiment


def _refuse_later(document: Document) -> None:
    """Name what a later version will know, rather than call it unknown."""
    for path, words in _worded(document.content):
        later = LATER_FAULTS if path[0] == "method" else LATER_EXPECTATIONS
        for word in words:
            if word in later:
                raise DocumentError(document.where_key(*path, word), f"'{word}' comes later", _known(path))


def _worded(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Every mapping of the document that names a fault or an expectation, with its path."""
    method, expect = content.get("method"), content.get("expect")
    for index, line in enumerate(method if isinstance(method, list) else ()):
        if isinstance(line, dict) and isinstance(line.get("inject"), dict):
            yield ("method", index, "inject"), line["inject"]
    during = expect.get("during") if isinstance(expect, dict) else None
    for index, item in enumerate(during if isinstance(during, list) else ()):
        if isinstance(item, dict):
            yield ("expect", "during", index), item


def _known(path: tuple[str | int, ...]) -> str:
    known = KINDS.values() if path[0] == "method" else _EXPECTATIONS
    return f"known now: {', '.join(known)}"


def _injection(index: int, raw: _Experiment, document: Document) -> Injection:
    line = raw.method[index]
    path = ("method", index, "inject")
    duration_s = line.inject.duration
    if duration_s is None:
        if raw.limits.duration is None:
            raise DocumentError(document.where(*path), "nothing says when this fault ends", "add `for: 20s`")
        duration_s = raw.limits.duration - line.at
    if duration_s <= 0:
        raise DocumentError(document.where("method", index), "this fault would last no time", "add `for: 20s`")
    return Injection(line.at, duration_s, _fault(line.inject, document, path))


def _fault(raw: _Inject, document: Document, path: tuple[str | int, ...]) -> Fault:
    where = document.where(*path)
    given = [kind for kind in KINDS.values() if kind in raw.model_fields_set]
    if len(given) != 1:
        said = f"{len(given)} faults ({', '.join(given)})" if given else "no fault"
        raise DocumentError(where, f"{said} where one should stand", f"one of {', '.join(KINDS.values())}")
    if (raw.edge is None) == (raw.service is None):
        raise DocumentError(where, "a fault acts on either an `edge` or a `service`", "as edge: cards->ledger")
    if raw.edge is not None and given[0] in _EDGE_SETTINGS:
        return EdgeFault(raw.edge, _EDGE_SETTINGS[given[0]](raw), document.where(*path, "edge"))
    if raw.service is not None and given[0] in ("kill", "stop") and raw.stream is None:
        settings = _kill(raw, document, path) if given[0] == "kill" else Stop()
        return ServiceFault(raw.service, settings, document.where(*path, "service"))
    raise _wrong_target(raw, given[0], document, path=path)


def _wrong_target(raw: _Inject, kind: str, document: Document, *, path: tuple[str | int, ...]) -> DocumentError:
    if raw.service is not None and raw.stream is not None and kind in ("kill", "stop"):
        return DocumentError(document.where_key(*path, "stream"), "only a fault on an edge has a stream", "remove it")
    wanted = "an edge, as edge: cards->ledger" if raw.edge is None else "a service, as service: ledger"
    return DocumentError(document.where_key(*path, kind), f"'{kind}' acts on another target", f"give it {wanted}")


def _kill(raw: _Inject, document: Document, path: tuple[str | int, ...]) -> Kill:
    given = (raw.kill or _Kill()).signal
    name = given.upper().removeprefix("SIG")
    if name not in SIGNALS:
        hint = did_you_mean(name, SIGNALS)
        raise DocumentError(document.where(*path, "kill", "signal"), f"'{given}' is not a signal that ends", hint)
    return Kill(name)


def _latency(raw: _Inject) -> Latency:
    given = raw.latency or _Latency(latency=0)
    return Latency(given.latency, given.jitter, raw.stream or Stream.DOWNSTREAM)


def _timeout(raw: _Inject) -> Timeout:
    return Timeout((raw.timeout or _Timeout(timeout=0)).timeout, raw.stream or Stream.DOWNSTREAM)


def _reset_peer(raw: _Inject) -> ResetPeer:
    return ResetPeer((raw.reset_peer or _Timeout(timeout=0)).timeout, raw.stream or Stream.DOWNSTREAM)


def _bandwidth(raw: _Inject) -> Bandwidth:
    return Bandwidth((raw.bandwidth or _Bandwidth(rate=0)).rate, raw.stream or Stream.DOWNSTREAM)


_EDGE_SETTINGS: dict[str, Callable[[_Inject], Latency | Timeout | ResetPeer | Bandwidth | Down]] = {
    "latency": _latency,
    "timeout": _timeout,
    "reset_peer": _reset_peer,
    "bandwidth": _bandwidth,
    "down": lambda _: Down(),
}
_EXPECTATIONS = ("breaker", "latency", "errors", "untouched")
_MEMBERS = {
    "breaker": {"opens_within", "calls_while_open"},
    "latency": {*_QUANTILES, "routes"},
    "errors": {"at_most", "routes"},
    "untouched": set[str](),
}


def _expectations(raw: _Experiment, document: Document) -> Expectations:
    items = [(_subject(item, index, document), item, index) for index, item in enumerate(raw.expect.during)]
    after = raw.expect.after
    closes_within_s = after.breaker.closes_within if after.breaker else None
    breakers = tuple(
        _breaker(item, closes_within_s, document.where("expect", "during", index, "breaker"))
        for subject, item, index in items
        if subject == "breaker"
    )
    if after.breaker and not breakers:
        where = document.where_key("expect", "after", "breaker")
        raise DocumentError(
            where, "which breaker?", "name it under `during`, as {breaker: cards->ledger, opens_within: 5s}"
        )
    _refuse_blind(breakers, raw, document)
    limits = {"latency": _latency_limits, "errors": _error_limit}
    return Expectations(
        breakers=breakers,
        limits=tuple(
            limit
            for subject, item, index in items
            if subject in limits
            for limit in limits[subject](item, index, document)
        ),
        untouched=tuple(
            name
            for _, item, index in items
            for name in _named(item.untouched or [], document, "expect", "during", index, "untouched")
        ),
        recovered_within_s=after.recovered_within,
    )


def _subject(item: _During, index: int, document: Document) -> str:
    """The one key that says what is expected; the others must belong to it."""
    given = [word for word in _EXPECTATIONS if word in item.model_fields_set]
    if len(given) != 1:
        hint = f"one of {', '.join(_EXPECTATIONS)}"
        raise DocumentError(document.where("expect", "during", index), "one expectation a line", hint)
    stray = sorted(item.model_fields_set - {given[0]} - _MEMBERS[given[0]])
    if stray:
        where = document.where_key("expect", "during", index, stray[0])
        raise DocumentError(where, f"'{stray[0]}' does not belong to '{given[0]}'", _members(given[0]))
    if _MEMBERS[given[0]] and not (item.model_fields_set & _MEMBERS[given[0]]) - {"routes"}:
        raise DocumentError(
            document.where("expect", "during", index), f"'{given[0]}' expects nothing", _members(given[0])
        )
    return given[0]


def _members(subject: str) -> str:
    return f"it takes {', '.join(sorted(_MEMBERS[subject])) or 'a list of service.objective'}"


def _breaker(item: _During, closes_within_s: float | None, where: Where) -> BreakerExpectation:
    if item.breaker is None:
        raise DocumentError(where, "no edge here", "as breaker: cards->ledger")
    return BreakerExpectation(item.breaker, item.opens_within, item.calls_while_open, closes_within_s, where)


def _latency_limits(item: _During, index: int, document: Document) -> Iterator[ObjectiveExpectation]:
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


def _error_limit(item: _During, index: int, document: Document) -> Iterator[ObjectiveExpectation]:
    where = document.where("expect", "during", index, "errors")
    limit_ratio = item.at_most or 0.0
    name = f"errors at most {quantity.show_ratio(limit_ratio)}"
    objective = Objective(name, Indicator.ERRORS, limit_ratio, routes=tuple(item.routes), where=where)
    yield ObjectiveExpectation(item.errors or "", objective, where)


def _named(texts: list[str], document: Document, *path: str | int) -> Iterator[Named]:
    for index, text in enumerate(texts):
        service, dot, objective = text.partition(".")
        if not (service and dot and objective):
            raise DocumentError(
                document.where(*path, index), f"'{text}' names no objective", "write it as service.objective"
            )
        yield Named(service, objective, document.where(*path, index))


def _refuse_blind(breakers: tuple[BreakerExpectation, ...], raw: _Experiment, document: Document) -> None:
    """A breaker is judged by the calls its edge sees; behind a disabled proxy nobody sees any."""
    for index, line in enumerate(raw.method):
        if "down" in line.inject.model_fields_set and any(item.edge == line.inject.edge for item in breakers):
            raise DocumentError(
                document.where_key("method", index, "inject", "down"),
                f"the breaker of {line.inject.edge} cannot be judged while the edge is down: no call is seen there",
                "use `timeout: {timeout: 0}` or `reset_peer: {timeout: 0}`",
            )


def _refuse_over_limits(experiment: Experiment, document: Document) -> None:
    limits = experiment.limits
    if experiment.duration_s > limits.duration_s:
        raise DocumentError(
            document.where("method"),
            f"the method takes {quantity.show_duration(experiment.duration_s)}, "
            f"its limit is {quantity.show_duration(limits.duration_s)}",
            "shorten it, or raise limits: {duration: ...}",
        )
    most = max(_targets_at(experiment, injection.at_s) for injection in experiment.method)
    if most > limits.targets:
        raise DocumentError(
            document.where("method"),
            f"{most} targets are under a fault at once, the limit is {limits.targets}",
            f"inject them one after the other, or say limits: {{targets: {most}}}",
        )


def _targets_at(experiment: Experiment, moment_s: float) -> int:
    acting = (item for item in experiment.method if item.at_s <= moment_s < item.until_s)
    return len({item.fault.target for item in acting})
