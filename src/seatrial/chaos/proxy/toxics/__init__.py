"""The kinds of toxic, one file each. A new kind is a file here and a line in `KINDS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.chaos.proxy.toxics.bandwidth import Bandwidth
from seatrial.chaos.proxy.toxics.http_delay import HttpDelay
from seatrial.chaos.proxy.toxics.http_error import HttpError
from seatrial.chaos.proxy.toxics.http_replace import HttpReplace
from seatrial.chaos.proxy.toxics.http_truncate import HttpTruncate
from seatrial.chaos.proxy.toxics.latency import Latency
from seatrial.chaos.proxy.toxics.limit_data import LimitData
from seatrial.chaos.proxy.toxics.noop import Noop
from seatrial.chaos.proxy.toxics.reset_peer import ResetPeer
from seatrial.chaos.proxy.toxics.slicer import Slicer
from seatrial.chaos.proxy.toxics.slow_close import SlowClose
from seatrial.chaos.proxy.toxics.timeout import Timeout

if TYPE_CHECKING:
    from seatrial.chaos.proxy.toxics.toxic import Settings

_ALL: tuple[type[Settings], ...] = (
    Bandwidth,
    HttpDelay,
    HttpError,
    HttpReplace,
    HttpTruncate,
    Latency,
    LimitData,
    Noop,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
)
KINDS: dict[str, type[Settings]] = {toxic.kind: toxic for toxic in _ALL}
