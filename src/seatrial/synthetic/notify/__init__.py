"""The ways an alert leaves the house. One module per kind of channel; `OPENERS` is the list of them.

A channel is opened into a `Post`: it is given a letter and returns when the receiver has it, else raises
`NotDelivered`. `outbox.py` decides when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.synthetic.model import ChannelKind
from seatrial.synthetic.notify import webhook
from seatrial.synthetic.notify.post import Opener

OPENERS: Mapping[ChannelKind, Opener] = {ChannelKind.WEBHOOK: webhook.open_webhook}
