"""The bank as its customers see it, all five services in this process."""

import asyncio

import pytest

from seatrial.demo import DEPENDS_ON, SERVICES
from seatrial.demo.edges import EDGES, REQUEST_LIMIT_S, edges_of


@pytest.fixture
def play(play, unhurried):
    """Nothing is too late in these stories."""
    return play


async def until(check):
    """Wait until an async check gives something true, and give that."""
    async with asyncio.timeout(20):
        while not (found := await check()):  # noqa: ASYNC110 - what is waited for is behind HTTP
            await asyncio.sleep(0.01)
        return found


async def entries(bank, customer_id):
    return (await bank.ask("gateway", "GET", f"/customers/{customer_id}/feed")).json()["entries"]


def charge_of(amount_cents=1250, merchant_id="m-3"):
    return {"amount_cents": amount_cents, "merchant_id": merchant_id}


def test_a_customers_whole_life(play):
    async def story(bank):
        account_id, customer_id, card_id = await bank.customer()
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert charge.status_code == 201
        body = charge.json()
        assert (body["state"], body["balance_cents"], body["degraded"]) == ("APPROVED", 98_750, False)
        assert body["merchant"] == {"id": "m-3", "name": "Harbour Bakery"}
        entry = (await until(lambda: entries(bank, customer_id)))[0]
        assert (entry["id"], entry["amount_cents"]) == (body["id"], 1250)
        frozen = await bank.ask("gateway", "PUT", f"/cards/{card_id}/state", json={"state": "FROZEN"})
        assert (frozen.status_code, frozen.json()["state"]) == (200, "FROZEN")
        declined = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (declined.status_code, declined.json()["reason"]) == (409, "card_frozen")
        await bank.ask("gateway", "PUT", f"/cards/{card_id}/state", json={"state": "ACTIVE"})
        assert (await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())).status_code == 201
        assert (await bank.ask("gateway", "DELETE", f"/accounts/{account_id}")).status_code == 204
        assert (await bank.ask("gateway", "GET", f"/accounts/{account_id}")).json()["state"] == "CLOSED"
        closed = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (closed.status_code, closed.json()["reason"]) == (409, "account_closed")
        assert (await bank.ask("gateway", "POST", f"/accounts/{account_id}/cards")).status_code == 409

    play(story)


def test_a_charge_beyond_the_balance_is_declined(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        declined = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of(100_001))
        assert (declined.status_code, declined.json()["reason"]) == (402, "insufficient_funds")

    play(story)


def test_a_charge_sent_twice_under_one_key_is_charged_once(play):
    async def story(bank):
        account_id, customer_id, card_id = await bank.customer()
        ask = {"json": charge_of(), "headers": {"Idempotency-Key": "k-1"}}
        first = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", **ask)
        again = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", **ask)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert (await bank.ask("gateway", "GET", f"/accounts/{account_id}")).json()["balance_cents"] == 98_750
        await until(lambda: entries(bank, customer_id))
        await bank.services["cards"].outbox.stop()
        assert len(await entries(bank, customer_id)) == 1

    play(story)


def test_a_key_used_for_another_charge_is_refused(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        for amount_cents, status in ((100, 201), (200, 422)):
            answer = await bank.ask(
                "gateway", "POST", f"/cards/{card_id}/charges",
                json=charge_of(amount_cents), headers={"Idempotency-Key": "k-1"},
            )  # fmt: skip
            assert answer.status_code == status

    play(story)


def test_opening_an_account_twice_under_one_key_opens_one(play):
    async def story(bank):
        ask = {"json": {"owner": "Ada"}, "headers": {"Idempotency-Key": "k-1"}}
        first = await bank.ask("gateway", "POST", "/accounts", **ask)
        again = await bank.ask("gateway", "POST", "/accounts", **ask)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert first.headers["location"] == f"/accounts/{first.json()['id']}"

    play(story)


@pytest.mark.parametrize(
    "how",
    [
        {"json": {"user": "ada", "password": "seaworthy"}},
        {"data": {"user": "ada", "password": "seaworthy"}},
        {"auth": ("ada", "seaworthy")},
    ],
    ids=["json", "form", "basic"],
)
def test_a_session_opens_with_json_form_or_basic_auth(play, how):
    async def story(bank):
        session = await bank.ask("gateway", "POST", "/sessions", **({"auth": None} | how))
        assert session.status_code == 201
        bearer = {"Authorization": f"Bearer {session.json()['token']}"}
        me = await bank.ask("gateway", "GET", "/me", auth=None, headers=bearer)
        assert (me.status_code, me.json()) == (200, {"user": "ada"})

    play(story)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"json": {"user": "ada", "password": "wrong"}}, 401),
        ({"json": {"user": "ada"}}, 422),
        ({"content": b"{"}, 400),
        ({"content": b"[1]"}, 422),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
def test_a_wrong_login_is_refused_as_what_it_is(play, how, status):
    async def story(bank):
        assert (await bank.ask("gateway", "POST", "/sessions", auth=None, **how)).status_code == status

    play(story)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/accounts"),
        ("DELETE", "/accounts/a"),
        ("POST", "/accounts/a/cards"),
        ("PUT", "/cards/c/state"),
        ("POST", "/cards/c/charges"),
        ("GET", "/me"),
    ],
)
def test_changing_anything_takes_a_token(play, method, path):
    async def story(bank):
        answer = await bank.ask("gateway", method, path, auth=None, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["www-authenticate"]

    play(story)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount_cents": 0, "merchant_id": "m-1"}, "amount_cents"),
        ({"amount_cents": "5", "merchant_id": "m-1"}, "amount_cents"),
        ({"amount_cents": True, "merchant_id": "m-1"}, "amount_cents"),
        ({"amount_cents": 5}, "merchant_id"),
    ],
)
def test_a_wrong_charge_is_refused_naming_the_field(play, body, field):
    async def story(bank):
        answer = await bank.ask("gateway", "POST", "/cards/c/charges", json=body)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(field)

    play(story)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("gateway", "/accounts/nope"),
        ("gateway", "/cards/nope"),
        ("gateway", "/accounts/no pe"),
        ("cards", "/cards/nope"),
        ("ledger", "/accounts/nope"),
        ("merchants", "/merchants/m-99"),
        ("feed", "/nowhere"),
    ],
)
def test_what_is_not_there_is_404_in_json(play, service, path):
    async def story(bank):
        answer = await bank.ask(service, "GET", path)
        assert answer.status_code == 404
        assert answer.json()["error"]

    play(story)


def test_a_route_asked_with_another_method_is_405(play):
    async def story(bank):
        assert (await bank.ask("gateway", "POST", "/about")).status_code == 405

    play(story)


def test_without_merchants_a_charge_goes_through_degraded_and_recovers(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        bank.wires["merchants"].is_cut = True
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (charge.status_code, charge.json()["degraded"]) == (201, True)
        assert charge.json()["merchant"] == {"id": "m-3", "name": None}
        assert (await bank.ask("gateway", "GET", "/merchants")).json() == {"merchants": [], "degraded": True}
        bank.wires["merchants"].is_cut = False
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (charge.json()["degraded"], charge.json()["merchant"]["name"]) == (False, "Harbour Bakery")

    play(story)


def test_a_merchant_nobody_knows_is_nameless_but_nothing_is_degraded(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of(1, "who/ever"))
        assert charge.json()["merchant"] == {"id": "who/ever", "name": None}
        assert charge.json()["degraded"] is False

    play(story)


def test_without_the_ledger_charges_are_503_naming_it_and_everything_else_goes_on(play):
    async def story(bank):
        _, customer_id, card_id = await bank.customer()
        bank.wires["ledger"].is_cut = True
        for _ in range(8):
            answer = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
            assert (answer.status_code, answer.json()["dependency"]) == (503, "ledger")
            assert 1 <= int(answer.headers["retry-after"]) <= 2
        for path in (f"/cards/{card_id}", "/merchants", "/about", f"/customers/{customer_id}/feed"):
            assert (await bank.ask("gateway", "GET", path)).status_code == 200

    play(story)


def test_without_the_feed_only_reading_it_fails_and_entries_come_later(play):
    async def story(bank):
        _, customer_id, card_id = await bank.customer()
        bank.wires["feed"].is_cut = True
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (charge.status_code, charge.json()["degraded"]) == (201, False)
        assert (await bank.ask("gateway", "GET", f"/customers/{customer_id}/feed")).status_code == 503
        bank.wires["feed"].is_cut = False
        assert (await until(lambda: entries(bank, customer_id)))[0]["id"] == charge.json()["id"]

    play(story)


def test_a_ledger_that_has_forgotten_an_account_is_a_404_and_new_customers_are_served(play):
    async def story(bank):
        account_id, _, card_id = await bank.customer()
        bank.restart("ledger")
        assert (await bank.ask("gateway", "GET", f"/accounts/{account_id}")).status_code == 404
        answer = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (answer.status_code, answer.json()["error"]) == (404, "account_not_found")
        _, _, card_id = await bank.customer()
        answer = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert answer.status_code == 201

    play(story)


def test_request_id_and_trace_reach_every_service_the_feed_included(play):
    async def story(bank):
        _, customer_id, card_id = await bank.customer()
        trace_id = "ab" * 16
        headers = {"X-Request-Id": "r-42", "traceparent": f"00-{trace_id}-{'1' * 16}-01"}
        answer = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of(), headers=headers)
        assert answer.headers["x-request-id"] == "r-42"
        entry = (await until(lambda: entries(bank, customer_id)))[0]
        assert (entry["request_id"], entry["trace_id"]) == ("r-42", trace_id)
        for service in ("cards", "ledger", "merchants", "feed"):
            mine = [each for each in bank.wires[service].seen if each.headers["x-request-id"] == "r-42"]
            assert len(mine) == 1
            assert mine[0].headers["traceparent"].split("-")[1] == trace_id

    play(story)


def test_without_soft_dependencies_every_service_is_ready(play):
    async def story(bank):
        bank.wires["merchants"].is_cut = bank.wires["feed"].is_cut = True
        for service in ("gateway", "cards", "ledger"):
            ready = await bank.ask(service, "GET", "/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")

    play(story)


def test_without_what_it_needs_a_service_is_alive_but_not_ready(play):
    async def story(bank):
        bank.wires["ledger"].is_cut = True
        assert (await bank.ask("cards", "GET", "/healthz")).status_code == 200
        ready = await bank.ask("cards", "GET", "/readyz")
        assert ready.status_code == 503
        assert "cut" in ready.json()["needs"]["ledger"]
        bank.wires["ledger"].is_cut = False
        assert (await bank.ask("cards", "GET", "/readyz")).status_code == 200

    play(story)


def test_a_draining_service_is_alive_but_not_ready(play):
    async def story(bank):
        bank.lifecycles["ledger"].draining = True
        assert (await bank.ask("ledger", "GET", "/healthz")).status_code == 200
        ready = await bank.ask("ledger", "GET", "/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")

    play(story)


def test_wrong_money_is_told_when_asked_to(play):
    async def story(bank):
        _, _, card_id = await bank.customer()
        charge = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge_of())
        assert (charge.status_code, charge.json()["balance_cents"]) == (201, 98_751)

    play(story, "wrong:ledger")


def test_every_timeout_is_shorter_than_those_of_its_callers():
    for edge in EDGES:
        limits_s = [REQUEST_LIMIT_S[edge.caller], *(each.timeout_s for each in EDGES if each.callee == edge.caller)]
        assert edge.timeout_s < min(limits_s)


def test_the_graph_names_every_edge_once():
    assert {name: tuple(edge.callee for edge in edges_of(name)) for name in SERVICES} == DEPENDS_ON
    assert len({edge.name for edge in EDGES}) == len(EDGES)
