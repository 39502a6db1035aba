"""Webhooks: a letter's JSON posted to an address, signed when the channel has a key.

Takes a channel and a way to send a request, gives a `Post`. A receiver checks
`Seatrial-Signature: sha256=<hex>`, the HMAC-SHA256 of the body's bytes under the shared key, and tells a
letter that came twice by `Seatrial-Delivery` (at least once is promised, not exactly once). Any 2xx answer
means it has the letter. Must never follow a redirect with a signed body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from seatrial import __version__
from seatrial.exchange import Broken, Request
from seatrial.redact import Secrets
from seatrial.store.results import Letter
from seatrial.synthetic.model import Channel
from seatrial.synthetic.notify.post import NotDelivered, Post, Send, look_up

SIGNATURE_HEADER = "Seatrial-Signature"
DELIVERY_HEADER = "Seatrial-Delivery"
TIMEOUT_S = 5.0
_SHOWN_CHARACTERS = 200  # of a refusing receiver's answer


def open_webhook(channel: Channel, *, environment: Mapping[str, str], secrets: Secrets, send: Send) -> Post:
    """A webhook ready to post; CannotRun when the environment lacks its address or its key."""

    def find(name: str) -> str:
        return look_up(name, channel=channel, environment=environment, secrets=secrets)

    url = find(channel.url_env) if channel.url_env else str(channel.url)
    key = find(channel.secret_env) if channel.secret_env else None

    def post(letter: Letter) -> None:
        answer = send(request_of(letter, url=url, key=key))
        if isinstance(answer, Broken):
            raise NotDelivered(f"{answer.cause}: {answer.detail}")
        if not 200 <= answer.status < 300:
            said = answer.body[:_SHOWN_CHARACTERS].decode(errors="replace")
            raise NotDelivered(f"answered {answer.status}: {said}" if said else f"answered {answer.status}")

    return post


def request_of(letter: Letter, *, url: str, key: str | None) -> Request:
    """The request that carries a letter; `key` None leaves it unsigned."""
    body = letter.body.encode()
    headers = (
        ("Content-Type", "application/json"),
        ("User-Agent", f"seatrial/{__version__}"),
        (DELIVERY_HEADER, str(letter.number)),
        *(() if key is None else ((SIGNATURE_HEADER, sign(body, key)),)),
    )
    return Request("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S)


def sign(body: bytes, key: str) -> str:
    """The signature header's value: `sha256=` and the HMAC's hex digits."""
    return f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
