"""Replicas in real containers of one compose service, restarted one after the other and never all at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import docker, started_harness, text_of, wait_for
from replicas import HEALTH_CHECK, Replicas, contain_replicas, published, wait_checked

from seatrial.chaos.faults import rolling
from seatrial.chaos.model import RollingRestart
from seatrial.chaos.plan import check, plan_experiment, resolver
from seatrial.chaos.read import read_experiments
from seatrial.errors import DocumentError, FaultFailed, Refused
from seatrial.runtime.docker import Engine
from seatrial.runtime.read import read_realms

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]


@pytest.fixture
def three(image: str, tmp_path: Path) -> Iterator[Replicas]:
    """Three replicas, each with a published port that tells that it is well."""
    with contain_replicas(image, tmp_path, *(published() for _ in range(3))) as running:
        yield running


def test_replicas_of_one_compose_service_are_restarted_one_after_the_other(three: Replicas, monkeypatch):
    before, seen = three.starts(), []
    fault = three.found(RollingRestart(pause_s=7.0))

    def look(_, pause_s: float) -> None:
        assert (pause_s, three.running()) == (7.0, [True] * 3)
        seen.append([now == former for now, former in zip(three.starts(), before, strict=True)])

    monkeypatch.setattr(rolling, "pause", look)
    list(fault.in_turn(threading.Event()))
    assert seen == [[False, True, True], [False, False, True]]
    after = three.starts()
    assert not set(before) & set(after)
    assert fault.heal().needed is False
    assert three.starts() == after


def test_a_replica_without_a_port_is_well_when_its_own_health_check_says_so(image: str, tmp_path: Path, monkeypatch):
    with contain_replicas(image, tmp_path, *[HEALTH_CHECK] * 3) as three:
        wait_checked(three)
        seen: list[str] = []

        def look(*_) -> None:
            said = [docker("inspect", "--format={{.State.Health.Status}}", each) for each in three.containers]
            seen.append(" ".join(said))

        monkeypatch.setattr(rolling, "pause", look)
        list(three.found(RollingRestart()).in_turn(threading.Event()))
        assert seen == ["healthy healthy healthy"] * 2


def test_kill_9_in_a_pause_leaves_the_replicas_that_had_no_turn_alone(three: Replicas):
    before = three.starts()
    with started_harness(three, "watched"):  # in its pause when the first is back
        wait_for(lambda: three.starts()[0] != before[0], lambda: text_of(three.log))
    wait_for(lambda: "all is healed" in text_of(three.log), lambda: text_of(three.log))
    assert three.running() == [True] * 3
    assert [now == former for now, former in zip(three.starts(), before, strict=True)] == [False, True, True]


def test_the_replica_that_was_told_to_end_is_started_and_the_next_is_left_alone(three: Replicas, monkeypatch):
    before = three.starts()

    def end_and_be_interrupted(_, container: str) -> None:
        docker("kill", container)
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "restart", end_and_be_interrupted)
    turns = three.found(RollingRestart()).in_turn(threading.Event())
    first = next(turns)
    with pytest.raises(KeyboardInterrupt):
        next(turns)
    assert first.heal().needed is True
    assert three.running() == [True] * 3
    assert [now == former for now, former in zip(three.starts(), before, strict=True)] == [False, True, True]


def test_a_replica_that_the_engine_only_says_it_restarted_ends_the_rolling_restart(three: Replicas, monkeypatch):
    before = three.starts()
    fault = three.found(RollingRestart())
    monkeypatch.setattr(Engine, "restart", lambda *_: None)
    with pytest.raises(FaultFailed, match="and it was not started again"):
        list(fault.in_turn(threading.Event()))
    assert three.starts() == before


def test_the_pauses_of_the_replicas_that_were_found_count_for_the_limit_of_the_method(three: Replicas):
    realm = read_realms(three.workspace)["containers"]
    file = three.workspace / "chaos/rolling.yaml"
    for limit, refused in (("59s", True), ("60s", False)):
        file.write_text(file.read_text().partition("limits")[0] + f"limits: {{duration: {limit}}}\n")
        [experiment] = read_experiments(three.workspace / "chaos").values()
        checked = check(experiment, realm=realm, services={})
        resolve = resolver(three.workspace, realm, holder="test")
        if refused:
            with pytest.raises(DocumentError, match="30 s apart: this goes on until 60 s at the earliest"):
                plan_experiment(checked, realm=realm, resolve=resolve)
        else:
            [planned] = plan_experiment(checked, realm=realm, resolve=resolve).injections
            assert "restart containers" in planned.sight


def test_a_replica_that_was_not_opted_in_is_refused_and_none_is_restarted(image: str, tmp_path: Path):
    options = [published() for _ in range(3)]
    with contain_replicas(image, tmp_path, *options, allowed=(True, True, False)) as three:
        before = three.starts()
        with pytest.raises(Refused, match=r"merchants-3 .* does not allow faults"):
            three.found(RollingRestart())
        assert three.starts() == before


def test_replicas_of_which_nothing_tells_that_they_are_well_are_refused(image: str, tmp_path: Path):
    with (
        contain_replicas(image, tmp_path) as three,
        pytest.raises(Refused, match=r"merchants-1 .* each needs a health check .* or one published port"),
    ):
        three.found(RollingRestart())
