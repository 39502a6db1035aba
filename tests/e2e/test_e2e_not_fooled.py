"""Deceits that take whole processes: a wall clock that jumps under them, runs that were never alike, a miss that a
spoilt generator made up.

The others are in tests/assess/test_not_fooled.py, a kill in the middle in test_e2e_killed.py.
"""

from __future__ import annotations

import itertools
import json
import math
import time

import pytest

from seatrial import journal
from seatrial.errors import ExitCode
from seatrial.sample import FaultWindow, Interval, Pacing, Phase

pytestmark = pytest.mark.e2e


def test_a_wall_clock_that_jumps_an_hour_forth_and_back_moves_nothing_of_an_assessment(
    shop_workspace, start, tmp_path_factory
):
    """MET takes 20 s, so the jumps fall into the hold; every process that asks the wall clock sees them."""
    steps = tmp_path_factory.mktemp("clock") / "steps"
    harness = start(shop_workspace, "assess", clock_steps=steps)
    harness.wait_for_words("load: hold")
    now_s, at_s = time.monotonic(), time.time()
    draft = steps.with_name("draft")
    draft.write_text(f"{now_s + 4.0} {now_s + 12.0}")
    draft.rename(steps)
    ended = harness.wait()
    (run,) = journal.list_runs(shop_workspace)
    records = tuple(journal.read(run.journal))
    held = {item.second for item in records if isinstance(item, Interval) and item.phase is Phase.HOLD}
    assert held & set(range(math.ceil(at_s + 4.0), math.floor(at_s + 12.0))), "no second of the hold had the jumps"
    seconds = [item.second for item in records if isinstance(item, Pacing) and item.phase is Phase.HOLD]
    gaps = [later - earlier for earlier, later in itertools.pairwise(seconds)]
    assert min(gaps) == 1
    assert max(gaps) < 30  # a busy machine may leave out a second
    assert 15 <= len(seconds) < 90
    about = json.loads(run.about.read_bytes())
    assert about["ended_at"] is not None
    findings = {item["name"]: item for item in json.loads(run.verdict.read_bytes())["findings"]}
    assert findings["shop.available"]["n"] <= sum(
        item.ok + item.failed for item in records if isinstance(item, Interval) and item.phase is Phase.HOLD
    )
    if "generator" not in findings:  # a busy machine makes late starts
        assert ended.code == ExitCode.MET, ended
        assert "verdict: MET" in ended.out


def test_runs_of_different_realms_are_not_compared_and_the_sentence_says_what_would_do(shop_workspace, shop, here):
    realm = f"{{services: {{shop: '{shop}'}}, allows: {{load: {{max_rate: 200/s}}}}}}"
    (shop_workspace / "realms.yaml").write_text(f"realms: {{old: {realm}, new: {realm}}}\n")
    for realm in ("old", "new"):
        assert here(shop_workspace, "load", "brief", "--realm", realm).code in (ExitCode.MET, ExitCode.UNDECIDED)
    old, new = (run.name for run in journal.list_runs(shop_workspace))
    refused = here(shop_workspace, "compare", old, new)
    assert refused.code == ExitCode.USAGE
    assert f"{new} is of realm new and {old} of realm old" in refused.sentence
    assert "--across-realms" in refused.sentence
    asked = here(shop_workspace, "compare", old, new, "--across-realms")
    assert f"note: {new} is of realm new" in asked.err
    assert asked.code in (ExitCode.MET, ExitCode.UNDECIDED)


CRAMPED = {
    "scenarios/late.yaml": "scenario: ask late\nservice: front\n"
    "steps: [{name: ask, delay: 50ms, request: {url: /}, expect: {status: 200}}]\n",
    "scenarios/profiles/cramped.yaml": "profile: cramped\nscenarios: [ask late]\nmax_in_flight: 3\n"
    "stages: [{ramp_to: 90/s}, {hold: 12s}]\n",
    "slo/cramped.yaml": "gate: cramped\nacceptance: {tags: [quick]}\nload: {profile: cramped}\nchaos: [brief]\n",
    "slo/front.yaml": "service: front\ndepends_on: [back]\n"
    "objectives: [{name: fast, indicator: latency, quantile: p50, limit: 10us}]\n",
}


def test_an_experiment_after_a_load_that_its_generator_spoilt_is_left_out_and_no_miss_is_claimed(pair, seatrial):
    """Three plays at once, of 50 ms each, where ninety a second were asked for: arrivals are dropped from the first
    second on."""
    for name, text in CRAMPED.items():
        (pair / name).write_text(text)
    ended = seatrial(pair, "assess", "--gate", "cramped")
    assert ended.code == ExitCode.UNDECIDED, ended
    out = " ".join(ended.out.split())
    assert "not run: front.fast looked missed before, though that is undecided (generator: " in out
    assert "arrivals were dropped with 3 plays in flight" in out
    assert "was missed before" not in out
    assert "front.fast: MISSED" not in ended.err
    (run,) = journal.list_runs(pair)
    records = tuple(journal.read(run.journal))
    assert not any(isinstance(record, FaultWindow) for record in records)
