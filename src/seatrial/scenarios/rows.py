"""The scenarios a scenario with rows is really played as."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from seatrial import match
from seatrial.scenarios.model import Row, Scenario

MAX_LABEL = 40


def expand_rows(scenario: Scenario) -> Iterator[Scenario]:
    """The scenario once for each of its rows, as `pay with a card [row 3: ada]`; itself when it has none."""
    if scenario.rows is None:
        yield scenario
        return
    for row in scenario.rows:
        yield dataclasses.replace(scenario, name=f"{scenario.name} [{title(row)}]", row=row, rows=None)


def title(row: Row) -> str:
    """`row 3: ada`: its number, and its first field where that says anything on one line."""
    first = next(iter(row.fields.values()), None)
    label = " ".join(first.split()) if isinstance(first, str) else match.plain(first) if first is not None else ""
    return f"row {row.number}: {label[:MAX_LABEL]}" if label else f"row {row.number}"
