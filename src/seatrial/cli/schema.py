"""`seatrial schema`: prints the JSON Schema of the documents, or writes those of every kind for an editor."""

from __future__ import annotations

from pathlib import Path

from seatrial.cli.console import as_json, tell, write_file
from seatrial.errors import ExitCode, UsageError
from seatrial.schema import KINDS, combined_schema, schema_of

COMBINED = "seatrial"


def run_schema(kind: str | None, folder: Path | None) -> ExitCode:
    """One kind's schema, or the one for all of them: on stdout, or as a file in `folder`.

    Without a kind the folder gets one file a kind beside `seatrial.schema.json`, which is for all.
    """
    if folder is None:
        write_file("-", as_json(schema_of(kind) if kind else combined_schema()))
        return ExitCode.MET
    schemas = {name: schema_of(name) for name in ([kind] if kind else KINDS)}
    if not kind:
        schemas[COMBINED] = combined_schema()
    _make(folder)
    for name, schema in schemas.items():
        target = folder / f"{name}.schema.json"
        write_file(str(target), as_json(schema))
        tell(str(target))
    return ExitCode.MET


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
