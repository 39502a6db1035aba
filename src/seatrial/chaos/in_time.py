"""What has a deadline as a whole, though it blocks: a healing, a call of a client that waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from seatrial.errors import FaultFailed

_Given = TypeVar("_Given")


def in_time(act: Callable[[], _Given], deadline_s: float, *, late: str) -> _Given:
    """What `act` gives or raises; FaultFailed that says `late` when it takes longer.

    What is late is left behind in its thread.
    """
    aside = Aside(act)
    if not aside.is_over(within_s=deadline_s):
        raise FaultFailed(late)
    return aside.given()


class Aside(Generic[_Given]):
    """What blocks, begun at once in a thread of its own, which ends with the process if not before."""

    def __init__(self, act: Callable[[], _Given]) -> None:
        self._act = act
        self._given: list[_Given] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, name="in time", daemon=True)
        self._thread.start()

    def is_over(self, *, within_s: float) -> bool:
        """Whether it is, waited for no longer than that."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def given(self) -> _Given:
        """What it gave or raised, once it is over."""
        if self._errors:
            raise self._errors[0]
        return self._given[0]

    def _run(self) -> None:
        try:
            self._given.append(self._act())
        except BaseException as error:  # noqa: BLE001 - handed to who asks for what it gave
            self._errors.append(error)
