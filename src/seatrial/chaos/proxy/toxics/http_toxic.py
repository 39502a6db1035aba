"""What the kinds of toxic that understand HTTP/1 have in common: what they may do, and how they answer.

Such a toxic has no stage of its own. The desk of a connection asks it about each request, once its head has come, and
does what the plan says.
"""

from __future__ import annotations

import dataclasses
import json
import re
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from seatrial.chaos.proxy.edit import NOTHING, Edit, Headers, phrase_of
from seatrial.chaos.proxy.fields import Fields
from seatrial.chaos.proxy.globs import compiled
from seatrial.chaos.proxy.toxics.toxic import LARGEST, Settings, Stream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from seatrial.chaos.proxy.rule import Asked

_Value = TypeVar("_Value")

_ROUTE = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+ )?[/*][\x21-\x7e\x80-\xff]*")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset(("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"))
_LONGEST_BODY = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer that is made here."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Plan:
    """What becomes of an exchange: `instead` is given for the upstream's answer, `forward` whether it is asked.

    A request may go on, an answer be given so many seconds late; of an answer's body, after the `edit`, at most
    `cut_after_bytes` pass before the connection is closed.
    """

    instead: Answer | None = None
    forward: bool = True
    request_late_s: float = 0.0
    answer_late_s: float = 0.0
    cut_after_bytes: int | None = None
    edit: Edit = NOTHING


UNTOUCHED = Plan()


@dataclass(frozen=True)
class Occasion:
    """What a toxic may ask when it hits: the direction it stands in, and its dice."""

    stream: Stream
    dice: Random


def text(wire: str, wanted: Callable[[str], str | None]) -> str:
    """A field that is a text, empty unless given."""
    return _field("", Wire(wire, Fields.text, wanted))


def whole(wire: str, *, default: int, least: int, most: int) -> int:
    """A field that is a whole number."""
    return _field(default, Wire(wire, Fields.integer, _from_to(least, most)))


def whole_or_none(wire: str, *, least: int, most: int) -> int | None:
    """A field that is a whole number where it is given."""
    return _field(None, Wire(wire, Fields.integer, _from_to(least, most)))


def share(wire: str) -> float:
    """A field that is a chance, 1 unless given."""

    def wanted(value: float) -> str | None:
        return None if 0 <= value <= 1 else "0 to 1"

    return _field(1.0, Wire(wire, Fields.number, wanted))


def flag(wire: str) -> bool:
    """A field that is true or false, and false unless given."""
    return _field(False, Wire(wire, Fields.flag, _anything))


def body_text(wire: str, *, default: str) -> str:
    """A field that is the text of a body."""
    return _field(default, Wire(wire, Fields.text, _wanted_of_body))


def body_text_or_none(wire: str) -> str | None:
    """A field that is the text of a body where it is given."""
    return _field(None, Wire(wire, Fields.text, _wanted_of_body))


def members(wire: str) -> Headers:
    """A field of JSON values by JSON Pointer, kept as JSON texts."""

    def show(value: Headers) -> dict[str, Any]:
        return {pointer: json.loads(text) for pointer, text in value}

    return _field((), Wire(wire, Fields.json_texts, wanted_of_members, show))


def wanted_of_members(value: Headers) -> str | None:
    """What would be right about JSON Pointers that are none, else nothing."""
    wrong = (pointer for pointer, _ in value if pointer and not pointer.startswith("/"))
    return next((f"another {pointer!r}: a JSON Pointer, as /items/0/price" for pointer in wrong), None)


def header_fields(wire: str, wanted: Callable[[Headers], str | None]) -> Headers:
    """A field of headers by name, empty unless given."""
    return _field((), Wire(wire, Fields.texts, wanted, dict))


def wanted_of_route(value: str) -> str | None:
    """What would be right about a route that cannot be matched, else nothing."""
    return None if not value or _ROUTE.fullmatch(value) else "a path, as /cards/*, or METHOD /cards/*"


def wanted_of_method(value: str) -> str | None:
    """What would be right about a method that cannot be sent, else nothing."""
    return None if not value or _NAME.fullmatch(value) else "a method, as POST"


def wanted_of_selection(value: Headers) -> str | None:
    """What would be right about headers that cannot be looked for, else nothing."""
    return next((f"another {name!r}: a name" for name, _ in value if not _NAME.fullmatch(name)), None)


def wanted_of_headers(value: Headers) -> str | None:
    """What would be right about headers that cannot be sent, else nothing."""
    for name, line in value:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(line):
            return f"another {name!r}: a name without spaces and a value of one line"
        if name.lower() in _FRAMING:
            return f"no {name}: the proxy frames what it answers itself"
    return None


def _from_to(least: int, most: int) -> Callable[[int | None], str | None]:
    def wanted(value: int | None) -> str | None:
        return None if value is None or least <= value <= most else f"{least} to {most}"

    return wanted


def _wanted_of_body(value: str | None) -> str | None:
    short = value is None or len(value.encode()) <= _LONGEST_BODY
    return None if short else f"at most {_LONGEST_BODY} bytes"


def _anything(_: object) -> None:
    return None


def _field(default: _Value, wire: Wire) -> _Value:
    return dataclasses.field(default=default, metadata={"wire": wire})


@dataclass(frozen=True)
class HttpToxic(Settings):
    """The settings of a kind that acts on HTTP/1 exchanges; a connection that speaks anything else is left alone.

    A request is selected by `route` (`/path/*` or `METHOD /path/*`), `method` and all `request_headers` (patterns);
    of the selected ones the `first` so many, or `every` so-manieth, are hit, each by `probability`.
    """

    streams: ClassVar[tuple[Stream, ...]] = (Stream.DOWNSTREAM,)
    route: str = text("route", wanted_of_route)
    method: str = text("method", wanted_of_method)
    request_headers: tuple[tuple[str, str], ...] = header_fields("request_headers", wanted_of_selection)
    probability: float = share("probability")
    first: int | None = whole_or_none("first", least=1, most=LARGEST)
    every: int | None = whole_or_none("every", least=1, most=LARGEST)

    def selects(self, asked: Asked) -> bool:
        """Claims that a request is one of those that are meant."""
        if not is_on(asked.line.method, asked.path, route=self.route, only=self.method):
            return False
        return all(_is_like(asked.header(name), pattern) for name, pattern in self.request_headers)

    @abstractmethod
    def alter(self, plan: Plan, occasion: Occasion) -> Plan:
        """The plan for an exchange that is hit."""


def is_on(method: str, path: str, *, route: str, only: str) -> bool:
    """Claims that a request of a method for a path is on a route, and of the `only` method; an empty one is any."""
    wanted, _, pattern = route.rpartition(" ")
    if any(each and method != each.upper() for each in (only, wanted)):
        return False
    return not route or compiled(pattern).fullmatch(path) is not None


def render(answer: Answer, *, method: str, minor: int, stays_open: bool) -> tuple[bytes, bytes]:
    """Head and body of an answer; to HEAD it has no body, and it says whether the connection stays open after it."""
    headers = [("Content-Type", "text/plain; charset=utf-8"), *answer.headers]
    named = {name.lower(): (name, value) for name, value in headers}
    named["content-length"] = ("Content-Length", str(len(answer.body)))
    if not stays_open:
        named["connection"] = ("Connection", "close")
    elif not minor:
        named["connection"] = ("Connection", "keep-alive")
    lines = [f"HTTP/1.1 {answer.status} {phrase_of(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in named.values()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head, b"" if method == "HEAD" else answer.body


def _is_like(value: str | None, pattern: str) -> bool:
    return value is not None and compiled(pattern).fullmatch(value) is not None
