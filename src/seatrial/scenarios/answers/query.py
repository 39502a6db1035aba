"""Looks into one answer: queries with their filters in, what they find out. Pure.

Room scenarios. Checks and captures share it. `_QUERIES` is the registry: a new query is a word in `QueryKind`, a
function and a line there. Gives `Found`; must never judge what it found.
"""

from __future__ import annotations

import email.utils
import functools
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any

from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.exchange import Certificate
from seatrial.light import light
from seatrial.match import near_keys
from seatrial.regexes import TooSlow, compile_regex
from seatrial.scenarios.answers.filters import CannotApply, apply
from seatrial.scenarios.answers.json_path import compile_path
from seatrial.scenarios.answers.markup import NotMarkup, compile_xpath
from seatrial.scenarios.answers.reading import NotJson, Reading
from seatrial.scenarios.answers.wanted import Filter, FilterKind, Query, QueryKind
from seatrial.template import Fixed, Scope, Value, to_text

DAY_S = 86_400

Near = Callable[[], tuple[str, ...]]


@light(frozen=True, slots=True)
class Found:
    """What a query found. `why` says why there is nothing when `exists` is False.

    A path that may lead to many values gives a list, in the document's order, empty when there are none. `unfiltered`
    is what the filters were given, and `rendered` the text of a query that is a template. `misfit` tells that a
    filter could make nothing of what it was given, or was given nothing.
    """

    value: Any = None
    exists: bool = True
    why: str = ""
    nearest: Near = field(default=tuple, compare=False, repr=False)
    unfiltered: Any = None
    rendered: str = ""
    misfit: bool = False

    @property
    def near(self) -> tuple[str, ...]:
        """The nearest keys to one that was not there; sought only now, since few answers are told about."""
        return self.nearest()


def compile_query(
    kind: QueryKind, text: str = "", *, argument: Value | None = None, filters: tuple[Filter, ...] = ()
) -> Query:
    """A query ready to run, its filters applied from left to right; ValueError says what is wrong with its text.

    A text that holds a template comes as `argument` too, and is compiled for each of its renderings; the extra it
    needs must be installed all the same.
    """
    compiler = _COMPILERS.get(kind)
    if argument is None or isinstance(argument, Fixed):
        return Query(kind, text, compiler(text) if compiler else None, None, filters)
    if kind in _EXTRAS:
        _EXTRAS[kind]()
    return Query(kind, text, None, argument, filters)


def run(query: Query, reading: Reading, scope: Scope) -> Found:
    """Look, then apply the filters; a query that finds nothing says why.

    DocumentError when a template in it cannot be rendered in that scope, or renders to what is no such query.
    """
    ready = query if query.argument is None else _rendered(query, query.argument, scope)
    found = _QUERIES[query.kind](ready, reading, scope)
    if query.filters:
        found = _filtered(query.filters, found, reading, scope)
    return found if ready is query else replace(found, rendered=ready.text)


def takes_text(kind: QueryKind) -> bool:
    """Whether that query needs a text, such as a header's name."""
    return kind in _NAMED or kind in _COMPILERS


def in_seconds(query: Query) -> bool:
    """Whether what it finds is a time in seconds, which users write and read as a duration."""
    return query.kind in (QueryKind.DURATION, QueryKind.TIMING) and not query.filters


def _filtered(applied: tuple[Filter, ...], found: Found, reading: Reading, scope: Scope) -> Found:
    """An empty list of many is there to be counted; nothing else that was not found is."""
    if not found.exists and found.value != []:
        return replace(found, misfit=any(one.kind is not FilterKind.LONE for one in applied))
    value = found.value
    for one in applied:
        try:
            value = apply(one, value, scope, now=reading.now)
        except CannotApply as error:
            misfit = not error.nothing or one is not applied[-1]
            return replace(_nothing(str(error), found.nearest), unfiltered=found.value, misfit=misfit)
    return replace(found, value=value, exists=found.exists or value != [], unfiltered=found.value)


def _rendered(query: Query, argument: Value, scope: Scope) -> Query:
    text = to_text(argument.render(scope))
    try:
        return _compiled(query.kind, text)
    except ValueError as error:
        raise DocumentError(_place(argument), str(error)) from None


@functools.lru_cache(maxsize=1024)
def _compiled(kind: QueryKind, text: str) -> Query:
    return compile_query(kind, text)


def _place(argument: Value) -> Where:
    return getattr(argument, "where", Where("<query>", 1, 1))


def _nothing(why: str, nearest: Near = tuple) -> Found:
    return Found(None, exists=False, why=why, nearest=nearest)


def _near(holder: Mapping[str, Any], name: str) -> Near:
    return lambda: near_keys(holder, name)


def _status(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.response.status)


def _version(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.response.http_version)


def _duration(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.response.latency_s)


def _body(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.text)


def _bytes(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.response.body)


def _raw_bytes(_: Query, reading: Reading, __: Scope) -> Found:
    raw = reading.response.raw
    return Found(reading.response.body if raw is None else raw)


def _sha256(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(hashlib.sha256(reading.response.body).hexdigest())


def _md5(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(hashlib.md5(reading.response.body, usedforsecurity=False).hexdigest())


def _url(_: Query, reading: Reading, __: Scope) -> Found:
    url = reading.response.url
    return Found(url) if url else _nothing("the URL of this answer is not known")


def _redirects(_: Query, reading: Reading, __: Scope) -> Found:
    followed = reading.response.redirects
    return Found([{"url": one.url, "status": one.status, "location": one.location} for one in followed])


def _ip(_: Query, reading: Reading, __: Scope) -> Found:
    ip = reading.response.ip
    return Found(ip) if ip else _nothing("the peer's address is not known")


def _trace_id(_: Query, reading: Reading, __: Scope) -> Found:
    return Found(reading.trace_id) if reading.trace_id else _nothing("the request carried no trace id")


def _header(query: Query, reading: Reading, _: Scope) -> Found:
    value = reading.response.header(query.text)
    if value is not None:
        return Found(value)
    names = {name: None for name, _ in reading.response.headers}
    return _nothing(f"no header '{query.text}'", _near(names, query.text))


def _headers(query: Query, reading: Reading, scope: Scope) -> Found:
    """Every value of a header that may be repeated, in the answer's order."""
    wanted = query.text.lower()
    values = [value for name, value in reading.response.headers if name.lower() == wanted]
    return Found(values) if values else _header(query, reading, scope)


def _variable(query: Query, _: Reading, scope: Scope) -> Found:
    if query.text in scope:
        return Found(scope[query.text])
    return _nothing(f"no variable '{query.text}'", _near(scope, query.text))


def _cookie(query: Query, reading: Reading, _: Scope) -> Found:
    name, attribute = query.compiled
    if name not in reading.cookies:
        return _nothing(f"the answer sets no cookie '{name}'", _near(reading.cookies, name))
    value, attributes = reading.cookies[name]
    if attribute == "value":
        return Found(value)
    if attribute not in attributes:
        return _nothing(f"the cookie '{name}' has no {_ATTRIBUTES[attribute]}")
    return _attribute(attribute, attributes[attribute])


def _attribute(attribute: str, text: str) -> Found:
    """Expires is a date, Max-Age a whole number, a flag true, and the others are texts."""
    if attribute in ("secure", "httponly"):
        return Found(value=True)
    if attribute == "max-age":
        return Found(int(text)) if text.removeprefix("-").isdecimal() else _nothing(f"'{text}' is no Max-Age")
    return _http_date(text) if attribute == "expires" else Found(text)


def _http_date(text: str) -> Found:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return _nothing(f"'{text}' is no date")
    return Found(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def _regex(query: Query, reading: Reading, _: Scope) -> Found:
    try:
        found = query.compiled.found(reading.text)
    except TooSlow as error:
        return _nothing(str(error))
    return _nothing(f"nothing matches '{query.text}'") if found is None else Found(found)


def _json_path(query: Query, reading: Reading, _: Scope) -> Found:
    path = query.compiled
    try:
        document = reading.json
        values = path.values(document)
    except ValueError as error:
        return _nothing(str(error))
    if values:
        return Found(values[0] if path.singular else values)
    nothing: list[Any] | None = None if path.singular else []
    return Found(nothing, exists=False, why=f"nothing at {query.text}", nearest=lambda: path.near(document))


def _jmespath(query: Query, reading: Reading, _: Scope) -> Found:
    import jmespath

    try:
        value = query.compiled.search(reading.json)
    except (NotJson, RecursionError) as error:
        return _nothing(str(error))
    except jmespath.exceptions.JMESPathError as error:
        return _nothing(f"the expression cannot be evaluated: {error}")
    if value is None:
        return _nothing(f"null at {query.text}, which is JMESPath's word for nothing")
    return Found(value, exists=value != [], why="" if value != [] else f"nothing at {query.text}")


def _xpath(query: Query, reading: Reading, _: Scope) -> Found:
    try:
        value = reading.markup.find(query.compiled)
    except NotMarkup as error:
        return _nothing(f"the body is no document: {error}")
    except ValueError as error:
        return _nothing(str(error))
    return Found(value, exists=value != [], why="" if value != [] else f"nothing at {query.text}")


def _timing(query: Query, reading: Reading, _: Scope) -> Found:
    timings, phase = reading.response.timings, query.text
    spent_s = reading.response.latency_s if phase == "total" else getattr(timings, f"{phase}_s")
    if spent_s is not None:
        return Found(spent_s)
    if phase not in ("dns", "connect", "tls"):
        return _nothing("this phase was not measured")
    if timings.connect_s is None:
        return _nothing("the connection was reused" if timings.first_byte_s is not None else "it was not measured")
    return _nothing("the connection was not TLS" if phase == "tls" else "no name had to be resolved")


def _certificate(query: Query, reading: Reading, _: Scope) -> Found:
    certificate = reading.response.certificate
    if certificate is None:
        return _nothing("the connection was not TLS")
    return Found(_CERTIFICATE[query.text](certificate, reading.now()))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _cookie_name(text: str) -> tuple[str, str]:
    """`SID` or `SID[Expires]`, as name and attribute; the attribute `value` is the cookie's own."""
    name, bracket, rest = text.partition("[")
    attribute = rest.removesuffix("]").lower() if bracket else "value"
    if not name or (bracket and not rest.endswith("]")):
        raise ValueError(f"'{text}' is no cookie; write its name, or its name and an attribute as SID[Expires]")
    if attribute not in _ATTRIBUTES:
        hint = did_you_mean(rest.removesuffix("]"), _ATTRIBUTES.values())
        raise ValueError(f"a cookie has no attribute '{rest.removesuffix(']')}'; {hint}")
    return name, attribute


def _jmespath_of(text: str) -> Any:
    try:
        import jmespath
    except ImportError:
        raise ValueError("a JMESPath needs jmespath; install seatrial[jmespath]") from None
    try:
        return jmespath.compile(text)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        first = (str(error).splitlines() or ["nested too deep"])[0]
        raise ValueError(f"'{text}' is not a JMESPath: {first}") from None


def _one_of(words: Mapping[str, Any] | frozenset[str], what: str) -> Callable[[str], None]:
    def checked(text: str) -> None:
        if text not in words:
            raise ValueError(f"unknown {what} '{text}'; {did_you_mean(text, words)}")

    return checked


_ATTRIBUTES = {
    name.lower(): name for name in ("Value", "Expires", "Max-Age", "Domain", "Path", "Secure", "HttpOnly", "SameSite")
}
_CERTIFICATE: Mapping[str, Callable[[Certificate, float], Any]] = {
    "subject": lambda one, _: one.subject,
    "issuer": lambda one, _: one.issuer,
    "serial": lambda one, _: one.serial,
    "start_date": lambda one, _: _instant(one.not_before),
    "expire_date": lambda one, _: _instant(one.not_after),
    "days_left": lambda one, now: math.floor((one.not_after - now) / DAY_S),
}
_PHASES = frozenset({"dns", "connect", "tls", "first_byte", "download", "total"})
_NAMED = frozenset({QueryKind.HEADER, QueryKind.HEADERS, QueryKind.VARIABLE})
_COMPILERS: Mapping[QueryKind, Callable[[str], Any]] = {
    QueryKind.COOKIE: _cookie_name,
    QueryKind.JSONPATH: compile_path,
    QueryKind.JMESPATH: _jmespath_of,
    QueryKind.XPATH: compile_xpath,
    QueryKind.REGEX: compile_regex,
    QueryKind.TIMING: _one_of(_PHASES, "phase"),
    QueryKind.CERTIFICATE: _one_of(_CERTIFICATE, "field of a certificate"),
}
_EXTRAS: Mapping[QueryKind, Callable[[], Any]] = {
    QueryKind.JMESPATH: functools.partial(_jmespath_of, "a"),
    QueryKind.XPATH: functools.partial(compile_xpath, "."),
}
_QUERIES: Mapping[QueryKind, Callable[[Query, Reading, Scope], Found]] = {
    QueryKind.STATUS: _status,
    QueryKind.VERSION: _version,
    QueryKind.HEADER: _header,
    QueryKind.HEADERS: _headers,
    QueryKind.COOKIE: _cookie,
    QueryKind.BODY: _body,
    QueryKind.BYTES: _bytes,
    QueryKind.RAW_BYTES: _raw_bytes,
    QueryKind.JSONPATH: _json_path,
    QueryKind.JMESPATH: _jmespath,
    QueryKind.XPATH: _xpath,
    QueryKind.REGEX: _regex,
    QueryKind.URL: _url,
    QueryKind.REDIRECTS: _redirects,
    QueryKind.IP: _ip,
    QueryKind.SHA256: _sha256,
    QueryKind.MD5: _md5,
    QueryKind.DURATION: _duration,
    QueryKind.TIMING: _timing,
    QueryKind.CERTIFICATE: _certificate,
    QueryKind.VARIABLE: _variable,
    QueryKind.TRACE_ID: _trace_id,
}
