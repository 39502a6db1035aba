"""`.hurl` files as scenarios of ours; what of a file a scenario cannot say is told with its place.

Room scenarios, importers. The reading is `scenarios.hurl`'s, which also says how an entry is written as a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial.scenarios.hurl.document import Converted, to_document
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.importers import drafts
from seatrial.scenarios.importers.hurl_secrets import without_secrets
from seatrial.scenarios.importers.imported import Imported, Tally


def convert(paths: Sequence[Path], options: HurlOptions) -> Imported:
    """The files, each as a scenario of its name; DocumentError for one that cannot be read."""
    tally = Tally()
    for name, value in options.secrets.items():
        tally.secret_given(name, value)
    converted = [to_document(path, options) for path in paths]
    contents = [without_secrets(one.content, tally) for one in converted]
    for one in converted:
        _tell(one, tally)
    for file in drafts.files_in(contents):
        tally.files.setdefault(file, file)
    for what, number in _counts(contents).items():
        tally.count(what, number)
    return tally.imported(converted[0].name, ", ".join(map(str, paths)), drafts.documents(contents))


def _tell(converted: Converted, tally: Tally) -> None:
    for where, text in converted.notes:
        tally.note(str(where), text)
    for name in converted.variables:
        tally.unset(name)


def _counts(contents: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    steps = [step for content in contents for step in content["steps"]]
    checks = sum(len(step.get("expect", {}).get("checks", ())) for step in steps)
    captures = sum(len(step.get("capture", {})) for step in steps)
    return {"requests": len(steps), "checks": checks, "captures": captures}
