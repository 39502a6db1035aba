"""Health, start and end of a service made wrong, and healthy under the same."""

import signal
import socket
from urllib.parse import urlsplit

import pytest

from seatrial.demo.service import START_WITHIN_S


@pytest.fixture
def play(play, unhurried):
    """Nothing is too late in these stories."""
    return play


def statuses_without(play, missing, asked, *defects):
    """Statuses of some (service, path) while a service is out."""
    seen = []

    async def story(bank):
        await bank.customer()
        bank.wires[missing].is_cut = True
        bank.services["cards"].clients[0]._succeeded_at_s = float("-inf")  # that it was there before is long ago
        seen.extend([(await bank.ask(service, "GET", path)).status_code for service, path in asked])

    play(story, *defects)
    return seen


def test_lying_health_is_ready_while_all_that_needs_the_ledger_fails(play):
    asked = [("cards", "/readyz"), ("cards", "/accounts/acc-1"), ("cards", "/healthz")]
    assert statuses_without(play, "ledger", asked, "28:cards") == [200, 503, 200]
    assert statuses_without(play, "ledger", asked) == [503, 503, 200]


def test_too_deep_health_is_out_with_a_dependency_that_is_not_needed(play):
    asked = [("gateway", "/healthz"), ("gateway", "/readyz"), ("gateway", "/merchants")]
    assert statuses_without(play, "merchants", asked, "health-too-deep") == [503, 200, 200]
    assert statuses_without(play, "merchants", asked) == [200, 200, 200]


def test_too_deep_health_is_well_while_all_are(play):
    async def story(bank):
        assert (await bank.ask("gateway", "GET", "/healthz")).status_code == 200

    play(story, "health-too-deep")


@pytest.mark.e2e
def test_a_service_whose_start_needs_the_ledger_ends_without_it_and_starts_with_it(no_processes):
    no_processes.launch("cards", DEFECTS="29:cards")
    assert no_processes.wait("cards", at_most_s=START_WITHIN_S + 30) == 3
    assert "cards cannot start without ledger" in no_processes.log("cards")
    no_processes.launch("cards", DEFECTS="29:cards")
    no_processes.start("ledger")
    no_processes.wait_until_alive("cards")


def stopped_in_the_middle_of_a_request(processes):
    """The answer (b"" is none) to a request half sent when the ledger is told to stop, and its exit status."""
    with socket.create_connection(("127.0.0.1", urlsplit(processes.urls["ledger"]).port), timeout=20) as caller:
        body = b'{"customer_id": "c", "owner": "Ada", "opening_balance_cents": 1}'
        head = f"PUT /accounts/acc-1 HTTP/1.1\r\nhost: ledger\r\ncontent-length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body[:5])
        processes.signal("ledger", signal.SIGTERM)
        try:
            caller.sendall(body[5:])
            answer = caller.recv(100)
        except ConnectionError:
            answer = b""
    return answer.partition(b"\r\n")[0], processes.wait("ledger")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("defects", "answer", "status"), [("", b"HTTP/1.1 201 Created", 0), ("33:ledger", b"", -signal.SIGTERM)]
)
def test_a_service_without_grace_breaks_off_what_is_under_way(no_processes, defects, answer, status):
    no_processes.start("ledger", DEFECTS=defects)
    assert stopped_in_the_middle_of_a_request(no_processes) == (answer, status)
