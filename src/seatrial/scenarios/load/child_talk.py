"""What master and workers say to each other, as custom messages of Locust's own protocol (zmq, msgpack).

Names, fields and their checking at the door: whoever can reach the port can send anything. Also the pace of Locust's
heartbeats, which is made for hours of load and not for seconds. May import locust (the room's fence).
"""

from __future__ import annotations

import locust.runners  # isort: skip - as in child.py

import math
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from hdrh.histogram import HdrHistogram
from locust.rpc import zmqrpc
from pydantic import TypeAdapter

from seatrial import journal
from seatrial.errors import CannotRun
from seatrial.sample import Interval, Pacing, Phase, Record

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

_OF_ANYBODY = frozenset({"client_ready", HELLO})  # how Locust is told that one is there, and how we are
_OF_MEMBERS = frozenset({"heartbeat", "stats", "client_stopped", "quit", READY, FAILED, CLOCK, DONE})

SILENT_S = 5  # a worker that hears nothing of its master for so long has none
MOST_BYTES = 32 << 20  # of one message
MOST_LINES = 200_000
MOST_CHARACTERS = 10_000  # of a name

_KINDS: Mapping[str, TypeAdapter[Any]] = {"interval": TypeAdapter(Interval), "pacing": TypeAdapter(Pacing)}
_PHASES = frozenset(Phase) - {Phase.ACCEPTANCE, Phase.MONITOR}
_HISTOGRAMS = ("histogram", "service_histogram")


def quicken() -> None:
    """Heartbeats twice a second, a missing worker seen within three and never forgotten, reports every second; logs
    are not sent, nor big messages taken."""
    locust.runners.HEARTBEAT_INTERVAL = 0.5
    locust.runners.HEARTBEAT_LIVENESS = 4
    locust.runners.HEARTBEAT_DEAD_INTERNAL = -math.inf  # or it starts users anew without it, which we have none of
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
            problem = zmqrpc.zmq.strerror(error.errno)  # its own text has the address too
            raise CannotRun(f"{host}:{port}: {problem}; choose another with --port") from None


def is_taken(kind: object, data: object, *, is_member: bool) -> bool:
    """Whether a message that came is looked at. Most of what Locust itself would take is kept by it for ever."""
    if kind == "client_ready":
        return isinstance(data, str) and len(data) <= MOST_CHARACTERS
    return kind in _OF_ANYBODY or (is_member and kind in _OF_MEMBERS)


def lines_of(records: Iterable[Record]) -> list[bytes]:
    """Records as they travel."""
    return [journal.encode(record) for record in records]


def records_of(lines: object, *, run: str, seconds: range) -> list[Interval | Pacing]:
    """The records of lines that came, all of this run and these seconds; ValueError when they are anything else."""
    if not isinstance(lines, list) or len(lines) > MOST_LINES:
        raise ValueError("not a list of lines")
    records = [_record(line) for line in lines]
    for record in records:
        if record.run != run:
            raise ValueError("of another run")
        if record.second not in seconds:
            raise ValueError(f"second {record.second} is not of this load")
    return records


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
    record: Interval | Pacing = adapter.validate_json(orjson.dumps(content), strict=True)
    if record.phase not in _PHASES:
        raise ValueError(f"phase '{record.phase}' is not of a load")
    _require_sense(content)
    if isinstance(record, Interval):
        _require_counts(record)
    return record


def _require_sense(content: Mapping[str, Any]) -> None:
    """ValueError for a count below 0, a text that is no name, and a histogram that cannot be read."""
    for name, value in content.items():
        if name in _HISTOGRAMS:
            _require_histogram(value)
        elif isinstance(value, str) and len(value) > MOST_CHARACTERS:
            raise ValueError(f"a text of {len(value):,} characters")
        if any(isinstance(number, int | float) and number < 0 for number in _numbers(value)):
            raise ValueError("a count below 0")


def _numbers(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else (value,)


def _require_counts(interval: Interval) -> None:
    """ValueError where a part is more than the whole."""
    if sum(interval.causes.values()) > interval.failed:
        raise ValueError("more causes than failures")
    for over, of in ((interval.over_ok, interval.ok), (interval.over_failed, interval.failed)):
        if any(count > of for count in over.values()):
            raise ValueError("more requests over a limit than there were")
    if interval.degraded > interval.ok + interval.failed:
        raise ValueError("more requests degraded than there were")


def _require_histogram(text: str) -> None:
    """ValueError for what would later stop whoever adds it up."""
    if not text:
        return
    try:
        HdrHistogram.decode(text)
    except Exception as error:  # noqa: BLE001 - its library tells in many ways
        raise ValueError(f"not a histogram: {error}") from None
