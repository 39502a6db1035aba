"""What an import came to: documents of ours, and an honest account of what became of everything in the original.

Room scenarios, importers. Every importer fills a `Tally` while it goes and ends with an `Imported`; `report_text` is
what the user is told. Imports the floor only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from seatrial.quantity import counted, singular
from seatrial.redact import Secrets
from seatrial.scenarios.importers.naming import Names, secret_name

MAX_NOTES = 200
"""Notes that are told one by one; a thousand scripts that cannot be converted are told by their number."""

COUNTED = ("scenarios", "requests", "operations", "checks", "schema checks", "captures", "assignments")
"""What is counted, in the order of telling."""

_MAX_QUOTED = 160


@dataclass(frozen=True, slots=True)
class Note:
    """Something of the original that is not in the result, or is there in another form."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    `documents` are (file name, content), ready for `writing.dump`. `converted` counts by plural noun, in the order of
    telling. `secrets` are the names the realm must declare, `variables` those nothing gives a value yet, `files` what
    must be put beside the documents before they can be read.
    """

    name: str
    source: str
    documents: tuple[tuple[str, dict[str, Any]], ...]
    converted: Mapping[str, int]
    notes: tuple[Note, ...] = ()
    secrets: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass
class Tally:
    """What an importer learns on its way. Secrets are told apart by their values: one value, one name."""

    names: Names = field(default_factory=Names)
    converted: Counter[str] = field(default_factory=Counter)
    variables: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    _notes: dict[Note, None] = field(default_factory=dict)
    _secrets: dict[str, str] = field(default_factory=dict)

    def note(self, where: str, text: str) -> None:
        """Tell this at the end; the same note is told once."""
        self._notes.setdefault(Note(where, text))

    def count(self, what: str, number: int = 1) -> None:
        """So many more of these, by plural noun, were converted."""
        self.converted[what] += number

    def secret(self, hint: str, value: str) -> str:
        """The expression for a secret value, as `secrets.password`; a value seen before keeps its name."""
        if value not in self._secrets:
            self._secrets[value] = _free(secret_name(hint), set(self._secrets.values()))
        name = self._secrets[value]
        return f"secrets.{name}" if name.isidentifier() else f"secrets['{name}']"

    def secret_given(self, name: str, value: str) -> None:
        """A secret the user has named; where its value stands in the original, that name is what stands for it."""
        self._secrets[value if value and value not in self._secrets else f"\0{name}"] = name

    def holds(self, value: str) -> bool:
        """Whether that value is a secret that was found before."""
        return value in self._secrets

    def secret_called(self, name: str) -> str:
        """The expression for a secret that is known by name only."""
        return self.secret(name, f"\0{secret_name(name)}")

    def unset(self, name: str) -> None:
        """A variable that nothing in the original gives a value."""
        if name not in self.variables:
            self.variables.append(name)

    def file(self, original: str) -> str:
        """The path under which a document names a file of the original: a relative one that leads nowhere else."""
        path = PurePosixPath(original.replace("\\", "/").replace("\0", ""))
        inside = not path.is_absolute() and ".." not in path.parts and ":" not in original
        name = str(path) if inside else path.name
        name = name if name not in ("", ".") else "file"
        self.files.setdefault(name, original)
        return name

    def _masked(self) -> Iterator[Note]:
        """The notes, without the values of the secrets that were found."""
        secrets = Secrets()
        for value, name in self._secrets.items():
            secrets.add(name, value)
        for note in self._notes:
            yield Note(note.where, secrets.redact(note.text))

    def imported(self, name: str, source: str, documents: Iterator[tuple[str, dict[str, Any]]]) -> Imported:
        """The result, once everything was converted; `documents` is consumed first, for it may still tell things."""
        made = tuple(documents)
        return Imported(
            name=name,
            source=source,
            documents=made,
            converted={what: {"scenarios": len(made), **self.converted}.get(what, 0) for what in COUNTED},
            notes=tuple(self._masked()),
            secrets=tuple(self._secrets.values()),
            variables=tuple(self.variables),
            files=tuple(self.files),
        )


def report_text(imported: Imported) -> str:
    """The account of an import: what was converted, what was not and why, what is still to be given."""
    return "\n".join(_lines(imported))


def quoted(text: str) -> str:
    """A piece of the original inside a note: one line, not too long."""
    line = re.sub(r"\s+", " ", text).strip()
    return f"`{line[:_MAX_QUOTED]}{'...' if len(line) > _MAX_QUOTED else ''}`"


def _lines(imported: Imported) -> Iterator[str]:
    yield f"imported '{imported.name}' from {imported.source}"
    counts = [counted(number, singular(noun)) for noun, number in imported.converted.items() if number]
    yield f"  converted: {', '.join(counts)}"
    if imported.notes:
        yield f"  not converted, or in another form ({len(imported.notes)}):"
        for note in imported.notes[:MAX_NOTES]:
            yield f"    {note.where}: {note.text}" if note.where else f"    {note.text}"
        if len(imported.notes) > MAX_NOTES:
            yield f"    ... and {len(imported.notes) - MAX_NOTES} more"
    else:
        yield "  not converted: nothing; all of it is there"
    if imported.secrets:
        yield "  secrets are in no file; tell the realm in realms.yaml where to find them, as:"
        yield "    secrets:"
        yield from (f"      {name}: {{env: {name.upper()}}}" for name in imported.secrets)
    if imported.files:
        yield f"  files to put beside the scenario: {', '.join(imported.files)}"
    if imported.variables:
        given = " ".join(f"--var {name}=..." for name in imported.variables)
        yield f"  variables nothing gives a value yet: add them to `vars`, or {given}"


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, len(taken) + 3) if f"{name}_{number}" not in taken)
