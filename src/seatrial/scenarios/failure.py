"""What went wrong in a step, as data. `failure_text` words it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.errors import Where
from seatrial.sample import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that was not as expected."""

    where: Where
    cause: Cause
    summary: str
    actual: str = ""
    expected: str = ""
    rendered: Any = None
    notes: tuple[str, ...] = ()
