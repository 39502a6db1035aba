"""`http_truncate`: an answer breaks off in the middle of its body, and the connection with it.

in  HTTP/1.1 200 OK, Content-Length: 9, abcdefghi
out HTTP/1.1 200 OK, Content-Length: 9, abcd|
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.http_toxic import HttpToxic, Plan, whole
from seatrial.chaos.proxy.toxics.toxic import LARGEST

if TYPE_CHECKING:
    from seatrial.chaos.proxy.toxics.http_toxic import Occasion


@dataclass(frozen=True)
class HttpTruncate(HttpToxic):
    """So many `bytes` of the body pass, as it was sent (of a chunked one its framing, too); then all is closed.

    A body that is not longer passes whole. One without a length ends where it is cut, and no caller can tell.
    """

    kind: ClassVar[str] = "http_truncate"
    limit_bytes: int = whole("bytes", default=0, least=0, most=LARGEST)

    def alter(self, plan: Plan, occasion: Occasion) -> Plan:
        before = plan.cut_after_bytes
        least = self.limit_bytes if before is None else min(before, self.limit_bytes)
        return replace(plan, cut_after_bytes=least)
