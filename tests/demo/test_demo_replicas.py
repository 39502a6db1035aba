"""Two ledgers called as if they were one: the faster is chosen, late reads are hedged, and losers are cancelled."""

import asyncio
import re
import signal
from dataclasses import replace

import httpx
import pytest
from stand_ins import ACCOUNT, CONTEXT, PATIENT, StandIn, answer, hang, until

from seatrial.demo import replicas
from seatrial.demo.calls import Call, CallFailed, CallRejected, CallTimedOut
from seatrial.demo.client import EdgeClient
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import Defects
from seatrial.demo.guards import Guards
from seatrial.demo.replicas import HEDGE_AFTER_S, LOOK_EVERY, peer_of
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.up import edges_of
from seatrial.service import Edge, edges
from seatrial.slo.read import read_services

READ = Call("GET", "/accounts/acc-1")
WRITE = Call("POST", "/accounts/acc-1/debits", {"amount_cents": 1}, key="k-1")


def named(name, after_s=0.0):
    """A replica that says who it is, after so many seconds."""

    async def does(request):
        await asyncio.sleep(after_s)
        return httpx.Response(200, json={"from": name})

    return does


def with_two(story, first, second, *defects, edge=PATIENT):
    """Play a story of the peer that two stand-ins are behind, and the stand-ins."""
    stand_ins = {"http://one": StandIn(first), "http://two": StandIn(second)}
    has = Defects(parse_defects(defects))

    def connect(edge, url):
        return EdgeClient(edge, url, defects=has, guards=Guards(has), transport=stand_ins[url])

    async def whole():
        peer = peer_of(edge, list(stand_ins), has, connect)
        try:
            return await story(peer, *stand_ins.values())
        finally:
            await peer.close()

    return asyncio.run(whole())


def test_a_late_read_is_hedged_and_the_call_that_lost_is_cancelled():
    async def story(peer, one, two):
        assert (await peer.call(READ, CONTEXT)).body == {"from": "two"}
        assert (one.calls, two.calls) == (1, 1)
        await until(lambda: one.under_way == 0)  # long before its timeout of 30 s

    with_two(story, hang, named("two"))


def test_losers_that_run_on_are_open_after_the_answer():
    async def story(peer, one, two):
        assert (await peer.call(READ, CONTEXT)).body == {"from": "two"}
        await asyncio.sleep(3 * HEDGE_AFTER_S)
        assert (one.under_way, two.under_way) == (1, 0)

    with_two(story, hang, named("two"), "32:cards")


def test_a_read_that_is_in_time_is_sent_once(monkeypatch):
    monkeypatch.setattr(replicas, "HEDGE_AFTER_S", 20.0)

    async def story(peer, one, two):
        for _ in range(5):
            await peer.call(READ, CONTEXT)
        assert one.calls + two.calls == 5

    with_two(story, named("one"), named("two"))


def test_the_faster_replica_is_chosen_and_the_slower_looked_at_now_and_then():
    async def story(peer, one, two):
        reads = 2 * LOOK_EVERY
        for _ in range(reads):
            await peer.call(READ, CONTEXT)
        assert two.calls >= 0.8 * reads
        assert 2 <= one.calls <= 0.3 * reads

    with_two(story, named("one", after_s=0.5), named("two"))


def test_a_write_is_never_hedged():
    async def story(peer, one, two):
        assert (await peer.call(WRITE, CONTEXT)).body == {"from": "one"}
        assert (one.calls, two.calls) == (1, 0)

    with_two(story, named("one", after_s=3 * HEDGE_AFTER_S), named("two"))


def test_the_budget_keeps_hedges_from_doubling_the_load():
    async def story(peer, one, two):
        calls = 20
        await asyncio.gather(*[peer.call(READ, CONTEXT) for _ in range(calls)])
        assert calls < one.calls + two.calls <= calls * 1.1 + 3

    slow = 5 * HEDGE_AFTER_S
    with_two(story, named("one", after_s=slow), named("two", after_s=slow))


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("trouble", [answer(503), answer(502)])
def test_what_one_replica_fails_is_given_to_the_other(call, trouble):
    async def story(peer, one, two):
        assert (await peer.call(call, CONTEXT)).body == {"from": "two"}

    with_two(story, trouble, named("two"))


def test_what_one_replica_fails_late_is_given_to_the_other_though_no_hedge_is_left():
    async def fail_late(request):
        await asyncio.sleep(3 * HEDGE_AFTER_S)
        return httpx.Response(503)

    async def story(peer, one, two):
        while peer._hedges.spend():
            pass
        assert (await peer.call(READ, CONTEXT)).body == {"from": "two"}
        assert (one.under_way, two.calls) == (0, 1)

    with_two(story, fail_late, named("two"))


def test_when_the_time_of_the_edge_is_over_nobody_else_is_asked():
    async def story(peer, one, two):
        while peer._hedges.spend():
            pass
        with pytest.raises(CallTimedOut):
            await peer.call(READ, CONTEXT)
        assert two.calls == 0

    with_two(story, hang, named("two"), edge=replace(PATIENT, timeout_s=0.1))


def test_what_is_not_idempotent_is_given_to_nobody_else():
    async def story(peer, one, two):
        with pytest.raises(CallFailed):
            await peer.call(replace(WRITE, key=None), CONTEXT)
        assert two.calls == 0

    with_two(story, answer(503), named("two"))


def test_a_write_that_was_not_sent_goes_to_the_other():
    async def story(peer, one, two):
        unkeyed = replace(WRITE, key=None)
        first = asyncio.create_task(peer.call(unkeyed, CONTEXT))
        await until(lambda: one.under_way == 1)
        assert (await peer.call(unkeyed, CONTEXT)).body == {"from": "two"}
        first.cancel()

    with_two(story, hang, named("two"), edge=replace(PATIENT, places=1))


def test_with_both_out_a_call_fails_as_the_last_one_did():
    async def story(peer, one, two):
        for _ in range(10):
            with pytest.raises((CallFailed, CallRejected)):
                await peer.call(READ, CONTEXT)
        with pytest.raises(CallRejected, match="ledger"):
            await peer.check(CONTEXT)

    with_two(story, answer(500), answer(500))


def test_a_service_with_one_replica_out_is_there():
    async def story(peer, one, two):
        await peer.check(CONTEXT)

    with_two(story, answer(500), named("two"))


def test_when_the_asker_is_gone_both_calls_end():
    async def story(peer, one, two):
        asked = asyncio.create_task(peer.call(READ, CONTEXT))
        await until(lambda: one.under_way + two.under_way == 2)
        asked.cancel()
        await until(lambda: one.under_way + two.under_way == 0)

    with_two(story, hang, hang)


@pytest.fixture
def two_ledgers(no_processes, tmp_path):
    """cards and two ledgers on the same books, alive."""
    no_processes.add("ledger2")
    for ledger in ("ledger", "ledger2"):
        no_processes.launch(ledger, BOOKS=str(tmp_path / "books" / "bank.db"))
    both = ",".join(no_processes.urls[name] for name in ("ledger", "ledger2"))
    no_processes.launch("cards", LEDGER_URL=both)
    for name in ("ledger", "ledger2", "cards"):
        no_processes.wait_until_alive(name)
    return no_processes


@pytest.mark.e2e
def test_one_of_two_ledgers_can_die_or_hang_and_nothing_is_lost(two_ledgers):
    opening = {field: ACCOUNT[field] for field in ("customer_id", "owner")} | {"opening_balance_cents": 100}
    debit = {"json": {"amount_cents": 10}, "headers": {"idempotency-key": "k-1"}}
    with httpx.Client(timeout=20, trust_env=False) as client:
        account = f"{two_ledgers.urls['ledger']}/accounts/acc-1"
        same_account = f"{two_ledgers.urls['ledger2']}/accounts/acc-1"
        assert client.put(f"{two_ledgers.urls['cards']}/accounts/acc-1", json=opening).status_code == 201
        assert client.post(f"{account}/debits", **debit).status_code == 201
        assert client.post(f"{same_account}/debits", **debit).status_code == 200  # the same key, so once
        assert [client.get(each).json()["balance_cents"] for each in (account, same_account)] == [90, 90]

        asked = f"{two_ledgers.urls['cards']}/accounts/acc-1"
        two_ledgers.signal("ledger2", signal.SIGSTOP)
        try:
            assert [client.get(asked).status_code for _ in range(10)] == [200] * 10
        finally:
            two_ledgers.signal("ledger2", signal.SIGCONT)
        two_ledgers.signal("ledger", signal.SIGKILL)
        two_ledgers.wait("ledger")
        assert [client.get(asked).json()["balance_cents"] for _ in range(10)] == [90] * 10
        assert httpx.get(f"{two_ledgers.urls['cards']}/readyz", trust_env=False).status_code == 200


@pytest.mark.parametrize("folder", [".", "src/seatrial/starter"])
def test_the_banks_documents_depend_on_nothing_that_its_default_realm_lacks(root, folder):
    realm = choose_realm(read_realms(root / folder), None)
    documented = read_services(root / folder / "slo").values()
    assert set(edges(documented)) <= set(edges_of(realm))


def test_what_the_page_says_to_write_for_two_ledgers_holds_cards_to_each_edge_of_that_realm(root, tmp_path):
    [line] = re.findall(r"^`(depends_on: .+?)`", (root / "docs/demo-bank.md").read_text(), flags=re.MULTILINE)
    cards = (root / "slo/cards.yaml").read_text()
    (tmp_path / "cards.yaml").write_text(re.sub(r"^depends_on: .+$", line, cards, flags=re.MULTILINE))
    replicated = {edge for edge in edges_of(read_realms(root)["replicas"]) if edge.caller == "cards"}
    assert set(edges(read_services(tmp_path).values())) == replicated
    assert Edge("cards", "ledger2") in replicated
