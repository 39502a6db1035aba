"""The command line of `seatrial chaos`: options and their meaning. What it does is in `chaos`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.options import JsonOption, JunitOption, RealmOption, VarOption, finish

chaos_app = typer.Typer(help="Faults on purpose: experiments, and their undoing.", no_args_is_help=True)


@chaos_app.command("plan")
def chaos_plan(
    experiment: Annotated[str | None, typer.Argument(help="Its name, or its file; default: all.")] = None,
    realm: RealmOption = None,
) -> None:
    """List what experiments would touch and do nothing; of a realm that is not up, what its documents tell."""
    from seatrial.cli.chaos import run_plan

    finish(run_plan(experiment, realm))


@chaos_app.command("run")
def chaos_run(
    experiment: Annotated[str, typer.Argument(help="The experiment's name, or its file.")],
    realm: RealmOption = None,
    var: VarOption = None,
    json: JsonOption = None,
) -> None:
    """Run one experiment under its traffic and judge the mechanisms it names."""
    from seatrial.cli.assess import run_experiment

    finish(run_experiment(experiment, realm, variables=tuple(var or ()), json_file=json))


@chaos_app.command("audit")
def chaos_audit(
    realm: RealmOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="An edge (a->b), a fault (hang) or a defect's number; may be repeated."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Whose journeys are the traffic; default: the default gate's.")
    ] = None,
    var: VarOption = None,
    json: JsonOption = None,
    junit: JunitOption = None,
) -> None:
    """Find resilience defects: strain each edge of the dependency graph under traffic, and name what shows."""
    from seatrial.cli.audit import run_audit

    finish(
        run_audit(
            realm,
            profile=profile,
            only=tuple(only or ()),
            variables=tuple(var or ()),
            json_file=json,
            junit_file=junit,
        )
    )


@chaos_app.command("halt")
def chaos_halt() -> None:
    """End every experiment and audit that runs in this workspace, in any terminal; each heals on its way out."""
    from seatrial.cli.chaos import run_halt

    finish(run_halt())


@chaos_app.command("recover")
def chaos_recover() -> None:
    """Undo every fault the ledgers of this workspace still hold open; harmless when there is none."""
    from seatrial.cli.chaos import run_recover

    finish(run_recover())


@chaos_app.command("proxy")
def chaos_proxy(
    host: Annotated[str, typer.Option("--host", "-host", help="Where the API listens.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-port", min=0, max=65_535, help="Its port; 0 takes a free one.")
    ] = 8474,
    config: Annotated[
        Path | None, typer.Option("--config", "-config", help="A JSON list of proxies, as for /populate.")
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", "-seed", help="Makes every chance the same each time.")
    ] = None,
    observe: Annotated[
        bool, typer.Option("--observe", help="Read HTTP/1: exchanges, and counts by route and status.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", "-version", help="Say whose API this is, and end.")] = False,
    _: Annotated[
        bool,
        typer.Option(
            "--proxy-metrics",
            "-proxy-metrics",
            "--runtime-metrics",
            "-runtime-metrics",
            help="Nothing: /metrics is on.",
        ),
    ] = False,
) -> None:
    """The embedded proxy: Toxiproxy's API, with leases and counters. One dash before an option will do, as there."""
    from seatrial.cli.chaos import run_proxy, tell_proxy_version

    finish(
        tell_proxy_version()
        if version
        else run_proxy(host=host, port=port, config=config, seed=seed, observe=observe)
    )
