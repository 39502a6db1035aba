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
from seatrial.assess.about_load import AboutLoad, write_about_load
from seatrial.assess.asked import asked_of, require_judge
from seatrial.assess.loaded import LoadPlan, publish_load, read_load
from seatrial.assess.places import require_asked, require_placed, route_lines
from seatrial.assess.run import command_line
from seatrial.assess.standing import Standing, Stood, why_undecided
from seatrial.assess.unrendered import Unrendered, unrendered_lines
from seatrial.cli.console import (
    as_json,
    require_targets,
    say,
    say_healed,
    shown_path,
    tell,
    typed_variables,
    workspace,
    write_results,
)
from seatrial.cli.load_screen import left_lines, live_view, progress_line, standing_lines, state_words, summary_text
from seatrial.cli.load_spread import require_free
from seatrial.clock import SystemClock
from seatrial.errors import ExitCode, Interrupted
from seatrial.journal import Journal, Run, create_run, going_on
from seatrial.realm import Realm
from seatrial.redact import Secrets
from seatrial.reports.load.files import NO_FILES, LoadFiles, LoadWriter
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.standing import standing
from seatrial.runtime.state import addresses_of, load_state
from seatrial.runtime.up import require_reachable
from seatrial.scenarios.load.mix import mix, permit
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.parent import RunningLoad, start_load
from seatrial.scenarios.load.profile import Profile, choose_profile, read_profiles
from seatrial.scenarios.load.spread import Spread, require_places
from seatrial.scenarios.load.summary import Summary
from seatrial.scenarios.read import read_scenarios
from seatrial.service import Service
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
    stood: Stood
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
    with contextlib.ExitStack() as kept:
        with (
            standing(asked.realm, asked.workspace, variables=asked.overrides, say=say) as state,
            LoadWriter(files) as writer,
        ):
            require_reachable(asked.realm, state)
            run = create_run(asked.workspace, asked.realm.name, clock=SystemClock())
            kept.enter_context(going_on(run))
            order = _order(asked, run, web_port, secrets := Secrets())
            write_about_load(run, about := _about(asked, run, secrets))
            summary, objectives, interrupted = _play(asked, run, writer, order=order, spread=spread)
            if not interrupted:
                write_about_load(run, dataclasses.replace(about, ended_at=SystemClock().now()))
        return _tell(asked, run, _Loaded(summary, objectives.conclude(), interrupted), json_file)


def _tell(asked: _Asked, run: Run, loaded: _Loaded, json_file: str | None) -> ExitCode:
    """Tell what was measured, write it where it was asked for, and its report; Interrupted where the load was."""
    if json_file != "-":  # stdout is that file's then
        for line in _lines(asked, run, loaded):
            tell(line)
    unfit = why_undecided(loaded.summary, loaded.stood, profile=asked.profile, services=asked.services)
    result = _result(loaded, run, unfit=unfit)
    code = ExitCode.UNDECIDED if unfit else ExitCode.MET
    code = write_results([(json_file, lambda: as_json(result))], code)
    publish_load(
        run,
        read_load(run, LoadPlan(asked.profile, asked.services, asked.asked)),
        templates=asked.workspace / "reports" / "templates",
    )
    if json_file != "-":
        tell(f"report: {shown_path(run.report)}")
    if loaded.interrupted:
        raise Interrupted("the load was stopped before its stages were over")
    if unfit:
        say(f"undecided: {unfit}")
    return code


def _read(profile_name: str, realm_name: str | None, variables: Sequence[str]) -> _Asked:
    here = workspace()
    say_healed(here)
    realms = read_realms(here)
    realm = choose_realm(realms, realm_name)
    profile = choose_profile(read_profiles(here / "scenarios" / "profiles"), profile_name)
    scenarios = read_scenarios(here / "scenarios")
    chosen = mix(profile, scenarios)
    permit(profile, chosen, realm)
    services = read_services(here / "slo")
    require_placed(services.values(), realms)
    require_asked(services.values(), scenarios)
    for line in route_lines(services.values(), chosen):
        say(line)
    asked = asked_of(services, chosen)
    require_judge(profile, asked)
    overrides = typed_variables(variables)
    require_sound(Prepared(here, realm, chosen.scenarios, overrides, Secrets()))
    return _Asked(here, realm, profile, services, asked, overrides)


def _play(
    asked: _Asked, run: Run, writer: LoadWriter, *, order: LoadOrder, spread: Spread | None
) -> tuple[Summary, Standing, bool]:
    summary, objectives = Summary(asked.profile.lasts_s), Standing(asked.profile, asked.asked)
    journal = Journal(run.journal)
    with (
        contextlib.closing(journal),
        start_load(order, log=run.folder / "load.log", spread=spread, say=say) as load,
        _stopping_on_signals(load) as stopped,
        _screen(f"load '{asked.profile.name}'") as show,
    ):
        over, unrendered = "", Unrendered(run.folder / "load.log")
        for second in load.seconds():
            journal.write(*second)
            summary.add(second)
            if unwritten := writer.keep(second):
                say(f"warning: {unwritten}; the load goes on without it")
            objectives.add(second)
            show(summary, objectives)
            for line in unrendered.news(summary):
                say(line)
            if objectives.over and not over:
                over = objectives.over
                say(f"stopping: {over}")
                load.stop()
    return summary, objectives, bool(stopped)


def _order(asked: _Asked, run: Run, web_port: int | None, secrets: Secrets) -> LoadOrder:
    """What the child is told; what is secret of it is known to `secrets` then."""
    state = load_state(asked.workspace, asked.realm.name)
    return LoadOrder(
        run=run.name,
        workspace=asked.workspace,
        profile=asked.profile,
        realm=asked.realm.name,
        addresses=addresses_of(asked.realm, state),
        variables=asked.realm.variables,
        overrides=asked.overrides,
        secret_values=resolve_secrets(asked.realm, asked.workspace, secrets),
        limits_us=limits_us(asked.services),
        max_requests_per_s=asked.realm.allows.max_rate_per_s,
        environment=visible_environment(asked.realm),
        tracing=asked.realm.tracing,
        web_port=web_port,
    )


def _lines(asked: _Asked, run: Run, loaded: _Loaded) -> Iterator[str]:
    yield summary_text(loaded.summary)
    yield from unrendered_lines(loaded.summary)
    yield from standing_lines(loaded.stood)
    yield from left_lines(asked.services[name] for name in asked.asked)
    yield f"run {shown_path(run.folder)}"


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
    if summary.seconds % SAY_EVERY_S == 0:
        states = ", ".join(state_words(objectives.findings))
        so_far = f"objectives so far: {states}" if states else ""
        say("; ".join(filter(None, (progress_line(summary.pace()), so_far))))


def _about(asked: _Asked, run: Run, secrets: Secrets) -> AboutLoad:
    return AboutLoad(
        run=run.name,
        realm=asked.realm.name,
        profile=asked.profile.name,
        offered=asked.profile.offered,
        seatrial=__version__,
        started_at=SystemClock().now(),
        line=command_line(secrets.redact),
    )


def _result(loaded: _Loaded, run: Run, *, unfit: str) -> dict[str, object]:
    return {
        "run": run.name,
        "unfit": unfit,
        "objectives": [_objective(finding) for finding in loaded.stood.findings],
        "breakpoint": _breakpoint(loaded.stood),
        "generator": dataclasses.asdict(loaded.summary.whole_pace()),
        "steps": [dataclasses.asdict(line) for line in loaded.summary.whole()],
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


def _breakpoint(stood: Stood) -> dict[str, object] | None:
    """What a breakpoint search found; None of any other load."""
    if stood.search is None:
        return None
    found = stood.search
    levels = [{"level": probe.level, "grade": probe.grade, "reason": probe.reason} for probe in found.probes]
    return {"held": found.held, "ended": found.ended, "text": stood.found, "levels": levels}
