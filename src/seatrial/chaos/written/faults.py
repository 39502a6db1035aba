"""Reads the `method` of an experiment: what is injected, when, where and for how long. Private to `read`."""

from __future__ import annotations

from collections.abc import Callable

from seatrial.chaos.faults.attributes import toxic_of
from seatrial.chaos.model import (
    KINDS,
    Bandwidth,
    Down,
    EdgeFault,
    EdgeSettings,
    Fault,
    Injection,
    Latency,
    LimitData,
    ResetPeer,
    ServiceFault,
    Slicer,
    SlowClose,
    Stream,
    Timeout,
)
from seatrial.chaos.proxy.fields import Fields
from seatrial.chaos.proxy.model import parse_toxic
from seatrial.chaos.proxy.refusal import BAD_BODY, Refusal
from seatrial.chaos.service_settings import Disconnect, Kill, Limit, Restart, RollingRestart, ServiceSettings, Stop
from seatrial.chaos.written.http_faults import HTTP_SETTINGS, refuse_http
from seatrial.chaos.written.shapes import (
    RawBandwidth,
    RawDisconnect,
    RawExperiment,
    RawInject,
    RawKill,
    RawLatency,
    RawLimit,
    RawLimitData,
    RawRollingRestart,
    RawSlicer,
    RawSlowClose,
    RawTimeout,
)
from seatrial.documents import Document
from seatrial.errors import DocumentError, did_you_mean

SIGNALS = ("KILL", "TERM", "INT", "QUIT", "ABRT", "HUP")


def read_method(raw: RawExperiment, document: Document) -> tuple[Injection, ...]:
    """Every line of the method, in the order of the document."""
    return tuple(_injection(index, raw, document) for index in range(len(raw.method)))


def _injection(index: int, raw: RawExperiment, document: Document) -> Injection:
    line = raw.method[index]
    path = ("method", index, "inject")
    duration_s = line.inject.duration
    if duration_s is None:
        if raw.limits.duration is None:
            raise DocumentError(document.where(*path), "nothing says when this fault ends", "add `for: 20s`")
        duration_s = raw.limits.duration - line.at
    if duration_s <= 0:
        raise DocumentError(document.where("method", index), "this fault would last no time", "add `for: 20s`")
    return Injection(line.at, duration_s, _fault(line.inject, document, path))


def _fault(raw: RawInject, document: Document, path: tuple[str | int, ...]) -> Fault:
    where = document.where(*path)
    given = [kind for kind in KINDS.values() if kind in raw.model_fields_set]
    if len(given) != 1:
        said = f"{len(given)} faults ({', '.join(given)})" if given else "no fault"
        raise DocumentError(where, f"{said} where one should stand", f"one of {', '.join(KINDS.values())}")
    if (raw.edge is None) == (raw.service is None):
        raise DocumentError(where, "a fault acts on either an `edge` or a `service`", "as edge: cards->ledger")
    if raw.edge is not None and given[0] in _EDGE_SETTINGS:
        settings = _EDGE_SETTINGS[given[0]](raw)
        _refuse_bytes(settings, raw, document, path=path)
        refuse_http(settings, raw, document, path=(*path, given[0]))
        _refuse_as_the_proxy(settings, given[0], document, path=path)
        toxicity = 1.0 if raw.toxicity is None else raw.toxicity
        return EdgeFault(raw.edge, settings, document.where(*path, "edge"), toxicity)
    if raw.service is not None and given[0] in _SERVICE_SETTINGS and not _hits_a_stream(raw):
        done = _SERVICE_SETTINGS[given[0]](raw, document, path)
        return ServiceFault(raw.service, done, document.where(*path, "service"))
    raise _wrong_target(raw, given[0], document, path=path)


def _wrong_target(raw: RawInject, kind: str, document: Document, *, path: tuple[str | int, ...]) -> DocumentError:
    if raw.service is not None and _hits_a_stream(raw) and kind in _SERVICE_SETTINGS:
        key = "stream" if raw.stream is not None else "toxicity"
        return DocumentError(document.where_key(*path, key), f"only a fault on an edge has a {key}", "remove it")
    wanted = "an edge, as edge: cards->ledger" if raw.edge is None else "a service, as service: ledger"
    return DocumentError(document.where_key(*path, kind), f"'{kind}' acts on another target", f"give it {wanted}")


def _hits_a_stream(raw: RawInject) -> bool:
    return raw.stream is not None or raw.toxicity is not None


def _refuse_bytes(settings: EdgeSettings, raw: RawInject, document: Document, *, path: tuple[str | int, ...]) -> None:
    """Refuse what the proxy would refuse, or could do nothing with."""
    if isinstance(settings, Slicer) and settings.variation_bytes >= settings.average_bytes:
        raise DocumentError(
            document.where(*path, "slicer"), "a piece could be empty", "size_variation is less than average_size"
        )
    if isinstance(settings, Down) and _hits_a_stream(raw):
        key = "stream" if raw.stream is not None else "toxicity"
        raise DocumentError(document.where_key(*path, key), f"'down' has no {key}: it is the whole edge", "remove it")


def _refuse_as_the_proxy(
    settings: EdgeSettings, kind: str, document: Document, *, path: tuple[str | int, ...]
) -> None:
    """Refuse in its words what is left that a proxy would refuse only when the fault is due."""
    if isinstance(settings, Down):
        return
    try:
        stream, attributes = toxic_of(settings)
        parse_toxic(Fields({"type": kind, "stream": stream.value, "attributes": attributes}), ())
    except (ValueError, Refusal) as refused:
        raise DocumentError(document.where(*path, kind), str(refused).removeprefix(BAD_BODY), "") from None


def _kill(raw: RawInject, document: Document, path: tuple[str | int, ...]) -> Kill:
    given = (raw.kill or RawKill()).signal
    name = given.upper().removeprefix("SIG")
    if name not in SIGNALS:
        hint = did_you_mean(name, SIGNALS)
        raise DocumentError(document.where(*path, "kill", "signal"), f"'{given}' is not a signal that ends", hint)
    return Kill(name)


def _limit(raw: RawInject, document: Document, path: tuple[str | int, ...]) -> Limit:
    given = raw.limit or RawLimit()
    if given.cpu is None and given.memory is None:
        raise DocumentError(
            document.where(*path, "limit"), "nothing is limited", "as limit: {cpu: 0.2, memory: 64MiB}"
        )
    return Limit(given.cpu, given.memory)


def _rolling_restart(raw: RawInject, document: Document, path: tuple[str | int, ...]) -> RollingRestart:
    given = raw.rolling_restart or RawRollingRestart()
    services = [raw.service, *given.replicas]
    again = next((name for name in given.replicas if services.count(name) > 1), None)
    if again is not None:
        where = document.where(*path, "rolling_restart", "replicas")
        raise DocumentError(where, f"'{again}' would be restarted twice", "name each replica once, the service not")
    return RollingRestart(tuple(given.replicas), given.pause)


def _latency(raw: RawInject) -> Latency:
    given = raw.latency or RawLatency(latency=0)
    return Latency(given.latency, given.jitter, raw.stream or Stream.DOWNSTREAM)


def _timeout(raw: RawInject) -> Timeout:
    return Timeout((raw.timeout or RawTimeout(timeout=0)).timeout, raw.stream or Stream.DOWNSTREAM)


def _reset_peer(raw: RawInject) -> ResetPeer:
    return ResetPeer((raw.reset_peer or RawTimeout(timeout=0)).timeout, raw.stream or Stream.DOWNSTREAM)


def _bandwidth(raw: RawInject) -> Bandwidth:
    return Bandwidth((raw.bandwidth or RawBandwidth(rate=0)).rate, raw.stream or Stream.DOWNSTREAM)


def _slow_close(raw: RawInject) -> SlowClose:
    given = raw.slow_close or RawSlowClose(delay=0)
    return SlowClose(given.delay, raw.stream or Stream.DOWNSTREAM)


def _slicer(raw: RawInject) -> Slicer:
    given = raw.slicer or RawSlicer(average_size=1)
    return Slicer(given.average_size, given.size_variation, given.delay, raw.stream or Stream.DOWNSTREAM)


def _limit_data(raw: RawInject) -> LimitData:
    given = raw.limit_data or RawLimitData(bytes=0)
    return LimitData(given.byte_count, raw.stream or Stream.DOWNSTREAM)


_EDGE_SETTINGS: dict[str, Callable[[RawInject], EdgeSettings]] = {
    "latency": _latency,
    "timeout": _timeout,
    "reset_peer": _reset_peer,
    "bandwidth": _bandwidth,
    "slow_close": _slow_close,
    "slicer": _slicer,
    "limit_data": _limit_data,
    **HTTP_SETTINGS,
    "down": lambda _: Down(),
}

_SERVICE_SETTINGS: dict[str, Callable[[RawInject, Document, tuple[str | int, ...]], ServiceSettings]] = {
    "kill": _kill,
    "stop": lambda *_: Stop(),
    "restart": lambda *_: Restart(),
    "rolling_restart": _rolling_restart,
    "disconnect": lambda raw, *_: Disconnect((raw.disconnect or RawDisconnect()).network),
    "limit": _limit,
}
