"""The bank with a client that waits wrong, under the fault that exposes it; and healthy, under the same."""

import asyncio
import json
import socket
from contextlib import ExitStack, asynccontextmanager, suppress

import httpx
import pytest
from stand_ins import ACCOUNT, ask_for_account, lead_to, served
from unhurried import TIMES

from seatrial.demo.edges import edges_of

LONG_S = 1.0
"""Four times what cards waits for the ledger."""

GIVEN_UP_S = TIMES * edges_of("gateway")[0].timeout_s
"""When the gateway as a process gives cards up, which wait eight times 1.25 s for the ledger with defect 4."""


def answered(play, *defects, at):
    """The status of a request to cards while the ledger is `at` a port; None if it is not answered for long."""
    seen = []

    async def story(bank):
        async with at() as port, lead_to(bank, "ledger", port):
            asking = asyncio.create_task(ask_for_account(bank))
            await asyncio.wait([asking], timeout=LONG_S if defects else 20)
            seen.append(asking.result()[0] if asking.done() else None)
            asking.cancel()
            await asyncio.wait([asking])

    play(story, *defects)
    return seen[0]


async def hang(reader, writer):
    await asyncio.Event().wait()


def hanging():
    return served(hang)


@asynccontextmanager
async def unreachable():
    """A port whose backlog is full, so that connecting to it hangs."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            caller = sockets.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize("defect", ["1:cards", "2:cards"])
def test_without_a_timeout_for_the_answer_a_hanging_ledger_is_waited_for(play, defect):
    assert answered(play, defect, at=hanging) is None
    assert answered(play, at=hanging) == 504


def test_with_no_timeout_at_all_a_connection_that_is_not_made_is_waited_for(play):
    assert answered(play, "1:cards", at=unreachable) is None
    assert answered(play, at=unreachable) in (503, 504)


def test_with_a_timeout_for_connecting_only_a_connection_not_made_or_refused_is_told(play):
    async def story(bank):
        async with unreachable() as port, lead_to(bank, "ledger", port), asyncio.timeout(20):
            assert await ask_for_account(bank) == [503]
        bank.wires["ledger"].is_cut = True
        assert await ask_for_account(bank) == [503]

    play(story, "2:cards")


DRIP_S = 0.060


async def drip(reader, writer):
    """Answer in forty pieces: two and a half seconds, each piece well within any timeout."""
    await reader.readuntil(b"\r\n\r\n")
    body = json.dumps(ACCOUNT).encode().ljust(400)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n")
    for start in range(0, 400, 10):
        writer.write(body[start : start + 10])
        await asyncio.sleep(DRIP_S)


def told_of_a_drip(play, *defects):
    """The gateway's answer while cards drips, and whether it took longer than twice its timeout of 600 ms."""
    seen = []

    async def story(bank):
        async with served(drip) as port, lead_to(bank, "cards", port):
            clock = asyncio.get_running_loop().time
            begun_s = clock()
            statuses = await ask_for_account(bank, "gateway")
            seen.append((statuses, clock() - begun_s > 1.2))

    play(story, *defects)
    return seen[0]


def test_with_a_timeout_for_each_read_only_a_drip_is_a_success_long_after_the_timeout(play):
    assert told_of_a_drip(play, "3:gateway") == ([200], True)
    assert told_of_a_drip(play)[0] == [504]


def test_with_a_timeout_for_each_read_a_hanging_ledger_is_told(play):
    async def story(bank):
        async with hanging() as port, lead_to(bank, "ledger", port), asyncio.timeout(20):
            assert await ask_for_account(bank) == [504]

    play(story, "3:cards")


def call_goes_on_after_the_caller_left(processes, **environ):
    """Whether cards still waits for a ledger that hangs when the gateway would have given up."""
    with socket.create_server(("127.0.0.1", 0)) as ledger:
        processes.start("cards", LEDGER_URL=f"http://127.0.0.1:{ledger.getsockname()[1]}", **environ)
        ledger.settimeout(20)
        with suppress(httpx.ReadTimeout):
            httpx.get(f"{processes.urls['cards']}/accounts/acc-1", timeout=GIVEN_UP_S, trust_env=False)
        exchange, _ = ledger.accept()
    with exchange:
        exchange.settimeout(2.0)
        return not _is_closed(exchange)


def _is_closed(exchange):
    try:
        while exchange.recv(4096):
            pass
    except TimeoutError:
        return False
    return True


@pytest.mark.e2e
@pytest.mark.parametrize(("environ", "goes_on"), [({"DEFECTS": "4:cards"}, True), ({}, False)], ids=["4", "healthy"])
def test_with_a_timeout_longer_than_its_callers_a_call_goes_on_when_the_caller_has_left(
    no_processes, environ, goes_on
):
    assert call_goes_on_after_the_caller_left(no_processes, **environ) is goes_on
