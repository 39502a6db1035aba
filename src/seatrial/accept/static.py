"""What can be known to be wrong with a scenario before anything is sent: services and names nobody has.

Room accept. Takes what was read, gives every mistake with its place. A name counts as known when anything before it
may define it, so what is found here would fail in every play that came so far.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from seatrial import template
from seatrial.accept.prepare import HURL, Prepared
from seatrial.errors import DocumentError, did_you_mean
from seatrial.realm import Realm
from seatrial.scenarios.model import Block, Call, Course, ForEach, Piece, Scenario, Step
from seatrial.template import Template

_GUARD = re.compile(r"\b([A-Za-z_]\w*)\b\s*(?:is\s+(?:not\s+)?(?:un)?defined\b|\|\s*(?:default|d)\b)")


def mistakes(prepared: Prepared) -> Iterator[DocumentError]:
    """Every mistake in the order of the scenarios; the same place is told once, whoever uses its flow."""
    told: set[str] = set()
    for scenario in prepared.scenarios:
        for mistake in _Reading(scenario, prepared).mistakes():
            if str(mistake) not in told:
                told.add(str(mistake))
                yield mistake


def require_sound(prepared: Prepared) -> None:
    """DocumentError for the first mistake, which says how many more there are."""
    found = tuple(mistakes(prepared))
    if not found:
        return
    first, more = found[0], len(found) - 1
    told = f"`seatrial check --dry` tells {more} more" if more else ""
    raise DocumentError(first.where, first.problem, "; ".join(filter(None, (first.hint, told))))


class _Reading:
    """One scenario, gone through in the order it is played."""

    def __init__(self, scenario: Scenario, prepared: Prepared) -> None:
        self._scenario = scenario
        self._realm = prepared.realm
        self._everywhere = {*prepared.realm.variables, *prepared.overrides, *template.RESERVED}
        if scenario.file.endswith(HURL):
            self._everywhere |= prepared.realm.places.keys() | prepared.given_secrets.keys()

    def mistakes(self) -> Iterator[DocumentError]:
        scenario = self._scenario
        if not _runs(scenario, self._realm):
            return
        known = self._everywhere | ({"row"} if scenario.rows else set())
        for name, value in scenario.variables.items():
            yield from self._unknown(value, known)
            known.add(name)
        for part in (*scenario.setup, *scenario.steps, *scenario.teardown):
            yield from self._part(part, known)

    def _part(self, part: Piece, known: set[str]) -> Iterator[DocumentError]:
        """The mistakes of a part; `known` grows by what it defines."""
        if not _runs(part.course, self._realm):
            return
        within = known | _guarded(part.course)
        yield from self._unknown(part.course.loop if isinstance(part.course.loop, ForEach) else None, within)
        if isinstance(part.course.loop, ForEach):
            within.add(part.course.loop.name)
        yield from self._unknown(part.course.when, within)
        if isinstance(part, Step):
            yield from self._step(part, within, known)
        elif isinstance(part, Call):
            yield from self._call(part, within, known)
        else:
            yield from self._block(part, within, known)
        after = within | known
        yield from self._unknown(None if isinstance(part.course.loop, ForEach) else part.course.loop, after)

    def _step(self, step: Step, within: set[str], known: set[str]) -> Iterator[DocumentError]:
        service = step.request.service
        if service is not None and service not in self._realm.places:
            problem = f"realm '{self._realm.name}' has no service '{service}'"
            yield DocumentError(step.request.url.where, problem, did_you_mean(service, self._realm.places))
        for name, value in step.variables:
            yield from self._unknown(value, within)
            within.add(name)
            known.add(name)
        yield from self._unknown(step.request, within)
        captured = {capture.name for capture in step.captures}
        yield from self._unknown(step.captures, within)
        yield from self._unknown(step.expectations, within | captured)
        known |= captured

    def _call(self, call: Call, within: set[str], known: set[str]) -> Iterator[DocumentError]:
        yield from self._unknown(call.inputs, within)
        flow = call.flow
        inside = self._everywhere | set(flow.inputs) | set(flow.variables)
        yield from self._unknown((flow.inputs, flow.variables), inside)
        for part in (*flow.steps, *flow.teardown):
            yield from self._part(part, inside)
        known |= set(call.outputs)

    def _block(self, block: Block, within: set[str], known: set[str]) -> Iterator[DocumentError]:
        for part in block.parts:
            alone = set(within)
            yield from self._part(part, alone)
            known |= alone - within

    def _unknown(self, content: Any, known: set[str]) -> Iterator[DocumentError]:
        for text in templates_in(content):
            guarded = {found[1] for found in _GUARD.finditer(text.text)}
            for name in sorted(text.names - known - guarded):
                problem = f"'{name}' is not defined, in '{text.text}'"
                yield DocumentError(text.where, problem, did_you_mean(name, known - template.RESERVED))
            yield from self._unknown_members(text)

    def _unknown_members(self, text: Template) -> Iterator[DocumentError]:
        """`secrets.X` and `row.X`, of which the realm and the first row know every name."""
        rows = self._scenario.rows
        holders = {"secrets": set(self._realm.secrets), **({"row": set(rows[0].fields)} if rows else {})}
        for holder, names in holders.items():
            if holder not in text.names and f"{holder}." not in text.text and f"{holder}[" not in text.text:
                continue
            for name in sorted(template.references(_as_text(text), holder) - names):
                problem = f"'{name}' is not defined, in '{text.text}'"
                yield DocumentError(text.where, problem, did_you_mean(name, names))


def _runs(course: Course | Scenario, realm: Realm) -> bool:
    """Whether it may run in the realm at all."""
    here = course.only_in is None or realm.name in course.only_in
    return here and realm.name not in course.never_in and not course.skip


def _guarded(course: Course) -> set[str]:
    """Names a condition asks for before they are used."""
    return {found[1] for found in _GUARD.finditer(course.when.text)} if course.when else set()


def _as_text(text: Template) -> str:
    """A bare expression, as of `when:`, between braces."""
    return text.text if template.is_template(text.text) else f"{{{{{text.text}}}}}"


def templates_in(content: Any) -> Iterator[Template]:
    """Every template within a value that was read, in order."""
    if isinstance(content, Template):
        yield content
        return
    for part in _parts(content):
        yield from templates_in(part)


def _parts(content: Any) -> Iterable[Any]:
    if isinstance(content, Mapping):
        return content.values()
    if isinstance(content, tuple | list | frozenset):
        return content
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        return (getattr(content, field.name) for field in dataclasses.fields(content))
    return ()
