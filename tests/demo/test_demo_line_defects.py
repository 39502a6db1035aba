"""Connections kept too long, addresses, leaks and answers cut short: with the defect, and healthy under the same."""

import asyncio
import json
import socket

import httpx
import pytest
from stand_ins import ACCOUNT, CONTEXT, TcpPeer, called_over_tcp, http, in_place_of, until

from seatrial.demo.believing import mended
from seatrial.demo.calls import Call, CallFailed

POST = Call("POST", "/debits", {})  # has no key, so nothing is sent twice
CALLS = 4  # fewer failures than a breaker needs


async def outcomes(client, times, call=POST):
    """Whether each of so many calls, one after another, was answered."""
    return [not isinstance(each, CallFailed) for each in [await outcome(client, call) for _ in range(times)]]


async def outcome(client, call):
    try:
        return await client.call(call, CONTEXT)
    except CallFailed as failure:
        return failure


def outcomes_after_a_restart(*defects):
    async def story():
        peer = TcpPeer(http(200, "{}"))
        async with called_over_tcp(peer, *defects) as (client, _):
            peer.may_answer.clear()
            at_once = [asyncio.create_task(client.call(POST, CONTEXT)) for _ in range(CALLS)]
            await until(lambda: peer.requests == CALLS)
            peer.may_answer.set()
            await asyncio.gather(*at_once)
            await peer.drop_connections()
            return await outcomes(client, CALLS + 1)

    return asyncio.run(story())


def test_with_stale_connections_as_many_calls_fail_after_a_restart_as_there_were_connections():
    assert outcomes_after_a_restart("26:cards") == [False] * CALLS + [True]
    assert outcomes_after_a_restart() == [True] * (CALLS + 1)


def requests_at_each_address(*defects):
    """Requests of two calls at the address a name had for the first, and at that it had for the second."""
    address_now, look_up = ["127.0.0.1"], socket.getaddrinfo

    def look_up_ledger(host, *rest, **how):
        return look_up(address_now[0] if host in ("ledger.test", b"ledger.test") else host, *rest, **how)

    async def story():
        before, after = TcpPeer(http(200, "{}")), TcpPeer(http(200, "{}"))
        async with called_over_tcp(before, *defects, name="ledger.test") as (client, port):
            assert await outcomes(client, 1) == [True]
            await before.drop_connections()
            address_now[0] = "127.0.0.2"
            async with await asyncio.start_server(after.serve, "127.0.0.2", port):
                assert await outcomes(client, 1) == [True]
                await after.drop_connections()
        return before.requests, after.requests

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up_ledger)
        return asyncio.run(story())


def test_a_cached_address_is_never_left():
    assert requests_at_each_address("27:cards") == (2, 0)
    assert requests_at_each_address() == (1, 1)


def open_after(failures, *defects):
    """Connections open after so many calls were answered 500, and one well."""

    async def story():
        peer = TcpPeer(*[http(500, '{"error": "internal"}')] * failures, http(200, "{}"))
        async with called_over_tcp(peer, *defects) as (client, _):
            assert await outcomes(client, failures + 1) == [False] * failures + [True]
            return len(peer.open)

    return asyncio.run(story())


def test_a_leak_leaves_a_connection_open_for_each_failed_call():
    assert open_after(CALLS, "30:cards") == CALLS + 1
    assert open_after(CALLS) == 1


def reply_to_half_an_account(length, *defects):
    """What a caller believes of the first half of an account."""
    whole = json.dumps(ACCOUNT)

    async def story():
        peer = TcpPeer(http(200, whole[: len(whole) // 2], length=length and len(whole)))
        shape = {name: type(value) for name, value in ACCOUNT.items()}
        async with called_over_tcp(peer, *defects) as (client, _):
            call = asyncio.create_task(outcome(client, Call("POST", "/accounts", shape=shape)))
            await until(lambda: peer.requests)
            if length:
                await peer.drop_connections()
            return await call

    return asyncio.run(story())


@pytest.mark.parametrize("length", [True, False], ids=["connection ends early", "length is that of the half"])
def test_an_account_cut_in_half_is_taken_with_the_rest_zero(length):
    reply = reply_to_half_an_account(length, "31:cards")
    assert (reply.status, reply.body["id"], reply.body["balance_cents"]) == (200, "acc-1", 0)
    assert isinstance(reply_to_half_an_account(length), CallFailed)


def browsed_by_half(play, *defects):
    """What the gateway makes of a list of merchants that is cut in half."""
    seen = []

    async def half(request):
        whole = json.dumps({"merchants": [{"id": f"m-{number}", "name": "N"} for number in range(8)]})
        return httpx.Response(200, content=whole[: len(whole) // 2])

    async def story(bank):
        in_place_of(bank, "merchants", half)
        browsed = await bank.ask("gateway", "GET", "/merchants")
        seen.append((browsed.status_code, len(browsed.json()["merchants"]), browsed.json()["degraded"]))

    play(story, *defects)
    return seen[0]


def test_half_a_list_is_given_out_as_the_whole(play):
    status, merchants, degraded = browsed_by_half(play, "31:gateway")
    assert (status, degraded) == (200, False)
    assert 0 < merchants < 8
    assert browsed_by_half(play) == (200, 0, True)


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ('{"a": 1, "b": 2}', {"a": 1, "b": 2}),
        ('{"a": 1, "b": [1, 2', {"a": 1, "b": [1, 2]}),
        ('{"a": "x, {", "b": "y', {"a": "x, {"}),
        ('{"a": [{"b": "\\"", "c": ', {"a": [{"b": '"'}]}),
        ("{", {}),
        ("", {}),
        ("[1, 2", {}),
    ],
)
def test_json_that_ends_early_is_mended_up_to_its_last_whole_member(cut, whole):
    assert mended(cut.encode()) == whole
