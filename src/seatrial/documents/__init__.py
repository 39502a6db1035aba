"""The only door to YAML: reads a document with the place of everything in it, and finds the workspace.

Takes a file of a user, gives a `Document`: plain values typed by the strict core schema (only
true/false/null and JSON numbers are typed; dates, `no`, `012` stay text; duplicate keys are errors) which
knows the `Where` of every path in it. `parse` then holds it against a pydantic model and turns the first
mistake into a `DocumentError` with its place and a hint. `reader` alone knows YAML. Must never execute or construct
anything.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from seatrial import quantity
from seatrial.documents.document import Document, Steps
from seatrial.documents.mistakes import first_mistake
from seatrial.documents.reader import MAX_DEPTH, MAX_DIGITS, MAX_NODES, read, scalar
from seatrial.errors import DocumentError, UsageError, Where

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_NODES",
    "WORKSPACE_FILE",
    "Document",
    "DurationS",
    "Quantile",
    "RatePerS",
    "Ratio",
    "Shape",
    "Steps",
    "files_in",
    "find",
    "find_workspace",
    "keep",
    "load",
    "loads",
    "parse",
    "scalar",
    "shown_path",
]

MAX_BYTES = 1 << 20
WORKSPACE_FILE = "realms.yaml"

Raw = TypeVar("Raw", bound=BaseModel)


class Named(Protocol):
    """What a document says, once read."""

    @property
    def name(self) -> str:
        """What others call it."""

    @property
    def where(self) -> Where | None:
        """Where its document stands."""


Item = TypeVar("Item", bound=Named)

DurationS = Annotated[float, BeforeValidator(quantity.duration_s)]
RatePerS = Annotated[float, BeforeValidator(quantity.rate_per_s)]
Ratio = Annotated[float, BeforeValidator(quantity.ratio)]
Quantile = Annotated[float, BeforeValidator(quantity.quantile)]


class Shape(BaseModel):
    """The root of every raw document shape: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def find_workspace(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds realms.yaml; UsageError when none does."""
    try:
        return _workspace_above(start.resolve())
    except LookupError:
        hint = "go to a workspace, or make one: seatrial init"
        raise UsageError(f"{start}: no {WORKSPACE_FILE} here or above; {hint}") from None


def in_workspace(start: Path) -> bool:
    """Whether a folder from `start` upwards holds realms.yaml."""
    try:
        return bool(_workspace_above(start.resolve()))
    except LookupError:
        return False


@functools.lru_cache(maxsize=64)
def _workspace_above(here: Path) -> Path:
    """LookupError, which is not remembered, when there is none: one may be made meanwhile."""
    for folder in (here, *here.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return folder
    raise LookupError


def files_in(folder: Path) -> tuple[Path, ...]:
    """Every YAML file below the folder, sorted; empty when the folder is not there."""
    found = (path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern))
    return tuple(sorted(path for path in found if path.is_file()))


def find(folder: Path, kind: str) -> tuple[Document, ...]:
    """Every document of that kind below the folder, sorted by file name."""
    return tuple(doc for doc in map(load, files_in(folder)) if doc.kind == kind)


def keep(item: Item, known: dict[str, Item], document: Document) -> None:
    """Put what the document says among those of its kind, by name; DocumentError when one has that name already."""
    if item.name in known:
        raise DocumentError(
            document.where(document.kind),
            f"a second {document.kind} '{item.name}'",
            f"the first is at {known[item.name].where}; rename or remove one",
        )
    known[item.name] = item


def load(path: Path) -> Document:
    """Read one file; DocumentError with file:line:column for everything that can be wrong with it."""
    shown = shown_path(path)
    return loads(_read_text(path, shown), shown)


def loads(text: str, file: str) -> Document:
    """Read a document from text; `file` is what error messages call it."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise _too_large(file)
    content, root = read(text, file)
    return Document(file, next(iter(content)), content, text, root)


def parse(document: Document, model: type[Raw]) -> Raw:
    """Hold the document against its shape; DocumentError names the place of the first mistake."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise first_mistake(error, document, model) from None


def shown_path(path: Path) -> str:
    """The path as a user would type it: relative to here when it is below here."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)


def _too_large(file: str) -> DocumentError:
    return DocumentError(Where(file, 1, 1), f"the file is larger than {MAX_BYTES} bytes", "split it")


def _place_of_byte(error: UnicodeDecodeError, shown: str) -> Where:
    """Where the first byte stands that is none of UTF-8; all before it is."""
    before = error.object[: error.start].decode(errors="replace")
    return Where(shown, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _read_text(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # it may be a device, whose size nobody knows
        if len(content) > MAX_BYTES:
            raise _too_large(shown)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(_place_of_byte(error, shown), "not UTF-8 text", "save it as UTF-8") from None
    except OSError as error:
        raise DocumentError(
            Where(shown, 1, 1), f"cannot be read: {error.strerror}", "check its name and rights"
        ) from None
