"""JSON paths (RFC 9535), written piece by piece. Room scenarios, importers. Pure."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def member(path: str, name: str) -> str:
    """The path of a member below `path`."""
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{escaped}']"


def element(path: str, index: int) -> str:
    """The path of an element below `path`; negative counts from the end."""
    return f"{path}[{index}]"
