"""`diff`, the whole line of one run: two realms, three sides, rounds of journeys, the judgement, the run's folder.

Room assess. Takes a `DiffPlan`, gives the page its reports are made of. What was started is ended whatever happens.
The sides of one comparison are asked at once, begun in random order (Scientist's), so
that whatever drifts, drifts for all.
"""

from __future__ import annotations

import contextlib
import enum
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seatrial import __version__, journal
from seatrial.accept.harmless import LeftOut, harmless
from seatrial.accept.pace import Pacer
from seatrial.accept.pool import Plan, Playing, Workers
from seatrial.accept.prepare import Prepared, Wanted, context_of, permit, prepare
from seatrial.assess.answers import Local, localised, show_with, threes
from seatrial.clock import Clock, iso
from seatrial.errors import Interrupted, UsageError, did_you_mean
from seatrial.journal import Run
from seatrial.quantity import counted
from seatrial.realm import Realm, permit_mutations
from seatrial.redact import Secrets
from seatrial.reports.diff.html import diff_html
from seatrial.reports.diff.json import diff_json
from seatrial.reports.diff.page import DiffPage, with_texts
from seatrial.reports.printable import printable
from seatrial.runtime.interrupts import held_back
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.standing import standing
from seatrial.runtime.up import Say, direct_addresses, require_reachable
from seatrial.sample import Phase
from seatrial.scenarios.importers.masking import masked_shapes, masked_text
from seatrial.scenarios.importers.replay import Capture, replay
from seatrial.scenarios.importers.targets import Services
from seatrial.scenarios.model import Scenario, mutates
from seatrial.scenarios.moves import Context, PlayResult
from seatrial.scenarios.played import Played
from seatrial.scenarios.rows import expand_rows
from seatrial.scenarios.sending.request import WRITING
from seatrial.slo.diff.compare import Ignored, ignored
from seatrial.slo.diff.judge import cut_short, judge
from seatrial.slo.diff.tally import Tally

ROUNDS = 10
"""Enough for a field that always differs to be told from noise, with some noise beside it; see docs/diff.md."""

MAX_ROUNDS = 1000
MAX_NOTES = 50
SAY_EVERY_S = 5.0


class Side(enum.StrEnum):
    """Who is asked: the realm that serves, the one that shall, and the first again, for the noise."""

    PRIMARY = "primary"
    CANDIDATE = "candidate"
    AGAIN = "primary again"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. `services` are the bases of captured requests by service."""

    primary: str
    candidate: str
    wanted: Wanted = field(default_factory=Wanted)
    rounds: int = ROUNDS
    seed: int | None = None
    mutating: bool = False
    ignore: tuple[str, ...] = ()
    capture: Capture | None = None
    services: Services = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiffPlan:
    """Everything read and permitted. The two have the same journeys, in the same order, and share their secrets."""

    asked: Asked
    primary: Prepared
    candidate: Prepared
    skip: Ignored
    seed: int


@dataclass(frozen=True, slots=True)
class Diffed:
    """How it ended: the page, with nothing secret in it, and the run's folder."""

    page: DiffPage
    run: Run


@dataclass(frozen=True, slots=True)
class _Pair:
    """One journey, or one row of it, as each realm has it."""

    journey: Scenario
    primary: Scenario
    candidate: Scenario

    def rows(self) -> Iterator[_Pair]:
        """A pair for each of its rows; made as they are taken."""
        for primary, candidate in zip(*map(expand_rows, (self.primary, self.candidate)), strict=True):
            yield _Pair(self.journey, primary, candidate)

    def plan(self, side: Side, seed: int) -> Plan:
        """That side's play."""
        return Plan(self.journey, self.candidate if side is Side.CANDIDATE else self.primary, seed)


@dataclass
class _Told:
    """What a reader must know beside the differences; each once, counted where it comes again."""

    left_out: list[str] = field(default_factory=list)
    mapped: tuple[str, ...] = ()
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, why: str, secrets: Secrets) -> None:
        """Once more; of very many reasons the first are told."""
        told = f"{what} ({masked_text(secrets.redact(why))})"
        self.notes[told if told in self.notes or len(self.notes) < MAX_NOTES else what] += 1


def read_plan(workspace: Path, asked: Asked) -> DiffPlan:
    """Read both realms and the journeys. UsageError for a path that can be ignored by nobody or an unknown realm,
    Refused where mutations were asked for and a realm allows none."""
    if not 1 <= asked.rounds <= MAX_ROUNDS:
        raise UsageError(f"--rounds takes a number from 1 to {MAX_ROUNDS}, not {asked.rounds}")
    try:
        skip = ignored(asked.ignore)
    except ValueError as error:
        raise UsageError(f"--ignore: {error}; copy one from the report, as `$.items[*].id`") from None
    primary, candidate = (_prepared(workspace, asked, name) for name in (asked.primary, asked.candidate))
    candidate = replace(candidate, secrets=primary.secrets)
    _require_services(asked, (primary.realm, candidate.realm))
    if asked.mutating:
        _permit(asked, primary)
        _permit(asked, candidate)
    seed = random.SystemRandom().getrandbits(31) if asked.seed is None else asked.seed
    return DiffPlan(asked, primary, candidate, skip, seed)


def diff(plan: DiffPlan, *, clock: Clock, say: Say) -> Diffed:
    """Play and compare every round; Interrupted after a Ctrl-C, with what was compared in the run's folder."""
    primary, candidate = plan.primary, plan.candidate
    with contextlib.ExitStack() as stack:
        sides = [_stand(prepared, stack, say) for prepared in (primary, candidate)]
        told = _Told()
        pairs = tuple(_pairs(plan, sides, told))
        run = journal.create_run(primary.workspace, f"{primary.realm.name}-{candidate.realm.name}", clock=clock)
        stack.enter_context(journal.going_on(run))
        started_at, started = clock.now(), clock.monotonic()
        journal.write_json(run.about, _about(plan, run, started_at))
        tally = Tally(show_with(primary.secrets), plan.skip)
        comparing = _Comparing(plan, tally, told, clock, say, [local for _, local in sides])
        try:
            comparing.rounds(pairs, [context for context, _ in sides])
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        with held_back():
            page = _page(plan, run, comparing, started_at=started_at, took_s=clock.monotonic() - started)
            page = _interrupted(page) if interrupted else page
            page = with_texts(page, _clean(primary.secrets))
            journal.write_json(run.diff, diff_json(page))
            run.report.write_text(diff_html(page), encoding="utf-8")
    if interrupted:
        raise Interrupted(f"the comparison was stopped; what was compared is in {run.diff}")
    return Diffed(page, run)


def _interrupted(page: DiffPage) -> DiffPage:
    return replace(page, interrupted=True, judged=cut_short(page.judged))


def _clean(secrets: Secrets) -> Any:
    return lambda text: printable(masked_shapes(secrets.redact(text)))


def _prepared(workspace: Path, asked: Asked, realm: str) -> Prepared:
    if asked.capture is None:
        return prepare(workspace, replace(asked.wanted, realm=realm))
    return Prepared(workspace, choose_realm(read_realms(workspace), realm), (), asked.wanted.overrides, Secrets())


def _require_services(asked: Asked, realms: Sequence[Realm]) -> None:
    for name in asked.services:
        for realm in realms:
            if name not in realm.places:
                hint = did_you_mean(name, realm.places)
                raise UsageError(f"--service {name}: realm '{realm.name}' has no such service; {hint}")


def _permit(asked: Asked, prepared: Prepared) -> None:
    permit(prepared)
    if asked.capture is not None and any(one.method in WRITING for one in asked.capture.requests):
        permit_mutations(prepared.realm, Path(asked.capture.file).name, ())


def _stand(prepared: Prepared, stack: contextlib.ExitStack, say: Say) -> tuple[Context, Local]:
    """The realm is there until the stack closes; what its plays are told, and its addresses taken out of texts."""
    realm = prepared.realm
    state = stack.enter_context(standing(realm, prepared.workspace, variables=prepared.overrides, say=say))
    require_reachable(realm, state)
    context = context_of(prepared, state)
    return context, localised([*direct_addresses(realm, state).items(), *context.addresses.items()])


def _pairs(plan: DiffPlan, sides: Sequence[tuple[Context, Local]], told: _Told) -> Iterator[_Pair]:
    """The journeys to compare, without what must not be played."""
    if plan.asked.capture is not None:
        yield from _captured(plan, plan.asked.capture, [context.addresses for context, _ in sides], told)
        return
    for primary, candidate in zip(plan.primary.scenarios, plan.candidate.scenarios, strict=True):
        left = (primary, candidate) if plan.asked.mutating else _harmless(primary, candidate, told)
        if left:
            yield _Pair(left[0], *left)


def _harmless(primary: Scenario, candidate: Scenario, told: _Told) -> tuple[Scenario, Scenario] | None:
    (ours, left_out), (theirs, _) = harmless(primary), harmless(candidate)
    told.left_out += map(_left_out, left_out)
    return (ours, theirs) if ours and theirs else None


def _left_out(part: LeftOut) -> str:
    step = f" > {part.step}" if part.step else ""
    return f"{part.journey}{step}: {part.reason}"


def _captured(plan: DiffPlan, capture: Capture, addresses: Sequence[Services], told: _Told) -> Iterator[_Pair]:
    bases = [plan.asked.services, *addresses]
    secrets = plan.primary.realm.secrets.keys() & plan.candidate.realm.secrets.keys()
    made = replay(capture, bases, secrets=frozenset(secrets))
    told.mapped = made.mapped
    told.left_out += [f"{what}: {count}" for what, count in made.left_out.items()]
    for journey in made.journeys:
        yield _Pair(journey, journey, journey)


@dataclass
class _Comparing:
    """The rounds under way."""

    plan: DiffPlan
    tally: Tally
    told: _Told
    clock: Clock
    say: Say
    locals_: Sequence[Local]

    def rounds(self, pairs: Sequence[_Pair], contexts: Sequence[Context]) -> None:
        """Every pair in every round, by one worker a side, each with connections and flows of its own."""
        rng, said = random.Random(self.plan.seed), self.clock.monotonic()
        with contextlib.ExitStack() as stack:
            workers = _workers(contexts, (self.plan.primary.realm, self.plan.candidate.realm), self.clock, stack)
            for number in range(1, self.plan.asked.rounds + 1):
                for pair in pairs:
                    for row in pair.rows():
                        self._compare(row, workers, rng)
                if self.clock.monotonic() - said > SAY_EVERY_S:
                    said = self.clock.monotonic()
                    self.say(f"round {number} of {self.plan.asked.rounds}")

    def _compare(self, pair: _Pair, workers: Mapping[Side, Workers], rng: random.Random) -> None:
        plays = _play(pair, workers, rng)
        if not any(play.result.skipped for play in plays.values()):
            passed = all(plays[side].result.passed for side in (Side.PRIMARY, Side.CANDIDATE))
            self.tally.played(pair.journey.name, passed=passed)
            self.tally.add(threes(*(plays[side] for side in Side), locals_=[*self.locals_, self.locals_[0]]))
        self._note(plays)
        for play in plays.values():
            if play.secrets is not None:
                play.secrets.give_back()

    def _note(self, plays: Mapping[Side, Played]) -> None:
        """Journeys that were skipped, or failed on every side: what they would have said is not known."""
        name = plays[Side.PRIMARY].journey.name
        for side, play in plays.items():
            if play.result.skipped:
                self.told.note(f"{name}: skipped on the {side}", play.result.skipped, self.plan.primary.secrets)
                return
        if not any(play.result.passed for play in plays.values()):
            what = f"{name}: failed on every side, so what follows was not compared"
            self.told.note(what, _why(plays[Side.PRIMARY].result), self.plan.primary.secrets)


def _why(result: PlayResult) -> str:
    """The first failure of a play, by its step where it has one."""
    failed = next((step for step in result.steps if step.failed), None)
    if failed is None:
        return result.failures[0].summary if result.failures else "in its teardown"
    return f"{failed.title}: {failed.last.detail}" if failed.last else failed.title


def _workers(
    contexts: Sequence[Context], realms: Sequence[Realm], clock: Clock, stack: contextlib.ExitStack
) -> Mapping[Side, Workers]:
    """One a side; both of the primary keep its cap on requests together."""
    paces = [Pacer(realm.allows.check_rate_per_s) for realm in realms]
    made = {}
    for side in Side:
        which = 1 if side is Side.CANDIDATE else 0
        playing = Playing(contexts[which], "diff", Phase.ACCEPTANCE, paces[which], clock=clock)
        made[side] = Workers(playing, 1)
        stack.callback(made[side].end)
    return made


def _play(pair: _Pair, workers: Mapping[Side, Workers], rng: random.Random) -> dict[Side, Played]:
    """All sides at once, begun in random order. What only reads asks for the same ids and random values; what writes
    for its own, since the second to use one is told it is taken."""
    order, seeds = rng.sample(list(Side), k=len(Side)), [rng.getrandbits(63) for _ in Side]
    own = mutates(pair.primary)
    futures = {
        side: workers[side].submit(pair.plan(side, seeds[number if own else 0])) for number, side in enumerate(order)
    }
    plays = {side: workers[side].take(futures[side]) for side in Side}
    return {side: play for side, play in plays.items() if play is not None}


def _page(plan: DiffPlan, run: Run, comparing: _Comparing, *, started_at: float, took_s: float) -> DiffPage:
    return DiffPage(
        run=run.name,
        primary=plan.primary.realm.name,
        candidate=plan.candidate.realm.name,
        rounds=plan.asked.rounds,
        seed=plan.seed,
        started_at=started_at,
        took_s=took_s,
        version=__version__,
        judged=judge(comparing.tally, seed=plan.seed),
        left_out=tuple(dict.fromkeys(comparing.told.left_out)),
        mapped=comparing.told.mapped,
        notes=tuple(f"{note}: {counted(count, 'play')}" for note, count in comparing.told.notes.most_common()),
        ignored=plan.asked.ignore,
    )


def _about(plan: DiffPlan, run: Run, started_at: float) -> dict[str, Any]:
    return {
        "command": "diff",
        "run": run.name,
        "realm": plan.primary.realm.name,
        "candidate": plan.candidate.realm.name,
        "rounds": plan.asked.rounds,
        "seed": plan.seed,
        "seatrial": __version__,
        "started_at": iso(started_at),
    }
