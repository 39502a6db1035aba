"""A game day as it is written: experiments in order, each with a hypothesis and who watches what.

Takes a `gameday:` document, gives a `GameDay`. An experiment stands in it by name, or is written in place: then
`read` knows it like any other of the workspace. May import only the floor and this room's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import documents
from seatrial.chaos.written.shapes import RawExperiment, RawGameDay, RawStep
from seatrial.documents import Document
from seatrial.errors import DocumentError, UsageError, Where

KIND = "gameday"


@dataclass(frozen=True, slots=True)
class Step:
    """One experiment of the day. `watch` says, by who it is, what they look at."""

    experiment: str
    hypothesis: str
    watch: Mapping[str, str]
    where: Where


@dataclass(frozen=True, slots=True)
class GameDay:
    """One game-day document. `people` are names by role; `before` are asked go or no-go before anything else."""

    name: str
    steps: tuple[Step, ...]
    people: Mapping[str, str]
    before: tuple[str, ...]
    where: Where
    file: str = ""


def read_gameday(file: Path) -> GameDay:
    """The game day of one file; DocumentError for every mistake in it, or where it is another kind of document.

    Whether its experiments exist is not known here.
    """
    document = documents.load(file)
    if document.kind != KIND:
        problem = f"this is no game day but begins with '{document.kind}'"
        raise DocumentError(document.where_key(document.kind), problem, f"a game day begins with '{KIND}: NAME'")
    return _read(document)


def gameday_files(workspace: Path) -> tuple[str, ...]:
    """Every game day of a workspace, as a user would type its file."""
    return tuple(document.file for document in documents.find(workspace / "chaos", KIND))


def require_file(file: Path, workspace: Path) -> None:
    """UsageError for a file that is not there, naming the game days that are; and for one that is not below chaos/,
    where nobody would find the experiments written in it again."""
    if not file.is_file():
        known = ", ".join(gameday_files(workspace)) or "none yet; docs/game-day.md shows one"
        raise UsageError(f"{file}: no such file; the game days of this workspace: {known}")
    if not file.resolve().is_relative_to((workspace / "chaos").resolve()):
        raise UsageError(f"{file}: a game day stands below chaos/ of its workspace; move it to chaos/gamedays/")


def written_in_place(document: Document) -> Iterator[Document]:
    """The experiments that stand in a game day itself, each as a document of its own with its places in that file."""
    steps = document.content.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict) and isinstance(step.get("experiment"), dict):
            yield document.part("steps", index, "experiment", kind="experiment")


def _read(document: Document) -> GameDay:
    for part in written_in_place(document):
        documents.parse(part, RawExperiment)  # so that a mistake in one is told as in a file of its own
    raw = documents.parse(document, RawGameDay)
    return GameDay(
        name=raw.gameday,
        steps=tuple(_step(step, index, document) for index, step in enumerate(raw.steps)),
        people=raw.people,
        before=tuple(raw.before),
        where=document.where(KIND),
        file=document.file,
    )


def _step(raw: RawStep, index: int, document: Document) -> Step:
    named: Any = raw.experiment
    name = named if isinstance(named, str) else named.experiment
    return Step(name, raw.hypothesis, raw.watch, document.where("steps", index, "experiment"))
