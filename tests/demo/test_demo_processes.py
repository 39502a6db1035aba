"""The bank as five real processes: dying, hanging, coming back and stopping in good order."""

import signal
import threading
import time

import httpx
import pytest

pytestmark = pytest.mark.e2e

CHARGE = {"amount_cents": 100, "merchant_id": "m-1"}


@pytest.fixture
def gateway(processes):
    with httpx.Client(
        base_url=processes.urls["gateway"], auth=("ada", "seaworthy"), timeout=20, trust_env=False
    ) as client:
        yield client


def new_customer(gateway):
    account = gateway.post("/accounts", json={"owner": "Ada"}).raise_for_status().json()
    card = gateway.post(f"/accounts/{account['id']}/cards").raise_for_status().json()
    return account["customer_id"], card["id"]


def charge(gateway, card_id):
    return gateway.post(f"/cards/{card_id}/charges", json=CHARGE)


def until(check):
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("did not come true within 20 s")


def test_a_customer_is_served(gateway, processes):
    token = gateway.post("/sessions", data={"user": "ada", "password": "seaworthy"}, auth=None).json()["token"]
    customer_id, card_id = new_customer(gateway)
    answer = gateway.post(
        f"/cards/{card_id}/charges", json=CHARGE, auth=None, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["degraded"]) == (201, False)
    entries = until(lambda: gateway.get(f"/customers/{customer_id}/feed").json()["entries"])
    assert entries[0]["id"] == answer.json()["id"]
    assert gateway.get("/readyz").status_code == 200


def test_a_killed_ledger_is_fast_503s_by_the_breaker_and_a_recovery_after_its_restart(gateway, processes):
    _, card_id = new_customer(gateway)
    processes.signal("ledger", signal.SIGKILL)
    processes.wait("ledger")
    answers = [charge(gateway, card_id) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[-1].json()["detail"] == "out, says cards"
    assert '"event":"breaker","edge":"cards->ledger","state":"open"' in processes.log("cards")
    assert gateway.get("/merchants").status_code == 200
    assert httpx.get(f"{processes.urls['cards']}/readyz", trust_env=False).status_code == 503

    processes.start("ledger")
    until(lambda: gateway.post("/accounts", json={"owner": "Ada"}).status_code == 201)
    _, card_id = new_customer(gateway)
    assert charge(gateway, card_id).status_code == 201


def test_a_hanging_ledger_is_504_and_then_not_called_any_more(gateway, processes):
    _, card_id = new_customer(gateway)
    processes.signal("ledger", signal.SIGSTOP)
    try:
        answers = [charge(gateway, card_id) for _ in range(8)]
    finally:
        processes.signal("ledger", signal.SIGCONT)
    assert [answer.status_code for answer in answers[:5]] == [504] * 5
    assert answers[5].status_code == 503
    assert answers[5].json()["dependency"] == "ledger"
    until(lambda: charge(gateway, card_id).status_code == 201)


def test_without_a_breaker_a_hanging_ledger_is_waited_for_every_time(gateway, processes):
    processes.signal("cards", signal.SIGTERM)
    assert processes.wait("cards") == 0
    processes.start("cards", DEFECTS="5:cards,slow:ledger")
    _, card_id = new_customer(gateway)
    processes.signal("ledger", signal.SIGSTOP)
    try:
        assert [charge(gateway, card_id).status_code for _ in range(7)] == [504] * 7
    finally:
        processes.signal("ledger", signal.SIGCONT)


def test_without_merchants_answers_are_degraded(gateway, processes):
    _, card_id = new_customer(gateway)
    processes.signal("merchants", signal.SIGKILL)
    processes.wait("merchants")
    assert charge(gateway, card_id).json()["degraded"] is True
    processes.start("merchants")
    until(lambda: charge(gateway, card_id).json()["degraded"] is False)


def test_a_service_starts_without_those_it_needs_and_says_that_it_is_not_ready(processes):
    for service in ("cards", "ledger", "feed"):
        processes.signal(service, signal.SIGTERM)
        assert processes.wait(service) == 0
    processes.start("cards")
    assert httpx.get(f"{processes.urls['cards']}/readyz", trust_env=False).status_code == 503


def test_stopping_in_good_order_loses_no_request_under_way(processes):
    processes.signal("ledger", signal.SIGTERM)
    processes.wait("ledger")
    processes.start("ledger", DEFECTS="slow:ledger=100%")
    statuses, troubles = [], []
    connected = threading.Barrier(11, timeout=60)

    def ask() -> None:
        with httpx.Client(base_url=processes.urls["ledger"], timeout=20, trust_env=False) as client:
            client.get("/accounts/nope")
            connected.wait()
            try:
                statuses.append(client.get("/accounts/nope").status_code)
            except httpx.HTTPError as error:
                troubles.append(error)

    callers = [threading.Thread(target=ask) for _ in range(10)]
    for caller in callers:
        caller.start()
    connected.wait()
    time.sleep(0.1)  # they are under way, each for 200 ms, when it is told to stop
    processes.signal("ledger", signal.SIGTERM)
    assert processes.wait("ledger") == 0
    for caller in callers:
        caller.join()
    assert (statuses, troubles) == ([404] * 10, [])
