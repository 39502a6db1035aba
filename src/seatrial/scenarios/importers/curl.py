"""Imports curl command lines: as people paste them, as browsers copy them, as our own reports show them.

Room scenarios, importers. One text, one scenario, a step for each request; what does not change a request is left out
without a word, everything else that has no counterpart is noted. Nothing is run and no file is looked at.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.documents import MAX_BYTES
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.curl_options import ALIASES, SHORT, SILENT, TAKING
from seatrial.scenarios.importers.curl_words import Command, ShellVariable, Word, commands
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import plain_text
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Imported, Tally, quoted
from seatrial.scenarios.importers.marks import Marks, is_marked, percent_encoded
from seatrial.scenarios.importers.naming import sounds_secret
from seatrial.scenarios.importers.targets import Services, on_service, path_of

_MASK = re.compile(r"\*\*\*\(([^()]{1,60})\)")
_UNSHOWN_BODY = re.compile(r"and a body of \d+ characters")
_GLOB = re.compile(r"\[[^\]]*-[^\]]*\]|\{[^}]*,[^}]*\}")


@dataclass
class _Asked:
    """What one request of a command line asks for. Texts hold marks."""

    where: str
    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    data_file: str = ""
    parts: list[str] = field(default_factory=list)
    literal_parts: list[str] = field(default_factory=list)
    user: str = ""
    cookies: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)


def convert(text: str, file: str, *, name: str = "", services: Services | None = None) -> Imported:
    """One scenario of all curl lines in the text. DocumentError when there is none, or a quote is left open."""
    if len(text) > MAX_BYTES:
        raise DocumentError(Where(file, 1, 1), f"larger than {MAX_BYTES} characters", "split it")
    reading = _Reading(file, Tally(), Marks(), services or {})
    found = [draft for command in commands(plain_text(text), file) for draft in reading.drafts(command)]
    if not found:
        hint = "begin each line with `curl`" + ("; copy as cURL (bash), not (cmd)" if "^" in text else "")
        raise DocumentError(Where(file, 1, 1), "no curl line here", hint)
    title = name or found[0].name
    content = drafts.scenario(title, found)
    reading.tally.count("requests", len(found))
    return reading.tally.imported(title, file, drafts.documents([content]))


@dataclass
class _Reading:
    file: str
    tally: Tally
    marks: Marks
    services: Services

    def drafts(self, command: Command) -> Iterator[Draft]:
        """The requests of one command; none, and a note, when it is not curl."""
        words = list(command.words)
        while words and (words[0].text == "$" or "=" in words[0].text.partition("/")[0]):
            first = words.pop(0)
            if first.text != "$":
                self._note(first, f"{quoted(first.text)} sets a shell variable: give it with --var, or as a secret")
        if not words or words[0].text.rpartition("/")[2] not in ("curl", "curl.exe"):
            self._note(command.words[0], f"{quoted(' '.join(word.text for word in command.words))} is not curl")
            return
        if _UNSHOWN_BODY.search(command.comment):
            self._note(words[0], f"the line leaves its body out: {quoted(command.comment)}")
        for asked in self._asked(words[1:]):
            yield from self._requests(asked)

    def _asked(self, words: list[Word]) -> Iterator[_Asked]:
        asked = _Asked(self._place(words[0]) if words else self.file)
        left = list(words)
        while left:
            word = left.pop(0)
            option, inline = _split_option(word.text)
            if option == "next":
                yield asked
                asked = _Asked(self._place(word))
            elif not option:
                asked.urls.append(self._marked(word))
            elif option in TAKING:
                value = self._inline(word, inline) if inline is not None else self._next(left, word)
                self._take(asked, option, value)
            else:
                left[:0] = _bundled(word, inline)
                self._flag(asked, option, word)
        yield asked

    def _inline(self, word: Word, inline: str) -> str:
        """A value written into its option's word, as `-XPOST` or `--request=POST`."""
        return self._marked(word)[len(word.text) - len(inline) :] if inline else ""

    def _next(self, left: list[Word], option: Word) -> str:
        if not left:
            raise DocumentError(Where(self.file, option.line, 1), f"'{option.text}' is given no value", "add it")
        return self._marked(left.pop(0))

    def _marked(self, word: Word) -> str:
        return "".join(self._piece(piece) for piece in word.pieces)

    def _piece(self, piece: str | ShellVariable) -> str:
        if isinstance(piece, str):
            return _MASK.sub(lambda found: self.marks.mark(self.tally.secret_called(found[1])), piece)
        if sounds_secret(piece.name):
            return self.marks.mark(self.tally.secret_called(piece.name))
        name = self.tally.names.of(piece.name.lower())
        self.tally.unset(name)
        return self.marks.mark(name)

    def _take(self, asked: _Asked, option: str, value: str) -> None:
        handler = _HANDLERS.get(option)
        if handler:
            handler(asked, value)
        elif option in _KEPT:
            asked.said[option] = value
        elif option not in SILENT:
            self.tally.note(asked.where, f"--{option} {quoted(self.marks.shown(value))} has no counterpart here")

    def _flag(self, asked: _Asked, option: str, word: Word) -> None:
        if option in _KEPT:
            asked.said[option] = ""
        elif option not in SILENT:
            self.tally.note(self._place(word), f"--{option} has no counterpart here")

    def _requests(self, asked: _Asked) -> Iterator[Draft]:
        if not asked.urls:
            self.tally.note(asked.where, "a curl line without a URL")
        for url in asked.urls:
            draft = _Request(self, asked).draft(url)
            if draft.is_addressed:
                yield draft
            else:
                self.tally.note(asked.where, f"{quoted(self.marks.shown(url))} is not an address over HTTP; left out")

    def _place(self, word: Word) -> str:
        return f"{self.file}:{word.line}"

    def _note(self, word: Word, text: str) -> None:
        self.tally.note(self._place(word), text)


@dataclass
class _Request:
    """One request in the making."""

    reading: _Reading
    asked: _Asked

    def draft(self, url: str) -> Draft:
        """The step for that URL."""
        asked, marks = self.asked, self.reading.marks
        hiding = Hiding(self.reading.tally, marks)
        body, content_type = self._body()
        headers = self._headers(body, content_type)
        auth, headers = self._auth(headers, hiding)
        base, params = drafts.split_query(self._url(url))
        method = self._method(bool(body))
        return Draft(
            name=f"{method} {marks.named(path_of(base))}",
            method=method,
            url=marks.url(on_service(base, self.reading.services)),
            params=marks.value(hiding.fields(params)),
            headers=marks.value(hiding.headers(drafts.fields(headers))),
            cookies=marks.value(hiding.cookies(self._cookies())),
            auth=marks.value(auth),
            body=marks.value(hiding.body(body)),
            more=self._more(),
            timeout=_duration(asked.said.get("max-time", "")),
        )

    def _url(self, url: str) -> str:
        asked = self.asked
        if _GLOB.search(url.partition("?")[0]) and "globoff" not in asked.said:
            self._note(f"curl would make several URLs of {quoted(url)}")
        whole = url if "://" in url else f"http://{url}"
        if "get" not in asked.said or not asked.data:
            return whole
        return f"{whole}{'&' if '?' in whole else '?'}{'&'.join(asked.data)}"

    def _method(self, has_body: bool) -> str:
        said = self.asked.said
        implied = "HEAD" if "head" in said else "POST" if has_body else "GET"
        method = (self.asked.method or ("PUT" if "upload-file" in said else implied)).upper()
        if not re.fullmatch("[A-Z]+", method):
            self._note(f"the method {quoted(method)}")
            return implied
        return method

    def _body(self) -> tuple[dict[str, Any], str]:
        """The body, and the Content-Type curl would send with it."""
        asked = self.asked
        if asked.parts or asked.literal_parts:
            return {
                "multipart": drafts.fields([*map(self._part, asked.parts), *map(_literal_part, asked.literal_parts)])
            }, ""
        if "upload-file" in asked.said:
            return {"file": self._file(asked.said["upload-file"])}, ""
        said = next((value for name, value in asked.headers if name.lower() == "content-type"), None)
        content_type = said or ("application/json" if "json" in asked.said else drafts.FORM)
        if asked.data_file:
            if asked.data:
                self._note(f"data beside the file {quoted(asked.data_file)}")
            return {"file": self._file(asked.data_file)}, content_type
        if "get" in asked.said or not asked.data:
            return {}, ""
        text = ("" if "json" in asked.said else "&").join(asked.data)
        body = drafts.body_of(text, content_type)
        return (drafts.body_of(text, "") if not said and _looks_like_json(text) else body), content_type

    def _part(self, text: str) -> tuple[str, Any]:
        """`name=value`, `name=@file;type=...;filename=...` or `name=<file`."""
        name, _, content = text.partition("=")
        is_file = content[:1] in ("@", "<")
        value, *settings = content.split(";") if is_file else re.split(r";(?=type=)", content)
        said = dict(setting.strip().partition("=")[::2] for setting in settings)
        long = {key: said[key].strip('"') for key in ("filename", "type") if said.get(key)}
        if not is_file:
            return name, {"value": value, **long} if long else value
        if content[0] == "<":
            self._note(f"{quoted(text)} is sent as a file with its name, not as a plain field")
        return name, {"file": self._file(value[1:].strip('"')), **long}

    def _file(self, path: str) -> str:
        """A file of the line, under the path the scenario names it by."""
        if path == "-":
            self._note("curl would read its standard input")
        return self.reading.tally.file(path) if path and not is_marked(path) else path

    def _headers(self, body: Mapping[str, Any], content_type: str) -> list[tuple[str, str | None]]:
        said = {name.lower() for name, _ in self.asked.headers}
        headers = list(self.asked.headers)
        if "json" in self.asked.said and "accept" not in said:
            headers.append(("Accept", "application/json"))
        if body and content_type and "content-type" not in said:
            headers.append(("Content-Type", content_type))
        extra = (("User-Agent", "user-agent"), ("Referer", "referer"))
        headers += [(name, self.asked.said[option]) for name, option in extra if option in self.asked.said]
        implied = drafts.implied_type(body)
        return [
            (name, value)
            for name, value in headers
            if name.lower() not in ("content-length", "cookie", "host" if value is None else "content-length")
            and not (name.lower() == "content-type" and value == implied)
        ]

    def _cookies(self) -> dict[str, Any]:
        lines = [
            *self.asked.cookies,
            *(value or "" for name, value in self.asked.headers if name.lower() == "cookie"),
        ]
        pairs = []
        for line in lines:
            if "=" not in line:
                self._note(f"the cookies of the file {quoted(line)}")
                continue
            for cookie in line.split(";"):
                name, _, value = cookie.strip().partition("=")
                pairs += [(name, value)] if name else []
        return dict(pairs)

    def _auth(
        self, headers: list[tuple[str, str | None]], hiding: Hiding
    ) -> tuple[dict[str, Any] | None, list[tuple[str, str | None]]]:
        said = self.asked.said
        others = [(name, value) for name, value in headers if name.lower() != "authorization"]
        if "aws-sigv4" in said:
            return self._aws(said["aws-sigv4"], hiding), others
        if "oauth2-bearer" in said:
            return {"bearer": hiding.text("token", said["oauth2-bearer"])}, others
        if self.asked.user:
            user, sign, password = self.asked.user.partition(":")
            if not sign:
                self._note(f"curl would ask for the password of {quoted(user)}")
                password = self.reading.marks.mark(self.reading.tally.secret_called("password"))
            kind = "digest" if "digest" in said else "basic"
            return {kind: {"user": user, "password": hiding.text("password", password)}}, others
        held = next((value for name, value in headers if name.lower() == "authorization" and value), "")
        auth = hiding.authorization(held)
        return (auth, others) if auth else (None, headers)

    def _aws(self, provider: str, hiding: Hiding) -> dict[str, Any]:
        names = provider.split(":")
        access, _, secret = self.asked.user.partition(":")
        region, service = (names + [""] * 4)[2:4]
        if not region or not service:
            self._note(f"region and service are not in --aws-sigv4 {quoted(provider)}: fill them in")
        keys = {"access_key": access, "secret_key": hiding.text("secret_key", secret)}
        return {"aws_sigv4": {**keys, "region": region or "us-east-1", "service": service or "execute-api"}}

    def _more(self) -> dict[str, Any]:
        said, text = self.asked.said, self.reading.marks.text
        certificate, _, password = said.get("cert", "").partition(":")
        tls = {
            "verify": False if "insecure" in said else None,
            "ca": text(self._file(said.get("cacert", ""))),
            "cert": text(self._file(certificate)),
            "key": text(self._file(said.get("key", ""))),
            "password": text(Hiding(self.reading.tally, self.reading.marks).text("certificate_password", password)),
        }
        connect = _duration(said.get("connect-timeout", ""))
        more = {
            "follow": self._follow(),
            "tls": {name: value for name, value in tls.items() if value not in (None, "")},
            "proxy": text(said.get("proxy", "")),
            "http_version": 2 if {"http2", "http2-prior-knowledge"} & said.keys() else None,
            "timeout": {"connect": connect} if connect else None,
            "path_as_is": True if "path-as-is" in said else None,
        }
        return {name: value for name, value in more.items() if value not in (None, "", {})}

    def _follow(self) -> Any:
        said = self.asked.said
        if not {"location", "location-trusted"} & said.keys():
            return None
        limit = said.get("max-redirs", "")
        follow: dict[str, Any] = {"max": min(int(limit), 100)} if limit.isdecimal() and int(limit[:9]) > 0 else {}
        if "location-trusted" in said:
            follow["trusted"] = "all"
        return follow or True

    def _note(self, text: str) -> None:
        self.reading.tally.note(self.asked.where, text)


def _split_option(word: str) -> tuple[str, str | None]:
    """The long name of an option and the value within its word; an empty name for what is no option."""
    if word.startswith("--") and len(word) > 2:
        name, sign, value = word[2:].partition("=")
        return ALIASES.get(name, name), value if sign else None
    if word.startswith("-") and len(word) > 1:
        name = SHORT.get(word[1], word[1])
        return name, word[2:] or None
    return "", None


def _bundled(word: Word, inline: str | None) -> list[Word]:
    """The further flags of a word as `-sSL`."""
    if not inline or word.text.startswith("--"):
        return []
    first, *others = word.pieces
    rest = first[2:] if isinstance(first, str) and len(first) > 1 else ""
    text = word.text[2:] if not rest else rest + "".join(p for p in others if isinstance(p, str))
    return [replace(word, pieces=(f"-{text}",))] if text else []


def _header(asked: _Asked, value: str) -> None:
    """`Name: value`; `Name:` sends none, `Name;` an empty one."""
    name, sign, content = value.partition(":")
    if not sign and value.endswith(";"):
        asked.headers.append((value[:-1].strip(), ""))
    elif name.strip():
        asked.headers.append((name.strip(), content.strip() or None))


def _data(asked: _Asked, value: str) -> None:
    if value.startswith("@"):
        asked.data_file = value[1:]
    else:
        asked.data.append(value)


def _urlencoded(asked: _Asked, value: str) -> None:
    """`content`, `=content` or `name=content`."""
    name, sign, content = value.partition("=")
    encoded = percent_encoded(content if sign else value, quote=urllib.parse.quote_plus)
    asked.data.append(f"{name}={encoded}" if sign and name else encoded)


def _json(asked: _Asked, value: str) -> None:
    asked.said["json"] = ""
    _data(asked, value)


def _literal_part(text: str) -> tuple[str, Any]:
    name, _, content = text.partition("=")
    return name, content


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _duration(seconds: str) -> str | None:
    return f"{seconds}s" if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", seconds) and float(seconds) > 0 else None


_HANDLERS: Mapping[str, Callable[[_Asked, str], None]] = {
    "request": lambda asked, value: setattr(asked, "method", value),
    "url": lambda asked, value: asked.urls.append(value),
    "header": _header,
    "data": _data,
    "data-raw": lambda asked, value: asked.data.append(value),
    "data-urlencode": _urlencoded,
    "json": _json,
    "form": lambda asked, value: asked.parts.append(value),
    "form-string": lambda asked, value: asked.literal_parts.append(value),
    "user": lambda asked, value: setattr(asked, "user", value),
    "cookie": lambda asked, value: asked.cookies.append(value),
}
_KEPT = frozenset(
    (
        *("get", "head", "location", "location-trusted", "insecure", "digest", "http2", "http2-prior-knowledge"),
        *("globoff", "path-as-is", "user-agent", "referer", "max-redirs", "max-time", "connect-timeout", "proxy"),
        *("cacert", "cert", "key", "oauth2-bearer", "aws-sigv4", "upload-file"),
    )
)
