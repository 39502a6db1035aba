"""The bank without room for each of its dependencies, or with too much of it; and healthy under the same."""

import asyncio

import httpx
from stand_ins import ACCOUNT, ask_for_account, hang, in_place_of, know_the_account, until

from seatrial.demo.backlog import WORKERS
from seatrial.demo.places import POOLED

BURST = 20


def browsed_while_cards_hang(play, *defects, within_s):
    """Whether merchants are shown within so many seconds while cards hang, for as long as the test wants."""
    seen = []

    async def story(bank):
        released = asyncio.Event()

        async def hang_until_released(request):
            await released.wait()
            return httpx.Response(200, json=ACCOUNT)

        cards = in_place_of(bank, "cards", hang_until_released)
        burst = [asyncio.create_task(ask_for_account(bank, "gateway")) for _ in range(2 * POOLED)]
        await until(lambda: cards.under_way >= POOLED)
        browsing = asyncio.create_task(bank.ask("gateway", "GET", "/merchants"))
        done, _ = await asyncio.wait({browsing}, timeout=within_s)
        seen.append(bool(done))
        released.set()
        assert (await browsing).json()["degraded"] is False
        assert await asyncio.gather(*burst) == [[200]] * len(burst)

    play(story, "no-timeout:gateway", *defects)  # so that it is the test that says how long cards hang
    return seen[0]


def test_without_a_bulkhead_merchants_are_as_slow_as_cards(play):
    assert browsed_while_cards_hang(play, "22:gateway", within_s=0.3) is False
    assert browsed_while_cards_hang(play, within_s=20) is True


def calls_per_request_after_an_overload(play, *defects):
    """What each of two requests costs the ledger after it was too slow for a burst of them, and is well again."""
    costs = []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", hang)
        brief = {"headers": {"x-deadline-ms": "50"}}
        burst = [bank.ask("cards", "GET", "/accounts/acc-1", **brief) for _ in range(BURST)]
        assert {answer.status_code for answer in await asyncio.gather(*burst)} == {504}
        ledger.does = know_the_account
        for _ in range(2):
            ledger.calls = 0
            assert await ask_for_account(bank) == [200]
            costs.append(ledger.calls)

    play(story, "no-breaker:cards", *defects)  # a breaker may open or not, by how fast the machine is
    return costs


def test_behind_an_endless_queue_every_request_waits_for_all_that_nobody_waits_for(play):
    assert min(calls_per_request_after_an_overload(play, "23:cards")) > BURST // 2
    assert calls_per_request_after_an_overload(play) == [1, 1]


def test_what_was_answered_is_done_once_behind_an_endless_queue_too(play):
    async def story(bank):
        ledger = in_place_of(bank, "ledger", know_the_account)
        assert await ask_for_account(bank, times=10 * WORKERS) == [200] * 10 * WORKERS
        assert (await bank.ask("cards", "GET", "/cards/none")).status_code == 404
        assert ledger.calls == 10 * WORKERS

    play(story, "23:cards")


def test_what_is_not_safe_to_repeat_is_not_repeated(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        ledger = in_place_of(bank, "ledger", hang)
        charge = {"json": {"amount_cents": 1, "merchant_id": "m-1"}, "headers": {"x-deadline-ms": "50"}}
        assert (await bank.ask("cards", "POST", f"/cards/{card_id}/charges", **charge)).status_code == 504
        ledger.does = know_the_account
        ledger.calls = 0
        assert await ask_for_account(bank, times=3) == [200] * 3
        assert ledger.calls == 3

    play(story, "23:cards")
