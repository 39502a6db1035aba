"""What the head of an HTTP/1 message says (RFC 9112). Pure; shared by the observer and the desk.

Fields are looked up in a lower-cased head, by their name with the line end before it and its colon after it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from seatrial.chaos.proxy.scanner import Body, NotHttp

if TYPE_CHECKING:
    from collections.abc import Callable

_Read = TypeVar("_Read")
_KNOWN_HEADS = 256
_KNOWN_HEAD_BYTES = 1024
"""Longer heads are read anew each time, so that what is remembered stays small."""

SWITCHING_PROTOCOLS = 101
BODYLESS = frozenset((204, 304))
_PATH_CHARACTERS = 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^ \r\n]+) HTTP/1\.([01])\r\n")
_REQUEST_START = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: [^\r\n]*)?\r?\Z")
_REQUEST_LINE_END = re.compile(rb" HTTP/1\.[01]\r\n")
_METHOD_AND_TARGET = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z] [^ \r\n]+\Z")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})[ \r]")
_STATUS_START = b"HTTP/1."
_HEAD_END = b"\r\n\r\n"
_CODING_FIELD = b"\r\ntransfer-encoding:"
_LENGTH_FIELD = b"\r\ncontent-length:"
_CONNECTION_FIELD = b"\r\nconnection:"
_EXPECT_FIELD = b"\r\nexpect:"
_TRACE_PARENT_FIELD = b"\r\ntraceparent:"
_TRACE_PARENT = re.compile(rb"[ \t]*[0-9a-f]{2}-([0-9a-f]{32})-")
_USUAL_TRACE_PARENT = b"\r\ntraceparent: 00-"
_USUAL_IDS = re.compile(rb"([0-9a-f]{32})-[0-9a-f]{16}")


class RequestLine(NamedTuple):
    """The first line of a request; `target` as it was sent, `minor` the 1 of HTTP/1.1."""

    method: str
    target: bytes
    minor: int


class StatusLine(NamedTuple):
    """The first line of an answer."""

    status: int
    minor: int


class RequestHead(NamedTuple):
    """What an observer wants of a request's head of `size` bytes; `body` None: it cannot be followed as HTTP/1."""

    method: str
    path: str
    trace_id: str | None
    body: int | Body | None
    size: int


def _remembering(read: Callable[[bytes], _Read]) -> Callable[[bytes], _Read]:
    """The same reading, which does a head that comes again and again only once."""
    known = lru_cache(_KNOWN_HEADS)(read)

    def look(head: bytes) -> _Read:
        return known(head) if len(head) <= _KNOWN_HEAD_BYTES else read(head)

    return look


def request_line(head: bytes) -> RequestLine:
    """How a request begins. Raises `NotHttp`."""
    line = _REQUEST_LINE.match(head)
    if line is None:
        raise NotHttp
    return RequestLine(line[1].decode("ascii"), line[2], int(line[3]))


@_remembering
def request_head(head: bytes) -> RequestHead:
    """What a request's head says. Raises `NotHttp` where it is none."""
    line = request_line(head)
    fields = head.lower()
    body: int | Body | None = None
    if line.method != "CONNECT":
        with suppress(NotHttp):
            body = request_body_of(fields)
    return RequestHead(line.method, path_of(line.target), trace_id_of(fields), body, len(head))


def whole_request(data: bytes) -> RequestHead | None:
    """What its head says, when these bytes are one request from its first byte to its last; else None.

    Requests that are alike but for the ids of their traceparent are read once.
    """
    start = data.find(_USUAL_TRACE_PARENT, 0, data.find(_HEAD_END))
    ids = _USUAL_IDS.match(data, start + len(_USUAL_TRACE_PARENT)) if start >= 0 else None
    if ids is None:
        return _whole_request(data)
    first, last = ids.span()
    alike = _whole_request(data[:first] + data[last:])
    if alike is None:
        return None
    return RequestHead(alike.method, alike.path, ids[1].decode("ascii"), alike.body, alike.size + last - first)


@_remembering
def _whole_request(data: bytes) -> RequestHead | None:
    size = data.find(_HEAD_END) + len(_HEAD_END)
    line = _REQUEST_LINE.match(data, 0, size)
    if line is None or line[1] == b"CONNECT":
        return None
    fields = data[:size].lower()
    try:
        body = request_body_of(fields)
    except NotHttp:
        return None
    if body != len(data) - size:
        return None
    return RequestHead(line[1].decode("ascii"), path_of(line[2]), trace_id_of(fields), body, size)


@_remembering
def whole_answer(data: bytes) -> int | None:
    """Its status, when these bytes are one final answer, to anything but HEAD, from first to last; else None."""
    size = data.find(_HEAD_END) + len(_HEAD_END)
    line = _STATUS_LINE.match(data, 0, size)
    if line is None:
        return None
    status = int(line[2])
    try:
        body = 0 if status in BODYLESS else body_of(data[:size].lower())
    except NotHttp:
        return None
    return status if status >= 200 and body == len(data) - size else None


def status_line(head: bytes) -> StatusLine:
    """How an answer begins. Raises `NotHttp`."""
    line = _STATUS_LINE.match(head)
    if line is None:
        raise NotHttp
    return StatusLine(int(line[2]), int(line[1]))


def begins_request(data: bytes) -> bool:
    """Claims that the first line of a request, all of it, is what these bytes begin with."""
    return _REQUEST_LINE.match(data) is not None


def request_lines_in(text: bytes) -> int:
    """How many lines of it are the first of a request, or end as one: before that may stand the end of a body."""
    lines = (text[text.rfind(b"\n", 0, end.start()) + 1 : end.start()] for end in _REQUEST_LINE_END.finditer(text))
    return sum(_METHOD_AND_TARGET.search(line) is not None for line in lines)


def may_be_request(start: bytes) -> bool:
    """Claims that a request may begin so."""
    wanted = _REQUEST_LINE if b"\r\n" in start else _REQUEST_START
    return wanted.match(start) is not None


def may_be_status(start: bytes) -> bool:
    """Claims that an answer may begin so."""
    return start.startswith(_STATUS_START) or _STATUS_START.startswith(start)


def path_of(target: bytes) -> str:
    """The path of a request target, without query; an absolute URL loses its origin."""
    path = target.partition(b"?")[0]
    if path[:1] != b"/" and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path[:_PATH_CHARACTERS].decode("latin-1")


def trace_id_of(fields: bytes) -> str | None:
    """The trace id of a W3C `traceparent` header."""
    start = fields.find(_TRACE_PARENT_FIELD)
    found = _TRACE_PARENT.match(fields, start + len(_TRACE_PARENT_FIELD)) if start >= 0 else None
    return found[1].decode("ascii") if found else None


def body_of(fields: bytes) -> int | Body | None:
    """How long the body is; Transfer-Encoding wins over Content-Length (RFC 9112, 6.3); None: neither is there."""
    coding = _field(fields, _CODING_FIELD)
    if coding is not None:
        return Body.CHUNKED if coding.endswith(b"chunked") else Body.UNTIL_CLOSE
    length = _field(fields, _LENGTH_FIELD)
    if length is None:
        return None
    if not length.isdigit():
        raise NotHttp
    return int(length)


def request_body_of(fields: bytes) -> int | Body:
    """How long the body of a request is; without a word about it there is none."""
    body = body_of(fields)
    return 0 if body is None or body is Body.UNTIL_CLOSE else body


@_remembering
def status_in(head: bytes) -> int:
    """The status of an answer. Raises `NotHttp`."""
    return status_line(head).status


@_remembering
def _body_in(head: bytes) -> int | Body | None:
    return body_of(head.lower())


def answer_body_in(head: bytes, *, status: int, method: str) -> int | Body:
    """How long the body of a final answer to `method` is (RFC 9112, 6.3)."""
    if status in BODYLESS or method == "HEAD":
        return 0
    body = _body_in(head)
    return Body.UNTIL_CLOSE if body is None else body


def stays_open(fields: bytes, *, minor: int) -> bool:
    """Claims that the connection outlives the message (RFC 9112, 9.3)."""
    said = [each.strip() for each in (_field(fields, _CONNECTION_FIELD) or b"").split(b",")]
    return b"keep-alive" in said if not minor else b"close" not in said


def expects_continue(fields: bytes) -> bool:
    """Claims that the caller sends the body only when told to (RFC 9110, 10.1.1)."""
    return _field(fields, _EXPECT_FIELD) == b"100-continue"


def _field(fields: bytes, name: bytes) -> bytes | None:
    """The first value of a header in a lower-cased head."""
    found = fields.find(name)
    if found < 0:
        return None
    start = found + len(name)
    return fields[start : fields.find(b"\r\n", start)].strip()
