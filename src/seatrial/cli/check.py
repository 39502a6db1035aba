"""`seatrial check`: plays journeys once against a realm and tells how each went; progress goes to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import http
from seatrial.cli.console import as_json, say, tell, typed_variables, workspace, write_file
from seatrial.clock import SystemClock
from seatrial.errors import ExitCode, UsageError
from seatrial.quantity import show_duration
from seatrial.realm import Realm, permit_mutations
from seatrial.redact import Secrets
from seatrial.reports.journey import journey_of
from seatrial.reports.junit import junit_xml
from seatrial.reports.page import Journey
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import RealmState, addresses_of
from seatrial.runtime.up import require_reachable, standing
from seatrial.sample import Phase, Sample
from seatrial.scenarios.drive import drive, evidence_of, play_of
from seatrial.scenarios.model import Scenario, mutates
from seatrial.scenarios.moves import Attempted, Context, Move, PlayResult, StepResult
from seatrial.scenarios.read import read_scenario, read_scenarios, select
from seatrial.scenarios.wording import degraded_text, failure_texts, result_json

RUN = "check"  # no run folder is kept, so its samples need no other name
FOLDER = "scenarios"
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the command line says. `verbosity`: -1 failures and summary only, 0 a line a journey, 1 every step."""

    paths: tuple[Path, ...] = ()
    realm: str | None = None
    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    list_only: bool = False
    verbosity: int = 0
    junit_file: str | None = None
    json_file: str | None = None
    show_secrets: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """Everything read and permitted before anything is sent. `shown` masks what is told, `secrets` what is kept."""

    workspace: Path
    realm: Realm
    scenarios: tuple[Scenario, ...]
    overrides: Mapping[str, Any]
    secrets: Secrets
    shown: Secrets
    options: CheckOptions


@dataclass(frozen=True, slots=True)
class _Played:
    """One journey's result, when it began (UTC), how long it took in seconds, and what was recorded of it."""

    result: PlayResult
    started_at: float
    took_s: float
    samples: tuple[Sample, ...]

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(1 for sample in self.samples if sample.status is not None or sample.latency_s)


class _Unmasked(Secrets):
    """For a terminal whose owner asked to see everything."""

    def redact(self, text: str) -> str:
        return text

    def redact_header(self, name: str, value: str) -> str:
        del name
        return value


def run_check(options: CheckOptions) -> ExitCode:
    """Play them all. MISSED when any failed, UNDECIDED when none ran, Unreachable when no service is there."""
    asked = _read(options)
    if options.list_only:
        _list(asked.scenarios)
        return ExitCode.MET
    if not asked.scenarios:
        say("no journey was chosen, so nothing was checked")
        return ExitCode.UNDECIDED
    with standing(asked.realm, asked.workspace, variables=asked.overrides, say=say) as state:
        require_reachable(asked.realm, state)
        played = tuple(_play_all(asked, state))
    _write_files(asked, played)
    _show_for(options)(_summary(played))
    return _exit_code(played)


def _read(options: CheckOptions) -> _Asked:
    here = workspace()
    realm = choose_realm(read_realms(here), options.realm)
    scenarios = select(_scenarios(options.paths, here), names=options.names, tags=options.tags)
    if not options.list_only:
        for scenario in filter(mutates, scenarios):
            permit_mutations(realm, scenario.name, scenario.tags)
    secrets = Secrets()
    shown = _unmasked() if options.show_secrets else secrets
    return _Asked(here, realm, scenarios, typed_variables(options.variables), secrets, shown, options)


def _unmasked() -> Secrets:
    if not sys.stdout.isatty():
        raise UsageError("--show-secrets needs a terminal: what is written to a file or pipe stays masked")
    return _Unmasked()


def _scenarios(paths: Iterable[Path], here: Path) -> tuple[Scenario, ...]:
    """Those of the named files and folders, each once; all of the workspace when nothing is named."""
    named = tuple(paths) or (here / FOLDER,)
    found: dict[str, Scenario] = {}
    for path in named:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
        for scenario in read_scenarios(path) if path.is_dir() else (read_scenario(path),):
            found.setdefault(str(scenario.where), scenario)
    return tuple(found.values())


def _list(scenarios: Iterable[Scenario]) -> None:
    for scenario in scenarios:
        tags = f"  [{', '.join(sorted(scenario.tags))}]" if scenario.tags else ""
        tell(f"{scenario.name}{tags}  {scenario.file}")


def _play_all(asked: _Asked, state: RealmState | None) -> Iterator[_Played]:
    context = _context(asked, state)
    show = _show_for(asked.options)
    with http.open_client() as client:
        for number, scenario in enumerate(asked.scenarios, start=1):
            say(f"[{number}/{len(asked.scenarios)}] {scenario.name}")
            played = _play(scenario, context, client)
            for line in _lines(played, asked):
                show(line)
            yield played


def _context(asked: _Asked, state: RealmState | None) -> Context:
    realm = asked.realm
    values = resolve_secrets(realm, asked.workspace, asked.secrets)
    return Context(
        realm=realm.name,
        addresses=addresses_of(realm, state),
        variables=realm.variables,
        secret_values=values,
        secrets=asked.secrets,
        overrides=asked.overrides,
        environment=visible_environment(realm),
        tracing=realm.tracing,
    )


def _play(scenario: Scenario, context: Context, client: http.Client) -> _Played:
    clock = SystemClock()
    samples: list[Sample] = []
    started_at, started = clock.now(), time.monotonic()
    result = drive(
        scenario, context, client, clock=clock, record=samples.append, run=RUN, phase=Phase.ACCEPTANCE, watch=_watch
    )
    return _Played(result, started_at, time.monotonic() - started, tuple(samples))


def _watch(move: Move) -> None:
    """A poll that is retried is progress worth a line; everything else is told with the journey."""
    if isinstance(move, Attempted) and not move.final:
        retry = move.step.retry
        say(f"    {move.step.name}: attempt {move.attempt}/{retry.attempts if retry else 1} did not hold yet")


def _show_for(options: CheckOptions) -> Show:
    """The text goes to stdout, unless a document was asked for there."""
    return say if "-" in (options.json_file, options.junit_file) else tell


def _lines(played: _Played, asked: _Asked) -> Iterator[str]:
    result = played.result
    verbosity = asked.options.verbosity
    if verbosity >= 0 or not (result.passed or result.skipped):
        yield _headline(played)
    for step in result.steps if verbosity > 0 else ():
        yield f"    {_step_line(step)}"
    for told in _degraded(result):
        if verbosity > 0:
            yield degraded_text(told, result.scenario, secrets=asked.shown)
        elif verbosity == 0:
            summary = asked.shown.redact(told.degradations[0].summary)
            yield f"    degraded: {told.step.name}: {summary}"
    for text in failure_texts(result, secrets=asked.shown):
        yield f"\n{text}\n"


def _headline(played: _Played) -> str:
    result = played.result
    if result.skipped:
        return f"SKIPPED  {result.scenario.name}: {result.skipped}"
    word = "PASSED" if result.passed else "FAILED"
    ran = [step for step in result.steps if not step.skipped]
    flaky = [step.step.name for step in ran if step.flaky]
    notes = [_counted(len(ran), "step"), show_duration(played.took_s)]
    if len(ran) < len(result.steps):
        notes.append(f"{len(result.steps) - len(ran)} skipped")
    if flaky:
        notes.append(f"flaky: {', '.join(flaky)}")
    if any(_degraded(result)):
        notes.append("degraded")
    return f"{word}   {result.scenario.name}  ({', '.join(notes)})"


def _degraded(result: PlayResult) -> Iterator[Attempted]:
    for step in result.steps:
        if step.last is not None and step.last.degraded:
            yield step.last


def _step_line(step: StepResult) -> str:
    if step.skipped:
        return f"-  {step.step.name}: skipped, {step.skipped}"
    mark = "!" if step.failed else "+"
    told = step.last
    if told is None:
        return f"{mark}  {step.step.name}"
    attempts = f", {step.attempts} attempts" if step.attempts > 1 else ""
    status = told.status or told.cause
    return f"{mark}  {step.step.name}: {status} in {show_duration(told.latency_s)}{attempts}"


def _summary(played: Iterable[_Played]) -> str:
    each = tuple(played)
    passed = sum(one.result.passed for one in each)
    skipped = sum(bool(one.result.skipped) for one in each)
    requests = sum(one.requests for one in each)
    counts = [f"{passed} passed", f"{len(each) - passed - skipped} failed"]
    if skipped:
        counts.append(f"{skipped} skipped")
    took = show_duration(sum(one.took_s for one in each))
    return f"{_counted(len(each), 'journey')}: {', '.join(counts)}; {_counted(requests, 'request')} in {took}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _exit_code(played: Iterable[_Played]) -> ExitCode:
    ran = [one.result for one in played if not one.result.skipped]
    if not ran:
        return ExitCode.UNDECIDED
    return ExitCode.MET if all(result.passed for result in ran) else ExitCode.MISSED


def _write_files(asked: _Asked, played: tuple[_Played, ...]) -> None:
    options, secrets = asked.options, asked.secrets
    if options.json_file:
        write_file(options.json_file, as_json(_document(asked, played)))
    if options.junit_file:
        journeys = [_journey(one, secrets) for one in played]
        document = junit_xml(journeys, started_at=played[0].started_at, redact=secrets.redact)
        write_file(options.junit_file, document)


def _document(asked: _Asked, played: tuple[_Played, ...]) -> dict[str, Any]:
    return {
        "realm": asked.realm.name,
        "exit_code": int(_exit_code(played)),
        "journeys": [
            {**result_json(one.result, secrets=asked.secrets), "started_at": one.started_at, "took_s": one.took_s}
            for one in played
        ],
    }


def _journey(played: _Played, secrets: Secrets) -> Journey:
    result = played.result
    return journey_of(
        result.scenario.name,
        play=play_of(result, run=RUN, phase=Phase.ACCEPTANCE, started_at=played.started_at, secrets=secrets),
        samples=played.samples,
        evidence=evidence_of(result, run=RUN, secrets=secrets),
        file=result.scenario.file,
    )
