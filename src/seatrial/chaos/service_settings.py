"""The settings of faults that are done to a service itself, by what it runs as; `model` has the others. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kill:
    """A signal that ends the service's process or container; undone by starting it again."""

    signal: str = "KILL"


@dataclass(frozen=True, slots=True)
class Stop:
    """The process is stopped (SIGSTOP) or the container paused: alive, and answering nobody."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Ended by TERM (KILL where it takes too long) and at once started again where it was."""


@dataclass(frozen=True, slots=True)
class RollingRestart:
    """A service and its `replicas` are restarted one after the other, `pause_s` after the one before is healthy.

    `replicas` are services of their own; without them the service has several containers.
    """

    replicas: tuple[str, ...] = ()
    pause_s: float = 0.0

    def pauses_s(self, count: int) -> float:
        """How long it waits in all between so many restarts."""
        return self.pause_s * max(0, count - 1)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The container is taken off a network; the only one it is on unless `network` names one."""

    network: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The container gets at most so many `cores`, and bytes of memory; None leaves it as it is."""

    cores: float | None = None
    memory_bytes: int | None = None


ServiceSettings = Kill | Stop | Restart | RollingRestart | Disconnect | Limit
