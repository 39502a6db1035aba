"""A container taken off a network: it runs, and those on the network reach it no more; undone by connecting it again.

Read back and waited for as `container` does. Being off outlasts a restart of the container, so healing takes
the container whatever run of it there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from seatrial.chaos.faults.container import OnRestartable, container_of, health_url_of, restartable
from seatrial.chaos.faults.injectable import Site, Undone
from seatrial.chaos.model import Fault
from seatrial.chaos.service_settings import Disconnect
from seatrial.errors import CannotRun, FaultFailed, Refused, did_you_mean
from seatrial.runtime.containers import Attachment, Container, Status

_NOT_TO_LEAVE = ("host", "none")


@dataclass(frozen=True, slots=True)
class DisconnectContainer(OnRestartable):
    """Disconnected from one network; connected again under its aliases, at its address where the network allows that.

    `fixed`: whether its user had given it the address, so that it must be that one.
    """

    heal_deadline_s: ClassVar[float] = 75.0

    network: str
    network_id: str
    aliases: tuple[str, ...]
    address: str
    address6: str
    fixed: bool

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The container that is the service now, and the network; Refused when it could not be put back as it was."""
        engine, found = container_of(fault, site)
        network, attachment = _attachment(found, fault)
        if attachment.special:
            raise Refused(
                f"{fault.where}: container {found} has links or options of its own on network {network}, which could "
                "not be put back; connect it without"
            )
        return cls(
            *restartable(engine, found, fault.target, health_url_of(fault, site)),
            network=network,
            network_id=attachment.network_id,
            aliases=attachment.aliases,
            address=attachment.address,
            address6=attachment.address6,
            fixed=attachment.fixed,
        )

    @property
    def sight(self) -> str:
        """The container and the network."""
        return f"disconnect container {self.name} ({self.service}) from network {self.network}, connected afterwards"

    def inject(self) -> None:
        """Disconnect it, and see that it is."""
        self.at.disconnect(self.container, self.network_id)
        self.read_back(
            lambda after: self._attached(after) is None,
            f"disconnected container {self.name}",
            f"is on {self.network}",
        )

    def heal(self) -> Undone:
        """Connect it again, see that it is, and wait until it is healthy if it runs."""
        found = self.look()
        if found is None:
            return self.untouched(found)
        if self._attached(found):
            return self.untouched(found, f"is on network {self.network}")
        self._connect()
        attached = self._attached(
            self.read_back(
                lambda after: self._attached(after) is not None,
                f"connected container {self.name}",
                f"is not on {self.network}",
            )
        )
        if found.status is Status.RUNNING:
            self.wait_healthy()
        address = attached.address if attached else ""
        moved = f", at {address} instead of {self.address}" if address not in ("", self.address) else ""
        return Undone(True, f"container {self.name} connected to network {self.network} again{moved}")

    def _connect(self) -> None:
        """At its address; a network whose subnet its user has not chosen takes no wishes, and gives the next one."""
        addresses, engine = (self.address, self.address6), self.at
        try:
            engine.connect(self.container, self.network_id, aliases=self.aliases, addresses=addresses)
        except FaultFailed:
            if self.fixed:
                raise
            engine.connect(self.container, self.network_id, aliases=self.aliases, addresses=("", ""))

    def _attached(self, found: Container | None) -> Attachment | None:
        on = found.networks.values() if found else ()
        return next((each for each in on if each.network_id == self.network_id), None)


def _attachment(found: Container, fault: Fault) -> tuple[str, Attachment]:
    """The network that is named, or the only one there is; CannotRun when that is none, or not one."""
    wanted = fault.settings.network if isinstance(fault.settings, Disconnect) else None
    can_leave = {name: each for name, each in found.networks.items() if name not in _NOT_TO_LEAVE}
    listed = ", ".join(can_leave) or "no network it could leave"
    if wanted is not None and wanted not in can_leave:
        hint = did_you_mean(wanted, can_leave)
        raise CannotRun(f"{fault.where}: container {found} is not on network '{wanted}', but on {listed}; {hint}")
    if wanted is None and len(can_leave) != 1:
        raise CannotRun(f"{fault.where}: container {found} is on {listed}; say which: `disconnect: {{network: ...}}`")
    name = wanted or next(iter(can_leave))
    return name, can_leave[name]
