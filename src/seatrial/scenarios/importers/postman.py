"""Imports Postman collections (v2.1, and v2.0 where it says the same) with their environments.

Room scenarios, importers. As newman plays a collection from top to bottom, so one collection is one scenario, its
folders in the names of the steps; `per_folder` makes one of each folder at the top instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seatrial.errors import DocumentError, UsageError, Where, did_you_mean
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import Part, read_json
from seatrial.scenarios.importers.imported import Imported, Tally, quoted
from seatrial.scenarios.importers.marks import Marks
from seatrial.scenarios.importers.naming import file_name
from seatrial.scenarios.importers.postman_requests import Requests
from seatrial.scenarios.importers.postman_scripts import Reading, Script
from seatrial.scenarios.importers.postman_texts import Given, Texts, read_values, set_in
from seatrial.scenarios.importers.targets import Services

MAX_FOLDERS = 20
"""Of folders within each other."""

_MAX_REDIRECTS = 100
_BEHAVIOUR = frozenset({"followRedirects", "strictSSL", "disableBodyPruning"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its text, and what messages call it."""

    text: str
    file: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a collection is wanted: one folder (by name, anywhere in it), a scenario for each folder at the top."""

    folder: str | None = None
    per_folder: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A request, with the folders it is in and what it inherits from them, outermost first."""

    part: Part
    folders: tuple[str, ...]
    around: tuple[Part, ...]

    @property
    def name(self) -> str:
        return " / ".join((*self.folders, self.part["name"].text().strip() or "request"))


def convert(
    collection: Source,
    environments: Sequence[Source] = (),
    *,
    choice: Choice | None = None,
    services: Services | None = None,
) -> Imported:
    """The scenarios of a collection; of several environments the later one wins. DocumentError when it is none."""
    tally, wanted = Tally(), choice or Choice()
    root = _root(collection, tally)
    given: dict[str, Given] = read_values(root["variable"], tally)
    for environment in environments:
        given.update(read_values(_values(environment, tally), tally))
    title = root["info"]["name"].text().strip() or "collection"
    found = _chosen(tuple(_requests(root, (), (root,))), wanted, collection.file)
    texts = Texts(tally, Marks(), given)
    groups = _groups(found, title, wanted)
    made = [_scenario(name, group, texts, services or {}, file=collection.file) for name, group in groups]
    saved = sum(len(one.part["response"].items()) for one in found)
    if saved:
        tally.note("", f"saved answers of requests were left out: {saved}")
    unused = len(given.keys() - texts.known)
    if unused:
        tally.note("", f"variables that no request uses were left out: {unused}")
    return tally.imported(title, collection.file, drafts.documents(made))


def _root(collection: Source, tally: Tally) -> Part:
    root = Part(read_json(collection.text, collection.file), "", tally)
    root = root["collection"] if root["collection"]["item"] else root
    if isinstance(root["item"].value, list) and root["info"]:
        return root
    where = Where(collection.file, 1, 1)
    if root["requests"]:
        raise DocumentError(where, "a collection of version 1", "export it as Collection v2.1")
    if root["values"]:
        raise DocumentError(where, "an environment, not a collection", "give it as --environment")
    raise DocumentError(where, "no Postman collection: `info` and `item` are missing", "export it as Collection v2.1")


def _values(environment: Source, tally: Tally) -> Part:
    values = Part(read_json(environment.text, environment.file), "", tally)["values"]
    if not isinstance(values.value, list):
        hint = "export it from Environments"
        raise DocumentError(Where(environment.file, 1, 1), "no Postman environment: `values` is missing", hint)
    return Part(values.value, environment.file, tally)


def _requests(folder: Part, folders: tuple[str, ...], around: tuple[Part, ...]) -> Iterator[_Found]:
    if len(folders) > MAX_FOLDERS:
        folder.tally.note(folder.at, f"folders within each other for more than {MAX_FOLDERS} levels")
        return
    for item in folder["item"].items():
        if isinstance(item["item"].value, list):
            inner = (*folders, item["name"].text().strip() or "folder")
            yield from _requests(item, inner, (*around, item))
        elif item["request"]:
            yield _Found(item, folders, around)
        else:
            folder.tally.note(item.at, "neither a request nor a folder")


def _chosen(found: tuple[_Found, ...], wanted: Choice, file: str) -> tuple[_Found, ...]:
    if wanted.folder is None:
        chosen = found
    else:
        chosen = tuple(one for one in found if wanted.folder in one.folders)
        known = {name for one in found for name in one.folders}
        if not chosen:
            raise UsageError(f"{file}: no folder '{wanted.folder}'; {did_you_mean(wanted.folder, known)}")
    if not chosen:
        raise DocumentError(Where(file, 1, 1), "a collection without a request")
    return chosen


def _every_script(found: Iterable[_Found]) -> Iterator[str]:
    for one in found:
        for holder in (*one.around, one.part):
            yield from (script for _, script in _scripts(holder))


def _scripts(holder: Part) -> Iterator[tuple[str, str]]:
    """The scripts of a request or folder, as (when they are run, text)."""
    for event in holder["event"].items():
        held = event["script"]["exec"]
        lines = [line.text() for line in held.items()] if isinstance(held.value, list) else [held.text()]
        if event["disabled"].value is not True and event["script"]["disabled"].value is not True:
            yield event["listen"].text(), "\n".join(lines)


def _groups(found: tuple[_Found, ...], title: str, wanted: Choice) -> list[tuple[str, list[_Found]]]:
    """The requests of each scenario, with its name."""
    if wanted.folder is not None:
        return [(f"{title}: {wanted.folder}", list(found))]
    if not wanted.per_folder:
        return [(title, list(found))]
    groups: dict[str, list[_Found]] = {}
    for one in found:
        groups.setdefault(f"{title}: {one.folders[0]}" if one.folders else title, []).append(one)
    return list(groups.items())


def _scenario(name: str, found: list[_Found], texts: Texts, services: Services, *, file: str) -> dict[str, Any]:
    requests = Requests(texts, services)
    texts.begin(set_in(_every_script(found)))
    waiting: dict[str, Any] = {}
    made: list[Draft] = []
    for one in found:
        script = _read_scripts(one, texts)
        auth = next((part["auth"] for part in (one.part["request"], *reversed(one.around)) if part["auth"]), None)
        draft = requests.draft(one.part["request"], one.name, auth or Part(None, "", texts.tally))
        if not draft.is_addressed:
            texts.tally.note(
                one.name, f"{quoted(texts.marks.shown(draft.url))} is not an address over HTTP; left out"
            )
            continue
        draft = replace(draft, more=_behaviour(one, texts.tally))
        made.append(_with_script(draft, script, waiting))
        waiting = dict(script.after)
    if not made:
        raise DocumentError(Where(file, 1, 1), "no request of it has an address over HTTP")
    texts.tally.count("requests", len(made))
    if waiting:
        texts.tally.note(found[-1].name, f"sets variables that no request follows: {', '.join(waiting)}")
    tags = (
        [file_name(found[0].folders[0])] if found[0].folders and len({one.folders[:1] for one in found}) == 1 else []
    )
    return drafts.scenario(name, made, tags=tags, vars=texts.variables())


def _behaviour(one: _Found, tally: Tally) -> dict[str, Any]:
    """What holds for the sending of a request. Postman follows redirects unless it is told not to."""
    said = _inherited(one)
    for name, setting in said.items():
        known = name in _BEHAVIOUR or (name == "maxRedirects" and 0 < (setting.number() or 0) <= _MAX_REDIRECTS)
        if not known:
            tally.note(one.name, f"the setting `{name}` of the request, {quoted(json.dumps(setting.value))}")
    _tell_connection(one, tally)
    limit = said["maxRedirects"].number() if "maxRedirects" in said else None
    follow: Any = {"max": limit} if limit and 0 < limit <= _MAX_REDIRECTS else True
    more = {} if _is_off(said, "followRedirects") else {"follow": follow}
    return {**more, "tls": {"verify": False}} if _is_off(said, "strictSSL") else more


def _inherited(one: _Found) -> dict[str, Part]:
    """The settings of a request: its own ones before those of its folders and the collection."""
    holders = (*one.around, one.part)
    return {name: part for holder in holders for name, part in holder["protocolProfileBehavior"].members()}


def _is_off(said: Mapping[str, Part], name: str) -> bool:
    return name in said and said[name].value is False


def _tell_connection(one: _Found, tally: Tally) -> None:
    """Tells of a request's own proxy and certificate, which Postman takes for some addresses only."""
    request = one.part["request"]
    proxy = request["proxy"]
    if proxy and proxy["disabled"].value is not True:
        tally.note(
            one.name, f"the proxy {quoted(proxy['host'].text() or 'of the request')}; say `proxy:` in the step"
        )
    if request["certificate"]:
        name = request["certificate"]["cert"]["src"].text() or request["certificate"]["name"].text()
        tally.note(one.name, f"the certificate {quoted(name or 'of the request')}; say `tls:` in the step")


def _read_scripts(one: _Found, texts: Texts) -> Script:
    reading = Reading(texts, one.name)
    for holder in (*one.around, one.part):
        place = "" if holder is one.part else f"{holder['name'].text() or 'collection'}: "
        for when, script in _scripts(holder):
            if script.strip():
                kind = "pre-request" if when == "prerequest" else "test"
                reading.read(script, place=f"{place}{kind}", prior=when == "prerequest")
    return reading.result()


def _with_script(draft: Draft, script: Script, waiting: dict[str, Any]) -> Draft:
    return replace(
        draft,
        variables={**waiting, **script.before},
        statuses=script.statuses,
        limit=f"{script.limit_ms:g}ms" if script.limit_ms else None,
        checks=script.checks,
        captures=script.captures,
    )
