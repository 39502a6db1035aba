"""Calls at the proxies while an edge is strained: requests to `front`, each with what it led to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from seatrial.chaos.audit import signatures
from seatrial.chaos.audit.model import Kind, Observation, Reading, Strain
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Edge, Mechanisms

EDGE = Edge("front", "back")
OTHER = Edge("front", "side")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 5, BEGIN + 15)
END = BEGIN + 22
PROMISED = Mechanisms(timeout_s=0.25, breaker=BreakerPromise(min_calls=10, window_s=5.0, open_for_s=2.0))


@dataclass(frozen=True)
class Did:
    """What became of one request: how long it took, and its calls as (after, took); `gone` are given up, `broken` is
    one that the service broke off, `cut` are calls whose answer was cut short; `beside` are calls on the caller's
    other edge, for the very same."""

    took: float = 0.006
    calls: tuple[tuple[float, float], ...] = ((0.001, 0.004),)
    status: int | None = 200
    gone: bool = False
    broken: bool = False
    call_gone: bool = False
    call_status: int = 200
    cut: bool = False
    method: str = "GET"
    beside: tuple[tuple[float, float], ...] = ()
    beside_status: int = 200


WELL = Did()
GIVEN_UP = Did(0.26, ((0.001, 0.25),), 504, call_gone=True)
REFUSED = Did(0.003, (), 503)
Behaviour = Callable[[int, float], Did]
"""What becomes of the request of that number, which comes so long after the fault began."""


def traffic(
    behaves: Behaviour,
    *,
    rate: float = 10.0,
    path: str = "/a",
    edge: Edge = EDGE,
    before: Did = WELL,
    after: Did = WELL,
) -> list[EdgeCall]:
    """Requests to `front` at that rate, before, during and after the fault."""
    calls: list[EdgeCall] = []
    for number in range(int((END - BEGIN) * rate)):
        at = BEGIN + number / rate
        into = at - FAULT.started_at
        did = before if into < 0 else behaves(number, into) if at < FAULT.ended_at else after
        calls += _calls(f"{path}{number}", at, did, path=path, edge=edge)
    return calls


def _calls(trace: str, at: float, did: Did, *, path: str, edge: Edge) -> Iterable[EdgeCall]:
    ill = "client_closed" if did.gone else "upstream_closed" if did.broken else ""
    status, fate = (None, ill) if ill else (did.status, "done")
    yield EdgeCall("r", "client->front", at, "GET", path, did.took, None, status, trace_id=trace, fate=fate)
    status, fate = (None, "client_closed") if did.call_gone else (did.call_status, "cut" if did.cut else "done")
    for after, took in did.calls:
        began = at + after
        yield EdgeCall("r", str(edge), began, did.method, "/", took, None, status, trace_id=trace, fate=fate)
    for after, took in did.beside:
        other = str(OTHER if edge == EDGE else EDGE)
        yield EdgeCall(
            "r", other, at + after, did.method, "/", took, None, did.beside_status, trace_id=trace, fate="done"
        )


def breaking(number: int, into: float) -> Did:
    """A healthy caller: its breaker opens after a second, and one trial ends each of its open times."""
    if into < 1.0:
        return GIVEN_UP
    return GIVEN_UP if (into - 1.0) % 2.3 < 0.1 and into > 2.0 else REFUSED


def seen(calls: Iterable[EdgeCall], kind: Kind = Kind.HANG, *, optional: bool = False) -> Observation:
    """What an audit would have seen of a strain of the edge."""
    return Observation(Strain(EDGE, kind, PROMISED, optional), tuple(calls), FAULT)


def readings_of(observation: Observation) -> dict[str, Reading]:
    """What each signature reads of it, by its family's key."""
    return {ruling.family.key: ruling.reading for ruling in signatures.read(observation)}


def reading_of(observation: Observation, key: str) -> Reading:
    """What the signature of that family reads of it."""
    return readings_of(observation)[key]
