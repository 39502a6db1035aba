"""One answer as queries see it: decoded and parsed at most once, and only when something asks.

Room scenarios, private to `query` and `expect`. Takes a `Response`, gives text, JSON, markup and cookies; must never
judge them.
"""

from __future__ import annotations

import codecs
import functools
from collections.abc import Callable, Mapping
from typing import Any

from seatrial import json_text
from seatrial.clock import SystemClock
from seatrial.exchange import Headers, Response
from seatrial.match import plain
from seatrial.scenarios.answers.markup import Markup, NotMarkup, parse

SYSTEM_NOW = SystemClock().now
_UNREAD = object()
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


class NotJson(ValueError):
    """The body is not JSON; the text says why."""


class Reading:
    """One response, decoded and parsed at most once however many queries look at it.

    `trace_id` is that of its play; `now` tells UTC seconds to the queries and filters that count days.
    """

    def __init__(self, response: Response, *, trace_id: str = "", now: Callable[[], float] = SYSTEM_NOW) -> None:
        self.response = response
        self.trace_id = trace_id
        self.now = now
        # Of the library's cached properties each takes a lock, which counts under load.
        self._text: str | None = None
        self._json: Any = _UNREAD

    @property
    def text(self) -> str:
        """The body in the charset its Content-Type names, else UTF-8; wrong bytes become U+FFFD."""
        if self._text is None:
            self._text = self._decoded()
        return self._text

    def _decoded(self) -> str:
        try:
            return self.response.body.decode(text_charset(self._charset or "utf-8"), errors="replace")
        except ValueError:
            return self.response.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        """The body as JSON; NotJson when it is not."""
        if self._json is _UNREAD:
            self._json = self._parsed()
        if isinstance(self._json, NotJson):
            raise self._json
        return self._json

    def _parsed(self) -> Any:
        try:
            if not _charset_in(self.response.headers):
                return json_text.parse_plain(self.response.body)
        except ValueError:
            pass
        try:
            return json_text.parse(self.text)
        except ValueError as error:
            shown = f"it reads {plain(self.text)}" if self.text else "it is empty"
            return NotJson(f"the body is not JSON ({error}); {shown}")

    @property
    def markup(self) -> Markup:
        """The body as XML, or as HTML where it is that; NotMarkup when it is neither.

        Its own declaration tells the charset where Content-Type does not, but HTML without one is UTF-8 if it can be.
        """
        if isinstance(self._markup, NotMarkup):
            raise self._markup
        return self._markup

    @functools.cached_property
    def _markup(self) -> Markup | NotMarkup:
        html = "text/html" in self._content_type.lower()
        own = not self._charset and (not html or "\ufffd" in self.text)
        try:
            return parse(self.response.body if own else self.text, html=html)
        except NotMarkup as error:
            return error

    @functools.cached_property
    def cookies(self) -> Mapping[str, tuple[str, Mapping[str, str]]]:
        """The cookies this answer sets, by name: value and attributes, those in lower case; the last one wins."""
        headers = self.response.headers
        return dict(_cookie(value) for name, value in headers if name.lower() == "set-cookie")

    @property
    def _content_type(self) -> str:
        return self.response.header("content-type") or ""

    @property
    def _charset(self) -> str:
        return _charset_in(self.response.headers)


@functools.lru_cache(maxsize=256)
def text_charset(name: str) -> str:
    """The charset by its usual name; ValueError for an unknown one.

    Python's codecs that are none (hex, zip) or that take quadratic time (idna, punycode) count as unknown: a server
    names the charset.
    """
    try:
        known = codecs.lookup(name).name
        b"a".decode(known, errors="replace")
    except (LookupError, ValueError):
        raise ValueError(f"unknown charset '{name}'") from None
    if known in _NO_CHARSETS:
        raise ValueError(f"unknown charset '{name}'")
    return known


@functools.lru_cache(maxsize=256)
def _charset_in(headers: Headers) -> str:
    """What Content-Type names; under load the same headers come again and again."""
    return next((_charset(value) for name, value in headers if name.lower() == "content-type"), "")


def _charset(content_type: str) -> str:
    if "charset" not in content_type.lower():
        return ""
    from email.message import Message  # it takes long to import, and most answers name no charset

    message = Message()
    message["Content-Type"] = content_type
    return str(message.get_param("charset", ""))


def _cookie(header: str) -> tuple[str, tuple[str, Mapping[str, str]]]:
    pair, *rest = header.split(";")
    name, _, value = pair.partition("=")
    attributes = (part.partition("=") for part in rest)
    return name.strip(), (value.strip(), {key.strip().lower(): content.strip() for key, _, content in attributes})
