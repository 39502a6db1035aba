"""Imports HAR 1.2 recordings of browsers and proxies: the requests that matter, chained by what they took from
answers.

Room scenarios, importers. One recording, one scenario. Pictures, styles and scripts are left out unless asked for,
and so is what only browsers send; each is told once, by number.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from seatrial.errors import DocumentError, Where
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import Part, read_json
from seatrial.scenarios.importers.har_correlate import Correlation, Seen
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Imported, Tally, quoted
from seatrial.scenarios.importers.marks import Marks
from seatrial.scenarios.importers.targets import Services, on_service, path_of
from seatrial.scenarios.sending.request import WRITING

MAX_STEPS = 2000
_STATIC_KINDS = frozenset(
    {"image", "font", "stylesheet", "script", "media", "texttrack", "manifest", "ping", "beacon"}
)
_STATIC_TYPES = re.compile(r"(image|font|audio|video)/|text/css|(text|application)/(x-)?javascript|application/wasm")
_STATIC_NAMES = re.compile(
    r"\.(png|jpe?g|gif|svg|ico|webp|avif|css|m?js|map|woff2?|ttf|otf|eot|mp4|webm|mp3|wasm)$", re.I
)
_NOISE = frozenset(
    (
        *("host", "connection", "content-length", "accept-encoding", "accept-language", "user-agent", "dnt", "te"),
        *("upgrade-insecure-requests", "cache-control", "pragma", "referer", "if-none-match", "if-modified-since"),
        *("priority", "cookie", "purpose", "traceparent", "x-request-id", "save-data", "origin", "sec-gpc", "rtt"),
        *("downlink", "ect", "keep-alive", "transfer-encoding", "proxy-connection"),
    )
)
_VISITORS = re.compile(r"_ga|_gid|_gat|_fbp|__utm|_hj|amplitude|ajs_|optimizely|OptanonConsent|_pk_|_cl", re.I)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a recording is wanted: of these hosts (all when none is named), with static resources or without."""

    hosts: frozenset[str] = frozenset()
    static: bool = False


def convert(
    text: str, file: str, *, name: str = "", choice: Choice | None = None, services: Services | None = None
) -> Imported:
    """One scenario of a recording. DocumentError when it is no HAR or nothing of it is left."""
    tally = Tally()
    recording = Recording(tally, choice or Choice(), services or {})
    found = recording.drafts(entries_of(text, file, tally))
    if not found:
        raise DocumentError(
            Where(file, 1, 1), "no request of this recording is left", "name other hosts, or --static"
        )
    tally.count("requests", len(found))
    tally.count("captures", sum(len(draft.captures) for draft in found))
    content = drafts.scenario(name, found)
    return tally.imported(name, file, drafts.documents([content]))


def entries_of(text: str, file: str, tally: Tally) -> list[Part]:
    """The entries of a recording in the order they were sent. DocumentError when it is no HAR."""
    entries = Part(read_json(text, file), "", tally)["log"]["entries"]
    if not isinstance(entries.value, list):
        raise DocumentError(
            Where(file, 1, 1), "no HAR recording: `log.entries` is no list", "save all as HAR with content"
        )
    return _in_order(entries.items())


def _in_order(entries: tuple[Part, ...]) -> list[Part]:
    """By the time they were started, where all of them say it."""
    instants = [_instant(entry["startedDateTime"].value) for entry in entries]
    known = [instant for instant in instants if instant is not None]
    if len(known) < len(entries):
        return list(entries)
    return [entry for _, entry in sorted(zip(known, entries, strict=True), key=lambda pair: pair[0])]


def _instant(text: Any) -> datetime | None:
    """Seconds may have any fraction, places any offset; without one it is taken for UTC. None for what is no time."""
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@dataclass
class Recording:
    """What is made of a recording's entries, and what of them is left out, counted by the reason."""

    tally: Tally
    choice: Choice
    services: Services
    marks: Marks = field(default_factory=Marks)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    jar: set[str] = field(default_factory=set)
    bodies: int = 0

    def drafts(self, entries: list[Part]) -> list[Draft]:
        """The steps, captures in place; everything left out is noted by number."""
        correlation = Correlation(self.marks)
        made: list[Draft] = []
        for entry in entries:
            if not self.wanted(entry):
                continue
            if len(made) >= MAX_STEPS:
                self.left_out[f"requests beyond the first {MAX_STEPS}"] += 1
                continue
            made.append(self._draft(entry, correlation))
            correlation.hear(self._seen(entry, len(made) - 1))
        self._tell()
        return [replace(draft, captures=correlation.captures.get(index, {})) for index, draft in enumerate(made)]

    def wanted(self, entry: Part) -> bool:
        """Whether it is a request worth sending again; if not, why is counted."""
        url = entry["request"]["url"].text()
        kind = entry["_resourceType"].text()
        why = self._why_not(entry, url, kind)
        if why:
            self.left_out[why] += 1
        return not why

    def _why_not(self, entry: Part, url: str, kind: str) -> str:
        host = _host(url)
        if kind == "websocket" or url.startswith(("ws:", "wss:")):
            return "WebSocket conversations"
        if host is None:
            return "requests that are not over HTTP"
        if method_of(request := entry["request"]) is None:
            return f"requests with the method {quoted(request['method'].text())}"
        if self.choice.hosts and host not in self.choice.hosts:
            return "requests to other hosts"
        if kind == "preflight" or entry["request"]["method"].text().upper() in ("OPTIONS", "CONNECT"):
            return "preflight requests"
        if not self.choice.static and _is_static(entry, url, kind):
            return "images, fonts, styles and scripts (--static keeps them)"
        self.hosts[host] += 1
        if not 100 <= (entry["response"]["status"].number() or 0) <= 599:
            return "requests that got no answer"
        return ""

    def _draft(self, entry: Part, correlation: Correlation) -> Draft:
        request = entry["request"]
        hiding = Hiding(self.tally, self.marks)
        method = method_of(request) or "GET"
        body, content_type = self._body(request["postData"])
        body = {kind: correlation.value("", content) for kind, content in body.items()}
        headers = {name: correlation.value(name, value) for name, value in self.headers(request, body, content_type)}
        held = next((name for name in headers if name.lower() == "authorization"), None)
        auth = hiding.authorization(headers[held]) if held and isinstance(headers[held], str) else None
        if auth and held:
            headers.pop(held)
        asked = request["url"].text()
        url, params = drafts.split_query(hiding.url(correlation.url(asked)))
        return Draft(
            name=f"{method} {_shown(self.marks.named(path_of(url)), asked)}",
            method=method,
            url=self.marks.url(on_service(url, self.services)),
            params=self.marks.value(hiding.fields(params)),
            headers=self.marks.value(hiding.headers(headers)),
            cookies=self.marks.value(hiding.cookies(self._cookies(request))),
            auth=self.marks.value(auth),
            body=self.marks.value(hiding.body(body)),
            statuses=_statuses(entry),
        )

    def headers(self, request: Part, body: dict[str, Any], content_type: str) -> Iterator[tuple[str, Any]]:
        """Its headers but those that browsers add; Content-Type only where the body does not imply it."""
        writing = method_of(request) in WRITING
        pairs = []
        for header in request["headers"].items():
            name, value = header["name"].text(), header["value"].text()
            low = name.lower()
            if not name or any(sign in value for sign in "\r\n\0") or _is_noise(low, value, writing):
                self.dropped[low] += 1
            elif low != "content-type":
                pairs.append((name, value))
        if body and content_type and content_type != drafts.implied_type(body) and "multipart" not in body:
            pairs.append(("Content-Type", content_type))
        yield from drafts.fields(pairs).items()

    def _body(self, posted: Part) -> tuple[dict[str, Any], str]:
        content_type, text = posted["mimeType"].text(), self.posted_text(posted)
        if content_type.lower().startswith("multipart/") and posted["params"]:
            return {"multipart": drafts.fields(self._part(part) for part in posted["params"].items())}, ""
        if text is None:
            return {"file": self._bytes(posted)}, content_type
        if not text and posted["params"]:
            pairs = [(part["name"].text(), part["value"].text()) for part in posted["params"].items()]
            return ({"form": drafts.fields(pairs)} if pairs else {}), content_type
        if len(text) > drafts.MAX_BODY_CHARACTERS:
            self.tally.note(posted.at, f"a body of {len(text)} characters is too long for a document")
            return {}, ""
        return (drafts.body_of(text, content_type), content_type) if text else ({}, "")

    def posted_text(self, posted: Part) -> str | None:
        """What was posted as text; None for bytes that are none."""
        text, comment = posted["text"].text(), posted["comment"].text()
        if comment:
            self.tally.note(posted.at, f"the recording says of the body: {quoted(comment)}")
        if "base64" not in (posted["encoding"].text(), posted["_encoding"].text()):
            return text
        try:
            return base64.b64decode(text).decode()
        except UnicodeDecodeError:
            return None
        except (binascii.Error, ValueError):
            self.tally.note(posted.at, "a body that is said to be base64, and is none")
            return ""

    def _bytes(self, posted: Part) -> str:
        """The file that bytes must be put into."""
        self.bodies += 1
        name = self.tally.file(f"request-body-{self.bodies}.bin")
        self.tally.note(posted.at, f"the body is bytes that a document cannot hold; write them into {quoted(name)}")
        return name

    def _part(self, part: Part) -> tuple[str, Any]:
        name, held, kind = part["name"].text(), part["fileName"].text(), part["contentType"].text()
        if not held:
            return name, part["value"].text()
        self.tally.note(part.at, f"the content of the file {quoted(held)} is not recorded")
        return name, {"file": self.tally.file(held), **({"type": kind} if kind else {})}

    def _cookies(self, request: Part) -> dict[str, Any]:
        """Cookies that no answer of the recording has set: they were there before, so nothing else brings them."""
        lines = [h["value"].text() for h in request["headers"].items() if h["name"].text().lower() == "cookie"]
        pairs = [tuple(pair.strip().partition("=")[::2]) for line in lines for pair in line.split(";")]
        pairs = pairs or [(cookie["name"].text(), cookie["value"].text()) for cookie in request["cookies"].items()]
        strangers = {name: value for name, value in pairs if name and name not in self.jar}
        for name in strangers:
            if _VISITORS.match(name):
                self.dropped[f"cookie {name}"] += 1
            else:
                self.tally.note("", f"the cookie {quoted(name)} was set before the recording; it is sent as it was")
        return {name: value for name, value in strangers.items() if not _VISITORS.match(name)}

    def _seen(self, entry: Part, index: int) -> Seen:
        response, url = entry["response"], entry["request"]["url"].text()
        headers = tuple((h["name"].text(), h["value"].text()) for h in response["headers"].items())
        self.jar.update(v.partition("=")[0].strip() for n, v in headers if n.lower() == "set-cookie")
        plain = [part for part in path_of(url).split("/") if part and not any(sign.isdigit() for sign in part)]
        content = response["content"]
        return Seen(index, plain[-1] if plain else "", headers, content["mimeType"].text().lower(), _text_of(content))

    def _tell(self) -> None:
        for what, number in self.left_out.items():
            self.tally.note("", f"left out, {what}: {number}")
        if self.dropped:
            names = ", ".join(sorted(self.dropped)[:30])
            self.tally.note("", f"what a browser adds by itself was left out of the requests: {names}")
        if len(self.hosts) > 1:
            told = ", ".join(f"{host} ({number})" for host, number in self.hosts.most_common(10))
            self.tally.note("", f"several hosts were asked, choose with --host: {told}")


def _shown(path: str, asked: str) -> str:
    """The path for a step's name; that of the recording where all of it came from an answer."""
    return path_of(asked) if path == "/" or "|" in path else path


def _host(url: str) -> str | None:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.netloc.rpartition("@")[2] if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def _is_static(entry: Part, url: str, kind: str) -> bool:
    if kind in ("xhr", "fetch", "document"):
        return False
    content_type = entry["response"]["content"]["mimeType"].text().lower()
    named = _STATIC_NAMES.search(url.partition("?")[0].partition("#")[0])
    return kind in _STATIC_KINDS or bool(_STATIC_TYPES.match(content_type)) or bool(named)


def _is_noise(name: str, value: str, writing: bool) -> bool:
    if name == "origin":
        return not writing
    if name == "accept":
        return value == "*/*" or "text/html" in value
    return name in _NOISE or name.startswith((":", "sec-", "x-client-data"))


def method_of(request: Part) -> str | None:
    """Its method, which is GET where none is said; None for one that no step can have, as `M-SEARCH`."""
    method = request["method"].text().upper() or "GET"
    return method if re.fullmatch("[A-Z]{1,20}", method) else None


def _statuses(entry: Part) -> tuple[int, ...]:
    """What was answered. A 304 was owed to the browser's cache, which we have not."""
    status = entry["response"]["status"].number() or 200
    return (200,) if status == 304 else (status,)


def _text_of(content: Part) -> str:
    """The body of an answer as text; empty when it is none."""
    text = content["text"].text()
    if content["encoding"].text() != "base64":
        return text
    try:
        return base64.b64decode(text, validate=False).decode()
    except (binascii.Error, ValueError):
        return ""
