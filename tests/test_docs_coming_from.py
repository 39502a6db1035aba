"""What docs/coming-from.md gives as ours is ours: every snippet is read, every command is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer.main

from seatrial import documents
from seatrial.cli.main import app
from seatrial.scenarios.answers.wanted import QueryKind
from seatrial.scenarios.read import read_scenario

OF_THE_DOCUMENT = {"tags", "rows", "setup", "teardown"}
OF_A_SENDER = {"request", "websocket", "sse"}
STEP = "scenario: s\nservice: api\nsteps: [{%s}]\n"


def rows(page):
    """The cells of every row of the tables that have a column "ours"."""
    ours = None
    for line in page.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not line.startswith("|"):
            ours = None
        elif ours is None:
            ours = "ours" in cells
        elif ours and not re.fullmatch(r"[|:-]+", line):
            yield cells


def snippets():
    """Every mapping that stands in a column of ours."""
    page = (Path(__file__).parent.parent / "docs" / "coming-from.md").read_text()
    found = [span for cells in rows(page) for cell in cells[1:] for span in re.findall(r"`(\{[^`{][^`]*\})`", cell)]
    assert len(found) > 90
    return sorted(set(found))


def whole(snippet):
    """The scenario the snippet is a part of."""
    content = documents.loads(f"snippet: {snippet}", "page").content["snippet"]
    keys = set(content)
    if keys & set(QueryKind):
        return STEP % f"request: {{url: /x}}, expect: {{checks: [{snippet}]}}"
    if keys <= OF_THE_DOCUMENT:
        return f"scenario: s\nservice: api\nsteps: [{{request: {{url: /x}}}}]\n{_keys(snippet)}\n"
    return STEP % (snippet[1:-1] if keys & OF_A_SENDER else f"request: {{url: /x}}, {snippet[1:-1]}")


def _keys(snippet):
    """A flow mapping's keys as those of a document, which may not begin with a brace."""
    content = documents.loads(f"snippet: {snippet}", "page").content["snippet"]
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in content.items())


@pytest.mark.parametrize("snippet", snippets())
def test_snippet_is_read(snippet, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(whole(snippet))
    assert read_scenario(path).steps


@pytest.mark.parametrize(
    "command", ["check", "import postman", "import har", "import openapi", "import curl", "import hurl"]
)
def test_command_is_there_and_named(command, root):
    group = typer.main.get_command(app)
    for word in command.split():
        group = group.commands[word]
    assert f"seatrial {command}" in (root / "docs" / "coming-from.md").read_text()
