"""The one output boundary for secrets: whatever leaves seatrial passes through `Secrets.redact`.

Holds the values of a realm's secrets and of secret captures, and masks them raw and in the forms they take
on the way: base64 (Basic auth too), URL-encoded, JSON-, HTML- and XML-escaped, hex. A value once secret stays secret.
Imports nothing of seatrial but `errors`.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

MIN_LENGTH = 4  # shorter values would mask half of every text
LINE_LENGTH = 16  # of a secret of several lines, shorter ones are no secret alone
MASKED_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-amz-security-token"}
)
_SCHEME = re.compile(r"(Basic|Bearer|Digest) ")
_USER = re.compile(r"(\b\w{2,6}://[^\s/?#@:\"'<>]*:)(?!\*\*\*)[^\s/?#@\"'<>]+(@)")
_MASK = re.compile(r"\*\*\*\([^)]*\)")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_FEW = 200  # forms that are faster sought one by one than by their beginnings


class Secrets:
    """A growing set of named secret values. Safe from several threads."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._forms: dict[str, str] = {}
        self._holders: defaultdict[str, int] = defaultdict(int)
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._how_many: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._lent: defaultdict[str, int] = defaultdict(int)
        self._added: dict[str, None] = {}
        self._keep: int | None = None
        self._lock = threading.Lock()

    def add(self, name: str, value: str) -> bool:
        """Keep a value secret from now on; False (and not kept) when it is too short to mask."""
        if len(value) < MIN_LENGTH:
            return False
        with self._lock:
            new = self._hold(name, value)
            if new or value in self._added:
                self._renew(value)
        return True

    def fork(self) -> Secrets:
        """The same secrets to go on with apart: what one play adds need not be remembered for ever."""
        with self._lock:
            fork = Secrets()
            fork._names = dict(self._names)
            fork._forms = dict(self._forms)
            fork._holders = self._holders.copy()
            fork._lengths = dict(self._lengths)
            fork._how_many = self._how_many.copy()
        return fork

    def lend(self) -> Lent:
        """The same secrets, for one play: what it adds is known here too, and stays until given back."""
        return Lent(self)

    def keep_newest(self, count: int) -> None:
        """Of what is added from now on only the `count` newest values stay: a run of many plays is no leak of memory.

        What is held already stays for good, and what is lent to a play until that gives it back.
        """
        with self._lock:
            self._keep = count

    def redact(self, text: str) -> str:
        """The text with every secret shown as `***(name)`, and without the password of any URL's user."""
        if "@" in text and "://" in text:
            return _USER.sub(r"\1***\2", self._redacted(text))
        return self._redacted(text)

    def _redacted(self, text: str) -> str:
        if len(self._forms) <= _FEW and not any(form in text for form in tuple(self._forms)):
            return text
        return "".join(self._masked(text))

    def redact_header(self, name: str, value: str) -> str:
        """A header's value: masked whole for credentials' headers, else by its content."""
        shown = self.redact(value)
        if name.lower() not in MASKED_HEADERS:
            return shown
        masks = _MASK.findall(shown)  # nothing beside them stays: not the ends of a base64, not the other cookies
        scheme = _SCHEME.match(shown) if name.lower().endswith("authorization") else None
        return " ".join((scheme[1], *masks) if scheme and masks else masks) or "***"

    def _masked(self, text: str) -> Iterator[str]:
        """The text in pieces, left to right; of forms that overlap nothing is left between their masks."""
        end, before = 0, ""
        for at in range(len(text) - MIN_LENGTH + 1):
            form = self._form_at(text, at)
            if form is None or at + len(form) <= end:
                continue
            mask = f"***({self._forms.get(form, '')})"
            if at >= end:
                yield text[end:at]
            if at >= end or mask != before:
                yield mask
            end, before = at + len(form), mask
        yield text[end:]

    def _form_at(self, text: str, at: int) -> str | None:
        """The longest form that stands there. Tokens of one issuer begin alike and are of few lengths."""
        for length in self._lengths.get(text[at : at + MIN_LENGTH], ()):
            if (form := text[at : at + length]) in self._forms:
                return form
        return None

    def _hold(self, name: str, value: str) -> bool:
        """Whether the value is new; it may have been a form of another before."""
        if value in self._names:
            return False
        self._names[value] = name
        for form in forms(value):
            self._forms.setdefault(form, name)
            self._holders[form] += 1
            if self._holders[form] == 1:
                self._count(form, 1)
        self._forms[value] = name
        return True

    def _count(self, form: str, change: int) -> None:
        """Keep which lengths forms of this beginning have, the longest first; replaced at once for whoever reads."""
        start, length = form[:MIN_LENGTH], len(form)
        self._how_many[start, length] += change
        lengths = {*self._lengths.get(start, ()), length}
        if not self._how_many[start, length]:
            del self._how_many[start, length]
            lengths.discard(length)
        if lengths:
            self._lengths[start] = tuple(sorted(lengths, reverse=True))
        else:
            del self._lengths[start]

    def _borrow(self, name: str, value: str) -> None:
        with self._lock:
            new = self._hold(name, value)
            if new or value in self._added or value in self._lent:
                self._added.pop(value, None)
                self._lent[value] += 1

    def _give_back(self, values: Iterable[str]) -> None:
        with self._lock:
            for value in values:
                self._lent[value] -= 1
                if not self._lent[value]:
                    del self._lent[value]
                    self._renew(value)

    def _renew(self, value: str) -> None:
        """It is the newest of those that are forgotten some day, if any are."""
        if self._keep is None:
            return
        self._added.pop(value, None)
        self._added[value] = None
        while len(self._added) > self._keep:
            self._forget(next(iter(self._added)))

    def _forget(self, value: str) -> None:
        del self._added[value], self._names[value]
        for form in forms(value):
            self._holders[form] -= 1
            if not self._holders[form]:
                del self._holders[form], self._forms[form]
                self._count(form, -1)

    def __contains__(self, value: object) -> bool:
        return value in self._forms


class Deferred(Secrets):
    """Secrets whose forms are worked out when a text is first redacted: few plays of a load show anything."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        """What `Secrets` holds, made when it is first asked for."""
        if "_lock" in self.__dict__:
            raise AttributeError(name)
        super().__init__()
        return getattr(self, name)

    def add(self, name: str, value: str) -> bool:
        """Keep a value secret from now on; False (and not kept) when it is too short to mask."""
        if len(value) < MIN_LENGTH:
            return False
        self._waiting.append((name, value))
        return True

    def fork(self) -> Secrets:
        """The same secrets to go on with apart."""
        self._work_out()
        return super().fork()

    def redact(self, text: str) -> str:
        """The text with every secret shown as `***(name)`."""
        self._work_out()
        return super().redact(text)

    def _work_out(self) -> None:
        waiting, self._waiting = self._waiting, []
        for name, value in waiting:
            super().add(name, value)

    def __contains__(self, value: object) -> bool:
        self._work_out()
        return super().__contains__(value)


class Lent(Secrets):
    """The secrets of a run as one play knows them: all of the run's, and it minds which ones it added."""

    def __init__(self, whole: Secrets) -> None:
        super().__init__()
        self._whole = whole
        self._mine: dict[str, None] = {}

    def add(self, name: str, value: str) -> bool:
        """Keep a value secret in the whole run, at least until it is given back."""
        if len(value) < MIN_LENGTH:
            return False
        with self._lock:
            if value not in self._mine:
                self._mine[value] = None
                self._whole._borrow(name, value)
        return True

    def give_back(self) -> None:
        """The play was reported: what it added may be forgotten when newer values come."""
        with self._lock:
            mine, self._mine = self._mine, {}
        self._whole._give_back(mine)

    def fork(self) -> Secrets:
        """Those of the whole run, to go on with apart."""
        return self._whole.fork()

    def redact(self, text: str) -> str:
        """As the whole run does."""
        return self._whole.redact(text)

    def __contains__(self, value: object) -> bool:
        return value in self._whole


def forms(value: str) -> Iterator[str]:
    """Every text a secret may appear as: raw, escaped as JSON (twice too), URL, HTML, XML and Python have it, base64
    at each offset, hex; and its long lines."""
    raw = value.encode(errors="surrogatepass")
    seen = {
        value,
        *_json_forms(value),
        *_url_forms(value),
        *_markup_forms(value),
        *_base64_forms(raw),
        *_line_forms(value),
        repr(value)[1:-1],
        raw.hex(),
        raw.hex().upper(),
    }
    yield from (form for form in seen if len(form) >= MIN_LENGTH)


def _line_forms(value: str) -> Iterator[str]:
    """The lines of a key in PEM: who shows a text line by line, as a diff and a traceback do, shows each apart."""
    for line in value.splitlines():
        if len(line) >= LINE_LENGTH and not line.startswith("-----"):
            yield line


def _json_forms(value: str) -> Iterator[str]:
    """A text within JSON, and that JSON as a text within JSON again: what an excerpt of a body in a report is."""
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        yield once.replace("/", "\\/")


def _url_forms(value: str) -> Iterator[str]:
    """As a component and as a path, and as browsers encode a component."""
    for safe in ("", "/", "!'()*"):
        for quote in (urllib.parse.quote, urllib.parse.quote_plus):
            encoded = quote(value, safe=safe, errors="replace")
            yield encoded
            yield _ESCAPE.sub(lambda found: found[0].lower(), encoded)


def _markup_forms(value: str) -> Iterator[str]:
    """With the quotes as they are, with both escaped by name or number, and with the white space of an attribute."""
    yield html.escape(value, quote=False)
    for escaped in (html.escape(value), html.escape(value).replace("&#x27;", "'")):
        yield escaped
        yield escaped.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        yield escaped.replace("&#x27;", "&apos;")
        yield escaped.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")


def _base64_forms(raw: bytes) -> Iterable[str]:
    """The characters of base64 that depend on the value alone, whatever stands before it (`user:` in Basic auth) and
    whether anything comes after it."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        start = (offset * 8 + 5) // 6
        end = (offset + len(raw)) * 8 // 6
        for inner in (encoded[start:end], encoded[start:]):
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
