"""A port of the loopback for what a test starts itself."""

from __future__ import annotations

from seatrial.runtime.ports import free_ports


def free_port() -> int:
    """A port nobody listens on now, and no socket of the system's choosing is given; another at every call."""
    [port] = free_ports(1)
    return port
