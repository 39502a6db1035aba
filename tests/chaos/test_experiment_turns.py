"""When the faults of an experiment are turned on and off, and what ends it before its plan does."""

from __future__ import annotations

import dataclasses

import pytest
from experiment_bench import HANG, Bench, checked

from seatrial.chaos.active import Resolved
from seatrial.chaos.model import AbortOn, Injection, Kill, Limits, ServiceFault


def test_what_has_shown_enough_before_anything_was_on_is_injected_all_the_same(bench: Bench):
    bench.run(checked(HANG), enough=lambda phase: True)
    assert "inject cards->ledger" in [text for _, text in bench.notes]


def test_a_fault_that_ends_when_another_begins_ends_first(bench: Bench):
    kill = Injection(HANG.until_s, 5.0, ServiceFault("ledger", Kill()))
    bench.run(checked(kill, HANG))
    turns = [text for _, text in bench.notes if text.startswith(("heal", "inject"))]
    assert turns == ["inject cards->ledger", "heal cards->ledger", "inject ledger", "heal ledger"]


@pytest.mark.parametrize(("share", "aborts"), [(0.5, False), (0.51, True)])
def test_errors_abort_when_they_are_more_than_the_limit(bench: Bench, share: float, aborts: bool):
    record = bench.run(checked(HANG, abort_on=AbortOn(0.5, 5.0)), failing=lambda: share)
    assert bool(record.aborted) is aborts


def test_the_limit_of_a_method_is_counted_from_its_beginning_though_a_fault_begins_late(bench: Bench, monkeypatch):
    begin = bench.begin + 10.0
    late = checked(dataclasses.replace(HANG, at_s=50.0, for_s=5.0))
    late = dataclasses.replace(late, experiment=dataclasses.replace(late.experiment, limits=Limits(duration_s=60.0)))
    ended: list[float] = []

    def inject(resolved: Resolved, *, experiment: str, meanwhile) -> None:
        try:
            while bench.clock.now() < begin + 500.0:
                bench.clock.sleep(0.5)
                meanwhile()
        finally:
            ended.append(bench.clock.now() - begin)

    monkeypatch.setattr(bench.injector, "inject", inject)
    assert "was not over within the limit, 60 s" in bench.run(late).aborted
    assert ended == [pytest.approx(60.0, abs=1.0)]
