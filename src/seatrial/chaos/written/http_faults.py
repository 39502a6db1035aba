"""Reads the faults in HTTP of an experiment. Private to `read_faults`."""

from __future__ import annotations

import json
from collections.abc import Callable

from seatrial.chaos.model import (
    EdgeSettings,
    HttpDelay,
    HttpError,
    HttpReplace,
    HttpSettings,
    HttpTruncate,
    Selection,
    Stream,
)
from seatrial.chaos.proxy.toxics.http_replace import wanted_of_replacement
from seatrial.chaos.proxy.toxics.http_toxic import (
    wanted_of_headers,
    wanted_of_members,
    wanted_of_method,
    wanted_of_route,
    wanted_of_selection,
)
from seatrial.chaos.written.shapes import (
    RawExchanges,
    RawHttpDelay,
    RawHttpError,
    RawHttpReplace,
    RawHttpTruncate,
    RawInject,
)
from seatrial.documents import Document
from seatrial.errors import DocumentError


def refuse_http(settings: EdgeSettings, raw: RawInject, document: Document, *, path: tuple[str | int, ...]) -> None:
    """Refuse what no answer could be, in the proxy's own words; what a number may be, the shapes say."""
    if not isinstance(settings, HttpSettings):
        return
    if raw.stream is Stream.UPSTREAM and not isinstance(settings, HttpDelay):
        raise DocumentError(document.where_key(*path[:-1], "stream"), f"'{path[-1]}' acts on answers", "remove it")
    _refuse(_doubts_of_selection(settings.selection), document, path=path)
    if isinstance(settings, HttpError | HttpReplace):
        _refuse([("headers", "these cannot be sent", wanted_of_headers(settings.headers))], document, path=path)
    if isinstance(settings, HttpReplace):
        _refuse([("json", "this is no place", wanted_of_members(settings.members))], document, path=path)
        wanted = wanted_of_replacement(settings.status, settings.headers, settings.body, settings.members)
        if wanted:
            raise DocumentError(document.where(*path), wanted, "")
    after = raw.http_error.retry_after if raw.http_error else None
    if after is not None and after != int(after):
        raise DocumentError(document.where(*path, "retry_after"), f"Retry-After has whole seconds, not {after:g}", "")


Doubt = tuple[str, str, str | None]


def _doubts_of_selection(chosen: Selection) -> list[Doubt]:
    headers = chosen.request_headers
    return [
        ("route", f"'{chosen.route}' is no route", wanted_of_route(chosen.route)),
        ("method", f"'{chosen.method}' is no method", wanted_of_method(chosen.method)),
        ("request_headers", "these headers cannot be looked for", wanted_of_selection(headers)),
    ]


def _refuse(doubts: list[Doubt], document: Document, *, path: tuple[str | int, ...]) -> None:
    for key, problem, wanted in doubts:
        if wanted:
            raise DocumentError(document.where(*path, key), problem, wanted)


def _http_error(raw: RawInject) -> HttpError:
    given = raw.http_error or RawHttpError()
    after_s = None if given.retry_after is None else int(given.retry_after)
    headers = tuple(given.headers.items())
    return HttpError(given.status, given.body, headers, after_s, given.forward, _selection(given))


def _http_delay(raw: RawInject) -> HttpDelay:
    given = raw.http_delay or RawHttpDelay(delay=0)
    return HttpDelay(given.delay, given.jitter, raw.stream or Stream.DOWNSTREAM, _selection(given))


def _http_truncate(raw: RawInject) -> HttpTruncate:
    given = raw.http_truncate or RawHttpTruncate(bytes=0)
    return HttpTruncate(given.byte_count, _selection(given))


def _http_replace(raw: RawInject) -> HttpReplace:
    given = raw.http_replace or RawHttpReplace()
    members = tuple((pointer, json.dumps(value)) for pointer, value in given.members.items())
    return HttpReplace(given.status, tuple(given.headers.items()), given.body, members, _selection(given))


def _selection(given: RawExchanges) -> Selection:
    return Selection(
        route=given.route,
        method=given.method,
        request_headers=tuple(given.request_headers.items()),
        probability=given.probability,
        first=given.first,
        every=given.every,
    )


HTTP_SETTINGS: dict[str, Callable[[RawInject], EdgeSettings]] = {
    "http_error": _http_error,
    "http_delay": _http_delay,
    "http_truncate": _http_truncate,
    "http_replace": _http_replace,
}
"""What reads each kind."""
