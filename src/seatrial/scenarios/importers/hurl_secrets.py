"""Keeps the secrets of `.hurl` files out of the documents that are made of them, as every importer does.

Room scenarios, importers, for `hurl` alone. Takes documents with templates of ours in them, gives them back; a
template becomes a mark on the way, so that `Hiding` understands the text around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial.scenarios.importers.drafts import FORM
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Tally
from seatrial.scenarios.importers.marks import Marks, is_marked

_TEMPLATE = re.compile(r"\{\{ ((?:'[^']*'|[^'])*?) \}\}")
_BRACE = "'{'"
_BODIES = ("json", "form", "multipart", "text", "xml", "graphql")
_COMPARED = frozenset({"eq", "contains", "starts_with", "ends_with"})


def without_secrets(content: Mapping[str, Any], tally: Tally) -> dict[str, Any]:
    """The document with a secret's expression wherever a secret stood; the tally learns of each."""
    marks = Marks()
    hiding = Hiding(tally, marks)
    marked = _marked(dict(content), marks)
    steps = [_step(step, hiding) for step in marked["steps"]]
    held = {**marked, **_each(marked, {"vars": hiding.fields}), "steps": steps}
    return {key: marks.value(value) for key, value in held.items()}


def _step(step: dict[str, Any], hiding: Hiding) -> dict[str, Any]:
    """A step; what it sends goes first, for its checks may hold a secret that is known only by that."""
    sent = {**step, **_each(step, {"vars": hiding.fields}), "request": _request(step["request"], hiding)}
    return {**sent, **_each(sent, {"expect": lambda expect: _expect(expect, hiding)})}


def _request(request: dict[str, Any], hiding: Hiding) -> dict[str, Any]:
    credited = _authorized(request, hiding)
    parts: dict[str, Callable[[Any], Any]] = {
        "url": hiding.address,
        "params": hiding.fields,
        "headers": hiding.headers,
        "cookies": hiding.cookies,
        "auth": lambda auth: hiding.value("", auth),
        "proxy": hiding.address,
        "tls": lambda tls: _tls(tls, hiding),
    }
    return {**credited, **_each(credited, parts), **_body(credited, hiding)}


def _each(held: Mapping[str, Any], parts: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: hide(held[name]) for name, hide in parts.items() if name in held}


def _authorized(request: dict[str, Any], hiding: Hiding) -> dict[str, Any]:
    """Credentials in a header become `auth`, which can name the secret apart from what stands around it."""
    headers = request.get("headers", {})
    held = next((name for name in headers if name.lower() == "authorization"), None)
    value = headers[held] if held else None
    if not isinstance(value, str) or is_marked(value) or "auth" in request:
        return request
    auth = hiding.authorization(value)
    if auth is None:
        return request
    others = {name: said for name, said in headers.items() if name != held}
    return {key: said for key, said in _with_auth(request, others, auth) if (key, said) != ("headers", {})}


def _with_auth(request: Mapping[str, Any], headers: Any, auth: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a request in their order, `auth` after the headers it was one of."""
    for key, part in request.items():
        if key == "headers":
            yield key, headers
            yield "auth", auth
        else:
            yield key, part


def _tls(tls: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    return {**tls, **_each(tls, {"password": lambda text: hiding.text("certificate_password", text)})}


def _body(request: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    """The body; a text whose header says it is a form is one, and one that is JSON is looked into as such."""
    body = {kind: request[kind] for kind in _BODIES if kind in request}
    if "text" in body and _content_type(request).startswith(FORM):
        return {"text": hiding.body({"form": body["text"]})["form"]}
    return hiding.body(body)


def _content_type(request: Mapping[str, Any]) -> str:
    headers = request.get("headers", {})
    return next((str(value).lower() for name, value in headers.items() if name.lower() == "content-type"), "")


def _expect(expect: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    return {**expect, **_each(expect, {"checks": lambda checks: [_check(check, hiding) for check in checks]})}


def _check(check: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    """A check; what it compares with is hidden where it asks for something that sounds secret."""
    asked = next((text for text in check.values() if isinstance(text, str)), "")
    name = re.split(r"[.\[\]'\"/ ]+", asked.strip("]'\""))[-1]
    return {key: _compared(key, name, part, hiding) for key, part in check.items()}


def _compared(key: str, name: str, part: Any, hiding: Hiding) -> Any:
    if key == "not" and isinstance(part, Mapping):
        return {inner: _compared(inner, name, value, hiding) for inner, value in part.items()}
    if key not in _COMPARED or not isinstance(part, str):
        return part
    known = hiding.known(part)
    return known if known != part else hiding.body({"text": hiding.value(name, part)})["text"]


def _marked(value: Any, marks: Marks) -> Any:
    """Values whose templates are marks; a brace that was written as a template is a brace again."""
    if isinstance(value, str):
        return _TEMPLATE.sub(lambda found: "{" if found[1] == _BRACE else marks.mark(found[1]), value)
    if isinstance(value, list):
        return [_marked(part, marks) for part in value]
    return {key: _marked(part, marks) for key, part in value.items()} if isinstance(value, dict) else value
