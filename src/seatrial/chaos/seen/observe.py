"""Reads what the embedded proxy saw: its stream of exchanges, as `EdgeCall`s.

Takes the proxy's API, gives each call once, when it has ended; `flush` gives those still open, `losses` tells what
could not be read in time, `connections` what is open now. The original Toxiproxy has no such stream. May import only
the floor and its doors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from seatrial import http
from seatrial.clock import Clock, SteadyClock
from seatrial.errors import CannotRun, Unsupported
from seatrial.exchange import Response
from seatrial.sample import CallsLost, Connections, EdgeCall

POLL_TIMEOUT_S = 5.0
PAGE = 5000


class EdgeWatch:
    """The calls at one proxy process since it is watched. `edges` maps a proxy's name to its edge, as `a->b`."""

    def __init__(self, api: str, run: str, *, edges: Mapping[str, str], clock: Clock) -> None:
        self._api = api
        self._run = run
        self._edges = edges
        self._clock = clock
        self._next = 0
        self._shift_s = 0.0
        self._open: dict[int, EdgeCall] = {}
        self._lost: list[CallsLost] = []

    def start(self) -> None:
        """Begin here: what was seen before is not given. Unsupported when the proxy keeps no exchanges.

        A proxy of one's own may not read HTTP yet; it is told to.
        """
        unread = self._edges.keys() - set(self._page(0, limit=1)["observed"])
        for proxy in sorted(unread):
            self._observe(proxy)
        self._next = int(self._page(0, limit=1)["newest"])

    def poll(self) -> tuple[EdgeCall, ...]:
        """The calls that ended since the last poll; CannotRun when the proxy does not answer."""
        ended: list[EdgeCall] = []
        while True:
            page = self._page(self._next, limit=PAGE)
            if page["lost"]:
                self._lost.append(CallsLost(self._run, self._clock.now(), page["lost"]))
            self._shift_s = self._shift(page)
            ended += [call for event in page["exchanges"] if (call := self._take(event))]
            self._next = page["next"]
            if self._next >= page["newest"]:
                return tuple(ended)

    def flush(self, *, before: float = math.inf) -> tuple[EdgeCall, ...]:
        """The calls that have not ended, of those that began before that moment (UTC seconds); their durations are
        unknown, and they are forgotten. Those that began later are given when they end."""
        calls = {key: call for key, call in self._open.items() if call.started_at < before}
        self._open = {key: call for key, call in self._open.items() if key not in calls}
        return tuple(calls.values())

    def losses(self) -> tuple[CallsLost, ...]:
        """What was overwritten before it was read, since this was last asked."""
        lost, self._lost = tuple(self._lost), []
        return lost

    def connections(self) -> tuple[Connections, ...]:
        """What every edge's callers hold open now; CannotRun when the proxy does not answer."""
        counters, at = self._ask("/counters"), self._clock.now()
        return tuple(
            Connections(self._run, edge, at, counts["connections_open"], counts["requests_open"])
            for proxy, edge in self._edges.items()
            if (counts := counters.get(proxy))
        )

    def _take(self, event: Mapping[str, Any]) -> EdgeCall | None:
        """The call of an event when it has ended; one that began before the watch is not counted."""
        edge = self._edges.get(event["edge"])
        if edge is None:
            return None
        if event["event"] == "start":
            self._open[event["id"]] = self._call(event, edge)
            return None
        return self._call(event, edge) if self._open.pop(event["id"], None) else None

    def _call(self, event: Mapping[str, Any], edge: str) -> EdgeCall:
        return EdgeCall(
            run=self._run,
            edge=edge,
            started_at=event["started_at"] + self._shift_s,
            method=event["method"],
            path=event["path"],
            duration_s=event["duration_s"],
            first_byte_s=event["first_byte_s"],
            status=event["status"],
            trace_id=event["trace_id"] or "",
            fate=event["fate"],
        )

    def _shift(self, page: Mapping[str, Any]) -> float:
        """From the proxy's instants to ours: both go with this machine's monotonic clock, but the system's clock may
        have been set between their starts."""
        if not isinstance(self._clock, SteadyClock):
            return 0.0
        own = self._clock.epoch_of_monotonic
        return own - float(page.get("epoch_of_monotonic", own))

    def _observe(self, proxy: str) -> None:
        url = f"{self._api}/proxies/{quote(proxy, safe='')}"
        answer = http.post_json(url, {"observe": True}, timeout_s=POLL_TIMEOUT_S)
        if not isinstance(answer, Response):
            raise CannotRun(f"{url}: the proxy does not answer: {answer.detail}")
        if answer.status not in (200, 404):  # of a proxy that is gone nothing is to be told
            raise CannotRun(f"{url}: it cannot be observed: {answer.status} {answer.body.decode(errors='replace')}")

    def _page(self, since: int, *, limit: int) -> Any:
        return self._ask(f"/exchanges?since={since}&limit={limit}")

    def _ask(self, path: str) -> Any:
        answer = http.get(f"{self._api}{path}", timeout_s=POLL_TIMEOUT_S)
        if not isinstance(answer, Response):
            raise CannotRun(f"{self._api}: the proxy does not answer: {answer.detail}")
        if answer.status == 404:
            raise Unsupported(
                f"{self._api}: a real Toxiproxy does not tell what went through it; "
                "for expectations about calls use the embedded proxy (no `toxiproxy:` in the realm)"
            )
        if answer.status >= 300:
            raise CannotRun(f"{self._api}: {answer.status} {answer.body.decode(errors='replace').strip()}")
        return json.loads(answer.body)
