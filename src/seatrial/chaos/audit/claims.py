"""How it shows that what services say of themselves is not so: that they are ready, that an answer is whole.

Pure; signatures as elsewhere.
"""

from __future__ import annotations

from collections import Counter

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import LEAST_CALLS, MOST_RATIO, read, too_few
from seatrial.chaos.audit.view import View
from seatrial.chaos.seen import traffic
from seatrial.quantity import counted
from seatrial.sample import Cause, Phase, Sample

LEAST_ASKED = 8
LEAST_SAID = 3
SOON_S = 1.0  # so long into the fault a service may still go by what it last saw


def not_ready(view: View) -> Reading:
    """28: the service says that it is ready while all fails that needs a dependency it cannot do without."""
    if not any(map(_is_ready, view.health_before)):
        return Reading(Sign.NOT_JUDGED, f"no `ready` path of {view.strain.edge.caller} said before that it is ready")
    since = view.fault.started_at + SOON_S
    asked = [item.call for item in view.asked if item.call.started_at >= since]
    said = [item for item in view.health if item.started_at >= since]
    if len(asked) < LEAST_ASKED:
        return too_few(len(asked), "requests that need it", LEAST_ASKED)
    if len(said) < LEAST_SAID:
        return too_few(len(said), "questions whether it is ready", LEAST_SAID)
    failed = sum(not traffic.is_good(call) for call in asked)
    requests = f"{failed} of {counted(len(asked), 'request')} that need {view.strain.edge.callee} failed"
    if failed < MOST_RATIO * len(asked):
        return Reading(Sign.NOT_JUDGED, f"only {requests}", len(asked), failed)
    ready = sum(map(_is_ready, said))
    text = f"it said {ready} of {len(said)} times that it is ready, while {requests}"
    return read(ready >= MOST_RATIO * len(said), text, n=len(said), bad=ready)


def passed_off(view: View) -> Reading:
    """24: answers lack what journeys expect of them and had before, and no more of them say that they are degraded.

    How an answer says so is told by the journeys' checks of severity `degraded`; steps without one are not seen here.
    """
    if not view.answers:
        return Reading(Sign.NOT_JUDGED, "no journey checks, with severity `degraded`, how a degraded answer says so")
    lacking, degraded, before = Counter[tuple[str, str]](), Counter[tuple[str, str]](), set[tuple[str, str]]()
    for second in view.answers:
        step, missed = (second.scenario, second.step), second.causes.get(Cause.CHECK, 0)
        if second.phase is Phase.DURING:
            lacking[step] += missed
            degraded[step] += second.degraded
        elif second.phase is Phase.HOLD and missed:
            before.add(step)
    steps = [step for step in lacking if step not in before]
    bad, told = sum(lacking[step] for step in steps), sum(degraded[step] for step in steps)
    if max(bad, told) < LEAST_CALLS:
        return too_few(max(bad, told), "answers that lacked something or said that they are degraded", LEAST_CALLS)
    silent = sum(max(0, lacking[step] - degraded[step]) for step in steps)
    text = (
        f"{counted(bad, 'answer')} lacked what a journey expects, {silent} of them without a word that it is degraded"
    )
    return read(silent >= LEAST_CALLS and 2 * silent >= bad, text, n=max(bad, told), bad=silent)


def _is_ready(said: Sample) -> bool:
    return said.status is not None and said.status < 400
