"""What an earlier harness left: recovered, or refusing the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_faults import ledger_of, resolved

from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import realm_lock, recover, require_healed
from seatrial.chaos.inject import Injector
from seatrial.errors import FaultFailed, Refused


def test_a_second_harness_on_a_realm_is_refused(tmp_path: Path):
    with realm_lock(tmp_path, "demo"):
        with pytest.raises(
            Refused, match=rf"chaos is going on in realm 'demo' \(process {os.getpid()}, with faults of its own\)"
        ):
            realm_lock(tmp_path, "demo").__enter__()
        with realm_lock(tmp_path, "other"):
            pass
    with realm_lock(tmp_path, "demo"):
        pass


def test_recover_undoes_what_is_open_newest_first_and_is_idempotent(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", "b")
    assert [item.healed for item in recover(tmp_path, clock=clock).undone] == [True, True]
    assert world[-2:] == ["heal b", "heal a"]
    assert recover(tmp_path, clock=clock).undone == ()


def test_recover_goes_on_past_what_it_cannot_undo(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", "b", how={"b": "breaks"})
    left, healed = recover(tmp_path, clock=clock).undone
    assert (left.healed, healed.healed) == (False, True)
    assert "a defect of ours" in left.text
    assert [item.entry.target for item in recover(tmp_path, clock=clock).undone] == ["a->b"]


def test_recover_does_not_touch_a_living_experiment(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a")
    with realm_lock(tmp_path, "demo"):
        recovered = recover(tmp_path, clock=clock)
    assert (recovered.undone, [str(why).partition(" (")[0] for why in recovered.refused]) == (
        (),
        ["chaos is going on in realm 'demo'"],
    )
    assert world == ["inject a"]


def _leave_open(workspace: Path, clock, *names: str, how: dict[str, str] | None = None) -> None:
    """What a harness that was killed leaves: faults in its ledger that nobody healed."""
    injector = Injector(Ledger(ledger_of(workspace)), "demo", clock=clock, say=lambda _: None)
    for name in names:
        injector.inject(resolved(name, (how or {}).get(name, "")), experiment="x")


def test_what_an_earlier_run_left_is_undone_before_the_next(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a")
    said: list[str] = []
    require_healed(tmp_path, "other", clock=clock, say=said.append)
    assert said == []
    require_healed(tmp_path, "demo", clock=clock, say=said.append)
    assert said == ["left by an earlier run: latency on a->a: done"]
    assert recover(tmp_path, clock=clock).undone == ()


def test_what_an_earlier_run_left_for_good_refuses_the_next(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", how={"a": "stays"})
    with pytest.raises(
        FaultFailed, match="latency on a->a is left of an earlier run: it stays; then: seatrial chaos"
    ):
        require_healed(tmp_path, "demo", clock=clock, say=lambda _: None)
