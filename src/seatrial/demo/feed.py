"""feed: what happened on a customer's cards, newest first. Calls nobody; filled by cards, a little later.

An entry is put under its charge's id, so being delivered twice it appears once.
"""

from collections.abc import Mapping
from typing import Any

from seatrial.demo.exchange import Answer, Asked
from seatrial.demo.service import Handled, Service
from seatrial.demo.store import Bounded

MOST_CUSTOMERS = 100_000
MOST_ENTRIES = 50

Entries = tuple[Mapping[str, Any], ...]


class Feed:
    """The endpoints of the feed: the newest entries of each customer, in memory."""

    def __init__(self) -> None:
        self._customers: Bounded[Entries] = Bounded(MOST_CUSTOMERS)

    async def put(self, asked: Asked) -> Answer:
        """Take an entry: 201, or 200 if it is there already."""
        charge_id, fields = asked.id("charge_id"), asked.fields()
        customer_id = fields.text("customer_id")
        entry = {
            "id": charge_id,
            "kind": "charge",
            "card_id": fields.text("card_id"),
            "amount_cents": fields.cents("amount_cents"),
            "merchant_id": fields.text("merchant_id"),
            "at": fields.text("at"),
            "request_id": asked.context.request_id,
            "trace_id": asked.context.trace_id,
        }
        entries = self._customers.get(customer_id) or ()
        if any(known["id"] == charge_id for known in entries):
            return Answer(200, entry)
        newest_first = sorted((entry, *entries), key=lambda each: str(each["at"]), reverse=True)
        self._customers.put(customer_id, tuple(newest_first[:MOST_ENTRIES]))
        return Answer(201, entry)

    async def show(self, asked: Asked) -> Answer:
        """A customer's entries, newest first; none for a customer not heard of, as the feed comes later."""
        customer_id = asked.id("customer_id")
        entries = self._customers.get(customer_id) or ()
        return Answer(200, {"customer_id": customer_id, "entries": list(entries)})


def build() -> Service:
    """The service, with nothing in it."""
    feed = Feed()
    return Service(
        "feed",
        (
            Handled("PUT", "/entries/{charge_id}", feed.put),
            Handled("GET", "/customers/{customer_id}/feed", feed.show),
        ),
    )
