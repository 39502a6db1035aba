"""Conversations of a step: what is said and waited for on a WebSocket or a stream of events. Pure.

Room scenarios. Gives the `Conversation` a driver holds, and what was not heard in the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import match
from seatrial.exchange import Conversation, Response
from seatrial.quantity import counted
from seatrial.sample import Cause
from seatrial.scenarios.answers.wanted import WantedJson
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.model import Step
from seatrial.scenarios.sending.request import Talk
from seatrial.template import Scope

MAX_SHOWN = 5
"""Of the messages that came instead."""


def conversation(talk: Talk, scope: Scope) -> Conversation:
    """What to say, and when enough was heard; a message that is no text is said as JSON."""
    patterns = [_filled(wanted, scope) for wanted in talk.hear]
    send = tuple(_message(value.render(scope)) for value in talk.send)
    return Conversation(talk.kind, _Enough(patterns), send)


def unheard(step: Step, response: Response, scope: Scope) -> Iterator[Failure]:
    """The first message that was waited for in vain; nothing for a step that held no conversation."""
    talk = step.request.talk
    if talk is None or not response.stopped:
        return
    heard = _messages(response)
    met = _met([_filled(wanted, scope) for wanted in talk.hear], heard)
    if met == len(talk.hear):  # a pattern that asks the clock may be met only now
        return
    missing = talk.hear[met]
    shown = ", ".join(map(match.plain, heard[-MAX_SHOWN:]))
    came = counted(len(heard), "message") + (f", the last: {shown}" if heard else "")
    yield Failure(
        where=missing.where,
        cause=Cause.CHECK,
        summary=f"{response.stopped} before the message came that was waited for",
        actual=f"{response.stopped}; {came}",
        expected="a message as this one",
    )


def _messages(response: Response) -> list[Any]:
    try:
        heard = json.loads(response.body)
    except ValueError:
        return []
    return heard if isinstance(heard, list) else []


class _Enough:
    """Whether every pattern was met: each message is asked once, however often it is shown again.

    A request may be sent more than once (a challenge, a redirect): another list is another conversation.
    """

    def __init__(self, patterns: Sequence[match.Pattern]) -> None:
        self._patterns = patterns
        self._heard: Sequence[Any] | None = None
        self._asked = 0
        self._met = 0

    def __call__(self, heard: Sequence[Any]) -> bool:
        if heard is not self._heard:
            self._heard, self._asked, self._met = heard, 0, 0
        self._met += _met(self._patterns[self._met :], heard[self._asked :])
        self._asked = len(heard)
        return self._met == len(self._patterns)


def _met(patterns: Sequence[match.Pattern], heard: Sequence[Any]) -> int:
    """How many of the patterns were met, each by a message of its own, in order."""
    met = 0
    for message in heard:
        if met == len(patterns):
            break
        if not match.mismatches(patterns[met], message):
            met += 1
    return met


def _filled(wanted: WantedJson, scope: Scope) -> match.Pattern:
    return match.fill(wanted.pattern, lambda value: value.render(scope)) if wanted.templated else wanted.pattern


def _message(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
