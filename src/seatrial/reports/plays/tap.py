"""TAP, version 14: a test point a step, with what is known of it as YAML.

Room reports. The plan stands at the end, as TAP allows: nobody knows before how many steps a play will have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from seatrial.redact import Secrets
from seatrial.reports.plays.form import Facts
from seatrial.reports.plays.shown import ShownPlay, ShownStep, show_play
from seatrial.scenarios.played import Played

_SPECIAL = re.compile(r"[\\#]")


class Tap:
    """`--tap`."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._points = 0

    def add(self, played: Played) -> Iterator[str]:
        """A comment for the play, and its test points."""
        play = show_play(played, self._secrets)
        yield f"# {_line(play.name)} ({_line(play.file)}), trace {play.trace_id}\n"
        if play.text or not play.steps:
            yield self._whole(play)
        for step in play.steps:
            yield self._step(play, step)

    def head(self, facts: Facts) -> str:
        """The version."""
        del facts
        return "TAP version 14\n"

    def tail(self, facts: Facts) -> str:
        """The plan; of a run that was interrupted, that no more is to come."""
        plan = f"1..{self._points}{'' if self._points else ' # SKIP nothing was played'}\n"
        return f"Bail out! interrupted\n{plan}" if facts.interrupted else plan

    def _whole(self, play: ShownPlay) -> str:
        """What concerns no single step."""
        if play.skipped:
            return self._point("ok", play.name, directive=f" # SKIP {_line(play.skipped)}")
        word = "not ok" if play.failed else "ok"
        return self._point(word, play.name) + _yaml({"message": play.summary, "text": play.text})

    def _step(self, play: ShownPlay, step: ShownStep) -> str:
        name = f"{play.name} > {step.name}"
        if step.skipped:
            return self._point("ok", name, directive=f" # SKIP {_line(step.skipped)}")
        return self._point("not ok" if step.failed else "ok", name) + _yaml(_diagnostics(step))

    def _point(self, word: str, name: str, *, directive: str = "") -> str:
        self._points += 1
        return f"{word} {self._points} - {_line(name)}{directive}\n"


def _diagnostics(step: ShownStep) -> dict[str, Any]:
    """What is known, nothing empty."""
    known: dict[str, Any] = {
        "message": step.summary if step.failed else "",
        "severity": "fail" if step.failed else "",
        "cause": step.cause,
        "section": str(step.section),
        "request": f"{step.method} {step.route}" if step.method else "",
        "status": step.status,
        "duration_ms": None if step.latency_s is None else round(step.latency_s * 1000, 3),
        "attempts": step.attempts if step.attempts > 1 else None,
        "flaky": step.flaky or None,
        "at": dict(zip(("file", "line", "column"), step.where, strict=True)) if step.where else None,
        "text": step.text,
        "degraded": step.degraded,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _yaml(known: dict[str, Any]) -> str:
    """A block of YAML, in which a text of several lines stands as it is and anything else as JSON."""
    lines = ["  ---", *(line for name, value in known.items() for line in _entry(name, value)), "  ..."]
    return "\n".join(lines) + "\n"


def _entry(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and "\n" in value:
        yield f"  {name}: |2-"  # two spaces more than the key, whatever the text itself begins with
        yield from (f"    {line}" if line else "" for line in value.split("\n"))
    elif value not in (None, ""):
        yield f"  {name}: {json.dumps(value, ensure_ascii=False)}"


def _line(text: str) -> str:
    """A text on one line, in which nothing reads as a directive."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
