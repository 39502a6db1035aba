"""A request as one `curl` line that repeats it. Pure; secrets are masked, so they have to be put back to run it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator

from seatrial.exchange import Answer, Connection, Headers, HttpVersion, Request, Response, Tls
from seatrial.redact import Secrets
from seatrial.scenarios.model import Step

MAX_BODY = 4000
_OWN = frozenset({"user-agent", "accept", "accept-encoding", "traceparent", "x-request-id"})
"""Headers every request of ours carries and no answer should depend on, unless the step wrote them itself."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "'": "\\'", "\\": "\\\\"}
_GLOBS = re.compile(r"[\[\]{}]")
_AUTHORITY = re.compile(r"\w+://[^/?#]*")


def curl_line(request: Request, secrets: Secrets, *, step: Step | None = None, answer: Answer | None = None) -> str:
    """`curl -sS 'http://...' -H '...'`, on one line; a body beyond MAX_BODY characters is named, not shown.

    The headers that `step` wrote stay, whatever they are called. What was answered compressed is asked for so again:
    a range, a length or an ETag may hang on it.
    """
    body = (request.body or b"").decode(errors="surrogateescape")
    url = secrets.redact(request.url)
    written = {name.lower() for name, _ in step.request.headers} if step else frozenset()
    words = [
        "curl",
        "-sS",
        *_compressed(answer),
        *_method(request.method, body),
        *_connection(request, secrets),
        _quoted(url),
    ]
    for line in _headers(_telling(request.headers, written), body, secrets):
        words += ["-H", _quoted(line)]
    if len(body) > MAX_BODY:
        return " ".join(words) + f"   # and a body of {len(body)} characters"
    if body:
        words += ["--data-raw", _quoted(secrets.redact(body))]
    return " ".join(words)


def _compressed(answer: Answer | None) -> list[str]:
    came = isinstance(answer, Response) and answer.header("content-encoding")
    return ["--compressed"] if came else []


def _method(method: str, body: str) -> list[str]:
    """curl waits for the body of an answer to `-X HEAD`."""
    if method == "HEAD":
        return ["--head"]
    return [] if method == ("POST" if body else "GET") else ["-X", method]


def _telling(headers: Headers, written: Collection[str]) -> Headers:
    """Without those that are ours; what a conversation accepts stays, since no other answer would do."""
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() in written or name.lower() not in _OWN or (name.lower() == "accept" and value != "*/*")
    )


def _headers(headers: Headers, body: str, secrets: Secrets) -> Iterator[str]:
    """A header without a value ends in `;`; one that curl would add by itself is taken away by naming it."""
    for name, value in headers:
        yield f"{name}: {secrets.redact_header(name, value)}" if value else f"{name};"
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        yield "Content-Type:"


def _connection(request: Request, secrets: Secrets) -> Iterator[str]:
    connection, url = request.connection, request.url
    if connection.http_version is HttpVersion.V2:
        yield "--http2" if url.startswith("https:") else "--http2-prior-knowledge"
    if request.path_as_is:
        yield "--path-as-is"
    if _GLOBS.search(_AUTHORITY.sub("", url)):
        yield "-g"
    yield from _proxy(connection, secrets)
    yield from _tls(connection.tls, secrets)


def _proxy(connection: Connection, secrets: Secrets) -> Iterator[str]:
    if connection.proxy is not None:
        yield from (("-x", _quoted(secrets.redact(connection.proxy))) if connection.proxy else ("--noproxy", "'*'"))


def _tls(tls: Tls, secrets: Secrets) -> Iterator[str]:
    if not tls.verify:
        yield "-k"
    files = {"--cacert": tls.ca, "--cert": tls.certificate, "--key": tls.key}
    for option, file in files.items():
        if file is not None:
            yield from (option, _quoted(secrets.redact(file)))
    if tls.pin is not None:
        yield from ("--pinnedpubkey", _quoted(f"sha256//{tls.pin}"))


def _quoted(word: str) -> str:
    """Always in quotes, so that a mask with its brackets is safe to paste; on one line, whatever is in it."""
    if _UNPRINTABLE.search(word):
        return f"$'{''.join(map(_escaped, word))}'"
    quoted = shlex.quote(word)
    return quoted if quoted.startswith("'") or "'" in word else f"'{word}'"


def _escaped(sign: str) -> str:
    """As bash writes it within `$'...'`."""
    if sign in _NAMED:
        return _NAMED[sign]
    if "\udc80" <= sign <= "\udcff":  # a byte that is no text
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return f"\\u{ord(sign):04x}" if _UNPRINTABLE.match(sign) else sign
