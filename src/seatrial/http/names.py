"""Names of hosts: their addresses, within a time, and which are this machine itself.

Resolves by the system's call in a thread, because nothing can interrupt that call.
"""

from __future__ import annotations

import functools
import ipaddress
import queue
import socket
import threading

from seatrial.http.failure import Failed
from seatrial.http.progress import Progress
from seatrial.sample import Cause


@functools.lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether a host is by its name, or is as an address, this machine's loopback."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def is_address(host: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def addresses_of(host: str, port: int, progress: Progress) -> list[str]:
    """The addresses of a host, at least one, resolved within the time to connect; an address is its own."""
    if is_address(host):
        return [host]
    before = progress.spent_s()
    found = _resolve(host, port, progress)
    progress.dns_s = progress.spent_s() - before
    return found


def _resolve(host: str, port: int, progress: Progress) -> list[str]:
    """Ask in a thread that is left behind when it takes too long."""
    results: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([str(entry[4][0]) for entry in entries])
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        result = results.get(timeout=progress.connect_left_s())
    except queue.Empty:
        raise progress.unconnected(Cause.DNS) from None
    if isinstance(result, OSError):
        raise Failed(Cause.DNS, (result.strerror or str(result)).lower())
    if isinstance(result, Exception) or not result:
        raise Failed(Cause.DNS, f"'{host}' has no address")
    return list(dict.fromkeys(result))
