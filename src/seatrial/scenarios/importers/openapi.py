"""Imports OpenAPI 3.0 and 3.1 documents: one smoke journey for each tag, with example data and checks of the schemas.

Room scenarios, importers. What is created is used: where the names make it plain, a path parameter is captured from
the step that makes the resource. Everything else comes from the document's examples, else from the plainest value
that fits.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import documents
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import Part, read_json
from seatrial.scenarios.importers.har_correlate import singular
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Imported, Tally, quoted
from seatrial.scenarios.importers.json_paths import member
from seatrial.scenarios.importers.marks import Marks
from seatrial.scenarios.importers.naming import file_name, identifier, words
from seatrial.scenarios.importers.openapi_examples import example_of
from seatrial.scenarios.importers.openapi_refs import resolved
from seatrial.scenarios.importers.openapi_schemas import json_schema
from seatrial.scenarios.importers.openapi_security import credentials
from seatrial.scenarios.importers.targets import Services, is_address, on_service

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_PARAMETER = re.compile(r"\{([^{}/]+)\}")
_VAGUE = (["id"], ["uuid"], ["guid"], ["key"], ["name"], ["slug"], ["code"], ["number"])
_ELSEWHERE = ("webhooks", "callbacks")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation under one of its tags: its method in capitals, the path as the document has it, and what is said
    for the whole path."""

    method: str
    path: str
    part: Part
    shared: Part
    tag: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))


def convert(
    text: str, file: str, *, tags: frozenset[str] = frozenset(), services: Services | None = None
) -> Imported:
    """A scenario for each tag (of `tags`, when any is named). DocumentError when it is no OpenAPI 3 document."""
    tally = Tally()
    root = Part(_read(text, file), "", tally)
    _refuse_others(root, file)
    title = root["info"]["title"].text().strip() or "API"
    operations = [one for one in _operations(root, title) if not tags or one.tag in tags]
    if not operations:
        raise DocumentError(Where(file, 1, 1), "no operation here", "name other tags" if tags else "`paths` is empty")
    spec = _Spec(root, title, services or {})
    found = [spec.scenario(tag, [one for one in operations if one.tag == tag]) for tag in _tags(operations)]
    tally.count("operations", len({(one.method, one.path) for one in operations}))
    if spec.optional:
        tally.note("", f"parameters that are optional and have no example are not sent: {len(spec.optional)}")
    tally.count(
        "schema checks", sum("schema" in str(step.get("expect", "")) for one in found for step in one["steps"])
    )
    return tally.imported(title, file, drafts.documents(found))


def _read(text: str, file: str) -> Any:
    return read_json(text, file) if text.lstrip("﻿ \t\r\n").startswith("{") else documents.loads(text, file).content


def _refuse_others(root: Part, file: str) -> None:
    version = root["openapi"].text()
    if version.startswith("3."):
        return
    if root["swagger"]:
        hint = "convert it to OpenAPI 3 first, as with swagger2openapi"
        raise DocumentError(Where(file, 1, 1), f"Swagger {root['swagger'].text()} is not read here", hint)
    raise DocumentError(
        Where(file, 1, 1), f"no OpenAPI 3 document: `openapi` is {quoted(version)}", "it says openapi: 3.x"
    )


def _operations(root: Part, title: str) -> Iterator[Operation]:
    for path, shared in root["paths"].members():
        held = resolved(shared, root)
        for method, part in held.members():
            if method.lower() in METHODS and isinstance(part.value, Mapping):
                tags = [tag.text() for tag in part["tags"].items() if tag.text()]
                for tag in dict.fromkeys(tags or [title]):
                    yield Operation(method.upper(), path, part, held, tag)


def _tags(operations: list[Operation]) -> list[str]:
    return list(dict.fromkeys(one.tag for one in operations))


@dataclass
class _Spec:
    root: Part
    title: str
    services: Services
    marks: Marks = field(default_factory=Marks)
    optional: set[tuple[str, str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tally = self.root.tally
        for name in _ELSEWHERE:
            if self.root[name] or self.root["components"][name]:
                self.tally.note(name, "they are calls of the API to you; nothing here sends them")

    def scenario(self, tag: str, operations: list[Operation]) -> dict[str, Any]:
        """The journey of one tag: what creates first, what deletes last, else as the document has it."""
        journey = _Journey(self, {one.path for one in operations})
        made = [journey.draft(one) for one in sorted(operations, key=_turn)]
        name = f"{self.title}: {tag}" if tag != self.title else tag
        return drafts.scenario(name, made, tags=["smoke", file_name(tag)], vars=self.marks.value(journey.variables))

    def address(self, operation: Operation) -> str:
        """Where the operation lives: the first server that is said for it, its variables by their defaults."""
        for servers in (operation.part["servers"], operation.shared["servers"], self.root["servers"]):
            for server in servers.items():
                url = server["url"].text().rstrip("/")
                for name, variable in server["variables"].members():
                    url = url.replace(f"{{{name}}}", variable["default"].text())
                return self._absolute(url)
        return self._absolute("")

    def _absolute(self, url: str) -> str:
        if is_address(url):
            return url
        service = next(iter(self.services), file_name(self.title))
        if not self.services:
            self.tally.note(
                "servers", f"no absolute address: the steps go to service://{service}; tell the realm where it is"
            )
        path = urllib.parse.urlsplit(url).path if _is_plain(url) else ""
        return f"service://{service}{path.rstrip('/')}"


def _is_plain(url: str) -> bool:
    return url.startswith("/") and "{" not in url


def _turn(operation: Operation) -> tuple[int, int]:
    """When its turn is: creating steps by depth, the rest as it stands, deleting steps from the inside out."""
    depth = len(operation.parameters)
    if operation.method == "DELETE":
        return (2, -depth)
    creates = operation.method == "POST" and not operation.path.rstrip("/").endswith("}")
    return (0, depth) if creates else (1, 0)


@dataclass
class _Journey:
    """The steps of one tag. `known` leads from a path that ends in a parameter to what was captured for it."""

    spec: _Spec
    paths: set[str]
    variables: dict[str, Any] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def draft(self, operation: Operation) -> Draft:
        """The step of one operation."""
        marks, root = self.spec.marks, self.spec.root
        hiding = Hiding(root.tally, marks)
        credited = credentials(operation.part, root, marks)
        params, headers, cookies = self._parameters(operation)
        body, more_headers = self._body(operation)
        if operation.part["callbacks"]:
            root.tally.note(operation.part["callbacks"].at, "callbacks are calls of the API to you")
        statuses, answer = _answer(operation, root)
        _tell_headers(answer)
        url = self.spec.address(operation) + self._path(operation)
        return Draft(
            name=_name(operation),
            method=operation.method,
            url=marks.url(on_service(url, self.spec.services)),
            params=marks.value(hiding.fields(params)),
            headers=marks.value(hiding.headers({**headers, **more_headers})),
            cookies=marks.value(hiding.cookies({**cookies, **dict(credited.cookies)})),
            auth=marks.value(credited.auth),
            body=marks.value(hiding.body(body)),
            statuses=statuses,
            checks=tuple(marks.value(check) for check in _checks(answer, root)),
            captures=self._captures(operation, answer),
        )

    def _path(self, operation: Operation) -> str:
        """The path with its parameters put in: captured ones where one was, else variables with an example."""

        def put(found: re.Match[str]) -> str:
            before = operation.path[: found.end()]
            return self.spec.marks.mark(self.known.get(before) or self._variable(operation, found))

        return _PARAMETER.sub(put, operation.path)

    def _variable(self, operation: Operation, parameter: re.Match[str]) -> str:
        name, variable = parameter[1], _variable_name(parameter[1], operation.path[: parameter.start()])
        if variable not in self.variables:
            found = next(
                (one for one in self._said(operation) if one["name"].text() == name and _in(one, "path")), None
            )
            value = example_of(found, self.spec.root) if found else None
            self.variables[variable] = value if isinstance(value, (str, int, float)) else "1"
        return variable

    def _said(self, operation: Operation) -> list[Part]:
        """The operation's parameters, its own ones before those of the path."""
        listed = (*operation.part["parameters"].items(), *operation.shared["parameters"].items())
        found: dict[tuple[str, str], Part] = {}
        for part in listed:
            one = resolved(part, self.spec.root)
            found.setdefault((one["in"].text(), one["name"].text()), one)
        return list(found.values())

    def _parameters(self, operation: Operation) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Params, headers and cookies: those that are required, and those the document gives an example for."""
        found: dict[str, dict[str, Any]] = {"query": {}, "header": {}, "cookie": {}}
        for one in self._said(operation):
            place, name = one["in"].text(), one["name"].text()
            if place not in found or not name or name.lower() in ("accept", "content-type", "authorization"):
                continue
            if one["required"].value is True or one["example"] or one["examples"]:
                found[place].update(self._parameter(one, name))
            else:
                self.spec.optional.add((operation.method, operation.path, name))
        return found["query"], found["header"], found["cookie"]

    def _parameter(self, part: Part, name: str) -> dict[str, Any]:
        value = example_of(part, self.spec.root)
        if isinstance(value, Mapping) and part["style"].text() == "deepObject":
            return {f"{name}[{key}]": inner for key, inner in value.items()}
        if isinstance(value, list) and part["explode"].value is False:
            return {name: ",".join(map(str, value))}
        return {} if value is None else {name: value}

    def _body(self, operation: Operation) -> tuple[dict[str, Any], dict[str, str]]:
        """The body by the first media type we can write, and the headers it needs."""
        request = resolved(operation.part["requestBody"], self.spec.root)
        offered = dict(request["content"].members())
        for kind in sorted(offered, key=_preference):
            value = example_of(offered[kind], self.spec.root)
            body = _body(kind, value)
            if body is not None:
                said = {"Content-Type": kind} if drafts.implied_type(body) != kind and "multipart" not in body else {}
                return body, said
        if offered:
            request.tally.note(request.at, f"a body of {quoted(', '.join(offered))}, with no example")
        return {}, {}

    def _captures(self, operation: Operation, answer: Part) -> dict[str, Any]:
        """What a creating step gives to the paths below its own."""
        if operation.method != "POST":
            return {}
        below = next((m for path in sorted(self.paths) if (m := _below(operation.path, path))), None)
        schema = resolved(_media(answer)["schema"], self.spec.root)
        key = _key_of(below, operation.path, schema, self.spec.root) if below else None
        if below is None or key is None:
            return {}
        name = _variable_name(below, operation.path)
        name = f"new_{name}" if name in self.variables else name
        self.known[f"{operation.path.rstrip('/')}/{{{below}}}"] = name
        return {name: {"jsonpath": member("$", key)}}


def _variable_name(parameter: str, before: str) -> str:
    """The variable for a path parameter: `{id}` after `/cards` is `card_id`, others keep their names."""
    if words(parameter) in _VAGUE:
        return identifier(f"{singular('_'.join(words(before.rstrip('/').rpartition('/')[2])))}_{parameter}")
    return identifier(parameter)


def _in(part: Part, place: str) -> bool:
    return part["in"].text() == place


def _name(operation: Operation) -> str:
    said = operation.part["summary"].text().strip() or operation.part["operationId"].text().strip()
    return said.splitlines()[0][:100] if said else f"{operation.method} {operation.path}"


def _below(collection: str, path: str) -> str | None:
    """The parameter that follows the collection in the path."""
    rest = path.removeprefix(collection.rstrip("/"))
    found = re.fullmatch(r"/\{([^{}/]+)\}(/.*)?", rest) if rest != path else None
    return found[1] if found else None


def _key_of(parameter: str, collection: str, schema: Part, root: Part) -> str | None:
    """The member of what is created that the parameter means; None when the names do not make it plain."""
    names = _members(schema, root)
    same = next((name for name in names if words(name) == words(parameter)), None)
    if same:
        return same
    of = singular("_".join(words(collection.rstrip("/").rpartition("/")[2])))
    plain = words(parameter) in (["id"], ["uuid"], [*of.split("_"), "id"], [*of.split("_"), "uuid"], of.split("_"))
    return next((name for name in names if plain and name.lower() in ("id", "uuid")), None)


def _members(schema: Part, root: Part, depth: int = 0) -> list[str]:
    held = resolved(schema, root)
    own = [name for name, _ in held["properties"].members()]
    parts = held["allOf"].items() if depth < 4 else ()
    return own + [name for part in parts for name in _members(part, root, depth + 1)]


def _preference(kind: str) -> int:
    order = ("application/json", "+json", drafts.FORM, "multipart/form-data", "text/plain", "application/xml", "")
    return next(index for index, known in enumerate(order) if kind.partition(";")[0].strip().endswith(known))


def _body(kind: str, value: Any) -> dict[str, Any] | None:
    plain = kind.partition(";")[0].strip().lower()
    if value is None:
        return None
    if plain == "application/json" or plain.endswith("+json") or plain == "*/*":
        return {"json": value}
    if plain in (drafts.FORM, "multipart/form-data"):
        if not isinstance(value, Mapping):
            return None
        return {"form": dict(value)} if plain == drafts.FORM else {"multipart": _parts(value)}
    if not isinstance(value, str):
        return None
    return {"xml" if plain == "application/xml" else "text": value}


def _parts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are parts of their own, as JSON."""
    return {name: {"value": one} if isinstance(one, Mapping) else one for name, one in fields.items()}


def _answer(operation: Operation, root: Part) -> tuple[tuple[int, ...], Part]:
    """The lowest documented success, else the lowest redirection, and what it says; every status of a range."""
    answers = {status: part for status, part in operation.part["responses"].members() if status != "default"}
    for digit in "23":
        fitting = sorted(status for status in answers if status.startswith(digit) and len(status) == 3)
        for status in fitting:
            return _statuses(status), resolved(answers[status], root)
    if answers or operation.part["responses"]["default"]:
        operation.part.tally.note(operation.part.at, "no success is documented, so any status under 400 is one")
    return (), Part(None, operation.part.at, operation.part.tally)


def _statuses(status: str) -> tuple[int, ...]:
    """`2XX` are those that are in use."""
    if status.isdecimal():
        return (int(status),)
    return (200, 201, 202, 203, 204, 205, 206) if status.startswith("2") else (300, 301, 302, 303, 304, 307, 308)


def _media(answer: Part) -> Part:
    """The JSON answer; absent when there is none."""
    for kind, part in answer["content"].members():
        plain = kind.partition(";")[0].strip().lower()
        if plain == "application/json" or plain.endswith("+json") or plain == "*/*":
            return part
    return Part(None, answer.at, answer.tally)


def _tell_headers(answer: Part) -> None:
    names = [quoted(name) for name, _ in answer["headers"].members() if name.lower() != "content-type"]
    if names:
        answer.tally.note(answer.at, f"headers of the answer are not checked: {', '.join(names)}")


def _checks(answer: Part, root: Part) -> Iterator[dict[str, Any]]:
    schema = _media(answer)["schema"]
    if schema:
        checked = json_schema(schema, root)
        if isinstance(checked, Mapping) and checked:
            yield {"jsonpath": "$", "schema": checked}
