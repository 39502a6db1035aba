"""What every kind of channel is to the rest of the monitor. Imports the words of store and model alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from seatrial.errors import CannotRun
from seatrial.exchange import Answer, Request
from seatrial.redact import Secrets
from seatrial.store.results import Letter
from seatrial.synthetic.model import Channel

Send = Callable[[Request], Answer]
Post = Callable[[Letter], None]


class NotDelivered(Exception):
    """The receiver does not have the letter, or did not say so; the message says what it said."""


class Opener(Protocol):
    """Makes a channel ready: resolves its address and its key from the environment, and keeps them secret."""

    def __call__(self, channel: Channel, *, environment: Mapping[str, str], secrets: Secrets, send: Send) -> Post:
        """CannotRun when the environment lacks what the channel names."""
        ...


def look_up(name: str, *, channel: Channel, environment: Mapping[str, str], secrets: Secrets) -> str:
    """The value of an environment variable a channel names; kept secret from now on."""
    value = environment.get(name, "")
    if not value:
        raise CannotRun(
            f"{channel.where}: channel '{channel.name}' needs the environment variable {name}, "
            f"and it is not set; set it before `seatrial watch`"
        )
    secrets.add(name, value)
    return value
