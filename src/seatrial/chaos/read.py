"""Reads `experiment:` documents into `Experiment`s.

Takes the `chaos/` folder; every mistake is a `DocumentError` with its place, and what a later version will know
is refused by name. `written/` has its shapes and understands its two halves, `faults` and `expectations`.
Whether edges and services exist is not known here: `plan` checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial import documents, quantity
from seatrial.chaos import gameday
from seatrial.chaos.model import DEFAULT_DURATION_S, KINDS, AbortOn, Experiment, Limits, Plays
from seatrial.chaos.written.expectations import SUBJECTS, named_objectives, read_expectations
from seatrial.chaos.written.faults import read_method
from seatrial.chaos.written.shapes import RawAbortOn, RawExperiment, RawTraffic
from seatrial.documents import Document
from seatrial.errors import DocumentError, UsageError, did_you_mean, unknown

LATER_FAULTS = frozenset({"pause"})
LATER_EXPECTATIONS = frozenset({"retries", "shedding", "throughput"})


def read_experiments(folder: Path) -> dict[str, Experiment]:
    """Every experiment below the folder by name, in the order of their files, then those written in game days; two of
    one name are an error."""
    found: dict[str, Experiment] = {}
    for document in documents.find(folder, "experiment"):
        documents.keep(_read(document), found, document)
    for day in documents.find(folder, gameday.KIND):
        for part in gameday.written_in_place(day):
            documents.keep(_read(part), found, part)
    return found


def choose_experiments(known: Mapping[str, Experiment], names: tuple[str, ...]) -> tuple[Experiment, ...]:
    """The experiments of those names, in their order; an experiment's file is its name too. UsageError for an unknown
    one."""
    return tuple(known[name] if name in known else _of_file(name, known) for name in names)


def _of_file(name: str, known: Mapping[str, Experiment]) -> Experiment:
    """The experiment whose file that is. A game day's is refused: it is guided, and may hold several."""
    file = Path(name)
    if not file.is_file():
        raise UsageError(unknown("experiment", name, known))
    if documents.load(file).kind == gameday.KIND:
        raise UsageError(f"'{name}' is a game day; guide it: seatrial gameday {name}; or name one of its experiments")
    for experiment in known.values():
        if Path(experiment.file).resolve() == file.resolve():
            return experiment
    raise UsageError(f"'{name}' is no experiment below chaos/ of this workspace; {did_you_mean(file.stem, known)}")


def _read(document: Document) -> Experiment:
    _refuse_later(document)
    raw = documents.parse(document, RawExperiment)
    duration_s = raw.limits.duration
    experiment = Experiment(
        name=raw.experiment,
        method=read_method(raw, document),
        expectations=read_expectations(raw, document),
        steady_state=tuple(named_objectives(raw.steady_state.objectives, document, "steady_state", "objectives")),
        baseline_s=raw.steady_state.baseline,
        abort_on=_abort_on(raw.abort_on, document) if raw.abort_on else None,
        limits=Limits(raw.limits.targets, duration_s if duration_s is not None else DEFAULT_DURATION_S),
        traffic=_traffic(raw.traffic, document) if raw.traffic else None,
        where=document.where("experiment"),
        file=document.file,
    )
    _refuse_over_limits(experiment, document)
    return experiment


def _traffic(raw: RawTraffic, document: Document) -> str | Plays:
    """A profile's name, or plays of one journey."""
    if raw.profile is not None and raw.scenario is None and raw.every is None:
        return raw.profile
    if raw.profile is None and raw.scenario is not None and raw.every is not None:
        return Plays(raw.scenario, raw.every, document.where("traffic", "scenario"))
    hint = "write {profile: steady}, or {scenario: pay with a card, every: 200ms}"
    raise DocumentError(document.where("traffic"), "the traffic is a profile, or one journey every so often", hint)


def _abort_on(raw: RawAbortOn, document: Document) -> AbortOn:
    objectives = tuple(named_objectives(raw.objectives, document, "abort_on", "objectives"))
    if raw.errors is None and not objectives:
        hint = "write errors: '> 50% for 5s', or objectives: [cards.available]"
        raise DocumentError(document.where_key("abort_on"), "'abort_on' names no condition", hint)
    errors_ratio, for_s = raw.errors or (None, 0.0)
    return AbortOn(errors_ratio, for_s, objectives)


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
    known = KINDS.values() if path[0] == "method" else SUBJECTS
    return f"known now: {', '.join(known)}"


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
