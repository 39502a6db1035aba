"""Which proxy a fault on an edge goes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.chaos.faults.edges import proxy_of
from seatrial.chaos.faults.injectable import Site
from seatrial.errors import CannotRun
from seatrial.realm import EdgeProxy, Place, Realm, RuntimeKind
from seatrial.runtime.state import EdgeState, ProxyState, RealmState
from seatrial.service import Edge

OURS = "http://127.0.0.1:1"
STATE = RealmState(
    "local",
    ProxyState(OURS, None),
    edges={edge: EdgeState(edge, edge.replace("->", ".to."), "", "") for edge in ("cards->ledger", "cards->feed")},
)


def proxy_on(edge, *, named=()):
    """API and name of the proxy on an edge of a realm that is up and names proxies of its own."""
    edges = {each: EdgeProxy("http://elsewhere:8474", "theirs") for each in named}
    realm = Realm("local", RuntimeKind.PROCESS, {"ledger": Place("ledger", url="http://x")}, edges=edges)
    return proxy_of(Edge.parse(edge), Site(Path(), realm, STATE, "run-1", 5.0))


def test_proxy_that_the_realm_names_is_taken_before_the_one_that_was_started():
    named = ["cards->ledger"]
    assert proxy_on("cards->ledger", named=named) == ("http://elsewhere:8474", "theirs")
    assert proxy_on("cards->feed", named=named) == (OURS, "cards.to.feed")


def test_edge_without_a_proxy_is_told_with_those_that_have_one():
    with pytest.raises(CannotRun) as refused:
        proxy_on("ledger->feed")
    assert str(refused.value) == (
        "no proxy on the edge ledger->feed of realm 'local'; there are proxies on cards->ledger, cards->feed; "
        "the `start` of 'ledger' must use `via.feed`"
    )
