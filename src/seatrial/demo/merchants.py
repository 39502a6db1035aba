"""merchants: who the customers pay. A fixed list; calls nobody."""

from collections.abc import Mapping

from seatrial.demo.exchange import Answer, Asked, Refused
from seatrial.demo.service import Handled, Service

_NAMES = (
    ("Chandlery at the Quay", "equipment"),
    ("The Anchor Inn", "restaurants"),
    ("Harbour Bakery", "groceries"),
    ("Northern Ferries", "travel"),
    ("Lighthouse Books", "books"),
    ("Pilot & Daughters", "services"),
    ("Saltwater Records", "music"),
    ("Tidewater Pharmacy", "health"),
    ("Ropewalk Cycles", "transport"),
    ("The Crow's Nest", "restaurants"),
    ("Ballast Coffee", "restaurants"),
    ("Keel & Sons Hardware", "equipment"),
)

MERCHANTS: Mapping[str, Mapping[str, str]] = {
    f"m-{number}": {"id": f"m-{number}", "name": name, "category": category}
    for number, (name, category) in enumerate(_NAMES, start=1)
}


async def index(asked: Asked) -> Answer:
    return Answer(200, {"merchants": list(MERCHANTS.values())})


async def show(asked: Asked) -> Answer:
    merchant = MERCHANTS.get(asked.id("merchant_id"))
    if merchant is None:
        raise Refused(404, "merchant_not_found", f"no merchant {asked.params['merchant_id']!r}")
    return Answer(200, merchant)


def build() -> Service:
    """The service."""
    return Service(
        "merchants",
        (Handled("GET", "/merchants", index), Handled("GET", "/merchants/{merchant_id}", show)),
    )
