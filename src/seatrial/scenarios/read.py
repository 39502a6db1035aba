"""Reads scenarios: files of a user in, `Scenario`s out, everything in them understood and every template compiled.

Room scenarios. Reads the documents from disk; the files they name are for `files.py` to find. DocumentError names
file, line and column of the first mistake; a key this version does not know or does not play yet is one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial import documents, template
from seatrial.documents import Document, Steps
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.scenarios.files import Files, files_beside
from seatrial.scenarios.model import Block, Call, Flow, LoadBlock, Piece, Scenario, Section
from seatrial.scenarios.rows import read_rows
from seatrial.scenarios.written.checks import refuse_name
from seatrial.scenarios.written.requests import Spot
from seatrial.scenarios.written.shapes import RawFlow, RawInput, RawScenario, RawStep
from seatrial.scenarios.written.steps import read_course, read_step
from seatrial.template import Value

KIND = "scenario"
FLOW = "flow"
_KINDS = frozenset({KIND, FLOW, "profile"})
_DATA = "data"


def read_scenarios(folder: Path) -> tuple[Scenario, ...]:
    """Every scenario below the folder, sorted by file; empty when there is none.

    Profiles, flows and what lies in a folder `data` are passed over; a document of any other kind is an error, and so
    are two scenarios of one name.
    """
    found: dict[str, Scenario] = {}
    with _uncollected():
        for path in documents.files_in(folder):
            if _DATA in path.relative_to(folder).parts[:-1]:
                continue
            document = documents.load(path)
            if document.kind not in _KINDS:
                raise _unknown_kind(document)
            if document.kind == KIND:
                scenario = _Files(path).scenario(document)
                _refuse_twice(scenario, found)
                found[scenario.name] = scenario
    return tuple(found.values())


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """What reading makes is kept, and what it drops is in no circles: to look for some again and again, among more
    and more objects, would be a third of the time three hundred files take."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_scenario(path: Path) -> Scenario:
    """The scenario of one file."""
    document = documents.load(path)
    if document.kind != KIND:
        raise _not_played(document) if document.kind in _KINDS else _unknown_kind(document)
    return _Files(path).scenario(document)


def select(
    scenarios: Iterable[Scenario], *, names: Sequence[str] = (), tags: Sequence[str] = ()
) -> tuple[Scenario, ...]:
    """Those of these names (all when none is given) that have any of these tags (all when none is given).

    UsageError for a name that none of them has; no tag need exist.
    """
    every = tuple(scenarios)
    known = {scenario.name for scenario in every}
    for name in names:
        if name not in known:
            raise UsageError(f"no scenario is called '{name}'; {did_you_mean(name, known)}")
    wanted = frozenset(tags)
    return tuple(
        scenario
        for scenario in every
        if (not names or scenario.name in names) and (not wanted or wanted & scenario.tags)
    )


@dataclass
class _Files:
    """Reading one scenario: its own file, the flows it uses, and the lines of all of them."""

    path: Path
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @functools.cached_property
    def _resolved(self) -> Path:
        return self.path.resolve()

    def scenario(self, document: Document) -> Scenario:
        raw = documents.parse(document, RawScenario)
        self._keep_source(document)
        files = files_beside(self._resolved)
        return Scenario(
            name=raw.scenario,
            file=document.file,
            where=document.where(KIND),
            steps=self._parts(raw.steps, document, Section.STEPS, raw.service, files),
            tags=raw.tags,
            service=raw.service,
            variables=_variables(raw.vars, document, ("vars",)),
            setup=self._parts(raw.setup, document, Section.SETUP, raw.service, files),
            teardown=self._parts(raw.teardown, document, Section.TEARDOWN, raw.service, files),
            load=LoadBlock(raw.load.weight, raw.load.think_time, raw.load.rows),
            skip=raw.skip,
            only_in=raw.only_in,
            never_in=raw.never_in,
            rows=None if raw.rows is None else read_rows(raw.rows, document, files),
            cookies=raw.cookies,
            files=files,
            sources=self.sources,
        )

    def _parts(
        self, steps: Iterable[RawStep], document: Document, section: Section, service: str | None, files: Files
    ) -> tuple[Piece, ...]:
        spots = (
            Spot(document, (section, index), section, index + 1, service, files) for index, _ in enumerate(steps)
        )
        trail = ((self._resolved, document.where(KIND)),)
        return tuple(self._part(raw, spot, trail) for raw, spot in zip(steps, spots, strict=True))

    def _part(self, raw: RawStep, spot: Spot, trail: _Trail) -> Piece:
        if raw.parallel is not None:
            return self._block(raw, raw.parallel, spot, trail)
        if raw.use is not None:
            return self._call(raw, raw.use, spot, trail)
        _refuse_keys(raw, spot, ("with", "outputs", "once"), "without `use`", "add `use: FLOW`")
        return read_step(raw, spot)

    def _block(self, raw: RawStep, steps: Iterable[RawStep], spot: Spot, trail: _Trail) -> Block:
        _refuse_keys(
            raw,
            spot,
            (*_REQUEST_KEYS, "use", "with", "outputs", "once", "vars"),
            "beside `parallel`",
            "each of its steps says it",
        )
        spots = (
            dataclasses.replace(spot, at=(*spot.at, "parallel", index), number=index + 1)
            for index, _ in enumerate(steps)
        )
        parts = tuple(self._beside(step, inner, trail) for step, inner in zip(steps, spots, strict=True))
        return Block(
            name=spot.prefix + (raw.name or f"{len(parts)} steps side by side"),
            number=spot.number,
            section=spot.section,
            parts=parts,
            where=spot.document.where(*spot.at),
            course=read_course(raw, spot),
            files=spot.files,
        )

    def _beside(self, raw: RawStep, spot: Spot, trail: _Trail) -> Piece:
        if raw.parallel is not None:
            where = spot.document.where_key(*spot.at, "parallel")
            raise DocumentError(where, "'parallel' within `parallel`", "put its steps beside the others")
        return self._part(raw, spot, trail)

    def _call(self, raw: RawStep, use: str, spot: Spot, trail: _Trail) -> Call:
        document, at = spot.document, spot.at
        where = document.where(*at, "use")
        _refuse_keys(raw, spot, (*_REQUEST_KEYS, "vars"), "beside `use`", "the flow's own steps say it")
        path = spot.files.flow(use, where)
        _refuse_cycle(path, where, trail)
        name = spot.prefix + (raw.name or Path(use).stem)
        flow = self._flow(path, name, spot, (*trail, (path, where)))
        return Call(
            name=name,
            number=spot.number,
            section=spot.section,
            flow=flow,
            inputs=_given(raw, flow, document, at),
            outputs=_taken(raw, flow, document, at),
            where=where,
            course=read_course(raw, spot),
            once=raw.once,
        )

    def _flow(self, path: Path, call: str, caller: Spot, trail: _Trail) -> Flow:
        document = documents.load(path)
        if document.kind == KIND:
            return self._called_scenario(document, path, call, caller=caller, trail=trail)
        if document.kind != FLOW:
            where = document.where(document.kind)
            hint = "begin it with `flow: NAME`, or call a scenario"
            raise DocumentError(where, f"a '{document.kind}' where a flow is used", hint)
        raw = documents.parse(document, RawFlow)
        self._keep_source(document)
        inner = _Inner(document, path, call, caller, raw.service or caller.service, trail)
        steps = self._inner(raw.steps, Section.STEPS, inner)
        _refuse_unmade(raw, steps, document)
        return Flow(
            name=raw.flow,
            file=document.file,
            inputs=_inputs(raw.inputs, document),
            secret_inputs=frozenset(name for name, asked in raw.inputs.items() if asked.secret),
            steps=steps,
            outputs=raw.outputs,
            files=files_beside(path),
        )

    def _called_scenario(self, document: Document, path: Path, call: str, *, caller: Spot, trail: _Trail) -> Flow:
        raw = documents.parse(document, RawScenario)
        self._keep_source(document)
        if raw.rows is not None:
            where = document.where_key("rows")
            raise DocumentError(where, "a scenario with rows cannot be called", "call its steps as a flow")
        inner = _Inner(document, path, call, caller, raw.service or caller.service, trail)
        steps = (*self._inner(raw.setup, Section.SETUP, inner), *self._inner(raw.steps, Section.STEPS, inner))
        return Flow(
            name=raw.scenario,
            file=document.file,
            inputs={},
            secret_inputs=frozenset(),
            steps=steps,
            outputs=tuple(dict.fromkeys(name for step in steps for name in sorted(_made_by(step)))),
            variables=_variables(raw.vars, document, ("vars",)),
            teardown=self._inner(raw.teardown, Section.TEARDOWN, inner),
            files=files_beside(path),
            skip=raw.skip,
            only_in=raw.only_in,
            never_in=raw.never_in,
        )

    def _inner(self, steps: Iterable[RawStep], key: Section, inner: _Inner) -> tuple[Piece, ...]:
        """The parts of a called document, named after the call."""
        files, prefix = files_beside(inner.path), f"{inner.call} > "
        return tuple(
            self._part(
                raw,
                Spot(inner.document, (key, index), inner.caller.section, index + 1, inner.service, files, prefix),
                inner.trail,
            )
            for index, raw in enumerate(steps)
        )

    def _keep_source(self, document: Document) -> None:
        self.sources.setdefault(document.file, tuple(document.text.splitlines()))


@dataclass(frozen=True, slots=True)
class _Inner:
    """A document that is called: by what, from where, and the calls that lead to it."""

    document: Document
    path: Path
    call: str
    caller: Spot
    service: str | None
    trail: _Trail


_Trail = tuple[tuple[Path, Where], ...]


def _not_played(document: Document) -> DocumentError:
    hint = "call it from a scenario: `use:`" if document.kind == FLOW else "a load plays it: seatrial load NAME"
    return DocumentError(document.where_key(document.kind), f"a {document.kind} is not played by itself", hint)


_READ_BY = {
    "experiment": "seatrial chaos run NAME",
    "gameday": "seatrial gameday FILE",
    "gate": "seatrial assess --gate NAME",
    "monitor": "seatrial watch",
    "service": "seatrial assess",
}


def _unknown_kind(document: Document) -> DocumentError:
    where = document.where_key(document.kind)
    if command := _READ_BY.get(document.kind):
        return DocumentError(where, f"'{document.kind}' is no journey to be played", f"what reads it: {command}")
    hint = f"its first key says what a document is; {did_you_mean(document.kind, _KINDS)}"
    return DocumentError(where, f"'{document.kind}' is no document of this folder", hint)


def _refuse_twice(scenario: Scenario, found: Mapping[str, Scenario]) -> None:
    first = found.get(scenario.name)
    if first:
        problem = f"a second scenario is called '{scenario.name}'"
        raise DocumentError(scenario.where, problem, f"the first one is {first.where}")


def _variables(raw: Mapping[str, Any], document: Document, at: Steps) -> dict[str, Value]:
    for name in raw:
        refuse_name(name, document.where_key(*at, name))
    return {
        name: template.compile_value(content, functools.partial(document.where, *at, name))
        for name, content in raw.items()
    }


_REQUEST_KEYS = ("request", "websocket", "sse", "expect", "capture", "retry", "timeout", "mutates")


def _refuse_keys(raw: RawStep, spot: Spot, keys: Iterable[str], why: str, hint: str) -> None:
    """DocumentError at the first of these keys that the step has."""
    said = {RawStep.model_fields[name].alias or name for name in raw.model_fields_set}
    for key in keys:
        if key in said:
            raise DocumentError(spot.document.where_key(*spot.at, key), f"'{key}' {why}", hint)


def _refuse_cycle(path: Path, where: Where, trail: _Trail) -> None:
    for index, (used, _) in enumerate(trail):
        if used == path:
            first = trail[index + 1][1] if index + 1 < len(trail) else where
            raise DocumentError(where, f"'{path.name}' comes to use itself", f"the circle begins at {first}")


def _inputs(raw: Mapping[str, RawInput], document: Document) -> dict[str, Value | None]:
    return {name: _input(name, asked, document) for name, asked in raw.items()}


def _input(name: str, asked: RawInput, document: Document) -> Value | None:
    refuse_name(name, document.where_key("inputs", name))
    if "default" not in asked.model_fields_set:
        return None
    long = isinstance(document.content["inputs"][name], Mapping)
    at = ("inputs", name, "default") if long else ("inputs", name)
    return template.compile_value(asked.default, functools.partial(document.where, *at))


def _given(raw: RawStep, flow: Flow, document: Document, at: Steps) -> dict[str, Value]:
    known = {*flow.inputs, *flow.variables}
    for name in raw.given:
        if name not in known:
            where = document.where_key(*at, "with", name)
            hint = did_you_mean(name, known)
            raise DocumentError(where, f"flow '{flow.name}' takes no '{name}'", hint)
    for name, default in flow.inputs.items():
        if default is None and name not in raw.given:
            hint = f"add `with: {{{name}: ...}}`"
            raise DocumentError(document.where(*at, "use"), f"flow '{flow.name}' must be given '{name}'", hint)
    return {
        name: template.compile_value(content, functools.partial(document.where, *at, "with", name))
        for name, content in raw.given.items()
    }


def _taken(raw: RawStep, flow: Flow, document: Document, at: Steps) -> tuple[str, ...]:
    """The outputs taken over: those the step names, else all the flow has."""
    if raw.outputs is None:
        return flow.outputs
    for index, name in enumerate(raw.outputs):
        if name not in flow.outputs:
            where = document.where(*at, "outputs", index)
            raise DocumentError(where, f"flow '{flow.name}' gives no '{name}'", did_you_mean(name, flow.outputs))
    return raw.outputs


def _refuse_unmade(raw: RawFlow, steps: Iterable[Piece], document: Document) -> None:
    made = frozenset(raw.inputs).union(*(_made_by(step) for step in steps))
    for index, name in enumerate(raw.outputs):
        if name not in made:
            where = document.where("outputs", index)
            raise DocumentError(where, f"no step of the flow captures '{name}'", did_you_mean(name, made))


def _made_by(part: Piece) -> frozenset[str]:
    if isinstance(part, Call):
        return frozenset(part.outputs)
    if isinstance(part, Block):
        return frozenset().union(*(_made_by(inner) for inner in part.parts))
    return frozenset(capture.name for capture in part.captures)
