"""`http_delay`: single answers come late, or (upstream) single requests.

in  --answer----------->
out ----------answer--->    by `delay` +- `jitter`; what follows on the connection keeps its order and waits
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.http_toxic import HttpToxic, Plan, whole
from seatrial.chaos.proxy.toxics.toxic import Stream

if TYPE_CHECKING:
    from seatrial.chaos.proxy.toxics.http_toxic import Occasion

_LONGEST_MS = 86_400_000


@dataclass(frozen=True)
class HttpDelay(HttpToxic):
    """An answer is held for a time uniform in `delay` +- `jitter` from when its head has come; upstream a request."""

    kind: ClassVar[str] = "http_delay"
    streams: ClassVar[tuple[Stream, ...]] = tuple(Stream)
    delay_ms: int = whole("delay", default=0, least=0, most=_LONGEST_MS)
    jitter_ms: int = whole("jitter", default=0, least=0, most=_LONGEST_MS)

    def alter(self, plan: Plan, occasion: Occasion) -> Plan:
        late_ms = occasion.dice.uniform(self.delay_ms - self.jitter_ms, self.delay_ms + self.jitter_ms)
        late_s = max(0.0, late_ms) / 1000
        if occasion.stream is Stream.UPSTREAM:
            return replace(plan, request_late_s=plan.request_late_s + late_s)
        return replace(plan, answer_late_s=plan.answer_late_s + late_s)
