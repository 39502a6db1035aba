"""The bank with a request that stands wrong in its breaker, or behind a lock; and healthy, under the same fault."""

import asyncio

import httpx
import pytest
from stand_ins import ACCOUNT, answer, ask_for_account, hang, in_place_of

from seatrial.demo.breaker import FAILURES_IN_A_ROW


def calls_and_statuses(play, does, *defects, requests=20):
    """How many calls the ledger got of so many requests, one after another, and how these were answered."""
    seen = []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", does)
        statuses = {(await ask_for_account(bank))[0] for _ in range(requests)}
        seen.append((ledger.calls, statuses))

    play(story, *defects)
    return seen[0]


@pytest.mark.parametrize("defect", ["10:cards", "15:cards"])
def test_a_breaker_that_does_not_see_the_answer_never_opens_for_a_5xx(play, defect):
    assert calls_and_statuses(play, answer(500), defect)[0] == 20
    assert calls_and_statuses(play, answer(500))[0] == FAILURES_IN_A_ROW


def test_a_breaker_that_ignores_5xx_opens_for_a_ledger_that_hangs(play):
    assert calls_and_statuses(play, hang, "10:cards", requests=7) == (FAILURES_IN_A_ROW, {503, 504})


def test_a_breaker_that_counts_4xx_opens_on_a_healthy_ledger(play):
    assert calls_and_statuses(play, answer(404), "11:cards") == (FAILURES_IN_A_ROW, {404, 503})
    assert calls_and_statuses(play, answer(404)) == (20, {404})


def most_calls_at_once(play, *defects):
    """How many calls a slow ledger had at once, of ten requests made at once."""
    seen = []

    async def take_a_while(request):
        await asyncio.sleep(0.02)
        return httpx.Response(200, json=ACCOUNT)

    async def story(bank):
        ledger = in_place_of(bank, "ledger", take_a_while)
        await ask_for_account(bank, times=10)
        seen.append(ledger.most_at_once)

    play(story, *defects)
    return seen[0]


def test_with_a_lock_held_across_calls_a_slow_ledger_gets_one_at_a_time(play):
    assert most_calls_at_once(play, "16:cards") == 1
    assert most_calls_at_once(play) > 1


def test_several_defects_of_one_service_are_there_at_once(play):
    assert most_calls_at_once(play, "16:cards", "10:cards") == 1
    assert calls_and_statuses(play, answer(500), "16:cards", "10:cards")[0] == 20
