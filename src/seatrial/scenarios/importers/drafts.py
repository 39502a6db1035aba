"""Steps as the importers draft them, and the words of the format they are written in.

Room scenarios, importers. The only file of the importers that knows how a step is spelled. Pure.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.importers.foreign import json_value
from seatrial.scenarios.importers.marks import is_marked, percent_encoded
from seatrial.scenarios.importers.naming import file_name
from seatrial.scenarios.sending.request import WRITING

MAX_BODY_DEPTH = 40
MAX_BODY_CHARACTERS = 200_000
"""Of one body in a document; documents end at a megabyte."""

_ADDRESSED = re.compile(r"https?://[^/?#]|service://[^/?#{]|\{\{")
_DATA = frozenset({"json", "form", "graphql", "params", "headers", "cookies", "vars", "api_key", "schema"})
_NAMING = frozenset({"file", "ca", "cert", "key", "equals_file"})
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Draft:
    """A step in the making. `body` holds at most one of the format's bodies, `more` whatever else a request may say;
    everything is a template already."""

    name: str
    method: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    cookies: Mapping[str, Any] = field(default_factory=dict)
    auth: Mapping[str, Any] | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    timeout: str | None = None
    statuses: tuple[int, ...] = ()
    limit: str | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    captures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_addressed(self) -> bool:
        """Whether its URL leads somewhere over HTTP, or to a service, as far as that stands in it."""
        return bool(_ADDRESSED.match(self.url))

    def content(self) -> dict[str, Any]:
        """The step as it stands in a document, without what it does not say."""
        step: dict[str, Any] = {
            "name": self.name,
            "mutates": self._mutates() or None,
            "vars": dict(self.variables),
            "request": self._request(),
            "timeout": self.timeout,
            "expect": self._expect(),
            "capture": dict(self.captures),
        }
        return {key: value for key, value in step.items() if value not in (None, {})}

    def _mutates(self) -> bool:
        """Whether it writes, by its method; a GraphQL query is posted, but only reads."""
        reads = "graphql" in self.body and "mutation" not in self.body["graphql"]["query"]
        return self.method in WRITING and not reads

    def _request(self) -> dict[str, Any]:
        request = {
            "method": self.method if self.method != "GET" else None,
            "url": self.url,
            "params": dict(self.params),
            "headers": dict(self.headers),
            "cookies": dict(self.cookies),
            "auth": dict(self.auth) if self.auth else None,
        }
        return {**{key: value for key, value in request.items() if value not in (None, {})}, **self.body, **self.more}

    def _expect(self) -> dict[str, Any]:
        statuses = list(dict.fromkeys(self.statuses))
        expect = {
            "status": statuses[0] if len(statuses) == 1 else statuses or None,
            "max": {"fail": self.limit} if self.limit else None,
            "checks": _each_once(self.checks),
        }
        return {key: value for key, value in expect.items() if value not in (None, [])}


def scenario(name: str, drafts: Iterable[Draft], *, tags: Iterable[str] = (), **head: Any) -> dict[str, Any]:
    """A scenario document; of `head`, empty parts are left out. Steps of one name are numbered."""
    seen: dict[str, int] = {}
    steps = []
    for draft in drafts:
        seen[draft.name] = seen.get(draft.name, 0) + 1
        number = f" ({seen[draft.name]})" if seen[draft.name] > 1 else ""
        steps.append({**draft.content(), "name": draft.name + number})
    if not any("expect" in step for step in steps):
        # A scenario that checks nothing fails; that an answer was no error is the least it can ask.
        steps = [{**step, "expect": {"checks": [{"status": True, "lt": 400}]}} for step in steps]
    start = {"scenario": name, "tags": sorted(tags), **head}
    return {**{key: value for key, value in start.items() if value not in (None, [], {})}, "steps": steps}


def documents(scenarios: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each scenario with the name of its file, no two the same."""
    seen: dict[str, int] = {}
    for content in scenarios:
        stem = file_name(content["scenario"])
        seen[stem] = seen.get(stem, 0) + 1
        yield f"{stem}-{seen[stem]}.yaml" if seen[stem] > 1 else f"{stem}.yaml", content


def files_in(content: Any) -> Iterator[str]:
    """Every file that documents name by a fixed path: bodies, parts, certificates, what a body is compared with."""
    if isinstance(content, list):
        for part in content:
            yield from files_in(part)
    for key, part in content.items() if isinstance(content, Mapping) else ():
        if key in _NAMING and isinstance(part, str) and "{{" not in part:
            yield part
        elif key not in _DATA:
            yield from files_in(part)


def fields(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Names with their values as params, headers and forms take them: several of one name become a list."""
    made: dict[str, list[Any]] = {}
    for name, value in pairs:
        made.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in made.items()}


def split_query(url: str) -> tuple[str, dict[str, Any]]:
    """A URL without its query, and the query as params; left whole where we would write the query differently."""
    plain = url.partition("#")[0]
    base, mark, query = plain.partition("?")
    pairs = pairs_of(query, urllib.parse.unquote, urllib.parse.quote) if mark else []
    return (base, fields(pairs)) if pairs else (plain, {})


def pairs_of(text: str, decode: Callable[[str], str], quote: Callable[..., str]) -> list[tuple[str, str]]:
    """The pairs of a query or form; none when writing them again gives another text."""
    words = [word.partition("=") for word in text.split("&")]
    pairs = [(decode(name), decode(value)) for name, _, value in words]
    encode = functools.partial(percent_encoded, quote=lambda part: quote(part, safe=""))
    names = list(dict.fromkeys(name for name, _ in pairs))
    grouped = sorted(pairs, key=lambda pair: names.index(pair[0]))
    again = "&".join(f"{encode(name)}={encode(value)}" for name, value in grouped)
    return pairs if again.lower() == text.lower() and not any(is_marked(name) for name in names) else []


def body_of(text: str, content_type: str) -> dict[str, Any]:
    """The body for a text: as JSON, form or XML where that sends the same, else as text.

    The caller keeps the Content-Type header where `implied_type` does not give the same one.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("/json", "+json")) or not kind:
        value = json_value(text, MAX_BODY_DEPTH)
        if value is not None and (kind or isinstance(value[0], (dict, list))):
            return {"json": value[0]}
    if kind == FORM:
        pairs = pairs_of(text, urllib.parse.unquote_plus, urllib.parse.quote_plus)
        return {"form": fields(pairs) if pairs else text}
    return {"xml" if kind == "application/xml" else "text": text}


def implied_type(body: Mapping[str, Any]) -> str:
    """The Content-Type a body is sent with when the step names none; empty where that depends on more."""
    kinds = {"json": "application/json", "form": FORM, "graphql": "application/json", "xml": "application/xml"}
    return next((kinds[kind] for kind in body if kind in kinds), "")


def _each_once(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for check in checks:
        if dict(check) not in made:
            made.append(dict(check))
    return made
