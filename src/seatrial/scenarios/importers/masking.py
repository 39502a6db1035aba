"""Texts and values of strangers without what sounds, or looks, like a secret in them.

Room scenarios, importers. Pure. For what is shown of answers nobody has described: whoever shows more than needed
tells a secret, whoever masks more than needed shows `***`, so in doubt it is masked. A value in a line of its own,
with no name before it, is not known for one unless it looks like one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.scenarios.importers.naming import sounds_like_credential

MASK = "***"

_KEY = r"-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)"
_TOKENS = (
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*",  # signed tokens
    r"\b[spr]k_(?:live|test)_\w+|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}",
    r"\bAKIA[0-9A-Z]{12,}|\bASIA[0-9A-Z]{12,}|\bAIza[\w-]{30,}|\bxox[abeoprs]-[\w-]{8,}|\bSG\.[\w-]{16,}\.[\w-]+",
)
_SHAPED = re.compile(f"(?s:{_KEY})|{'|'.join(_TOKENS)}")
_SCHEME = re.compile(
    r"(?i:(\bbearer\s+)[\w.~+/=-]{6,}|(\b(?:basic|digest|token|negotiate|apikey)\s+)(?=\S*(?-i:[A-Z0-9=]))[\w.~+/=-]{8,})"
)
_USER = re.compile(r"(\b\w{2,12}://)[^\s/?#@\"'<>]+(?=@)")
_ENCODED = re.compile(r"(?<![\w+/-])[\w+/-]{8,}={0,2}(?![\w+/=-])")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")

_QUOTE = r"""\\*["']|&quot;|&\#34;|&\#39;|&apos;|%22|%27"""
_NAMED = re.compile(
    rf"""(?<![\w.-])(?:(?<=%)[0-9A-Fa-f]{{2}})?(?P<open>{_QUOTE})?
    (?P<name>(?:[\w.\[\]-]|%5[BDFbdf]|%2[DEde])++)(?P<close>{_QUOTE})?
    (?P<sign>\s*(?:=>|:=|=|:|%3[ADad]|\sis\s)\s*)""",
    re.VERBOSE,
)
_NEIGHBOUR = re.compile(
    rf"""(?:{_QUOTE})(?:name|key|id)(?:{_QUOTE})\s*:\s*(?:{_QUOTE})(?P<name>[^"\\{{}}]{{1,200}}?)(?:{_QUOTE})\s*,\s*
    (?P<close>{_QUOTE})values?(?:{_QUOTE})(?P<sign>\s*:\s*)""",
    re.VERBOSE,
)
_QUOTED = re.compile(rf"(?P<quote>{_QUOTE})(?P<inner>(?s:\\.|.)*?)(?=(?P=quote)|\Z)", re.VERBOSE)
_MEMBER = re.compile(r"[\[{](?s:.*)|[^,}\]\s]+")
_PAIR = re.compile(r"(?:(?!%26|;\s)[^&\s\"'<>])+")
_REST = re.compile(r"[^\n]+")
_TAG = re.compile(r"(?:<|&lt;)(?P<name>[\w:.-]+)(?P<more>(?:\s[^<>]*?)?)(?P<end>/?(?:>|&gt;))")
_NAMING = re.compile(r"""\b(?:name|id|key|property|http-equiv)\s*=\s*["']?([^"'\s<>]+)""")
_HELD = re.compile(r"""(\b(?:value|content)\s*=\s*)("[^"]*"?|'[^']*'?|[^\s"'<>]+)""")


def masked_value(name: str, value: Any) -> Any:
    """A JSON value that stands under that name: masked whole where the name is a secret's, else in its parts."""
    if sounds_like_credential(name):
        return MASK
    if isinstance(value, Mapping):
        return _masked_members(value)
    if isinstance(value, list):
        return [masked_value("", part) for part in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """The text without the values that `name=value`, `name: value` and markup give to a secret's name, without the
    users of URLs, and without what looks like a secret by itself."""
    shaped = _USER.sub(rf"\1{MASK}", masked_shapes(text))
    marked = _join(_elements(_TAG.sub(_attributes, shaped)))
    return _join(_named(_join(_named(marked, _NEIGHBOUR)), _NAMED))


def masked_shapes(text: str) -> str:
    """The text without what looks like a secret wherever it stands: signed tokens, keys, credentials after their
    scheme, users with their password in base64."""
    if _KEY_LINE.fullmatch(text.strip()):
        return MASK
    schemed = _SCHEME.sub(lambda found: f"{found[1] or found[2]}{MASK}", _SHAPED.sub(MASK, text))
    return _ENCODED.sub(lambda found: MASK if _is_pair(found[0]) else found[0], schemed)


def _join(pieces: Iterator[str]) -> str:
    return "".join(pieces)


def _masked_members(members: Mapping[str, Any]) -> dict[str, Any]:
    """Of `{name: password, value: ...}` the value too: some documents write members so."""
    told = [members[key] for key in ("name", "key", "id", "Name", "Key") if isinstance(members.get(key), str)]
    hidden = {"value", "values"} if any(map(sounds_like_credential, told)) else set()
    return {
        masked_shapes(key): MASK if key.lower() in hidden else masked_value(key, part)
        for key, part in members.items()
    }


def _named(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """The text in pieces, values of secret names replaced; a value that is none may hold further names."""
    done = 0
    for found in pattern.finditer(text):
        if found.start() >= done and sounds_like_credential(_plain_name(found["name"])):
            start, end = _value_at(text, found)
            yield text[done:start] + (MASK if end > start else "")
            done = end
    yield text[done:]


def _plain_name(name: str) -> str:
    return re.sub(r"%5[BDbd]|[\[\]]", " ", name).replace("%5F", "_").replace("%5f", "_")


def _value_at(text: str, named: re.Match[str]) -> tuple[int, int]:
    """Where the value of a name begins and ends."""
    at = named.end()
    if quoted := _QUOTED.match(text, at):
        return quoted.span("inner")
    sign = named["sign"]
    bare = _PAIR if sign == "=" or sign.startswith("%") else _REST
    form = _MEMBER if named["close"] else bare
    found = form.match(text, at)
    return found.span() if found else (at, at)


def _elements(text: str) -> Iterator[str]:
    """`<password>...</password>`, in whatever is written between; to the end where that is not there."""
    done = 0
    for found in _TAG.finditer(text):
        if found.start() >= done and not found["end"].startswith("/") and sounds_like_credential(found["name"]):
            ends = [end for sign in ("</", "&lt;/") if (end := text.find(f"{sign}{found['name']}", found.end())) >= 0]
            end = min(ends, default=len(text))
            yield text[done : found.end()] + (MASK if end > found.end() else "")
            done = end
    yield text[done:]


def _attributes(tag: re.Match[str]) -> str:
    """`<input name="csrf_token" value="...">`."""
    if any(sounds_like_credential(named[1]) for named in _NAMING.finditer(tag["more"])):
        return _HELD.sub(lambda held: f'{held[1]}"{MASK}"', tag[0])
    return tag[0]


def _is_pair(encoded: str) -> bool:
    """Whether it is `user:password` in base64."""
    try:
        padded = encoded.rstrip("=").replace("-", "+").replace("_", "/")
        text = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return ":" in text[1:] and text.isprintable()
