"""The command line of `seatrial diff`: options and their meaning. What it does is in `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.options import finish


def diff(
    primary: Annotated[str, typer.Argument(help="The realm that serves now; its noise is measured.")],
    candidate: Annotated[str, typer.Argument(help="The realm that is compared with it.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files (.yaml, .hurl) or folders; default: scenarios/.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only journeys with this tag; repeat.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="Only journeys of this name; repeat.")] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", help="NAME=VALUE, over both realms' variables; repeat.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", help="How often each journey is compared; default: 10.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Repeats order, ids and random values of a run that told it.")
    ] = None,
    mutating: Annotated[
        bool, typer.Option("--mutating", help="Play steps that write too; both realms must allow mutations.")
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", help="A field not to compare, as `$.items[*].id` or `header.etag`; repeat."),
    ] = None,
    recording: Annotated[
        str | None, typer.Option("--from", help="Replay the requests of this HAR recording, `-` for stdin.")
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="NAME=BASE_URL: captured requests below it go to this service; repeat."),
    ] = None,
    json: Annotated[
        str | None, typer.Option("--json", help="Write the result as JSON to FILE, `-` for stdout.")
    ] = None,
    markdown: Annotated[
        str | None, typer.Option("--markdown", help="Write a summary for a CI job to FILE, `-` for stdout.")
    ] = None,
    html: Annotated[str | None, typer.Option("--html", help="Write one self-contained page to FILE.")] = None,
) -> None:
    """Play the same journeys against two realms and tell which fields of their answers differ, noise taken off.

    Exit codes: 0 no difference, 1 differences, 2 a word on the command line is wrong, 3 a file is not what it should
    be, 4 could not run, 5 undecided or nothing compared, 130 interrupted; the run's folder holds what was compared.
    """
    from seatrial.cli.diff import DiffOptions, run_diff

    files = {"json": json, "markdown": markdown, "html": html}
    options = DiffOptions(
        primary=primary,
        candidate=candidate,
        paths=tuple(paths or ()),
        tags=tuple(tag or ()),
        names=tuple(name or ()),
        variables=tuple(var or ()),
        rounds=rounds,
        seed=seed,
        mutating=mutating,
        ignore=tuple(ignore or ()),
        recording=recording,
        services=tuple(service or ()),
        files={form: target for form, target in files.items() if target is not None},
    )
    finish(run_diff(options))
