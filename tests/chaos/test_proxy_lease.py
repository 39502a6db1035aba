"""Leases: a fault ends with its holder, whatever the holder dies of."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from http import HTTPStatus

import pytest

from seatrial.chaos.proxy.lease import Held, Leases
from seatrial.chaos.proxy.model import Terms
from seatrial.chaos.proxy.refusal import Refusal

HOLDER_THAT_DIES = """
import json, sys, time, urllib.request
api, proxy = sys.argv[1:]
def post(path, body):
    request = urllib.request.Request(api + path, json.dumps(body).encode(), method="POST")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
post(f"/proxies/{proxy}/toxics", {"name": "hang", "type": "timeout", "lease": {"holder": "run-1", "ttl_s": 5.0}})
print("injected", flush=True)
while True:
    time.sleep(0.25)
    post("/leases/run-1", {})
    print("renewed", flush=True)
"""


def add_leased(proxy, name, *, ttl_s, holder="run-1"):
    body = {"name": name, "type": "latency", "lease": {"holder": holder, "ttl_s": ttl_s}}
    answer = proxy.ask("POST", "/toxics", body)
    assert answer.status_code == 200
    return answer.json()


def names(proxy):
    return [toxic["name"] for toxic in proxy.ask("GET", "/toxics").json()]


def test_only_what_has_a_lease_shows_one(our_server, echo):
    proxy = our_server.proxy(echo)
    shown = add_leased(proxy, "leased", ttl_s=60)
    proxy.add("latency", name="plain")
    assert shown["lease"] == {"holder": "run-1", "ttl_s": 60}
    assert ["lease" in toxic for toxic in proxy.ask("GET", "/toxics").json()] == [True, False]
    assert "lease" not in proxy.ask("GET").json()


def test_toxic_goes_when_its_lease_runs_out_and_the_holder_is_told_once(our_server, echo, wait_until):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=0.2, holder="told-once")
    add_leased(proxy, "stays", ttl_s=60, holder="told-once")
    wait_until(lambda: names(proxy) == ["stays"])
    told = [our_server.ask("POST", "/leases/told-once").json() for _ in range(2)]
    held = [f"{proxy.name}/stays"]
    assert told == [
        {"holder": "told-once", "held": held, "expired": [f"{proxy.name}/hang"]},
        {"holder": "told-once", "held": held, "expired": []},
    ]


def test_renewal_keeps_a_toxic_past_its_time(our_server, echo):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=6.0, holder="renewing")
    begun = time.monotonic()
    while time.monotonic() - begun < 7.0:
        time.sleep(0.5)
        renewed = our_server.ask("POST", "/leases/renewing", {}).json()
    assert renewed == {"holder": "renewing", "held": [f"{proxy.name}/hang"], "expired": []}


def test_each_lease_runs_out_at_its_own_time(our_server, echo, wait_until):
    proxy = our_server.proxy(echo)
    for name, ttl_s in (("first", 0.1), ("stays", 600), ("third", 0.3)):
        add_leased(proxy, name, ttl_s=ttl_s, holder="three")
    wait_until(lambda: names(proxy) == ["stays"])
    told = our_server.ask("POST", "/leases/three").json()
    assert told["expired"] == [f"{proxy.name}/{name}" for name in ("first", "third")]
    assert told["held"] == [f"{proxy.name}/stays"]


def test_renewal_without_a_time_keeps_that_of_each(our_server, echo):
    proxy = our_server.proxy(echo)
    for ttl_s in (600, 700):
        add_leased(proxy, f"t{ttl_s}", ttl_s=ttl_s)
    our_server.ask("POST", "/leases/run-1", {})
    assert [lease["ttl_s"] for lease in our_server.ask("GET", "/leases").json()["leases"]] == [600, 700]


def test_renewal_may_change_the_time(our_server, echo, wait_until):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=600)
    our_server.ask("POST", "/leases/run-1", {"ttl_s": 0.1})
    wait_until(lambda: names(proxy) == [])


def test_renewal_by_another_holder_does_not_count(our_server, echo, wait_until):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=0.3)
    assert our_server.ask("POST", "/leases/run-2", {"ttl_s": 60}).json()["held"] == []
    wait_until(lambda: names(proxy) == [])


def test_ending_a_lease_heals_at_once_all_its_holder_holds(our_server, echo):
    proxies = [our_server.proxy(echo) for _ in range(2)]
    add_leased(proxies[0], "hang", ttl_s=600, holder="run-4")
    add_leased(proxies[0], "other", ttl_s=600, holder="run-5")
    proxies[1].ask("POST", body={"enabled": False, "lease": {"holder": "run-4", "ttl_s": 600}})
    answer = our_server.ask("DELETE", "/leases/run-4")
    healed = [proxies[1].name, f"{proxies[0].name}/hang"]
    told = {"holder": "run-4", "healed": healed, "expired": [], "failed": {}}
    assert (answer.status_code, answer.json()) == (200, told)
    assert names(proxies[0]) == ["other"]
    assert proxies[1].ask("GET").json()["enabled"] is True


def test_leases_in_force_are_listed(our_server, echo):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=600)
    (lease,) = our_server.ask("GET", "/leases").json()["leases"]
    assert 0 < lease.pop("remaining_s") <= 600
    assert lease == {"held": f"{proxy.name}/hang", "holder": "run-1", "ttl_s": 600}


def test_disabled_proxy_is_enabled_again_when_its_lease_runs_out(our_server, echo, dial, wait_until):
    proxy = our_server.proxy(echo)
    shown = proxy.ask("POST", body={"enabled": False, "lease": {"holder": "run-3", "ttl_s": 0.3}}).json()
    assert (shown["enabled"], shown["lease"]["holder"]) == (False, "run-3")
    wait_until(lambda: proxy.ask("GET").json()["enabled"])
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"
    assert our_server.ask("POST", "/leases/run-3").json()["expired"] == [proxy.name]


def test_enabling_is_tried_again_until_the_port_is_free(our_server, echo, wait_until):
    proxy = our_server.proxy(echo)
    proxy.ask("POST", body={"enabled": False, "lease": {"holder": "run-1", "ttl_s": 600}})
    with socket.create_server(("127.0.0.1", proxy.port)):
        our_server.ask("POST", "/leases/run-1", {"ttl_s": 0.2})
        time.sleep(0.8)
        assert proxy.ask("GET").json()["enabled"] is False
    wait_until(lambda: proxy.ask("GET").json()["enabled"])


@pytest.mark.parametrize("undo", ["delete toxic", "reset", "delete proxy"])
def test_lease_ends_with_what_it_is_on(our_server, echo, undo):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=600)
    if undo == "delete toxic":
        proxy.remove("hang")
    elif undo == "reset":
        our_server.ask("POST", "/reset")
    else:
        proxy.ask("DELETE")
    assert our_server.ask("GET", "/leases").json() == {"leases": []}


def test_leases_on_other_proxies_outlive_a_proxy(our_server, echo):
    gone, stays = (our_server.proxy(echo) for _ in range(2))
    for proxy in (gone, stays):
        add_leased(proxy, "hang", ttl_s=600)
    gone.ask("DELETE")
    assert [lease["held"] for lease in our_server.ask("GET", "/leases").json()["leases"]] == [f"{stays.name}/hang"]


def test_reset_ends_the_lease_of_a_disabled_proxy(our_server, echo):
    proxy = our_server.proxy(echo)
    proxy.ask("POST", body={"enabled": False, "lease": {"holder": "run-1", "ttl_s": 600}})
    assert our_server.ask("POST", "/reset").status_code == 204
    assert our_server.ask("GET", "/leases").json() == {"leases": []}


def test_fault_that_is_healed_only_after_several_tries_is_told_once(monkeypatch):
    monkeypatch.setattr("seatrial.chaos.proxy.lease._RETRY_S", 0.01)
    tried = []

    async def heal(held):
        tried.append(held)
        if len(tried) < 4:
            raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the port is taken")

    async def hold():
        leases = Leases(heal, asyncio.Lock())
        leases.grant(Held("a"), Terms("run-1", 0.01))
        while leases.all() or len(tried) < 4:  # noqa: ASYNC110 - it is to be so by itself
            await asyncio.sleep(0.01)
        return leases.renew("run-1", None)

    assert asyncio.run(asyncio.wait_for(hold(), 20)).expired == [Held("a")]
    assert tried == [Held("a")] * 4


def test_enabling_by_hand_ends_the_lease(our_server, echo):
    proxy = our_server.proxy(echo)
    proxy.ask("POST", body={"enabled": False, "lease": {"holder": "run-1", "ttl_s": 600}})
    assert "lease" not in proxy.ask("POST", body={"enabled": True}).json()
    assert our_server.ask("GET", "/leases").json() == {"leases": []}


def test_update_of_a_toxic_keeps_its_lease_or_brings_another(our_server, echo):
    proxy = our_server.proxy(echo)
    add_leased(proxy, "hang", ttl_s=600)
    kept = proxy.ask("PATCH", "/toxics/hang", {"attributes": {"latency": 5}}).json()
    changed = proxy.ask("PATCH", "/toxics/hang", {"lease": {"holder": "run-2", "ttl_s": 60}}).json()
    assert [kept["lease"]["holder"], changed["lease"]["holder"]] == ["run-1", "run-2"]


@pytest.mark.parametrize(
    "lease",
    [{}, {"holder": "x"}, {"ttl_s": 5}, {"holder": "x", "ttl_s": 0}, {"holder": "x", "ttl_s": "5"}, "forever"],
)
def test_lease_that_is_not_complete_is_refused_with_the_toxic(our_server, echo, lease):
    proxy = our_server.proxy(echo)
    assert proxy.ask("POST", "/toxics", {"type": "latency", "lease": lease}).status_code == 400
    assert names(proxy) == []


def test_lease_on_what_cannot_have_one_is_refused(our_server, echo):
    lease = {"holder": "run-1", "ttl_s": 5}
    proxy = our_server.proxy(echo)
    body = {"name": "x", "upstream": "127.0.0.1:1", "enabled": False, "lease": lease}
    assert our_server.ask("POST", "/proxies", body).status_code == 400
    assert proxy.ask("POST", body={"enabled": True, "lease": lease}).status_code == 400


def test_killed_holder_leaves_no_fault_behind(our_server, echo, dial, wait_until):
    proxy = our_server.proxy(echo)
    command = [sys.executable, "-c", HOLDER_THAT_DIES, our_server.api, proxy.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "injected\n"
        begun = time.monotonic()
        while time.monotonic() - begun < 6.0:  # longer than the lease
            assert holder.stdout.readline() == "renewed\n"
        assert names(proxy) == ["hang"], "it is renewed while its holder lives"
        os.kill(holder.pid, signal.SIGKILL)
    wait_until(lambda: names(proxy) == [])
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"
