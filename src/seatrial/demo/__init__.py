"""The demo bank: a small believable system to put through its sea trials.

                      +----------+  150 ms   +-----------+
        customer ---> | gateway  | ~~~~~~~~> | merchants |      ---> needed
                      +----------+           +-----------+      ~~~> optional: answers go on without it
                        |      ~
                 600 ms |      ~  300 ms
                        v      v
                  +-------+   +------+
                  | cards | ~>| feed |   250 ms, after the answer: an entry appears a little later
                  +-------+   +------+
                    |
             250 ms |
                    v
                  +--------+
                  | ledger |
                  +--------+

The ledger can be there twice, on the same books (`replicas`): cards choose the faster one, and hedge late reads.

Five services, each its own process, started by ``python -m seatrial.demo SERVICE`` and configured by
its environment (see ``settings``). A customer opens an account, gets a card, charges it, sees the charge in the
feed, freezes the card, unfreezes it and closes the account. All state is in memory and bounded.

This package is a *system under test*: it imports nothing of seatrial outside itself, and nothing of
seatrial may be needed to run it. In its healthy form it is meant to have none of the resilience
defects an audit looks for; ``defects`` switches them on one by one.
"""

from collections.abc import Mapping

from seatrial.demo.edges import EDGES

SERVICES: tuple[str, ...] = ("gateway", "cards", "ledger", "merchants", "feed")
"""Every service of the bank, callers before the services they call."""

DEPENDS_ON: Mapping[str, tuple[str, ...]] = {
    service: tuple(edge.callee for edge in EDGES if edge.caller == service) for service in SERVICES
}
"""Whom each service calls, needed and optional alike; ``edges`` says which is which."""
