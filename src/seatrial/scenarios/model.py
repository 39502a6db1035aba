"""A journey as it is once read: everything parsed, every template compiled, every part with its place.

Room scenarios. `read.py` gives these, `play.py` goes through them. Frozen and without I/O, so one `Scenario` may be
played by any number of plays at once. May import the floor, `wanted`, `request` and `files`; must
never render, send or judge.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.errors import Where
from seatrial.scenarios.answers.wanted import Capture, Expectations
from seatrial.scenarios.files import Files
from seatrial.scenarios.sending.request import RequestTemplate
from seatrial.template import Template, Value

DEFAULT_TIMEOUT_S = 10.0

MAX_ROUNDS = 1000
"""Of one loop: what takes more is load, not a journey."""


class Section(enum.StrEnum):
    """Which part of a scenario a step stands in."""

    SETUP = "setup"
    STEPS = "steps"
    TEARDOWN = "teardown"


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
            Backoff.EXPONENTIAL: 2.0 ** min(attempt - 1, _DOUBLINGS_MAX),
        }
        return min(self.interval_s * growth[self.backoff], max(BACKOFF_MAX_S, self.interval_s))


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part is run that many times; `times` renders to a whole number."""

    times: Value
    where: Where


@dataclass(frozen=True, slots=True)
class ForEach:
    """A part is run once for each element of a list, which it sees as `name`."""

    name: str
    items: Value
    where: Where


@dataclass(frozen=True, slots=True)
class Until:
    """A part is run until the condition holds after it, at most `limit` times; it fails when that was not enough."""

    condition: Template
    limit: int
    where: Where
    interval_s: float = 0.0


Loop = Repeat | ForEach | Until


@dataclass(frozen=True, slots=True)
class Course:
    """Whether and how often a part of a scenario is run.

    `skip` gives the reason not to. `only_in` (None: anywhere) and `never_in` are realms. `delay_s` is waited before
    each run of it. With `keep_going` what follows is run although this failed.
    """

    when: Template | None = None
    skip: str = ""
    only_in: frozenset[str] | None = None
    never_in: frozenset[str] = frozenset()
    delay_s: float = 0.0
    loop: Loop | None = None
    keep_going: bool = False


STRAIGHT = Course()
"""Once, whatever happens: the course of nearly all parts, which then have this very one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what is expected of it.

    `service` and `route` are fixed (`/cards/*/charges`: one `*` for every templated segment), so reports never grow
    with the data. `number` counts from 1 within its section. `variables` are set before it and stay set. `uses` names
    every variable its templates mention.
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
    course: Course = STRAIGHT
    variables: tuple[tuple[str, Value], ...] = ()
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """A reusable part: its steps see its inputs and nothing of the caller's captures, and it gives its outputs.

    `inputs` None means the caller must give it. A whole scenario that is called is one too: its `variables`, in
    order, are what may be given, all it captures is its outputs, and its `teardown` runs at its end.
    """

    name: str
    file: str
    inputs: Mapping[str, Value | None]
    secret_inputs: frozenset[str]
    steps: tuple[Piece, ...]
    outputs: tuple[str, ...]
    variables: Mapping[str, Value] = field(default_factory=dict)
    teardown: tuple[Piece, ...] = ()
    files: Files | None = field(default=None, repr=False)
    skip: str = ""
    only_in: frozenset[str] | None = None
    never_in: frozenset[str] = frozenset()


class Once(enum.StrEnum):
    """For whom a flow is run once, its outputs serving all further calls with the same inputs."""

    RUN = "run"
    WORKER = "worker"
    SCENARIO = "scenario"


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
    course: Course = STRAIGHT
    once: Once | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Independent parts run side by side; none sees what another captures, what follows sees all of it."""

    name: str
    number: int
    section: Section
    parts: tuple[Piece, ...]
    where: Where
    course: Course = STRAIGHT
    files: Files | None = field(default=None, repr=False)


Piece = Step | Call | Block
"""A part of a scenario's or flow's sequence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of data: its number from 1, and its fields by name."""

    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCookie:
    """A cookie a play begins with: `line` as an answer from `url` would set it."""

    url: str
    line: str


class RowUse(enum.StrEnum):
    """Whether two plays under load may use one row at once."""

    OWN = "own"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class LoadBlock:
    """What `load` alone honours: the scenario's share of the plays, the pause between steps in seconds, its rows."""

    weight: float = 1.0
    think_time_s: tuple[float, float] = (0.0, 0.0)
    rows: RowUse = RowUse.OWN


@dataclass(frozen=True, slots=True)
class Scenario:
    """One journey. `sources` holds the lines of its file and of its flows' files, for the texts of failures.

    With `rows` it is played once for each of them, as `row` (`expand_rows` gives those scenarios). `lenient` is for
    formats in which an answer of any status, with nothing checked, passes. Without `cookies` answers set none.
    `files` are those its templates may read, `stored` the cookies a play begins with.
    """

    name: str
    file: str
    where: Where
    steps: tuple[Piece, ...]
    tags: frozenset[str] = frozenset()
    service: str | None = None
    variables: Mapping[str, Value] = field(default_factory=dict)
    setup: tuple[Piece, ...] = ()
    teardown: tuple[Piece, ...] = ()
    load: LoadBlock = LoadBlock()
    skip: str = ""
    only_in: frozenset[str] | None = None
    never_in: frozenset[str] = frozenset()
    rows: tuple[Row, ...] | None = None
    row: Row | None = None
    lenient: bool = False
    cookies: bool = True
    stored: tuple[StoredCookie, ...] = field(default=(), repr=False)
    files: Files | None = field(default=None, repr=False)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


def elsewhere(what: Scenario | Flow | Course, realm: str) -> str:
    """Why it is not for this realm, empty when it is."""
    if what.only_in is not None and realm not in what.only_in:
        return f"only in {', '.join(sorted(what.only_in))}"
    return f"never in {realm}" if realm in what.never_in else ""


def every_part(scenario: Scenario) -> Iterator[Piece]:
    """Every part of it, in the file's order, those within blocks and flows too."""
    for part in (*scenario.setup, *scenario.steps, *scenario.teardown):
        yield from _parts_of(part)


def _parts_of(part: Piece) -> Iterator[Piece]:
    yield part
    if isinstance(part, Step):
        return
    for inner in part.parts if isinstance(part, Block) else (*part.flow.steps, *part.flow.teardown):
        yield from _parts_of(inner)


def every_step(scenario: Scenario) -> Iterator[Step]:
    """Every step that may send a request, those of flows too, in the file's order."""
    for part in (*scenario.setup, *scenario.steps, *scenario.teardown):
        yield from _steps_of(part)


def flow_steps(flow: Flow) -> Iterator[Step]:
    """Every step of a flow, and of those it uses."""
    for part in (*flow.steps, *flow.teardown):
        yield from _steps_of(part)


def mutates(scenario: Scenario) -> bool:
    """Whether any step of it writes."""
    return any(step.mutates for step in every_step(scenario))


def _steps_of(part: Piece) -> Iterator[Step]:
    if isinstance(part, Step):
        yield part
        return
    if isinstance(part, Call):
        yield from flow_steps(part.flow)
        return
    for inner in part.parts:
        yield from _steps_of(inner)


_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def route_of(path: str) -> str:
    """The route of a path's text: without query and fragment, `*` for every segment that holds a template."""
    plain = _BRACES.sub("*", path)
    plain = plain.partition("?")[0].partition("#")[0]
    return "/".join("*" if "*" in segment else segment for segment in plain.split("/")) or "/"
