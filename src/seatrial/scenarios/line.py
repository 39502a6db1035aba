"""One line of steps under way: parts in order, loops, blocks, flows, attempts until one decides.

Room scenarios, private to `play`. A generator like it; what a line has come to so far is in its `results` and
`failures`.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import random
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import template
from seatrial.errors import DocumentError, Where
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.answers.expect import unrendered
from seatrial.scenarios.attempt import attempt
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.files import Files
from seatrial.scenarios.loops import elements, left_s, rounds, wait_after_s
from seatrial.scenarios.model import (
    STRAIGHT,
    Block,
    Call,
    Flow,
    ForEach,
    Once,
    Piece,
    Repeat,
    Step,
    Until,
    elsewhere,
    flow_steps,
)
from seatrial.scenarios.moves import (
    Claim,
    Move,
    Moves,
    Reply,
    Settle,
    StepResult,
    Together,
    Wait,
)
from seatrial.scenarios.once import Outputs
from seatrial.scenarios.sending.cookies import Jar
from seatrial.scenarios.strand import Capturing, Origin, Strand, told

Scope = dict[str, Any]
Parts = Iterable[Piece]
Mark = tuple[int, int]
"""How many results and failures there were at some moment."""

START: Mark = (0, 0)

AFTER_FAILURE = "an earlier step failed"


@dataclass
class Line:
    """One line of steps under way, and what it has come to so far. A block's parts run in lines of their own."""

    strand: Strand
    results: list[StepResult] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    round: int = 0

    def scope(self, values: Mapping[str, template.Value]) -> Scope:
        """The names templates see: realm variables, then these values in order, then overrides."""
        context, scenario = self.strand.context, self.strand.scenario
        variables: Scope = {**context.variables, **context.overrides}
        scope: Scope = {
            **variables,
            **self._functions(scenario.files),
            "realm": context.realm,
            "secrets": context.secret_values,
            "addresses": context.addresses,
            "vars": variables,
        }
        origins = self.strand.origins
        origins.update(dict.fromkeys(context.variables, _origin(f"realm '{context.realm}'")))
        origins.update(dict.fromkeys(context.overrides, _origin("--var")))
        if scenario.row is not None:
            scope["row"] = scenario.row.fields
            origins["row"] = Origin(f"row {scenario.row.number}")
        for name, value in values.items():
            if name not in context.overrides:
                self._define(name, value, scope)
        return scope

    def _functions(self, files: Files | None) -> Mapping[str, Any]:
        strand = self.strand
        return template.functions(
            strand.rng,
            strand.context.now,
            files=functools.partial(_text_of, files, strand.scenario.where),
            environment=strand.context.environment,
        )

    def _define(self, name: str, value: template.Value, scope: Scope) -> None:
        try:
            scope["vars"][name] = scope[name] = value.render(scope)
            self.strand.origins[name] = _origin("vars")
        except DocumentError as error:
            self.failures.append(unrendered(error))

    def until_failure(self, parts: Parts, scope: Scope, *, since: Mark) -> Moves:
        """Run them in order; after one that fails the rest is skipped, unless that one says otherwise. What failed
        `since` then already counts as one before them."""
        stopped = self._failed_since(since)
        for part in parts:
            if stopped:
                self._skip(part, AFTER_FAILURE)
                continue
            start = self.mark()
            yield from self.part(part, scope)
            stopped = self._failed_since(start) and not part.course.keep_going

    def part(self, part: Piece, scope: Scope) -> Moves:
        """Run one part, as often as its loop says."""
        skipped = part.course.skip or elsewhere(part.course, self.strand.context.realm)
        if skipped:
            self._skip(part, skipped)
            return
        try:
            if part.course is STRAIGHT and isinstance(part, Step):  # each generator within another costs
                yield from self._step(part, scope)
            else:
                yield from self._rounds(part, scope)
        except DocumentError as error:
            yield from self._fail(part, unrendered(error))

    def _rounds(self, part: Piece, scope: Scope) -> Moves:
        loop, outer = part.course.loop, self.round
        if loop is None:
            yield from self._round(part, scope)
            return
        try:
            if isinstance(loop, Until):
                yield from self._repeat_until(part, loop, scope)
            elif isinstance(loop, Repeat):
                yield from self._repeat(part, rounds(loop.times.render(scope), loop.where), scope)
            else:
                yield from self._go_through(part, loop, scope)
        finally:
            self.round = outer

    def _repeat(self, part: Piece, times: int, scope: Scope) -> Moves:
        if not times:
            self._skip(part, "no rounds to make")
        for self.round in range(1, times + 1):
            start = self.mark()
            yield from self._round(part, scope)
            if self._failed_since(start) and not part.course.keep_going:
                return

    def _go_through(self, part: Piece, loop: ForEach, scope: Scope) -> Moves:
        items = elements(loop.items.render(scope), loop.where)
        if not items:
            self._skip(part, "the list is empty")
        before = {loop.name: scope[loop.name]} if loop.name in scope else {}
        try:
            for self.round, scope[loop.name] in enumerate(items, start=1):
                self.strand.origins[loop.name] = Origin(f"round {self.round} of {len(items)}")
                start = self.mark()
                yield from self._round(part, scope)
                if self._failed_since(start) and not part.course.keep_going:
                    return
        finally:
            scope.pop(loop.name, None)
            scope.update(before)

    def _repeat_until(self, part: Piece, loop: Until, scope: Scope) -> Moves:
        for self.round in range(1, loop.limit + 1):
            start = self.mark()
            yield from self._round(part, scope)
            if self._failed_since(start) or loop.condition.render(scope):
                return
            if self.round < loop.limit and loop.interval_s:
                yield Wait(loop.interval_s)
        self.round = 0
        yield from self._fail(part, _never(loop))

    def _round(self, part: Piece, scope: Scope) -> Moves:
        course = part.course
        if course.when is not None and not course.when.render(scope):
            self._skip(part, f"not so: {course.when.text}")
            return
        if course.delay_s:
            yield Wait(course.delay_s)
        if isinstance(part, Step):
            yield from self._step(part, scope)
        elif isinstance(part, Call):
            yield from self._call(part, scope)
        else:
            yield from self._side_by_side(part, scope)

    def mark(self) -> Mark:
        """Where it stands now, to ask later what came after."""
        return len(self.results), len(self.failures)

    def outcome_since(self, mark: Mark) -> Outcome:
        """That of the first step that failed since then, else UNEXPECTED for a failure of no single step."""
        results, failures = mark
        for result in self.results[results:]:
            if result.failed:
                return result.outcome
        return Outcome.UNEXPECTED if len(self.failures) > failures else Outcome.OK

    def _failed_since(self, mark: Mark) -> bool:
        results, failures = mark
        if len(self.failures) > failures:
            return True
        for result in self.results[results:]:  # noqa: SIM110 - no generator, for this is asked after every step
            if result.failed:
                return True
        return False

    def _fail(self, part: Piece, failure: Failure) -> Moves:
        """A part that fails before anything can be sent, or after all of it was."""
        if not isinstance(part, Step):
            self.failures.append(failure)
            self._add(StepResult(part, Outcome.UNEXPECTED))
            return
        tried = told(part, 1, self.strand, failures=(failure,))
        self._add(StepResult(part, tried.outcome, tried, 1))
        yield tried

    def _skip(self, part: Piece, reason: str) -> None:
        self._add(StepResult(part, Outcome.OK, skipped=reason))

    def _add(self, result: StepResult) -> None:
        outermost = self.round and not result.round  # in a loop within a loop the inner round tells more
        self.results.append(dataclasses.replace(result, round=self.round) if outermost else result)

    def skip_all(self, parts: Parts, reason: str) -> None:
        """None of them is run."""
        for part in parts:
            self._skip(part, reason)

    def _side_by_side(self, block: Block, scope: Scope) -> Moves:
        """Run a block's parts side by side, each on what was known before it."""
        lines = [self._beside() for _ in block.parts]
        scopes = [{**scope, **line._functions(block.files)} for line in lines]
        sides = zip(lines, block.parts, scopes, strict=True)
        before = {session: jar.copy() for session, jar in self.strand.jars.items()}
        yield Together(tuple(line.part(part, own) for line, part, own in sides))
        for line in lines:
            for session, jar in line.strand.jars.items():
                self.strand.jar(session).join(jar, before.get(session, Jar()))
        for line, own in zip(lines, scopes, strict=True):
            self._join(line, {name: own[name] for name in own if name in line.strand.origins}, scope)

    def _beside(self) -> Line:
        strand = self.strand
        return Line(
            dataclasses.replace(
                strand,
                rng=random.Random(strand.rng.getrandbits(64)),
                jars={session: jar.copy() for session, jar in strand.jars.items()},
                origins=dict(strand.origins),
                warnings=[],
                requests=0,
                checks=0,
            )
        )

    def _join(self, line: Line, variables: Scope, scope: Scope) -> None:
        for result in line.results:
            self._add(result)
        self.failures += line.failures
        self.strand.warnings += line.strand.warnings
        self.strand.requests += line.strand.requests
        self.strand.checks += line.strand.checks
        new = {name for name, origin in line.strand.origins.items() if self.strand.origins.get(name) != origin}
        self.strand.origins.update({name: line.strand.origins[name] for name in new})
        scope.update({name: value for name, value in variables.items() if name in new})

    def _call(self, call: Call, scope: Scope) -> Moves:
        """Run a flow in a scope of its own: its inputs go in, its outputs come out, nothing else crosses."""
        skipped = call.flow.skip or elsewhere(call.flow, self.strand.context.realm)
        if skipped:
            self._skip(call, skipped)
            return
        given = _inputs(call, scope)
        if call.once is None:
            outputs = yield from self._flow(call, given)
        else:
            outputs = yield from self._flow_once(call, call.once, given)
        origin = Origin(f"flow '{call.flow.name}'", captured=True)
        for name, value in outputs.values.items():
            if name in outputs.secret:
                self.strand.hide(name, value)
            scope[name], self.strand.origins[name] = value, origin

    def _flow_once(self, call: Call, once: Once, given: Scope) -> Generator[Move, Reply, Outputs]:
        """Take over what another play's call gave, or run the flow for all that follow."""
        key = (self._whose(once), call.flow.file, call.flow.name, json.dumps(given, sort_keys=True, default=str))
        kept = yield Claim(once, key)
        if isinstance(kept, Outputs):
            return _asked(kept, call)
        start = self.mark()
        outputs = yield from self._flow(call, given)
        yield Settle(once, key, None if self._failed_since(start) else outputs)
        return _asked(outputs, call)

    def _whose(self, once: Once) -> str:
        scenario = self.strand.scenario
        return str(scenario.where) if once is Once.SCENARIO else ""

    def _flow(self, call: Call, given: Scope) -> Generator[Move, Reply, Outputs]:
        flow, strand = call.flow, self.strand
        for name in flow.secret_inputs & given.keys():
            strand.hide(name, given[name])
        before, start = dict(strand.origins), self.mark()
        inner = {**self.scope({}), **self._functions(flow.files)}
        inner.update(given)
        strand.origins.update(dict.fromkeys(given, Origin(f"input of flow '{flow.name}'")))
        for name, value in flow.variables.items():
            if name not in given and name not in strand.context.overrides:
                self._define(name, value, inner)
        yield from self.until_failure(flow.steps, inner, since=start)
        for part in flow.teardown:
            yield from self.part(part, inner)
        strand.origins = before
        names = flow.outputs if call.once else call.outputs
        return Outputs({name: inner[name] for name in names if name in inner}, _secrets_of(flow))

    def _step(self, step: Step, scope: Scope) -> Moves:
        """Attempt until it holds or no further attempt is due; the last attempt decides."""
        for name, value in step.variables:
            scope[name] = value.render(scope)
            self.strand.origins[name] = Origin(f"vars of step {step.number} '{step.name}'")
        spent_s = 0.0
        for number in itertools.count(1):
            within_s = left_s(step, spent_s)
            tried, captured = yield from attempt(step, scope, number, strand=self.strand, within_s=within_s)
            if self.round:
                tried = dataclasses.replace(tried, round=self.round)
            wait_s = wait_after_s(tried, spent_s)
            if wait_s is None:
                break
            yield dataclasses.replace(tried, final=False)
            yield Wait(wait_s)
            spent_s += tried.latency_s + wait_s
        scope.update(captured)
        for capture in step.captures:
            if capture.name in captured:
                self.strand.origins[capture.name] = Capturing(step, capture)
        self._add(StepResult(step, tried.outcome, tried, number))
        yield tried


_origin = functools.lru_cache(maxsize=64)(Origin)
"""Every play's variables come from the same few places."""


def _never(loop: Until) -> Failure:
    what = f"'{loop.condition.text}' did not hold after {loop.limit} rounds"
    return Failure(loop.where, Cause.CHECK, what, actual=what, expected=f"{loop.condition.text}, after a round")


def _inputs(call: Call, scope: Scope) -> Scope:
    inputs = {name: value.render(scope) for name, value in _defaults(call.flow).items() if name not in call.inputs}
    inputs.update({name: value.render(scope) for name, value in call.inputs.items()})
    return inputs


def _defaults(flow: Flow) -> dict[str, template.Value]:
    return {name: value for name, value in flow.inputs.items() if value is not None}


def _asked(kept: Outputs, call: Call) -> Outputs:
    """Of what a flow gave, what this call takes."""
    return dataclasses.replace(kept, values={name: kept.values[name] for name in call.outputs if name in kept.values})


def _secrets_of(flow: Flow) -> frozenset[str]:
    """The outputs that are secret: captured so, or given so."""
    captured = {capture.name for step in flow_steps(flow) for capture in step.captures if capture.secret}
    return frozenset(flow.outputs) & (captured | flow.secret_inputs)


def _text_of(files: Files | None, where: Where, path: str) -> str:
    """The text of a file beside a document, for templates; ValueError when it cannot be had."""
    if files is None:
        raise ValueError(f"no file can be read here, so not '{path}'")
    try:
        return files.text(path, where)
    except DocumentError as error:
        raise ValueError(error.problem) from None
