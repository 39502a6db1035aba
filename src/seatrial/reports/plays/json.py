"""The result as JSON, by a published schema (`check.schema.json` beside this file).

Room reports. Keys are a contract: they may be added, never renamed.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from typing import Any

from seatrial.redact import Secrets
from seatrial.reports.plays.form import Facts, Tally
from seatrial.scenarios.played import Played
from seatrial.scenarios.wording import result_json

SCHEMA_FILE = "check.schema.json"


def check_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `--json` writes."""
    text = importlib.resources.files("seatrial.reports.plays").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


class Json:
    """`--json`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._tally = Tally()

    def add(self, played: Played) -> Iterator[str]:
        """One element of `journeys`."""
        comma = ",\n" if self._tally.counts.plays else ""
        self._tally.add(played)
        yield comma + _indented(_play(played, self._secrets))

    def head(self, facts: Facts) -> str:
        """What the run came to, down to where `journeys` begins."""
        counts = self._tally.counts
        about = {
            "version": 1,
            "seatrial": facts.version,
            "realm": facts.realm,
            "exit_code": int(facts.exit_code),
            "close": str(facts.close),
            "started_at": facts.started_at,
            "took_s": facts.took_s,
            "planned": facts.planned,
            "passed": counts.passed,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "requests": counts.requests,
        }
        return json.dumps(about, ensure_ascii=False, indent=2).removesuffix("\n}") + ',\n  "journeys": [\n'

    def tail(self, facts: Facts) -> str:
        """The end of `journeys` and of the document."""
        del facts
        return "\n  ]\n}\n" if self._tally.counts.plays else "  ]\n}\n"


def _play(played: Played, secrets: Secrets) -> dict[str, Any]:
    row = played.result.scenario.row
    return {
        **result_json(played.result, secrets=secrets),
        "journey": secrets.redact(played.journey.name),
        "row": row.number if row else None,
        "started_at": played.started_at,
        "took_s": played.took_s,
        "requests": played.requests,
    }


def _indented(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return "\n".join(f"    {line}" for line in text.split("\n"))
