"""The command line of `seatrial runs`: options and their meaning. What it does is in `runs`."""

from __future__ import annotations

from typing import Annotated

import typer

from seatrial.cli.options import JsonOption, finish

runs_app = typer.Typer(help="The recorded runs.", no_args_is_help=True)


@runs_app.command("list")
def runs_list(json: JsonOption = None) -> None:
    """List the recorded runs, newest last: realm, profile, verdict, revision and baseline names."""
    from seatrial.cli.runs import run_list

    finish(run_list(json))


@runs_app.command("prune")
def runs_prune(
    keep: Annotated[int | None, typer.Option("--keep", min=0, help="Keep the newest N runs.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Remove only runs begun longer ago than this, e.g. 30d.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Only say what would be removed.")] = False,
) -> None:
    """Remove old run folders; never a baseline, the last MET run of its kind, or one still going on."""
    from seatrial.cli.runs import run_prune

    finish(run_prune(keep=keep, older_than=older_than, dry=dry))


@runs_app.command("baseline")
def runs_baseline(
    name: Annotated[str, typer.Argument(help="The name, as release-1.4; given again, it moves.")],
    run: Annotated[str | None, typer.Argument(help="A run's name or folder, a baseline, or `last`.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away; the run stays.")] = False,
) -> None:
    """Name a run, so that `versus: NAME` and `compare` find it and `prune` keeps it."""
    from seatrial.cli.runs import run_baseline

    finish(run_baseline(name, run, forget=remove))
