"""cards: cards, their states and the charges on them. Needs the ledger; tells the feed after it has answered.

Accounts and cards are put under ids their caller chose. A charge's id follows from its card and its
Idempotency-Key, which also goes to the ledger, so a charge sent twice is one charge and one feed entry.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import Any

from seatrial.demo.calls import IDEMPOTENCY_KEY, Call, Peer, Reply
from seatrial.demo.exchange import Answer, Asked, Refused
from seatrial.demo.outbox import Outbox
from seatrial.demo.service import Handled, Service
from seatrial.demo.store import Bounded

MOST_CARDS = 100_000

ACCOUNT = {"id": str, "customer_id": str, "owner": str, "state": str, "balance_cents": int}
DEBIT = {"account_id": str, "customer_id": str, "amount_cents": int, "balance_cents": int, "at": str}


@dataclass(frozen=True, slots=True)
class Card:
    """``state`` is ACTIVE or FROZEN; of its number nobody keeps more than ``last4``."""

    id: str
    account_id: str
    customer_id: str
    last4: str
    state: str

    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {
            "id": self.id,
            "account_id": self.account_id,
            "customer_id": self.customer_id,
            "last4": self.last4,
            "state": self.state,
        }


class Cards:
    """The endpoints of the cards service: accounts are the ledger's, cards its own, in memory."""

    def __init__(self, ledger: Peer, outbox: Outbox) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._cards: Bounded[Card] = Bounded(MOST_CARDS)

    async def open_account(self, asked: Asked) -> Answer:
        """Ask the ledger for it, who answers 201, or 200 if it is there; with 1,000.00 on it unless told."""
        fields = asked.fields()
        body = {
            "owner": fields.text("owner"),
            "customer_id": fields.text("customer_id"),
            "opening_balance_cents": fields.cents("opening_balance_cents", 100_000, least=0),
        }
        call = Call("PUT", f"/accounts/{asked.id('account_id')}", body, shape=ACCOUNT)
        return _passed_on(await self._ledger.call(call, asked.context))

    async def show_account(self, asked: Asked) -> Answer:
        call = Call("GET", f"/accounts/{asked.id('account_id')}", shape=ACCOUNT)
        return _passed_on(await self._ledger.call(call, asked.context))

    async def close_account(self, asked: Asked) -> Answer:
        call = Call("DELETE", f"/accounts/{asked.id('account_id')}")
        return _passed_on(await self._ledger.call(call, asked.context))

    async def issue(self, asked: Asked) -> Answer:
        """Issue a card on an open account: 201, 200 if issued before, 404 or 409 for the account."""
        card_id, account_id = asked.id("card_id"), asked.fields().text("account_id")
        known = self._cards.get(card_id)
        if known is not None:
            return Answer(200, known.shown())
        reply = await self._ledger.call(Call("GET", f"/accounts/{account_id}", shape=ACCOUNT), asked.context)
        if reply.status != 200:
            return _passed_on(reply)
        if reply.body["state"] != "OPEN":
            raise Refused(409, "account_closed", f"account {account_id!r} is closed")
        card = Card(card_id, account_id, reply.body["customer_id"], _last4(card_id), "ACTIVE")
        self._cards.put(card_id, card)
        return Answer(201, card.shown())

    async def show(self, asked: Asked) -> Answer:
        return Answer(200, self._card(asked).shown())

    async def set_state(self, asked: Asked) -> Answer:
        """Freeze or unfreeze a card; needs nobody."""
        card = replace(self._card(asked), state=asked.fields().one_of("state", "ACTIVE", "FROZEN"))
        self._cards.put(card.id, card)
        return Answer(200, card.shown())

    async def charge(self, asked: Asked) -> Answer:
        """Charge a card: 201, 200 for a key seen before, 402 or 409 when declined."""
        card, fields = self._card(asked), asked.fields()
        amount_cents, merchant_id = fields.cents("amount_cents"), fields.text("merchant_id")
        if card.state != "ACTIVE":
            return Answer(409, _declined(card, amount_cents, reason="card_frozen"))
        charge_id = _charge_id(card, asked)
        call = Call(
            "POST",
            f"/accounts/{card.account_id}/debits",
            {"amount_cents": amount_cents},
            key=charge_id,
            shape=DEBIT,
        )
        reply = await self._ledger.call(call, asked.context)
        if reply.status in (402, 409):
            return Answer(reply.status, _declined(card, amount_cents, reason=reply.body.get("reason", "declined")))
        if reply.status not in (200, 201):
            return _passed_on(reply)
        return self._approved(card, reply, asked, charge_id=charge_id, merchant_id=merchant_id)

    def _approved(self, card: Card, reply: Reply, asked: Asked, *, charge_id: str, merchant_id: str) -> Answer:
        entry = {
            "customer_id": card.customer_id,
            "card_id": card.id,
            "amount_cents": reply.body["amount_cents"],
            "merchant_id": merchant_id,
            "at": reply.body["at"],
        }
        self._outbox.post(charge_id, entry, asked.context)
        charge = {
            "id": charge_id,
            "state": "APPROVED",
            **entry,
            "account_id": card.account_id,
            "balance_cents": reply.body["balance_cents"],
        }
        return Answer(reply.status, charge)

    def _card(self, asked: Asked) -> Card:
        card = self._cards.get(asked.id("card_id"))
        if card is None:
            raise Refused(404, "card_not_found", f"no card {asked.params['card_id']!r}")
        return card


def _passed_on(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body or None)


def _declined(card: Card, amount_cents: int, *, reason: str) -> dict[str, Any]:
    return {"state": "DECLINED", "reason": reason, "card_id": card.id, "amount_cents": amount_cents}


def _charge_id(card: Card, asked: Asked) -> str:
    """The same for the same card and key; without a key a charge is one of its own."""
    key = asked.headers.get(IDEMPOTENCY_KEY) or secrets.token_hex(16)
    return "chg-" + hashlib.blake2b(f"{card.id}/{key}".encode(), digest_size=10).hexdigest()


def _last4(card_id: str) -> str:
    return f"{int.from_bytes(hashlib.blake2b(card_id.encode(), digest_size=4).digest()) % 10_000:04d}"


def build(ledger: Peer, feed: Peer) -> Service:
    """The service, with no cards issued."""
    outbox = Outbox(feed)
    cards = Cards(ledger, outbox)
    routes = (
        Handled("POST", "/cards/{card_id}/charges", cards.charge),
        Handled("PUT", "/cards/{card_id}/state", cards.set_state),
        Handled("PUT", "/cards/{card_id}", cards.issue),
        Handled("GET", "/cards/{card_id}", cards.show),
        Handled("PUT", "/accounts/{account_id}", cards.open_account),
        Handled("GET", "/accounts/{account_id}", cards.show_account),
        Handled("DELETE", "/accounts/{account_id}", cards.close_account),
    )
    return Service("cards", routes, clients=(ledger, feed), outbox=outbox)
