"""Which signals end a command in order, and how they are held back while something must not be left half done.

Half done is: started and not noted, or half stopped.
Must only be put around what ends by itself within seconds.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> tuple[signal.Signals, ...]:
    """The signals that end a command in order: Ctrl-C, SIGTERM, and SIGHUP, unless that is ignored (`nohup`)."""
    return tuple(
        number for number in _NUMBERS if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    )


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """What comes meanwhile arrives at the end of the block, once of each kind.

    Outside the main thread nothing is done: no signal arrives there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: dict[int, None] = {}

    def keep(number: int, frame: FrameType | None) -> None:
        del frame
        came[number] = None

    before = {number: signal.signal(number, keep) for number in heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for held in came:
            signal.raise_signal(held)
