"""What `assess` and `judge` tell GitHub Actions by themselves, by the variables it sets: a summary, and annotations.

Takes what was assessed and the environment; writes to stdout and to the file that GITHUB_STEP_SUMMARY names.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from seatrial.assess.run import Assessed
from seatrial.cli.console import say, tell
from seatrial.reports.annotations import annotation_lines
from seatrial.reports.markdown import markdown

ACTIONS = "GITHUB_ACTIONS"
SUMMARY = "GITHUB_STEP_SUMMARY"
WORKSPACE = "GITHUB_WORKSPACE"


@contextlib.contextmanager
def quoting(environment: Mapping[str, str]) -> Iterator[None]:
    """Around telling what a target may have said: in Actions no line of it is obeyed as a workflow command."""
    if environment.get(ACTIONS) != "true":
        yield
        return
    token = secrets.token_hex(16)
    tell(f"::stop-commands::{token}")
    try:
        yield
    finally:
        tell(f"::{token}::")


def tell_github(assessed: Assessed, environment: Mapping[str, str], *, taken: Iterable[str | None]) -> None:
    """Nothing outside of Actions. No annotation where stdout is `taken` (`-`) for a file. A summary that cannot be
    written is said, and changes nothing of the verdict."""
    redact = assessed.secrets.redact
    if environment.get(ACTIONS) == "true" and "-" not in taken:
        root = Path(environment.get(WORKSPACE) or ".").resolve()
        for line in annotation_lines(assessed.verdict.findings, redact=redact, root=root):
            tell(line)
    if environment.get(SUMMARY):
        _append(Path(environment[SUMMARY]), markdown(assessed.page, redact=redact))


def _append(file: Path, text: str) -> None:
    """Steps share the file, so what stands there stays."""
    try:
        with file.open("a", encoding="utf-8") as summary:
            summary.write(text)
    except OSError as error:
        say(f"{file}: the step's summary cannot be written: {error.strerror}")
