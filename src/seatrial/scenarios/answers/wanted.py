"""What is wanted of an answer, as it is once read: queries with their filters, checks, shapes, captures.

Room scenarios. `checks.py` gives these, `expect.py` holds answers against them. Frozen, with its place in the file.
May import the floor only; must never look into an answer itself.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import match
from seatrial.errors import Where
from seatrial.template import Value


class QueryKind(enum.StrEnum):
    """What a check or a capture looks at."""

    STATUS = "status"
    VERSION = "version"
    HEADER = "header"
    HEADERS = "headers"
    COOKIE = "cookie"
    BODY = "body"
    BYTES = "bytes"
    RAW_BYTES = "raw_bytes"
    JSONPATH = "jsonpath"
    JMESPATH = "jmespath"
    XPATH = "xpath"
    REGEX = "regex"
    URL = "url"
    REDIRECTS = "redirects"
    IP = "ip"
    SHA256 = "sha256"
    MD5 = "md5"
    DURATION = "duration"
    TIMING = "timing"
    CERTIFICATE = "certificate"
    VARIABLE = "variable"
    TRACE_ID = "trace_id"


class FilterKind(enum.StrEnum):
    """What is made of a value that a query found, before it is kept or checked."""

    BASE64_DECODE = "base64_decode"
    BASE64_ENCODE = "base64_encode"
    BASE64_URL_SAFE_DECODE = "base64_url_safe_decode"
    BASE64_URL_SAFE_ENCODE = "base64_url_safe_encode"
    COUNT = "count"
    DAYS_AFTER_NOW = "days_after_now"
    DAYS_BEFORE_NOW = "days_before_now"
    DECODE = "decode"
    FIRST = "first"
    LAST = "last"
    NTH = "nth"
    DATE_FORMAT = "date_format"
    TO_DATE = "to_date"
    HTML_ESCAPE = "html_escape"
    HTML_UNESCAPE = "html_unescape"
    JSONPATH = "jsonpath"
    XPATH = "xpath"
    REGEX = "regex"
    LOCATION = "location"
    REPLACE = "replace"
    REPLACE_REGEX = "replace_regex"
    SPLIT = "split"
    TO_FLOAT = "to_float"
    TO_INT = "to_int"
    TO_STRING = "to_string"
    TO_HEX = "to_hex"
    URL_DECODE = "url_decode"
    URL_ENCODE = "url_encode"
    URL_QUERY_PARAM = "url_query_param"
    UTF8_DECODE = "utf8_decode"
    UTF8_ENCODE = "utf8_encode"
    LOWER = "lower"
    UPPER = "upper"
    TRIM = "trim"
    SORT = "sort"
    UNIQUE = "unique"
    LONE = "lone"
    MILLISECONDS = "milliseconds"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter with its arguments, of which a text may be a template: `{replace: [a, b]}` has two, `count` none.

    `ready` are the arguments as the filter takes them, compiled; None where they are read only
    when it is applied, as those with a template are.
    """

    kind: FilterKind
    where: Where
    arguments: tuple[Value, ...] = ()
    ready: tuple[Any, ...] | None = None

    def __str__(self) -> str:
        return str(self.kind)


@dataclass(frozen=True, slots=True)
class Query:
    """Where to look in an answer, and what to make of it.

    `text` is the header's name, the JSON path or the pattern as written; empty for the kinds that need none.
    `compiled` is the ready path or pattern. A `text` that holds a template stands in `argument` too, and is compiled
    once rendered. `filters` are applied left to right to what was found.
    """

    kind: QueryKind
    text: str = ""
    compiled: Any = None
    argument: Value | None = None
    filters: tuple[Filter, ...] = ()

    def __str__(self) -> str:
        looked = self.text if self.kind is QueryKind.JSONPATH else f"{self.kind} {self.text}".strip()
        return " | ".join((looked, *map(str, self.filters)))


class Severity(enum.StrEnum):
    """What missing a check does to its step."""

    FAIL = "fail"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class Check:
    """One predicate on one query. `where` is the place of the predicate's operand."""

    query: Query
    predicate: match.Predicate
    operand: Value
    where: Where
    severity: Severity = Severity.FAIL


@dataclass(frozen=True, slots=True)
class WantedStatus:
    """The statuses a step may end with; none given means any."""

    statuses: tuple[int, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of a pattern stands, and whether it is a template."""

    where: Where
    templated: bool = False


@dataclass(frozen=True, slots=True)
class WantedJson:
    """The shape the body must have; its operands may hold templates until `match.fill` fills them.

    `templated` says whether they do; with `strict`, members that are not asked for are misses. `places` leads from a
    path in the document to where the pattern asks for it.
    """

    pattern: match.Pattern
    templated: bool
    strict: bool
    where: Where
    places: Mapping[match.Path, Place] = field(default_factory=dict)

    def place(self, path: match.Path) -> Place:
        """Where the pattern asks for what is at `path`: there, or at the nearest part around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Place(self.where)


@dataclass(frozen=True, slots=True)
class LatencyLimits:
    """How long the whole exchange may take, in seconds, before the step fails or counts as degraded."""

    fail_s: float | None
    degraded_s: float | None
    where: Where
    degraded_where: Where


@dataclass(frozen=True, slots=True)
class Expectations:
    """What an answer must be; an absent part asks for nothing."""

    status: WantedStatus | None = None
    json: WantedJson | None = None
    limits: LatencyLimits | None = None
    checks: tuple[Check, ...] = ()

    @property
    def explicit(self) -> bool:
        """Whether the file asks for anything beyond a valid answer with a status under 400."""
        return bool(self.status or self.json or self.limits or self.checks)


@dataclass(frozen=True, slots=True)
class Capture:
    """A value kept under a name for the later steps of the same play; `secret` ones are masked from then on."""

    name: str
    query: Query
    where: Where
    secret: bool = False
