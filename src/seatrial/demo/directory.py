"""The merchants as the gateway tells them, and what it tells while they are out.

A list or a name that cannot be had is left out, and the answer marked degraded; it is asked for anew each time, so
the first answer after an outage is whole again. Defects make the fallback missing, wrong, sticky, or dependent on
what is out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.demo.calls import Call, EdgeError, Peer, Reply
from seatrial.demo.context import Context
from seatrial.demo.defects import NO_FALLBACK, SAME_FALLBACK, STICKY_FALLBACK, WRONG_FALLBACK, Defects
from seatrial.demo.exchange import is_id

FEATURED = "m-1"
"""The merchant that is shown where the list cannot be had, by a bank whose fallback needs merchants, too."""


@dataclass(frozen=True, slots=True)
class Told:
    """``what`` is the list of merchants, or one with its name; ``degraded`` when it is a fallback."""

    what: Any
    degraded: bool = False


class Directory:
    """What the gateway knows of merchants; while they cannot be asked it says so, or falls back."""

    def __init__(self, merchants: Peer, defects: Defects) -> None:
        self._merchants = merchants
        self._defects = defects
        self._given_up = False

    async def index(self, context: Context) -> Told:
        """The merchants to pay at; none, and degraded, while they cannot be asked."""
        try:
            reply = await self._ask(Call("GET", "/merchants", shape={"merchants": list}), context)
        except EdgeError as error:
            self._fall_back(error)
        else:
            return Told(reply.body.get("merchants", []))
        if self._defects.has(SAME_FALLBACK):
            return Told([(await self._ask(_show(FEATURED), context)).body], degraded=True)
        return self._fallback([])

    async def named(self, merchant_id: str, context: Context) -> Told:
        """A merchant by id and name, nameless if there is none such; degraded, too, while nobody can tell."""
        if not is_id(merchant_id):
            return Told(_merchant(merchant_id, None))
        try:
            reply = await self._ask(_show(merchant_id), context)
        except EdgeError as error:
            self._fall_back(error)
        else:
            return Told(_merchant(merchant_id, reply.body.get("name")))
        if self._defects.has(SAME_FALLBACK):
            listed = (await self._ask(Call("GET", "/merchants", shape={"merchants": list}), context)).body[
                "merchants"
            ]
            names = [each["name"] for each in listed if each["id"] == merchant_id]
            return Told(_merchant(merchant_id, names[0] if names else None), degraded=True)
        return self._fallback(_merchant(merchant_id, None))

    async def _ask(self, call: Call, context: Context) -> Reply:
        if self._given_up:
            raise EdgeError(self._merchants.edge.callee, "was out before")
        return await self._merchants.call(call, context)

    def _fall_back(self, error: EdgeError) -> None:
        if self._defects.has(NO_FALLBACK):
            raise error
        self._given_up = self._defects.has(STICKY_FALLBACK)

    def _fallback(self, what: Any) -> Told:
        return Told(what, degraded=not self._defects.has(WRONG_FALLBACK))


def _show(merchant_id: str) -> Call:
    return Call("GET", f"/merchants/{merchant_id}", shape={"name": str})


def _merchant(merchant_id: str, name: str | None) -> Mapping[str, str | None]:
    return {"id": merchant_id, "name": name}
