"""Faults on containers in every state they may be found in, with a fake in place of the docker SDK's client."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import docker.errors
import orjson
import pytest

from seatrial.chaos import faults
from seatrial.chaos.faults import container as container_faults
from seatrial.chaos.faults.docker import KillContainer, PauseContainer, RestartContainer
from seatrial.chaos.faults.injectable import Injectable, Means, Site
from seatrial.chaos.model import Kill, Restart, ServiceFault, Stop
from seatrial.errors import CannotRun, FaultFailed, Refused, Where
from seatrial.exchange import Response
from seatrial.realm import Place, Realm, RuntimeKind, Start
from seatrial.runtime.docker import Engine

SOCKET = "unix:///run/engine.sock"
LABELS = {"com.example.bank": "demo", "seatrial.service": "ledger", "seatrial.chaos": "allowed"}
WHERE = Where("chaos/x.yaml", 5, 9)
KILL, STOP = ServiceFault("ledger", Kill("TERM"), WHERE), ServiceFault("ledger", Stop(), WHERE)
RESTART = ServiceFault("ledger", Restart(), WHERE)


class FakeClient:
    """The SDK's client, with one container. `lies`: it says it did what it was asked, and did not."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.lies = False
        self.gone = False
        self.state = {"Status": "running", "StartedAt": "first"}
        self.labels = dict(LABELS)
        self.host: dict[str, Any] = {}

    def containers(self, **asked: Any) -> list[dict[str, Any]]:
        return [] if self.gone else [{"Id": "4f2a"}]

    def inspect_container(self, container: str) -> dict[str, Any]:
        if self.gone:
            raise docker.errors.NotFound("no such container")
        return {
            "Id": "4f2a",
            "Name": "/bank-ledger-1",
            "State": dict(self.state),
            "Config": {"Labels": self.labels},
            "HostConfig": self.host,
        }

    def kill(self, container: str, signal: str) -> None:
        self._act(f"kill {signal}", Status="exited")

    def pause(self, container: str) -> None:
        self._act("pause", Status="paused")

    def unpause(self, container: str) -> None:
        self._act("unpause", Status="running")

    def start(self, container: str) -> None:
        self._act("start", Status="running", StartedAt="second")

    def restart(self, container: str, timeout: int) -> None:
        self._act(f"restart within {timeout}", Status="running", StartedAt="second")

    def close(self) -> None:
        """Nothing is open."""

    def _act(self, what: str, **becomes: str) -> None:
        self.acts.append(what)
        if not self.lies:
            self.state |= becomes


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """The engine's client, and no container that answers anything but 200 at its address."""
    fake = FakeClient()
    well = Response(200, (), b"", 0.001)
    monkeypatch.setenv("DOCKER_HOST", SOCKET)
    monkeypatch.setattr(Engine, "_connect", lambda engine: fake)
    monkeypatch.setattr("seatrial.http.get", lambda url, *, timeout_s: well)
    monkeypatch.setattr(container_faults, "END_DEADLINE_S", 0.0)
    return fake


@pytest.fixture
def ill(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is started never gets well."""
    monkeypatch.setattr("seatrial.http.get", lambda url, *, timeout_s: Response(503, (), b"", 0.001))
    monkeypatch.setattr(container_faults, "HEALTHY_WITHIN_S", 0.0)
    monkeypatch.setattr(Engine, "log_tail", lambda engine, container: "  cannot bind")


def site(**fields: Any) -> Site:
    place = Place("ledger", **({"url": "http://127.0.0.1:18003", "health": "/up"} | fields), where=WHERE)
    realm = Realm("bank", RuntimeKind.DOCKER, {"ledger": place}, labels={"com.example.bank": "demo"})
    return Site(Path("/nowhere"), realm, None, "run", 5.0)


def resolve(fault: ServiceFault) -> Injectable:
    return faults.resolve(fault, site())[1]


def test_a_service_of_a_docker_realm_is_faulted_as_a_container(client: FakeClient) -> None:
    assert faults.resolve(KILL, site()) == (
        Means.DOCKER,
        KillContainer(SOCKET, "4f2a", "bank-ledger-1", "first", "ledger", "http://127.0.0.1:18003/up", "TERM"),
    )
    assert faults.resolve(STOP, site()) == (
        Means.DOCKER,
        PauseContainer(SOCKET, "4f2a", "bank-ledger-1", "first", "ledger"),
    )
    assert faults.resolve(RESTART, site()) == (
        Means.DOCKER,
        RestartContainer(SOCKET, "4f2a", "bank-ledger-1", "first", "ledger", "http://127.0.0.1:18003/up"),
    )
    assert client.acts == []


def test_a_container_may_be_named_in_a_realm_of_another_kind(client: FakeClient) -> None:
    place = Place("ledger", url="http://127.0.0.1:18003", container="bank-ledger-1", where=WHERE)
    external = dataclasses.replace(site(), realm=Realm("bank", RuntimeKind.EXTERNAL, {"ledger": place}))
    means, found = faults.resolve(STOP, external)
    assert (means, type(found)) == (Means.DOCKER, PauseContainer)


@pytest.mark.parametrize("fault", [KILL, STOP, RESTART], ids=["kill", "stop", "restart"])
def test_a_container_that_was_not_opted_in_is_refused_and_left_alone(client: FakeClient, fault: ServiceFault) -> None:
    del client.labels["seatrial.chaos"]
    with pytest.raises(Refused, match=r"^chaos/x.yaml:5:9: .* seatrial.chaos=allowed"):
        resolve(fault)
    assert client.acts == []


@pytest.mark.parametrize("fault", [KILL, STOP, RESTART], ids=["kill", "stop", "restart"])
@pytest.mark.parametrize("status", ["created", "paused", "restarting", "removing", "exited", "dead"])
def test_a_container_that_does_not_run_is_nobody_to_break(
    client: FakeClient, fault: ServiceFault, status: str
) -> None:
    client.state["Status"] = status
    with pytest.raises(CannotRun, match=rf"bank-ledger-1 \(4f2a, {status}\) of 'ledger' does not run"):
        resolve(fault)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"AutoRemove": True}, "--rm"),
        ({"PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}}, "8080/tcp on a host port"),
        ({"PublishAllPorts": True}, "all on a host port"),
    ],
    ids=["rm", "loose port", "all ports"],
)
def test_what_would_not_come_back_as_it_was_is_not_killed_but_may_be_paused(
    client: FakeClient, host: dict[str, Any], said: str
) -> None:
    client.host = host
    for fault in (KILL, RESTART):
        with pytest.raises(Refused, match=said):
            resolve(fault)
    assert resolve(STOP)


def test_a_service_whose_address_nobody_knows_is_not_killed(client: FakeClient) -> None:
    start = Start(("docker", "run"))
    nowhere = site(url=None, start=start, container="bank-ledger-1")
    with pytest.raises(CannotRun, match="seatrial up --realm bank"):
        faults.resolve(KILL, nowhere)


def test_kill_sends_the_signal_and_healing_starts_the_container_again(client: FakeClient) -> None:
    fault = resolve(KILL)
    fault.inject()
    assert client.state["Status"] == "exited"
    undone = fault.heal()
    assert (undone.needed, undone.text) == (True, "container bank-ledger-1 started again and healthy")
    assert client.acts == ["kill SIGTERM", "start"]


def test_a_container_that_outlives_its_signal_is_told_with_the_mend_and_not_left_to_end_later(
    client: FakeClient,
) -> None:
    client.lies = True
    fault = resolve(KILL)
    with pytest.raises(FaultFailed, match=r"outlived signal TERM .* use KILL"):
        fault.inject()
    with pytest.raises(FaultFailed, match="could not be ended, and may end later by signal TERM"):
        fault.heal()
    client.lies = False
    assert fault.heal().needed
    assert client.acts == ["kill SIGTERM", "kill SIGKILL", "kill SIGKILL", "start"]


def test_a_container_its_own_engine_started_again_counts_as_killed_and_needs_no_healing(client: FakeClient) -> None:
    fault = resolve(KILL)
    client.lies = True
    client.state["StartedAt"] = "second"
    fault.inject()
    undone = fault.heal()
    assert (undone.needed, undone.text) == (False, "nothing to do: container bank-ledger-1 is running")
    assert client.acts == ["kill SIGTERM"]


def test_a_restart_is_over_when_the_container_was_started_again_and_needs_no_healing(client: FakeClient) -> None:
    fault = resolve(RESTART)
    fault.inject()
    assert fault.heal().needed is False
    assert client.acts == ["restart within 10"]


def test_a_restart_that_the_engine_only_says_it_did_fails_and_healing_does_it(client: FakeClient) -> None:
    fault = resolve(RESTART)
    client.lies = True
    with pytest.raises(FaultFailed, match="and it was not started again"):
        fault.inject()
    client.lies = False
    assert fault.heal().needed
    assert client.acts == ["restart within 10", "kill SIGKILL", "start"]


def test_a_container_that_somebody_else_restarted_meanwhile_is_not_restarted(client: FakeClient) -> None:
    fault = resolve(RESTART)
    client.state["StartedAt"] = "second"
    with pytest.raises(FaultFailed, match="was to be restarted as it was found"):
        fault.inject()
    assert client.acts == []


@pytest.mark.usefixtures("ill")
def test_a_started_container_that_stays_ill_is_left_and_says_so(client: FakeClient) -> None:
    fault = resolve(KILL)
    fault.inject()
    with pytest.raises(
        FaultFailed, match=r"http://127.0.0.1:18003/up answers 503; the end of its log:\n  cannot bind"
    ):
        fault.heal()


@pytest.mark.usefixtures("ill")
def test_a_restart_whose_container_does_not_get_well_has_failed(client: FakeClient) -> None:
    with pytest.raises(FaultFailed, match="answers 503"):
        resolve(RESTART).inject()


@pytest.mark.usefixtures("ill")
def test_only_a_container_that_was_started_since_is_waited_for(client: FakeClient) -> None:
    fault = resolve(RESTART)
    fault.wait_well()
    client.state["StartedAt"] = "second"
    with pytest.raises(FaultFailed, match="answers 503"):
        fault.wait_well()
    client.gone = True
    fault.wait_well()


def test_a_container_that_ends_as_healing_is_about_to_end_it_is_started_again(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(container: str, signal: str) -> None:
        client.state["Status"] = "exited"
        raise docker.errors.APIError("container 4f2a is not running")

    fault = resolve(KILL)
    monkeypatch.setattr(client, "kill", too_late)
    assert fault.heal().text == "container bank-ledger-1 started again and healthy"
    assert client.acts == ["start"]


def test_stop_pauses_and_healing_unpauses(client: FakeClient) -> None:
    fault = resolve(STOP)
    fault.inject()
    assert client.state["Status"] == "paused"
    undone = fault.heal()
    assert (undone.needed, undone.text) == (True, "container bank-ledger-1 unpaused")
    assert client.acts == ["pause", "unpause"]


@pytest.mark.parametrize("fault", [KILL, STOP], ids=["kill", "stop"])
def test_healing_twice_does_nothing_the_second_time(client: FakeClient, fault: ServiceFault) -> None:
    injected = resolve(fault)
    injected.inject()
    assert injected.heal().needed
    before = list(client.acts)
    assert not injected.heal().needed
    assert client.acts == before


@pytest.mark.parametrize("fault", [KILL, STOP], ids=["kill", "stop"])
def test_a_container_that_was_removed_needs_no_healing(client: FakeClient, fault: ServiceFault) -> None:
    injected = resolve(fault)
    injected.inject()
    client.gone = True
    undone = injected.heal()
    assert (undone.needed, undone.text) == (False, "nothing to do: container bank-ledger-1 is gone")


def test_a_container_somebody_else_paused_after_a_new_start_stays_paused(client: FakeClient) -> None:
    fault = resolve(STOP)
    fault.inject()
    client.state["StartedAt"] = "second"
    assert not fault.heal().needed
    assert client.state["Status"] == "paused"


def test_an_engine_that_says_it_paused_and_did_not_is_found_out(client: FakeClient) -> None:
    fault = resolve(STOP)
    client.lies = True
    with pytest.raises(FaultFailed, match="said it paused container bank-ledger-1, and it is running"):
        fault.inject()


def test_an_engine_that_says_it_unpaused_and_did_not_is_found_out(client: FakeClient) -> None:
    fault = resolve(STOP)
    fault.inject()
    client.lies = True
    with pytest.raises(FaultFailed, match="said it unpaused container bank-ledger-1, and it is paused"):
        fault.heal()


@pytest.mark.parametrize("fault", [KILL, STOP], ids=["kill", "stop"])
def test_what_the_ledger_keeps_suffices_to_heal_at_the_same_engine(
    client: FakeClient, fault: ServiceFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    injected = resolve(fault)
    kept = orjson.loads(orjson.dumps(dataclasses.asdict(injected)))  # type: ignore[call-overload]
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.7:2375")
    restored = faults.restore("docker", fault.kind, kept)
    assert restored == injected
    restored.inject()
    assert restored.heal().needed


def test_the_plan_shows_which_container_is_meant(client: FakeClient) -> None:
    assert resolve(KILL).sight == "signal TERM to container bank-ledger-1 (ledger), started again afterwards"
    assert resolve(STOP).sight == "pause container bank-ledger-1 (ledger), unpaused afterwards"
