"""Understands `request:`, `websocket:` and `sse:` of a step: raw shapes in, a `RequestTemplate` out.

Room scenarios, private to `read`. Every template is compiled and every address taken apart here; DocumentError names
the place of what is wrong.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial import template
from seatrial.documents import Document, Steps
from seatrial.errors import DocumentError, Where
from seatrial.exchange import Connection, ConversationKind, HttpVersion
from seatrial.scenarios.files import Files
from seatrial.scenarios.model import Section, route_of
from seatrial.scenarios.sending.request import (
    ApiKeyAuth,
    Auth,
    AwsAuth,
    BasicAuth,
    BearerAuth,
    Body,
    BodyKind,
    ClientCredentialsAuth,
    DigestAuth,
    FileRef,
    Follow,
    Part,
    RequestTemplate,
    Talk,
    TlsTemplate,
)
from seatrial.scenarios.written.checks import read_pattern
from seatrial.scenarios.written.shapes import (
    RawAddressed,
    RawApiKey,
    RawAuth,
    RawAws,
    RawBasic,
    RawFollow,
    RawOAuth2,
    RawPart,
    RawRequest,
    RawSse,
    RawStep,
    RawTls,
    RawWebsocket,
)
from seatrial.template import Fixed, Value

_SERVICE_URL = re.compile(r"service://([^/?#]*)(.*)", re.DOTALL)
_ABSOLUTE_URL = re.compile(r"(?:https?|wss?)://([^/?#]*)(.*)", re.DOTALL)
_METHOD = re.compile(r"[A-Z]+")
_BODIES: Mapping[str, BodyKind] = {
    "content": BodyKind.JSON,
    "form": BodyKind.FORM,
    "multipart": BodyKind.MULTIPART,
    "text": BodyKind.TEXT,
    "file": BodyKind.FILE,
    "graphql": BodyKind.GRAPHQL,
    "xml": BodyKind.XML,
}
_PART_KEYS = frozenset(RawPart.model_fields)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a step stands: document and path, section and number, and what its names and paths are completed by."""

    document: Document
    at: Steps
    section: Section
    number: int
    service: str | None
    files: Files
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL's text says before anything is rendered: `service` None for an absolute address."""

    service: str | None
    shown_service: str
    path: str
    route: str


@dataclass(frozen=True, slots=True)
class _Reader:
    """One request being read: what compiles its values, with or without templates, and knows their places."""

    spot: Spot
    at: Steps
    raw: bool

    def where(self, *path: str | int) -> Where:
        return self.spot.document.where(*self.at, *path)

    def value(self, content: Any, *path: str | int) -> Value:
        if self.raw:
            return Fixed(content)
        return template.compile_value(content, functools.partial(self.where, *path))

    def maybe(self, content: Any, *path: str | int) -> Value | None:
        return None if content is None else self.value(content, *path)

    def pairs(self, content: Mapping[str, Any], name: str) -> tuple[tuple[str, Value], ...]:
        return tuple((key, self.value(part, name, key)) for key, part in content.items())

    def file(self, path: str, *at: str | int) -> FileRef:
        """A file; one whose name is fixed must be there now."""
        where = self.where(*at)
        ref = FileRef(self.value(path, *at), self.spot.files, where)
        if isinstance(ref.path, Fixed):
            self.spot.files.find(path, where)
        return ref


def read_request(raw: RawStep, spot: Spot) -> tuple[RequestTemplate, Target]:
    """What a step sends, and where to; DocumentError when it sends nothing, or two things at once."""
    asked = [name for name in ("request", "websocket", "sse") if getattr(raw, name) is not None]
    if not asked:
        raise DocumentError(spot.document.where(*spot.at), "'request' is missing", "add it, or `use` a flow")
    if len(asked) > 1:
        where = spot.document.where_key(*spot.at, asked[1])
        raise DocumentError(where, f"'{asked[1]}' and '{asked[0]}' in one step", "make it two steps")
    said: RawAddressed = getattr(raw, asked[0])
    reader = _Reader(spot, (*spot.at, asked[0]), said.raw)
    target = _target(said.url, spot, reader.where("url"))
    return _READS[type(said)](said, target, reader), target


def _plain(raw: RawRequest, target: Target, reader: _Reader) -> RequestTemplate:
    body = _body(raw, reader)
    return _addressed(
        raw,
        target,
        reader,
        method=_method(raw.method or ("POST" if raw.graphql else "GET"), reader),
        body=body,
        follow=_follow(raw.follow) if raw.follow else None,
        version=raw.http_version,
        compressed=raw.default_headers == "all" if raw.compressed is None else raw.compressed,
        path_as_is=raw.path_as_is,
    )


def _websocket(raw: RawWebsocket, target: Target, reader: _Reader) -> RequestTemplate:
    send = tuple(reader.value(message, "send", *_index(raw.send, index)) for index, message in enumerate(raw.send))
    hear = tuple(
        read_pattern(wanted, reader.spot.document, (*reader.at, "expect", *_index(raw.expect, index)))
        for index, wanted in enumerate(raw.expect)
    )
    if not hear:
        hint = "write the messages to wait for, as `expect: [{type: ready}]`"
        raise DocumentError(reader.where(), "the conversation waits for nothing", hint)
    return _addressed(
        raw, target, reader, method="GET", compressed=False, talk=Talk(ConversationKind.WEBSOCKET, send, hear)
    )


def _events(raw: RawSse, target: Target, reader: _Reader) -> RequestTemplate:
    hear = tuple(
        read_pattern(wanted, reader.spot.document, (*reader.at, "until", *_index(raw.until, index)))
        for index, wanted in enumerate(raw.until)
    )
    method = _method(raw.method or "GET", reader)
    return _addressed(
        raw, target, reader, method=method, compressed=False, talk=Talk(ConversationKind.SSE, hear=hear)
    )


_READS: Mapping[type[RawAddressed], Callable[[Any, Target, _Reader], RequestTemplate]] = {
    RawRequest: _plain,
    RawWebsocket: _websocket,
    RawSse: _events,
}


def _index(listed: tuple[Any, ...], index: int) -> tuple[int, ...]:
    """A single one may stand without its list, and then has no index in the document."""
    return (index,) if len(listed) > 1 else ()


def _addressed(
    raw: RawAddressed,
    target: Target,
    reader: _Reader,
    *,
    method: str,
    body: Body | None = None,
    follow: Follow | None = None,
    version: HttpVersion = HttpVersion.V1_1,
    compressed: bool = True,
    path_as_is: bool = False,
    talk: Talk | None = None,
) -> RequestTemplate:
    return RequestTemplate(
        method=method,
        service=target.service,
        url=template.compile_url(target.path, reader.where("url")),
        headers=reader.pairs(raw.headers, "headers"),
        params=reader.pairs(raw.params, "params"),
        body=body,
        auth=_auth(raw.auth, reader) if raw.auth else None,
        cookies=reader.pairs(raw.cookies, "cookies"),
        follow=follow,
        connection=Connection(version, connect_timeout_s=raw.timeout.connect),
        tls=_tls(raw.tls, raw.auth, reader),
        proxy=reader.maybe(raw.proxy, "proxy"),
        compressed=compressed,
        minimal=raw.default_headers == "minimal",
        session=raw.session,
        max_body_bytes=raw.max_body,
        path_as_is=path_as_is,
        talk=talk,
    )


def _method(text: str, reader: _Reader) -> str:
    method = text.upper()
    if not _METHOD.fullmatch(method):
        raise DocumentError(reader.where("method"), f"'{text}' is no HTTP method", "write one as GET or POST")
    return method


def _target(url: str, spot: Spot, where: Where) -> Target:
    by_service, absolute = _SERVICE_URL.fullmatch(url), _ABSOLUTE_URL.fullmatch(url)
    if by_service:
        service, path = by_service[1], by_service[2] or "/"
        if not service or template.is_template(service):
            raise DocumentError(where, f"'{url}' names no service", "write service://NAME/path with a fixed NAME")
        return Target(service, service, path, route_of(path))
    if absolute:
        return Target(None, spot.service or absolute[1], url, route_of(absolute[2] or "/"))
    if url.startswith("{{"):
        behind = url.partition("}}")[2]  # a base in a variable; without anything behind it, the whole address is one
        return Target(None, spot.service or "external", url, route_of(behind) if behind else "/*")
    if not url.startswith("/"):
        raise DocumentError(where, f"'{url}' is not a URL", "write service://NAME/path, /path or https://host/path")
    if spot.service is None:
        raise DocumentError(where, f"'{url}' is on no service", "give the scenario its `service`, or service://NAME")
    return Target(spot.service, spot.service, url, route_of(url))


def _body(raw: RawRequest, reader: _Reader) -> Body | None:
    names = [name for name in _BODIES if name in raw.model_fields_set]
    if not names:
        return None
    kinds = [_BODIES[name] for name in names]
    if len(kinds) > 1:
        where = reader.spot.document.where_key(*reader.at, kinds[1])
        raise DocumentError(where, f"'{kinds[1]}' and '{kinds[0]}' in one request", "a request has one body")
    kind = kinds[0]
    if kind is BodyKind.MULTIPART:
        return Body(kind, Fixed(None), tuple(_parts(raw.multipart or {}, reader)))
    if kind is BodyKind.FILE:
        return Body(kind, reader.file(raw.file or "", "file"))
    content = raw.graphql.model_dump() if raw.graphql else getattr(raw, names[0])
    return Body(kind, reader.value(content, kind))


def _parts(fields: Mapping[str, Any], reader: _Reader) -> Iterator[Part]:
    """A list gives one part an element; a mapping is the long form of one."""
    for name, content in fields.items():
        listed = content if isinstance(content, list) else [content]
        for index, one in enumerate(listed):
            at = ("multipart", name, index) if isinstance(content, list) else ("multipart", name)
            yield _part(name, one, at, reader)


def _part(name: str, content: Any, at: Steps, reader: _Reader) -> Part:
    if not isinstance(content, Mapping):
        return Part(name, reader.value(content, *at))
    unknown = next((key for key in content if key not in _PART_KEYS), None)
    if unknown is not None or ("file" in content) == ("value" in content):
        where = reader.spot.document.where_key(*reader.at, *at, unknown) if unknown else reader.where(*at)
        problem = f"unknown key '{unknown}' in a part" if unknown else "a part has either a `file` or a `value`"
        raise DocumentError(where, problem, "write {file: PATH, filename: NAME, type: image/png}")
    if "file" in content:
        value: Value | FileRef = reader.file(str(content["file"]), *at, "file")
    else:
        value = reader.value(content["value"], *at, "value")
    return Part(
        name,
        value,
        filename=reader.maybe(content.get("filename"), *at, "filename"),
        content_type=reader.maybe(content.get("type"), *at, "type"),
    )


def _follow(raw: RawFollow) -> Follow:
    return Follow(raw.max, None if raw.trusted == "all" else frozenset(raw.trusted))


def _tls(raw: RawTls | None, auth: RawAuth | None, reader: _Reader) -> TlsTemplate | None:
    """What `tls:` says, with the certificate that `auth:` shows."""
    shown = auth.client_certificate if auth else None
    if raw is None and shown is None:
        return None
    raw = raw or RawTls()
    at: Steps = ("auth", "client_certificate") if shown else ("tls",)
    owner = shown or raw

    def file(path: str | None, *place: str | int) -> FileRef | None:
        return None if path is None else reader.file(path, *place)

    return TlsTemplate(
        verify=raw.verify,
        ca=file(raw.ca, "tls", "ca"),
        certificate=file(owner.cert, *at, "cert"),
        key=file(owner.key, *at, "key"),
        password=reader.maybe(owner.password, *at, "password"),
        pin=reader.maybe(raw.pin, "tls", "pin"),
    )


def _auth(raw: RawAuth, reader: _Reader) -> Auth | None:
    ways = [name for name in RawAuth.model_fields if getattr(raw, name) is not None]
    if ways == ["client_certificate"]:
        return None
    header_ways = [name for name in ways if name != "client_certificate"]
    if len(header_ways) != 1:
        hint = f"write {{bearer: TOKEN}}; known: {', '.join(RawAuth.model_fields)}"
        raise DocumentError(reader.where("auth"), "one way to authenticate is needed", hint)
    way = header_ways[0]
    return _AUTHS[way](getattr(raw, way), reader)


def _bearer(raw: str, reader: _Reader) -> Auth:
    return BearerAuth(reader.value(raw, "auth", "bearer"))


def _basic(raw: RawBasic, reader: _Reader) -> Auth:
    return BasicAuth(*_user_and_password(raw, reader, "basic"))


def _digest(raw: RawBasic, reader: _Reader) -> Auth:
    return DigestAuth(*_user_and_password(raw, reader, "digest"))


def _user_and_password(raw: RawBasic, reader: _Reader, way: str) -> tuple[Value, Value]:
    return reader.value(raw.user, "auth", way, "user"), reader.value(raw.password, "auth", way, "password")


def _api_key(raw: RawApiKey, reader: _Reader) -> Auth:
    return ApiKeyAuth(raw.name, reader.value(raw.value, "auth", "api_key", "value"), raw.place)


def _oauth2(raw: RawOAuth2, reader: _Reader) -> Auth:
    at = ("auth", "oauth2")
    return ClientCredentialsAuth(
        token_url=reader.value(raw.token_url, *at, "token_url"),
        client_id=reader.value(raw.client_id, *at, "client_id"),
        client_secret=reader.value(raw.client_secret, *at, "client_secret"),
        scope=reader.maybe(raw.scope, *at, "scope"),
        fields=tuple((name, reader.value(part, *at, "params", name)) for name, part in raw.params.items()),
        where=reader.where(*at),
    )


def _aws(raw: RawAws, reader: _Reader) -> Auth:
    at = ("auth", "aws_sigv4")
    return AwsAuth(
        access_key=reader.value(raw.access_key, *at, "access_key"),
        secret_key=reader.value(raw.secret_key, *at, "secret_key"),
        region=reader.value(raw.region, *at, "region"),
        service=reader.value(raw.service, *at, "service"),
        session_token=reader.maybe(raw.session_token, *at, "session_token"),
    )


_AUTHS: Mapping[str, Callable[[Any, _Reader], Auth]] = {
    "bearer": _bearer,
    "basic": _basic,
    "digest": _digest,
    "api_key": _api_key,
    "oauth2": _oauth2,
    "aws_sigv4": _aws,
}
