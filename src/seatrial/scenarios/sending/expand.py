"""Renders a step's request in the scope of a play: templates in, one `Request` with nothing left to render out.

Room scenarios. Chance and time come in with the scope; of the disk it reads only the files a request names.
DocumentError names the place of everything that cannot be rendered. Must never send.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from seatrial import __version__
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.exchange import Connection, ConversationKind, Headers, Request, Tls
from seatrial.light import light
from seatrial.realm import Tracing
from seatrial.scenarios.model import Step
from seatrial.scenarios.moves import Context
from seatrial.scenarios.sending.auth import headers_of, params_of, signed
from seatrial.scenarios.sending.bodies import Content, content_of
from seatrial.scenarios.sending.cookies import Jar
from seatrial.scenarios.sending.request import FileRef, RequestTemplate, TlsTemplate
from seatrial.scenarios.sending.talk import conversation
from seatrial.template import Raw, Scope, Value, to_text

USER_AGENT = f"seatrial/{__version__}"
ACCEPT_ENCODING = "gzip, deflate, br"
_PATH_SAFE = "/?#[]@!$&'()*+,;=:%~-._"
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/?\[\]@!$&'()*+,;=:%~._-]*")
_PLAIN_BASE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9/%~._-]*)?")
_ACCEPT = {ConversationKind.SSE: "text/event-stream"}
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@light(frozen=True, slots=True)
class Marks:
    """The ids one attempt carries: W3C trace context (32 and 16 hex digits), the request's own, a body's boundary."""

    trace_id: str
    span_id: str
    request_id: str


def expand(step: Step, scope: Scope, context: Context, *, jar: Jar, marks: Marks) -> Request:
    """The request as it is to be sent; a header the step sets itself replaces the one every request carries."""
    try:
        return _expanded(step, scope, context, jar=jar, marks=marks)
    except UnicodeEncodeError as error:
        raise half_a_character(step, error) from None


def half_a_character(step: Step, error: UnicodeEncodeError) -> DocumentError:
    """What a step is told that would send one."""
    half = error.object[error.start : error.end]
    return DocumentError(step.where, f"half a character, {half!r}, cannot be sent")


def _expanded(step: Step, scope: Scope, context: Context, *, jar: Jar, marks: Marks) -> Request:
    template = step.request
    url = url_of(template, scope, context)
    content = content_of(template.body, scope, step.where, boundary=marks.request_id)
    own = tuple(headers_in(template.headers, scope, step.where))
    implied = (
        *usual(template, context.tracing, marks),
        *_type_of(content),
        *headers_of(template.auth, scope),
        *_cookies(template, jar, url, scope=scope, now=context.now()),
    )
    chosen = {name.lower() for name, _ in template.headers}
    headers = (*(header for header in implied if header[0].lower() not in chosen), *own)
    request = Request(
        method=template.method,
        url=url,
        headers=headers,
        body=content.body if content else None,
        timeout_s=step.timeout_s,
        connection=_connection(template, scope),
        max_body_bytes=template.max_body_bytes,
        path_as_is=template.path_as_is,
        conversation=conversation(template.talk, scope) if template.talk else None,
    )
    return signed(request, template.auth, scope, now=context.now)


def address(url: str, context: Context, where: Where) -> str:
    """The address of `service://NAME/path` in this realm; any other text as it is."""
    if not url.startswith("service://"):
        return url
    service, slash, path = url.removeprefix("service://").partition("/")
    return _base(service, context, where) + slash + path


def url_of(template: RequestTemplate, scope: Scope, context: Context) -> str:
    """The request's address, percent-encoded; DocumentError for what is none."""
    path: str = template.url.render(scope)
    base = "" if template.service is None else _base(template.service, context, template.url.where)
    if _PLAIN_PATH.fullmatch(path) and _is_plain_base(base):
        plain, asks = base + path, bool(path.partition("?")[2])
    else:
        plain, asks = _encoded(base + path, template)
    params = (*template.params, *params_of(template.auth))
    if not params:
        return plain
    query = "&".join(_params(params, scope))
    return f"{plain}{'&' if asks else '?'}{query}" if query else plain


@functools.lru_cache(maxsize=256)
def _is_plain_base(base: str) -> bool:
    """Whether a plain path behind it makes an address in which nothing is to be encoded."""
    return _PLAIN_BASE.fullmatch(base) is not None


def _encoded(url: str, template: RequestTemplate) -> tuple[str, bool]:
    """The address percent-encoded, and whether it has a query."""
    where, parts = template.url.where, _split(url)
    if parts is None or parts.scheme not in _SCHEMES or not parts.netloc:
        hint = "a value that holds a whole address must pass through `| raw`" if "%3A" in url else ""
        raise DocumentError(where, f"'{url}' is not an address", hint or "write service://NAME/path or /path")
    plain = urllib.parse.quote(url.partition("#")[0], safe=_PATH_SAFE)
    if template.talk is None and parts.scheme in ("ws", "wss"):
        raise DocumentError(where, f"'{url}' is a WebSocket's address", "write `websocket:` for `request:`")
    return plain, bool(parts.query)


def _split(url: str) -> urllib.parse.SplitResult | None:
    """None for what is none, as `http://[::1`."""
    try:
        return urllib.parse.urlsplit(url)
    except ValueError:
        return None


def _base(service: str, context: Context, where: Where) -> str:
    try:
        return context.addresses[service].rstrip("/")
    except KeyError:
        hint = did_you_mean(service, context.addresses)
        raise DocumentError(where, f"realm '{context.realm}' has no service '{service}'", hint) from None


def _params(params: Iterable[tuple[str, Value]], scope: Scope) -> Iterator[str]:
    """A list gives one pair an element, null leaves the parameter out; what passed through `| raw` stays as it is."""
    for name, value in params:
        rendered = value.render(scope)
        for one in rendered if isinstance(rendered, list) else [rendered]:
            if one is not None:
                text = one if isinstance(one, Raw) else urllib.parse.quote(to_text(one), safe="")
                yield f"{urllib.parse.quote(name, safe='')}={text}"


def headers_in(headers: Iterable[tuple[str, Value]], scope: Scope, where: Where) -> Iterator[tuple[str, str]]:
    """Null leaves a header out, also one that every request carries; a list gives one header an element."""
    for name, value in headers:
        rendered = value.render(scope)
        for one in rendered if isinstance(rendered, list) else [rendered]:
            if one is None:
                continue
            text = to_text(one)
            if any(sign in text for sign in "\r\n\0"):
                raise DocumentError(where, f"the header '{name}' would hold a line break: {text[:80]!r}")
            yield name, text


def usual(template: RequestTemplate, tracing: Tracing, marks: Marks) -> Iterator[tuple[str, str]]:
    """What every request carries; `default_headers: minimal` leaves these two (and Host, which HTTP needs)."""
    yield "User-Agent", USER_AGENT
    yield "Accept", _ACCEPT.get(template.talk.kind, "*/*") if template.talk else "*/*"
    if template.compressed:
        yield "Accept-Encoding", ACCEPT_ENCODING
    if template.minimal:
        return
    if tracing.traceparent:
        yield tracing.traceparent, f"00-{marks.trace_id}-{marks.span_id}-01"
    if tracing.request_id:
        yield tracing.request_id, marks.request_id


def _type_of(content: Content | None) -> Headers:
    return (("Content-Type", content.content_type),) if content and content.content_type else ()


def _cookies(template: RequestTemplate, jar: Jar, url: str, *, scope: Scope, now: float) -> Headers:
    """The jar's cookies, and the step's own, which win over those of the same name."""
    own = {name: value.render(scope) for name, value in template.cookies}
    kept = [pair for pair in jar.pairs(url, now=now) if pair[0] not in own]
    pairs = [*kept, *((name, to_text(value)) for name, value in own.items() if value is not None)]
    for name, value in pairs[len(kept) :]:
        if not _TOKEN.fullmatch(name) or any(sign in value for sign in ";\r\n\0"):
            raise DocumentError(template.url.where, f"the cookie '{name}={value[:80]}' cannot be sent")
    return (("Cookie", "; ".join(f"{name}={value}" for name, value in pairs)),) if pairs else ()


def _connection(template: RequestTemplate, scope: Scope) -> Connection:
    if template.tls is None and template.proxy is None:
        return template.connection
    return dataclasses.replace(
        template.connection,
        tls=_tls(template.tls, scope, template.url.where) if template.tls else template.connection.tls,
        proxy=None if template.proxy is None else to_text(template.proxy.render(scope)),
    )


def _tls(tls: TlsTemplate, scope: Scope, where: Where) -> Tls:
    from seatrial.http import check_tls  # the door is loaded by whoever sends, and not to read

    rendered = Tls(
        verify=tls.verify,
        ca=_located(tls.ca, scope),
        certificate=_located(tls.certificate, scope),
        key=_located(tls.key, scope),
        password=None if tls.password is None else to_text(tls.password.render(scope)),
        pin=None if tls.pin is None else to_text(tls.pin.render(scope)).removeprefix("sha256//"),
    )
    problem = check_tls(rendered)
    if problem:
        raise DocumentError(where, problem, "give PEM files, and a pin as sha256//BASE64")
    return rendered


def _located(file: FileRef | None, scope: Scope) -> str | None:
    return None if file is None else str(file.locate(scope))
