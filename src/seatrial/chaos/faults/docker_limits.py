"""A container that gets less processor or memory than it had; undone by giving back what it had.

Read back and started again as `container` does. A container's limits outlast its restart, so healing takes the
container whatever run of it there is; one that ended under its limit, as for want of memory, is started again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from seatrial.chaos.faults.container import (
    OnRestartable,
    container_of,
    health_url_of,
    refuse_unstartable,
    restartable,
)
from seatrial.chaos.faults.injectable import Site, Undone
from seatrial.chaos.model import Fault
from seatrial.chaos.service_settings import Limit
from seatrial.errors import CannotRun
from seatrial.runtime.containers import KERNEL_PERIOD_US, Container, Share, Status

_ENDED = (Status.EXITED, Status.DEAD)


@dataclass(frozen=True, slots=True)
class LimitContainer(OnRestartable):
    """At most so many cores and bytes; None leaves it as it is. `had_*` is what the container had: 0 for no limit.

    `nano`: its cores are limited the engine's way (`--cpus`), which then takes no quota.
    """

    heal_deadline_s: ClassVar[float] = 75.0

    cores: float | None
    memory_bytes: int | None
    nano: bool
    had_quota_us: int
    had_period_us: int
    had_nano: int
    had_memory_bytes: int
    had_swap_bytes: int

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now; CannotRun where it has no more than that already."""
        engine, found = container_of(fault, site)
        wanted = fault.settings if isinstance(fault.settings, Limit) else Limit()
        refuse_unstartable(found, fault)
        _refuse_more(wanted, found, fault)
        had = found.share
        return cls(
            *restartable(engine, found, fault.target, health_url_of(fault, site)),
            cores=wanted.cores,
            memory_bytes=wanted.memory_bytes,
            nano=had.nano > 0,
            had_quota_us=had.quota_us,
            had_period_us=had.period_us,
            had_nano=had.nano,
            had_memory_bytes=had.memory_bytes,
            had_swap_bytes=had.swap_bytes,
        )

    @property
    def sight(self) -> str:
        """The container and its limits."""
        cores = [f"{self.cores:g} cores"] if self.cores is not None else []
        memory = [f"{self.memory_bytes} bytes of memory"] if self.memory_bytes is not None else []
        limits = " and ".join(cores + memory)
        return f"limit container {self.name} ({self.service}) to {limits}, given back afterwards"

    def inject(self) -> None:
        """Limit it, and see that it is."""
        self.at.limit(self.container, self._limited())
        self.read_back(self._is_limited, f"limited container {self.name}", "has other limits")

    def heal(self) -> Undone:
        """Give back what it had, see that it has, and start it if it ended; other limits it got meanwhile stay."""
        found = self.look()
        if found is None:
            return self.untouched(found)
        limited, ended = self._is_limited(found), self._ended_under_it(found)
        if not (limited or ended):
            return self.untouched(found, "has other limits")
        if limited:
            self.at.limit(self.container, self._former())
            self.read_back(
                lambda after: not self._is_limited(after), f"gave container {self.name} its limits back", "did not"
            )
        if ended:
            self.start()
        elif found.status is Status.RUNNING:
            self.wait_healthy()
        return Undone(True, f"container {self.name} has its former limits{' and was started again' if ended else ''}")

    def _limited(self) -> Share:
        cores, memory = self.cores, self.memory_bytes
        by_quota = cores is not None and not self.nano
        return Share(
            quota_us=round((cores or 0) * KERNEL_PERIOD_US) if by_quota else 0,
            period_us=KERNEL_PERIOD_US if by_quota else 0,
            nano=round((cores or 0) * 1e9) if self.nano else 0,
            memory_bytes=memory or 0,
            swap_bytes=memory or 0,  # no swap beside it
        )

    def _former(self) -> Share:
        """What is not limited has to be said: the engine takes 0 for "as it is"."""
        by_quota, memory = self.cores is not None and not self.nano, self.memory_bytes is not None
        return Share(
            quota_us=(self.had_quota_us or NO_QUOTA) if by_quota else 0,
            period_us=(self.had_period_us or KERNEL_PERIOD_US) if by_quota else 0,
            nano=self.had_nano if self.cores is not None else 0,
            memory_bytes=(self.had_memory_bytes or NO_MEMORY_LIMIT) if memory else 0,
            swap_bytes=(max(self.had_swap_bytes, 0) or NO_MEMORY_LIMIT) if memory else 0,
        )

    def _is_limited(self, found: Container | None) -> bool:
        """Whether it has the limits of this fault, those it does not set aside."""
        if found is None:
            return False
        wanted, has = self._limited(), found.share
        cores = (has.nano == wanted.nano) if self.nano else (has.cores == wanted.cores)
        return (self.cores is None or cores) and (
            self.memory_bytes is None or has.memory_bytes == wanted.memory_bytes
        )

    def _ended_under_it(self, found: Container) -> bool:
        return found.started_at == self.started_at and found.status in _ENDED


NO_QUOTA = -1
NO_MEMORY_LIMIT = 2**63 - 4096  # what the kernel says where there is no limit; the engine takes no -1 here


def _refuse_more(wanted: Limit, found: Container, fault: Fault) -> None:
    had = found.share
    if wanted.cores is not None and 0 < had.cores <= wanted.cores:
        raise CannotRun(f"{fault.where}: container {found} has but {had.cores:g} cores; limit it to less")
    if wanted.memory_bytes is not None and 0 < had.memory_bytes <= wanted.memory_bytes:
        raise CannotRun(f"{fault.where}: container {found} has but {had.memory_bytes} bytes; limit it to less")
