"""The command line of `seatrial chaos`: options and their meaning. What it does is in `chaos`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.options import JsonOption, RealmOption, VarOption, finish

chaos_app = typer.Typer(help="Faults on purpose: experiments, and their undoing.", no_args_is_help=True)


@chaos_app.command("plan")
def chaos_plan(
    experiment: Annotated[str | None, typer.Argument(help="Its name; default: all.")] = None,
    realm: RealmOption = None,
) -> None:
    """List the resolved targets of experiments and do nothing."""
    from seatrial.cli.chaos import run_plan

    finish(run_plan(experiment, realm))


@chaos_app.command("run")
def chaos_run(
    experiment: Annotated[str, typer.Argument(help="The experiment's name.")],
    realm: RealmOption = None,
    var: VarOption = None,
    json: JsonOption = None,
) -> None:
    """Run one experiment under its traffic and judge the mechanisms it names."""
    from seatrial.cli.assess import run_experiment

    finish(run_experiment(experiment, realm, variables=tuple(var or ()), json_file=json))


@chaos_app.command("recover")
def chaos_recover() -> None:
    """Undo every fault the ledgers of this workspace still hold open; harmless when there is none."""
    from seatrial.cli.chaos import run_recover

    finish(run_recover())


@chaos_app.command("proxy")
def chaos_proxy(
    host: Annotated[str, typer.Option(help="Where the API listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port; 0 takes a free one.")] = 8474,
    config: Annotated[Path | None, typer.Option(help="A JSON list of proxies, as for /populate.")] = None,
) -> None:
    """The embedded proxy: Toxiproxy's API, with leases and counters."""
    from seatrial.cli.chaos import run_proxy

    finish(run_proxy(host=host, port=port, config=config))
