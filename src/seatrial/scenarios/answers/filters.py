"""What may be made of a value that a query found: `compile_filter` at reading, `apply` for every answer. Pure.

Room scenarios, shared by `query` and `checks`. `_FILTERS` is the registry: a new filter is a word in `FilterKind`, a
function in `filter_values` and a line here, which says how its arguments are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial import dates, template
from seatrial.errors import DocumentError, Where
from seatrial.match import show
from seatrial.regexes import Regex, compile_regex
from seatrial.scenarios.answers import filter_values as values
from seatrial.scenarios.answers import markup
from seatrial.scenarios.answers.json_path import JsonPath, compile_path
from seatrial.scenarios.answers.reading import text_charset
from seatrial.scenarios.answers.wanted import Filter, FilterKind
from seatrial.template import Fixed, Scope

MAX_VALUE = 32 << 20
"""Characters or bytes one filter may give: three times the largest answer."""

Now = Callable[[], float]


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


def compile_filter(kind: FilterKind, arguments: Sequence[Any], where: Where) -> Filter:
    """A filter ready to apply; DocumentError at `where` for a wrong number or kind of arguments.

    An argument is a plain value, whose texts may be templates, or one that is compiled already.
    """
    spec = _FILTERS[kind]
    if len(arguments) != len(spec.arguments):
        raise DocumentError(where, f"'{kind}' takes {_many(len(spec.arguments))}, not {len(arguments)}", usage(kind))
    compiled = tuple(
        one if isinstance(one, template.Value) else template.compile_value(one, lambda *_: where) for one in arguments
    )
    if not all(isinstance(value, Fixed) for value in compiled):
        _require(kind, where)
        return Filter(kind, where, compiled, None)
    return Filter(kind, where, compiled, _read(kind, tuple(value.render({}) for value in compiled), where))


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
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise CannotApply(applied, str(error), nothing=isinstance(error, values.NothingFound)) from None
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


_FILTERS: Mapping[FilterKind, _Spec] = {
    FilterKind.BASE64_DECODE: _Spec(values.base64_decode),
    FilterKind.BASE64_ENCODE: _Spec(values.base64_encode),
    FilterKind.BASE64_URL_SAFE_DECODE: _Spec(values.base64_url_safe_decode),
    FilterKind.BASE64_URL_SAFE_ENCODE: _Spec(values.base64_url_safe_encode),
    FilterKind.COUNT: _Spec(values.count),
    FilterKind.DAYS_AFTER_NOW: _Spec(values.days_after_now, clocked=True),
    FilterKind.DAYS_BEFORE_NOW: _Spec(values.days_before_now, clocked=True),
    FilterKind.DECODE: _Spec(values.decode, (_charset,)),
    FilterKind.FIRST: _Spec(values.first),
    FilterKind.LAST: _Spec(values.last),
    FilterKind.NTH: _Spec(values.nth, (_index,)),
    FilterKind.DATE_FORMAT: _Spec(values.date_format, (_date_format,)),
    FilterKind.TO_DATE: _Spec(values.to_date, (_date_format,)),
    FilterKind.HTML_ESCAPE: _Spec(values.html_escape),
    FilterKind.HTML_UNESCAPE: _Spec(values.html_unescape),
    FilterKind.JSONPATH: _Spec(values.jsonpath, (_path,)),
    FilterKind.XPATH: _Spec(values.xpath, (_xpath,)),
    FilterKind.REGEX: _Spec(values.regex, (_regex,)),
    FilterKind.LOCATION: _Spec(values.location),
    FilterKind.REPLACE: _Spec(values.replace, (_some_text, _text_argument)),
    FilterKind.REPLACE_REGEX: _Spec(values.replace_regex, (_regex, _text_argument)),
    FilterKind.SPLIT: _Spec(values.split, (_some_text,)),
    FilterKind.TO_FLOAT: _Spec(values.to_float),
    FilterKind.TO_INT: _Spec(values.to_int),
    FilterKind.TO_STRING: _Spec(values.to_string),
    FilterKind.TO_HEX: _Spec(values.to_hex),
    FilterKind.URL_DECODE: _Spec(values.url_decode),
    FilterKind.URL_ENCODE: _Spec(values.url_encode),
    FilterKind.URL_QUERY_PARAM: _Spec(values.url_query_param, (_some_text,)),
    FilterKind.UTF8_DECODE: _Spec(values.utf8_decode),
    FilterKind.UTF8_ENCODE: _Spec(values.utf8_encode),
    FilterKind.LOWER: _Spec(values.lower),
    FilterKind.UPPER: _Spec(values.upper),
    FilterKind.TRIM: _Spec(values.trim),
    FilterKind.SORT: _Spec(values.sort),
    FilterKind.UNIQUE: _Spec(values.unique),
    FilterKind.LONE: _Spec(values.lone),
    FilterKind.MILLISECONDS: _Spec(values.milliseconds),
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
