"""Makes foreign text safe to show: what a target answered may hold anything.

Room reports. Pure, standard library only. Escaping for a form (HTML, XML) is that form's own; this is what none of
them may carry: control characters, lone surrogates, and marks that turn the reading direction of what follows.
"""

from __future__ import annotations

import re

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_PICTURES = 0x2400  # Unicode's pictures of control characters: ESC is shown as one sign
_DELETE = 0x7F
_PICTURE_OF_DELETE = "\u2421"
_REPLACEMENT = "\ufffd"


def printable(text: str) -> str:
    """The text with every control character but tab and line feed as its picture (`ESC` as one sign).

    Line ends become line feeds. What is left is valid in XML 1.0 and UTF-8.
    """
    return _UNSHOWABLE.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < ord(" "):
        return chr(_PICTURES + code)
    return _PICTURE_OF_DELETE if code == _DELETE else _REPLACEMENT
