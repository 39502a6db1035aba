"""Renders a step's request in the scope of a play: templates in, one `Request` with nothing left to render out.

Room scenarios. Pure: chance and time come in with the scope. DocumentError names the place of everything that cannot
be rendered. Must never send.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial import __version__
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.exchange import Headers, Request
from seatrial.match import plain
from seatrial.scenarios.cookies import Jar
from seatrial.scenarios.model import Step
from seatrial.scenarios.moves import Context
from seatrial.scenarios.request import BasicAuth, BearerAuth, Body, BodyKind, RequestTemplate
from seatrial.template import Scope, Value, to_text

USER_AGENT = f"seatrial/{__version__}"
_PATH_SAFE = "/?#[]@!$&'()*+,;=:%~-._"
_CONTENT_TYPES = {
    BodyKind.JSON: "application/json",
    BodyKind.FORM: "application/x-www-form-urlencoded",
    BodyKind.TEXT: "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids one attempt carries: W3C trace context (32 and 16 hex digits) and the request's own."""

    trace_id: str
    span_id: str
    request_id: str


def expand(step: Step, scope: Scope, context: Context, *, jar: Jar, marks: Marks) -> Request:
    """The request as it is to be sent; a header the step sets itself replaces the one every request carries."""
    template = step.request
    url = _url(template, scope, context)
    own = tuple(_headers(template.headers, scope, step.where))
    body = _body(template.body, scope, step.where)
    implied = (*_usual(marks), *_of_body(template.body), *_of_auth(template, scope), *_of_jar(jar, url))
    chosen = {name.lower() for name, _ in template.headers}
    headers = (*(header for header in implied if header[0].lower() not in chosen), *own)
    return Request(template.method, url, headers, body, step.timeout_s)


def _url(template: RequestTemplate, scope: Scope, context: Context) -> str:
    where = template.url.where
    rendered = template.url.render(scope)
    if template.service is not None:
        rendered = _base(template.service, context, where) + rendered
    parts = urllib.parse.urlsplit(rendered)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        hint = "a value that holds a whole address must pass through `| raw`" if "%3A" in rendered else ""
        raise DocumentError(where, f"'{rendered}' is not an address", hint or "write service://NAME/path or /path")
    plain = urllib.parse.quote(rendered.partition("#")[0], safe=_PATH_SAFE)
    query = "&".join(_params(template.params, scope))
    return f"{plain}{'&' if parts.query else '?'}{query}" if query else plain


def _base(service: str, context: Context, where: Where) -> str:
    try:
        return context.addresses[service].rstrip("/")
    except KeyError:
        hint = did_you_mean(service, context.addresses)
        raise DocumentError(where, f"realm '{context.realm}' has no service '{service}'", hint) from None


def _params(params: Iterable[tuple[str, Value]], scope: Scope) -> Iterator[str]:
    """A list gives one pair an element, null leaves the parameter out."""
    for name, value in params:
        rendered = value.render(scope)
        for one in rendered if isinstance(rendered, list) else [rendered]:
            if one is not None:
                yield f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(to_text(one), safe='')}"


def _headers(headers: Iterable[tuple[str, Value]], scope: Scope, where: Where) -> Iterator[tuple[str, str]]:
    """Null leaves a header out, also one that every request carries."""
    for name, value in headers:
        rendered = value.render(scope)
        if rendered is None:
            continue
        text = to_text(rendered)
        if any(sign in text for sign in "\r\n\0"):
            raise DocumentError(where, f"the header '{name}' would hold a line break: {text[:80]!r}")
        yield name, text


def _body(body: Body | None, scope: Scope, where: Where) -> bytes | None:
    if body is None:
        return None
    content = body.content.render(scope)
    if body.kind is BodyKind.TEXT:
        return to_text(content).encode()
    if body.kind is BodyKind.FORM:
        return _form(content, where).encode()
    try:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise DocumentError(where, f"the body cannot be written as JSON: {error}") from None


def _form(fields: Any, where: Where) -> str:
    if not isinstance(fields, Mapping):
        raise DocumentError(where, f"the form is no mapping of fields: {plain(fields)}")
    pairs = [
        (name, to_text(one))
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    return urllib.parse.urlencode(pairs)


def _usual(marks: Marks) -> Headers:
    return (
        ("User-Agent", USER_AGENT),
        ("Accept", "*/*"),
        ("traceparent", f"00-{marks.trace_id}-{marks.span_id}-01"),
        ("X-Request-Id", marks.request_id),
    )


def _of_body(body: Body | None) -> Headers:
    return () if body is None else (("Content-Type", _CONTENT_TYPES[body.kind]),)


def _of_auth(template: RequestTemplate, scope: Scope) -> Headers:
    auth = template.auth
    if auth is None:
        return ()
    if isinstance(auth, BasicAuth):
        pair = f"{to_text(auth.user.render(scope))}:{to_text(auth.password.render(scope))}"
        return (("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"),)
    if isinstance(auth, BearerAuth):
        return (("Authorization", f"Bearer {to_text(auth.token.render(scope))}"),)
    return ()


def _of_jar(jar: Jar, url: str) -> Headers:
    value = jar.header(url)
    return (("Cookie", value),) if value else ()
