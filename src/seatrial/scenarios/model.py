"""A journey as it is once read: everything parsed, every template compiled, every part with its place.

Room scenarios. `read.py` gives these, `play.py` goes through them. Frozen and without I/O, so one `Scenario` may be
played by any number of plays at once. May import the floor only; must never render, send or judge.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import match
from seatrial.errors import Where
from seatrial.template import Template, Value

DEFAULT_TIMEOUT_S = 10.0


class Section(enum.StrEnum):
    """Which part of a scenario a step stands in."""

    SETUP = "setup"
    STEPS = "steps"
    TEARDOWN = "teardown"


class QueryKind(enum.StrEnum):
    """What a check or a capture looks at."""

    STATUS = "status"
    HEADER = "header"
    BODY = "body"
    JSONPATH = "jsonpath"
    REGEX = "regex"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Query:
    """Where to look in an answer. `text` is the header's name, the JSON path or the pattern as written; empty for
    the kinds that need none. `compiled` is the ready JSON path or regular expression."""

    kind: QueryKind
    text: str = ""
    compiled: Any = None

    def __str__(self) -> str:
        return self.text if self.kind is QueryKind.JSONPATH else f"{self.kind} {self.text}".strip()


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
    """The statuses a step may end with."""

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


class Backoff(enum.StrEnum):
    """How the wait between attempts grows."""

    CONSTANT = "constant"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class RetryOn(enum.StrEnum):
    """Which failures are worth another attempt."""

    EXPECT = "expect"
    BROKEN = "broken"


BACKOFF_MAX_S = 30.0
_DOUBLINGS_MAX = 60  # beyond it every wait is at its ceiling anyway, and the power would overflow at last


@dataclass(frozen=True, slots=True)
class Retry:
    """Poll until the expectations hold. `max_duration_s` bounds sending and waiting together, None leaves it open."""

    attempts: int
    interval_s: float
    backoff: Backoff = Backoff.CONSTANT
    max_duration_s: float | None = None
    on: frozenset[RetryOn] = frozenset(RetryOn)

    def wait_s(self, attempt: int) -> float:
        """The wait after attempt `attempt` (the first is 1), never above BACKOFF_MAX_S unless the interval is."""
        growth = {
            Backoff.CONSTANT: 1.0,
            Backoff.LINEAR: float(attempt),
            Backoff.EXPONENTIAL: 2.0 ** min(attempt - 1, 60),
        }
        return min(self.interval_s * growth[self.backoff], max(BACKOFF_MAX_S, self.interval_s))


class BodyKind(enum.StrEnum):
    """How a request's body is written."""

    JSON = "json"
    FORM = "form"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body before rendering."""

    kind: BodyKind
    content: Value


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User and password, sent as RFC 7617 says."""

    user: Value
    password: Value


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """A token, sent as RFC 6750 says."""

    token: Value


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """A request before rendering.

    `service` is None for an absolute `url`; else `url` is the path on that service. Values of `url` are
    percent-encoded where they are put in. `headers` and `params` keep the file's order.
    """

    method: str
    service: str | None
    url: Template
    headers: tuple[tuple[str, Value], ...] = ()
    params: tuple[tuple[str, Value], ...] = ()
    body: Body | None = None
    auth: BasicAuth | BearerAuth | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what is expected of it.

    `service` and `route` are fixed (`/cards/*/charges`: one `*` for every templated segment), so reports never grow
    with the data. `number` counts from 1 within its section. `uses` names every variable its templates mention.
    """

    name: str
    number: int
    section: Section
    service: str
    method: str
    route: str
    request: RequestTemplate
    where: Where
    expectations: Expectations = Expectations()
    captures: tuple[Capture, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    retry: Retry | None = None
    mutates: bool = False
    when: Template | None = None
    skip: str = ""
    keep_going: bool = False
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """A reusable part: its steps see its inputs and nothing of the caller's captures, and it gives its outputs.

    `inputs` None means the caller must give it.
    """

    name: str
    file: str
    inputs: Mapping[str, Value | None]
    secret_inputs: frozenset[str]
    steps: tuple[Step | Call, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A step that runs a flow: `inputs` rendered in the caller's scope, `outputs` taken over into it."""

    name: str
    number: int
    section: Section
    flow: Flow
    inputs: Mapping[str, Value]
    outputs: tuple[str, ...]
    where: Where
    when: Template | None = None
    skip: str = ""
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class LoadBlock:
    """What `load` alone honours: the scenario's share of the plays, and the pause between steps in seconds."""

    weight: float = 1.0
    think_time_s: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One journey. `sources` holds the lines of its file and of its flows' files, for the texts of failures."""

    name: str
    file: str
    where: Where
    steps: tuple[Step | Call, ...]
    tags: frozenset[str] = frozenset()
    service: str | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    setup: tuple[Step | Call, ...] = ()
    teardown: tuple[Step | Call, ...] = ()
    load: LoadBlock = LoadBlock()
    skip: str = ""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


def every_step(scenario: Scenario) -> Iterator[Step]:
    """Every step that may send a request, those of flows too, in the file's order."""
    for part in (*scenario.setup, *scenario.steps, *scenario.teardown):
        yield from _steps_of(part)


def mutates(scenario: Scenario) -> bool:
    """Whether any step of it writes."""
    return any(step.mutates for step in every_step(scenario))


def _steps_of(part: Step | Call) -> Iterator[Step]:
    if isinstance(part, Step):
        yield part
        return
    for inner in part.flow.steps:
        yield from _steps_of(inner)


_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def route_of(path: str) -> str:
    """The route of a path's text: without query and fragment, `*` for every segment that holds a template."""
    plain = _BRACES.sub("*", path)
    plain = plain.partition("?")[0].partition("#")[0]
    return "/".join("*" if "*" in segment else segment for segment in plain.split("/")) or "/"
