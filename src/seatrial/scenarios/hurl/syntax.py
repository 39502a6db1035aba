"""A `.hurl` file as it is written: what its grammar tells apart, each part with its place, nothing understood yet.

Room scenarios, private to `hurl`. `parse.py` gives these. Frozen. May import the floor only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from seatrial.errors import Where


@dataclass(frozen=True, slots=True)
class Hole:
    """`{{name}}`: the value of a variable, or of one of the two functions."""

    name: str
    where: Where


@dataclass(frozen=True, slots=True)
class Text:
    """A text with holes in it, its escapes resolved."""

    pieces: tuple[str | Hole, ...]
    where: Where

    @property
    def plain(self) -> str | None:
        """The text when it has no hole."""
        if any(isinstance(piece, Hole) for piece in self.pieces):
            return None
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    @property
    def source(self) -> str:
        """The text with its holes as `{{name}}`."""
        return "".join(piece if isinstance(piece, str) else f"{{{{{piece.name}}}}}" for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Bare:
    """A hole that stands for a whole JSON value."""

    hole: Hole


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON as written, white space and escapes included; a `Hole` stands inside a string, a `Bare` for a value."""

    pieces: tuple[str | Hole | Bare, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Pair:
    """`name: value`."""

    name: Text
    value: Text
    where: Where


@dataclass(frozen=True, slots=True)
class FilePart:
    """`name: file,path; type` of a multipart form."""

    name: Text
    path: Text
    content_type: Text | None
    where: Where


class BlockKind(enum.StrEnum):
    """What a block between triple backticks says it is."""

    TEXT = ""
    JSON = "json"
    XML = "xml"
    RAW = "raw"
    GRAPHQL = "graphql"


@dataclass(frozen=True, slots=True)
class Block:
    """A text between triple backticks; `variables` are those of a GraphQL query."""

    kind: BlockKind
    text: Text
    where: Where
    variables: JsonText | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A text of one line between backticks."""

    text: Text
    where: Where


@dataclass(frozen=True, slots=True)
class Xml:
    """An XML document as it is written; it has no holes."""

    text: str
    where: Where


@dataclass(frozen=True, slots=True)
class Bytes:
    """`base64,...;` or `hex,...;`."""

    value: bytes
    where: Where


@dataclass(frozen=True, slots=True)
class File:
    """`file,path;`."""

    path: Text
    where: Where


Body = JsonText | Xml | Block | Line | Bytes | File


@dataclass(frozen=True, slots=True)
class Regex:
    """`/pattern/`, its slashes unescaped."""

    pattern: str
    where: Where


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true, false or null."""

    value: Any
    where: Where


Argument = Text | Regex | Literal | Hole
"""What follows a query's or a filter's name."""


@dataclass(frozen=True, slots=True)
class Query:
    """Where to look; `attribute` is that of a cookie."""

    name: str
    where: Where
    argument: Text | Regex | None = None
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to make of what was found."""

    name: str
    where: Where
    arguments: tuple[Argument, ...] = ()


Operand = Text | Regex | Literal | Hole | Bytes | File | Block


@dataclass(frozen=True, slots=True)
class Predicate:
    """What to ask of it; `operand` None for those that take none."""

    name: str
    negated: bool
    where: Where
    operand: Operand | None = None


@dataclass(frozen=True, slots=True)
class Assert:
    """One line of `[Asserts]`."""

    query: Query
    filters: tuple[Filter, ...]
    predicate: Predicate
    where: Where


@dataclass(frozen=True, slots=True)
class Capture:
    """One line of `[Captures]`."""

    name: Text
    query: Query
    filters: tuple[Filter, ...]
    redacted: bool
    where: Where


@dataclass(frozen=True, slots=True)
class Definition:
    """The value of the option `variable`."""

    name: str
    value: Literal | Text
    where: Where


OptionValue = Literal | Text | Hole | Definition


@dataclass(frozen=True, slots=True)
class Option:
    """One line of `[Options]`; a duration is a Literal of seconds."""

    name: str
    value: OptionValue
    where: Where


@dataclass(frozen=True, slots=True)
class Request:
    """The first half of an entry, its sections by their contents, each in the file's order."""

    method: str
    url: Text
    where: Where
    headers: tuple[Pair, ...] = ()
    query: tuple[Pair, ...] = ()
    form: tuple[Pair, ...] = ()
    multipart: tuple[Pair | FilePart, ...] = ()
    cookies: tuple[Pair, ...] = ()
    basic_auth: Pair | None = None
    options: tuple[Option, ...] = ()
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The second half of an entry; `version` empty and `status` None mean any."""

    version: str
    version_where: Where
    status: int | None
    status_where: Where
    headers: tuple[Pair, ...] = ()
    captures: tuple[Capture, ...] = ()
    asserts: tuple[Assert, ...] = ()
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, and what is expected of its answer, if the file says so. `number` counts from 1."""

    number: int
    request: Request
    response: Response | None
