"""A rolling restart of three replicas behind a real HAProxy, under load: what customers lose of it, by count.

Replicas that say that they go, and finish what is under way, lose nothing; those that end at once break off what they
were doing. Each request takes a while, so that some are under way at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from haproxy import Counted, customers, haproxy_before
from replicas import contain_replicas, published

from seatrial.chaos.faults import rolling
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import RollingRestart, ServiceFault
from seatrial.chaos.plan import resolver
from seatrial.clock import SystemClock
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.state import ProcessId, load_state
from seatrial.runtime.up import down, up

pytestmark = [pytest.mark.needs_haproxy, pytest.mark.e2e]

REPLICAS = ("merchants", "merchants2", "merchants3")
SLOW = "slow:merchants=100%"  # 200 ms a request
PROCESSES = """\
realms:
  replicas:
    runtime: {{kind: process}}
    allows: {{chaos: true}}
    services:
{services}
"""
ONE = """\
      {name}:
        start:
          command: ["{{{{ python }}}}", -m, seatrial.demo, merchants]
          env: {{PORT: "{{{{ port }}}}", DEFECTS: "{defects}"}}
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Starts three replicas with those defects as processes of a realm; gives their workspace."""

    def start(defects: str) -> Path:
        services = "".join(ONE.format(name=name, defects=defects) for name in REPLICAS)
        (tmp_path / "realms.yaml").write_text(PROCESSES.format(services=services))
        up(choose_realm(read_realms(tmp_path), "replicas"), tmp_path, variables={}, say=lambda _: None)
        return tmp_path

    yield start
    down(choose_realm(read_realms(tmp_path), "replicas"), tmp_path, say=lambda _: None)


def restart_under_load(
    workspace: Path, settings: RollingRestart, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Counted:
    """What customers were answered while it went on. The pause is over when HAProxy has noticed the replica."""
    [realm] = read_realms(workspace).values()
    fault = resolver(workspace, realm, holder="test")(ServiceFault(REPLICAS[0], settings))
    ledger = Ledger(workspace / "reports/out/run/faults.jsonl")
    with haproxy_before(addresses, workspace) as proxy:
        monkeypatch.setattr(rolling, "pause", lambda *_: proxy.wait_all_up())
        with (
            customers(proxy.front) as counted,
            Injector(ledger, realm.name, clock=SystemClock(), say=lambda _: None) as injector,
        ):
            injector.inject(fault, experiment="a rolling restart")
            proxy.wait_all_up()
    assert [window.ended for window in injector.windows] == ["healed"]
    return counted


def process_ids(workspace: Path) -> list[ProcessId]:
    state = load_state(workspace, "replicas")
    assert state is not None
    return [state.services[name].process for name in REPLICAS]


def addresses_of(workspace: Path) -> dict[str, str]:
    state = load_state(workspace, "replicas")
    assert state is not None
    return {name: state.services[name].url.removeprefix("http://") for name in REPLICAS}


def test_no_request_is_lost_by_a_rolling_restart_of_processes_that_drain(processes, monkeypatch):
    workspace = processes(SLOW)
    before = process_ids(workspace)
    counted = restart_under_load(workspace, RollingRestart(REPLICAS[1:]), addresses_of(workspace), monkeypatch)
    assert not set(before) & set(process_ids(workspace))
    assert counted.lost == []
    assert counted.good > 0


def test_a_rolling_restart_of_processes_without_grace_loses_requests(processes, monkeypatch):
    workspace = processes(f"{SLOW},no-grace:merchants")
    counted = restart_under_load(workspace, RollingRestart(REPLICAS[1:]), addresses_of(workspace), monkeypatch)
    assert len(counted.lost) > 0
    assert counted.good > len(counted.lost)


@pytest.mark.needs_docker
@pytest.mark.parametrize(
    ("defects", "loses"), [(SLOW, False), (f"{SLOW},no-grace:merchants", True)], ids=["drain", "no grace"]
)
def test_requests_are_lost_by_a_rolling_restart_of_containers_only_where_they_do_not_drain(
    image: str, tmp_path: Path, monkeypatch, defects: str, loses: bool
):
    options = [published() for _ in REPLICAS]
    with contain_replicas(image, tmp_path, *options, defects=defects) as three:
        before = three.starts()
        addresses = dict(zip(REPLICAS, three.addresses, strict=True))
        counted = restart_under_load(tmp_path, RollingRestart(), addresses, monkeypatch)
        assert not set(before) & set(three.starts())
    assert (len(counted.lost) > 0) is loses
    assert counted.good > len(counted.lost)
