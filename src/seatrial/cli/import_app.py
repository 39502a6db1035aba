"""The command line of `seatrial import`: options and their meaning. What it does is in `import_`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.options import finish

import_app = typer.Typer(
    help="Convert what was written for other tools; ends with a report of what was converted and what was not.",
    no_args_is_help=True,
)

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Write to this folder, or this .yaml file; default: show the YAML."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]
ServiceOption = Annotated[
    list[str] | None,
    typer.Option("--service", help="NAME=BASE_URL: requests below it go to service://NAME; repeat."),
]
NameOption = Annotated[str | None, typer.Option("--name", help="The scenario's name; default: the file's.")]


@import_app.command("postman")
def import_postman(
    collection: Annotated[str, typer.Argument(help="A collection exported as v2.1, `-` for stdin.")],
    environment: Annotated[
        list[str] | None,
        typer.Option("--environment", "-e", help="An exported environment; the last one wins; repeat."),
    ] = None,
    folder: Annotated[str | None, typer.Option("--folder", help="Only the requests of this folder.")] = None,
    per_folder: Annotated[
        bool,
        typer.Option("--per-folder", help="A scenario for each folder at the top; default: one, as newman plays."),
    ] = False,
    service: ServiceOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert a Postman collection and its environments, scripts included as far as they are understood."""
    from seatrial.cli.import_ import Output, run_import_postman

    finish(
        run_import_postman(
            collection,
            environment or [],
            Output(output, force),
            services=service or [],
            folder=folder,
            per_folder=per_folder,
        )
    )


@import_app.command("har")
def import_har(
    recording: Annotated[str, typer.Argument(help="A HAR file, `-` for stdin.")],
    host: Annotated[list[str] | None, typer.Option("--host", help="Only requests to this host; repeat.")] = None,
    static: Annotated[bool, typer.Option("--static", help="Keep images, fonts, styles and scripts.")] = False,
    name: NameOption = None,
    service: ServiceOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert a recording of a browser or proxy; what a request took from an earlier answer becomes a capture."""
    from seatrial.cli.import_ import Output, run_import_har

    finish(
        run_import_har(
            recording, Output(output, force), services=service or [], hosts=host or [], static=static, name=name
        )
    )


@import_app.command("openapi")
def import_openapi(
    document: Annotated[str, typer.Argument(help="An OpenAPI 3 document, JSON or YAML, `-` for stdin.")],
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only operations of this tag; repeat.")] = None,
    service: ServiceOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert an OpenAPI document: a smoke journey for each tag, with example data and schema checks."""
    from seatrial.cli.import_ import Output, run_import_openapi

    finish(run_import_openapi(document, Output(output, force), services=service or [], tags=tag or []))


@import_app.command("curl")
def import_curl(
    lines: Annotated[list[str] | None, typer.Argument(help="curl lines, files of them, `-` for stdin.")] = None,
    name: NameOption = None,
    service: ServiceOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert curl command lines, as pasted or copied from a browser, into one scenario."""
    from seatrial.cli.import_ import Output, run_import_curl

    finish(run_import_curl(lines or [], Output(output, force), services=service or [], name=name))


@import_app.command("hurl")
def import_hurl(
    files: Annotated[list[str], typer.Argument(help="Hurl files; `seatrial check` also plays them as they are.")],
    variable: Annotated[list[str] | None, typer.Option("--variable", help="NAME=VALUE, as Hurl types it.")] = None,
    variables_file: Annotated[
        list[str] | None, typer.Option("--variables-file", help="A file of lines NAME=VALUE; repeat.")
    ] = None,
    secret: Annotated[list[str] | None, typer.Option("--secret", help="NAME=VALUE; only its name is kept.")] = None,
    location: Annotated[bool, typer.Option("--location", help="Follow redirects, as hurl --location does.")] = False,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert Hurl files, a scenario each."""
    from seatrial.cli.import_ import Output, run_import_hurl

    given = {"variable": variable, "variables-file": variables_file, "secret": secret, "location": location}
    kept = {name: value for name, value in given.items() if value}
    finish(run_import_hurl(files, Output(output, force), given=kept))


@import_app.command("keptn")
def import_keptn(
    slo: Annotated[str, typer.Argument(help="Keptn's slo.yaml (v1), `-` for stdin.")],
    service: Annotated[str, typer.Option("--service", help="Whose objectives they are.")],
    sli: Annotated[str | None, typer.Option("--sli", help="The sli.yaml with its queries, of Prometheus.")] = None,
    project: Annotated[str | None, typer.Option("--project", help="What $PROJECT is in the queries.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="The load profile it is judged under.")] = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Convert a quality gate of Keptn into a service and a gate that judge the same values the same way."""
    from seatrial.cli.import_ import Output
    from seatrial.cli.import_keptn import Asked, run_import_keptn
    from seatrial.slo.keptn import Choice

    finish(run_import_keptn(Asked(slo, sli, Choice(service, project, profile)), Output(output, force)))
