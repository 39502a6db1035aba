"""Where a proxy's upstream leads: through which other proxies, and whether back to itself.

Each connection to a proxy that leads back to itself would make another, for ever. Takes names and addresses, gives
the names on the way; resolves names of hosts only where the ports are the same, and gives up on those that take long.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.chaos.proxy.address import Address

_RESOLVE_DEADLINE_S = 2.0


@dataclass(frozen=True)
class Hop:
    """A proxy as it stands, or is to be; `listen` is numeric."""

    name: str
    listen: Address
    upstream: Address


async def way_back(start: Hop, others: Iterable[Hop]) -> list[str]:
    """The names of the proxies on the way from `start` back to itself, its own first; empty where there is none."""
    way, here, left = [start.name], start, list(others)
    while not await _leads_to(here.upstream, start.listen):
        reached = [hop for hop in left if await _leads_to(here.upstream, hop.listen)]
        if not reached:
            return []
        here = reached[0]
        left.remove(here)
        way.append(here.name)
    return way


async def _leads_to(upstream: Address, listen: Address) -> bool:
    """Claims that who dials `upstream` reaches who listens there; a port not chosen yet is nobody's."""
    if upstream.port != listen.port or not listen.port:
        return False
    numeric = await _hosts(upstream.host)
    if ip_address(listen.host).is_unspecified:
        return any(_is_here(host) for host in numeric)
    here = ip_address(listen.host).is_loopback
    return any(host == listen.host or (here and ip_address(host).is_unspecified) for host in numeric)


async def _hosts(name: str) -> list[str]:
    """The numeric addresses of a host; none where they are not known soon."""
    try:
        async with asyncio.timeout(_RESOLVE_DEADLINE_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(info[4][0]).partition("%")[0] for info in found]


def _is_here(host: str) -> bool:
    """Claims that a numeric address is one of this machine's: only such a one can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True
