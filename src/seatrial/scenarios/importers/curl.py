"""Imports curl command lines: as people paste them, as browsers copy them, as our own reports show them.

Room scenarios, importers. One text, one scenario, a step for each request; what does not change a request is left out
without a word, everything else that has no counterpart is noted. Nothing is run and no file is looked at.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from seatrial.documents import MAX_BYTES
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.curl_options import ALIASES, SHORT, SILENT, TAKING
from seatrial.scenarios.importers.curl_request import Asked, CurlRequest
from seatrial.scenarios.importers.curl_words import Command, ShellVariable, Word, commands
from seatrial.scenarios.importers.drafts import Draft
from seatrial.scenarios.importers.foreign import plain_text
from seatrial.scenarios.importers.imported import Imported, Tally, quoted
from seatrial.scenarios.importers.marks import Marks, percent_encoded
from seatrial.scenarios.importers.naming import sounds_secret
from seatrial.scenarios.importers.targets import Services, split_user

_MASK = re.compile(r"\*\*\*\(([^()]{1,60})\)")
_UNSHOWN_BODY = re.compile(r"and a body of \d+ characters")


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
                self._note(
                    first,
                    f"`{first.text.partition('=')[0]}=` sets a shell variable: give it with --var, or as a secret",
                )
        if not words or words[0].text.rpartition("/")[2] not in ("curl", "curl.exe"):
            self._note(command.words[0], f"{quoted(' '.join(word.text for word in command.words))} is not curl")
            return
        if _UNSHOWN_BODY.search(command.comment):
            self._note(words[0], f"the line leaves its body out: {quoted(command.comment)}")
        for asked in self._asked(words[1:]):
            yield from self._requests(asked)

    def _asked(self, words: list[Word]) -> Iterator[Asked]:
        asked = Asked(self._place(words[0]) if words else self.file)
        left = list(words)
        while left:
            word = left.pop(0)
            option, inline = _split_option(word.text)
            if option == "next":
                yield asked
                asked = Asked(self._place(word))
            elif not option:
                _url(asked, self._marked(word))
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

    def _take(self, asked: Asked, option: str, value: str) -> None:
        handler = _HANDLERS.get(option)
        if handler:
            handler(asked, value)
        elif option in _KEPT:
            asked.said[option] = value
        elif option not in SILENT:
            self.tally.note(asked.where, f"--{option} {quoted(self.marks.shown(value))} has no counterpart here")

    def _flag(self, asked: Asked, option: str, word: Word) -> None:
        if option in _KEPT:
            asked.said[option] = ""
        elif option not in SILENT:
            self.tally.note(self._place(word), f"--{option} has no counterpart here")

    def _requests(self, asked: Asked) -> Iterator[Draft]:
        if not asked.urls:
            self.tally.note(asked.where, "a curl line without a URL")
        for url in asked.urls:
            draft = CurlRequest(asked, self.tally, self.marks, self.services).draft(url)
            if draft.is_addressed:
                yield draft
            else:
                self.tally.note(asked.where, f"{quoted(self.marks.shown(url))} is not an address over HTTP; left out")

    def _place(self, word: Word) -> str:
        return f"{self.file}:{word.line}"

    def _note(self, word: Word, text: str) -> None:
        self.tally.note(self._place(word), text)


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


def _url(asked: Asked, url: str) -> None:
    """A URL; user and password in it are those of `--user`."""
    user, address = split_user(url)
    asked.urls.append(address)
    asked.user = asked.user or urllib.parse.unquote(user)


def _header(asked: Asked, value: str) -> None:
    """`Name: value`; `Name:` sends none, `Name;` an empty one; `@file` has more of them."""
    if value.startswith("@"):
        asked.header_files.append(value[1:])
        return
    name, sign, content = value.partition(":")
    if not sign and value.endswith(";"):
        asked.headers.append((value[:-1].strip(), ""))
    elif name.strip():
        asked.headers.append((name.strip(), content.strip() or None))


def _data(asked: Asked, value: str) -> None:
    if value.startswith("@"):
        asked.data_files.append(value[1:])
    else:
        asked.data.append(value)


def _urlencoded(asked: Asked, value: str) -> None:
    """`content`, `=content`, `name=content`; `@file` and `name@file` name a file."""
    name, sign, content = value.partition("=")
    if not sign and "@" in value:
        asked.data_files.append(value.rpartition("@")[2])
        asked.said["data-urlencode"] = ""
        return
    encoded = percent_encoded(content if sign else value, quote=urllib.parse.quote_plus)
    asked.data.append(f"{name}={encoded}" if sign and name else encoded)


def _json(asked: Asked, value: str) -> None:
    asked.said["json"] = ""
    _data(asked, value)


_HANDLERS: Mapping[str, Callable[[Asked, str], None]] = {
    "request": lambda asked, value: setattr(asked, "method", value),
    "url": _url,
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
