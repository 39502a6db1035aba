"""What was heard in a conversation, and when it is over. Pure but for the exchange's clock."""

from __future__ import annotations

import json
from typing import Any

from seatrial import json_text
from seatrial.exchange import MAX_MESSAGES, Conversation, Request
from seatrial.http.progress import Progress
from seatrial.quantity import show_duration
from seatrial.unpack import too_large


class Heard:
    """The messages of one conversation, in their order. `stopped` says what ended it before they were enough."""

    def __init__(self, request: Request, progress: Progress) -> None:
        assert request.conversation is not None
        self._progress = progress
        self._conversation: Conversation = request.conversation
        self._within = show_duration(request.timeout_s)
        self._limit = request.max_body_bytes
        self._size = 0
        self.messages: list[Any] = []
        self.stopped = ""

    def is_enough(self) -> bool:
        """Whether what came so far suffices; asked before the first message too, for none may be wanted."""
        return self._conversation.enough(self.messages)

    def weigh(self, size: int) -> None:
        """So much more was said; TOO_LARGE when it is more than is held."""
        self._size += size
        if self._size > self._limit:
            raise too_large(self._limit)

    def take(self, message: Any) -> bool:
        """Note a message; whether the conversation is over with it. Late when its time is over: one read may bring
        many messages, and to ask whether each suffices may take long."""
        self._progress.left_s()
        self.messages.append(message)
        if self.is_enough():
            return True
        if len(self.messages) < MAX_MESSAGES:
            return False
        self.stopped = f"{MAX_MESSAGES} messages came and were not enough"
        return True

    def run_late(self) -> None:
        """The deadline ended it."""
        self.stopped = f"the deadline of {self._within} passed"

    def body(self) -> bytes:
        """The JSON list of the messages."""
        return json.dumps(self.messages).encode()


def value_of(text: str) -> Any:
    """A message's JSON value where it is JSON, else the text itself."""
    try:
        return json_text.parse(text)
    except ValueError:
        return text
