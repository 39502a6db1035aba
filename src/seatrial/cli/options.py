"""Options that several commands share, and how a command ends. What each command adds stands with it."""

from __future__ import annotations

from typing import Annotated

import typer

from seatrial.errors import ExitCode

RealmOption = Annotated[
    str | None,
    typer.Option("--realm", "-r", envvar="SEATRIAL_REALM", help="The realm of realms.yaml; default: its `default`."),
]
VarOption = Annotated[list[str] | None, typer.Option("--var", help="NAME=VALUE, over the realm's variables; repeat.")]
DefectOption = Annotated[
    list[str] | None, typer.Option("--defect", help="NAME|N[:SERVICE][=VALUE], e.g. 5:cards or slow:ledger=20%.")
]
ReplicasOption = Annotated[
    bool, typer.Option("--replicas", help="With two ledgers on the same books: the realm `replicas`.")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="DEGRADED is a miss too.")]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", help="Play the load with so many processes of this machine; default 1.")
]
HlogOption = Annotated[
    str | None, typer.Option("--hlog", help="Write the load's latencies as an HdrHistogram log to FILE.")
]
CsvOption = Annotated[str | None, typer.Option("--csv", help="Write a row per second and step of the load to FILE.")]
MetricsOption = Annotated[
    str | None, typer.Option("--metrics", help="Write the load's numbers in Prometheus' text format to FILE.")
]
JsonOption = Annotated[str | None, typer.Option("--json", help="Write the result as JSON to FILE, `-` for stdout.")]

JunitOption = Annotated[str | None, typer.Option("--junit", help="Write JUnit XML to FILE, `-` for stdout.")]


def finish(code: ExitCode) -> None:
    """End the command with that status."""
    raise typer.Exit(int(code))
