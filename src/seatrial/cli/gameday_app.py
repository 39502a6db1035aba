"""The command line of `seatrial gameday`: options and their meaning. What it does is in `gameday`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.options import RealmOption, VarOption, finish


def gameday(
    file: Annotated[Path, typer.Argument(help="The game day's document, below chaos/.")],
    realm: RealmOption = None,
    var: VarOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Answer every go/no-go with go; nobody is asked.")] = False,
) -> None:
    """A guided game day: experiments step by step, with go/no-go, notes, a halt key and a written record.

    Answers come from stdin, a line each; without one nothing is injected. Exit codes: 0 every step that was run was
    met, 1 one was missed, 4 could not go on, 5 undecided or no step was run, 130 interrupted, after healing.
    """
    from seatrial.cli.gameday import run_gameday

    finish(run_gameday(file, realm, variables=tuple(var or ()), yes=yes))
