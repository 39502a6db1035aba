"""The one output boundary for secrets: whatever leaves seatrial passes through `Secrets.redact`.

Holds the values of a realm's secrets and of secret captures, and masks them raw and in the forms they take
on the way: base64 (Basic auth too), URL-encoded, JSON-escaped. A value once secret stays secret.
Imports nothing of seatrial but `errors`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import urllib.parse
from collections.abc import Iterable, Iterator

MIN_LENGTH = 4  # shorter values would mask half of every text
MASKED_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_SCHEME = re.compile(r"(Basic|Bearer|Digest) ")
_MASK = re.compile(r"\*\*\*\([^)]*\)")


class Secrets:
    """A growing set of named secret values. Safe from several threads."""

    def __init__(self) -> None:
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, name: str, value: str) -> bool:
        """Keep a value secret from now on; False (and not kept) when it is too short to mask."""
        if len(value) < MIN_LENGTH:
            return False
        with self._lock:
            for form in forms(value):
                self._forms.setdefault(form, name)
            self._pattern = None
        return True

    def fork(self) -> Secrets:
        """The same secrets to go on with apart: what one play adds need not be remembered for ever."""
        with self._lock:
            fork = Secrets()
            fork._forms = dict(self._forms)
        return fork

    def redact(self, text: str) -> str:
        """The text with every secret shown as `***(name)`."""
        if not self._forms:
            return text
        return self._compiled().sub(lambda found: f"***({self._forms[found[0]]})", text)

    def redact_header(self, name: str, value: str) -> str:
        """A header's value: masked whole for credentials' headers, else by its content."""
        shown = self.redact(value)
        if name.lower() not in MASKED_HEADERS:
            return shown
        masks = _MASK.findall(shown)  # nothing beside them stays: not the ends of a base64, not the other cookies
        scheme = _SCHEME.match(shown) if name.lower().endswith("authorization") else None
        return " ".join((scheme[1], *masks) if scheme and masks else masks) or "***"

    def _compiled(self) -> re.Pattern[str]:
        """All forms as one pattern, the longest first; made when first needed: load adds many and shows few."""
        with self._lock:
            if self._pattern is None:
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            return self._pattern

    def __contains__(self, value: object) -> bool:
        return value in self._forms


def forms(value: str) -> Iterator[str]:
    """Every text a secret may appear as: raw, JSON-escaped, URL-encoded (two ways), base64 at each offset."""
    raw = value.encode()
    seen = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        urllib.parse.quote(value),
        *_base64_forms(raw),
    }
    yield from (form for form in seen if len(form) >= MIN_LENGTH)


def _base64_forms(raw: bytes) -> Iterable[str]:
    """The characters of base64 that depend on the value alone, whatever stands before it (`user:` in Basic auth)."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        start = (offset * 8 + 5) // 6
        end = (offset + len(raw)) * 8 // 6
        inner = encoded[start:end]
        if len(inner) >= 6:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
