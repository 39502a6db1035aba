"""Statements and expressions of a script, once read: `syntax` gives them, others ask what they mean.

Room scenarios, importers. Plain frozen values.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A name."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression."""

    text: str
    flags: str


@dataclass(frozen=True, slots=True)
class Joined:
    """A template text: texts and expressions in turn."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`, or `of[key]` where the key is a fixed one."""

    of: Expression
    name: str | int


@dataclass(frozen=True, slots=True)
class Call:
    """`of(arguments)`; `new` stands before some."""

    of: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function, of whatever form."""

    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`sign of`."""

    sign: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """`left sign right`."""

    sign: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Array:
    """`[items]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Object:
    """`{name: value}`."""

    members: tuple[tuple[str, Expression], ...]


Expression = Name | Literal | Pattern | Joined | Member | Call | Function | Unary | Binary | Array | Object


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. With a `target` it sets that; with a `condition` it holds a body that is run only then; without an
    expression it is not understood. `text` is as written."""

    text: str
    line: int
    value: Expression | None = None
    target: Expression | None = None
    condition: Expression | None = None
    body: tuple[Statement, ...] = ()
