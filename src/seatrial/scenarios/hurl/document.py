"""Writes a `.hurl` file as a scenario document of ours: a path in, plain values for a YAML writer out.

Room scenarios; the other door of `hurl`, for `seatrial import`. What comes out reads back with `read_scenario` and
sends the same requests. What a document cannot say is told in a note with its place, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import DocumentError, Where
from seatrial.exchange import HttpVersion
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.cookie_headers import cookies_apart
from seatrial.scenarios.hurl.document_answers import Answers
from seatrial.scenarios.hurl.document_bodies import body_content
from seatrial.scenarios.hurl.entries import MAX_RETRYING_S, read_text
from seatrial.scenarios.hurl.names import Names, literal
from seatrial.scenarios.hurl.options import ENDLESS, HurlOptions
from seatrial.scenarios.hurl.parse import parse
from seatrial.scenarios.hurl.requests import (
    address_of,
    certificate_password,
    certificate_path,
    implied_type,
    quoted,
    refuse_url,
    region_and_service,
)
from seatrial.scenarios.hurl.settings import Settings, settings_of, static_text, with_option
from seatrial.scenarios.hurl.syntax import Entry, Hole, Literal, Text
from seatrial.scenarios.hurl.texts import FUNCTIONS
from seatrial.scenarios.hurl.values import holes_in, scope_name
from seatrial.scenarios.model import route_of
from seatrial.scenarios.sending.request import WRITING
from seatrial.template import Fixed

MAX_RETRIES = 1000
MAX_REDIRECTS = 100
_PLAIN_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

Note = tuple[Where, str]


@dataclass(frozen=True, slots=True)
class Converted:
    """A scenario document, what of the file it does not say, and the variables that nothing gives a value."""

    name: str
    content: dict[str, Any]
    notes: tuple[Note, ...] = ()
    variables: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def to_document(path: Path, options: HurlOptions = HurlOptions()) -> Converted:  # noqa: B008 - frozen
    """The file as a document. DocumentError for one that cannot be read or has no request."""
    entries = parse(read_text(path), str(path))
    if not entries:
        raise DocumentError(Where(str(path), 1, 1), "the file has no request", "write one, as GET http://127.0.0.1/")
    writer = _Writer(options)
    steps = _numbered([writer.step(entry) for entry in entries])
    if options.repeat is not None:
        writer.notes.append((Where(str(path), 1, 1), f"it is played once, not {options.repeat} times"))
    variables = {writer.names.of(name): _given(value) for name, value in options.variables.items()}
    content = _without_empty(
        {"scenario": path.stem, "vars": variables, "cookies": None if options.cookie_store else False}
    )
    return Converted(
        name=path.stem,
        content={**content, "steps": steps},
        notes=tuple(writer.notes),
        variables=tuple(writer.unset(entries)),
        secrets=tuple(options.secrets),
    )


def _given(value: Any) -> Any:
    return literal(value) if isinstance(value, str) else value


def _numbered(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps of one name are told apart by a number."""
    seen: dict[str, int] = {}
    for step in steps:
        seen[step["name"]] = seen.get(step["name"], 0) + 1
        if seen[step["name"]] > 1:
            step["name"] += f" ({seen[step['name']]})"
    return steps


def _without_empty(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value is not None and value not in ({}, [], "")}


@dataclass
class _Writer:
    """Entries being written in order: the names given out, what is known of variables, and what is to be told."""

    options: HurlOptions
    names: Names = field(default_factory=Names)
    notes: list[Note] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {scope_name(name): value for name, value in self.options.variables.items()}
        for name in self.options.secrets:
            self.names.given[name] = f"secrets.{name}" if name.isidentifier() else f"secrets['{name}']"

    def unset(self, entries: tuple[Entry, ...]) -> Iterator[str]:
        """The variables no option, capture or command line gives a value, under their new names."""
        made = {*self.options.variables, *self.options.secrets, *FUNCTIONS}
        for entry in entries:
            made |= {name for option in entry.request.options for name in _defined(option)}
            made |= {one.name.plain or "" for one in (entry.response.captures if entry.response else ())}
        wanted = dict.fromkeys(hole.name for hole in holes_in(entries))
        yield from (self.names.of(name) for name in wanted if name not in made)

    def step(self, entry: Entry) -> dict[str, Any]:
        """One entry as a step."""
        request = cookies_apart(entry.request)
        settings = self._settings(request)
        route = route_of(address_of(request.url, self.known).path)
        answers = Answers(self.names, self.notes)
        return _without_empty(
            {
                "name": f"{request.method} {route}",
                "mutates": request.method in WRITING or None,
                "vars": dict(self._variables(request)),
                **self._course(settings),
                "request": self._request(request, settings),
                "timeout": _duration(settings.max_time_s),
                "retry": self._retry(request, settings),
                "expect": answers.expect(entry.response, ignored=self.options.ignore_asserts),
                "capture": answers.captures(entry.response),
            }
        )

    def _settings(self, request: syntax.Request) -> Settings:
        settings = settings_of(self.options)
        for option in request.options:
            try:
                settings = with_option(settings, option, self.known)
            except DocumentError as error:
                self._tell(error)
        return settings

    def _tell(self, error: DocumentError) -> None:
        self.notes.append((error.where, error.problem + (f"; {error.hint}" if error.hint else "")))

    def _variables(self, request: syntax.Request) -> Iterator[tuple[str, Any]]:
        for option in request.options:
            if isinstance(option.value, syntax.Definition):
                value = option.value.value
                yield (
                    self.names.of(option.value.name),
                    self.names.text(value) if isinstance(value, Text) else value.value,
                )

    def _course(self, settings: Settings) -> dict[str, Any]:
        skip, repeat = settings.skip, settings.repeat
        times = None
        if repeat is not None:
            times = repeat.value if isinstance(repeat, Fixed) else self._template(repeat)
        return {
            "when": f"not {self.names.expression(skip)}" if isinstance(skip, Hole) else None,
            "skip": "skip: true" if isinstance(skip, Literal) and skip.value is True else None,
            "delay": _duration(settings.delay_s) if settings.delay_s else None,
            "repeat": times,
            "continue": self.options.continue_on_error or None,
        }

    def _template(self, value: Any) -> str:
        """A hole that was made a value already, as `{{ name }}`."""
        name = str(value.text).strip("{} ")
        return self.names.typed(Hole(name, value.where))

    def _retry(self, request: syntax.Request, settings: Settings) -> dict[str, Any] | None:
        if not settings.retry:
            return None
        interval = _duration(settings.retry_interval_s)
        if settings.retry == ENDLESS or settings.retry >= MAX_RETRIES:
            self.notes.append((request.where, f"it is tried {MAX_RETRIES} times, or {MAX_RETRYING_S:g} s long"))
            return {"max": MAX_RETRIES, "interval": interval, "max_duration": _duration(MAX_RETRYING_S)}
        return {"max": settings.retry + 1, "interval": interval}

    def _request(self, request: syntax.Request, settings: Settings) -> dict[str, Any]:
        body, content_type = body_content(request, self.names, self._tell, self._name)
        if request.method == "HEAD":
            body, content_type = {}, implied_type(request)
        url, params = self._url(request)
        return {
            **_without_empty({"method": request.method if request.method != "GET" else None, "url": url}),
            **_without_empty({"params": params}),
            **_without_empty({"headers": self._headers(request, settings, content_type)}),
            **_without_empty({"cookies": dict(self._cookies(request)), "auth": self._auth(request, settings)}),
            **body,
            **_without_empty({"follow": self._follow(request, settings), "tls": self._tls(settings)}),
            **_without_empty({"proxy": None if settings.proxy is None else self.names.text(settings.proxy)}),
            **self._manner(settings),
        }

    def _manner(self, settings: Settings) -> dict[str, Any]:
        """How it is sent, where Hurl's manner is not ours."""
        return _without_empty(
            {
                "http_version": "2" if settings.http_version is HttpVersion.V2 else None,
                "path_as_is": settings.path_as_is or None,
                "timeout": self._connect(settings),
                "default_headers": "minimal",
            }
        ) | ({"compressed": True} if settings.compressed else {})

    def _connect(self, settings: Settings) -> dict[str, Any] | None:
        return {"connect": _duration(settings.connect_timeout_s)} if settings.connect_timeout_s else None

    def _url(self, request: syntax.Request) -> tuple[str, dict[str, Any]]:
        """The URL, and the query section as params where their names can be written as they are."""
        refuse_url(request.url)
        url = self.names.url(request.url)
        pairs = [(pair.name.plain, pair.value) for pair in request.query]
        plain = all(name and set(name) <= _PLAIN_NAME for name, _ in pairs)
        if plain and not request.url.source.endswith("?"):
            return url, _listed((str(name), self.names.text(value)) for name, value in pairs)
        query = "&".join(f"{self.names.url(pair.name)}={self._encoded(pair.value)}" for pair in request.query)
        source = request.url.source
        return f"{url}{'' if source.endswith('?') else '&' if '?' in source else '?'}{query}", {}

    def _encoded(self, text: Text) -> str:
        return "".join(quoted(piece) if isinstance(piece, str) else self.names.typed(piece) for piece in text.pieces)

    def _name(self, text: Text) -> str:
        """A name that our documents write without a template; empty, and told, when it has one that is not known."""
        try:
            return static_text(text, self.known, "a name")
        except DocumentError as error:
            self._tell(error)
            return ""

    def _headers(self, request: syntax.Request, settings: Settings, content_type: str | None) -> dict[str, Any]:
        pairs: list[tuple[str, str | None]] = [
            (self._name(pair.name), self.names.text(pair.value)) for pair in request.headers
        ]
        pairs += [(name, self._option_text(value)) for name, value in settings.headers]
        if self.options.user_agent is not None:
            pairs.append(("User-Agent", literal(self.options.user_agent)))
        headers = _listed((name, value) for name, value in pairs if name)
        if content_type is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = content_type or None
        return headers

    def _option_text(self, value: Any) -> str | None:
        """A text of an option that was made a value already."""
        if isinstance(value, Fixed):
            return None if value.value is None else literal(str(value.value))
        cut = _Cut(self.names)
        return cut.text(str(value.text), value.where)

    def _cookies(self, request: syntax.Request) -> Iterator[tuple[str, str]]:
        for pair in request.cookies:
            name = self._name(pair.name)
            if name:
                yield name, self.names.text(pair.value)

    def _auth(self, request: syntax.Request, settings: Settings) -> dict[str, Any] | None:
        if request.basic_auth is not None:
            pair = request.basic_auth
            return {"basic": {"user": self.names.text(pair.name), "password": self.names.text(pair.value)}}
        if settings.user is None:
            return None
        user, _, password = (self._option_text(settings.user) or "").partition(":")
        if settings.aws is not None:
            return self._aws(settings.aws, user, password, request)
        return {"digest" if settings.digest else "basic": {"user": user, "password": password}}

    def _aws(self, provider: Text, user: str, password: str, request: syntax.Request) -> dict[str, Any] | None:
        try:
            region, service = region_and_service(provider, address_of(request.url, self.known))
        except DocumentError as error:
            self._tell(error)
            return None
        keys = {"access_key": user, "secret_key": password, "region": region, "service": service}
        return {"aws_sigv4": keys}

    def _follow(self, request: syntax.Request, settings: Settings) -> dict[str, Any] | None:
        if not settings.location:
            return None
        limit = settings.max_redirs
        if not 1 <= limit <= MAX_REDIRECTS:
            limit = 1 if limit == 0 else MAX_REDIRECTS
            self.notes.append((request.where, f"{limit} redirects are followed at most"))
        return {"max": limit, **({"trusted": "all"} if settings.location_trusted else {})}

    def _tls(self, settings: Settings) -> dict[str, Any]:
        certificate = settings.certificate.source if settings.certificate else ""
        return _without_empty(
            {
                "verify": False if settings.insecure else None,
                "ca": None if settings.ca is None else self.names.text(settings.ca),
                "cert": literal(certificate_path(certificate)),
                "key": None if settings.key is None else self.names.text(settings.key),
                "password": literal(certificate_password(certificate)),
                "pin": None if settings.pin is None else self.names.text(settings.pin).removeprefix("sha256//"),
            }
        )


@dataclass(frozen=True, slots=True)
class _Cut:
    """Cuts a text with holes, as `{{name}}`, into its pieces again."""

    names: Names

    def text(self, source: str, where: Where) -> str:
        """The text as our templates write it."""
        pieces: list[str | Hole] = []
        rest = source
        while rest:
            before, sign, after = rest.partition("{{")
            pieces += [before] if before else []
            name, _, rest = after.partition("}}")
            pieces += [Hole(name, where)] if sign else []
        return self.names.joined(tuple(pieces))


def _defined(option: syntax.Option) -> tuple[str, ...]:
    return (option.value.name,) if isinstance(option.value, syntax.Definition) else ()


def _duration(seconds: float) -> str:
    return f"{seconds:g}s" if seconds == int(seconds) else f"{round(seconds * 1000)}ms"


def _listed(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as a mapping, of which a repeated name has a list."""
    made: dict[str, list[Any]] = {}
    for name, value in pairs:
        made.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in made.items()}
