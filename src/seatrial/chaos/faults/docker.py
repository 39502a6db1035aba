"""Faults on a service that runs as a container: kill it, pause it, restart it, or its replicas one after the other.

How the container is found, read back and started again is in `container`, the order of replicas in `rolling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from seatrial.chaos.faults.container import (
    END_DEADLINE_S,
    OnContainer,
    OnRestartable,
    container_of,
    health_url_of,
    opted_in,
    refuse_unstartable,
    restartable,
    state_of,
)
from seatrial.chaos.faults.injectable import Means, Site, Undone
from seatrial.chaos.faults.rolling import InTurn, rolling_of
from seatrial.chaos.model import Fault
from seatrial.chaos.service_settings import Kill
from seatrial.errors import FaultFailed, Refused
from seatrial.runtime.containers import Container, Status
from seatrial.runtime.docker import find_replicas


@dataclass(frozen=True, slots=True)
class KillContainer(OnRestartable):
    """A signal that ends the container; undone by starting the same container again."""

    signal: str

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now; Refused when it could not be started again as it is."""
        signal = fault.settings.signal if isinstance(fault.settings, Kill) else Kill().signal
        return cls(*_restartable(fault, site), signal)

    @property
    def sight(self) -> str:
        """The signal and the container."""
        return f"signal {self.signal} to container {self.name} ({self.service}), started again afterwards"

    def inject(self) -> None:
        """Signal it, and see it end."""
        self.at.send_signal(self.container, self.signal)
        self.see_end(
            f"container {self.name} outlived signal {self.signal} by {END_DEADLINE_S:g} s; its first process "
            "ignores what it does not handle: use KILL, or start the container with an init (`init: true`)"
        )

    def heal(self) -> Undone:
        """Start it again and wait until it is healthy, unless it was started since or is gone."""
        return self.start_again(f"signal {self.signal}")


@dataclass(frozen=True, slots=True)
class PauseContainer(OnContainer):
    """Every process of the container frozen: it holds its connections and answers nobody; undone by unpausing."""

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now."""
        engine, found = container_of(fault, site)
        return cls(engine.url, found.id, found.name, found.started_at, fault.target)

    @property
    def sight(self) -> str:
        """The container."""
        return f"pause container {self.name} ({self.service}), unpaused afterwards"

    def inject(self) -> None:
        """Pause it, and see that it is."""
        self.at.pause(self.container)
        self.read_back(_is_paused, f"paused container {self.name}")

    def heal(self) -> Undone:
        """Unpause it, and see that it runs; one that is not paused, or was started since, does not mind."""
        found = self.look()
        if found is None or not _is_paused(found) or found.started_at != self.started_at:
            return self.untouched(found)
        self.at.unpause(self.container)
        self.read_back(lambda after: not _is_paused(after), f"unpaused container {self.name}")
        return Undone(True, f"container {self.name} unpaused")


@dataclass(frozen=True, slots=True)
class RestartContainer(OnRestartable):
    """Restarted by the engine, as `docker restart` does: TERM, KILL after 10 s, and started as it was created.

    Healing finishes what was cut short; the engine goes on with a restart whose harness is gone.
    """

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now; Refused when it could not be started again as it is."""
        return cls(*_restartable(fault, site))

    @property
    def sight(self) -> str:
        """The container."""
        return f"restart container {self.name} ({self.service}): TERM, and started again at once"

    @property
    def label(self) -> str:
        """The container and its service, in a list of several."""
        return f"{self.name} ({self.service})"

    def inject(self) -> None:
        """Restart it; over when it is healthy."""
        found = self.look()
        if not self.runs_on(found):
            raise FaultFailed(f"container {self.name} {state_of(found)}, and was to be restarted as it was found")
        self.at.restart(self.container)
        self.read_back(self.is_another, f"restarted container {self.name}", "was not started again")
        self.wait_healthy()

    def wait_well(self) -> None:
        """Wait until a run of it that was started since is healthy."""
        if self.is_another(self.look()):
            self.wait_healthy()

    def heal(self) -> Undone:
        """Start it again and wait until it is healthy, unless it was started since or is gone."""
        return self.start_again("signal TERM")


@dataclass(frozen=True, slots=True)
class RollingRestartContainers(InTurn):
    """Containers restarted one after the other: those of a service, then those of its replicas' services.

    A service may have several containers, as compose makes them; then each says itself that it is well.
    """

    means: ClassVar[Means] = Means.DOCKER
    noun: ClassVar[str] = "containers"
    part: ClassVar[type[RestartContainer]] = RestartContainer

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The containers that are the services now; Refused for one that could not be started again as it is."""
        services, pause_s = rolling_of(fault)
        parts = [part for service in services for part in _replicas(service, fault, site)]
        return cls.of(parts, pause_s, where=fault.where)


def _restartable(fault: Fault, site: Site) -> tuple[str, str, str, str, str, str]:
    """The fields of an `OnRestartable`: the container that is the service now."""
    engine, found = container_of(fault, site)
    refuse_unstartable(found, fault)
    return restartable(engine, found, fault.target, health_url_of(fault, site))


def _replicas(service: str, fault: Fault, site: Site) -> tuple[RestartContainer, ...]:
    """Every container of a service, by name. The service's own address tells only of one that is alone."""
    engine, containers = find_replicas(site.realm, service)
    parts = []
    for found in containers:
        refuse_unstartable(opted_in(found, fault), fault)
        alone = len(containers) == 1
        address = (
            health_url_of(fault, site, service) if alone else _own_health_url(found, fault, site, service=service)
        )
        parts.append(RestartContainer(*restartable(engine, found, service, address)))
    return tuple(parts)


def _own_health_url(found: Container, fault: Fault, site: Site, *, service: str) -> str:
    """Where one of several containers says that it is well; empty when the engine checks it."""
    if found.health:
        return ""
    if len(found.published) == 1:
        return f"http://{found.published[0]}{site.realm.places[service].health}"
    raise Refused(
        f"{fault.where}: nothing tells when container {found} is well again: '{service}' has several, so each needs "
        "a health check (`healthcheck:` in compose, HEALTHCHECK in its image) or one published port"
    )


def _is_paused(found: Container | None) -> bool:
    return found is not None and found.status is Status.PAUSED
