"""What a comparison of two realms came to, as reports show it.

Room reports. Frozen. `with_texts` passes every text through a function, as redaction is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial.quantity import counted
from seatrial.slo.diff.judge import Judged, Standing

CAPTION = {
    Standing.DIFFERENCE: "differences",
    Standing.SUSPECTED: "suspected: too few comparisons to tell from rare noise",
    Standing.NOISE: "noise: these differ by themselves too",
}


@dataclass(frozen=True, slots=True)
class DiffPage:
    """`primary` and `candidate` are realms. `left_out` says what was not played and why, `mapped` where captured
    requests went, `notes` what else a reader must know. `interrupted`: not all `rounds` were played."""

    run: str
    primary: str
    candidate: str
    rounds: int
    seed: int
    started_at: float
    took_s: float
    version: str
    judged: Judged
    left_out: tuple[str, ...] = ()
    mapped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def title(self) -> str:
        """Which realms, the primary first."""
        return f"{self.candidate} against {self.primary}"

    @property
    def sureness(self) -> str:
        """How well the noise is known."""
        judged = self.judged
        if not judged.comparisons:
            return "nothing was compared"
        plays = counted(judged.comparisons, "comparison")
        unseen = f"{100 * judged.unseen_ratio:.2g} %"
        return f"noise was measured in {plays}: what differs by itself in fewer than {unseen} of them may be unseen"


def with_texts(page: DiffPage, change: Callable[[str], str]) -> DiffPage:
    """The page with every text changed."""
    changed: DiffPage = _changed(page, change)
    return changed


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if type(value) is str:  # an enum's words are ours
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(part, change) for part in value)
    if isinstance(value, dict):
        return {_changed(key, change): _changed(part, change) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: _changed(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value
