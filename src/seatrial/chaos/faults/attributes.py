"""Settings of a document as a proxy's API has them: a stream, and attributes in Toxiproxy's units. Pure."""

from __future__ import annotations

import json
from typing import Any

from seatrial.chaos.model import (
    Bandwidth,
    BytesSettings,
    Down,
    EdgeSettings,
    HttpDelay,
    HttpError,
    HttpReplace,
    HttpSettings,
    HttpTruncate,
    Latency,
    LimitData,
    ResetPeer,
    Selection,
    Slicer,
    SlowClose,
    Stream,
    Timeout,
)


def toxic_of(settings: EdgeSettings) -> tuple[Stream, dict[str, Any]]:
    """Settings as Toxiproxy's stream and attributes: whole milliseconds, and KB (1000 bytes) per second.

    Raises `ValueError` for what would become 0 of them, which means another thing: a stall, no end, no fault.
    """
    if isinstance(settings, HttpSettings):
        stream = settings.stream if isinstance(settings, HttpDelay) else Stream.DOWNSTREAM
        every = {**_selected(settings.selection), **_of_exchanges(settings)}
        return stream, {name: value for name, value in every.items() if value is not None}
    if isinstance(settings, Down):
        raise ValueError(f"{settings} is not a toxic")
    return settings.stream, _of_bytes(settings)


def _of_bytes(settings: BytesSettings) -> dict[str, int]:
    match settings:
        case Latency():
            return {"latency": _ms(settings.latency_s), "jitter": _ms(settings.jitter_s)}
        case Timeout() | ResetPeer():
            return {"timeout": _ms(settings.timeout_s)}
        case Bandwidth():
            return {"rate": _whole(settings.rate_bytes_per_s / 1000, "kB/s")}
        case SlowClose():
            return {"delay": _ms(settings.delay_s)}
        case Slicer():
            sizes = {"average_size": settings.average_bytes, "size_variation": settings.variation_bytes}
            return {**sizes, "delay": _whole(settings.delay_s * 1_000_000, "µs")}
        case LimitData():
            return {"bytes": settings.limit_bytes}


def _of_exchanges(settings: HttpSettings) -> dict[str, Any]:
    """None where it is left to the proxy."""
    match settings:
        case HttpError():
            return {
                "status": settings.status,
                "body": settings.body,
                "headers": dict(settings.headers) or None,
                "retry_after": settings.retry_after_s,
                "forward": settings.forward or None,
            }
        case HttpDelay():
            return {"delay": _ms(settings.delay_s), "jitter": _ms(settings.jitter_s)}
        case HttpTruncate():
            return {"bytes": settings.limit_bytes}
        case HttpReplace():
            return {
                "status": settings.status,
                "headers": dict(settings.headers) or None,
                "body": settings.body,
                "json": {pointer: json.loads(text) for pointer, text in settings.members} or None,
            }


def _selected(selection: Selection) -> dict[str, Any]:
    """None where nothing is selected by it."""
    return {
        "route": selection.route or None,
        "method": selection.method or None,
        "request_headers": dict(selection.request_headers) or None,
        "probability": selection.probability if selection.probability < 1 else None,
        "first": selection.first,
        "every": selection.every,
    }


def _ms(seconds: float) -> int:
    return _whole(seconds * 1000, "ms")


def _whole(value: float, unit: str) -> int:
    found = round(value)
    if value and not found:
        raise ValueError(f"{value:g} {unit} is less than the least a proxy knows, 1 {unit}")
    return found
