"""A real container of a real Docker engine that gets less processor and memory than it had, and gets it back."""

from __future__ import annotations

import json

import pytest
from containers import Contained, docker, inject_and_be_killed, wait_all_healed

from seatrial.chaos.faults.docker_limits import NO_MEMORY_LIMIT, LimitContainer
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.service_settings import Limit
from seatrial.clock import SystemClock
from seatrial.errors import CannotRun, FaultFailed
from seatrial.runtime.docker import Engine

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]

MIB = 2**20
BOTH = Limit(0.5, 128 * MIB)


def found(contained: Contained, limit: Limit = BOTH) -> LimitContainer:
    if not (contained.workspace / "chaos").exists():
        contained.write("127.0.0.1:9", "limit: {cpu: 0.5, memory: 128MiB}")
    fault = contained.found(limit)
    assert isinstance(fault, LimitContainer)
    return fault


def said(contained: Contained) -> dict[str, int]:
    """What the engine says of its limits."""
    host = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", contained.container))
    return {key: host[key] for key in ("CpuQuota", "CpuPeriod", "NanoCpus", "Memory", "MemorySwap")}


def kept_to(contained: Contained) -> tuple[float, int]:
    """The cores (0 for no limit) and bytes that the kernel holds it to, by either version of control groups."""
    shown = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us"
    shown += " /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/cpu.max"
    shown += " /sys/fs/cgroup/memory.max"
    quota, period, memory = docker("exec", contained.container, "/bin/sh", "-c", shown).split()
    cores = 0.0 if quota in ("-1", "max") else int(quota) / int(period)
    return cores, NO_MEMORY_LIMIT if memory == "max" else int(memory)


def test_a_container_without_limits_is_limited_and_unlimited_again(contained: Contained) -> None:
    before = kept_to(contained)
    fault = found(contained)
    assert "0.5 cores and 134217728 bytes of memory" in fault.sight
    fault.inject()
    assert kept_to(contained) == (0.5, 128 * MIB)
    assert contained.answers()
    assert fault.heal().needed
    assert fault.heal().needed is False
    assert kept_to(contained) == before
    assert contained.answers()


@pytest.mark.parametrize(
    "own", [("--cpus=1.5",), ("--cpu-period=50000", "--cpu-quota=75000")], ids=["nano", "quota and period"]
)
def test_a_container_with_limits_gets_those_back(contained: Contained, own: tuple[str, ...]) -> None:
    docker("update", *own, "--memory=512m", "--memory-swap=768m", contained.container)
    before = (said(contained), kept_to(contained))
    fault = found(contained)
    fault.inject()
    assert kept_to(contained) == (0.5, 128 * MIB)
    assert fault.heal().needed
    assert (said(contained), kept_to(contained)) == before


def test_one_limit_leaves_the_other_as_it_is(contained: Contained) -> None:
    docker("update", "--memory=512m", "--memory-swap=512m", contained.container)
    fault = found(contained, Limit(cores=0.25))
    fault.inject()
    assert kept_to(contained) == (0.25, 512 * MIB)
    docker("update", "--memory=256m", contained.container)  # somebody's, meanwhile
    assert fault.heal().needed
    assert kept_to(contained) == (0.0, 256 * MIB)


def test_limits_that_somebody_set_meanwhile_stay(contained: Contained) -> None:
    fault = found(contained, Limit(cores=0.25))
    fault.inject()
    docker("update", "--cpu-quota=80000", contained.container)
    assert fault.heal().needed is False
    assert kept_to(contained)[0] == 0.8


def test_a_container_that_has_no_more_than_that_is_not_limited(contained: Contained) -> None:
    docker("update", "--cpus=0.5", "--memory=128m", "--memory-swap=128m", contained.container)
    with pytest.raises(CannotRun, match=r"has but 0\.5 cores; limit it to less"):
        found(contained)
    with pytest.raises(CannotRun, match="has but 134217728 bytes; limit it to less"):
        found(contained, Limit(memory_bytes=128 * MIB))


def test_a_container_that_ended_under_its_limit_is_started_again_without_it(contained: Contained) -> None:
    before = kept_to(contained)
    fault = found(contained)
    fault.inject()
    docker("kill", contained.container)  # as for want of memory
    assert "was started again" in fault.heal().text
    assert kept_to(contained) == before
    assert contained.answers()


def test_an_engine_that_only_says_it_did_is_found_out(contained: Contained, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = found(contained)
    monkeypatch.setattr(Engine, "limit", lambda *_: None)
    with pytest.raises(FaultFailed, match="said it limited container"):
        fault.inject()
    monkeypatch.undo()
    fault.inject()
    monkeypatch.setattr(Engine, "limit", lambda *_: None)
    with pytest.raises(FaultFailed, match=r"said it gave container .* its limits back"):
        fault.heal()


def test_the_watchdog_gives_back_what_a_killed_harness_took_and_recover_finds_nothing(contained: Contained) -> None:
    before = kept_to(contained)
    contained.write("127.0.0.1:9", "limit: {cpu: 0.5, memory: 128MiB}")
    inject_and_be_killed(contained, "watched")
    assert "has its former limits" in wait_all_healed(contained)
    assert kept_to(contained) == before
    assert recover(contained.workspace, clock=SystemClock()).undone == ()
