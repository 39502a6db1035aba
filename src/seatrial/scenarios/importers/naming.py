"""Names and texts of other tools made safe for ours: variables, files, and braces that mean nothing.

Room scenarios, importers. Pure, but for `Names`, which remembers what it gave out.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from seatrial import template

_CREDENTIALS = re.compile(
    r"(?i:bearer|basic|token) \S{8}|eyJ[\w-]{8,}\.[\w-]{8,}\.|sk_live_\w|gh[pousr]_\w{16}|AKIA[0-9A-Z]{12}"
)
_MARKS = re.compile(r"\{[{%#]")
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "apikey",
        "credential",
        "credentials",
        "authorization",
        "jwt",
        "bearer",
        "pin",
        "otp",
    ]
)
_KEY_OWNERS = frozenset(
    [
        "api",
        "access",
        "secret",
        "private",
        "auth",
        "subscription",
        "client",
        "account",
        "consumer",
        "signing",
        "functions",
    ]
)
_SESSION_WORDS = frozenset(
    ["session", "sessionid", "sid", "sess", "auth", "csrf", "xsrf", "csrftoken", "phpsessid", "jsessionid"]
)
_CREDENTIAL_WORDS = frozenset(
    [
        "cookie",
        "sig",
        "signature",
        "hmac",
        "pass",
        "passcode",
        "passwort",
        "kennwort",
        "pw",
    ]
)
_CREDENTIAL_ENDS = ("password", "passwd", "passphrase", "secret", "token", "apikey", "session", "sessionid", "jwt")
_MORE_KEY_OWNERS = frozenset(["ssh", "encryption", "master", "webhook", "license", "deploy", "host"])
_ONE_TIME_WORDS = frozenset(["ticket", "assertion", "samlresponse", "saml", "verifier"])
_CODE_OWNERS = frozenset(["access", "login", "verification", "security", "device", "recovery", "invite", "oauth"])
_NO_NAMES = frozenset(
    {*keyword.kwlist, "true", "false", "none", "loop", "self", "row", "env", "file", "faker", "run"}
)


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between `{{` and `}}`."""

    text: str


Piece = str | Expression


@dataclass
class Names:
    """Variables under the names a template can use; the same original always gives the same name."""

    given: dict[str, str] = field(default_factory=dict)

    def of(self, original: str) -> str:
        """The name for that original: itself where possible, and never one that is taken or means something else."""
        if original not in self.given:
            wanted, taken = identifier(original), set(self.given.values())
            numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
            self.given[original] = next(name for name in (wanted, *numbered) if name not in taken)
        return self.given[original]


def identifier(text: str) -> str:
    """A name for templates that is as near to the text as can be."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text.strip()).strip("_") if not _is_name(text) else text
    if not name or name[0].isdigit():
        name = f"v_{name}".rstrip("_")
    return f"{name}_" if name in _NO_NAMES or name in template.RESERVED else name


def secret_name(hint: str) -> str:
    """A name for a secret, in lower case with underscores: `X-Api-Key` is `x_api_key`."""
    return identifier("_".join(words(hint)) or "secret")


def words(text: str) -> list[str]:
    """The words of a name in lower case, however it joins them."""
    spaced = _WORD_STARTS.sub(" ", text[:200])
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def sounds_secret(name: str) -> bool:
    """Whether a value of that name had better be kept out of files: passwords, tokens, keys."""
    parts = words(name)
    if not parts or parts[-1] in (
        "url",
        "uri",
        "type",
        "endpoint",
        "path",
        "expiry",
        "expires",
        "id",
        "name",
        "count",
    ):
        return False
    key = parts[-1] == "key" and (len(parts) == 1 or bool(_KEY_OWNERS & set(parts)))
    return key or bool(_SECRET_WORDS & set(parts)) or "".join(parts) in _SECRET_WORDS


def looks_secret(value: str) -> bool:
    """Whether a value says by itself that it lets its owner in: credentials with their scheme, signed tokens."""
    return bool(_CREDENTIALS.match(value))


def sounds_like_session(name: str) -> bool:
    """Whether a cookie of that name lets its owner in."""
    return sounds_secret(name) or bool(_SESSION_WORDS & {*words(name), name.lower()})


def sounds_like_credential(name: str) -> bool:
    """Whether a value of that name in a stranger's answer may let somebody in. More is taken for one than in
    documents: plurals (`tokens`), words run together (`accesstoken`), signatures."""
    return sounds_like_session(name) or any(map(_is_credential_word, words(name))) or _is_key(words(name))


def sounds_like_one_time(name: str) -> bool:
    """Whether what is sent under that name lets its sender in once: codes of a login, tickets, assertions."""
    parts = words(name)
    code = parts[-1:] == ["code"] and (len(parts) == 1 or bool(_CODE_OWNERS & set(parts)))
    return code or bool(_ONE_TIME_WORDS & set(parts))


def _is_credential_word(word: str) -> bool:
    one = word.removesuffix("s") if word not in _CREDENTIAL_WORDS else word
    return bool({word, one} & (_CREDENTIAL_WORDS | _SESSION_WORDS | (_SECRET_WORDS - {"pin"}))) or one.endswith(
        _CREDENTIAL_ENDS
    )


def _is_key(parts: list[str]) -> bool:
    return parts[-1:] in (["key"], ["keys"]) and bool((_KEY_OWNERS | _MORE_KEY_OWNERS) & set(parts))


def file_name(text: str) -> str:
    """A file's name for a scenario, without its extension: lower case, hyphens, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words(text)))[:60].strip("-") or "imported"


def template_text(pieces: Iterable[Piece]) -> str:
    """A text of ours from texts that mean themselves and expressions. Exactly one expression keeps its type."""
    out = ""
    for piece in merged(pieces):
        if isinstance(piece, str):
            out += literal(piece)
        else:
            out = (f"{out[:-1]}{{{{ '{{' }}}}" if out.endswith("{") else out) + f"{{{{ {piece.text} }}}}"
    return out


def literal(text: str) -> str:
    """A text of ours that renders to exactly that text, whatever braces it holds."""
    return _MARKS.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces with neighbouring texts joined and empty ones left out."""
    waiting = ""
    for piece in pieces:
        if isinstance(piece, str):
            waiting += piece
            continue
        if waiting:
            yield waiting
        waiting = ""
        yield piece
    if waiting:
        yield waiting


def _is_name(text: str) -> bool:
    return text.isascii() and text.isidentifier() and not text.startswith("__")
