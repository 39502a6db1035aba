"""What master and workers say to each other, as custom messages of Locust's own protocol (zmq, msgpack).

Names, fields and their checking at the door: whoever can reach the port can send anything. Also the pace of Locust's
heartbeats, which is made for hours of load and not for seconds. May import locust (the room's fence).
"""

from __future__ import annotations

import locust.runners  # isort: skip - as in child.py

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from hdrh.histogram import HdrHistogram
from locust.rpc import zmqrpc
from pydantic import TypeAdapter

from seatrial import journal
from seatrial.sample import Interval, Pacing, Record

HELLO = "seatrial_hello"  # worker: here I am {version, password}
ORDER = "seatrial_order"  # master: your part {order, files, worker, workers}
REFUSED = "seatrial_refused"  # master: you are not needed {why}
READY = "seatrial_ready"  # worker: I could begin {}
FAILED = "seatrial_failed"  # worker: I cannot, or no longer {why}
CLOCK = "seatrial_clock"  # master: what does your clock say {sent}; worker: {sent, monotonic}
BEGIN = "seatrial_begin"  # master: begin when your clock says {monotonic}, which is {epoch}
COMMAND = "seatrial_command"  # master: a line as the parent writes it {line}
DONE = "seatrial_done"  # worker: the last of it {lines}
REPORT = "seatrial"  # the key of a worker's lines in Locust's own report messages

SILENT_S = 5  # a worker that hears nothing of its master for so long has none
MOST_BYTES = 32 << 20  # of one message
MOST_LINES = 200_000

_KINDS: Mapping[str, TypeAdapter[Any]] = {"interval": TypeAdapter(Interval), "pacing": TypeAdapter(Pacing)}
_HISTOGRAMS = ("histogram", "service_histogram")


def quicken() -> None:
    """Heartbeats twice a second, a missing worker seen within three, reports every second; logs are not sent, nor big
    messages taken."""
    locust.runners.HEARTBEAT_INTERVAL = 0.5
    locust.runners.HEARTBEAT_LIVENESS = 4
    locust.runners.WORKER_REPORT_INTERVAL = 1.0
    locust.runners.WORKER_LOG_REPORT_INTERVAL = -1  # they would go unmasked
    zmqrpc.Server = _Server


class _Server(zmqrpc.BaseSocket):  # type: ignore[misc]
    """Locust's own, with a bound on what a message may hold, which must be there before the port is."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(zmqrpc.zmq.ROUTER, self.ipv4_only(host, port))
        self.socket.setsockopt(zmqrpc.zmq.MAXMSGSIZE, MOST_BYTES)
        try:
            self.port = port or self.socket.bind_to_random_port(f"tcp://{host}")
            if port:
                self.socket.bind(f"tcp://{host}:{port}")
        except zmqrpc.zmq.ZMQError as error:
            raise OSError(f"{host}:{port}: {error.strerror}") from None


def lines_of(records: Iterable[Record]) -> list[bytes]:
    """Records as they travel."""
    return [journal.encode(record) for record in records]


def records_of(lines: object) -> list[Interval | Pacing]:
    """The records of lines that came; ValueError when they are anything else."""
    if not isinstance(lines, list) or len(lines) > MOST_LINES:
        raise ValueError("not a list of lines")
    return [_record(line) for line in lines]


def field(data: object, name: str, kind: type[Any]) -> Any:
    """One field of what came; ValueError when it is not there or not of that type."""
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"no {kind.__name__} '{name}' in it")
    return value


def _record(line: object) -> Interval | Pacing:
    content = orjson.loads(line) if isinstance(line, bytes) else None
    if not isinstance(content, dict):
        raise ValueError("not an object")
    adapter = _KINDS.get(str(content.pop("record", None)))
    if adapter is None:
        raise ValueError("not a record of a load")
    record: Interval | Pacing = adapter.validate_python(content)
    if any(isinstance(value, int | float) and value < 0 for value in content.values()):
        raise ValueError("a count below 0")
    for name in _HISTOGRAMS:
        if text := content.get(name):
            _require_histogram(text)
    return record


def _require_histogram(text: str) -> None:
    """ValueError for what would later stop whoever adds it up."""
    try:
        HdrHistogram.decode(text)
    except Exception as error:  # noqa: BLE001 - its library tells in many ways
        raise ValueError(f"not a histogram: {error}") from None
