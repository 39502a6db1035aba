"""`http_replace`: an answer says something else than the upstream said.

in  200 {"balance": 100, "owner": "Ada"}
out 200 {"balance": null, "owner": "Ada"}     `json: {/balance: null}`
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.edit import Edit
from seatrial.chaos.proxy.heads import BODYLESS
from seatrial.chaos.proxy.toxics.http_toxic import (
    HttpToxic,
    Plan,
    body_text_or_none,
    header_fields,
    members,
    wanted_of_headers,
    whole_or_none,
)

if TYPE_CHECKING:
    from seatrial.chaos.proxy.edit import Headers
    from seatrial.chaos.proxy.toxics.http_toxic import Occasion


@dataclass(frozen=True)
class HttpReplace(HttpToxic):
    """Another `status`, other `headers`, another `body`, or in a JSON body other values at JSON Pointers (`json`).

    A body of up to 1 MiB can have its members replaced; one that is longer, encoded, no JSON, or has no such place
    passes as it was.
    """

    kind: ClassVar[str] = "http_replace"
    status: int | None = whole_or_none("status", least=200, most=599)
    headers: tuple[tuple[str, str], ...] = header_fields("headers", wanted_of_headers)
    body: str | None = body_text_or_none("body")
    json: tuple[tuple[str, str], ...] = members("json")

    def fault(self) -> str | None:
        return wanted_of_replacement(self.status, self.headers, self.body, self.json)

    def alter(self, plan: Plan, occasion: Occasion) -> Plan:
        body = None if self.body is None else self.body.encode()
        return replace(plan, edit=plan.edit.then(Edit(self.status, self.headers, body, self.json)))


def wanted_of_replacement(status: int | None, headers: Headers, body: str | None, json: Headers) -> str | None:
    """What would be right about settings that cannot be, else nothing."""
    if status in BODYLESS:
        return f"status {status} has no body; take another"
    if status is None and not headers and body is None and not json:
        return "nothing is replaced; status, headers, body or json is needed"
    return None
