"""The registry of faults: which class does which kind by which means. A new kind is one class and one row here.

`resolve` turns a fault of a document into one with a target; `restore` builds one again from the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.chaos.faults.docker import (
    KillContainer,
    PauseContainer,
    RestartContainer,
    RollingRestartContainers,
)
from seatrial.chaos.faults.docker_limits import LimitContainer
from seatrial.chaos.faults.docker_network import DisconnectContainer
from seatrial.chaos.faults.injectable import Injectable, Means, Site
from seatrial.chaos.faults.process import KillProcess, RestartProcess, RollingRestartProcesses, StopProcess
from seatrial.chaos.faults.toxics import DisabledProxy, Toxic
from seatrial.chaos.model import EdgeFault, Fault, FaultKind
from seatrial.errors import FaultFailed, Unsupported
from seatrial.realm import Realm, RuntimeKind

FAULTS: dict[tuple[Means, FaultKind], type[Injectable]] = {
    (Means.PROXY, FaultKind.LATENCY): Toxic,
    (Means.PROXY, FaultKind.TIMEOUT): Toxic,
    (Means.PROXY, FaultKind.RESET_PEER): Toxic,
    (Means.PROXY, FaultKind.BANDWIDTH): Toxic,
    (Means.PROXY, FaultKind.SLOW_CLOSE): Toxic,
    (Means.PROXY, FaultKind.SLICER): Toxic,
    (Means.PROXY, FaultKind.LIMIT_DATA): Toxic,
    (Means.PROXY, FaultKind.HTTP_ERROR): Toxic,
    (Means.PROXY, FaultKind.HTTP_DELAY): Toxic,
    (Means.PROXY, FaultKind.HTTP_TRUNCATE): Toxic,
    (Means.PROXY, FaultKind.HTTP_REPLACE): Toxic,
    (Means.PROXY, FaultKind.DOWN): DisabledProxy,
    (Means.PROCESS, FaultKind.KILL): KillProcess,
    (Means.PROCESS, FaultKind.STOP): StopProcess,
    (Means.PROCESS, FaultKind.RESTART): RestartProcess,
    (Means.PROCESS, FaultKind.ROLLING_RESTART): RollingRestartProcesses,
    (Means.DOCKER, FaultKind.KILL): KillContainer,
    (Means.DOCKER, FaultKind.STOP): PauseContainer,
    (Means.DOCKER, FaultKind.RESTART): RestartContainer,
    (Means.DOCKER, FaultKind.ROLLING_RESTART): RollingRestartContainers,
    (Means.DOCKER, FaultKind.DISCONNECT): DisconnectContainer,
    (Means.DOCKER, FaultKind.LIMIT): LimitContainer,
}


def resolve(fault: Fault, site: Site) -> tuple[Means, Injectable]:
    """The fault on its real target; CannotRun when the target, or a means to reach it, is not there."""
    means, known = find(fault, site.realm)
    return means, known.resolve(fault, site)


def find(fault: Fault, realm: Realm) -> tuple[Means, type[Injectable]]:
    """What does a fault in a realm, as far as its documents tell; Unsupported where nothing can."""
    means = means_of(fault, realm)
    known = FAULTS.get((means, fault.kind))
    if known is None:
        able = ", ".join(kind for has, kind in FAULTS if has is means) or "nothing yet"
        raise Unsupported(f"{fault.where}: {means} faults cannot do '{fault.kind}'; they can do {able}")
    return means, known


def means_of(fault: Fault, realm: Realm) -> Means:
    """By what a fault is done in a realm: edges by their proxy, services by what they run as."""
    if isinstance(fault, EdgeFault):
        return Means.PROXY
    place = realm.places.get(fault.service)
    if (place and place.container) or realm.runtime is RuntimeKind.DOCKER:
        return Means.DOCKER
    if realm.runtime is RuntimeKind.PROCESS and place and place.start:
        return Means.PROCESS
    raise Unsupported(
        f"{fault.where}: '{fault.kind}' needs a process or a container, and realm '{realm.name}' only knows the url "
        f"of '{fault.service}'; name its container in realms.yaml, or inject on an edge"
    )


def restore(means: str, kind: str, undo: Mapping[str, Any]) -> Injectable:
    """The fault a ledger entry tells of; FaultFailed when this version does not know it."""
    try:
        return FAULTS[Means(means), FaultKind(kind)](**undo)
    except (ValueError, KeyError, TypeError) as error:
        raise FaultFailed(
            f"a '{kind}' by {means} in the ledger cannot be understood ({error}); undo it by hand"
        ) from None
