"""`seatrial import keptn`: Keptn's quality gates as a service and a gate; what is not in them is told on stderr."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial import documents
from seatrial.cli.import_ import Output, finish_import, text_of
from seatrial.errors import CannotRun, DocumentError, ExitCode, UsageError
from seatrial.scenarios.importers.imported import Imported, Note
from seatrial.slo.gate import read_gate
from seatrial.slo.keptn import Choice, convert
from seatrial.slo.keptn_file import read_sli, read_slo
from seatrial.slo.read import read_services

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of the command."""

    slo: str
    sli: str | None
    choice: Choice


def run_import_keptn(asked: Asked, output: Output) -> ExitCode:
    """Convert, read the result back, show or write it, and tell what is not in it."""
    service = asked.choice.service
    if not _FILE_NAME.fullmatch(service):
        raise UsageError(f"--service: '{service}' cannot be a name; use letters, digits, `_`, `.` and `-`")
    slo = read_slo(documents.loads(text_of(asked.slo), asked.slo))
    queries = read_sli(documents.loads(text_of(asked.sli), asked.sli)) if asked.sli else {}
    made = convert(slo, queries, asked.choice)
    imported = Imported(
        name=service,
        source=asked.slo,
        documents=((f"{service}.yaml", dict(made.service)), (f"gate-{service}.yaml", dict(made.gate))),
        converted=made.counts,
        notes=tuple(Note(where, text) for where, text in made.notes),
    )
    return finish_import(imported, output, read_back=_read_back)


def _read_back(texts: Mapping[str, str], files: Sequence[str]) -> None:
    """Read what was made as `assess` will; a service's file stands before its gate's."""
    with tempfile.TemporaryDirectory(prefix="seatrial-import-") as name:
        folder = Path(name).resolve()
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        try:
            (service,) = read_services(folder)
            read_gate(folder, service)
        except DocumentError as error:
            place = f"{Path(error.where.file).name}:{error.where.line}:{error.where.column}"
            said = f"the result does not read, which is a defect of seatrial: {place}: {error.problem}"
            raise CannotRun(said) from None
