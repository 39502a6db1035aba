"""HAR 1.2 (the HTTP Archive format): every request that was sent, with its answer, as browsers' tools show them.

Room reports. An entry an exchange, polls too. What the format has no name for begins with `_`, as it asks; a request
without a valid answer has the status 0, as browsers write it, and `_error`. Times that are not known are -1; what is
left of the whole is `send`, so that the phases add up to it.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.clock import iso
from seatrial.exchange import Answer, Headers, Request, Response
from seatrial.redact import MASKED_HEADERS, Secrets
from seatrial.reports.plays.form import Facts
from seatrial.sample import Timings
from seatrial.scenarios.played import Exchange, Played

MAX_BODY = 1 << 18
"""Characters of a body that are kept."""

_OVERLAP = 1 << 12  # read and masked beyond it, so that no cut goes through a secret
_UNKNOWN = -1
_SURROGATES = re.compile("[\ud800-\udfff]")
_NO_TYPE = "x-unknown"

Fields = dict[str, Any]


class Har:
    """`--har`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._entries = 0

    def add(self, played: Played) -> Iterator[str]:
        """An entry for each exchange of the play."""
        for exchange in played.exchanges:
            comma = ",\n" if self._entries else ""
            self._entries += 1
            entry = _entry(exchange, played.result.scenario.name, _Masks(self._secrets))
            yield comma + json.dumps(entry, ensure_ascii=False)

    def head(self, facts: Facts) -> str:
        """Down to where the entries begin."""
        creator = json.dumps({"name": "seatrial", "version": facts.version})
        return f'{{"log": {{"version": "1.2", "creator": {creator}, "pages": [], "entries": [\n'

    def tail(self, facts: Facts) -> str:
        """The end of the entries and of the log."""
        del facts
        return "\n]}}\n"


class _Masks:
    """What of an exchange may be shown."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def text(self, text: str) -> str:
        return _SURROGATES.sub("\ufffd", self._secrets.redact(text))

    def header(self, name: str, value: str) -> str:
        return _SURROGATES.sub("\ufffd", self._secrets.redact_header(name, value))

    def body(self, body: bytes) -> Fields:
        """`text`, with `encoding` where the body is none; a `comment` says what was left out."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return self._binary(body)
        shown = self.text(text[: MAX_BODY + _OVERLAP])
        if len(shown) <= MAX_BODY:
            return {"text": shown}
        return {"text": shown[:MAX_BODY], "comment": f"the first {MAX_BODY} of {len(text)} characters"}

    def _binary(self, body: bytes) -> Fields:
        if len(body) > MAX_BODY:
            return {"text": "", "comment": f"{len(body)} bytes that are no text were left out"}
        encoded = base64.b64encode(body).decode()
        if self.text(encoded) != encoded or self.text(body.decode("latin-1")) != body.decode("latin-1"):
            return {"text": "", "comment": f"{len(body)} bytes that hold a secret were left out"}
        return {"text": encoded, "encoding": "base64"}


def _entry(exchange: Exchange, scenario: str, masks: _Masks) -> Fields:
    sent, answer = exchange.sent, exchange.answer
    response = answer if isinstance(answer, Response) else None
    entry: Fields = {
        "startedDateTime": iso(exchange.sent_at),
        "time": _ms(answer.latency_s),
        "request": _request(sent.request, response, masks),
        "response": _response(response, masks, exchange.left_out) if response else _no_response(answer, masks),
        "cache": {},
        "timings": _timings(answer.timings, answer.latency_s),
        "_scenario": masks.text(scenario),
        "_step": masks.text(sent.step.name),
        "_attempt": sent.attempt,
        "_trace_id": sent.trace_id,
    }
    if response and response.ip:
        entry["serverIPAddress"] = response.ip
    if response and response.redirects:
        entry["_redirects"] = [
            {"url": masks.text(one.url), "status": one.status, "location": masks.text(one.location)}
            for one in response.redirects
        ]
    return entry


def _request(request: Request, response: Response | None, masks: _Masks) -> Fields:
    query = urllib.parse.urlsplit(request.url).query
    fields: Fields = {
        "method": request.method,
        "url": masks.text(request.url),
        "httpVersion": _version(response.http_version if response else str(request.connection.http_version)),
        "cookies": _cookies(request.headers, "cookie", masks),
        "headers": _headers(request.headers, masks),
        "queryString": _pairs(query, masks),
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body or b""),
    }
    if request.body:
        fields["postData"] = _posted(request.body, _type(request.headers), masks)
    return fields


def _posted(body: bytes, content_type: str, masks: _Masks) -> Fields:
    """The body, and its fields where it is a form; the format has no word for one that is no text."""
    kept = masks.body(body)
    if kept.pop("encoding", None):
        kept["_encoding"] = "base64"
    is_form = content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
    params = _pairs(body.decode(errors="replace"), masks) if is_form and len(body) <= MAX_BODY else []
    return {"mimeType": content_type, "params": params, **kept}


def _response(response: Response, masks: _Masks, left_out: int) -> Fields:
    location = response.header("location")
    return {
        "status": response.status,
        "statusText": http.client.responses.get(response.status, ""),
        "httpVersion": _version(response.http_version),
        "cookies": _cookies(response.headers, "set-cookie", masks),
        "headers": _headers(response.headers, masks),
        "content": _content(response, masks, left_out),
        "redirectURL": masks.text(location or ""),
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN if left_out else len(_raw(response)),
    }


def _content(response: Response, masks: _Masks, left_out: int) -> Fields:
    kept = {"mimeType": _type(response.headers)}
    if left_out:
        return {
            "size": left_out,
            **kept,
            "comment": "left out: the bodies of this play are too many to keep them all",
        }
    size = len(response.body)
    return {"size": size, "compression": size - len(_raw(response)), **kept, **masks.body(response.body)}


def _raw(response: Response) -> bytes:
    return response.body if response.raw is None else response.raw


def _no_response(answer: Answer, masks: _Masks) -> Fields:
    error = "" if isinstance(answer, Response) else f"{answer.cause}: {answer.detail}"
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": _NO_TYPE},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
        "_error": masks.text(error),
    }


def _timings(timings: Timings, latency_s: float) -> Fields:
    """`connect` includes `ssl`, as the format has it."""
    connected = [spent for spent in (timings.connect_s, timings.tls_s) if spent is not None]
    known = {
        "blocked": float(_UNKNOWN),
        "dns": _ms(timings.dns_s),
        "connect": _ms(sum(connected) if connected else None),
        "wait": _ms(timings.first_byte_s or 0.0),
        "receive": _ms(timings.download_s or 0.0),
    }
    rest = _ms(latency_s) - sum(spent for spent in known.values() if spent > 0.0)
    return {**known, "send": max(0.0, round(rest, 3)), "ssl": _ms(timings.tls_s)}


def _ms(seconds: float | None) -> float:
    return float(_UNKNOWN) if seconds is None else round(seconds * 1000, 3)


def _version(version: str) -> str:
    return f"HTTP/{version}"


def _type(headers: Headers) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), _NO_TYPE)


def _headers(headers: Headers, masks: _Masks) -> list[Fields]:
    return [{"name": masks.text(name), "value": masks.header(name, value)} for name, value in headers]


def _pairs(query: str, masks: _Masks) -> list[Fields]:
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return [{"name": masks.text(name), "value": masks.text(value)} for name, value in pairs]


def _cookies(headers: Headers, header: str, masks: _Masks) -> list[Fields]:
    """Each cookie's name, its value masked as the header itself is."""
    lines = [value for name, value in headers if name.lower() == header]
    pairs = [pair for line in lines for pair in _cookie_texts(line, header)]
    return [{"name": masks.text(name.strip()), "value": _masked(value, header, masks)} for name, _, value in pairs]


def _cookie_texts(line: str, header: str) -> Iterable[tuple[str, str, str]]:
    texts = line.split(";") if header == "cookie" else [line.partition(";")[0]]
    return (text.partition("=") for text in texts if "=" in text)


def _masked(value: str, header: str, masks: _Masks) -> str:
    return masks.header(header, value.strip()) if header in MASKED_HEADERS else masks.text(value)
