"""The options of a `.hurl` file's play, by the names Hurl's command line gives them: texts in, `HurlOptions` out.

Room scenarios. `option_names` says which there are. UsageError for a value that cannot be one, DocumentError for a
line of a file. Reads the files that options name, and nothing else.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.exchange import HttpVersion
from seatrial.scenarios.hurl.asserts import whole_number
from seatrial.scenarios.hurl.option_lines import MAX_DURATION_S, UNITS_S
from seatrial.scenarios.hurl.option_names import HURL_OPTIONS
from seatrial.scenarios.hurl.texts import RESERVED
from seatrial.scenarios.model import StoredCookie

ENDLESS = -1
"""Hurl's word for a number of times without end."""

MAX_TIME_S = 300.0
MAX_REDIRECTS = 50
RETRY_INTERVAL_S = 1.0
MAX_FILE_BYTES = 1 << 20

_DURATION = re.compile(r"([0-9]{1,12})([A-Za-z]*)")
_FLOAT = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class HurlOptions:
    """What a play of a `.hurl` file is told besides the file.

    Counts of ENDLESS go on as long as we allow. `secrets` are for the play's context, not for its scenario. Entries
    count from 1, both ends are played. `file_root` None is the file's own folder.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    location: bool = False
    location_trusted: bool = False
    max_redirs: int = MAX_REDIRECTS
    insecure: bool = False
    compressed: bool = False
    retry: int | None = None
    retry_interval_s: float = RETRY_INTERVAL_S
    delay_s: float = 0.0
    repeat: int | None = None
    user: str | None = field(default=None, repr=False)
    user_agent: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cookies: tuple[StoredCookie, ...] = field(default=(), repr=False)
    cookie_store: bool = True
    max_time_s: float = MAX_TIME_S
    connect_timeout_s: float | None = None
    file_root: Path | None = None
    from_entry: int = 1
    to_entry: int | None = None
    ignore_asserts: bool = False
    continue_on_error: bool = False
    path_as_is: bool = False
    http_version: HttpVersion | None = None


Given = Mapping[str, str | bool | Sequence[str]]


def parse_options(given: Given) -> HurlOptions:
    """The options of a command line, by names without dashes: true for a flag, a text, or several texts.

    What is absent, None, false or empty was not given. Variables of files come first, in order, then single ones.
    """
    fields: dict[str, Any] = {"variables": {}, "secrets": {}}
    known = {spec.name: spec for spec in HURL_OPTIONS}
    for name in given:
        if name not in known:
            raise UsageError(f"unknown option '--{name}'; {did_you_mean(name, known)}")
    for spec in sorted(HURL_OPTIONS, key=lambda spec: spec.name != "variables-file"):
        for text in _texts(given.get(spec.name)):
            _READS[spec.name](text, fields)
    return HurlOptions(**fields)


def typed(text: str) -> Any:
    """The value of a variable by its look: true, false, null, a number, else a text, perhaps in double quotes.

    ValueError for a quote that does not end, or too many digits.
    """
    words = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if _INTEGER.fullmatch(text):
        return whole_number(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise ValueError(f"'{text}' does not end with a double quote")
        return text[1:-1]
    return text


def variables_of(text: str, file: str) -> dict[str, Any]:
    """The variables of a file: a line NAME=VALUE each; empty lines and those that begin with # are passed over."""
    found: dict[str, Any] = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if line and not line.startswith("#"):
            try:
                name, value = _pair(line)
                found[name] = typed(value)
            except ValueError as error:
                raise DocumentError(Where(file, number, 1), str(error)) from None
    return found


def cookies_of(text: str, file: str) -> tuple[StoredCookie, ...]:
    """The cookies of a file in Netscape's format: seven fields a line, with tabs between."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if _holds_cookie(line)]
    return tuple(_cookie(line, Where(file, number, 1)) for number, line in lines)


def _texts(value: Any) -> Sequence[str]:
    if value is None or value is False or value == "":
        return ()
    if value is True:
        return ("",)
    return (value,) if isinstance(value, str) else tuple(value)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ValueError(f"'{text}' gives no variable a value; write NAME=VALUE")
    if name in RESERVED:
        raise ValueError(f"'{name}' is a function of Hurl; choose another name")
    return name, value


def _variable(text: str, fields: dict[str, Any]) -> None:
    with _told_of("variable"):
        name, value = _pair(text)
        fields["variables"][name] = typed(value)


def _variables_file(path: str, fields: dict[str, Any]) -> None:
    fields["variables"].update(variables_of(_content(path, "--variables-file"), path))


def _secret(text: str, fields: dict[str, Any]) -> None:
    with _told_of("secret"):
        name, value = _pair(text)
        fields["secrets"][name] = value


def _header(text: str, fields: dict[str, Any]) -> None:
    name, sign, value = text.partition(":")
    if not sign or not name.strip():
        raise UsageError(f"--header: '{text}' is no header; write NAME: VALUE")
    fields["headers"] = (*fields.get("headers", ()), (name.strip(), value.strip()))


def _cookie_file(path: str, fields: dict[str, Any]) -> None:
    fields["cookies"] = cookies_of(_content(path, "--cookie"), path)


def _file_root(path: str, fields: dict[str, Any]) -> None:
    if not Path(path).is_dir():
        raise UsageError(f"--file-root: '{path}' is no folder")
    fields["file_root"] = Path(path)


def _refuse_http_1_0(_: str, __: dict[str, Any]) -> None:
    raise UsageError("--http1.0: HTTP/1.0 cannot be sent over httpx; use --http1.1 or --http2")


def _flag(name: str, value: Any = True) -> Callable[[str, dict[str, Any]], None]:
    def read(_: str, fields: dict[str, Any]) -> None:
        fields[name] = value

    return read


def _kept(name: str, convert: Callable[[str], Any], option: str) -> Callable[[str, dict[str, Any]], None]:
    def read(text: str, fields: dict[str, Any]) -> None:
        with _told_of(option):
            fields[name] = convert(text)

    return read


@contextlib.contextmanager
def _told_of(option: str) -> Iterator[None]:
    """What is wrong with a value is a usage error that names the option."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"--{option}: {error}") from None


def _count(text: str) -> int:
    if not re.fullmatch(r"-1|[0-9]{1,9}", text):
        raise ValueError(f"'{text}' is no number of times; write a whole number, or -1 for any")
    return int(text)


def _times(text: str) -> int:
    count = _count(text)
    if count < 0:
        raise ValueError("a play that never ends cannot pass; give a number of times")
    return count


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"'{text}' is no number of an entry; they count from 1")
    return int(text)


def _duration(unit: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = _DURATION.fullmatch(text)
        if not found or found[2] not in UNITS_S:
            raise ValueError(f"'{text}' is no duration; write it as 500ms or 2s")
        seconds = int(found[1]) * UNITS_S[found[2] or unit]
        if seconds > MAX_DURATION_S:
            raise ValueError(f"'{text}' is longer than a day")
        return seconds

    return read


def _content(path: str, option: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{option}: '{path}' cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(f"{option}: '{path}' is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}: '{path}' is not UTF-8 text (byte {error.start})") from None


def _holds_cookie(line: str) -> bool:
    return bool(line.strip()) and (not line.startswith("#") or line.startswith("#HttpOnly_"))


def _cookie(line: str, where: Where) -> StoredCookie:
    parts = line.removeprefix("#HttpOnly_").split("\t")
    if len(parts) != 7 or not re.fullmatch(r"[0-9]{1,12}", parts[4]):
        raise DocumentError(where, "this is no cookie", "Netscape's format has seven fields with tabs between")
    domain, _, path, secure, expires, name, value = parts
    host = domain.lstrip(".")
    attributes = [f"{name}={value}", f"Path={path}", f"Domain={host}"]  # without Domain it would keep to one port
    attributes += ["Secure"] if secure.upper() == "TRUE" else []
    attributes += [f"Expires={_http_date(int(expires))}"] if int(expires) else []
    scheme = "https" if secure.upper() == "TRUE" else "http"
    return StoredCookie(f"{scheme}://{host}{path}", "; ".join(attributes))


def _http_date(seconds: int) -> str:
    from email.utils import formatdate  # it takes long to import, and few plays begin with cookies

    return formatdate(min(seconds, 253402300799), usegmt=True)


_READS: Mapping[str, Callable[[str, dict[str, Any]], None]] = {
    "variable": _variable,
    "variables-file": _variables_file,
    "secret": _secret,
    "location": _flag("location"),
    "location-trusted": _flag("location_trusted"),
    "max-redirs": _kept("max_redirs", _count, "max-redirs"),
    "insecure": _flag("insecure"),
    "compressed": _flag("compressed"),
    "retry": _kept("retry", _count, "retry"),
    "retry-interval": _kept("retry_interval_s", _duration("ms"), "retry-interval"),
    "delay": _kept("delay_s", _duration("ms"), "delay"),
    "repeat": _kept("repeat", _times, "repeat"),
    "user": _kept("user", str, "user"),
    "user-agent": _kept("user_agent", str, "user-agent"),
    "header": _header,
    "cookie": _cookie_file,
    "no-cookie-store": _flag("cookie_store", value=False),
    "max-time": _kept("max_time_s", _duration("s"), "max-time"),
    "connect-timeout": _kept("connect_timeout_s", _duration("s"), "connect-timeout"),
    "file-root": _file_root,
    "from-entry": _kept("from_entry", _number, "from-entry"),
    "to-entry": _kept("to_entry", _number, "to-entry"),
    "ignore-asserts": _flag("ignore_asserts"),
    "no-assert": _flag("ignore_asserts"),
    "continue-on-error": _flag("continue_on_error"),
    "path-as-is": _flag("path_as_is"),
    "http1.0": _refuse_http_1_0,
    "http1.1": _flag("http_version", HttpVersion.V1_1),
    "http2": _flag("http_version", HttpVersion.V2),
}
