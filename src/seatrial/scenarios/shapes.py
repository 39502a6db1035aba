"""Scenario and flow documents as they stand in the file, before anything in them is understood. Private to `read`.

Room scenarios. pydantic shapes: they give types, defaults and unknown keys their errors; the rest is `steps.py`'s and
`checks.py`'s. What the format has and this version does not play yet is refused by name in `LATER`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seatrial import quantity
from seatrial.documents import Document, DurationS, Shape, Steps
from seatrial.errors import DocumentError
from seatrial.scenarios.model import DEFAULT_TIMEOUT_S, Backoff, RetryOn

SECTIONS = ("setup", "steps", "teardown")


def _statuses(value: Any) -> tuple[int, ...]:
    listed = value if isinstance(value, list) else [value]
    for status in listed:
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            raise ValueError(f"'{status}' is not an HTTP status; write one as 201, or several as [200, 204]")
    if not listed:
        raise ValueError("an empty list of statuses can never be met")
    return tuple(listed)


def _not_empty(value: Any) -> Any:
    """Asked before the elements are: pydantic's own bound would hide what is wrong with an element."""
    if value in ([], {}):
        raise ValueError("an empty list; write at least one")
    return value


class RawMax(Shape):
    """`max:` of an expectation."""

    fail: DurationS | None = None
    degraded: DurationS | None = None


class RawExpect(Shape):
    """`expect:` of a step."""

    status: Annotated[tuple[int, ...], BeforeValidator(_statuses)] | None = None
    content: Any = Field(default=None, alias="json")
    strict: bool = False
    max: RawMax | None = None
    checks: tuple[dict[str, Any], ...] = ()


class RawBasic(Shape):
    """`basic:` of an `auth`."""

    user: str
    password: str


class RawAuth(Shape):
    """`auth:` of a request."""

    bearer: str | None = None
    basic: RawBasic | None = None


class RawRequest(Shape):
    """`request:` of a step."""

    url: str
    method: str = "GET"
    params: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, Any] = Field(default_factory=dict)
    auth: RawAuth | None = None
    content: Any = Field(default=None, alias="json")
    form: dict[str, Any] | str | None = None
    text: str | None = None


class RawRetry(Shape):
    """`retry:` of a step."""

    until: Literal["expect"] = "expect"
    max: int = Field(default=10, ge=1, le=1000)
    interval: DurationS = 0.5
    backoff: Backoff = Backoff.CONSTANT
    max_duration: DurationS | None = None
    on: Annotated[frozenset[RetryOn], BeforeValidator(_not_empty)] = frozenset(RetryOn)


class RawStep(Shape):
    """A step: a request, or the use of a flow."""

    name: str | None = None
    request: RawRequest | None = None
    timeout: DurationS = Field(default=DEFAULT_TIMEOUT_S, gt=0)
    expect: RawExpect = RawExpect()
    capture: dict[str, dict[str, Any]] = Field(default_factory=dict)
    retry: RawRetry | None = None
    mutates: bool = False
    use: str | None = None
    given: dict[str, Any] = Field(default_factory=dict, alias="with")
    outputs: tuple[str, ...] | None = None
    when: str | None = None
    skip: str = ""
    keep_going: bool = Field(default=False, alias="continue")


RawSteps = Annotated[tuple[RawStep, ...], BeforeValidator(_not_empty)]


class RawLoad(Shape):
    """`load:` of a scenario."""

    weight: float = Field(default=1.0, gt=0)
    think_time: Annotated[tuple[float, float], BeforeValidator(quantity.duration_range_s)] = (0.0, 0.0)


class RawScenario(Shape):
    """A scenario document."""

    scenario: str = Field(min_length=1)
    version: Literal[1] = 1
    tags: frozenset[str] = frozenset()
    service: str | None = None
    vars: dict[str, Any] = Field(default_factory=dict)
    setup: tuple[RawStep, ...] = ()
    steps: RawSteps
    teardown: tuple[RawStep, ...] = ()
    load: RawLoad = RawLoad()
    skip: str = ""


class RawFlow(Shape):
    """A flow document."""

    flow: str = Field(min_length=1)
    version: Literal[1] = 1
    service: str | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    steps: RawSteps
    outputs: tuple[str, ...] = ()


_DOCUMENT_LATER = ("rows", "only_in", "never_in", "parallel")
_STEP_LATER = (
    *("websocket", "sse", "parallel", "repeat", "for_each", "until", "delay", "once", "only_in", "never_in"),
    *("rows", "shuffle"),
)
_REQUEST_LATER = (
    *("cookies", "multipart", "file", "graphql", "xml", "follow", "http_version", "tls", "proxy", "compressed"),
    *("default_headers", "session", "raw", "tracing"),
)
_AUTH_LATER = ("digest", "api_key", "oauth2", "aws_sigv4", "client_certificate")


def refuse_later(document: Document) -> None:
    """DocumentError at the first key the format knows and this version does not play: nothing is ever ignored."""
    content = document.content
    _refuse(document, (), content, _DOCUMENT_LATER)
    for section in SECTIONS:
        steps = content.get(section)
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            _refuse_in_step(document, (section, index), step)


def _refuse_in_step(document: Document, at: Steps, step: Any) -> None:
    _refuse(document, at, step, _STEP_LATER)
    request = _member(step, "request")
    _refuse(document, (*at, "request"), request, _REQUEST_LATER)
    _refuse(document, (*at, "request", "auth"), _member(request, "auth"), _AUTH_LATER)
    if isinstance(request, Mapping) and "timeout" in request:
        where = document.where_key(*at, "request", "timeout")
        raise DocumentError(where, "'timeout' belongs to the step", "write it beside `request`")


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else None


def _refuse(document: Document, at: Steps, holder: Any, later: tuple[str, ...]) -> None:
    for key in holder if isinstance(holder, Mapping) else ():
        if key in later:
            problem = f"'{key}' comes later: this version does not play it"
            raise DocumentError(document.where_key(*at, key), problem, "leave it out until then")
