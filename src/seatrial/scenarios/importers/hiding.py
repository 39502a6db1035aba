"""Keeps secrets of foreign requests out of documents: what sounds like one becomes `{{ secrets.NAME }}`.

Room scenarios, importers. Texts come and go with marks; a text that is nothing but expressions is no secret of
itself.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.scenarios.importers.imported import Tally, quoted
from seatrial.scenarios.importers.marks import MARK, Marks
from seatrial.scenarios.importers.naming import looks_secret, sounds_like_session, sounds_secret
from seatrial.scenarios.importers.targets import split_user

_MANY_DEEP = 60
_MANY_LETTERS = 4
_SHORT_NUMBERS = 1000  # below it a number is no secret that could be masked
_SCHEME = re.compile(rf"\A[A-Za-z][A-Za-z0-9-]* (?={MARK.pattern})")
_MEMBER = re.compile(
    r"""(?P<before>["']?\b(?P<name>[\w-]{1,60})["']?\s*:\s*(?P<quote>"{3}|["']))"""
    r"""(?P<value>(?:(?!(?P=quote))[^\\\n]|\\.){1,4000})(?P<after>(?P=quote))"""
)
_ELEMENT = re.compile(r"(?P<before><(?P<name>[\w:-]{1,60})>)(?P<value>[^<>\n]{1,4000})(?P<after></)")


@dataclass(frozen=True, slots=True)
class Hiding:
    """Hides what it is given, and tells the tally what it hid."""

    tally: Tally
    marks: Marks

    def text(self, hint: str, text: str) -> str:
        """A mark for that secret, named after `hint`; what is empty or has an expression in it stays as it is."""
        if MARK.search(text):
            self._tell_rest(hint, text)
            return text
        return self.marks.mark(self.tally.secret(hint, text)) if text else text

    def _tell_rest(self, hint: str, text: str) -> None:
        """A secret of which a variable is a part only keeps the rest of its text; a scheme before it is none."""
        rest = MARK.sub("", _SCHEME.sub("", text))
        if len(re.sub(r"[^A-Za-z0-9]", "", rest)) >= _MANY_LETTERS:
            self.tally.note("", f"{quoted(hint or 'a secret')} is a variable in part, so its text stays: look at it")

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Params or fields, of which those that sound secret are hidden."""
        return {name: self.value(name, value) for name, value in values.items()}

    def headers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Headers likewise; credentials whole."""
        return {
            name: self._leaf(name, value) if name.lower().endswith("authorization") else self.value(name, value)
            for name, value in values.items()
        }

    def cookies(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Cookies, of which those of a session are hidden."""
        return {
            name: self._leaf(name, value) if sounds_like_session(name) else self.value(name, value)
            for name, value in values.items()
        }

    def body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body of the format: the members of a JSON value and the fields of a form that sound secret are hidden."""
        return {kind: self._content(kind, content) for kind, content in body.items()}

    def url(self, url: str) -> str:
        """A URL, in whose query the values that sound secret are hidden."""
        base, mark, query = url.partition("?")
        return f"{base}{mark}{self._pairs(query, urllib.parse.unquote)}"

    def address(self, url: str) -> str:
        """A URL, in which the password before its host is hidden too, and the rest of it as `url` does."""
        user, _ = split_user(url)
        login, sign, password = user.partition(":")
        hidden = self.text("password", urllib.parse.unquote(password))
        return self.url(url.replace(f"{user}@", f"{login}{sign}{hidden}@", 1) if password else url)

    def known(self, text: str) -> str:
        """A mark for a text that is a secret found before, else the text."""
        return self.text("", text) if self.tally.holds(text) else text

    def _content(self, kind: str, content: Any) -> Any:
        if kind == "file":
            return content
        if isinstance(content, str):
            return self._pairs(content, str) if kind == "form" else self._members(content)
        if kind == "graphql":
            texts = {name: self._members(part) for name, part in content.items() if isinstance(part, str)}
            return {**self.value("", content), **texts}
        return self.value("", content)

    def _pairs(self, text: str, decode: Callable[[str], str]) -> str:
        """`name=value&...` that stands in a text."""

        def hidden(pair: str) -> str:
            name, sign, value = pair.partition("=")
            return f"{name}{sign}{self.text(name, decode(value)) if sounds_secret(decode(name)) else value}"

        return "&".join(map(hidden, text.split("&")))

    def _members(self, text: str) -> str:
        """`name: "value"` and `<name>value</name>` that stand in a text which is not taken apart."""

        def hidden(found: re.Match[str]) -> str:
            name, value = found["name"], found["value"]
            return f"{found['before']}{self.text(name, value) if sounds_secret(name) else value}{found['after']}"

        for pattern in (_MEMBER, _ELEMENT):
            text = pattern.sub(hidden, text)
        return text

    def value(self, name: str, value: Any, depth: int = 0) -> Any:
        """A value under that name, and everything in it."""
        if depth > _MANY_DEEP:
            return value
        if isinstance(value, Mapping):
            return {key: self.value(name if key == "value" else key, part, depth + 1) for key, part in value.items()}
        if isinstance(value, list):
            return [self.value(name, part, depth + 1) for part in value]
        secret = sounds_secret(name) or (isinstance(value, str) and looks_secret(value))
        return self._leaf(name, value) if secret else value

    def authorization(self, value: str) -> dict[str, Any] | None:
        """The `auth` of an Authorization header; None when it is of a kind that has none."""
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer" and rest.strip():
            return {"bearer": self.text("token", rest.strip())}
        pair = basic_pair(rest.strip()) if scheme.lower() == "basic" else None
        return {"basic": {"user": pair[0], "password": self.text("password", pair[1])}} if pair else None

    def _leaf(self, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._leaf(name, part) for part in value]
        if isinstance(value, int) and value >= _SHORT_NUMBERS:
            return self.marks.mark(f"{self.tally.secret(name, str(value))} | int")
        return self.text(name, value) if isinstance(value, str) else value


def basic_pair(encoded: str) -> tuple[str, str] | None:
    """User and password of Basic credentials; None when they are none."""
    try:
        user, sign, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if sign else None
