"""`seatrial load`: plays journeys in bulk by a profile, keeps the run, shows how it went.

Judges no service; of its own generator it says whether what it measured can be trusted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.live import Live

from seatrial import __version__
from seatrial.accept.prepare import Prepared
from seatrial.accept.static import require_sound
from seatrial.assess.asked import asked_of, require_judge
from seatrial.assess.places import require_placed, route_lines
from seatrial.assess.standing import Standing
from seatrial.cli.console import as_json, require_targets, say, tell, typed_variables, workspace, write_results
from seatrial.cli.load_screen import live_view, progress_line, standing_lines, state_words, summary_text
from seatrial.cli.load_spread import require_free
from seatrial.cli.load_unsent import Unsent, unsent_lines
from seatrial.clock import SystemClock, iso
from seatrial.errors import ExitCode, Interrupted
from seatrial.journal import Journal, Run, create_run, going_on, write_json
from seatrial.realm import Realm
from seatrial.redact import Secrets
from seatrial.reports.load.files import NO_FILES, LoadFiles, LoadWriter
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import addresses_of, load_state
from seatrial.runtime.up import require_reachable, standing
from seatrial.sample import Phase
from seatrial.scenarios.load.mix import mix, permit
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.parent import RunningLoad, start_load
from seatrial.scenarios.load.profile import Profile, choose_profile, read_profiles
from seatrial.scenarios.load.spread import Spread, require_places
from seatrial.scenarios.load.summary import Summary
from seatrial.scenarios.read import read_scenarios
from seatrial.service import Service
from seatrial.slo.generator import trouble
from seatrial.slo.limits import limits_us
from seatrial.slo.read import read_services
from seatrial.verdict import Finding

SAY_EVERY_S = 5  # without a terminal: a line now and then, not a screen a second

Show = Callable[[Summary, Standing], None]


@dataclass(frozen=True)
class _Asked:
    """Everything read and permitted before anything is sent; `asked` are the objectives the journeys speak to."""

    workspace: Path
    realm: Realm
    profile: Profile
    services: Mapping[str, Service]
    asked: Mapping[str, Service]
    overrides: dict[str, Any]


@dataclass(frozen=True)
class _Loaded:
    """What came of a load, and whether it was stopped."""

    summary: Summary
    objectives: Standing
    interrupted: bool


def run_load(
    profile_name: str,
    realm_name: str | None,
    *,
    variables: Sequence[str] = (),
    json_file: str | None = None,
    spread: Spread | None = None,
    files: LoadFiles = NO_FILES,
    web_port: int | None = None,
) -> ExitCode:
    """Play the profile to the end of its stages, by several processes where `spread` says so, with Locust's page at
    `web_port`.

    UNDECIDED when it sent nothing or could not keep its own plan; Interrupted (130) after a Ctrl-C, having told what
    was measured.
    """
    require_targets(json_file, files.hlog, files.csv, files.metrics)
    asked = _read(profile_name, realm_name, variables)
    require_places(asked.profile, spread)
    require_free(spread, web_port)
    with (
        standing(asked.realm, asked.workspace, variables=asked.overrides, say=say) as state,
        LoadWriter(files) as writer,
    ):
        require_reachable(asked.realm, state)
        run = create_run(asked.workspace, asked.realm.name, clock=SystemClock())
        with going_on(run):
            write_json(run.about, about := _about(asked, run))
            summary, objectives, interrupted = _play(asked, run, writer, spread=spread, web_port=web_port)
            if not interrupted:
                write_json(run.about, about | {"ended_at": iso(SystemClock().now())})
    return _tell(asked, run, _Loaded(summary, objectives, interrupted), json_file)


def _tell(asked: _Asked, run: Run, loaded: _Loaded, json_file: str | None) -> ExitCode:
    """Tell what was measured, write it where it was asked for; Interrupted where the load was."""
    tell(summary_text(loaded.summary))
    for line in unsent_lines(loaded.summary):
        tell(line)
    for line in standing_lines(loaded.objectives):
        tell(line)
    tell(f"run {run.folder}")
    unfit = _why_undecided(loaded.summary, loaded.objectives, asked.services)
    result = _result(loaded.summary, loaded.objectives, run, unfit=unfit)
    code = ExitCode.UNDECIDED if unfit else ExitCode.MET
    code = write_results([(json_file, lambda: as_json(result))], code)
    if loaded.interrupted:
        raise Interrupted("the load was stopped before its stages were over")
    if unfit:
        say(f"undecided: {unfit}")
    return code


def why_unfit(summary: Summary, services: Mapping[str, Service]) -> str:
    """Why a load says nothing of the services: no request, or a generator that was overloaded, by the rule `assess`
    has for it, outside the warm-up. Empty text when it does."""
    if not any(line.requests for line in summary.whole()):
        return "no request was sent"
    reason = trouble([item for item in summary.pacings if item.phase is not Phase.WARM_UP], services)
    return f"generator: {reason}" if reason else ""


def _why_undecided(summary: Summary, objectives: Standing, services: Mapping[str, Service]) -> str:
    """As `why_unfit`; a breakpoint search is overloaded at its end, so it says itself whether it found anything."""
    if objectives.search is not None:
        return "" if objectives.search.is_decided else objectives.found
    return why_unfit(summary, services)


def _read(profile_name: str, realm_name: str | None, variables: Sequence[str]) -> _Asked:
    here = workspace()
    realms = read_realms(here)
    realm = choose_realm(realms, realm_name)
    profile = choose_profile(read_profiles(here / "scenarios" / "profiles"), profile_name)
    chosen = mix(profile, read_scenarios(here / "scenarios"))
    permit(profile, chosen, realm)
    services = read_services(here / "slo")
    require_placed(services.values(), realms)
    for line in route_lines(services.values(), chosen):
        say(line)
    asked = asked_of(services, chosen)
    require_judge(profile, asked)
    overrides = typed_variables(variables)
    require_sound(Prepared(here, realm, chosen.scenarios, overrides, Secrets()))
    return _Asked(here, realm, profile, services, asked, overrides)


def _play(
    asked: _Asked, run: Run, writer: LoadWriter, *, spread: Spread | None, web_port: int | None
) -> tuple[Summary, Standing, bool]:
    summary, objectives = Summary(asked.profile.lasts_s), Standing(asked.profile, asked.asked)
    journal = Journal(run.journal)
    with (
        contextlib.closing(journal),
        start_load(_order(asked, run, web_port), log=run.folder / "load.log", spread=spread, say=say) as load,
        _stopping_on_signals(load) as stopped,
        _screen(f"load '{asked.profile.name}'") as show,
    ):
        over, unsent = "", Unsent(run.folder / "load.log")
        for second in load.seconds():
            journal.write(*second)
            summary.add(second)
            if unwritten := writer.keep(second):
                say(f"warning: {unwritten}; the load goes on without it")
            objectives.add(second)
            show(summary, objectives)
            for line in unsent.news(summary):
                say(line)
            if objectives.over and not over:
                over = objectives.over
                say(f"stopping: {over}")
                load.stop()
    return summary, objectives, bool(stopped)


def _order(asked: _Asked, run: Run, web_port: int | None) -> LoadOrder:
    state = load_state(asked.workspace, asked.realm.name)
    return LoadOrder(
        run=run.name,
        workspace=asked.workspace,
        profile=asked.profile,
        realm=asked.realm.name,
        addresses=addresses_of(asked.realm, state),
        variables=asked.realm.variables,
        overrides=asked.overrides,
        secret_values=resolve_secrets(asked.realm, asked.workspace, Secrets()),
        limits_us=limits_us(asked.services),
        max_requests_per_s=asked.realm.allows.max_rate_per_s,
        environment=visible_environment(asked.realm),
        tracing=asked.realm.tracing,
        web_port=web_port,
    )


@contextlib.contextmanager
def _stopping_on_signals(load: RunningLoad) -> Iterator[list[int]]:
    """Ctrl-C and SIGTERM end the load in order; the list names those that came. A second one is not held back."""
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)
        load.stop()
        say("stopping; plays in flight may finish")
        for name, handler in before.items():
            signal.signal(name, handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _screen(title: str) -> Iterator[Show]:
    """What to call after every second: a live table on a terminal, else a line now and then. Both on stderr."""
    if not sys.stderr.isatty():
        yield _say_now_and_then
        return
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda summary, objectives: live.update(live_view(summary, objectives, title), refresh=True)


def _say_now_and_then(summary: Summary, objectives: Standing) -> None:
    if summary.whole_pace().seconds % SAY_EVERY_S == 0:
        say("; ".join((progress_line(summary.pace()), *state_words(objectives.findings))))


def _about(asked: _Asked, run: Run) -> dict[str, object]:
    return {
        "command": "load",
        "run": run.name,
        "realm": asked.realm.name,
        "profile": asked.profile.name,
        "offered": asked.profile.offered,
        "seatrial": __version__,
        "started_at": iso(SystemClock().now()),
        "ended_at": None,
    }


def _result(summary: Summary, objectives: Standing, run: Run, *, unfit: str) -> dict[str, object]:
    return {
        "run": run.name,
        "unfit": unfit,
        "objectives": [_objective(finding) for finding in objectives.conclude()],
        "breakpoint": _breakpoint(objectives),
        "generator": dataclasses.asdict(summary.whole_pace()),
        "steps": [dataclasses.asdict(line) for line in summary.whole()],
    }


def _objective(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "grade": finding.grade,
        "limit": finding.limit_text,
        "measured": finding.measured_text,
        "n": finding.n,
        "reason": finding.reason,
    }


def _breakpoint(objectives: Standing) -> dict[str, object] | None:
    """What a breakpoint search found; None of any other load."""
    if objectives.search is None:
        return None
    found = objectives.search
    levels = [{"level": probe.level, "grade": probe.grade, "reason": probe.reason} for probe in found.probes]
    return {"held": found.held, "ended": found.ended, "text": objectives.found, "levels": levels}
