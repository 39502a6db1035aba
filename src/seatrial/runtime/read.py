"""Reads `realms.yaml` into `Realm`s. Every mistake is a `DocumentError` with its place."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from seatrial import documents, template
from seatrial.documents import Document, DurationS, RatePerS, Shape
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean, unknown
from seatrial.realm import (
    CLIENT,
    Allows,
    EdgeProxy,
    MetricsServer,
    Place,
    Realm,
    RuntimeKind,
    SecretKind,
    SecretSource,
    Start,
    Tracing,
)
from seatrial.redact import MASKED_HEADERS
from seatrial.service import Edge

# A realm's name is part of files' names, a service's of its log's and its proxies' at an API.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class _Start(Shape):
    command: list[str] = Field(min_length=1)
    env: dict[str, str | int] = {}
    port: int | None = Field(default=None, ge=1, le=65535)


class _Place(Shape):
    url: str | None = None
    start: _Start | None = None
    health: str = "/healthz"
    ready: str | None = None
    container: str | None = None

    @model_validator(mode="after")
    def _url_or_start(self) -> _Place:
        if (self.url is None) == (self.start is None):
            raise ValueError("a service has either a `url` or a `start`")
        return self


class _Runtime(Shape):
    kind: RuntimeKind = RuntimeKind.EXTERNAL
    labels: dict[str, str] = {}


class _Secret(Shape):
    env: str | None = None
    file: str | None = None
    command: list[str] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> _Secret:
        if sum(source is not None for source in (self.env, self.file, self.command)) != 1:
            raise ValueError("a secret names exactly one of `env`, `file` and `command`")
        return self


class _Tagged(Shape):
    tags: list[str] = Field(min_length=1)


class _Load(Shape):
    max_rate: RatePerS


class _Allows(Shape):
    mutations: bool | _Tagged = False
    load: _Load | Literal[False] = False
    chaos: bool = False
    check: _Load | None = None
    env: list[str] = []
    canaries: tuple[Annotated[str, Field(pattern="^https?://[^/]")], ...] = ()


class _Tracing(Shape):
    traceparent: str | None = "traceparent"
    request_id: str | None = "X-Request-Id"


class _EdgeProxy(Shape):
    toxiproxy: str
    proxy: str


class _Prometheus(Shape):
    url: str
    headers: dict[str, str] = {}
    timeout: Annotated[DurationS, Field(gt=0)] = 10.0


class _Realm(Shape):
    extends: str | None = None
    runtime: _Runtime = _Runtime()
    services: dict[str, str | _Place] = {}
    variables: dict[str, Any] = {}
    secrets: dict[str, _Secret] = {}
    allows: _Allows = _Allows()
    edges: dict[str, _EdgeProxy] = {}
    toxiproxy: str | None = None
    prometheus: str | _Prometheus | None = None
    tracing: Literal["on", "off"] | bool | _Tracing = True


class _Realms(Shape):
    realms: dict[str, _Realm] = Field(min_length=1)
    default: str | None = None
    version: Literal[1] = 1


SHAPES: Mapping[str, type[Shape]] = {"realms": _Realms}


class Realms(dict[str, Realm]):
    """The realms of a workspace by name, in the file's order; `default` is the one meant when none is named."""

    default: str | None = None


def read_realms(workspace: Path) -> Realms:
    """Read `realms.yaml` of the workspace."""
    document = documents.load(workspace / documents.WORKSPACE_FILE)
    raw = documents.parse(document, _Realms)
    realms = Realms((name, _realm(name, raw, document)) for name in raw.realms)
    realms.default = _default(raw, document)
    return realms


def choose_realm(realms: Realms, name: str | None) -> Realm:
    """The realm of that name, else the default, else the only one; UsageError otherwise."""
    wanted = name or realms.default or (next(iter(realms)) if len(realms) == 1 else None)
    if wanted is None:
        raise UsageError(f"which realm? name one with --realm or SEATRIAL_REALM; known: {', '.join(realms)}")
    if wanted not in realms:
        raise UsageError(unknown("realm", wanted, realms))
    return realms[wanted]


def _default(raw: _Realms, document: Document) -> str | None:
    if raw.default is not None and raw.default not in raw.realms:
        hint = did_you_mean(raw.default, raw.realms)
        raise DocumentError(document.where("default"), f"unknown realm '{raw.default}'", hint)
    return raw.default


def _realm(name: str, raw: _Realms, document: Document) -> Realm:
    _require_names(name, raw.realms[name], document)
    chain = _ancestry(name, raw, document)
    own = chain[0][1]
    runtime = _given(chain, "runtime")
    services = {key: (owner, shape) for owner, item in reversed(chain) for key, shape in item.services.items()}
    places = {key: _place(key, shape, document, owner) for key, (owner, shape) in services.items()}
    secrets = {key: (owner, shape) for owner, item in reversed(chain) for key, shape in item.secrets.items()}
    return Realm(
        name=name,
        runtime=runtime.kind,
        places=places,
        variables={key: value for _, item in reversed(chain) for key, value in item.variables.items()},
        secrets={key: _secret(key, shape, document, owner) for key, (owner, shape) in secrets.items()},
        # Rights are never inherited half: what a realm says of `allows` replaces its parent's.
        allows=_allows(_given(chain, "allows")),
        edges=_edges(own, document, name),
        toxiproxy=_given(chain, "toxiproxy"),
        prometheus=_prometheus(chain, document),
        labels=runtime.labels,
        tracing=_tracing(_given(chain, "tracing")),
        where=document.where_key("realms", name),
    )


def _require_names(name: str, raw: _Realm, document: Document) -> None:
    named = {document.where_key("realms", name): name}
    named |= {document.where_key("realms", name, "services", service): service for service in raw.services}
    for where, text in named.items():
        if not _NAME.fullmatch(text):
            hint = "use letters, digits, `_`, `.` and `-`, a letter or digit first"
            raise DocumentError(where, f"'{text}' cannot be a name", hint)
    if CLIENT in raw.services:
        where = document.where_key("realms", name, "services", CLIENT)
        raise DocumentError(where, f"'{CLIENT}' is the harness itself, as caller of an edge", "choose another name")


def _ancestry(name: str, raw: _Realms, document: Document) -> list[tuple[str, _Realm]]:
    """The realm and what it extends, nearest first."""
    chain: list[tuple[str, _Realm]] = []
    current: str | None = name
    while current is not None:
        seen = [owner for owner, _ in chain]
        if current in seen:
            path = " -> ".join([*seen, current])
            raise DocumentError(document.where("realms", seen[-1], "extends"), f"realms extend in a circle: {path}")
        if current not in raw.realms:
            where = document.where("realms", seen[-1], "extends")
            raise DocumentError(where, f"unknown realm '{current}'", did_you_mean(current, raw.realms))
        chain.append((current, raw.realms[current]))
        current = raw.realms[current].extends
    return chain


def _given(chain: list[tuple[str, _Realm]], key: str) -> Any:
    """The value of a key from the nearest realm that says it, else the default."""
    return next((getattr(item, key) for _, item in chain if key in item.model_fields_set), getattr(chain[0][1], key))


def _place(service: str, raw: str | _Place, document: Document, realm: str) -> Place:
    where = document.where("realms", realm, "services", service)
    address = raw if isinstance(raw, str) else raw.url
    if address is not None:
        place = where if isinstance(raw, str) else document.where("realms", realm, "services", service, "url")
        _require_address(address, place)
    if isinstance(raw, str):
        return Place(service, url=raw.rstrip("/"), where=where)
    start = _start(raw.start, document.where("realms", realm, "services", service, "start")) if raw.start else None
    url = raw.url.rstrip("/") if raw.url else None
    return Place(
        service, url=url, start=start, health=raw.health, ready=raw.ready, container=raw.container, where=where
    )


def _require_address(address: str, where: Where) -> None:
    if not re.match("https?://[^/]", address):
        raise DocumentError(where, f"'{address}' is not an address", "begin it with http:// or https://")


def _require_metrics_address(address: str, where: Where) -> None:
    """An address, and no password in it: that would stand in the document, in the journal and in warnings."""
    _require_address(address, where)
    if "@" in urllib.parse.urlsplit(address).netloc:
        hint = 'leave it out, and write headers: {Authorization: "Basic {{ secrets.NAME }}"}'
        raise DocumentError(where, "a user or password never stands in an address", hint)


def _prometheus(chain: list[tuple[str, _Realm]], document: Document) -> MetricsServer | None:
    owners = [name for name, item in chain if "prometheus" in item.model_fields_set]
    raw = _given(chain, "prometheus")
    if raw is None:
        return None
    where = document.where("realms", owners[0], "prometheus")
    if isinstance(raw, str):
        _require_metrics_address(raw, where)
        return MetricsServer(raw.rstrip("/"), where=where)
    _require_metrics_address(raw.url, document.where("realms", owners[0], "prometheus", "url"))
    for name, text in raw.headers.items():
        if name.lower() in MASKED_HEADERS and not template.is_template(text):
            place = document.where("realms", owners[0], "prometheus", "headers", name)
            hint = f'write {name}: "Bearer {{{{ secrets.NAME }}}}", and name the secret under `secrets`'
            raise DocumentError(place, "the value of a secret never stands in a document", hint)
    return MetricsServer(raw.url.rstrip("/"), tuple(raw.headers.items()), raw.timeout, where)


def _start(raw: _Start, where: Where) -> Start:
    env = {key: str(value) for key, value in raw.env.items()}
    return Start(command=tuple(raw.command), env=env, port=raw.port, where=where)


def _secret(name: str, raw: _Secret, document: Document, realm: str) -> SecretSource:
    where = document.where("realms", realm, "secrets", name)
    if raw.env is not None:
        return SecretSource(name, SecretKind.ENV, (raw.env,), where)
    if raw.file is not None:
        return SecretSource(name, SecretKind.FILE, (raw.file,), where)
    return SecretSource(name, SecretKind.COMMAND, tuple(raw.command or ()), where)


def _allows(raw: _Allows) -> Allows:
    tags = frozenset(raw.mutations.tags) if isinstance(raw.mutations, _Tagged) else frozenset[str]()
    return Allows(
        mutation_tags=tags if raw.mutations else None,
        max_rate_per_s=raw.load.max_rate if raw.load else None,
        chaos=raw.chaos,
        check_rate_per_s=raw.check.max_rate if raw.check else None,
        environment=frozenset(raw.env),
        canaries=raw.canaries,
    )


def _tracing(raw: str | bool | _Tracing) -> Tracing:
    if isinstance(raw, _Tracing):
        return Tracing(raw.traceparent, raw.request_id)
    return Tracing() if raw in ("on", True) else Tracing(None, None)


def _edges(raw: _Realm, document: Document, realm: str) -> Mapping[str, EdgeProxy]:
    proxies = {}
    for text, proxy in raw.edges.items():
        try:
            edge = Edge.parse(text)
        except ValueError as error:
            raise DocumentError(document.where_key("realms", realm, "edges", text), str(error)) from None
        proxies[str(edge)] = EdgeProxy(api=proxy.toxiproxy.rstrip("/"), proxy=proxy.proxy)
    return proxies
