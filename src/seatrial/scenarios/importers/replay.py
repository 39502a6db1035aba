"""Reads HAR recordings to be sent again as they are: one journey of one step for every captured request.

Room scenarios, importers. What browsers add, pictures, styles and scripts are left out, as in an import. Credentials
of the capture (headers, query fields and path parameters that sound or look like one) are never sent: a realm that
has a secret of that name (`authorization`, `cookie`, `x_api_key`) sends its own instead. A request whose host is no
service's is not sent.
"""

from __future__ import annotations

import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import template
from seatrial.errors import Where
from seatrial.match import looks_generated
from seatrial.quantity import counted
from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.har import MAX_STEPS, Choice, Recording, entries_of, method_of
from seatrial.scenarios.importers.imported import Tally
from seatrial.scenarios.importers.masking import masked_shapes
from seatrial.scenarios.importers.naming import literal, secret_name, sounds_like_credential, sounds_like_one_time
from seatrial.scenarios.importers.targets import Services, on_service
from seatrial.scenarios.model import Scenario, Section, Step
from seatrial.scenarios.sending.request import WRITING, Body, BodyKind, RequestTemplate

_SERVICE = "service://"


@dataclass(frozen=True, slots=True)
class Captured:
    """One request of a recording; `number` counts its entries from 1. `headers` are without what browsers add."""

    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Capture:
    """The requests of a recording in the order they were sent; `left_out` counts the others by the reason."""

    file: str
    requests: tuple[Captured, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Replay:
    """The journeys of a capture for two realms. `mapped` tells how many requests went from which base to which
    service, `left_out` counts what is not sent by the reason."""

    journeys: tuple[Scenario, ...]
    mapped: tuple[str, ...]
    left_out: Mapping[str, int]


def read_capture(text: str, file: str, *, writing: bool) -> Capture:
    """What of a recording may be sent again: GET and HEAD, with `writing` the other methods too. DocumentError when
    it is no HAR."""
    recording = Recording(Tally(), Choice(), {})
    found: list[Captured] = []
    for number, entry in enumerate(entries_of(text, file, recording.tally), start=1):
        if not recording.wanted(entry):
            continue
        method = method_of(entry["request"]) or "GET"
        if method in WRITING and not writing:
            recording.left_out[f"{method} requests (--mutating sends them)"] += 1
        elif len(found) == MAX_STEPS:
            recording.left_out[f"requests beyond the first {MAX_STEPS}"] += 1
        elif (body := _body(entry["request"]["postData"], recording)) is None:
            recording.left_out["uploads of files, which a recording does not hold"] += 1
        else:
            found.append(_captured(entry["request"], number, method, body=body, recording=recording))
    return Capture(file, tuple(found), dict(recording.left_out))


def replay(capture: Capture, bases: Sequence[Services], *, secrets: frozenset[str]) -> Replay:
    """A journey for each request whose URL begins with a service's base; of `bases` the first that has one counts.
    `secrets` are the names both realms have."""
    left_out, mapped = Counter(capture.left_out), Counter[str]()
    journeys = []
    for one in capture.requests:
        targets = ((services, on_service(one.url, services)) for services in bases)
        services, target = next((pair for pair in targets if pair[1].startswith(_SERVICE)), ({}, ""))
        if not target:
            left_out[f"requests to {_origin(one.url)}, which is no service (--service NAME={_origin(one.url)})"] += 1
            continue
        name, _, rest = target.removeprefix(_SERVICE).partition("/")
        mapped[f"{services[name]} -> {name}"] += 1
        sending = _Sending(one, f"/{rest.partition('#')[0]}", secrets, left_out)
        journeys.append(_journey(capture, one, sending.request(name)))
    told = tuple(f"{pair} ({counted(count, 'request')})" for pair, count in mapped.most_common())
    return Replay(tuple(journeys), told, dict(left_out))


def _captured(request: Part, number: int, method: str, *, body: bytes, recording: Recording) -> Captured:
    headers = [pair for name, value in recording.headers(request, {}, "") for pair in _each(name, value)]
    kind = request["postData"]["mimeType"].text()
    if body and kind and not any(sign in kind for sign in "\r\n\0"):
        headers.append(("Content-Type", kind))
    cookies = [h["value"].text() for h in request["headers"].items() if h["name"].text().lower() == "cookie"]
    headers += [("Cookie", cookie) for cookie in cookies[:1]]
    return Captured(number, method, request["url"].text(), tuple(headers), body or None)


def _each(name: str, value: Any) -> Iterator[tuple[str, str]]:
    for one in value if isinstance(value, list) else [value]:
        yield name, str(one)


def _body(posted: Part, recording: Recording) -> bytes | None:
    """What was posted; None where the recording does not hold it."""
    text = recording.posted_text(posted)
    if text:
        return text.encode()
    pairs = [(part["name"].text(), part["value"].text()) for part in posted["params"].items()]
    if pairs and "multipart" not in posted["mimeType"].text().lower():
        return urllib.parse.urlencode(pairs).encode()
    return None if text is None or pairs else b""


@dataclass(frozen=True, slots=True)
class _Sending:
    """One captured request on its way to a service: what of it is sent."""

    captured: Captured
    target: str
    secrets: frozenset[str]
    left_out: Counter[str]

    def request(self, service: str) -> RequestTemplate:
        """The request, credentials replaced by the realm's or left out."""
        path, _, query = self.target.partition("?")
        kept, asked = self._query(query)
        path = self._path(path)
        url = f"{path}?{kept}" if kept else path
        body = self.captured.body
        return RequestTemplate(
            method=self.captured.method,
            service=service,
            url=template.compile_url(literal(url)),
            headers=tuple(self._headers()),
            params=asked,
            body=None if body is None else Body(BodyKind.BYTES, template.Fixed(body)),
        )

    def _headers(self) -> Iterator[tuple[str, template.Value]]:
        for name, value in self.captured.headers:
            if name.lower() == "cookie" or _is_credential(name, value):
                yield from self._own(name, f"headers `{name}`")
            else:
                yield name, template.Fixed(value)

    def _path(self, path: str) -> str:
        """The path without what of `;name=value` is a credential."""
        kept = _without_parameters(path)
        if kept != path:
            self.left_out["parameters of paths of the capture that are credentials"] += 1
        return kept

    def _query(self, query: str) -> tuple[str, tuple[tuple[str, template.Value], ...]]:
        """What stays of the query as it was, and the fields that the realm's secrets give."""
        kept: list[str] = []
        asked: list[tuple[str, template.Value]] = []
        for pair in filter(None, query.split("&")):
            name, _, value = pair.partition("=")
            plain = urllib.parse.unquote_plus(name)
            if _is_credential(plain, urllib.parse.unquote_plus(value)):
                asked += self._own(plain, f"query fields `{plain}`")
            else:
                kept.append(pair)
        return "&".join(kept), tuple(asked)

    def _own(self, name: str, what: str) -> Iterator[tuple[str, template.Value]]:
        """The realm's own secret of that name; the capture's is left out where there is none."""
        secret = secret_name(name)
        if secret in self.secrets:
            yield name, template.compile_text(f"{{{{ secrets.{secret} }}}}")
        else:
            self.left_out[f"{what} of the capture (a realm's secret `{secret}` is sent instead)"] += 1


def _is_credential(name: str, value: str) -> bool:
    return _lets_in(name) or masked_shapes(value) != value or any(map(_lets_in, _asked_for(value)))


def _lets_in(name: str) -> bool:
    return sounds_like_credential(name) or sounds_like_one_time(name)


def _asked_for(value: str) -> Iterator[str]:
    """The names of a query or a fragment that a value holds, as the URL to come back to does."""
    for part in re.split(r"[?#]", value)[1:]:
        yield from (urllib.parse.unquote_plus(pair.partition("=")[0]) for pair in part.split("&"))


def _without_parameters(path: str) -> str:
    """The path without `;jsessionid=...`."""
    return re.sub(r";([^;/=]*)=[^;/]*", lambda found: "" if _lets_in(found[1]) else found[0], path)


def _journey(capture: Capture, one: Captured, request: RequestTemplate) -> Scenario:
    where = Where(capture.file, 1, 1)
    route = _route(_without_parameters(urllib.parse.urlsplit(one.url).path))
    step = Step(
        name=f"{one.method} {route}",
        number=1,
        section=Section.STEPS,
        service=request.service or "",
        method=one.method,
        route=route,
        request=request,
        where=where,
        mutates=one.method in WRITING,
    )
    return Scenario(name=Path(capture.file).name, file=capture.file, where=where, steps=(step,), lenient=True)


def _route(path: str) -> str:
    """The path with `*` for segments that are data."""
    return "/".join("*" if looks_generated(segment) else segment for segment in path.split("/")) or "/"


def _origin(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
