"""What keeps the start of a command short. For the console script alone: a library leaves a process as it is."""

from __future__ import annotations

import gc

COLLECT_EVERY = 50_000


def start_short() -> None:
    """Call before anything heavy is imported."""
    # Nearly all that is made in the first half second (code, types, documents) lives to the end: looking through it
    # for garbage every 700 objects takes a fifth of a short check. Garbage is still collected, in larger portions.
    gc.set_threshold(COLLECT_EVERY, 20, 20)
