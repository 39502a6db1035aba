"""Starts the proxy process of a realm and puts one proxy before every edge.

Takes edges and upstreams, gives `EdgeState`s with the addresses callers use. Speaks Toxiproxy's API through
the one HTTP door, so that a real Toxiproxy serves as well; faults are another room's business.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from seatrial import http
from seatrial.errors import CannotRun
from seatrial.exchange import Answer, Response
from seatrial.runtime import process
from seatrial.runtime.state import EdgeState, ProxyState, proxy_name
from seatrial.sample import Cause
from seatrial.service import Edge

START_DEADLINE_S = 20.0
CALL_TIMEOUT_S = 5.0
_FREE_PORT = "127.0.0.1:0"


def start_proxy(log: Path, *, port: int = 0) -> ProxyState:
    """Start the embedded proxy on loopback; returns when its API answers."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    where = ("--host", "127.0.0.1", "--port", str(port))
    command = [sys.executable, "-m", "seatrial.chaos.proxy", *where, "--observe"]
    running = process.spawn(command, env={}, cwd=log.parent, log=log)
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end and process.is_alive(running):
        if api := _announced(log):
            return ProxyState(api=api, process=running, log=str(log))
        time.sleep(0.02)
    process.stop([running])
    raise CannotRun(f"the embedded proxy did not start; the end of {log}:\n{process.tail(log)}")


def put_before(api: str, edges: Mapping[Edge, str], *, listens: Mapping[Edge, str]) -> dict[str, EdgeState]:
    """One proxy per edge before its upstream (`host:port`); `listens` repeats addresses callers already know.

    A proxy that is there already just as wanted, left by an earlier `up`, is taken over. When one cannot be had,
    CannotRun, and those that were made are gone again.
    """
    placed: dict[str, EdgeState] = {}
    made: list[EdgeState] = []
    try:
        for edge, upstream in edges.items():
            wanted = EdgeState(str(edge), proxy_name(edge), listens.get(edge, _FREE_PORT), upstream)
            created = _create(api, wanted)
            made += [created] if created else []
            placed[str(edge)] = created or _take_over(api, wanted)
    except BaseException:
        take_away(api, made)
        raise
    return placed


def take_away(api: str, edges: Iterable[EdgeState]) -> tuple[str, ...]:
    """Delete the proxies of edges; a sentence for each that may be left. Where nobody listens none is."""
    left = []
    for edge in edges:
        url = f"{api}/proxies/{edge.proxy}"
        answer = http.request("DELETE", url, timeout_s=CALL_TIMEOUT_S)
        if isinstance(answer, Response) and answer.status in (204, 404):
            continue
        if not isinstance(answer, Response) and answer.cause is Cause.REFUSED:
            break  # a Toxiproxy keeps its proxies in memory alone
        left.append(f"{url}: the proxy could not be deleted: {answer_text(answer)}")
    return tuple(left)


def proxy_answers(api: str) -> bool:
    """Whether a Toxiproxy API answers there."""
    answer = http.get(f"{api}/version", timeout_s=CALL_TIMEOUT_S)
    return isinstance(answer, Response) and answer.status == 200


def answer_text(answer: Answer) -> str:
    """What a server said, or why it said nothing, for an error message."""
    if isinstance(answer, Response):
        return f"{answer.status} {answer.body.decode(errors='replace').strip()}"
    return answer.detail


def _create(api: str, wanted: EdgeState) -> EdgeState | None:
    """The proxy as it was made, with the address it got; None when there is one of that name."""
    spec = {"name": wanted.proxy, "listen": wanted.listen, "upstream": wanted.upstream, "enabled": True}
    answer = http.post_json(f"{api}/proxies", spec, timeout_s=CALL_TIMEOUT_S)
    if isinstance(answer, Response) and answer.status == 409:
        return None
    if not isinstance(answer, Response) or answer.status != 201:
        raise CannotRun(f"{api}: no proxy for {wanted.edge} at {wanted.listen}: {answer_text(answer)}")
    return dataclasses.replace(wanted, listen=json.loads(answer.body)["listen"])


def _take_over(api: str, wanted: EdgeState) -> EdgeState:
    """The proxy of that name when it does what is wanted and nothing else."""
    url = f"{api}/proxies/{wanted.proxy}"
    answer = http.get(url, timeout_s=CALL_TIMEOUT_S)
    found = json.loads(answer.body) if isinstance(answer, Response) and answer.status == 200 else {}
    sound = found.get("upstream") == wanted.upstream and found.get("enabled") and not found.get("toxics")
    if sound and wanted.listen in (_FREE_PORT, found["listen"]):
        return dataclasses.replace(wanted, listen=found["listen"])
    raise CannotRun(
        f"{url}: there is a proxy of that name, but not one from {wanted.listen} to {wanted.upstream} "
        f"without a fault: {answer_text(answer)}; heal it (seatrial chaos recover), or if it is nobody's, DELETE it"
    )


def _announced(log: Path) -> str | None:
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and '"api"' in line:
            return str(json.loads(line)["api"])
    return None
