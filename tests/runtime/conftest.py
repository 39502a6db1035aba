"""A realm that comes up and goes down without a process: what is under test is when and what is started."""

from __future__ import annotations

import pytest

from seatrial.runtime import process, proxies
from seatrial.runtime import up as up_room
from seatrial.runtime.state import ProcessId, ProxyState


@pytest.fixture
def stopped(monkeypatch):
    """What was stopped, in order; nothing real is started or stopped."""
    gone: list[ProcessId] = []
    monkeypatch.setattr(process, "stop", lambda processes, **_: gone.extend(processes))
    monkeypatch.setattr(process, "is_alive", lambda found: found not in gone)
    monkeypatch.setattr(proxies, "start_proxy", lambda log: ProxyState("http://127.0.0.1:1", ProcessId(1, 1.0)))
    monkeypatch.setattr(proxies, "put_before", lambda api, edges, listens: {})
    monkeypatch.setattr(proxies, "proxy_answers", lambda api: True)
    monkeypatch.setattr(process, "spawn", lambda command, env, cwd, log: ProcessId(2, 2.0))
    monkeypatch.setattr(up_room, "_wait_healthy", lambda place, service: None)
    return gone
