"""Reads a `.hurl` file for playing: a path in, a `Scenario` out, one step an entry.

Room scenarios; the door of `hurl`. DocumentError names the file, line and column of the first mistake, and of the
first thing that httpx or our plays cannot do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import DocumentError, UsageError, Where
from seatrial.scenarios.answers.wanted import Expectations, WantedStatus
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.expectations import captures_of, expectations_of
from seatrial.scenarios.hurl.files import HurlFiles
from seatrial.scenarios.hurl.options import ENDLESS, HurlOptions
from seatrial.scenarios.hurl.parse import MAX_SIZE_BYTES, parse
from seatrial.scenarios.hurl.requests import address_of, request_of
from seatrial.scenarios.hurl.settings import Settings, settings_of, static_text, with_option
from seatrial.scenarios.hurl.syntax import Entry, Hole, Literal
from seatrial.scenarios.hurl.texts import FUNCTIONS
from seatrial.scenarios.hurl.values import holes_in, look_up, made, names_of, scope_name, value_of
from seatrial.scenarios.model import Course, Repeat, Retry, Row, Scenario, Section, Step, route_of
from seatrial.scenarios.sending.request import WRITING, RequestTemplate
from seatrial.template import Fixed, Scope, Template, Value

MAX_RETRIES = 1_000_000
MAX_RETRYING_S = 600.0
"""How long `retry: -1` goes on."""

MAX_REPEATS = 1_000


def read_hurl(path: Path, options: HurlOptions = HurlOptions()) -> Scenario:  # noqa: B008 - frozen
    """The file as a scenario, named after it. UsageError for entries that it does not have."""
    text = read_text(path)
    return scenario_of(parse(text, str(path)), path, text, options)


def read_text(path: Path) -> str:
    """What the file holds; DocumentError when it cannot be read, is too large or is no UTF-8."""
    where = Where(str(path), 1, 1)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SIZE_BYTES + 1)
    except OSError as error:
        raise DocumentError(where, f"it cannot be read: {error.strerror}", "check its name and rights") from None
    if len(content) > MAX_SIZE_BYTES:
        raise DocumentError(where, f"the file is larger than {MAX_SIZE_BYTES >> 20} MiB", "split it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise DocumentError(Where(str(path), line, column), "this is no UTF-8 text", "save it as UTF-8") from None


def scenario_of(entries: tuple[Entry, ...], path: Path, text: str, options: HurlOptions) -> Scenario:
    """The entries as a scenario; `text` is what they were read from."""
    file = str(path)
    where = Where(file, 1, 1)
    if not entries:
        raise DocumentError(where, "the file has no request", "write one, as GET http://127.0.0.1:8080/")
    known = {scope_name(name): value for name, value in options.variables.items()}
    reader = _Reader(options, HurlFiles(options.file_root or path.parent), dict(known))
    return Scenario(
        name=path.stem,
        file=file,
        where=where,
        steps=tuple(reader.steps(_chosen(entries, options))),
        variables={name: Fixed(value) for name, value in known.items()},
        rows=_rounds(options),
        lenient=True,
        cookies=options.cookie_store,
        stored=options.cookies,
        sources={file: tuple(text.removeprefix("\ufeff").splitlines())},
    )


def _chosen(entries: tuple[Entry, ...], options: HurlOptions) -> tuple[Entry, ...]:
    last = len(entries) if options.to_entry is None else options.to_entry
    for name, number in (("from-entry", options.from_entry), ("to-entry", last)):
        if number > len(entries):
            raise UsageError(f"--{name}: there is no entry {number}; the file has {len(entries)}")
    if options.from_entry > last:
        raise UsageError(f"--from-entry: {options.from_entry} comes after --to-entry {last}")
    return entries[options.from_entry - 1 : last]


def _rounds(options: HurlOptions) -> tuple[Row, ...] | None:
    """`--repeat` plays the whole file anew, as a scenario with rows is."""
    if options.repeat is None:
        return None
    if not 1 <= options.repeat <= MAX_REPEATS:
        raise UsageError(f"--repeat: {options.repeat} is not between 1 and {MAX_REPEATS}")
    return tuple(Row(number, {}) for number in range(1, options.repeat + 1))


@dataclass
class _Reader:
    """Entries being read in order: what is known of the variables before the play changes with each."""

    options: HurlOptions
    files: HurlFiles
    known: dict[str, Any] = field(default_factory=dict)
    carried: tuple[tuple[str, Value], ...] = ()

    def steps(self, entries: tuple[Entry, ...]) -> Iterator[Step]:
        """A step for each, numbered as they are played."""
        for number, entry in enumerate(entries, start=1):
            yield self._step(entry, number)

    def _step(self, entry: Entry, number: int) -> Step:
        request = entry.request
        settings = self._settings(request)
        address = address_of(request.url, self.known)
        template = request_of(request, settings, self.known, self.files)
        route = route_of(address.path)
        captures = captures_of(entry.response, lambda text: static_text(text, self.known, "the name of a capture"))
        for capture in captures:
            self.known.pop(capture.name, None)
        return Step(
            name=f"{request.method} {route}",
            number=number,
            section=Section.STEPS,
            service=address.service,
            method=request.method,
            route=route,
            request=_named_agent(template, self.options),
            where=request.where,
            expectations=self._expectations(entry),
            captures=captures,
            timeout_s=settings.max_time_s,
            retry=_retry(settings),
            mutates=request.method in WRITING,
            course=_course(settings, keep_going=self.options.continue_on_error),
            variables=self._variables(settings),
            uses=names_of(tuple(holes_in((entry.request, entry.response)))),
        )

    def _settings(self, request: syntax.Request) -> Settings:
        settings = settings_of(self.options)
        for option in request.options:
            settings = with_option(settings, option, self.known)
            self._learn(option.value)
        return settings

    def _variables(self, settings: Settings) -> tuple[tuple[str, Value], ...]:
        """Those of the entry, after those of entries before it that are never run: Hurl defines them all the same."""
        variables = (*self.carried, *settings.variables)
        skipped = isinstance(settings.skip, Literal) and settings.skip.value is True
        self.carried = variables if skipped or settings.repeat == Fixed(0) else ()
        return variables

    def _learn(self, value: syntax.OptionValue) -> None:
        """What the option `variable` defines is known from then on, if what it is made of is."""
        if not isinstance(value, syntax.Definition):
            return
        name = scope_name(value.name)
        self.known.pop(name, None)
        if isinstance(value.value, Literal):
            self.known[name] = value.value.value
            return
        if any(hole.name in FUNCTIONS for hole in holes_in(value.value)):
            return
        try:
            self.known[name] = value_of(value.value).render(self.known)
        except DocumentError:
            return

    def _expectations(self, entry: Entry) -> Expectations:
        any_status = Expectations(WantedStatus((), entry.request.url.where))
        if self.options.ignore_asserts or entry.response is None:
            return any_status
        return expectations_of(entry.response, self.files)


def _named_agent(template: RequestTemplate, options: HurlOptions) -> RequestTemplate:
    if options.user_agent is None or any(name.lower() == "user-agent" for name, _ in template.headers):
        return template
    return dataclasses.replace(template, headers=(*template.headers, ("User-Agent", Fixed(options.user_agent))))


def _retry(settings: Settings) -> Retry | None:
    if not settings.retry:
        return None
    if settings.retry == ENDLESS:
        return Retry(MAX_RETRIES, settings.retry_interval_s, max_duration_s=MAX_RETRYING_S)
    return Retry(min(settings.retry, MAX_RETRIES) + 1, settings.retry_interval_s)


def _course(settings: Settings, *, keep_going: bool) -> Course:
    skip = settings.skip
    repeat = settings.repeat
    where = settings.repeat_where
    return Course(
        when=_unless(skip) if isinstance(skip, Hole) else None,
        skip="skip: true" if isinstance(skip, Literal) and skip.value is True else "",
        delay_s=settings.delay_s,
        loop=Repeat(repeat, where) if repeat is not None and where is not None else None,
        keep_going=keep_going,
    )


def _unless(skip: Hole) -> Template:
    """`skip: {{name}}`: played where the variable is false."""

    def run(scope: Scope) -> bool:
        value = look_up(skip, scope)
        if not isinstance(value, bool):
            raise DocumentError(skip.where, f"'{skip.name}' is neither true nor false")
        return not value

    return made(f"not {{{{{skip.name}}}}}", skip.where, (skip,), run)
