"""Which container is which service of a realm: what is looked for, and the choice among what was found.

Takes a `Realm` and the containers an engine listed, gives the one that is meant, or refuses. A selector that could
mean a stranger's container is never made. Pure; may import only the floor, and must never talk to an engine.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.errors import CannotRun, Refused, Where, did_you_mean
from seatrial.realm import Realm

SERVICE_LABEL = "seatrial.service"
COMPOSE_SERVICE_LABEL = "com.docker.compose.service"
COMPOSE_ONEOFF_LABEL = "com.docker.compose.oneoff"  # "True" on what `docker compose run` starts beside the service
CHAOS_LABEL = "seatrial.chaos"
CHAOS_ALLOWED = "allowed"
KERNEL_PERIOD_US = 100_000  # what a quota of processor is of where no period is said

_SHORT_ID = 12  # as `docker ps` shows them
# https://github.com/moby/moby/blob/v20.10.24/daemon/names/names.go
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class Status(enum.StrEnum):
    """How a container is, in the engine's words; OTHER for a word of a later engine."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"
    OTHER = "other"

    @classmethod
    def _missing_(cls, value: object) -> Status:
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a container is on a network. `address6` is one its user has given; `fixed` when so is one of both.

    `aliases` are those its user has given; `special`: it has links or driver options there.
    """

    network_id: str
    aliases: tuple[str, ...] = ()
    address: str = ""
    address6: str = ""
    fixed: bool = False
    special: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """What a container may take of the machine, in the engine's terms; 0 where nothing is said, less for no limit."""

    quota_us: int = 0
    period_us: int = 0
    nano: int = 0  # billionths of a core
    memory_bytes: int = 0
    swap_bytes: int = 0  # memory and swap together

    @property
    def cores(self) -> float:
        """How many cores; 0 for no limit."""
        if self.nano > 0:
            return self.nano / 1e9
        return self.quota_us / (self.period_us or KERNEL_PERIOD_US) if self.quota_us > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Container:
    """One container as it is now.

    `started_at` is the engine's own text: it differs after every start, so it tells one run of the container from the
    next. `loose_ports` are published on a host port that the engine chooses anew at every start, `published` are the
    addresses of this machine, as host:port, of the others. `health` is what its own health check says, in the
    engine's words; empty where it has none.
    """

    id: str
    name: str
    status: Status
    started_at: str
    labels: Mapping[str, str] = field(default_factory=dict)
    removed_at_end: bool = False
    loose_ports: tuple[str, ...] = ()
    networks: Mapping[str, Attachment] = field(default_factory=dict)
    share: Share = Share()
    health: str = ""
    published: tuple[str, ...] = ()

    @property
    def service(self) -> str | None:
        """The service it says it is: our label first, compose's where there is none; None for a one-off."""
        if self.labels.get(COMPOSE_ONEOFF_LABEL) == "True":
            return None
        return self.labels.get(SERVICE_LABEL) or self.labels.get(COMPOSE_SERVICE_LABEL)

    def __str__(self) -> str:
        return f"{self.name} ({self.id[:_SHORT_ID]}, {self.status})"


@dataclass(frozen=True, slots=True)
class Selector:
    """What is looked for: the container of that `name`, else of that `service`; it carries all the `labels`."""

    realm: str
    service: str
    name: str | None
    labels: Mapping[str, str]
    where: Where | None = None

    def selects(self, container: Container) -> bool:
        """Whether a container is what is looked for."""
        if any(container.labels.get(key) != value for key, value in self.labels.items()):
            return False
        return container.name == self.name if self.name else container.service == self.service

    def __str__(self) -> str:
        said = [f"the name {self.name}"] if self.name else [f"the service '{self.service}'"]
        return " and ".join([*said, *(f"the label {key}={value}" for key, value in self.labels.items())])


def selector(realm: Realm, service: str) -> Selector:
    """What the realm says about the container of a service; Refused when that could be anybody's container."""
    place = realm.places.get(service)
    if place is None:
        hint = did_you_mean(service, realm.places)
        raise CannotRun(f"{realm.where}: realm '{realm.name}' has no service '{service}'; {hint}")
    where = place.where or realm.where
    for key, value in realm.labels.items():
        if not key.strip() or not value.strip() or "*" in key + value:
            raise Refused(
                f"{realm.where}: the label '{key}: {value}' selects every container; give it one plain value"
            )
    if place.container is not None:
        if not _NAME.fullmatch(place.container):
            raise Refused(
                f"{where}: '{place.container}' is not the name of one container; give it as `docker ps` does"
            )
    elif not set(realm.labels) - {CHAOS_LABEL}:
        raise Refused(
            f"{realm.where}: realm '{realm.name}' does not say which containers are its own, so every container of "
            "this machine is meant; add a label they all carry, as "
            "`runtime: {kind: docker, labels: {com.example.bank: demo}}`, or name the service's `container`"
        )
    return Selector(realm.name, service, place.container, realm.labels, where)


def choose(wanted: Selector, found: Sequence[Container]) -> Container:
    """The one container that is meant; CannotRun names what was found when there is none, or more than one."""
    chosen = choose_all(wanted, found)
    if len(chosen) == 1:
        return chosen[0]
    raise CannotRun(
        f"{wanted.where}: one container should have {wanted}, and {len(chosen)} have: {_listed(chosen)}; "
        f"remove what is over, or name one: `container: {chosen[0].name}`"
    )


def choose_all(wanted: Selector, found: Sequence[Container]) -> tuple[Container, ...]:
    """Every container that is meant, by name: as compose numbers them; CannotRun names what was found for none."""
    chosen = sorted((each for each in found if wanted.selects(each)), key=lambda each: (len(each.name), each.name))
    if chosen:
        return tuple(chosen)
    looked = f"{wanted.where}: one container should have {wanted}, and none has"
    if wanted.name:
        raise CannotRun(f"{looked}; found: {_listed(found)}; start it, or correct `container: {wanted.name}`")
    raise CannotRun(
        f"{looked}; found: {_listed(found)}; start it, or label it {SERVICE_LABEL}={wanted.service} "
        "(compose's own service label does as well)"
    )


def permit_fault(container: Container, *, where: Where | None) -> None:
    """Raise Refused when a container has not been opted in to faults."""
    if container.labels.get(CHAOS_LABEL) != CHAOS_ALLOWED:
        raise Refused(
            f"{where}: container {container} does not allow faults; if it may be broken, give it the label "
            f"{CHAOS_LABEL}={CHAOS_ALLOWED} and create it again"
        )


def _listed(containers: Iterable[Container]) -> str:
    shown = [
        f"{container} of '{container.service}'" if container.service else str(container) for container in containers
    ]
    return ", ".join(sorted(shown)) or "no container"
