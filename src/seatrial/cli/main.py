"""The command line: options and their meaning. What a command does is in the module of its name."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from seatrial import __version__
from seatrial.cli.chaos_app import chaos_app
from seatrial.cli.console import print_anything, say, tell
from seatrial.cli.demo_app import demo_app
from seatrial.cli.diff_app import diff
from seatrial.cli.gameday_app import gameday
from seatrial.cli.hurl_words import with_hurl_options
from seatrial.cli.import_app import import_app
from seatrial.cli.options import (
    CsvOption,
    HlogOption,
    JsonOption,
    JunitOption,
    MetricsOption,
    ProcessesOption,
    RealmOption,
    StrictOption,
    VarOption,
    finish,
)
from seatrial.cli.runs_app import runs_app
from seatrial.cli.start import start_short
from seatrial.errors import ExitCode, Interrupted, SeatrialError
from seatrial.runtime.interrupts import heeded

STDOUT = 1
TRACEBACK = "SEATRIAL_TRACEBACK"
"""The environment variable that shows where an unforeseen failure came from."""

app = typer.Typer(
    name="seatrial",
    help="Sea trials for systems of HTTP services: check, load, chaos and verdict from one journey file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(demo_app, name="demo")
app.add_typer(chaos_app, name="chaos")
app.add_typer(runs_app, name="runs")
app.add_typer(import_app, name="import")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        tell(f"seatrial {__version__}")
        raise typer.Exit


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.")] = Path()) -> None:
    """Write a working project: realm, journey, profile, experiment, SLOs, monitor."""
    from seatrial.cli.init import run_init

    finish(run_init(folder))


@app.command()
def up(realm: RealmOption = None, var: VarOption = None) -> None:
    """Start the services of a process realm and the proxies between them."""
    from seatrial.cli.up import run_up

    finish(run_up(realm, var or []))


@app.command()
def down(realm: RealmOption = None) -> None:
    """Stop what `up` started."""
    from seatrial.cli.up import run_down

    finish(run_down(realm))


@app.command()
@with_hurl_options
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files (.yaml, .hurl) or folders; default: scenarios/.")
    ] = None,
    realm: RealmOption = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only journeys with this tag; repeat.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="Only journeys of this name; repeat.")] = None,
    var: VarOption = None,
    list_only: Annotated[bool, typer.Option("--list", help="List the journeys and send nothing.")] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Read and check everything, and send nothing.")] = False,
    jobs: Annotated[
        str, typer.Option("--jobs", "-j", help="How many journeys at once; `auto`: one for each core.")
    ] = "1",
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Begin no journey after one failed.")] = False,
    verbose: Annotated[
        int,
        typer.Option("-v", "--verbose", count=True, help="Show every step; -vv: the heads of every exchange too."),
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show failures and the summary only.")] = False,
    junit: JunitOption = None,
    tap: Annotated[str | None, typer.Option("--tap", help="Write TAP 14 to FILE, `-` for stdout.")] = None,
    json: JsonOption = None,
    har: Annotated[str | None, typer.Option("--har", help="Write every exchange as HAR 1.2 to FILE.")] = None,
    html: Annotated[str | None, typer.Option("--html", help="Write one self-contained page to FILE.")] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", help="Write a summary for a CI job to FILE, `-` for stdout.")
    ] = None,
    curl: Annotated[str | None, typer.Option("--curl", help="Write a curl line for every request to FILE.")] = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Unmasked, on a terminal only.")] = False,
    *,
    hurl: Mapping[str, Any],
) -> None:
    """Play journeys once against a realm: acceptance.

    Exit codes: 0 all passed, 1 one failed, 2 a word on the command line is wrong, 3 a file is not what it should be,
    4 could not run, 5 nothing was played, 130 interrupted; the reports hold what was played.
    """
    from seatrial.cli.check import CheckOptions, run_check

    files = {
        "junit": junit,
        "tap": tap,
        "json": json,
        "har": har,
        "html": html,
        "markdown": markdown,
        "curl": curl,
    }
    options = CheckOptions(
        paths=tuple(paths or ()),
        realm=realm,
        tags=tuple(tag or ()),
        names=tuple(name or ()),
        variables=tuple(var or ()),
        list_only=list_only,
        dry=dry,
        fail_fast=fail_fast,
        jobs=jobs,
        verbosity=-1 if quiet else verbose,
        files={format_name: target for format_name, target in files.items() if target is not None},
        show_secrets=show_secrets,
        hurl=hurl,
    )
    finish(run_check(options))


@app.command()
def load(
    profile: Annotated[
        str | None, typer.Argument(help="The profile's name, from scenarios/profiles/; not with --worker.")
    ] = None,
    realm: RealmOption = None,
    var: VarOption = None,
    json: JsonOption = None,
    processes: ProcessesOption = None,
    master: Annotated[bool, typer.Option("--master", help="Have it played by workers on other machines.")] = False,
    expect_workers: Annotated[
        int | None, typer.Option("--expect-workers", help="With --master: begin when so many are here; default 1.")
    ] = None,
    bind: Annotated[
        str | None, typer.Option("--bind", help="With --master: the address to listen at; default 127.0.0.1.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="With --master: the port; default 5557.")] = None,
    workers_within: Annotated[
        str | None, typer.Option("--workers-within", help="With --master: how long to wait for them; default 60s.")
    ] = None,
    worker: Annotated[
        str | None, typer.Option("--worker", metavar="HOST[:PORT]", help="Play a part for the master there.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="Show Locust's page while it runs, on 127.0.0.1 only.")] = False,
    web_port: Annotated[int | None, typer.Option("--web-port", help="With --web: its port; default 8089.")] = None,
    hlog: HlogOption = None,
    csv: CsvOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Play journeys in bulk by a load profile; judges no service. Exit 5 when its own generator was overloaded."""
    from seatrial.cli.load import run_load
    from seatrial.cli.load_spread import SpreadOptions, choose_profile_or_worker, run_worker, spread_of, web_port_of
    from seatrial.reports.load.files import LoadFiles

    files = LoadFiles(hlog, csv, metrics)
    options = SpreadOptions(processes, master, expect_workers, bind, port, workers_within, web, web_port)
    chosen = choose_profile_or_worker(profile, worker, options, files=files)
    if worker is not None:
        finish(run_worker(worker))
    spread, page, variables = spread_of(options), web_port_of(options), tuple(var or ())
    finish(run_load(chosen, realm, variables=variables, json_file=json, spread=spread, files=files, web_port=page))


@app.command()
def assess(
    realm: RealmOption = None,
    gate: Annotated[str, typer.Option("--gate", help="The gate of slo/.")] = "default",
    service: Annotated[list[str] | None, typer.Option("--service", help="Judge only this service; repeat.")] = None,
    revision: Annotated[list[str] | None, typer.Option("--revision", help="SERVICE=SHA that was deployed.")] = None,
    canary: Annotated[
        list[str] | None,
        typer.Option("--canary", help="URL or SERVICE=URL of a new version, compared with the old one; repeat."),
    ] = None,
    share: Annotated[
        str | None, typer.Option("--share", help="How much of the plays the canary gets; 10% unless said.")
    ] = None,
    var: VarOption = None,
    processes: ProcessesOption = None,
    strict: StrictOption = False,
    json: JsonOption = None,
    junit: JunitOption = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", help="Write a summary for a CI job to FILE, `-` for stdout.")
    ] = None,
) -> None:
    """The gate: acceptance, load, chaos, one verdict.

    Exit codes: 0 met (DEGRADED too, unless --strict), 1 missed, 2 a word on the command line is wrong, 3 a file is
    not what it should be, 4 could not run, 5 undecided or no data, 130 interrupted, after healing.
    """
    from seatrial.cli.assess import AssessOptions, run_assess

    options = AssessOptions(
        realm=realm,
        gate=gate,
        services=tuple(service or ()),
        revisions=tuple(revision or ()),
        variables=tuple(var or ()),
        processes=1 if processes is None else processes,
        strict=strict,
        json_file=json,
        junit_file=junit,
        markdown_file=markdown,
        canaries=tuple(canary or ()),
        share=share,
    )
    finish(run_assess(options))


@app.command()
def judge(
    run: Annotated[str, typer.Argument(help="A run's name or folder, or `last`.")] = "last",
    strict: StrictOption = False,
    json: JsonOption = None,
) -> None:
    """Redo the verdict of a recorded run with the objectives as they are now."""
    from seatrial.cli.judge import run_judge

    finish(run_judge(run, strict=strict, json_file=json))


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="A run's name or folder, or `last`.")] = "last",
    hlog: HlogOption = None,
    csv: CsvOption = None,
    metrics: MetricsOption = None,
) -> None:
    """Redo the report of a recorded run and print where it is; with files of its load, write those alone."""
    from seatrial.cli.judge import run_report, write_load_files
    from seatrial.reports.load.files import LoadFiles

    files = LoadFiles(hlog, csv, metrics)
    finish(write_load_files(run, files) if files else run_report(run))


@app.command()
def compare(
    base: Annotated[
        str, typer.Argument(help="The earlier run: its name or folder, a baseline's name, or `last`; RUN:base.")
    ],
    new: Annotated[str, typer.Argument(help="The run that is held against it; of one with a canary RUN:canary.")],
    at_most: Annotated[str, typer.Option("--at-most", help="How much worse the new one may be, as +10%.")] = "0%",
    across_realms: Annotated[
        bool, typer.Option("--across-realms", help="Compare runs of different realms all the same.")
    ] = False,
    json: JsonOption = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", help="Write a table for a CI job to FILE, `-` for stdout.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every comparison, not only those that decide.")] = False,
) -> None:
    """Compare two recorded runs: errors, latency, throughput per service and route, with intervals.

    Shown is what made the grade, the rest is counted. Exit codes: 0 MET, nothing is worse; 1 MISSED, something is;
    5 UNDECIDED or no data.
    """
    from seatrial.cli.compare import CompareOptions, run_compare

    finish(run_compare(CompareOptions(base, new, at_most, across_realms, json, markdown, every)))


app.command()(diff)
app.command()(gameday)


@app.command()
def watch(
    realm: RealmOption = None,
    once: Annotated[bool, typer.Option("--once", help="Play every monitor once and end.")] = False,
    bound: Annotated[str | None, typer.Option("--for", help="End after this long, e.g. 10m.")] = None,
    database: Annotated[Path | None, typer.Option("--database", help="Default: .seatrial/history.db")] = None,
) -> None:
    """The monitor: play synthetic/ on its schedule, keep results, post a webhook when one goes down or comes back."""
    from seatrial.cli.watch import run_watch

    finish(run_watch(realm, once=once, bound=bound, database=database))


@app.command()
def schema(
    kind: Annotated[str | None, typer.Argument(help="A kind of document, as scenario; default: one for all.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write KIND.schema.json files into this folder.")
    ] = None,
) -> None:
    """Print the JSON Schema of the documents, for editors: completion, help and marks at what is wrong."""
    from seatrial.cli.schema import run_schema

    finish(run_schema(kind, output))


def main() -> None:
    """The console script: every failure is one sentence on stderr and an exit code, never a traceback."""
    start_short()
    print_anything()
    stop = _Stop()
    for number in heeded():
        signal.signal(number, stop)
    try:
        code = app(standalone_mode=False)
    except SeatrialError as error:
        say(str(error) if isinstance(error, Interrupted) else f"error: {error}")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - sorted at once: a usage error or a defect of ours
        sys.exit(_unforeseen(error))
    except SystemExit as ended:
        # typer makes a code 1 of a broken pipe, whosever it was; 1 is a verdict's word.
        sys.exit(_broken_pipe(ended.__context__) if isinstance(ended.__context__, OSError) else ended.code)
    if stop.asked and code == ExitCode.INTERRUPTED:  # typer makes a code of an interrupt by itself, without a word
        say("interrupted; what was injected is healed, what was started is stopped")
    sys.exit(code if isinstance(code, int) else 0)


class _Stop:
    """What Ctrl-C, SIGTERM and SIGHUP do: the first ends the command, further ones do not disturb its cleaning up.

    `asked`: whether the first has come.
    """

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """KeyboardInterrupt for all: no `except Exception` on the way may take it for a failure."""
        if self.asked:
            say("still healing and stopping; please wait")
            return
        self.asked = True
        raise KeyboardInterrupt


def _unforeseen(error: Exception) -> ExitCode:
    """typer's own complaints about words on the command line are usage errors; anything else could not be run."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return ExitCode.USAGE
    if os.environ.get(TRACEBACK):
        say("".join(traceback.format_exception(error)).rstrip())
    # The system refuses for reasons of its own: a full disk, a folder that may not be written.
    whose = "" if isinstance(error, OSError) else "this is a defect of seatrial "
    say(f"seatrial failed: {type(error).__name__}: {error}; {whose}({TRACEBACK}=1 shows where)")
    return ExitCode.COULD_NOT_RUN


def _broken_pipe(error: OSError) -> ExitCode:
    """Results pass through `tell`, so where nobody reads stdout it was help that was cut: no failure."""
    stdout = select.poll()
    stdout.register(STDOUT, 0)
    unread = any(event & select.POLLERR for _, event in stdout.poll(0))
    return ExitCode.MET if unread else _unforeseen(error)
