"""Understands the first half of an entry: a request of a `.hurl` file in, a `RequestTemplate` out.

Room scenarios, private to `hurl`. What is sent is what Hurl sends: Host, Accept and User-Agent beside what the file
says, bodies byte by byte as written, values of queries and forms encoded as curl does and their names not at all.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from dataclasses import dataclass

from seatrial.errors import DocumentError, Where
from seatrial.exchange import Connection, HttpVersion
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.bodies_sent import body_text, body_type
from seatrial.scenarios.hurl.cookie_headers import cookies_apart
from seatrial.scenarios.hurl.files import HurlFiles
from seatrial.scenarios.hurl.options import ENDLESS
from seatrial.scenarios.hurl.settings import Known, Settings, known_value, static_text
from seatrial.scenarios.hurl.syntax import Hole, Text
from seatrial.scenarios.hurl.values import holes_in, made, mapped, scope_name, template_of, value_of
from seatrial.scenarios.sending.request import (
    Auth,
    AwsAuth,
    BasicAuth,
    Body,
    BodyKind,
    DigestAuth,
    Follow,
    Part,
    RequestTemplate,
    TlsTemplate,
)
from seatrial.template import Fixed, Scope, Template, Value

MAX_REDIRECTS = 1000
"""As many as `max-redirs: -1` follows."""

EXTERNAL = "external"
"""The service of a request whose address is not known before the play."""

_ADDRESS = re.compile(r"(https?)://([^/?#]*)(.*)", re.DOTALL)
_HOLE = re.compile(r"\{\{([\w-]+)\}\}")
_UNRESERVED = "-._~"
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")
_CONTENT_TYPE = "content-type"
_FORM = "application/x-www-form-urlencoded"
FILE_TYPES = {
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "htm": "text/html",
    "html": "text/html",
    "pdf": "application/pdf",
    "xml": "application/xml",
}
_OTHER_FILE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Address:
    """What is known of a request's URL before the play: scheme (empty when it is not), host and port, path."""

    scheme: str
    service: str
    path: str


def address_of(url: Text, known: Known) -> Address:
    """Where a request goes, as far as it is known; a URL may begin with a hole."""
    found = _ADDRESS.fullmatch(_beginning(url, known))
    if found is None:
        path = url.source.partition("}}")[2] if url.source.startswith("{{") else url.source
        return Address("", EXTERNAL, path or "/")
    host = _HOLE.sub(lambda hole: str(known.get(scope_name(hole[1]), hole[0])), found[2])
    return Address(found[1], EXTERNAL if "{{" in host or not host else host, found[3] or "/")


def request_of(request: syntax.Request, settings: Settings, known: Known, files: HurlFiles) -> RequestTemplate:
    """The request as it will be rendered and sent."""
    address = address_of(request.url, known)
    refuse_url(request.url)
    request = cookies_apart(request)
    body, content_type = _body(request, files, known)
    if request.method == "HEAD":
        body, content_type = None, implied_type(request)
    return RequestTemplate(
        method=request.method,
        service=None,
        url=_url(request),
        headers=tuple(_headers(request, settings, known, content_type)),
        body=body,
        auth=_auth(request, settings, address),
        cookies=tuple((_name(pair, known), value_of(pair.value)) for pair in request.cookies),
        follow=_follow(settings),
        connection=Connection(_version(settings, address), connect_timeout_s=settings.connect_timeout_s),
        tls=_tls(settings, files),
        proxy=None if settings.proxy is None else mapped(value_of(settings.proxy), _proxy),
        compressed=settings.compressed,
        minimal=True,
        path_as_is=settings.path_as_is,
    )


def _beginning(url: Text, known: Known) -> str:
    """The URL with a hole at its beginning filled, if that is known."""
    first = url.pieces[0] if url.pieces else ""
    if not isinstance(first, Hole):
        return url.source
    try:
        return str(known_value(first, known, "the address")) + Text(url.pieces[1:], url.where).source
    except DocumentError:
        return url.source


def refuse_url(url: Text) -> None:
    """DocumentError for what can be no URL whatever fills its holes; the rest shows when it is rendered."""
    source = url.source
    if not source.startswith(("http://", "https://", "{{")):
        raise DocumentError(url.where, f"'{source}' is no URL", "begin it with http:// or https://")
    spaced = next((piece for piece in url.pieces if isinstance(piece, str) and " " in piece), None)
    if spaced is not None:
        raise DocumentError(url.where, f"a space in the URL '{source}'", "write it %20")


def _url(request: syntax.Request) -> Template:
    """The URL with the query section's pairs behind its own. What fills a hole is put in as it is, as Hurl does."""
    query = _encoded(request.query) if request.query else Fixed("")
    run = functools.partial(_joined_url, base=template_of(request.url), query=query)
    return made(request.url.source, request.url.where, tuple(holes_in((request.url, request.query))), run)


def _joined_url(scope: Scope, *, base: Template, query: Value) -> str:
    url, pairs = str(base.render(scope)), str(query.render(scope))
    if pairs:
        joint = "" if url.endswith("?") else "&" if "?" in url else "?"
        url = f"{url}{joint}{pairs}"
    if _UNSENDABLE.search(url):
        hint = "encode the value, as by the filter urlEncode of its capture"
        raise DocumentError(base.where, f"a space or a control character in the URL '{url[:200]}'", hint)
    return url


def _encoded(pairs: tuple[syntax.Pair, ...]) -> Value:
    """Names as they are and values percent-encoded, as curl encodes."""
    sides = [(value_of(pair.name), value_of(pair.value)) for pair in pairs]

    def run(scope: Scope) -> str:
        return "&".join(f"{name.render(scope)}={quoted(str(value.render(scope)))}" for name, value in sides)

    holes = tuple(holes_in(pairs))
    source = "&".join(f"{pair.name.source}={pair.value.source}" for pair in pairs)
    return made(source, pairs[0].where, holes, run) if holes else Fixed(run({}))


def quoted(text: str) -> str:
    """A value percent-encoded as curl encodes it."""
    return urllib.parse.quote(text, safe=_UNRESERVED)


def _name(pair: syntax.Pair | syntax.FilePart, known: Known) -> str:
    """A name that must be known before the play."""
    return static_text(pair.name, known, "a name")


def _headers(
    request: syntax.Request, settings: Settings, known: Known, content_type: str | None
) -> list[tuple[str, Value]]:
    """The file's headers, then those of options; a content type only where Hurl would say one."""
    headers = [(_name(pair, known), value_of(pair.value)) for pair in request.headers] + list(settings.headers)
    if content_type is not None and not any(name.lower() == _CONTENT_TYPE for name, _ in headers):
        headers.append(("Content-Type", Fixed(content_type or None)))
    return headers


def implied_type(request: syntax.Request) -> str | None:
    """The content type Hurl says of a request without saying its body; None for none."""
    if request.form:
        return _FORM
    return (body_type(request.body) or None) if request.body is not None else None


def _body(request: syntax.Request, files: HurlFiles, known: Known) -> tuple[Body | None, str | None]:
    """The body, and the content type to say: None leaves it to the body's kind, an empty one says none."""
    if request.multipart:
        parts = tuple(_part(one, files, known) for one in request.multipart)
        return Body(BodyKind.MULTIPART, Fixed(None), parts), None
    if request.form:
        return Body(BodyKind.FORM, _encoded(request.form)), None
    body = request.body
    if body is None:
        return None, None
    if isinstance(body, syntax.File):
        return Body(BodyKind.FILE, files.body(body.path)), ""
    if isinstance(body, syntax.Bytes):
        return Body(BodyKind.BYTES, Fixed(body.value)), ""
    return Body(BodyKind.BYTES, _bytes(body_text(body))), body_type(body)


def _bytes(text: Value) -> Value:
    return mapped(text, lambda rendered: rendered.encode(errors="replace"))


def _part(part: syntax.Pair | syntax.FilePart, files: HurlFiles, known: Known) -> Part:
    name = _name(part, known)
    if isinstance(part, syntax.Pair):
        return Part(name, value_of(part.value))
    path = value_of(part.path)
    said = mapped(path, file_type) if part.content_type is None else value_of(part.content_type)
    return Part(name, files.body(part.path), filename=path, content_type=said)


def file_type(path: str) -> str:
    """The content type Hurl says of a file by its ending."""
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return FILE_TYPES.get(ending, _OTHER_FILE) if dot else _OTHER_FILE


def _auth(request: syntax.Request, settings: Settings, address: Address) -> Auth | None:
    if request.basic_auth is not None:
        return BasicAuth(value_of(request.basic_auth.name), value_of(request.basic_auth.value))
    if settings.user is None:
        return None
    user, password = mapped(settings.user, _user_of), mapped(settings.user, _password_of)
    if settings.aws is not None:
        return _aws(settings.aws, user, password, address)
    return DigestAuth(user, password) if settings.digest else BasicAuth(user, password)


def _user_of(text: str) -> str:
    return text.partition(":")[0]


def _password_of(text: str) -> str:
    return text.partition(":")[2]


def _aws(provider: Text, user: Value, password: Value, address: Address) -> AwsAuth:
    region, service = region_and_service(provider, address)
    return AwsAuth(user, password, Fixed(region), Fixed(service))


def region_and_service(provider: Text, address: Address) -> tuple[str, str]:
    """`aws:amz:REGION:SERVICE`; what is left out is read from the host, as `SERVICE.REGION.amazonaws.com`."""
    words = (provider.plain or "").split(":")
    labels = address.service.partition(":")[0].split(".")
    if not words[0] or len(words) > 4:
        raise DocumentError(provider.where, f"'{provider.source}' is no provider", "write aws:amz:REGION:SERVICE")
    region = words[2] if len(words) > 2 else labels[1] if len(labels) > 2 else ""
    service = words[3] if len(words) > 3 else labels[0] if len(labels) > 2 else ""
    if not region or not service:
        hint = "write aws-sigv4: aws:amz:REGION:SERVICE"
        raise DocumentError(provider.where, "neither option nor host names region and service", hint)
    return region, service


def _follow(settings: Settings) -> Follow | None:
    if not settings.location:
        return None
    limit = MAX_REDIRECTS if settings.max_redirs == ENDLESS else settings.max_redirs
    return Follow(limit, None if settings.location_trusted else frozenset())


def _version(settings: Settings, address: Address) -> HttpVersion:
    """As curl: over TLS HTTP/2 where the server speaks it, else HTTP/1.1."""
    if settings.http_version is not None:
        return settings.http_version
    return HttpVersion.V2 if address.scheme == "https" else HttpVersion.V1_1


def _tls(settings: Settings, files: HurlFiles) -> TlsTemplate | None:
    given = (settings.ca, settings.certificate, settings.key, settings.pin)
    if not settings.insecure and not any(given):
        return None
    certificate = settings.certificate
    value = None if certificate is None else value_of(certificate)
    return TlsTemplate(
        verify=not settings.insecure,
        ca=None if settings.ca is None else files.machine(value_of(settings.ca), settings.ca.where),
        certificate=None if value is None else files.machine(mapped(value, certificate_path), _where(certificate)),
        key=None if settings.key is None else files.machine(value_of(settings.key), settings.key.where),
        password=None if value is None or not _has_password(certificate) else mapped(value, certificate_password),
        pin=None if settings.pin is None else _pin(settings.pin),
    )


def _where(text: Text | None) -> Where:
    return text.where if text else Where("", 1, 1)


_CERTIFICATE = re.compile(r"((?:\\.|[^\\:])*)(?::(.*))?", re.DOTALL)


def certificate_path(text: str) -> str:
    """The path in `PATH:PASSWORD`, its colons unescaped."""
    found = _CERTIFICATE.match(text)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else text


def certificate_password(text: str) -> str:
    """The password in `PATH:PASSWORD`, empty when there is none."""
    found = _CERTIFICATE.match(text)
    return found[2] or "" if found else ""


def _has_password(text: Text | None) -> bool:
    found = _CERTIFICATE.match(text.source) if text else None
    return bool(found and found[2])


def _pin(text: Text) -> Value:
    source = text.source
    if not source.startswith(("sha256//", "{{")) or ";" in source:
        hint = "write pinnedpubkey: sha256//BASE64"
        raise DocumentError(text.where, f"'{source}' is not one public key's digest", hint)
    return value_of(text)


def _proxy(text: str) -> str:
    return text if "://" in text or not text else f"http://{text}"
