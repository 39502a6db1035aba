"""Every service of a realm is asked whether it is ready; one that is not is named with what it did."""

from __future__ import annotations

import pytest

from misbehaving import Server, accepts_and_waits, keeps_saying, says
from seatrial.realm import Place, Realm, RuntimeKind
from seatrial.runtime import ready
from seatrial.runtime.ready import wait_until_ready

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
STARTING = b"HTTP/1.1 503 Starting\r\nContent-Length: 0\r\n\r\n"


def realm(**urls):
    return Realm("here", RuntimeKind.EXTERNAL, {name: Place(name, url.rstrip("/")) for name, url in urls.items()})


def test_services_that_answer_below_500_are_ready_whatever_they_answer(clock):
    with Server(says(OK)) as healthy, Server(says(MISSING)) as without_the_path:
        found = wait_until_ready(realm(shop=healthy.url, stock=without_the_path.url), None, clock=clock)
        assert healthy.requests[0].startswith(b"GET /healthz ")
    assert (found.ready, found.unready) == (("shop", "stock"), {})
    assert clock.elapsed == 0.0


def test_one_that_is_still_starting_is_waited_for(clock):
    answers = iter((STARTING, STARTING, OK))

    def starting(server, connection):
        server.request(connection)
        connection.sendall(next(answers))

    with Server(starting) as shop:
        assert wait_until_ready(realm(shop=shop.url), None, clock=clock).ready == ("shop",)
    assert clock.elapsed == 1.0


def test_one_that_stays_broken_is_named_and_says_what_it_did(clock, nobody):
    with Server(says(OK)) as healthy, Server(keeps_saying(STARTING)) as broken:
        services = realm(shop=healthy.url, stock=broken.url, feed=nobody)
        found = wait_until_ready(services, None, clock=clock)
    assert clock.elapsed == 10.0
    assert found.ready == ("shop",)
    assert found.unready["stock"] == f"{broken.url}healthz answered 503"
    assert found.unready["feed"].startswith(f"{nobody}/healthz gave no answer (refused: ")


def test_one_that_takes_connections_and_says_nothing_is_not_ready(clock, monkeypatch):
    monkeypatch.setattr(ready, "HEALTH_TIMEOUT_S", 0.1)
    with Server(accepts_and_waits) as silent:
        found = wait_until_ready(realm(shop=silent.url), None, clock=clock, within_s=0.0)
    assert "gave no answer (timeout: " in found.unready["shop"]


def test_one_whose_certificate_is_its_own_accepts_connections_and_that_is_enough(clock, authority):
    with Server(says(OK), tls=authority.context()) as shop:
        assert wait_until_ready(realm(shop=shop.url), None, clock=clock).ready == ("shop",)


@pytest.fixture
def nobody():
    with Server(says(OK)) as gone:
        return gone.url.rstrip("/")
