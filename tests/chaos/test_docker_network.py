"""A real container taken off networks of a real Docker engine, and put back with its aliases and address."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from containers import Contained, binds, docker, inject_and_be_killed, wait_all_healed

from seatrial.chaos.faults.docker_network import DisconnectContainer
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.model import Disconnect
from seatrial.clock import SystemClock
from seatrial.errors import CannotRun, FaultFailed
from seatrial.runtime.docker import Engine

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]

SUBNET = "10.213.77.0/24"


@pytest.fixture
def networks(contained: Contained) -> Iterator[tuple[str, str]]:
    """Two networks beside the engine's own, one with a subnet of its own; the container is on both under an alias."""
    plain, chosen = f"plain-{secrets.token_hex(4)}", f"chosen-{secrets.token_hex(4)}"
    docker("network", "create", plain)
    try:
        docker("network", "create", f"--subnet={SUBNET}", chosen)
        docker("network", "connect", "--alias=books", plain, contained.container)
        docker("network", "connect", "--alias=books", "--ip=10.213.77.9", chosen, contained.container)
        contained.write("127.0.0.1:9", f"disconnect: {{network: {chosen}}}")
        yield plain, chosen
    finally:
        for name in (plain, chosen):
            docker("network", "disconnect", "--force", name, contained.container) if name in on(contained) else None
            docker("network", "rm", name)


def on(contained: Contained) -> dict[str, dict[str, object]]:
    shown = docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", contained.container)
    return {
        name: {"address": each["IPAddress"], "aliases": sorted(set(each["Aliases"] or ()))}
        for name, each in json.loads(shown).items()
    }


def found(contained: Contained, network: str | None) -> DisconnectContainer:
    fault = contained.found(Disconnect(network))
    assert isinstance(fault, DisconnectContainer)
    return fault


def test_a_container_is_put_back_on_its_networks_under_its_aliases_and_at_its_address(
    contained: Contained, networks: tuple[str, str]
) -> None:
    before = on(contained)
    for network in networks:
        fault = found(contained, network)
        fault.inject()
        assert on(contained).keys() == before.keys() - {network}
        assert fault.heal().needed
        assert fault.heal().needed is False
    after = on(contained)
    assert {name: each["aliases"] for name, each in after.items()} == {
        name: each["aliases"] for name, each in before.items()
    }
    assert after[networks[1]]["address"] == "10.213.77.9"


def test_its_port_is_closed_off_the_network_that_publishes_it_and_open_again_afterwards(contained: Contained) -> None:
    contained.write("127.0.0.1:9", "disconnect: {}")
    fault = found(contained, None)
    assert fault.network == "bridge"
    fault.inject()
    assert not contained.answers(within_s=1)
    assert fault.heal().needed
    assert contained.answers()


def test_which_network_is_meant_must_be_clear(contained: Contained, networks: tuple[str, str]) -> None:
    with pytest.raises(CannotRun, match=r"is on bridge, .*say which: `disconnect: \{network"):
        found(contained, None)
    with pytest.raises(CannotRun, match=rf"is not on network 'nowhere', but on bridge, .*{networks[0]}"):
        found(contained, "nowhere")


def test_an_address_that_was_given_by_hand_and_is_taken_now_leaves_the_fault_and_says_so(
    contained: Contained, networks: tuple[str, str], image: str
) -> None:
    fault = found(contained, networks[1])
    fault.inject()
    thief = docker("create", f"--network={networks[1]}", "--ip=10.213.77.9", *binds(), image, "/usr/bin/sleep", "60")
    try:
        docker("start", thief)
        with pytest.raises(FaultFailed, match="the engine will not connect container"):
            fault.heal()
    finally:
        docker("rm", "--force", thief)
    assert fault.heal().needed
    assert on(contained)[networks[1]]["address"] == "10.213.77.9"


def test_an_engine_that_only_says_it_did_is_found_out(contained: Contained, networks: tuple[str, str], monkeypatch):
    fault = found(contained, networks[1])
    monkeypatch.setattr(Engine, "disconnect", lambda *_: None)
    with pytest.raises(FaultFailed, match="said it disconnected container"):
        fault.inject()
    monkeypatch.undo()
    fault.inject()
    monkeypatch.setattr(Engine, "connect", lambda *_, **__: None)
    with pytest.raises(FaultFailed, match="said it connected container"):
        fault.heal()


def test_the_watchdog_connects_what_a_killed_harness_left_and_recover_finds_nothing(
    contained: Contained, networks: tuple[str, str]
) -> None:
    before = on(contained)
    inject_and_be_killed(contained, "watched")
    assert f"connected to network {networks[1]} again" in wait_all_healed(contained)
    assert on(contained) == before
    assert recover(contained.workspace, clock=SystemClock()).undone == ()
