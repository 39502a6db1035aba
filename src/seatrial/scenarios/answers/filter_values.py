"""What each filter makes of a value: plain values in and out. Pure.

Room scenarios, private to `filters`, which compiles the arguments. Every function raises ValueError with the reason,
the value quoted, where it makes no sense of the value, and none changes it in place.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import urllib.parse
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from seatrial import dates, json_text
from seatrial.match import MAX_SHOWN, show
from seatrial.regexes import MAX_REPLACED, Regex
from seatrial.scenarios.answers import markup
from seatrial.scenarios.answers.json_path import JsonPath

MAX_PARTS = 100_000
"""Parts a text may be split into."""

_WHOLE = re.compile(r"\s*[+-]?\d{1,400}\s*")
_DECIMAL = re.compile(r"\s*[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?\s*")


class NothingFound(ValueError):
    """The value is what the filter takes, but what it looks for is not there."""


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


def base64_decode(value: Any) -> bytes:
    """Line breaks are let by, and the padding may be left out."""
    packed = "".join(_text(value).split())
    try:
        return base64.b64decode(packed.encode("ascii") + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, UnicodeError):
        raise ValueError(f"{_quoted(value)} is not base64") from None


def base64_url_safe_decode(value: Any) -> bytes:
    """As `base64_decode`, in the alphabet of URLs."""
    if "+" in _text(value) or "/" in value:
        raise ValueError(f"{_quoted(value)} is not base64 for URLs")
    return base64_decode(value.replace("-", "+").replace("_", "/"))


def base64_encode(value: Any) -> str:
    """Bytes, or a text in UTF-8, in base64."""
    return base64.b64encode(_as_bytes(value)).decode()


def base64_url_safe_encode(value: Any) -> str:
    """As `base64_encode`, in the alphabet of URLs and without padding."""
    return base64.urlsafe_b64encode(_as_bytes(value)).rstrip(b"=").decode()


def _as_bytes(value: Any) -> bytes:
    return value.encode(errors="replace") if isinstance(value, str) else _bytes(value)


def count(value: Any) -> int:
    """How many elements, members or bytes it has."""
    if not isinstance(value, (list, bytes, Mapping)):
        raise ValueError(f"{_quoted(value)} has nothing to count")
    return len(value)


def days_after_now(value: Any, now: float) -> int:
    """Whole days, rounded towards now."""
    return int((_date(value).timestamp() - now) / timedelta(days=1).total_seconds())


def days_before_now(value: Any, now: float) -> int:
    """Whole days from the date to now."""
    return -days_after_now(value, now)


def decode(value: Any, charset: str) -> str:
    """Bytes in that charset."""
    try:
        return _bytes(value).decode(charset)
    except UnicodeDecodeError as error:
        raise ValueError(f"{show(value)} is not {charset} (byte {error.start})") from None


def nth(value: Any, index: int) -> Any:
    """The element at that index, counted from the end when negative."""
    items = _items(value)
    if not -len(items) <= index < len(items):
        raise ValueError(f"a list of {len(items)} has no element {index}" if items else "the list is empty")
    return items[index]


def date_format(value: Any, pattern: str) -> str:
    """The date, in UTC, in that format."""
    return dates.format_date(_date(value), pattern)


def to_date(value: Any, pattern: str) -> datetime:
    """The instant in the text; UTC unless it says otherwise."""
    return dates.parse_date(_text(value), pattern)


def jsonpath(value: Any, path: JsonPath) -> Any:
    """On a text, its JSON; on anything else, itself."""
    try:
        document = json_text.parse(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{_quoted(value)} is not JSON ({error})") from None
    found = path.values(document)
    if not path.singular:
        return found
    if not found:
        raise NothingFound(f"nothing at {path.text} in {show(document)}")
    return found[0]


def xpath(value: Any, path: markup.XPath) -> Any:
    """What the path finds in a text that is markup."""
    return markup.parse(_text(value), html=False).find(path)


def regex(value: Any, pattern: Regex) -> str:
    """The first group of the first match, or the whole match."""
    found = pattern.found(_text(value))
    if found is None:
        raise NothingFound(f"nothing in {_quoted(value)} matches '{pattern.text}'")
    return found


def location(value: Any) -> str:
    """Where a redirect, an element of the query `redirects`, led to, as an absolute URL."""
    if not isinstance(value, Mapping) or "location" not in value:
        raise ValueError(f"{_quoted(value)} is no redirect")
    return urllib.parse.urljoin(str(value.get("url", "")), str(value["location"]))


def replace(value: Any, old: str, new: str) -> str:
    """With every occurrence of the old text replaced."""
    text = _text(value)
    if len(text) + text.count(old) * len(new) > MAX_REPLACED:
        raise ValueError(f"it would give more than {MAX_REPLACED} characters")
    return text.replace(old, new)


def replace_regex(value: Any, pattern: Regex, new: str) -> str:
    r"""With every match replaced; `\1` is a group."""
    return pattern.replace(_text(value), new)


def split(value: Any, separator: str) -> list[str]:
    """The parts between the separators."""
    if _text(value).count(separator) >= MAX_PARTS:
        raise ValueError(f"it would give more than {MAX_PARTS} parts")
    return str(value).split(separator)


def to_float(value: Any) -> float:
    """A number, or the text of one, as a float; never infinite."""
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


def to_int(value: Any) -> int:
    """Of a float, its whole part."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise ValueError(f"{_quoted(value)} is no whole number")


def to_string(value: Any) -> str:
    """The value as text: a date in ISO 8601, anything but a text in JSON."""
    if isinstance(value, bytes):
        raise ValueError(f"{show(value)} is no text yet; decode it, or make it one by to_hex")
    if isinstance(value, datetime):
        return dates.iso_text(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def url_query_param(value: Any, name: str) -> str:
    """The first parameter of that name in a URL."""
    query = urllib.parse.urlsplit(_text(value)).query
    parameters = urllib.parse.parse_qsl(query, keep_blank_values=True)
    found = next((content for key, content in parameters if key == name), None)
    if found is None:
        raise NothingFound(f"no parameter '{name}' in {_quoted(value)}")
    return found


def sort(value: Any) -> list[Any]:
    """In order: numbers alone, or texts alone."""
    items = _items(value)
    numbers = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items)
    if not numbers and not all(isinstance(item, str) for item in items):
        raise ValueError(f"{show(value)} is neither numbers alone nor texts alone")
    return sorted(items)


def unique(value: Any) -> list[Any]:
    """The first of each, in order; equal as JSON values are, so 1 and 1.0 are one and true is neither."""
    kept: dict[str, Any] = {}
    for item in _items(value):
        kept.setdefault(json.dumps(_canonical(item), sort_keys=True, default=repr), item)
    return list(kept.values())


def first(value: Any) -> Any:
    """Its first element."""
    return nth(value, 0)


def last(value: Any) -> Any:
    """Its last element."""
    return nth(value, -1)


def html_escape(value: Any) -> str:
    """With `<`, `>`, `&` and both quotes as entities."""
    return html.escape(_text(value))


def html_unescape(value: Any) -> str:
    """With every entity as its character."""
    return html.unescape(_text(value))


def to_hex(value: Any) -> str:
    """Bytes in lower-case hex."""
    return _bytes(value).hex()


def url_decode(value: Any) -> str:
    """Percent-decoded; `+` stays itself."""
    return urllib.parse.unquote(_text(value))


def url_encode(value: Any) -> str:
    """Percent-encoded but for unreserved characters and `/`."""
    return urllib.parse.quote(_text(value), safe="/")


def utf8_decode(value: Any) -> str:
    """Bytes as UTF-8; wrong ones become U+FFFD."""
    return _bytes(value).decode(errors="replace")


def utf8_encode(value: Any) -> bytes:
    """A text in UTF-8."""
    return _text(value).encode(errors="replace")


def lower(value: Any) -> str:
    """In lower case."""
    return _text(value).lower()


def upper(value: Any) -> str:
    """In upper case."""
    return _text(value).upper()


def trim(value: Any) -> str:
    """Without white space at both ends."""
    return _text(value).strip()


def lone(value: Any) -> Any:
    """A list of one as its element, a longer one as it is."""
    if _items(value):
        return value[0] if len(value) == 1 else value
    raise NothingFound("the list is empty")


def milliseconds(value: Any) -> int:
    """Of a time in seconds, its whole milliseconds."""
    return int(to_float(value) * 1000)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
