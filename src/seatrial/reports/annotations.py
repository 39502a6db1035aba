"""Findings as GitHub's workflow commands: a line each, which Actions shows at the place in the documents.

Room reports. Pure; may import the floor and `printable`. MISSED is an error, UNDECIDED and DEGRADED are
warnings, what does not count is a notice.
The form: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions (error, warning); data
escapes `%`, carriage return and line feed, a property `:` and `,` too (actions/toolkit, core/src/command.ts).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from seatrial.errors import Where
from seatrial.reports.page import with_texts
from seatrial.reports.printable import printable
from seatrial.verdict import Finding, Grade, Subject

_COMMANDS = {Grade.MISSED: "error", Grade.UNDECIDED: "warning", Grade.DEGRADED: "warning"}
MOST = 10
"""GitHub shows ten errors and ten warnings of a step; of more, the last line says how many there are."""


def annotation_lines(findings: Iterable[Finding], *, redact: Callable[[str], str], root: Path) -> Iterator[str]:
    """A line for each finding that is not MET, the worst first; of information none. `root` is the repository's,
    which files are named from."""
    unmet = (one for one in findings if one.grade is not Grade.MET and one.subject is not Subject.INFORMATION)
    against = sorted(unmet, key=lambda one: -one.grade.badness)
    for command in ("error", "warning", "notice"):
        own = [finding for finding in against if _command(finding) == command]
        shown = own if len(own) <= MOST else own[: MOST - 1]
        for finding in shown:
            yield _line(command, with_texts(finding, lambda text: printable(redact(text))), root)
        if len(own) > len(shown):
            yield f"::{command} title=seatrial::{len(own) - len(shown)} more findings, in the report"


def _command(finding: Finding) -> str:
    return _COMMANDS[finding.grade] if finding.counts else "notice"


def _line(command: str, finding: Finding, root: Path) -> str:
    numbers = ", ".join(filter(None, (finding.measured_text, finding.limit_text and f"limit {finding.limit_text}")))
    message = "; ".join(filter(None, (numbers, finding.reason)))
    properties = {**_place(finding.where, root), "title": f"{finding.shown_as}: {finding.name}"}
    listed = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    return f"::{command} {listed}::{_data(message)}"


def _place(where: Where | None, root: Path) -> dict[str, str]:
    """File and line; files outside the repository have no place there."""
    if where is None:
        return {}
    file = Path(os.path.relpath(where.file, root))
    if file.parts[0] == "..":
        return {}
    return {"file": file.as_posix(), "line": str(where.line), "col": str(where.column)}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
