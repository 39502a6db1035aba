"""Scenario and flow documents as they stand in the file, before anything in them is understood. Private to `read`.

Room scenarios. pydantic shapes: they give types, defaults and unknown keys their errors; the rest is `steps.py`'s,
`requests.py`'s and `checks.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from seatrial import quantity
from seatrial.documents import DurationS, Shape
from seatrial.exchange import MAX_BODY_BYTES, HttpVersion
from seatrial.scenarios.model import MAX_ROUNDS, Backoff, Once, RetryOn, RowUse
from seatrial.scenarios.sending.request import KeyPlace

ANY = "any"
MAX_PARALLEL = 64
"""Steps of one `parallel`: what takes more is load, not a journey."""

PositiveS = Annotated[DurationS, Field(gt=0)]


def _named(value: Any) -> Any:
    """One name may stand without brackets."""
    return [value] if isinstance(value, str) else value


Names = Annotated[frozenset[str], BeforeValidator(_named)]


def _timeout(value: Any) -> Any:
    """A bare duration is the whole deadline."""
    return value if isinstance(value, dict) else {"total": value}


def _follow(value: Any) -> Any:
    """`true` follows as `{}` does, a number is the limit."""
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, str):
        raise ValueError(
            f"'{value}' does not say how to follow; write true, a number, or {{max: 5, trusted: [HOST]}}"
        )
    return {"max": value} if isinstance(value, int) else value


def _statuses(value: Any) -> tuple[int, ...]:
    """No status listed means any."""
    if value == ANY:
        return ()
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
    """`basic:` or `digest:` of an `auth`."""

    user: str
    password: str


class RawApiKey(Shape):
    """`api_key:` of an `auth`: `name` is the header's or the parameter's."""

    name: str
    value: str
    place: KeyPlace = Field(default=KeyPlace.HEADER, alias="in")


class RawOAuth2(Shape):
    """`oauth2:` of an `auth`: client credentials. `params` are further fields of the token request."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class RawAws(Shape):
    """`aws_sigv4:` of an `auth`."""

    access_key: str
    secret_key: str
    region: str
    service: str
    session_token: str | None = None


class RawClientCertificate(Shape):
    """`client_certificate:` of an `auth`: PEM files; the key may stand in the certificate's."""

    cert: str
    key: str | None = None
    password: str | None = None


class RawAuth(Shape):
    """`auth:` of a request."""

    bearer: str | None = None
    basic: RawBasic | None = None
    digest: RawBasic | None = None
    api_key: RawApiKey | None = None
    oauth2: RawOAuth2 | None = None
    aws_sigv4: RawAws | None = None
    client_certificate: RawClientCertificate | None = None


class RawPart(Shape):
    """One part of a `multipart` in its long form."""

    value: Any = None
    file: str | None = None
    filename: str | None = None
    type: str | None = None


class RawGraphql(Shape):
    """`graphql:` of a request."""

    query: str
    variables: dict[str, Any] | str | None = None
    operation: str | None = None


class RawFollow(Shape):
    """`follow:` of a request in its long form."""

    max: int = Field(default=10, ge=1, le=100)
    trusted: tuple[str, ...] | Literal["all"] = ()


class RawTls(Shape):
    """`tls:` of a request. `ca`, `cert` and `key` are PEM files, `pin` is the public key's base64 SHA-256."""

    verify: bool = True
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    password: str | None = None
    pin: str | None = None


class RawTimeout(Shape):
    """`timeout:` of a request in its long form: `connect` bounds name resolution, connecting and TLS."""

    connect: PositiveS | None = None
    total: PositiveS | None = None


def _version(value: Any) -> str:
    """YAML types 1.1 and 2 as numbers; both are meant as versions."""
    text = str(value).upper().removeprefix("HTTP/")
    if text == "1.0":
        raise ValueError("HTTP/1.0 cannot be sent over httpx; use 1.1 or 2")
    if text in ("2.0", "2"):
        return "2"
    if text != "1.1":
        raise ValueError(f"'{value}' is no version of HTTP this can speak; use 1.1 or 2")
    return text


class RawAddressed(Shape):
    """What every kind of request says: where it goes, how it is connected, what it carries beside a body."""

    url: str
    params: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, Any] = Field(default_factory=dict)
    cookies: dict[str, Any] = Field(default_factory=dict)
    auth: RawAuth | None = None
    tls: RawTls | None = None
    proxy: str | None = None
    timeout: Annotated[RawTimeout, BeforeValidator(_timeout)] = RawTimeout()
    default_headers: Literal["all", "minimal"] = "all"
    session: str = ""
    max_body: Annotated[int, BeforeValidator(quantity.size_bytes), Field(gt=0)] = MAX_BODY_BYTES
    raw: bool = False


class RawRequest(RawAddressed):
    """`request:` of a step."""

    method: str | None = None
    content: Any = Field(default=None, alias="json")
    form: dict[str, Any] | str | None = None
    multipart: dict[str, Any] | None = None
    text: str | None = None
    file: str | None = None
    graphql: RawGraphql | None = None
    xml: str | None = None
    follow: Annotated[RawFollow | None, BeforeValidator(_follow)] = None
    http_version: Annotated[HttpVersion, BeforeValidator(_version)] = HttpVersion.V1_1
    compressed: bool | None = None
    path_as_is: bool = False


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class RawWebsocket(RawAddressed):
    """`websocket:` of a step: `send` texts or JSON values, `expect` the messages to wait for, in order."""

    send: Annotated[tuple[Any, ...], BeforeValidator(_listed)] = ()
    expect: Annotated[tuple[Any, ...], BeforeValidator(_listed)] = ()


class RawSse(RawAddressed):
    """`sse:` of a step: `until` is the event, or the events in order, to wait for."""

    method: str | None = None
    until: Annotated[tuple[Any, ...], BeforeValidator(_listed)]


class RawRepeatUntil(Shape):
    """`until:` of a step."""

    condition: str
    max: int = Field(ge=1, le=MAX_ROUNDS)
    interval: DurationS = 0.0


class RawForEach(Shape):
    """`for_each:` of a step."""

    name: str = Field(alias="as")
    items: list[Any] | str = Field(alias="in")


class RawRetry(Shape):
    """`retry:` of a step."""

    until: Literal["expect"] = "expect"
    max: int = Field(default=10, ge=1, le=1000)
    interval: DurationS = 0.5
    backoff: Backoff = Backoff.CONSTANT
    max_duration: DurationS | None = None
    on: Annotated[frozenset[RetryOn], BeforeValidator(_not_empty)] = frozenset(RetryOn)


def _side_by_side(value: Any) -> Any:
    """Each part is a thread and a connection of its own."""
    if isinstance(value, list) and len(value) > MAX_PARALLEL:
        raise ValueError(
            f"{len(value)} steps side by side, where {MAX_PARALLEL} are allowed; use a load profile for more"
        )
    return value


class RawStep(Shape):
    """A step: a request, a conversation, the use of a flow, or steps side by side."""

    name: str | None = None
    request: RawRequest | None = None
    websocket: RawWebsocket | None = None
    sse: RawSse | None = None
    timeout: PositiveS | None = None
    expect: RawExpect = RawExpect()
    capture: dict[str, dict[str, Any]] = Field(default_factory=dict)
    retry: RawRetry | None = None
    mutates: bool = False
    use: str | None = None
    given: dict[str, Any] = Field(default_factory=dict, alias="with")
    outputs: tuple[str, ...] | None = None
    once: Once | None = None
    parallel: Annotated[tuple[RawStep, ...] | None, BeforeValidator(_side_by_side)] = Field(
        default=None, min_length=1
    )
    vars: dict[str, Any] = Field(default_factory=dict)
    when: str | None = None
    skip: str = ""
    only_in: Names | None = None
    never_in: Names = frozenset()
    delay: DurationS = 0.0
    repeat: int | str | None = None
    for_each: RawForEach | None = None
    until: RawRepeatUntil | None = None
    keep_going: bool = Field(default=False, alias="continue")


RawSteps = Annotated[tuple[RawStep, ...], BeforeValidator(_not_empty)]


class RawLoad(Shape):
    """`load:` of a scenario."""

    weight: float = Field(default=1.0, gt=0)
    think_time: Annotated[tuple[float, float], BeforeValidator(quantity.duration_range_s)] = (0.0, 0.0)
    rows: RowUse = RowUse.OWN


def _rows(value: Any) -> Any:
    """A bare list is the inline form."""
    return {"inline": value} if isinstance(value, list) else value


class RawRows(Shape):
    """`rows:` in its long form."""

    file: str | None = None
    inline: tuple[dict[str, Any], ...] | None = None
    shuffle: int | None = None

    @model_validator(mode="after")
    def _one_source(self) -> RawRows:
        if (self.file is None) == (self.inline is None):
            raise ValueError("rows come from either a `file` or an `inline` list")
        return self


class RawScenario(Shape):
    """A scenario document."""

    scenario: str = Field(min_length=1)
    version: Literal[1] = 1
    tags: Names = frozenset()
    service: str | None = None
    vars: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[RawRows | None, BeforeValidator(_rows)] = None
    setup: tuple[RawStep, ...] = ()
    steps: RawSteps
    teardown: tuple[RawStep, ...] = ()
    load: RawLoad = RawLoad()
    skip: str = ""
    only_in: Names | None = None
    never_in: Names = frozenset()
    cookies: bool = True


class RawInput(Shape):
    """One of `inputs:` of a flow; a call must give what has no default."""

    secret: bool = False
    default: Any = None


def _input(value: Any) -> Any:
    """Anything but a mapping is the default, null none."""
    return value if isinstance(value, dict) else {} if value is None else {"default": value}


class RawFlow(Shape):
    """A flow document."""

    flow: str = Field(min_length=1)
    version: Literal[1] = 1
    service: str | None = None
    inputs: dict[str, Annotated[RawInput, BeforeValidator(_input)]] = Field(default_factory=dict)
    steps: RawSteps
    outputs: tuple[str, ...] = ()


SHAPES: Mapping[str, type[Shape]] = {"scenario": RawScenario, "flow": RawFlow}
