"""What a handler is asked and what it answers, and the reading of bodies.

A handler takes an `Asked` and gives an `Answer`; what it cannot go along with it raises as `Refused`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from seatrial.demo.context import Context

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` None means an answer without one."""

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A 4xx answer, raised where it is found out."""

    def __init__(self, status: int, error: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = Answer(status, {"error": error, "detail": detail}, named)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: path parameters, headers (lower-case names), the raw body and its context."""

    params: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    context: Context

    def id(self, name: str) -> str:
        """A path parameter that is an id of ours; anything else cannot exist, so it is 404."""
        value = self.params[name]
        if not is_id(value):
            raise Refused(404, "not_found", f"{name}: no id looks like {value[:64]!r}")
        return value

    def fields(self) -> "Fields":
        """The body as fields, JSON or form; 400 for broken JSON, 415 for other types, 422 for no object."""
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind == _FORM:
            return Fields(dict(parse_qsl(self.content.decode("utf-8", "replace"), keep_blank_values=True)))
        if kind != "application/json":
            raise Refused(415, "unsupported_media_type", f"{kind!r} is not read here; send application/json")
        return Fields(_json_object(self.content))


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a body; each reader raises `Refused` 422 for what is missing or wrong."""

    given: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """Text of 1 to 128 characters."""
        value = self.given.get(name, default)
        if not isinstance(value, str) or not 1 <= len(value) <= 128:
            raise _wrong(name, "text of 1 to 128 characters", value)
        return value

    def cents(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """A whole number of cents, up to ten million units."""
        value = self.given.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 1_000_000_000:
            raise _wrong(name, f"a whole number of cents from {least} to 1000000000", value)
        return value

    def one_of(self, name: str, *allowed: str) -> str:
        value = self.given.get(name)
        if value not in allowed:
            raise _wrong(name, " or ".join(repr(each) for each in allowed), value)
        return str(value)


def is_id(text: str) -> bool:
    """Whether a text looks like an id of ours, and so can stand in a path as it is."""
    return _ID.fullmatch(text) is not None


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError as error:
        raise Refused(400, "malformed", f"body is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused(422, "invalid", "body: a JSON object is wanted")
    return body


def _wrong(name: str, wanted: str, value: object) -> Refused:
    got = "nothing" if value is None else repr(value)[:80]
    return Refused(422, "invalid", f"{name}: {wanted} is wanted, not {got}")
