"""One request of a Postman collection as a draft: address, headers, credentials, body.

Room scenarios, importers. Texts come with marks for their variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import Part, json_value
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Tally, quoted
from seatrial.scenarios.importers.marks import MARK, Marks
from seatrial.scenarios.importers.postman_texts import Texts, untyped
from seatrial.scenarios.importers.targets import Services, on_service, split_user

_PATH_VARIABLE = re.compile(r"(?<=/):([A-Za-z_][\w-]*)")
_LANGUAGES = {
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "text": "text/plain",
    "javascript": "application/javascript",
}


@dataclass(frozen=True, slots=True)
class Requests:
    """Drafts requests; `where` of each is what notes call it."""

    texts: Texts
    services: Services

    @property
    def tally(self) -> Tally:
        """Where things are told."""
        return self.texts.tally

    @property
    def marks(self) -> Marks:
        """Where marks come from."""
        return self.texts.marks

    def draft(self, request: Part, name: str, auth: Part) -> Draft:
        """The step of a request (which may be a mere URL), with the credentials that hold for it."""
        marks, hiding = self.marks, Hiding(self.tally, self.marks)
        url, params = self._url(request, name)
        url = hiding.url(url)
        body, content_type = self._body(request["body"], name)
        headers = self._headers(request, name, body, content_type)
        user, url = split_user(url)
        credentials = self._auth(auth, name, hiding)
        if user and credentials is None:
            login, _, password = user.partition(":")
            credentials = {"basic": {"user": login, "password": hiding.text("password", password)}}
        held = next((header for header in headers if header.lower() == "authorization"), None)
        if held and credentials is None and isinstance(headers[held], str):
            credentials = hiding.authorization(headers[held])
            headers = {header: value for header, value in headers.items() if not credentials or header != held}
        return Draft(
            name=name,
            method=self._method(request, name),
            url=marks.url(url),
            params=marks.value(hiding.fields(params)),
            headers=marks.value(hiding.headers(headers)),
            auth=marks.value(credentials),
            body=marks.value(hiding.body(body)),
        )

    def _method(self, request: Part, name: str) -> str:
        method = (request["method"].text() if isinstance(request.value, Mapping) else "").upper() or "GET"
        if re.fullmatch("[A-Z]{1,20}", method):
            return method
        self.tally.note(name, f"the method {quoted(method)}")
        return "GET"

    def _url(self, request: Part, name: str) -> tuple[str, dict[str, Any]]:
        said = request["url"] if isinstance(request.value, Mapping) else request
        raw = said.value if isinstance(said.value, str) else said["raw"].text() or _joined(said)
        base = raw.partition("#")[0].partition("?")[0]
        listed = said["query"] if isinstance(said.value, Mapping) else Part(None, "", self.tally)
        pairs = self._enabled(listed, name, "parameter")
        marked = self._with_path_variables(self.texts.marked(self._address(base)), said, name)
        if listed:
            return marked, drafts.fields(pairs)
        query = raw.partition("#")[0].partition("?")[2]
        return drafts.split_query(f"{marked}?{self.texts.marked(query)}" if query else marked)

    def _address(self, base: str) -> str:
        """The URL with its service or scheme in front."""
        for text in (base, self.texts.expanded(base)):
            found = on_service(text, self.services)
            if found != text:
                return found if text == base else on_service(self._leading_expanded(base), self.services)
        known = self.texts.expanded(base.partition("/")[0] if "://" not in base else base)
        if "://" in base or known.startswith("{{") or "://" in known:
            return base
        return f"http://{base}"

    def _leading_expanded(self, base: str) -> str:
        """The URL with the variable in front put in, and the others left alone."""
        head, sign, rest = base.partition("}}")
        return self.texts.expanded(head + sign) + rest if base.startswith("{{") else self.texts.expanded(base)

    def _with_path_variables(self, url: str, said: Part, name: str) -> str:
        values = {}
        for variable in said["variable"].items() if isinstance(said.value, Mapping) else ():
            values[variable["key"].text() or variable["id"].text()] = variable["value"].text()

        def put(found: re.Match[str]) -> str:
            if values.get(found[1]):
                return self.texts.marked(values[found[1]])
            self.tally.note(name, f"the path variable {quoted(':' + found[1])} has no value")
            return self.marks.mark(self.texts.expression(found[1]))

        return _PATH_VARIABLE.sub(put, url)

    def _enabled(self, listed: Part, name: str, what: str) -> list[tuple[str, str]]:
        """The enabled ones of a list of keys and values; disabled ones are noted."""
        pairs = []
        for one in listed.items():
            key = one["key"].text()
            if one["disabled"].value is True:
                self.tally.note(name, f"the {what} {quoted(key)} is disabled")
            elif key:
                pairs.append((self.marks.shown(self.texts.marked(key)), self.texts.marked(one["value"].text())))
        return pairs

    def _headers(self, request: Part, name: str, body: Mapping[str, Any], content_type: str) -> dict[str, Any]:
        listed = request["header"] if isinstance(request.value, Mapping) else Part(None, "", self.tally)
        if isinstance(listed.value, str):
            lines = [line.partition(":") for line in listed.value.splitlines()]
            pairs = [(key.strip(), self.texts.marked(value.strip())) for key, _, value in lines if key.strip()]
        else:
            pairs = self._enabled(listed, name, "header")
        said = next((value for key, value in pairs if key.lower() == "content-type"), "")
        if not said and body and content_type:
            pairs.append(("Content-Type", content_type))
        implied = drafts.implied_type(body)
        kept = [
            (key, re.sub(r"[\r\n\0]+", " ", value))
            for key, value in pairs
            if key.lower() != "content-length"
            and not (key.lower() == "content-type" and (value == implied or "multipart" in body))
        ]
        return drafts.fields(kept)

    def _body(self, said: Part, name: str) -> tuple[dict[str, Any], str]:
        """The body, and the Content-Type Postman would send with it."""
        mode = said["mode"].text() if isinstance(said.value, Mapping) else ""
        if mode and said["disabled"].value is True:
            self.tally.note(name, f"the body of mode {quoted(mode)} is disabled")
            return {}, ""
        if not mode:
            return {}, ""
        if mode == "raw":
            return self._raw(said, name)
        if mode == "urlencoded":
            return {"form": drafts.fields(self._enabled(said["urlencoded"], name, "field"))}, drafts.FORM
        if mode == "formdata":
            parts = [part for one in said["formdata"].items() for part in self._part(one, name)]
            return {"multipart": drafts.fields(parts)}, ""
        if mode == "file":
            source = said["file"]["src"].text() or said["file"]["content"].text()
            return {"file": self.tally.file(source)}, "application/octet-stream"
        if mode == "graphql":
            return self._graphql(said["graphql"], name), "application/json"
        self.tally.note(name, f"a body of mode {quoted(mode)}")
        return {}, ""

    def _raw(self, said: Part, name: str) -> tuple[dict[str, Any], str]:
        text = self.texts.marked(said["raw"].text())
        if len(text) > drafts.MAX_BODY_CHARACTERS:
            self.tally.note(name, f"a body of {len(text)} characters is too long for a document")
            return {}, ""
        language = said["options"]["raw"]["language"].text()
        content_type = _LANGUAGES.get(language, "")
        if not text:
            return {}, ""
        if content_type == _LANGUAGES["json"] or (not content_type and text.lstrip()[:1] in ("{", "[")):
            value = json_value(text, drafts.MAX_BODY_DEPTH) or self._with_bare_variables(text)
            return ({"json": value[0]} if value else {"text": text}), _LANGUAGES["json"]
        return drafts.body_of(text, content_type or "text/plain"), content_type or "text/plain"

    def _with_bare_variables(self, text: str) -> tuple[Any] | None:
        """JSON in which variables stand where values would, as `{"amount": {{amount}}}`."""
        made, at = "", 0
        for start, end, inside in untyped(text):
            mark = text[start:end]
            typed = mark if inside else self._typed(mark)
            if typed is None:
                return None
            made += text[at:start] + (typed if inside else f'"{typed}"')
            at = end
        return json_value(made + text[at:], drafts.MAX_BODY_DEPTH)

    def _typed(self, mark: str) -> str | None:
        """The mark for a variable as the number it stands for; None when it stands for no number."""
        expression = self.marks.expression(mark) or ""
        original = next((name for name in self.texts.used if self.tally.names.of(name) == expression), None)
        given = self.texts.given.get(original) if original else None
        if given is None or original in self.texts.set_by_scripts:
            return None if expression.startswith("secrets.") else mark
        if re.fullmatch(r"-?\d{1,18}", given.value):
            return self.marks.mark(f"{expression} | int")
        return (
            self.marks.mark(f"{expression} | float") if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", given.value) else None
        )

    def _part(self, one: Part, name: str) -> list[tuple[str, Any]]:
        key = self.marks.shown(self.texts.marked(one["key"].text()))
        if one["disabled"].value is True:
            self.tally.note(name, f"the field {quoted(key)} is disabled")
            return []
        kind = {"type": one["contentType"].text()} if one["contentType"] else {}
        if one["type"].text() == "file":
            sources = one["src"].items() if isinstance(one["src"].value, list) else (one["src"],)
            return [(key, {"file": self.tally.file(source.text()), **kind}) for source in sources]
        value = self.texts.marked(one["value"].text())
        return [(key, {"value": value, **kind} if kind else value)] if key else []

    def _graphql(self, said: Part, name: str) -> dict[str, Any]:
        query = self.texts.marked(said["query"].text())
        held = said["variables"]
        text = self.texts.marked(held.text()) if not isinstance(held.value, Mapping) else ""
        value = (held.value,) if isinstance(held.value, Mapping) else json_value(text, drafts.MAX_BODY_DEPTH)
        if text.strip() and (value is None or not isinstance(value[0], dict)):
            value = self._with_bare_variables(text)
        if text.strip() and value is None:
            self.tally.note(name, f"variables of the query that are no JSON: {quoted(self.marks.shown(text))}")
        variables = {"variables": value[0]} if value and isinstance(value[0], Mapping) else {}
        operation = said["operationName"].text()
        return {"graphql": {"query": query, **variables, **({"operation": operation} if operation else {})}}

    def _auth(self, auth: Part, name: str, hiding: Hiding) -> dict[str, Any] | None:
        kind = auth["type"].text() if isinstance(auth.value, Mapping) else ""
        if kind in ("", "noauth"):
            return None
        said = self._settings(auth[kind])
        make = _AUTHS.get(kind)
        made = make(said, hiding) if make else None
        if made is None:
            self.tally.note(name, f"authorization of type {quoted(kind)}")
        return made

    def _settings(self, listed: Part) -> dict[str, str]:
        """The settings of an `auth`: a list of keys and values (v2.1), or a mapping (v2.0)."""
        if isinstance(listed.value, Mapping):
            return {name: self.texts.marked(part.text()) for name, part in listed.members() if _is_plain(part)}
        return {
            one["key"].text(): self.texts.marked(one["value"].text())
            for one in listed.items()
            if _is_plain(one["value"])
        }


def _is_plain(part: Part) -> bool:
    return isinstance(part.value, (str, int, float))


def _joined(said: Part) -> str:
    """A URL from its parts, where its text is not given."""
    host, path = said["host"], said["path"]
    where = ".".join(one.text() for one in host.items()) if isinstance(host.value, list) else host.text()
    rest = "/".join(one.text() for one in path.items()) if isinstance(path.value, list) else path.text()
    scheme = said["protocol"].text()
    port = f":{said['port'].text()}" if said["port"] else ""
    return f"{scheme}://{where}{port}/{rest.lstrip('/')}" if scheme else f"{where}{port}/{rest.lstrip('/')}"


def _pair(kind: str) -> Callable[[dict[str, str], Hiding], dict[str, Any] | None]:
    def make(said: dict[str, str], hiding: Hiding) -> dict[str, Any]:
        return {
            kind: {"user": said.get("username", ""), "password": hiding.text("password", said.get("password", ""))}
        }

    return make


def _bearer(said: dict[str, str], hiding: Hiding) -> dict[str, Any]:
    return {"bearer": hiding.text("token", said.get("token", ""))}


def _api_key(said: dict[str, str], hiding: Hiding) -> dict[str, Any] | None:
    name = MARK.sub("", said.get("key", ""))
    if not name:
        return None
    held = {"name": name, "value": hiding.text(name, said.get("value", ""))}
    return {"api_key": {**held, "in": "query"} if said.get("in") == "query" else held}


def _oauth2(said: dict[str, str], hiding: Hiding) -> dict[str, Any] | None:
    if said.get("grant_type") == "client_credentials" and said.get("accessTokenUrl"):
        held = {
            "token_url": said["accessTokenUrl"],
            "client_id": said.get("clientId", ""),
            "client_secret": hiding.text("client_secret", said.get("clientSecret", "")),
        }
        return {"oauth2": {**held, **({"scope": said["scope"]} if said.get("scope") else {})}}
    return {"bearer": hiding.text("access_token", said["accessToken"])} if said.get("accessToken") else None


def _aws(said: dict[str, str], hiding: Hiding) -> dict[str, Any]:
    held = {
        "access_key": said.get("accessKey", ""),
        "secret_key": hiding.text("aws_secret_key", said.get("secretKey", "")),
        "region": said.get("region") or "us-east-1",
        "service": said.get("service") or "execute-api",
    }
    session = said.get("sessionToken", "")
    return {
        "aws_sigv4": {**held, **({"session_token": hiding.text("aws_session_token", session)} if session else {})}
    }


_AUTHS: Mapping[str, Callable[[dict[str, str], Hiding], dict[str, Any] | None]] = {
    "basic": _pair("basic"),
    "digest": _pair("digest"),
    "bearer": _bearer,
    "apikey": _api_key,
    "oauth2": _oauth2,
    "awsv4": _aws,
}
