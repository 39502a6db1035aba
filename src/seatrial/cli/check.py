"""`seatrial check`: plays journeys once against a realm and tells how each went; progress goes to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seatrial import __version__
from seatrial.accept.held import Evidence
from seatrial.accept.pace import Pacer
from seatrial.accept.pool import Interrupted, Plan, Playing, plans_of, play_all
from seatrial.accept.prepare import HURL, NOWHERE, Prepared, Wanted, context_of, permit, prepare
from seatrial.cli.check_lines import poll_lines, summary_line
from seatrial.cli.check_plan import list_journeys, rehearse
from seatrial.cli.check_screen import Look, Screen, live_terminal
from seatrial.cli.console import read_or_not, say, say_healed, typed_variables, workspace
from seatrial.clock import SystemClock
from seatrial.errors import ExitCode, SeatrialError, UsageError
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Close, Facts, Tally
from seatrial.reports.plays.shown import Clean
from seatrial.reports.plays.writer import Place, Writer, place_of
from seatrial.runtime.interrupts import held_back
from seatrial.runtime.standing import standing
from seatrial.runtime.up import require_reachable
from seatrial.sample import Phase
from seatrial.scenarios.moves import Context
from seatrial.scenarios.played import Played

if TYPE_CHECKING:
    from seatrial.scenarios.hurl.options import HurlOptions

RUN = "check"  # no run folder is kept, so its samples need no other name
STDOUT = "-"
AUTO = "auto"
HAR = "har"  # the one report with the body of every answer
MAX_JOBS = 256


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the command line says.

    `verbosity`: -1 failures and summary only, 0 a line a journey, 1 every step, 2 the heads of every exchange.
    `files` are the reports asked for, by the name of their format; `hurl` are the options of `.hurl` files that were
    given, by name.
    """

    paths: tuple[Path, ...] = ()
    realm: str | None = None
    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    list_only: bool = False
    dry: bool = False
    fail_fast: bool = False
    jobs: str = "1"
    verbosity: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    show_secrets: bool = False
    hurl: Mapping[str, Any] = field(default_factory=dict)


class _Unmasked(Secrets):
    """For a terminal whose owner asked to see everything."""

    def redact(self, text: str) -> str:
        return text

    def redact_header(self, name: str, value: str) -> str:
        del name
        return value


@dataclass
class _Run:
    """One run under way."""

    prepared: Prepared
    options: CheckOptions
    jobs: int
    screen: Screen
    writers: tuple[Writer, ...]
    started_at: float
    started: float
    tally: Tally = field(default_factory=Tally)

    def keep(self, played: Played) -> None:
        """In every report or in none, whatever interrupts us."""
        with held_back():
            self.tally.add(played)
            for writer in self.writers:
                writer.add(played)

    def end(self, played: Played) -> None:
        """Keep it, and tell of it."""
        self.keep(played)
        self.screen.ended(played)

    def close(self, facts: Facts) -> None:
        """Put every report in its place."""
        with held_back(), contextlib.ExitStack() as closing:
            for writer in self.writers:
                closing.callback(writer.close, facts)

    def facts(self, close: Close, code: ExitCode) -> Facts:
        """What is known of it now."""
        return Facts(
            realm=self.prepared.realm.name,
            started_at=self.started_at,
            took_s=time.monotonic() - self.started,
            planned=self.prepared.plays,
            version=__version__,
            close=close,
            exit_code=code,
        )


def run_check(options: CheckOptions) -> ExitCode:
    """Play them all. MISSED when any failed, UNDECIDED when none ran, Unreachable when no service is there."""
    jobs = _jobs(options.jobs)
    _refuse_two_on_one(options.files)
    _refuse_reports_of_nothing(options)
    shown = _unmasked(options.files) if options.show_secrets else None
    wanted = _wanted(options)
    prepared = prepare(workspace() if wanted.needs_workspace else Path.cwd(), wanted)
    _refuse_options_of_no_file(options.hurl, prepared)
    for line in prepared.unknown_tags:
        say(f"warning: {line}")
    if options.list_only:
        return list_journeys(prepared)
    permit(prepared)
    if options.dry:
        return rehearse(prepared)
    say_healed(prepared.workspace)
    if not prepared.scenarios:
        say("no journey was chosen, so nothing was checked")
        return ExitCode.UNDECIDED
    look = Look(shown or prepared.secrets, options.verbosity, prepared.plays, STDOUT in options.files.values())
    with (
        _writers(options.files, prepared.secrets) as writers,
        standing(prepared.realm, prepared.workspace, variables=prepared.overrides, say=say) as state,
    ):
        if prepared.realm is not NOWHERE:
            require_reachable(prepared.realm, state)
        clock = SystemClock()
        run = _Run(
            prepared, options, min(jobs, prepared.plays), Screen(look), writers, clock.now(), clock.monotonic()
        )
        return _play(run, context_of(prepared, state))


def _wanted(options: CheckOptions) -> Wanted:
    overrides = typed_variables(options.variables)
    return Wanted(options.realm, options.paths, options.names, options.tags, overrides, _hurl(options.hurl))


def _hurl(given: Mapping[str, Any]) -> HurlOptions | None:
    if not given:
        return None
    from seatrial.scenarios.hurl.options import parse_options

    return parse_options(given)


def _unmasked(files: Mapping[str, str]) -> Secrets:
    """Progress goes to stderr, and so does everything when a report takes stdout: that report is masked."""
    written = [sys.stderr] if STDOUT in files.values() else [sys.stdout, sys.stderr]
    if not all(stream.isatty() for stream in written):
        raise UsageError("--show-secrets needs a terminal: what is written to a file or pipe stays masked")
    return _Unmasked()


def _jobs(word: str) -> int:
    """How many workers: a number, or one for each core this process may use."""
    if word == AUTO:
        return min(
            MAX_JOBS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
    if not word.isdecimal() or not 1 <= int(word) <= MAX_JOBS:
        raise UsageError(f"--jobs takes a number from 1 to {MAX_JOBS} or `{AUTO}`, not '{word}'")
    return int(word)


def _refuse_two_on_one(files: Mapping[str, str]) -> None:
    taken: dict[Path, str] = {}
    for name, target in files.items():
        where = Path(target) if target == STDOUT else Path(target).resolve()
        if where in taken:
            place = "stdout" if target == STDOUT else target
            raise UsageError(f"--{taken[where]} and --{name} cannot both be written to {place}; give one a file")
        taken[where] = name


def _refuse_reports_of_nothing(options: CheckOptions) -> None:
    word = "--list" if options.list_only else "--dry" if options.dry else ""
    if word and options.files:
        name = next(iter(options.files))
        raise UsageError(f"{word} sends nothing, so --{name} has nothing to report; leave one of them out")


def _refuse_options_of_no_file(given: Mapping[str, Any], prepared: Prepared) -> None:
    """Hurl's options say something of `.hurl` files, and of nothing else."""
    files = [scenario.file for scenario in prepared.scenarios]
    if given and files and not any(file.endswith(HURL) for file in files):
        raise UsageError(f"--{next(iter(given))} is for .hurl files, and none is played; a YAML file says it itself")


def _play(run: _Run, context: Context) -> ExitCode:
    """Play, and close the reports however that ends: what was played is in them."""
    close, code = Close.INTERRUPTED, ExitCode.INTERRUPTED
    try:
        for played in _all_played(run, context):
            run.end(played)
        code = run.tally.exit_code
        stopped = run.options.fail_fast and run.tally.counts.plays < run.prepared.plays
        close = Close.STOPPED if stopped else Close.COMPLETE
    except Interrupted as interrupted:
        for played in interrupted.played:
            run.end(played)
        raise
    except SeatrialError as error:
        code = error.exit_code
        raise
    finally:
        facts = run.facts(close, code)
        left = facts.planned - run.tally.counts.plays
        run.screen.close(summary_line(run.tally, took_s=facts.took_s, left=left))
        run.close(facts)
    return code


def _all_played(run: _Run, context: Context) -> Iterator[Played]:
    alone = run.jobs == 1
    playing = Playing(
        context=context,
        run=RUN,
        phase=Phase.ACCEPTANCE,
        pacer=Pacer(run.prepared.realm.allows.check_rate_per_s),
        enough=lambda: run.options.fail_fast and run.tally.counts.failed > 0,
        meanwhile=run.screen.redraw,
        watch=run.screen.moved if alone else None,
        evidence=Evidence.BODIES if HAR in run.options.files else Evidence.HEADS,
    )
    plans = plans_of(run.prepared.scenarios)
    for played in play_all(_told(plans, run.screen) if alone else plans, playing, jobs=run.jobs):
        if not alone:
            _tell_begun(played, run)
        yield played


def _told(plans: Iterator[Plan], screen: Screen) -> Iterator[Plan]:
    """Each play's beginning is told when it begins."""
    for plan in plans:
        screen.begin(plan.journey, plan.scenario)
        yield plan


def _tell_begun(played: Played, run: _Run) -> None:
    """Of plays that ran side by side, what would have been told on the way, so that nothing is told in between."""
    run.screen.begin(played.journey, played.result.scenario)
    if not live_terminal():
        for line in poll_lines(played, Clean(run.prepared.secrets)):
            say(line)


@contextlib.contextmanager
def _writers(files: Mapping[str, str], secrets: Secrets) -> Iterator[tuple[Writer, ...]]:
    """The reports asked for, each known to be writable; gone without a trace when nothing was played."""
    if not files:
        yield ()
        return
    from seatrial.reports.plays.formats import FORMATS

    with contextlib.ExitStack() as opened:
        writers = []
        for name, target in files.items():
            place: Place = _StandardOut() if target == STDOUT else place_of(Path(target))
            writer = Writer(FORMATS[name](secrets), place)
            opened.callback(writer.discard)
            writers.append(writer)
        yield tuple(writers)


class _StandardOut:
    """Standard output as the place of a report; a reader that has left changes nothing."""

    @contextlib.contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes; flushed at the end."""
        with read_or_not(sys.stdout):
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()

    def problems(self) -> contextlib.AbstractContextManager[None]:
        """None that would be a user's mistake."""
        return contextlib.nullcontext()

    def finish(self) -> None:
        """It is there already."""

    def clear(self) -> None:
        """Nothing was written."""
