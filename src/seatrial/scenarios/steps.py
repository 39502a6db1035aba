"""Understands one step that sends a request: a raw shape in, a `Step` out.

Room scenarios, private to `read`. Compiles the templates of its request and finds its route; DocumentError names the
place of what is wrong.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seatrial import template
from seatrial.documents import Document, Steps
from seatrial.errors import DocumentError
from seatrial.scenarios.checks import read_captures, read_expectations
from seatrial.scenarios.model import Course, Retry, Section, Step, route_of
from seatrial.scenarios.request import BasicAuth, BearerAuth, Body, BodyKind, RequestTemplate
from seatrial.scenarios.shapes import RawAuth, RawRequest, RawRetry, RawStep
from seatrial.template import Value

_SERVICE_URL = re.compile(r"service://([^/?#]*)(.*)", re.DOTALL)
_ABSOLUTE_URL = re.compile(r"https?://([^/?#]*)(.*)", re.DOTALL)
_METHOD = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a step stands: document and path, section and number, and what its names and paths are completed by."""

    document: Document
    at: Steps
    section: Section
    number: int
    service: str | None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """What a URL's text says before anything is rendered: `service` None for an absolute address."""

    service: str | None
    shown_service: str
    path: str
    route: str


def read_step(raw: RawStep, spot: Spot) -> Step:
    """The step, its templates compiled."""
    if raw.request is None:
        raise DocumentError(spot.document.where(*spot.at), "'request' is missing", "add it, or `use` a flow")
    target = _target(raw.request.url, spot)
    request = _request(raw.request, target, spot)
    expectations = read_expectations(raw.expect, spot.document, (*spot.at, "expect"))
    return Step(
        name=spot.prefix + (raw.name or f"{request.method} {target.route}"),
        number=spot.number,
        section=spot.section,
        service=target.shown_service,
        method=request.method,
        route=target.route,
        request=request,
        where=spot.document.where(*spot.at),
        expectations=expectations,
        captures=read_captures(raw.capture, spot.document, (*spot.at, "capture")),
        timeout_s=raw.timeout,
        retry=_retry(raw.retry) if raw.retry else None,
        mutates=raw.mutates,
        course=read_course(raw, spot),
        uses=_names_in(raw),
    )


def read_course(raw: RawStep, spot: Spot) -> Course:
    """Whether and how often the step is run."""
    return Course(when=_when(raw, spot), skip=raw.skip, keep_going=raw.keep_going)


def _when(raw: RawStep, spot: Spot) -> template.Template | None:
    """The step's condition, compiled; braces are not needed and refused, since they would make it a text."""
    if raw.when is None:
        return None
    where = spot.document.where(*spot.at, "when")
    if template.is_template(raw.when):
        raise DocumentError(where, f"'{raw.when}' is an expression already", "write it without {{ }}")
    return template.compile_condition(raw.when, where)


def _request(raw: RawRequest, target: _Target, spot: Spot) -> RequestTemplate:
    at = (*spot.at, "request")
    where = functools.partial(spot.document.where, *at)
    method = raw.method.upper()
    if not _METHOD.fullmatch(method):
        raise DocumentError(where("method"), f"'{raw.method}' is no HTTP method", "write one as GET or POST")
    return RequestTemplate(
        method=method,
        service=target.service,
        url=template.compile_url(target.path, where("url")),
        headers=tuple(_values(raw.headers.items(), spot.document, (*at, "headers"))),
        params=tuple(_values(raw.params.items(), spot.document, (*at, "params"))),
        body=_body(raw, spot.document, at),
        auth=_auth(raw.auth, spot.document, (*at, "auth")) if raw.auth else None,
    )


def _target(url: str, spot: Spot) -> _Target:
    where = spot.document.where(*spot.at, "request", "url")
    by_service, absolute = _SERVICE_URL.fullmatch(url), _ABSOLUTE_URL.fullmatch(url)
    if by_service:
        service, path = by_service[1], by_service[2] or "/"
        if not service or template.is_template(service):
            raise DocumentError(where, f"'{url}' names no service", "write service://NAME/path with a fixed NAME")
        return _Target(service, service, path, route_of(path))
    if absolute:
        return _Target(None, spot.service or absolute[1], url, route_of(absolute[2] or "/"))
    if url.startswith("{{"):
        return _Target(None, spot.service or "external", url, "/*")
    if not url.startswith("/"):
        raise DocumentError(where, f"'{url}' is not a URL", "write service://NAME/path, /path or https://host/path")
    if spot.service is None:
        raise DocumentError(where, f"'{url}' is on no service", "give the scenario its `service`, or service://NAME")
    return _Target(spot.service, spot.service, url, route_of(url))


def _values(pairs: Iterable[tuple[str, Any]], document: Document, at: Steps) -> Iterator[tuple[str, Value]]:
    for name, content in pairs:
        yield name, template.compile_value(content, functools.partial(document.where, *at, name))


def _body(raw: RawRequest, document: Document, at: Steps) -> Body | None:
    fields = {"content": BodyKind.JSON, "form": BodyKind.FORM, "text": BodyKind.TEXT}
    kinds = [kind for name, kind in fields.items() if name in raw.model_fields_set]
    if not kinds:
        return None
    if len(kinds) > 1:
        where = document.where_key(*at, kinds[1])
        raise DocumentError(where, f"'{kinds[1]}' and '{kinds[0]}' in one request", "a request has one body")
    kind = kinds[0]
    content = {BodyKind.JSON: raw.content, BodyKind.FORM: raw.form, BodyKind.TEXT: raw.text}[kind]
    return Body(kind, template.compile_value(content, functools.partial(document.where, *at, kind)))


def _auth(raw: RawAuth, document: Document, at: Steps) -> BasicAuth | BearerAuth:
    bearer, basic = raw.bearer, raw.basic
    if bearer is not None and basic is None:
        return BearerAuth(template.compile_text(bearer, document.where(*at, "bearer")))
    if basic is not None and bearer is None:
        return BasicAuth(
            template.compile_text(basic.user, document.where(*at, "basic", "user")),
            template.compile_text(basic.password, document.where(*at, "basic", "password")),
        )
    raise DocumentError(document.where(*at), "one way to authenticate is needed", "write {bearer: TOKEN}")


def _retry(raw: RawRetry) -> Retry:
    return Retry(raw.max, raw.interval, raw.backoff, raw.max_duration, raw.on)


def _names_in(raw: RawStep) -> frozenset[str]:
    """Every variable any text of the step mentions."""
    texts = _texts((raw.when and "{{" + raw.when + "}}", raw.model_dump(include={"request", "expect", "capture"})))
    return frozenset().union(*(template.compile_text(text).names for text in texts))


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, (list, tuple)) else ()
    for part in parts:
        yield from _texts(part)
