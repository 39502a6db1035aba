"""`GET /metrics`: the counters of every proxy in Prometheus' text format.

Two families have Toxiproxy's names and labels, so that its dashboards and alerts go on working; the others are ours.
Unlike Toxiproxy's, which count a connection's bytes when it ends, all of them are live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.toxics.toxic import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from seatrial.chaos.proxy.edge import EdgeProxy

    Labels = dict[str, str]
    Sample = tuple[Labels, int]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True)
class Family:
    """One metric: its name and meaning, and what each proxy has of it."""

    name: str
    kind: str
    meaning: str
    samples: Callable[[EdgeProxy], Iterable[Sample]]


def exposition(edges: list[EdgeProxy]) -> bytes:
    """The page Prometheus scrapes; families without a sample are there with their type."""
    return "".join(line for family in _FAMILIES for line in _lines(family, edges)).encode()


def _lines(family: Family, edges: list[EdgeProxy]) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}\n# TYPE {family.name} {family.kind}\n"
    for edge in edges:
        for labels, value in family.samples(edge):
            shown = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
            yield f"{family.name}{{{shown}}} {value}\n"


def _per_direction(edge: EdgeProxy, up: int, down: int) -> list[Sample]:
    where = {"listener": str(edge.listen), "proxy": edge.name, "upstream": str(edge.upstream)}
    return [({"direction": stream.value} | where, value) for stream, value in zip(Stream, (up, down), strict=True)]


def _received(edge: EdgeProxy) -> list[Sample]:
    return _per_direction(edge, edge.counters.up.bytes_read, edge.counters.down.bytes_read)


def _sent(edge: EdgeProxy) -> list[Sample]:
    return _per_direction(edge, edge.counters.up.bytes_passed, edge.counters.down.bytes_passed)


def _toxics(edge: EdgeProxy) -> Iterator[Sample]:
    for toxic in edge.toxics():
        yield {"proxy": edge.name, "toxic": toxic.name, "type": toxic.settings.kind, "stream": toxic.stream.value}, 1


def _exchanges(edge: EdgeProxy) -> Iterator[Sample]:
    for counted, count in edge.counters.by_route.items():
        status = "none" if counted.status is None else str(counted.status)
        yield {"proxy": edge.name, "method": counted.method, "route": counted.route, "status": status}, count


def _of_proxy(value: Callable[[EdgeProxy], int]) -> Callable[[EdgeProxy], Iterable[Sample]]:
    return lambda edge: [({"proxy": edge.name}, value(edge))]


_FAMILIES = (
    Family("toxiproxy_proxy_received_bytes_total", "counter", "Bytes read from callers and upstreams.", _received),
    Family("toxiproxy_proxy_sent_bytes_total", "counter", "Bytes passed on, after every toxic.", _sent),
    Family(
        "seatrial_proxy_enabled", "gauge", "1 while the proxy listens.", _of_proxy(lambda edge: int(edge.enabled))
    ),
    Family(
        "seatrial_proxy_observed",
        "gauge",
        "1 while the proxy reads HTTP/1.",
        _of_proxy(lambda edge: int(edge.observed)),
    ),
    Family("seatrial_proxy_toxic", "gauge", "1 for each toxic there is.", _toxics),
    Family(
        "seatrial_proxy_connections_open",
        "gauge",
        "Callers connected now.",
        _of_proxy(lambda edge: edge.connections_open),
    ),
    Family(
        "seatrial_proxy_connections_total",
        "counter",
        "Connections accepted.",
        _of_proxy(lambda edge: edge.counters.connections_total),
    ),
    Family(
        "seatrial_proxy_opaque_connections_total",
        "counter",
        "Connections that were not HTTP/1, or not to its end.",
        _of_proxy(lambda edge: edge.counters.connections_opaque),
    ),
    Family(
        "seatrial_proxy_exchanges_open",
        "gauge",
        "HTTP/1 requests whose answer is not passed on yet.",
        _of_proxy(lambda edge: edge.counters.requests_open),
    ),
    Family(
        "seatrial_proxy_exchanges_total",
        "counter",
        "HTTP/1 exchanges that ended, by the route guessed from the path; status none: it never came.",
        _exchanges,
    ),
)
