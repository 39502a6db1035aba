"""Understands the second half of an entry: what a `.hurl` file expects and captures, in the words our checks have.

Room scenarios, private to `hurl`. Everything is compiled here, so that a play meets nothing wrong; DocumentError
names the place. Where Hurl's words mean something else than ours of the same name, this is where it is said.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from seatrial import match
from seatrial.errors import DocumentError, Where
from seatrial.regexes import compile_regex
from seatrial.scenarios.answers.filters import compile_filter
from seatrial.scenarios.answers.json_path import compile_path
from seatrial.scenarios.answers.query import compile_query
from seatrial.scenarios.answers.wanted import (
    Capture,
    Check,
    Expectations,
    Filter,
    FilterKind,
    Query,
    QueryKind,
    WantedStatus,
)
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.bodies_sent import body_text
from seatrial.scenarios.hurl.files import HurlFiles
from seatrial.scenarios.hurl.values import mapped, scope_name, value_of, value_of_hole
from seatrial.template import Fixed, Value

KINDS = {
    "status": QueryKind.STATUS,
    "version": QueryKind.VERSION,
    "url": QueryKind.URL,
    "body": QueryKind.BODY,
    "duration": QueryKind.DURATION,
    "bytes": QueryKind.BYTES,
    "rawbytes": QueryKind.RAW_BYTES,
    "sha256": QueryKind.SHA256,
    "md5": QueryKind.MD5,
    "ip": QueryKind.IP,
    "redirects": QueryKind.REDIRECTS,
    "header": QueryKind.HEADERS,
    "xpath": QueryKind.XPATH,
    "jsonpath": QueryKind.JSONPATH,
    "variable": QueryKind.VARIABLE,
    "cookie": QueryKind.COOKIE,
    "regex": QueryKind.REGEX,
    "certificate": QueryKind.CERTIFICATE,
}
FIELDS = {
    "Subject": "subject",
    "Issuer": "issuer",
    "Start-Date": "start_date",
    "Expire-Date": "expire_date",
    "Serial-Number": "serial",
}
FILTERS = {
    "base64Decode": FilterKind.BASE64_DECODE,
    "base64Encode": FilterKind.BASE64_ENCODE,
    "base64UrlSafeDecode": FilterKind.BASE64_URL_SAFE_DECODE,
    "base64UrlSafeEncode": FilterKind.BASE64_URL_SAFE_ENCODE,
    "charsetDecode": FilterKind.DECODE,
    "count": FilterKind.COUNT,
    "dateFormat": FilterKind.DATE_FORMAT,
    "daysAfterNow": FilterKind.DAYS_AFTER_NOW,
    "daysBeforeNow": FilterKind.DAYS_BEFORE_NOW,
    "decode": FilterKind.DECODE,
    "first": FilterKind.FIRST,
    "format": FilterKind.DATE_FORMAT,
    "htmlEscape": FilterKind.HTML_ESCAPE,
    "htmlUnescape": FilterKind.HTML_UNESCAPE,
    "jsonpath": FilterKind.JSONPATH,
    "last": FilterKind.LAST,
    "location": FilterKind.LOCATION,
    "nth": FilterKind.NTH,
    "regex": FilterKind.REGEX,
    "replace": FilterKind.REPLACE,
    "replaceRegex": FilterKind.REPLACE_REGEX,
    "split": FilterKind.SPLIT,
    "toDate": FilterKind.TO_DATE,
    "toFloat": FilterKind.TO_FLOAT,
    "toHex": FilterKind.TO_HEX,
    "toInt": FilterKind.TO_INT,
    "toString": FilterKind.TO_STRING,
    "urlDecode": FilterKind.URL_DECODE,
    "urlEncode": FilterKind.URL_ENCODE,
    "urlQueryParam": FilterKind.URL_QUERY_PARAM,
    "utf8Decode": FilterKind.UTF8_DECODE,
    "utf8Encode": FilterKind.UTF8_ENCODE,
    "xpath": FilterKind.XPATH,
}
PREDICATES = {
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
    "contains": "contains",
    "includes": "contains",
    "matches": "matches",
    "exists": "exists",
    "isEmpty": "empty",
}
TYPES = {
    "isBoolean": "boolean",
    "isCollection": "collection",
    "isDate": "date",
    "isFloat": "float",
    "isInteger": "integer",
    "isIpv4": "ipv4",
    "isIpv6": "ipv6",
    "isIsoDate": "iso_date",
    "isList": "list",
    "isNumber": "number",
    "isObject": "object",
    "isString": "string",
    "isUuid": "uuid",
}
_OF_TEXTS = frozenset({"isIpv4", "isIpv6", "isIsoDate", "isUuid"})
_HASHES = frozenset({"sha256", "md5"})
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_GROUP = re.compile(r"\$(?:\$|(\d+)|([A-Za-z_]\w*)|\{(\w+)\})|\\")
_SAMPLES = ("0", "x", "'x'")


def expectations_of(response: syntax.Response | None, files: HurlFiles) -> Expectations:
    """What an entry expects; without a second half nothing, and any status will do."""
    if response is None:
        return Expectations()
    statuses = () if response.status is None else (response.status,)
    return Expectations(WantedStatus(statuses, response.status_where), checks=tuple(_checks(response, files)))


def captures_of(response: syntax.Response | None, name_of: Callable[[syntax.Text], str]) -> tuple[Capture, ...]:
    """What an entry captures, under the names `name_of` makes of those in the file."""
    if response is None:
        return ()
    return tuple(
        Capture(scope_name(name_of(one.name)), _query(one.query, one.filters), one.query.where, one.redacted)
        for one in response.captures
    )


def _checks(response: syntax.Response, files: HurlFiles) -> Iterator[Check]:
    if response.version:
        yield Check(Query(QueryKind.VERSION), _asked("eq"), Fixed(response.version), response.version_where)
    for pair in response.headers:
        yield _header(pair)
    if response.body is not None:
        yield _body(response.body, files)
    for one in response.asserts:
        operand = _operand(one.predicate, files)
        yield Check(_query(one.query, one.filters), _predicate(one.predicate), operand, one.predicate.where)


def _header(pair: syntax.Pair) -> Check:
    """A header that has that value; of one that is repeated, one of them has."""
    name = value_of(pair.name)
    query = compile_query(QueryKind.HEADERS, pair.name.source, argument=name, filters=_lone(pair.name.where))
    where = pair.value.where if pair.value.where.width else pair.where
    return Check(query, dataclasses.replace(_asked("eq"), ask=_equal_or_among), value_of(pair.value), where)


def _equal_or_among(actual: Any, operand: Any) -> bool:
    return operand in actual if isinstance(actual, list) else bool(actual == operand)


def _body(body: syntax.Body, files: HurlFiles) -> Check:
    """The body as it is written, compared as a text, or byte by byte."""
    if isinstance(body, (syntax.Bytes, syntax.File)):
        content: Value = Fixed(body.value) if isinstance(body, syntax.Bytes) else files.bytes_of(body)
        return Check(Query(QueryKind.BYTES), _asked("eq"), content, body.where)
    return Check(Query(QueryKind.BODY), _asked("eq"), body_text(body), body.where)


def _asked(name: str) -> match.Predicate:
    """A predicate of ours; where there is nothing to ask it of it does not hold, and its negation does."""
    return dataclasses.replace(match.predicate(name), of_nothing=False)


def _predicate(predicate: syntax.Predicate) -> match.Predicate:
    if predicate.name in PREDICATES:
        asked = _asked(PREDICATES[predicate.name])
    else:
        asked = _asked("type")
        if predicate.name in _OF_TEXTS:
            asked = dataclasses.replace(asked, ask=_is_text_of_type)
        if predicate.name == "isList":
            asked = dataclasses.replace(asked, ask=_is_list)
    if predicate.name == "includes":
        asked = dataclasses.replace(asked, ask=_includes)
    return match.negated(asked) if predicate.negated else asked


def _includes(actual: Any, operand: Any) -> bool | None:
    return any(match.equal(item, operand) for item in actual) if isinstance(actual, list) else None


def _is_list(actual: Any, _: Any) -> bool:
    """Bytes are a list to Hurl."""
    return isinstance(actual, (list, bytes))


def _is_text_of_type(actual: Any, operand: Any) -> bool | None:
    """Of anything but a text it cannot be asked; a date is one of RFC 3339, with time and zone."""
    if not isinstance(actual, str):
        return None
    if operand == "iso_date":
        return bool(_RFC_3339.fullmatch(actual)) and _is_moment(actual)
    return match.TYPES[operand](actual)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _operand(predicate: syntax.Predicate, files: HurlFiles) -> Value:
    operand = predicate.operand
    if operand is None:
        return Fixed(TYPES[predicate.name]) if predicate.name in TYPES else Fixed(True)
    if isinstance(operand, syntax.Literal):
        return Fixed(operand.value)
    if isinstance(operand, syntax.Hole):
        return value_of_hole(operand)
    if isinstance(operand, syntax.Bytes):
        return Fixed(operand.value)
    if isinstance(operand, syntax.File):
        return files.bytes_of(operand)
    if isinstance(operand, syntax.Block):
        return body_text(operand)
    return _text_or_pattern(predicate, operand)


def _text_or_pattern(predicate: syntax.Predicate, operand: syntax.Text | syntax.Regex) -> Value:
    if isinstance(operand, syntax.Text):
        value = value_of(operand)
        if predicate.name == "matches" and isinstance(value, Fixed):
            _refuse_pattern(str(value.value), operand.where)
        return value
    _refuse_pattern(operand.pattern, operand.where)
    if predicate.name != "matches":
        raise DocumentError(operand.where, f"'{predicate.name}' takes no pattern", "write: matches /.../")
    return Fixed(operand.pattern)


def _refuse_pattern(pattern: str, where: Where) -> None:
    try:
        compile_regex(pattern)
    except ValueError as error:
        raise DocumentError(where, str(error)) from None


def _query(query: syntax.Query, chain: tuple[syntax.Filter, ...]) -> Query:
    filters = tuple(one for written in without_hex(query, chain) for one in _filter(written))
    kind = KINDS[query.name]
    try:
        if query.argument is None:
            return compile_query(kind, filters=(*_in_milliseconds(query), *filters))
        text, value = _argument(query)
        return compile_query(kind, text, argument=value, filters=(*_implied(query, text), *filters))
    except ValueError as error:
        raise DocumentError(query.where, str(error)) from None


def _argument(query: syntax.Query) -> tuple[str, Value]:
    """The text of a query in our words, and the value it is rendered from."""
    argument = query.argument
    if isinstance(argument, syntax.Regex) or argument is None:
        pattern = argument.pattern if argument else ""
        return pattern, Fixed(pattern)
    if query.name == "certificate":
        return _certificate_field(argument)
    value = value_of(argument)
    if query.name == "variable":
        value = mapped(value, scope_name)
    if query.attribute:
        value = mapped(value, lambda name: f"{name}[{query.attribute}]")
    return (str(value.value), value) if isinstance(value, Fixed) else (argument.source, value)


def _certificate_field(argument: syntax.Text) -> tuple[str, Value]:
    name = argument.plain or ""
    if name not in FIELDS:
        hint = f"known: {', '.join(FIELDS)}"
        raise DocumentError(argument.where, f"the field '{name}' of a certificate is not read here", hint)
    return FIELDS[name], Fixed(FIELDS[name])


def _implied(query: syntax.Query, text: str) -> tuple[Filter, ...]:
    """Of a header that is not repeated, and of a path that finds one value alone, Hurl gives that value, no list."""
    if query.name == "header" or (query.name == "jsonpath" and finds_many(text)):
        return _lone(query.where)
    return ()


def _in_milliseconds(query: syntax.Query) -> tuple[Filter, ...]:
    if query.name == "duration":
        return (compile_filter(FilterKind.MILLISECONDS, (), query.where),)
    return ()


def _lone(where: Where) -> tuple[Filter, ...]:
    return (compile_filter(FilterKind.LONE, (), where),)


def finds_many(path: str) -> bool:
    """Whether a JSON path may find several values; holes in it are taken for something that fits there."""
    for sample in _SAMPLES:
        try:
            return not compile_path(re.sub(r"\{\{[\w-]+\}\}", sample, path)).singular
        except ValueError:
            continue
    return False


def without_hex(query: syntax.Query, chain: tuple[syntax.Filter, ...]) -> tuple[syntax.Filter, ...]:
    """A digest is hex here already, where Hurl has bytes."""
    if query.name not in _HASHES or not chain:
        return chain
    if chain[0].name != "toHex":
        hint = f"write '{query.name} toHex'"
        problem = f"'{query.name}' is a hex text here, and {chain[0].name} takes bytes"
        raise DocumentError(chain[0].where, problem, hint)
    return chain[1:]


def _filter(written: syntax.Filter) -> Iterator[Filter]:
    arguments = [_filter_argument(one) for one in written.arguments]
    if written.name == "replaceRegex":
        arguments[1] = mapped(arguments[1], replacement)
    yield compile_filter(FILTERS[written.name], arguments, written.where)
    path = written.arguments[0] if written.name == "jsonpath" else None
    if isinstance(path, syntax.Text) and finds_many(path.source):
        yield from _lone(written.where)


def _filter_argument(argument: syntax.Argument) -> Value:
    if isinstance(argument, syntax.Text):
        return value_of(argument)
    if isinstance(argument, syntax.Hole):
        return value_of_hole(argument)
    return Fixed(argument.pattern if isinstance(argument, syntax.Regex) else argument.value)


def replacement(text: str) -> str:
    r"""Hurl's engine writes a group `$1` or `${name}` and a dollar `$$`, ours `\g<1>`; a backslash is one there."""
    return _GROUP.sub(_group, text)


def _group(found: re.Match[str]) -> str:
    if found[0] == "\\":
        return "\\\\"
    name = found[1] or found[2] or found[3]
    return f"\\g<{name}>" if name else "$"
