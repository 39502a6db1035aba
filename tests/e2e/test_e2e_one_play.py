"""One journey file, three commands: `check`, `load` and `assess` play the same, and fail for the same reason."""

from __future__ import annotations

import json

import pytest

from seatrial import journal
from seatrial.sample import Interval, Sample

pytestmark = pytest.mark.e2e


def _change_a_price(workspace):
    file = workspace / "scenarios" / "buy.yaml"
    text = file.read_text()
    assert text.count("price: 250") == 1
    file.write_text(text.replace("price: 250", "price: 251"))


def test_check_load_and_assess_pass_on_a_journey_that_holds(shop_workspace, seatrial, assessed):
    checked = seatrial(shop_workspace, "check")
    assert checked.code == 0, checked
    loaded = seatrial(shop_workspace, "load", "brief", "--json", "load.json")
    assert loaded.code == 0, loaded
    steps = json.loads((shop_workspace / "load.json").read_bytes())["steps"]
    assert {(step["step"], step["failed"]) for step in steps} == {("look at it", 0), ("ask its price", 0)}
    assert all(step["requests"] for step in steps)
    _, done = assessed
    assert done.code == 0, done
    assert done.out.startswith("verdict: MET")


def test_a_changed_expectation_fails_in_check_load_and_assess_at_the_same_step_for_the_same_cause(
    shop_workspace, seatrial, here
):
    _change_a_price(shop_workspace)

    checked = here(shop_workspace, "check", "--json", "check.json")
    assert checked.code == 1
    (play,) = json.loads((shop_workspace / "check.json").read_bytes())["journeys"]
    failed = [(step["step"], step["cause"]) for step in play["steps"] if step["cause"]]
    assert failed == [("ask its price", "check")]

    loaded = seatrial(shop_workspace, "load", "brief", "--json", "load.json")
    assert loaded.code == 0, loaded
    steps = {step["step"]: step for step in json.loads((shop_workspace / "load.json").read_bytes())["steps"]}
    assert steps["look at it"]["failed"] == 0
    assert steps["ask its price"]["failed"] == steps["ask its price"]["requests"] > 0
    assert [cause for cause, _ in steps["ask its price"]["causes"]] == ["check"]

    done = here(shop_workspace, "assess", "--json", "assess.json")
    assert done.code == 1
    (finding,) = [
        item
        for item in json.loads((shop_workspace / "assess.json").read_bytes())["findings"]
        if item["subject"] == "journey"
    ]
    assert finding["grade"] == "MISSED"
    assert "step 'ask its price'" in finding["reason"]
    records = journal.read(journal.find_run(shop_workspace, "last").journal)
    (sample,) = [record for record in records if isinstance(record, Sample) and record.cause]
    assert (sample.step, sample.cause) == ("ask its price", "check")


def test_the_load_of_an_assessment_plays_what_its_acceptance_played(assessed):
    workspace, _ = assessed
    records = tuple(journal.read(journal.find_run(workspace, "last").journal))
    accepted = [(item.step, item.method, item.route) for item in records if isinstance(item, Sample)]
    loaded = {(item.step, item.method, item.route) for item in records if isinstance(item, Interval)}
    assert len(accepted) == 2
    assert set(accepted) == loaded
