"""The bank with a breaker that is set or made wrong, under the fault that exposes it; and healthy, under the same."""

import asyncio

import httpx
import pytest
from stand_ins import ACCOUNT, answer, ask_for_account, hang, in_place_of, know_the_account

from seatrial.demo.breaker import FAILURES_IN_A_ROW, OPEN_S


async def ledger_that_opened_the_breaker(bank, does):
    ledger = in_place_of(bank, "ledger", does)
    await ask_for_account(bank, times=FAILURES_IN_A_ROW)
    assert await ask_for_account(bank) == [503]
    assert ledger.calls == FAILURES_IN_A_ROW
    ledger.calls = 0
    return ledger


def calls_after_healing(play, *defects):
    """Statuses and calls of one request long after the ledger is well again."""
    seen = []

    async def story(bank):
        ledger = await ledger_that_opened_the_breaker(bank, answer(500))
        ledger.does = know_the_account
        bank.skipped_s += 100 * OPEN_S
        seen.append((await ask_for_account(bank), ledger.calls))

    play(story, *defects)
    return seen[0]


def test_a_breaker_that_stays_open_calls_nobody_long_after_the_ledger_is_well(play):
    assert calls_after_healing(play, "6:cards") == ([503], 0)
    assert calls_after_healing(play) == ([200], 1)


def calls_after_the_open_time(play, *defects, at_once, in_a_row):
    """How many calls a hanging ledger gets when the breaker's open time is over."""
    seen = []

    async def story(bank):
        ledger = await ledger_that_opened_the_breaker(bank, hang)
        bank.skipped_s += OPEN_S
        for _ in range(in_a_row):
            await ask_for_account(bank, times=at_once)
        seen.append(ledger.calls)

    play(story, *defects)
    return seen[0]


def test_a_breaker_that_closes_by_the_clock_lets_slow_calls_through_one_after_another(play):
    assert calls_after_the_open_time(play, "7:cards", at_once=1, in_a_row=4) == 4
    assert calls_after_the_open_time(play, at_once=1, in_a_row=4) == 1


def test_a_breaker_of_many_trials_lets_all_through_at_once_but_opens_again_after_the_first(play):
    assert calls_after_the_open_time(play, "8:cards", at_once=20, in_a_row=1) == 20
    assert calls_after_the_open_time(play, "8:cards", at_once=1, in_a_row=4) == 1
    assert calls_after_the_open_time(play, at_once=20, in_a_row=1) == 1


def calls_of_forty(play, ledger_of, *defects):
    """How many of forty requests, one after another, made a call to the ledger."""
    seen = []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", ledger_of(bank))
        for _ in range(40):
            await ask_for_account(bank)
        seen.append(ledger.calls)

    play(story, *defects)
    return seen[0]


def failing_two_of_three(bank):
    async def does(request):
        if bank.wires["ledger"].inner.calls % 3:
            return httpx.Response(500)
        return await know_the_account(request)

    return does


def test_a_breaker_for_failures_in_a_row_never_opens_while_two_calls_of_three_fail(play):
    assert calls_of_forty(play, failing_two_of_three, "9:cards") == 40
    assert calls_of_forty(play, failing_two_of_three) < 20


def taking(seconds):
    def ledger_of(bank):
        async def does(request):
            bank.skipped_s += seconds
            return httpx.Response(200, json=ACCOUNT)

        return does

    return ledger_of


def test_a_breaker_that_ignores_slowness_never_opens_while_answers_are_just_in_time(play):
    just_in_time = taking(0.240)  # of 250 ms
    assert calls_of_forty(play, just_in_time, "12:cards") == 40
    assert FAILURES_IN_A_ROW <= calls_of_forty(play, just_in_time) < 20  # a slow machine comes to a trial or two


def test_a_breaker_that_ignores_slowness_opens_when_answers_are_too_late(play):
    async def story(bank):
        await ledger_that_opened_the_breaker(bank, hang)

    play(story, "12:cards")


def account_while_merchants_fail(play, *defects):
    """Statuses and calls to cards of an account asked for while only the merchants are out."""
    seen = []

    async def story(bank):
        in_place_of(bank, "merchants", answer(500))
        cards = in_place_of(bank, "cards", know_the_account)
        for _ in range(2 * FAILURES_IN_A_ROW):
            assert (await bank.ask("gateway", "GET", "/merchants")).json()["degraded"]
        seen.append((await ask_for_account(bank, "gateway"), cards.calls))

    play(story, *defects)
    return seen[0]


def test_a_shared_breaker_refuses_calls_to_a_service_that_is_well(play):
    assert account_while_merchants_fail(play, "13:gateway") == ([503], 0)
    assert account_while_merchants_fail(play) == ([200], 1)


def test_a_shared_breaker_holds_each_dependency_to_its_own_timeout(play):
    async def story(bank):
        in_place_of(bank, "merchants", hang)  # its timeout is a quarter of that of cards
        cards = in_place_of(bank, "cards", know_the_account)
        await asyncio.gather(*(bank.ask("gateway", "GET", "/merchants") for _ in range(FAILURES_IN_A_ROW)))
        assert (await ask_for_account(bank, "gateway"), cards.calls) == ([503], 0)

    play(story, "13:gateway")


def calls_while_the_ledger_hangs(play, *defects):
    """How many of seven requests made a call to a ledger that has let five time out before."""
    seen = []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", hang)
        await ask_for_account(bank, times=FAILURES_IN_A_ROW)
        ledger.calls = 0
        statuses = await ask_for_account(bank, times=7)
        seen.append((set(statuses), ledger.calls))

    play(story, *defects)
    return seen[0]


@pytest.mark.parametrize("defect", ["5:cards", "14:cards", "15:cards"])
def test_without_a_breaker_that_remembers_every_request_waits_for_a_hanging_ledger(play, defect):
    assert calls_while_the_ledger_hangs(play, defect) == ({504}, 7)
    assert calls_while_the_ledger_hangs(play) == ({503}, 0)
