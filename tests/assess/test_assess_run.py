"""The lines of a run while it goes on say what its verdict will say."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from seatrial.assess import run
from seatrial.assess.run import outcome_of, why_not_run
from seatrial.verdict import Finding, Grade, Subject


def _finding(name, grade):
    return Finding(Subject.OBJECTIVE, "shop", name, grade, "because")


MET, MISSED = _finding("fast", Grade.MET), _finding("available", Grade.MISSED)


def test_the_load_ends_with_how_many_were_met_and_the_name_of_what_was_missed():
    assert outcome_of((MET, MISSED), None) == "1 MET, shop.available missed"
    assert outcome_of((), None) == "no objectives to judge"


def test_with_an_unfit_generator_the_load_does_not_claim_that_anything_was_met():
    unfit = Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, "generator: it used 95 % of a core")
    assert outcome_of((MET,), unfit) == ("UNDECIDED, generator: it used 95 % of a core; it would have been 1 MET")


def test_an_experiment_that_is_left_out_says_what_was_missed_and_claims_no_miss_of_an_unfit_generator():
    unfit = Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, "generator: it used 95 % of a core")
    assert why_not_run((MET, MISSED), None) == "not run: shop.available was missed before"
    assert why_not_run((MET, MISSED), unfit) == (
        "not run: shop.available looked missed before, though that is undecided (generator: it used 95 % of a core)"
    )


@pytest.mark.parametrize(("judges", "told"), [(True, ["load: no objectives to judge"]), (False, [])])
def test_a_load_that_no_service_is_judged_by_says_nothing_of_objectives(judges, told, plan, recorder, monkeypatch):
    said: list[str] = []
    services = plan.services if judges else {}
    bare = dataclasses.replace(plan, experiments=(), services=services)
    bridge = SimpleNamespace(plan=bare, recorder=recorder, budget=SimpleNamespace(is_over=False), say=said.append)
    monkeypatch.setattr(run, "_held", lambda *given: ())
    assert run._under_load(bridge, SimpleNamespace(stop=lambda: None), plan.profile) == {}
    assert said == told
