"""Starts the proxy process of a realm and puts one proxy before every edge.

Takes edges and upstreams, gives `EdgeState`s with the addresses callers use. Speaks Toxiproxy's API through
the one HTTP door; faults are another room's business.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from seatrial import http
from seatrial.errors import CannotRun
from seatrial.exchange import Response
from seatrial.runtime import process
from seatrial.runtime.state import EdgeState, ProxyState, proxy_name
from seatrial.service import Edge

START_DEADLINE_S = 20.0
CALL_TIMEOUT_S = 5.0


def start_proxy(log: Path, *, port: int = 0) -> ProxyState:
    """Start the embedded proxy on loopback; returns when its API answers."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    command = [sys.executable, "-m", "seatrial.chaos.proxy", "--host", "127.0.0.1", "--port", str(port)]
    running = process.spawn(command, env={}, cwd=log.parent, log=log)
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end and process.is_alive(running):
        if api := _announced(log):
            return ProxyState(api=api, process=running, log=str(log))
        time.sleep(0.02)
    process.stop([running])
    raise CannotRun(f"the embedded proxy did not start; the end of {log}:\n{process.tail(log)}")


def put_before(api: str, edges: Mapping[Edge, str], *, listens: Mapping[Edge, str]) -> dict[str, EdgeState]:
    """One proxy per edge before its upstream (`host:port`); `listens` repeats addresses callers already know."""
    made = {}
    for edge, upstream in edges.items():
        wanted = listens.get(edge, "127.0.0.1:0")
        spec = {"name": proxy_name(edge), "listen": wanted, "upstream": upstream, "enabled": True}
        answer = http.post_json(f"{api}/proxies", spec, timeout_s=CALL_TIMEOUT_S)
        if not isinstance(answer, Response) or answer.status != 201:
            raise CannotRun(f"no proxy for {edge} at {wanted}: {_said(answer)}")
        listen = json.loads(answer.body)["listen"]
        made[str(edge)] = EdgeState(str(edge), proxy_name(edge), listen, upstream)
    return made


def proxy_answers(api: str) -> bool:
    """Whether a Toxiproxy API answers there."""
    answer = http.get(f"{api}/version", timeout_s=CALL_TIMEOUT_S)
    return isinstance(answer, Response) and answer.status == 200


def _announced(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and '"api"' in line:
            return str(json.loads(line)["api"])
    return None


def _said(answer: object) -> str:
    if isinstance(answer, Response):
        return f"{answer.status} {answer.body.decode(errors='replace').strip()}"
    return str(getattr(answer, "detail", answer))
