"""The bank that sends again what it should not, under the fault that exposes it; the healthy bank under the same."""

import time

import httpx
import pytest
from stand_ins import ACCOUNT, answer, ask_for_account, hang, in_place_of

from seatrial.demo.breaker import FAILURES_IN_A_ROW
from seatrial.demo.edges import REQUEST_LIMIT_S, edges_of
from seatrial.demo.retry import PAUSE_S

LEDGER_TIMEOUT_S = edges_of("cards")[0].timeout_s


def calls_of_one_request(play, does, *defects):
    """What one request for an account is answered, and how many calls it costs the ledger."""
    seen = []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", does)
        seen.append((*await ask_for_account(bank), ledger.calls))

    play(story, *defects)
    return seen[0]


async def refuse(request):
    raise httpx.ConnectError("refused")


async def overloaded(request):
    return httpx.Response(503, headers={"retry-after": "60"})


@pytest.mark.parametrize("does", [answer(503), refuse])
def test_a_retry_storm_is_nine_calls_for_one(play, does):
    assert calls_of_one_request(play, does, "17:cards", "no-timeout:cards") == (503, 9)
    assert calls_of_one_request(play, does, "no-timeout:cards") == (503, 2)


def test_a_retry_storm_ends_with_the_breaker(play):
    async def story(bank):
        ledger = in_place_of(bank, "ledger", answer(503))
        await ask_for_account(bank, times=5)
        ledger.calls = 0
        assert (await ask_for_account(bank), ledger.calls) == ([503], 0)

    play(story, "17:cards")


def gaps(play, *defects):
    """Seconds between the two calls of each of three requests whose first call fails."""
    at_s = []

    async def every_other(request):
        at_s.append(time.monotonic())
        return httpx.Response(503) if len(at_s) % 2 else httpx.Response(200, json=ACCOUNT)

    async def story(bank):
        in_place_of(bank, "ledger", every_other)
        assert [*await ask_for_account(bank), *await ask_for_account(bank), *await ask_for_account(bank)] == [200] * 3

    play(story, *defects)
    return [second - first for first, second in zip(at_s[::2], at_s[1::2], strict=True)]


def test_without_back_off_the_second_call_follows_at_once(play):
    assert min(gaps(play, "18:cards")) < 0.9 * PAUSE_S
    assert min(gaps(play)) >= 0.9 * PAUSE_S


def charged_by_a_ledger_whose_first_answer_is_lost(play, *defects):
    """Status of the charge and what is left on the account; the ledger does its work each time."""
    seen = []

    async def story(bank):
        account_id, _, card_id = await bank.customer()
        ledger, keys = bank.wires["ledger"].inner, []

        async def lose_the_first(request):
            if request.method != "POST":
                return await ledger.handle_async_request(request)
            keys.append(request.headers["idempotency-key"])
            done = await ledger.handle_async_request(request)
            return await hang(request) if len(keys) == 1 else done

        in_place_of(bank, "ledger", lose_the_first)
        charge = {"amount_cents": 1000, "merchant_id": "m-1"}
        charged = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge)
        account = await bank.ask("gateway", "GET", f"/accounts/{account_id}")
        seen.append((charged.status_code, len(set(keys)), account.json()["balance_cents"]))

    play(story, *defects)
    return seen[0]


def test_an_unsafe_retry_takes_the_money_twice(play, monkeypatch):
    for service in ("gateway", "cards"):  # so that a slow machine has time for the second call
        monkeypatch.setitem(REQUEST_LIMIT_S, service, 30.0)
    assert charged_by_a_ledger_whose_first_answer_is_lost(play, "19:cards", "no-timeout:gateway") == (201, 2, 98_000)
    assert charged_by_a_ledger_whose_first_answer_is_lost(play) == (504, 1, 99_000)


def test_an_unsafe_retry_still_opens_the_breaker(play):
    async def story(bank):
        ledger = in_place_of(bank, "ledger", hang)
        await ask_for_account(bank, times=FAILURES_IN_A_ROW)
        ledger.calls = 0
        assert (await ask_for_account(bank), ledger.calls) == ([503], 0)

    play(story, "19:cards")


def shortest_request_by_an_open_breaker(play, *defects):
    """Seconds of the fastest of three requests, and what they cost the ledger."""
    seen, took_s = [], []

    async def story(bank):
        ledger = in_place_of(bank, "ledger", hang)
        await ask_for_account(bank, times=FAILURES_IN_A_ROW)
        ledger.calls = 0
        for _ in range(3):
            started_s = time.monotonic()
            assert await ask_for_account(bank) == [503]
            took_s.append(time.monotonic() - started_s)
        seen.append(ledger.calls)

    play(story, *defects)
    return min(took_s), seen[0]


def test_retries_around_an_open_breaker_make_every_request_wait_for_no_call(play):
    fastest_s, calls = shortest_request_by_an_open_breaker(play, "20:cards")
    assert (fastest_s > 0.8 * LEDGER_TIMEOUT_S, calls) == (True, 0)
    fastest_s, calls = shortest_request_by_an_open_breaker(play)
    assert (fastest_s < 0.8 * LEDGER_TIMEOUT_S, calls) == (True, 0)


@pytest.mark.parametrize("status", [404, 429])
def test_a_4xx_is_asked_for_twice(play, status):
    assert calls_of_one_request(play, answer(status), "21:cards") == (status, 2)
    assert calls_of_one_request(play, answer(status)) == (status, 1)


def test_a_retry_after_is_not_waited_for(play):
    assert calls_of_one_request(play, overloaded, "21:cards") == (503, 2)
    assert calls_of_one_request(play, overloaded) == (503, 1)
