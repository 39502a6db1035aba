"""What holds for one entry: the command line's options, and over them those of its `[Options]`.

Room scenarios, private to `hurl`. `_FOLLOWED` is the registry of options; what httpx cannot do is in `_REFUSED`, by
name. An option that our plays must know before they begin takes a hole only where its variable is known by then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.errors import DocumentError, Where
from seatrial.exchange import HttpVersion
from seatrial.match import show
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.option_lines import MAX_DURATION_S
from seatrial.scenarios.hurl.options import ENDLESS, HurlOptions
from seatrial.scenarios.hurl.syntax import Definition, Hole, Literal, Option, Text
from seatrial.scenarios.hurl.values import look_up, scope_name, value_of, value_of_hole
from seatrial.template import Fixed, Value

Known = Mapping[str, Any]
"""The variables whose values are known before the play, by their names in its scope."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one entry is sent and played with. Texts of connections are kept as written, to be resolved to files."""

    location: bool
    location_trusted: bool
    max_redirs: int
    insecure: bool
    compressed: bool
    retry: int | None
    retry_interval_s: float
    delay_s: float
    max_time_s: float
    connect_timeout_s: float | None
    path_as_is: bool
    http_version: HttpVersion | None
    headers: tuple[tuple[str, Value], ...] = ()
    user: Value | None = None
    digest: bool = False
    aws: Text | None = None
    ca: Text | None = None
    certificate: Text | None = None
    key: Text | None = None
    pin: Text | None = None
    proxy: Text | None = None
    repeat: Value | None = None
    repeat_where: Where | None = None
    skip: Literal | Hole | None = None
    variables: tuple[tuple[str, Value], ...] = ()


def settings_of(options: HurlOptions) -> Settings:
    """Those of an entry without `[Options]`."""
    return Settings(
        location=options.location or options.location_trusted,
        location_trusted=options.location_trusted,
        max_redirs=options.max_redirs,
        insecure=options.insecure,
        compressed=options.compressed,
        retry=options.retry,
        retry_interval_s=options.retry_interval_s,
        delay_s=options.delay_s,
        max_time_s=options.max_time_s or MAX_DURATION_S,
        connect_timeout_s=options.connect_timeout_s,
        path_as_is=options.path_as_is,
        http_version=options.http_version,
        headers=tuple((name, Fixed(value)) for name, value in options.headers),
        user=None if options.user is None else Fixed(options.user),
    )


def with_option(settings: Settings, option: Option, known: Known) -> Settings:
    """The settings with one more option; DocumentError for one that cannot be followed."""
    if option.name in _REFUSED:
        if not _is_off(option.value):
            why = "is nothing a play does" if option.name in _NOT_OURS else "is not done here"
            raise DocumentError(option.where, f"'{option.name}' {why}", _REFUSED[option.name])
        return settings
    return _FOLLOWED[option.name](settings, option, known)


def known_value(hole: Hole, known: Known, what: str) -> Any:
    """The value of a variable that must be known before the play; DocumentError when it is not."""
    try:
        return look_up(hole, known)
    except DocumentError:
        problem = f"{what} must be known before the play, and '{hole.name}' is not"
        raise DocumentError(hole.where, problem, f"give it with --variable {hole.name}=VALUE") from None


def _is_off(value: syntax.OptionValue) -> bool:
    return isinstance(value, Literal) and value.value is False


def _typed(option: Option, known: Known, kind: type[Any], wanted: str) -> Any:
    """The value of an option, of a kind; a hole is filled by what is known."""
    value = option.value
    if isinstance(value, Literal):
        return value.value
    if not isinstance(value, Hole):
        raise DocumentError(option.where, f"'{option.name}' takes {wanted}")
    filled = known_value(value, known, f"the value of '{option.name}'")
    if not isinstance(filled, kind) or (kind is int and isinstance(filled, bool)):
        raise DocumentError(value.where, f"'{value.name}' is {show(filled)}, and '{option.name}' takes {wanted}")
    return filled


def _replaced(settings: Settings, name: str, value: Any) -> Settings:
    change: dict[str, Any] = {name: value}
    return dataclasses.replace(settings, **change)


def _switch(name: str) -> Callable[[Settings, Option, Known], Settings]:
    def follow(settings: Settings, option: Option, known: Known) -> Settings:
        return _replaced(settings, name, _typed(option, known, bool, "true or false"))

    return follow


def _count(name: str) -> Callable[[Settings, Option, Known], Settings]:
    def follow(settings: Settings, option: Option, known: Known) -> Settings:
        count = _typed(option, known, int, "a whole number")
        if count < ENDLESS:
            raise DocumentError(option.where, f"'{option.name}' takes no {count}", "-1 means without end")
        return _replaced(settings, name, count)

    return follow


def _duration(name: str) -> Callable[[Settings, Option, Known], Settings]:
    def follow(settings: Settings, option: Option, known: Known) -> Settings:
        seconds = _seconds(option, known)
        if name == "max_time_s":
            seconds = seconds or MAX_DURATION_S
        return _replaced(settings, name, seconds)

    return follow


def _seconds(option: Option, known: Known) -> float:
    if isinstance(option.value, Literal):
        return float(option.value.value)
    milliseconds: int = _typed(option, known, int, "whole milliseconds")
    if not 0 <= milliseconds <= MAX_DURATION_S * 1000:
        raise DocumentError(option.where, f"{milliseconds} ms is no wait")
    return milliseconds / 1000.0


def _kept(name: str) -> Callable[[Settings, Option, Known], Settings]:
    def follow(settings: Settings, option: Option, _: Known) -> Settings:
        return _replaced(settings, name, option.value)

    return follow


def _location(settings: Settings, option: Option, known: Known) -> Settings:
    location = _typed(option, known, bool, "true or false")
    return dataclasses.replace(settings, location=location, location_trusted=False)


def _location_trusted(settings: Settings, option: Option, known: Known) -> Settings:
    if not _typed(option, known, bool, "true or false"):
        return settings
    return dataclasses.replace(settings, location=True, location_trusted=True)


def _user(settings: Settings, option: Option, _: Known) -> Settings:
    return dataclasses.replace(settings, user=value_of(_text(option)))


def _header(settings: Settings, option: Option, known: Known) -> Settings:
    """`NAME: VALUE`, of which the value may have holes."""
    text = _text(option)
    name, value = _split_header(text)
    if not name:
        raise DocumentError(text.where, f"'{text.source}' is no header", "write header: NAME: VALUE")
    return dataclasses.replace(settings, headers=(*settings.headers, (name, value_of(value))))


def _no_header(settings: Settings, option: Option, known: Known) -> Settings:
    """A header that every request carries is left out, and so is one of that name from the command line."""
    name = static_text(_text(option), known, "the name of a header")
    others = tuple(header for header in settings.headers if header[0].lower() != name.lower())
    return dataclasses.replace(settings, headers=(*others, (name, Fixed(None))))


def static_text(text: Text, known: Known, what: str) -> str:
    """A text whose holes must be known before the play."""
    return "".join(piece if isinstance(piece, str) else str(known_value(piece, known, what)) for piece in text.pieces)


def _split_header(text: Text) -> tuple[str, Text]:
    first = text.pieces[0] if text.pieces else ""
    if not isinstance(first, str) or ":" not in first:
        return "", text
    name, _, rest = first.partition(":")
    rest = rest.lstrip()
    pieces = (rest, *text.pieces[1:]) if rest else text.pieces[1:]
    return name.strip(), Text(pieces, text.where)


def _http_1_1(settings: Settings, option: Option, known: Known) -> Settings:
    if not _typed(option, known, bool, "true or false"):
        hint = "`false` means that; leave the option out"
        raise DocumentError(option.where, "HTTP/1.0 cannot be sent over httpx", hint)
    return dataclasses.replace(settings, http_version=HttpVersion.V1_1)


def _http_2(settings: Settings, option: Option, known: Known) -> Settings:
    wanted = _typed(option, known, bool, "true or false")
    return dataclasses.replace(settings, http_version=HttpVersion.V2 if wanted else HttpVersion.V1_1)


def _repeat(settings: Settings, option: Option, _: Known) -> Settings:
    value = option.value
    if isinstance(value, Literal) and value.value == ENDLESS:
        raise DocumentError(option.where, "a request repeated without end cannot pass", "give a number of times")
    times = value_of_hole(value) if isinstance(value, Hole) else Fixed(getattr(value, "value", 1))
    return dataclasses.replace(settings, repeat=times, repeat_where=option.where)


def _skip(settings: Settings, option: Option, _: Known) -> Settings:
    value = option.value
    return dataclasses.replace(settings, skip=value if isinstance(value, (Literal, Hole)) else None)


def _variable(settings: Settings, option: Option, _: Known) -> Settings:
    if not isinstance(option.value, Definition):
        raise DocumentError(option.where, "'variable' takes NAME=VALUE")
    given = option.value.value
    value = Fixed(given.value) if isinstance(given, Literal) else value_of(given)
    return dataclasses.replace(settings, variables=(*settings.variables, (scope_name(option.value.name), value)))


def _shown(settings: Settings, _: Option, __: Known) -> Settings:
    """What is shown while it is played changes nothing of what is sent."""
    return settings


def _text(option: Option) -> Text:
    if not isinstance(option.value, Text):
        raise DocumentError(option.where, f"'{option.name}' takes a text")
    return option.value


_FOLLOWED: Mapping[str, Callable[[Settings, Option, Known], Settings]] = {
    "aws-sigv4": _kept("aws"),
    "cacert": _kept("ca"),
    "cert": _kept("certificate"),
    "compressed": _switch("compressed"),
    "connect-timeout": _duration("connect_timeout_s"),
    "delay": _duration("delay_s"),
    "digest": _switch("digest"),
    "fail-with-body": _shown,
    "header": _header,
    "http1.1": _http_1_1,
    "http2": _http_2,
    "insecure": _switch("insecure"),
    "key": _kept("key"),
    "location": _location,
    "location-trusted": _location_trusted,
    "max-redirs": _count("max_redirs"),
    "max-time": _duration("max_time_s"),
    "no-header": _no_header,
    "path-as-is": _switch("path_as_is"),
    "pinnedpubkey": _kept("pin"),
    "proxy": _kept("proxy"),
    "repeat": _repeat,
    "retry": _count("retry"),
    "retry-interval": _duration("retry_interval_s"),
    "skip": _skip,
    "user": _user,
    "variable": _variable,
    "verbose": _shown,
    "verbosity": _shown,
    "very-verbose": _shown,
}
_NOT_OURS = frozenset({"no-jsonpath-coercion", "output"})
_REFUSED: Mapping[str, str] = {
    "connect-to": "name the address in the URL, and the host in a Host header",
    "http1.0": "HTTP/1.1 and HTTP/2 can",
    "http3": "HTTP/1.1 and HTTP/2 can",
    "ipv4": "name the address in the URL",
    "ipv6": "name the address in the URL",
    "limit-rate": "a proxy of `seatrial chaos` can slow a connection down",
    "negotiate": "basic, digest and aws-sigv4 can",
    "netrc": "give user and password with 'user'",
    "netrc-file": "give user and password with 'user'",
    "netrc-optional": "give user and password with 'user'",
    "no-jsonpath-coercion": "a path that finds one value gives it alone",
    "ntlm": "basic, digest and aws-sigv4 can",
    "output": "a play writes no files of its own; `--har FILE` keeps all answers",
    "proxy-header": "give the proxy's user in its URL",
    "resolve": "name the address in the URL, and the host in a Host header",
    "tls-max": "the newest version that both sides speak is used",
    "tls-min": "TLS 1.2 is the oldest that is spoken",
    "unix-socket": "name a TCP address in the URL",
}
