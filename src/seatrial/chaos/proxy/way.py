"""Where a proxy's upstream leads: through which other proxies, and whether back to itself.

Each connection to a proxy that leads back to itself would make another, for ever. Takes names and addresses, gives
the names on the way; resolves names of hosts only where the ports are the same, and gives up on those that take long.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.address import RESOLVE_DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.chaos.proxy.address import Address

    Ip = IPv4Address | IPv6Address


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
    listens = _ip(listen.host)
    return any(_reaches(_ip(host), listens) for host in await _hosts(upstream.host))


def _reaches(host: Ip, listens: Ip) -> bool:
    if listens.is_unspecified:
        return (listens.version == 6 or host.version == 4) and _is_here(host)  # who listens at :: has both
    return host == listens or (host.is_unspecified and listens.is_loopback and host.version == listens.version)


def _ip(host: str) -> Ip:
    """A numeric address; one of IPv4 that is written as one of IPv6 (`::ffff:127.0.0.1`) is that of IPv4."""
    found = ip_address(host)
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found


async def _hosts(name: str) -> list[str]:
    """The numeric addresses of a host; none where they are not known soon."""
    try:
        async with asyncio.timeout(RESOLVE_DEADLINE_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(info[4][0]).partition("%")[0] for info in found]


def _is_here(host: Ip) -> bool:
    """Claims that an address is one of this machine's: only such a one can be bound."""
    family = socket.AF_INET6 if host.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(host), 0))
        except OSError:
            return False
    return True
