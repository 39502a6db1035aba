"""Frozen dataclasses for what is made for every request of a load: frozen for mypy, light when made.

At run time freezing costs five times the plain assignment, field by field; mypy, strict on all of this package, holds
every writer off as well. Floor; imports nothing of seatrial.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as light
else:

    def light(*, frozen: bool, slots: bool, **options: bool) -> Callable[[type], type]:
        """As `dataclass`, with which it shares equality, hash and text; what it makes is not to be written to."""
        assert frozen, "what may be written to is a plain dataclass"
        return dataclasses.dataclass(slots=slots, unsafe_hash=options.get("eq", True), **options)


__all__ = ["light"]
