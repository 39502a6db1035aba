"""What keeps start and end of a command short. For the console script alone: a library leaves a process as it is."""

from __future__ import annotations

import atexit
import gc

COLLECT_EVERY = 50_000


def start_short() -> None:
    """Call before anything heavy is imported."""
    # Nearly all that is made in the first half second (code, types, documents) lives to the end: looking through it
    # for garbage every 700 objects takes a fifth of a short check. Garbage is still collected, in larger portions.
    gc.set_threshold(COLLECT_EVERY, 20, 20)
    # At its end Python looks through everything once more, only to free what the system frees at once: this spares it
    # a fifth of a short check too. Registered first it is called last, when all has been closed that asked for it.
    atexit.register(gc.freeze)
