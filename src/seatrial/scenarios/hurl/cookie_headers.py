"""Takes a header Cookie of a `.hurl` file apart, so that its cookies are sent beside the stored ones, as Hurl does.

Room scenarios, private to `hurl`. Pure.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from seatrial.scenarios.hurl.syntax import Hole, Pair, Request, Text

MAX_COOKIES = 8192
"""Characters of a header that is taken apart; a longer one is sent as it is."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def cookies_apart(request: Request) -> Request:
    """The request with the cookies of its headers as those of its section, which Hurl does not send beside a header.

    Headers that hold anything but `name=value` pairs stay, and are then all that is sent.
    """
    written = [pair for pair in request.headers if _is_cookie(pair)]
    if not written:
        return request
    found = [_pairs(pair) for pair in written]
    apart = tuple(pair for pairs in found if pairs is not None for pair in pairs)
    if any(pairs is None for pairs in found):
        return dataclasses.replace(request, cookies=())
    others = tuple(pair for pair in request.headers if not _is_cookie(pair))
    return dataclasses.replace(request, headers=others, cookies=apart)


def _is_cookie(pair: Pair) -> bool:
    return (pair.name.plain or "").lower() == "cookie"


def _pairs(header: Pair) -> list[Pair] | None:
    if header.value.where.width > MAX_COOKIES:
        return None
    pairs = [_pair(part, header) for part in _parts(header.value)]
    return None if None in pairs else [pair for pair in pairs if pair is not None]


def _pair(text: Text, header: Pair) -> Pair | None:
    """`name=value`, of which the name has no holes."""
    for index, piece in enumerate(text.pieces):
        if isinstance(piece, str) and "=" in piece:
            name, _, rest = piece.partition("=")
            if index or not _NAME.fullmatch(name.strip()):
                return None
            value = (*([rest] if rest else []), *text.pieces[1:])
            return Pair(Text((name.strip(),), header.where), Text(value, header.value.where), header.where)
    return None


def _parts(text: Text) -> Iterator[Text]:
    """The text cut at its semicolons."""
    part: list[str | Hole] = []
    for piece in text.pieces:
        first, *rest = piece.split(";") if isinstance(piece, str) else [piece]
        part += [first] if first else []
        for word in rest:
            yield Text(tuple(part), text.where)
            part = [word] if word else []
    if part:
        yield Text(tuple(part), text.where)
