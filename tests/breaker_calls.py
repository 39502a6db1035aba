"""Calls at the proxies of a caller with a breaker: a simulated caller, its traffic, and its defects."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Edge, Mechanisms

EDGE = Edge("cards", "ledger")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 30)
END = BEGIN + 45
PROMISE = BreakerPromise(min_calls=10, failures_ratio=0.5, window_s=5.0, open_for_s=2.0, trials=1)
PROMISED = Mechanisms(timeout_s=0.25, breaker=PROMISE)


@dataclass
class Caller:
    """A service that calls the ledger once for each request, through a breaker with or without a defect.

    `rate` requests per second; the breaker opens `opens_after` failures into the fault (None: never) and stays open
    for `open_for` seconds; every `leak_every`th call passes while it is open, `trials` calls at once pass at its end;
    `closes` False keeps it open for ever. Every `declined_every`th request is answered without a call.
    """

    rate: float = 20.0
    opens_after: int | None = 10
    open_for: float = 2.0
    leak_every: int = 0
    trials: int = 1
    closes: bool = True
    declined_every: int = 0
    calls: list[EdgeCall] = field(default_factory=list)

    def play(self) -> list[EdgeCall]:
        failures, refused, flying, number = 0, 0, 0, 0
        open_until: float | None = None
        results: list[tuple[float, bool, bool]] = []
        at = BEGIN
        while at < END:
            at = BEGIN + number / self.rate
            number += 1
            while results and results[0][0] <= at:
                ended, good, was_trial = heapq.heappop(results)
                flying -= was_trial
                if good and was_trial:
                    open_until = None if self.closes else ended + self.open_for
                    failures = 0
                elif not good:
                    failures += 1
                    trips = was_trial or (open_until is None and failures == self.opens_after)
                    open_until = ended + self.open_for if trips else open_until
            if self.declined_every and number % self.declined_every == 0:
                self._request(at, number, 0.002, 402)
                continue
            is_trial = open_until is not None and at >= open_until and flying < self.trials and self.closes
            refused += open_until is not None and not is_trial
            leaks = self.leak_every and refused % self.leak_every == 0
            if open_until is not None and not is_trial and not leaks:
                self._request(at, number, 0.003, 503)
                continue
            flying += is_trial
            good = not FAULT.started_at <= at < FAULT.ended_at
            took = 0.004 if good else 0.25
            self._request(at, number, took + 0.002, 200 if good else 504)
            self._call(at + 0.001, number, took, good=good)
            heapq.heappush(results, (at + 0.001 + took, good, is_trial))
        return self.calls

    def _request(self, at: float, number: int, took: float, status: int) -> None:
        path = f"/cards/{number % 7}/charges"
        self.calls.append(
            EdgeCall("r", "client->cards", at, "POST", path, took, took, status, trace_id=f"t{number}", fate="done")
        )

    def _call(self, at: float, number: int, took: float, *, good: bool) -> None:
        status, fate = (201, "done") if good else (None, "client_closed")
        self.calls.append(
            EdgeCall("r", str(EDGE), at, "POST", "/entries", took, None, status, trace_id=f"t{number}", fate=fate)
        )
