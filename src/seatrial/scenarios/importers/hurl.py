"""`.hurl` files as scenarios of ours; what of a file a scenario cannot say is told with its place.

Room scenarios, importers. The reading is `scenarios.hurl`'s, which also says how an entry is written as a step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.scenarios.hurl.document import to_document
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.imported import Imported, Note


def convert(paths: Sequence[Path], options: HurlOptions) -> Imported:
    """The files, each as a scenario of its name; DocumentError for one that cannot be read."""
    converted = [to_document(path, options) for path in paths]
    contents = [one.content for one in converted]
    return Imported(
        name=converted[0].name,
        source=", ".join(map(str, paths)),
        documents=tuple(drafts.documents(contents)),
        converted=_counts(contents),
        notes=tuple(Note(str(where), text) for one in converted for where, text in one.notes),
        secrets=_once(one.secrets for one in converted),
        variables=_once(one.variables for one in converted),
        files=tuple(dict.fromkeys(drafts.files_in(contents))),
    )


def _counts(contents: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    steps = [step for content in contents for step in content["steps"]]
    checks = sum(len(step.get("expect", {}).get("checks", ())) for step in steps)
    captures = sum(len(step.get("capture", {})) for step in steps)
    return {"scenarios": len(contents), "requests": len(steps), "checks": checks, "captures": captures}


def _once(names: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))
