"""An assessment whose profile is a breakpoint: it rises level after level and ends where one does not hold."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from seatrial.assess.budget import budget
from seatrial.assess.conclude import judge_run
from seatrial.assess.page import page_of
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.search import hold_search
from seatrial.assess.stage import Bridge
from seatrial.cli.outlook import forecast_lines
from seatrial.errors import DocumentError
from seatrial.reports.chart import phase_shades
from seatrial.sample import Phase
from seatrial.verdict import Grade

FAR = """\
profile: far
scenarios: [browse]
shape: {kind: breakpoint, from: 20/s, by: 20/s, every: 10s, up_to: 60/s}
"""


@pytest.fixture
def far(workspace):
    """The plan of a gate with a breakpoint."""
    (workspace / "scenarios" / "profiles" / "far.yaml").write_text(FAR)
    (workspace / "slo" / "far.yaml").write_text("gate: far\nacceptance: {tags: [smoke]}\nload: {profile: far}\n")
    return read_plan(workspace, Asked(gate="far"))


@pytest.fixture
def played(records):
    """One second of a search, by its number from 0: the shop is slow from so many plays per second on."""

    def second(number: int, *, slow_from: float, **pacing):
        level = 20.0 * (1 + number // 10)
        slow = 80 if level >= slow_from else 0
        probe = {"phase": Phase.PROBE, "level": level}
        return records.interval(number, slow=slow, **probe), records.pacing(number, **probe, **pacing)

    return second


class Searched:
    """A search that was watched: its findings, what was said, and how long it took."""

    def __init__(self, plan, recorder, living_clock, second):
        clock = living_clock(lambda number: recorder.write(*second(number)))
        self.said, self.shown = [], []
        bridge = Bridge(
            plan, None, recorder, None, None, clock, self.said.append, self.shown.append, budget(clock, None)
        )
        loading = SimpleNamespace(require=lambda: None, last=None, steps=(), overdue=0)
        self.findings = {finding.name: finding for finding in hold_search(bridge, loading, plan.profile)}
        self.took_s = clock.elapsed


def test_a_search_ends_at_the_first_level_that_is_missed(far, recorder, living_clock, played):
    searched = Searched(far, recorder, living_clock, lambda number: played(number, slow_from=40.0))
    assert 11.0 <= searched.took_s < 20.0
    assert len(searched.said) == 1
    assert searched.said[0].startswith("load: held up to 20/s; at 40/s shop.fast was missed: ")
    assert searched.findings["shop.fast"].grade is Grade.MET
    assert searched.findings["breakpoint"].counts is False
    assert [moment.stage for moment in searched.shown if "breakpoint" in moment.stage][-1] == (
        "load: breakpoint, 40/s"
    )


def test_a_search_that_holds_to_the_top_ends_there(far, recorder, living_clock, played):
    searched = Searched(far, recorder, living_clock, lambda number: played(number, slow_from=1000.0))
    assert searched.took_s <= 31.0
    assert searched.said == ["load: held up to 60/s, the highest asked for"]


def test_the_verdict_of_a_search_is_that_of_the_last_level_that_held(far, records, played):
    seconds = [record for number in range(15) for record in played(number, slow_from=40.0)]
    verdict = judge_run(records.recorded(*records.accepted(), *seconds), far)
    found = {finding.name: finding for finding in verdict.findings}
    assert (found["shop.fast"].grade, found["shop.fast"].n) == (Grade.MET, 1000)
    assert found["breakpoint"].reason.startswith("breakpoint: held up to 20/s; at 40/s shop.fast was missed")
    # Of the other service nobody asked anything: that is no reason to call it met.
    assert (found["stock.available"].grade, verdict.grade) == (Grade.UNDECIDED, Grade.UNDECIDED)


def test_the_levels_of_a_search_are_told_apart_in_the_report(far, records, played):
    seconds = [record for number in range(15) for record in played(number, slow_from=40.0)]
    recorded = records.recorded(*records.accepted(), *seconds)
    page = page_of(recorded, far, judge_run(recorded, far))
    assert [shade.label for shade in phase_shades(page)] == ["probe 20", "probe 40"]


def test_experiments_are_refused_beside_a_breakpoint(workspace, far):
    (workspace / "slo" / "far.yaml").write_text("gate: far\nload: {profile: far}\nchaos: [stock hangs]\n")
    with pytest.raises(DocumentError, match=r"far\.yaml:3:8: profile 'far' is a breakpoint search, which ends in"):
        read_plan(workspace, Asked(gate="far"))


def test_what_a_search_takes_at_most_is_said_before(far):
    assert list(forecast_lines(far)) == ["a breakpoint search from 20 to 60 takes at most 30 s"]


def test_a_breakpoint_with_nothing_it_could_miss_is_refused_before_anything_is_sent(workspace, far):
    (workspace / "slo" / "shop.yaml").write_text("service: shop\n")
    with pytest.raises(DocumentError, match=r"far\.yaml:1:10: a breakpoint rises until an objective is missed, and"):
        read_plan(workspace, Asked(gate="far"))
