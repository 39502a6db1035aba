"""What may be made of a value that a query found: `compile_filter` at reading, `apply` for every answer. Pure.

Room scenarios, shared by `query` and `checks`. `_FILTERS` is the registry: a new filter is a word in `FilterKind`, a
function and a line there. A function takes the value and its arguments as read, and raises ValueError with the reason
where it cannot be applied; it never changes the value in place.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from seatrial import dates, template
from seatrial.errors import DocumentError, Where
from seatrial.match import MAX_SHOWN, show
from seatrial.regexes import MAX_REPLACED, Regex, compile_regex
from seatrial.scenarios import markup
from seatrial.scenarios.json_path import JsonPath, compile_path
from seatrial.scenarios.reading import text_charset
from seatrial.scenarios.wanted import Filter, FilterKind
from seatrial.template import Fixed, Scope

MAX_VALUE = 32 << 20
"""Characters or bytes one filter may give: three times the largest answer."""

MAX_PARTS = 100_000
"""Parts a text may be split into."""

Now = Callable[[], float]

_WHOLE = re.compile(r"\s*[+-]?\d{1,400}\s*")
_DECIMAL = re.compile(r"\s*[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?\s*")


@dataclass(frozen=True, slots=True)
class _Spec:
    """What a filter does, and how each of its arguments is read (ValueError when it can be none)."""

    run: Callable[..., Any]
    arguments: tuple[Callable[[Any], Any], ...] = ()
    clocked: bool = False


class CannotApply(ValueError):
    """A filter that makes no sense of its value, or (`nothing`) finds nothing in it: names the filter, says why."""

    def __init__(self, applied: Filter, why: str, *, nothing: bool = False) -> None:
        super().__init__(f"filter '{applied}': {why}")
        self.nothing = nothing


class _Nothing(ValueError):
    """The value is what the filter takes, but what it looks for is not there."""


def compile_filter(kind: FilterKind, arguments: Sequence[Any], where: Where) -> Filter:
    """A filter ready to apply; DocumentError at `where` for a wrong number or kind of arguments.

    An argument is a plain value, whose texts may be templates, or one that is compiled already.
    """
    spec = _FILTERS[kind]
    if len(arguments) != len(spec.arguments):
        raise DocumentError(where, f"'{kind}' takes {_many(len(spec.arguments))}, not {len(arguments)}", usage(kind))
    values = tuple(
        one if isinstance(one, template.Value) else template.compile_value(one, lambda *_: where) for one in arguments
    )
    if not all(isinstance(value, Fixed) for value in values):
        _require(kind, where)
        return Filter(kind, where, values, None)
    return Filter(kind, where, values, _read(kind, tuple(value.render({}) for value in values), where))


def apply(applied: Filter, value: Any, scope: Scope, *, now: Now) -> Any:
    """The value the filter makes of `value`; CannotApply says why it makes none.

    DocumentError when an argument cannot be rendered in that scope.
    """
    spec = _FILTERS[applied.kind]
    arguments = applied.ready
    if arguments is None:
        rendered = tuple(argument.render(scope) for argument in applied.arguments)
        arguments = _read(applied.kind, rendered, applied.where)
    try:
        made = spec.run(value, *arguments, now()) if spec.clocked else spec.run(value, *arguments)
    except (ValueError, RecursionError) as error:
        raise CannotApply(applied, str(error), nothing=isinstance(error, _Nothing)) from None
    if isinstance(made, (str, bytes)) and len(made) > MAX_VALUE:
        raise CannotApply(applied, f"it would give more than {MAX_VALUE} characters")
    return made


def usage(kind: FilterKind) -> str:
    """How the filter is written."""
    return f"write {_EXAMPLES.get(kind, str(kind))}"


def _many(number: int) -> str:
    return {0: "no argument", 1: "one argument"}.get(number, f"{number} arguments")


def _read(kind: FilterKind, arguments: tuple[Any, ...], where: Where) -> tuple[Any, ...]:
    readers = _FILTERS[kind].arguments
    try:
        return tuple(reader(argument) for reader, argument in zip(readers, arguments, strict=True))
    except ValueError as error:
        raise DocumentError(where, str(error), usage(kind)) from None


def _require(kind: FilterKind, where: Where) -> None:
    """What a templated argument will need must be installed before the play begins."""
    if kind is FilterKind.XPATH:
        _read(kind, (".",), where)


def _text_argument(argument: Any) -> str:
    """A whole number is a text too: a template may well give one."""
    if isinstance(argument, int) and not isinstance(argument, bool):
        return str(argument)
    if not isinstance(argument, str):
        raise ValueError(f"{show(argument)} is no text")
    return argument


def _some_text(argument: Any) -> str:
    text = _text_argument(argument)
    if not text:
        raise ValueError("an empty text")
    return text


def _index(argument: Any) -> int:
    if not isinstance(argument, int) or isinstance(argument, bool):
        raise ValueError(f"{show(argument)} is no index")
    return argument


def _charset(argument: Any) -> str:
    return text_charset(_text_argument(argument))


def _date_format(argument: Any) -> str:
    return dates.checked_format(_text_argument(argument))


def _regex(argument: Any) -> Regex:
    return compile_regex(_text_argument(argument))


def _path(argument: Any) -> JsonPath:
    return compile_path(_text_argument(argument))


def _xpath(argument: Any) -> markup.XPath:
    return markup.compile_xpath(_text_argument(argument))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_quoted(value)} is no text")
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"{_quoted(value)} is no bytes")
    return value


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{_quoted(value)} is no list")
    return value


def _date(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError(f"{_quoted(value)} is no date; make it one by to_date")
    return value


def _quoted(value: Any) -> str:
    """The value as a message shows it: a text in quotes, anything else with its type."""
    if not isinstance(value, str):
        return show(value)
    return f"'{value}'" if len(value) <= MAX_SHOWN else f"'{value[:MAX_SHOWN]}...'"


def _base64_decode(value: Any) -> bytes:
    """Line breaks are let by, and the padding may be left out."""
    packed = "".join(_text(value).split())
    try:
        return base64.b64decode(packed.encode("ascii") + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, UnicodeError):
        raise ValueError(f"{_quoted(value)} is not base64") from None


def _base64_url_safe_decode(value: Any) -> bytes:
    if "+" in _text(value) or "/" in value:
        raise ValueError(f"{_quoted(value)} is not base64 for URLs")
    return _base64_decode(value.replace("-", "+").replace("_", "/"))


def _base64_encode(value: Any) -> str:
    return base64.b64encode(_as_bytes(value)).decode()


def _base64_url_safe_encode(value: Any) -> str:
    return base64.urlsafe_b64encode(_as_bytes(value)).rstrip(b"=").decode()


def _as_bytes(value: Any) -> bytes:
    return value.encode(errors="replace") if isinstance(value, str) else _bytes(value)


def _count(value: Any) -> int:
    if not isinstance(value, (list, bytes, Mapping)):
        raise ValueError(f"{_quoted(value)} has nothing to count")
    return len(value)


def _days_after(value: Any, now: float) -> int:
    """Whole days, rounded towards now."""
    return int((_date(value).timestamp() - now) / timedelta(days=1).total_seconds())


def _days_before(value: Any, now: float) -> int:
    return -_days_after(value, now)


def _decode(value: Any, charset: str) -> str:
    try:
        return _bytes(value).decode(charset)
    except UnicodeDecodeError as error:
        raise ValueError(f"{show(value)} is not {charset} (byte {error.start})") from None


def _nth(value: Any, index: int) -> Any:
    items = _items(value)
    if not -len(items) <= index < len(items):
        raise ValueError(f"a list of {len(items)} has no element {index}" if items else "the list is empty")
    return items[index]


def _format_date(value: Any, pattern: str) -> str:
    return dates.format_date(_date(value), pattern)


def _to_date(value: Any, pattern: str) -> datetime:
    return dates.parse_date(_text(value), pattern)


def _json_path(value: Any, path: JsonPath) -> Any:
    """On a text, its JSON; on anything else, itself."""
    try:
        document = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{_quoted(value)} is not JSON ({error})") from None
    found = path.values(document)
    if not path.singular:
        return found
    if not found:
        raise _Nothing(f"nothing at {path.text} in {show(document)}")
    return found[0]


def _xpath_of(value: Any, path: markup.XPath) -> Any:
    return markup.parse(_text(value), html=False).find(path)


def _regex_of(value: Any, pattern: Regex) -> str:
    found = pattern.found(_text(value))
    if found is None:
        raise _Nothing(f"nothing in {_quoted(value)} matches '{pattern.text}'")
    return found


def _location(value: Any) -> str:
    """Where a redirect, an element of the query `redirects`, led to, as an absolute URL."""
    if not isinstance(value, Mapping) or "location" not in value:
        raise ValueError(f"{_quoted(value)} is no redirect")
    return urllib.parse.urljoin(str(value.get("url", "")), str(value["location"]))


def _replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    if len(text) + text.count(old) * len(new) > MAX_REPLACED:
        raise ValueError(f"it would give more than {MAX_REPLACED} characters")
    return text.replace(old, new)


def _replace_regex(value: Any, pattern: Regex, new: str) -> str:
    return pattern.replace(_text(value), new)


def _split(value: Any, separator: str) -> list[str]:
    if _text(value).count(separator) >= MAX_PARTS:
        raise ValueError(f"it would give more than {MAX_PARTS} parts")
    return str(value).split(separator)


def _to_float(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return _finite(float(value))
    raise ValueError(f"{_quoted(value)} is no number")


def _finite(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise ValueError("it is too large a number")
    return number


def _to_int(value: Any) -> int:
    """Of a float, its whole part."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise ValueError(f"{_quoted(value)} is no whole number")


def _to_string(value: Any) -> str:
    if isinstance(value, bytes):
        raise ValueError(f"{show(value)} is no text yet; decode it, or make it one by to_hex")
    if isinstance(value, datetime):
        return dates.iso_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _url_param(value: Any, name: str) -> str:
    query = urllib.parse.urlsplit(_text(value)).query
    parameters = urllib.parse.parse_qsl(query, keep_blank_values=True)
    found = next((content for key, content in parameters if key == name), None)
    if found is None:
        raise _Nothing(f"no parameter '{name}' in {_quoted(value)}")
    return found


def _sort(value: Any) -> list[Any]:
    items = _items(value)
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items)
    if not numbers and not all(isinstance(item, str) for item in items):
        raise ValueError(f"{show(value)} is neither numbers alone nor texts alone")
    return sorted(items)


def _unique(value: Any) -> list[Any]:
    """The first of each, in order; equal as JSON values are, so 1 and 1.0 are one and true is neither."""
    kept: dict[str, Any] = {}
    for item in _items(value):
        kept.setdefault(json.dumps(_canonical(item), sort_keys=True, default=repr), item)
    return list(kept.values())


def _lone(value: Any) -> Any:
    """A list of one as its element, a longer one as it is."""
    if _items(value):
        return value[0] if len(value) == 1 else value
    raise _Nothing("the list is empty")


def _milliseconds(value: Any) -> int:
    """Of a time in seconds, its whole milliseconds."""
    return int(_to_float(value) * 1000)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


_FILTERS: Mapping[FilterKind, _Spec] = {
    FilterKind.BASE64_DECODE: _Spec(_base64_decode),
    FilterKind.BASE64_ENCODE: _Spec(_base64_encode),
    FilterKind.BASE64_URL_SAFE_DECODE: _Spec(_base64_url_safe_decode),
    FilterKind.BASE64_URL_SAFE_ENCODE: _Spec(_base64_url_safe_encode),
    FilterKind.COUNT: _Spec(_count),
    FilterKind.DAYS_AFTER_NOW: _Spec(_days_after, clocked=True),
    FilterKind.DAYS_BEFORE_NOW: _Spec(_days_before, clocked=True),
    FilterKind.DECODE: _Spec(_decode, (_charset,)),
    FilterKind.FIRST: _Spec(lambda value: _nth(value, 0)),
    FilterKind.LAST: _Spec(lambda value: _nth(value, -1)),
    FilterKind.NTH: _Spec(_nth, (_index,)),
    FilterKind.DATE_FORMAT: _Spec(_format_date, (_date_format,)),
    FilterKind.TO_DATE: _Spec(_to_date, (_date_format,)),
    FilterKind.HTML_ESCAPE: _Spec(lambda value: html.escape(_text(value))),
    FilterKind.HTML_UNESCAPE: _Spec(lambda value: html.unescape(_text(value))),
    FilterKind.JSONPATH: _Spec(_json_path, (_path,)),
    FilterKind.XPATH: _Spec(_xpath_of, (_xpath,)),
    FilterKind.REGEX: _Spec(_regex_of, (_regex,)),
    FilterKind.LOCATION: _Spec(_location),
    FilterKind.REPLACE: _Spec(_replace, (_some_text, _text_argument)),
    FilterKind.REPLACE_REGEX: _Spec(_replace_regex, (_regex, _text_argument)),
    FilterKind.SPLIT: _Spec(_split, (_some_text,)),
    FilterKind.TO_FLOAT: _Spec(_to_float),
    FilterKind.TO_INT: _Spec(_to_int),
    FilterKind.TO_STRING: _Spec(_to_string),
    FilterKind.TO_HEX: _Spec(lambda value: _bytes(value).hex()),
    FilterKind.URL_DECODE: _Spec(lambda value: urllib.parse.unquote(_text(value))),
    FilterKind.URL_ENCODE: _Spec(lambda value: urllib.parse.quote(_text(value), safe="/")),
    FilterKind.URL_QUERY_PARAM: _Spec(_url_param, (_some_text,)),
    FilterKind.UTF8_DECODE: _Spec(lambda value: _bytes(value).decode(errors="replace")),
    FilterKind.UTF8_ENCODE: _Spec(lambda value: _text(value).encode(errors="replace")),
    FilterKind.LOWER: _Spec(lambda value: _text(value).lower()),
    FilterKind.UPPER: _Spec(lambda value: _text(value).upper()),
    FilterKind.TRIM: _Spec(lambda value: _text(value).strip()),
    FilterKind.SORT: _Spec(_sort),
    FilterKind.UNIQUE: _Spec(_unique),
    FilterKind.LONE: _Spec(_lone),
    FilterKind.MILLISECONDS: _Spec(_milliseconds),
}
_EXAMPLES: Mapping[FilterKind, str] = {
    FilterKind.DECODE: "{decode: iso-8859-1}",
    FilterKind.NTH: "{nth: -1}",
    FilterKind.DATE_FORMAT: '{date_format: "%Y-%m-%d"}',
    FilterKind.TO_DATE: '{to_date: "%Y-%m-%d"}',
    FilterKind.JSONPATH: "{jsonpath: $.id}",
    FilterKind.XPATH: "{xpath: string(//title)}",
    FilterKind.REGEX: r"{regex: 'id=(\d+)'}",
    FilterKind.REPLACE: "{replace: [old, new]}",
    FilterKind.REPLACE_REGEX: r"{replace_regex: ['\s+', ' ']}",
    FilterKind.SPLIT: '{split: ","}',
    FilterKind.URL_QUERY_PARAM: "{url_query_param: page}",
}
