"""`http_error`: requests are answered with an error, here, or in place of what the upstream answered.

caller --GET-->  proxy                   503 at once; the upstream never sees the request
caller --POST--> proxy --POST--> upstream
       <--503--        <--201--          with `forward`: the work was done, and the answer is lost
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.http_toxic import (
    Answer,
    HttpToxic,
    Plan,
    body_text,
    flag,
    header_fields,
    wanted_of_headers,
    whole,
    whole_or_none,
)

if TYPE_CHECKING:
    from seatrial.chaos.proxy.toxics.http_toxic import Occasion


@dataclass(frozen=True)
class HttpError(HttpToxic):
    """The answer is `status` with `headers` and `body`; `retry_after` (seconds) is the header of that name.

    The caller gets it when its request is complete, and the connection stays open if the request lets it.
    """

    kind: ClassVar[str] = "http_error"
    status: int = whole("status", default=503, least=400, most=599)
    body: str = body_text("body", default="injected by seatrial\n")
    headers: tuple[tuple[str, str], ...] = header_fields("headers", wanted_of_headers)
    retry_after_s: int | None = whole_or_none("retry_after", least=0, most=86_400)
    forward: bool = flag("forward")

    def alter(self, plan: Plan, occasion: Occasion) -> Plan:
        after = () if self.retry_after_s is None else (("Retry-After", str(self.retry_after_s)),)
        answer = Answer(self.status, (*after, *self.headers), self.body.encode())
        return replace(plan, instead=answer, forward=self.forward)
