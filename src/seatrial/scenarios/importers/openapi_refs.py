"""References of an OpenAPI document: `$ref`s followed within the document, and nowhere else.

Room scenarios, importers. A reference to another file or address is refused with a note: an import reads one
document.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.imported import quoted

_HOPS = 20


def resolved(part: Part, root: Part) -> Part:
    """What a part stands for: itself, or what its `$ref` leads to; absent where that leads nowhere."""
    for _ in range(_HOPS):
        if not isinstance(part.value, Mapping) or not isinstance(part.value.get("$ref"), str):
            return part
        part = _target(part, part.value["$ref"], root)
    part.tally.note(part.at, f"references lead on for more than {_HOPS} steps")
    return Part(None, part.at, part.tally)


def _target(part: Part, reference: str, root: Part) -> Part:
    if not reference.startswith("#"):
        part.tally.note(part.at, f"{quoted(reference)} is another document; references are followed within one")
        return Part(None, part.at, part.tally)
    found: Any = root.value
    for name in reference.removeprefix("#").split("/")[1:]:
        found = _member(found, urllib.parse.unquote(name).replace("~1", "/").replace("~0", "~"))
    if found is None or reference == "#":
        part.tally.note(part.at, f"{quoted(reference)} leads nowhere")
        return Part(None, part.at, part.tally)
    return Part(found, reference.removeprefix("#/").replace("/", "."), part.tally)


def _member(held: Any, name: str) -> Any:
    if isinstance(held, Mapping):
        return held.get(name)
    return held[int(name)] if isinstance(held, list) and name.isdecimal() and int(name) < len(held) else None
