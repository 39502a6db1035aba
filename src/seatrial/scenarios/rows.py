"""The rows a scenario is played for: a list in the document, a CSV file or a JSON file in, `Row`s out.

Room scenarios, its reading private to `read`. `expand_rows` gives the scenarios that are really played. Pure but for
the file; DocumentError names the place of what is wrong, in the data file too.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import documents, match
from seatrial.documents import Document
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.files import Files
from seatrial.scenarios.model import Row, Scenario
from seatrial.scenarios.written.shapes import RawRows

MAX_ROWS = 1_000_000
MAX_LABEL = 40


def read_rows(raw: RawRows, document: Document, files: Files) -> tuple[Row, ...]:
    """The rows in the order they are played in; DocumentError when there is none, or one is no mapping."""
    fields: Sequence[Mapping[str, Any]] = raw.inline or ()
    if raw.file is not None:
        fields = _of_file(raw.file, document.where("rows", "file"), files)
    if not fields:
        raise DocumentError(
            document.where("rows"), "no rows, so nothing would be played", "add a row, or leave `rows` out"
        )
    rows = [Row(number, row) for number, row in enumerate(fields, start=1)]
    if raw.shuffle is not None:
        random.Random(raw.shuffle).shuffle(rows)
    return tuple(rows)


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


def _of_file(path: str, where: Where, files: Files) -> list[Mapping[str, Any]]:
    if path.lower().endswith(".csv"):
        return list(_of_csv(files.text(path, where), _shown(path, where, files)))
    if path.lower().endswith(".json"):
        return _of_json(files.text(path, where), _shown(path, where, files))
    raise DocumentError(where, f"'{path}' is neither a .csv nor a .json file", "write the rows as one of these")


def _shown(path: str, where: Where, files: Files) -> str:
    return documents.shown_path(files.find(path, where))


def _of_csv(text: str, path: str) -> Iterator[Mapping[str, Any]]:
    """RFC 4180 with a head of names; every field is a text."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = _names(next(reader, []), path)
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                problem = f"{len(row)} fields, where the head has {len(names)}"
                raise DocumentError(Where(path, reader.line_num, 1), problem, "quote a field that holds a comma")
            yield dict(zip(names, row, strict=True))
            if reader.line_num > MAX_ROWS:
                raise DocumentError(Where(path, reader.line_num, 1), f"more than {MAX_ROWS} lines", "split the file")
    except csv.Error as error:
        raise DocumentError(Where(path, max(1, reader.line_num), 1), f"not CSV: {error}") from None


def _names(head: Sequence[str], path: str) -> list[str]:
    names = [name.strip() for name in head]
    if not names or not all(names):
        raise DocumentError(Where(path, 1, 1), "the first line must name every column", "as `user,password`")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DocumentError(Where(path, 1, 1), f"two columns are called '{twice}'", "rename one")
    return names


def _of_json(text: str, path: str) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(Where(path, error.lineno, error.colno), f"not JSON: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise DocumentError(Where(path, 1, 1), f"not JSON: {error}") from None
    if not isinstance(content, list) or not all(isinstance(row, Mapping) for row in content):
        raise DocumentError(Where(path, 1, 1), "not a list of objects", 'write [{"user": "ada"}, ...]')
    return content
