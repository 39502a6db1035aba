"""How an answer is changed on its way: its status, headers, body, and members of a JSON body. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from seatrial.chaos.proxy.heads import BODYLESS
from seatrial.chaos.proxy.scanner import CHUNK_SIZE, Body

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]
GATHERED_BYTES = 1024 * 1024
"""An answer whose members are to be changed is kept until it is whole; a longer one passes as it is."""


@dataclass(frozen=True)
class Edit:
    """What is put in place; None, or nothing, leaves it. `members` are JSON Pointers (RFC 6901) with JSON texts."""

    status: int | None = None
    headers: Headers = ()
    body: bytes | None = None
    members: Headers = ()

    def then(self, other: Edit) -> Edit:
        """This one, and `other` after it."""
        return Edit(
            status=self.status if other.status is None else other.status,
            headers=(*self.headers, *other.headers),
            body=self.body if other.body is None else other.body,
            members=(*self.members, *other.members) if other.body is None else other.members,
        )

    def without_body(self) -> Edit:
        """What of it the head alone shows."""
        return replace(self, body=None, members=())

    @property
    def touches_body(self) -> bool:
        """Claims that it needs the body, or a place for another."""
        return self.body is not None or bool(self.members)


NOTHING = Edit()


@dataclass(frozen=True)
class Original:
    """An answer as the upstream gave it; `body` as it was sent, with the framing of chunks. `method` asked for it."""

    head: bytes
    status: int
    method: str
    framing: int | Body
    body: bytes = b""


def edited_head(original: Original, edit: Edit) -> bytes:
    """The head alone, its framing as it was."""
    status = original.status if edit.status is None else edit.status
    framed = original.status in BODYLESS and status not in BODYLESS
    more = (("Content-Length", "0"),) if framed and original.method != "HEAD" else ()
    return _head(original, status, (*edit.headers, *more), without=())


def edited(original: Original, edit: Edit) -> tuple[bytes, bytes]:
    """Head and body with everything changed; a body that is not what the members are for stays as it was."""
    status = original.status if edit.status is None else edit.status
    body = edit.body
    if body is None and not _is_encoded(original.head):
        body = _payload(original)
    changed = None if body is None else _with_members(body, edit.members)
    if changed is None or status in BODYLESS:
        return edited_head(original, edit.without_body()), original.body
    dropped = (
        "content-length",
        "transfer-encoding",
        "trailer",
        *(() if edit.body is None else ("content-encoding",)),
    )
    headers = (*edit.headers, ("Content-Length", str(len(changed))))
    head = _head(original, status, headers, without=dropped)
    return head, b"" if original.method == "HEAD" else changed


def phrase_of(status: int) -> str:
    """What a status is called."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Injected"


def _head(original: Original, status: int, headers: Headers, *, without: Iterable[str]) -> bytes:
    first, *lines = original.head.decode("latin-1").rstrip("\r\n").split("\r\n")
    if status != original.status:
        first = f"{first.split(' ', 1)[0]} {status} {phrase_of(status)}"
    gone = {*without, *(name.lower() for name, _ in headers)}
    kept = [line for line in lines if line.partition(":")[0].strip().lower() not in gone]
    given = {name.lower(): f"{name}: {value}" for name, value in headers}
    return "\r\n".join([first, *kept, *given.values(), "", ""]).encode("latin-1")


def _is_encoded(head: bytes) -> bool:
    return b"\r\ncontent-encoding:" in head.lower()


def _payload(original: Original) -> bytes | None:
    """The body without the framing of chunks."""
    if original.framing is not Body.CHUNKED:
        return original.body
    found: list[bytes] = []
    at, body = 0, original.body
    while size := CHUNK_SIZE.match(body, at):
        length = int(size[1], 16)
        if not length:
            return b"".join(found)
        found.append(body[size.end() : size.end() + length])
        at = size.end() + length + 2
    return None


def _with_members(body: bytes, members: Headers) -> bytes | None:
    """The JSON with each member put in its place; None when it is no JSON or has not that place."""
    if not members:
        return body
    try:
        content = json.loads(body)
        for pointer, text in members:
            content = _put(content, pointer, json.loads(text))
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _put(content: Any, pointer: str, value: Any) -> Any:
    """The content with `value` at the pointer; a member of an object need not be there yet."""
    if not pointer:
        return value
    *way, last = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    place = content
    for name in way:
        place = place[_index(name) if isinstance(place, list) else name]
    if isinstance(place, list):
        place[_index(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise LookupError(pointer)
    return content


def _index(text: str) -> int:
    if not text.isdigit():
        raise LookupError(text)
    return int(text)
