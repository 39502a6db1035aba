"""A realm: where each service lives in one environment, its variables and secrets' names, what it allows.

`runtime/read.py` gives it from `realms.yaml`. Values of secrets are never in it: `redact.Secrets` holds
them once resolved. Pure; imports only `errors` and `service`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.errors import Refused, Where

CLIENT = "client"  # the harness itself, as caller of an edge


class RuntimeKind(enum.StrEnum):
    """Who starts and stops the services."""

    EXTERNAL = "external"
    PROCESS = "process"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Start:
    """How the process runtime starts a service: templates not yet rendered (`port`, `via.X`, `url.X`, `vars`)."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one service lives: a fixed `url`, or a `start` of ours; `container` names it for docker faults. `health`
    is the path that says it is up, `ready` the one that says it can do its work, None where there is none."""

    service: str
    url: str | None = None
    start: Start | None = None
    health: str = "/healthz"
    ready: str | None = None
    container: str | None = None
    where: Where | None = None


class SecretKind(enum.StrEnum):
    """Where a secret's value comes from."""

    ENV = "env"
    FILE = "file"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """A reference to a secret's value: `source` is the variable's name, the file's path or the command's words."""

    name: str
    kind: SecretKind
    source: tuple[str, ...]
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Allows:
    """What may be done in a realm; nothing is allowed that is not said here.

    `mutation_tags` None: no writing step may run; empty: all may; else only journeys with such a tag.
    `max_rate_per_s` is in requests per second; None: no load. `check_rate_per_s` bounds `check` likewise, None leaves
    it as fast as it is. `environment` are the variables templates may read with `env()`. `canaries` are the
    addresses where a canary may be, beside those on the hosts of the realm's services.
    """

    mutation_tags: frozenset[str] | None = None
    max_rate_per_s: float | None = None
    chaos: bool = False
    check_rate_per_s: float | None = None
    environment: frozenset[str] = frozenset()
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracing:
    """The headers that carry a request's ids; None sends none. The first holds W3C trace context."""

    traceparent: str | None = "traceparent"
    request_id: str | None = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """A Prometheus, or what speaks its HTTP API: its address without the API's path, and headers to send, templates
    not yet rendered (`secrets`, `vars`)."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 10.0
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class EdgeProxy:
    """A Toxiproxy that stands in an external realm: API address and the proxy's name there."""

    api: str
    proxy: str


@dataclass(frozen=True, slots=True)
class Realm:
    """One environment. `toxiproxy` is the API address of a real Toxiproxy to use instead of the embedded one;
    `prometheus` is who answers objectives' queries."""

    name: str
    runtime: RuntimeKind
    places: Mapping[str, Place]
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)
    allows: Allows = field(default_factory=Allows)
    edges: Mapping[str, EdgeProxy] = field(default_factory=dict)
    toxiproxy: str | None = None
    prometheus: MetricsServer | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    tracing: Tracing = Tracing()
    where: Where | None = None


def refuse(realm: Realm, what: str, line: str) -> Refused:
    """The refusal that names the line to change."""
    place = f"{realm.where}: " if realm.where else ""
    return Refused(f"{place}realm '{realm.name}' does not allow {what}; add `{line}` under its `allows`")


def permit_mutations(realm: Realm, scenario: str, tags: Iterable[str]) -> None:
    """Raise Refused when a journey that writes may not run in this realm."""
    allowed = realm.allows.mutation_tags
    if allowed is None:
        raise refuse(realm, f"mutations, and '{scenario}' has a step that mutates", "mutations: true")
    if allowed and not allowed & set(tags):
        wanted = ", ".join(sorted(allowed))
        raise refuse(realm, f"mutations by '{scenario}' (only journeys tagged {wanted})", "mutations: true")


def permit_chaos(realm: Realm) -> None:
    """Raise Refused when no fault may be injected here."""
    if not realm.allows.chaos:
        raise refuse(realm, "chaos", "chaos: true")


def permit_load(realm: Realm, requests_per_s: float) -> None:
    """Raise Refused when that many requests per second may not be sent here."""
    allowed = realm.allows.max_rate_per_s
    if allowed is None:
        raise refuse(realm, "load", "load: {max_rate: 100/s}")
    if requests_per_s > allowed:
        raise refuse(
            realm,
            f"{requests_per_s:.0f} requests/s (its limit is {allowed:.0f}/s)",
            f"load: {{max_rate: {requests_per_s:.0f}/s}}",
        )
