"""The gateway without merchants: with each way to get the fallback wrong, and healthy."""

import httpx
import pytest

from seatrial.demo.breaker import OPEN_S

CHARGE = {"amount_cents": 100, "merchant_id": "m-3"}


@pytest.fixture
def play(play, unhurried):
    """Nothing is too late in these stories."""
    return play


def played(play, *defects):
    """What a customer sees while merchants are out and after: (status, degraded) of browsing and of charging."""
    seen = {}

    async def look(bank, card_id):
        browsed = await bank.ask("gateway", "GET", "/merchants")
        charged = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=CHARGE)
        return [(answer.status_code, answer.json().get("degraded")) for answer in (browsed, charged)]

    async def story(bank):
        _, _, card_id = await bank.customer()
        bank.wires["merchants"].is_cut = True
        seen["out"] = await look(bank, card_id)
        bank.wires["merchants"].is_cut = False
        bank.wires["merchants"].seen.clear()
        bank.skipped_s += 100 * OPEN_S  # a breaker that opened has its trial
        seen["back"] = await look(bank, card_id)
        seen["calls when back"] = len(bank.wires["merchants"].seen)

    play(story, *defects)
    return seen


def test_a_healthy_gateway_is_degraded_while_merchants_are_out_and_whole_when_they_are_back(play):
    seen = played(play)
    assert seen["out"] == [(200, True), (201, True)]
    assert (seen["back"], seen["calls when back"]) == ([(200, False), (201, False)], 2)


@pytest.mark.parametrize("defect", ["24", "25"])
def test_without_a_fallback_or_with_one_that_needs_merchants_both_fail(play, defect):
    seen = played(play, defect)
    assert [status for status, _ in seen["out"]] == [503, 503]
    assert seen["back"] == [(200, False), (201, False)]


def test_a_wrong_fallback_is_not_marked(play):
    assert played(play, "wrong-fallback")["out"] == [(200, False), (201, False)]


def test_a_sticky_fallback_goes_on_without_asking_when_merchants_are_back(play):
    seen = played(play, "sticky-fallback")
    assert (seen["out"], seen["back"]) == ([(200, True), (201, True)], [(200, True), (201, True)])
    assert seen["calls when back"] == 0


@pytest.mark.parametrize(
    ("defects", "paths"),
    [
        ((), ["/merchants", "/merchants/m-3"]),
        (("25",), ["/merchants", "/merchants/m-1", "/merchants/m-3", "/merchants"]),
    ],
)
def test_a_fallback_that_needs_merchants_asks_them_again_by_another_route(play, defects, paths):
    async def fail(request):
        bank_paths.append(request.url.path)
        return httpx.Response(500)

    async def story(bank):
        _, _, card_id = await bank.customer()
        bank.wires["merchants"].inner = httpx.MockTransport(fail)
        await bank.ask("gateway", "GET", "/merchants")
        await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=CHARGE)

    bank_paths = []
    play(story, *defects)
    assert bank_paths == paths
