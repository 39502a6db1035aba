"""One request of a curl line as a draft: what its options ask for, in words of ours.

Room scenarios, importers. Texts hold marks for the expressions in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.hiding import Hiding
from seatrial.scenarios.importers.imported import Tally, quoted
from seatrial.scenarios.importers.marks import Marks, is_marked
from seatrial.scenarios.importers.targets import Services, on_service, path_of

_GLOB = re.compile(r"\[[^\]]*-[^\]]*\]|\{[^}]*,[^}]*\}")

_MAX_REDIRECTS = 100


@dataclass
class Asked:
    """What one request of a command line asks for. Texts hold marks."""

    where: str
    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    data_files: list[str] = field(default_factory=list)
    header_files: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    literal_parts: list[str] = field(default_factory=list)
    user: str = ""
    cookies: list[str] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)


@dataclass
class CurlRequest:
    """One request in the making."""

    asked: Asked
    tally: Tally
    marks: Marks
    services: Services

    def draft(self, url: str) -> Draft:
        """The step for that URL."""
        marks = self.marks
        hiding = Hiding(self.tally, marks)
        body, content_type = self._body()
        headers = self._headers(body, content_type)
        auth, headers = self._auth(headers, hiding)
        base, params = drafts.split_query(hiding.url(self._url(url)))
        method = self._method(bool(body))
        return Draft(
            name=f"{method} {marks.named(path_of(base))}",
            method=method,
            url=marks.url(on_service(base, self.services)),
            params=marks.value(hiding.fields(params)),
            headers=marks.value(hiding.headers(drafts.fields(headers))),
            cookies=marks.value(hiding.cookies(self._cookies())),
            auth=marks.value(auth),
            body=marks.value(hiding.body(body)),
            more=self._more(),
            timeout=self._duration("max-time"),
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
        if asked.data_files:
            return self._data_file(), content_type
        if "get" in asked.said or not asked.data:
            return {}, ""
        text = ("" if "json" in asked.said else "&").join(asked.data)
        body = drafts.body_of(text, content_type)
        return (drafts.body_of(text, "") if not said and _looks_like_json(text) else body), content_type

    def _data_file(self) -> dict[str, Any]:
        """The first file of data; curl would join all of them, and what is said beside them."""
        asked, (first, *others) = self.asked, self.asked.data_files
        if "data-urlencode" in asked.said:
            self._note(f"curl would encode the content of {quoted(first)}")
        if asked.data:
            self._note(f"data beside the file {quoted(first)}")
        for other in others:
            self._note(f"the data of the file {quoted(other)}; only {quoted(first)} is sent")
        return {"file": self._file(first)}

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
        return self.tally.file(path) if path and not is_marked(path) else path

    def _headers(self, body: Mapping[str, Any], content_type: str) -> list[tuple[str, str | None]]:
        for file in self.asked.header_files:
            self._note(f"the headers of the file {quoted(file)}")
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
            if name.lower() not in ("content-length", "cookie")
            and not (name.lower() == "content-type" and (value == implied or "multipart" in body))
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
        names = [name for name, _ in pairs]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self._note(f"the cookie {quoted(name)} is given several times; the last one is sent")
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
                password = self.marks.mark(self.tally.secret_called("password"))
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
        said, text = self.asked.said, self.marks.text
        certificate, _, password = said.get("cert", "").partition(":")
        tls = {
            "verify": False if "insecure" in said else None,
            "ca": text(self._file(said.get("cacert", ""))),
            "cert": text(self._file(certificate)),
            "key": text(self._file(said.get("key", ""))),
            "password": text(Hiding(self.tally, self.marks).text("certificate_password", password)),
        }
        connect = self._duration("connect-timeout")
        if said.get("proxy") == "":
            self._note("an empty --proxy: a proxy that the environment names is used here, unless NO_PROXY is set")
        more = {
            "follow": self._follow(),
            "tls": {name: value for name, value in tls.items() if value not in (None, "")},
            "proxy": text(Hiding(self.tally, self.marks).address(said.get("proxy", ""))),
            "http_version": 2 if {"http2", "http2-prior-knowledge"} & said.keys() else None,
            "timeout": {"connect": connect} if connect else None,
            "path_as_is": True if "path-as-is" in said else None,
        }
        return {name: value for name, value in more.items() if value not in (None, "", {})}

    def _follow(self) -> Any:
        said = self.asked.said
        if not {"location", "location-trusted"} & said.keys():
            return None
        limit = self._redirects(said.get("max-redirs", ""))
        if limit == 0:
            self._note("--max-redirs 0: curl would fail at a redirect; here it is not followed")
            return None
        follow: dict[str, Any] = {} if limit is None else {"max": limit}
        if "location-trusted" in said:
            follow["trusted"] = "all"
        return follow or True

    def _redirects(self, said: str) -> int | None:
        """How many redirects are followed at most; None where nothing is said that we could understand."""
        if not re.fullmatch(r"-1|\d{1,9}", said):
            if said:
                self._note(f"--max-redirs {quoted(self.marks.shown(said))}")
            return None
        if not 0 <= int(said) <= _MAX_REDIRECTS:
            self._note(f"--max-redirs {said}: {_MAX_REDIRECTS} redirects are followed at most")
            return _MAX_REDIRECTS
        return int(said)

    def _duration(self, option: str) -> str | None:
        """The time of an option, to the millisecond; None where it says none, as 0 does."""
        said = self.asked.said.get(option, "")
        if not re.fullmatch(r"\d{1,6}(\.\d{0,9})?|\.\d{1,9}", said):
            if said:
                self._note(f"--{option} {quoted(self.marks.shown(said))}")
            return None
        milliseconds = round(float(said) * 1000)
        if not milliseconds:
            return None
        return f"{said}s" if re.fullmatch(r"\d+(\.\d{1,3})?", said) else f"{milliseconds}ms"

    def _note(self, text: str) -> None:
        self.tally.note(self.asked.where, self.marks.shown(text))


def _literal_part(text: str) -> tuple[str, Any]:
    name, _, content = text.partition("=")
    return name, content


def _looks_like_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")
