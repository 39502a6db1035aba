"""The only door to httpx: sends one rendered `Request`, gives an `Answer`, and raises for nothing a target does.

httpx bounds single reads; here the *whole* exchange has one deadline: name resolution, connecting, TLS, sending, the
head and the drip of the body, and the conversation after it. Redirects are not followed, cookies are not kept, no
header is added but what HTTP itself needs, proxies of the environment are never used for loopback.

A room of its own, by subject: `client` sends; `destination` (URLs), `pool` and `line` (connections, and the network
below httpx's engine), `names` (resolution), `tls`, `nested` (TLS inside TLS), `proxy` and `tunnel` say over what;
`reply` reads what came, below it `frames` what HTTP/2's engine takes amiss; `websocket` and `events` converse,
`conversation` ends it; `digest` answers a challenge; `progress` has the deadline, `failure` the words for what went
wrong, `engine` the choice of httpx or httpx2. Imports only `exchange`, `errors`, `paths`, `quantity`, `sample` and
`unpack`; must never judge an answer.
"""

from __future__ import annotations

from seatrial.exchange import MAX_BODY_BYTES
from seatrial.http.client import Client, get, open_client, post_json, request
from seatrial.http.digest import answer_challenge
from seatrial.http.pool import KEEP_ALIVE_S
from seatrial.http.tls import check_tls

__all__ = [
    "KEEP_ALIVE_S",
    "MAX_BODY_BYTES",
    "Client",
    "answer_challenge",
    "check_tls",
    "get",
    "open_client",
    "post_json",
    "request",
]
