"""How long a load is held: until all is decided, one is missed, or the time is over; by a fake clock."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.assess import hold as module
from seatrial.assess.budget import budget
from seatrial.assess.hold import JUDGING_RATIO, hold
from seatrial.assess.stage import LOAD_DEADLINE_S, Bridge
from seatrial.errors import LoadFailed
from seatrial.sample import LATE_STEPS_MS, Phase
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import StopWhen
from seatrial.slo.gate import OnUndecided
from seatrial.slo.judge import judge_objectives
from seatrial.slo.measure import LOAD
from seatrial.verdict import Grade

BEFORE_HOLD_S = 5  # the profile's ramp, which is longer than its warm-up


class FakeLoading:
    """A load that goes on until it is said to be dead."""

    def __init__(self):
        self.last = None
        self.steps = ()
        self.newest = ()
        self.overdue = 0
        self.dies_with = None

    def require(self):
        if self.dies_with:
            raise self.dies_with


@pytest.fixture
def held(plan, recorder, records, living_clock):
    """Holds a load whose every second is what `second(n)` gives, n counting from the hold's begin."""

    def run(
        second, *, loading=None, profile=plan.profile, mix=plan.mix, watch=None, clock_type=living_clock, **changes
    ):
        def tick(elapsed):
            if elapsed < BEFORE_HOLD_S:
                recorder.write(*records.second(elapsed, phase=Phase.WARM_UP))
            else:
                recorder.write(*second(elapsed - BEFORE_HOLD_S))

        clock, moments = clock_type(tick), []
        asked = dataclasses.replace(plan, profile=profile, mix=mix, gate=dataclasses.replace(plan.gate, **changes))
        within = budget(clock, asked.gate.at_most_s)
        bridge = Bridge(asked, None, recorder, None, None, clock, lambda text: None, moments.append, within)
        findings = hold(bridge, loading or FakeLoading(), profile, watch)
        return findings, clock.elapsed - BEFORE_HOLD_S, moments

    return run


def test_a_hold_ends_as_soon_as_every_objective_is_decided(held, records):
    findings, lasted_s, _ = held(lambda second: records.second(BEFORE_HOLD_S + second))
    assert {finding.grade for finding in findings} == {Grade.MET}
    assert 20.0 <= lasted_s < 23.0  # the gate's min_hold


def test_what_no_journey_of_the_load_asks_is_not_waited_for(held, records, plan):
    def of_shop(second):
        everything = records.second(BEFORE_HOLD_S + second)
        return [record for record in everything if getattr(record, "service", "shop") == "shop"]

    browse = next(scenario for scenario in plan.mix.scenarios if scenario.name == "browse")
    findings, lasted_s, _ = held(of_shop, mix=Mix((browse,), (1.0,)))
    assert 20.0 <= lasted_s < 23.0
    assert {finding.name for finding in findings if not finding.n} == {"stock.available"}


def test_a_hold_ends_at_once_when_an_objective_is_missed(held, records):
    findings, lasted_s, _ = held(lambda second: records.second(BEFORE_HOLD_S + second, ok=0, failed=100))
    assert Grade.MISSED in {finding.grade for finding in findings}
    assert 5.0 <= lasted_s < 8.0  # five blocks must have been seen


def test_a_profile_that_does_not_abort_goes_on_after_a_miss(held, records, plan):
    patient = dataclasses.replace(plan.profile, abort_when=None, stop_when=StopWhen.NEVER)
    _, lasted_s, _ = held(lambda second: records.second(BEFORE_HOLD_S + second, ok=0, failed=100), profile=patient)
    assert 40.0 <= lasted_s < 41.0  # the profile's hold, though the gate bounds it by 90 s


def test_a_hold_that_decides_nothing_ends_when_its_time_is_over(held, records):
    findings, lasted_s, _ = held(lambda second: [records.pacing(BEFORE_HOLD_S + second)], hold_at_most_s=40.0)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}
    assert 40.0 <= lasted_s < 41.0


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_forth_and_back_changes_nothing_of_a_hold(held, records, living_clock, step_s):
    class Stepping(living_clock):
        def now(self):
            return super().now() + (step_s if 10.0 < self.elapsed < 20.0 else 0.0)

    findings, lasted_s, moments = held(lambda second: records.second(BEFORE_HOLD_S + second), clock_type=Stepping)
    assert {finding.grade for finding in findings} == {Grade.MET}
    assert 20.0 <= lasted_s < 23.0
    for stage in {moment.stage for moment in moments}:
        done_s = [moment.done_s for moment in moments if moment.stage == stage]
        assert done_s == sorted(done_s)
    assert moments[-1].done_s < 23.0


def test_a_hold_is_told_by_the_seconds_its_objectives_are_decided_by(held, records):
    _, _, moments = held(lambda second: records.second(BEFORE_HOLD_S + second), hold_at_most_s=40.0)
    before, last = moments[0], moments[-1]
    assert (before.stage, before.of_s) == ("load: warming up", BEFORE_HOLD_S)
    assert (last.stage, last.of_s) == ("load: hold until decided", 40.0)
    assert last.done_s == max(finding.decided_at_s for finding in last.findings)


def _undecidable(records):
    """Exactly the limit's share of bad requests: no length of hold decides that soon."""
    return lambda second: records.second(BEFORE_HOLD_S + second, ok=90, failed=10)


def test_an_undecided_hold_is_extended_up_to_the_gates_bound_and_says_so(held, records):
    bounds = {"hold_at_most_s": 40.0, "extend_to_s": 70.0, "on_undecided": OnUndecided.EXTEND}
    findings, lasted_s, moments = held(_undecidable(records), **bounds)
    assert Grade.UNDECIDED in {finding.grade for finding in findings}
    assert 70.0 <= lasted_s < 71.0
    stages = {moment.stage: moment.of_s for moment in moments}
    assert stages["load: hold until decided"] == 40.0
    assert stages["load: hold, extended until decided"] == 70.0


def test_an_extended_hold_ends_as_soon_as_all_is_decided(held, records):
    def second(number):
        return records.second(BEFORE_HOLD_S + number, **({"ok": 90, "failed": 10} if number < 30 else {}))

    findings, lasted_s, _ = held(second, hold_at_most_s=30.0, extend_to_s=300.0)
    assert {finding.grade for finding in findings} == {Grade.MET}
    assert 30.0 < lasted_s < 300.0


def test_a_decided_hold_is_not_extended(held, records, plan):
    patient = dataclasses.replace(plan.profile, stop_when=StopWhen.NEVER)
    _, lasted_s, _ = held(
        lambda second: records.second(BEFORE_HOLD_S + second), profile=patient, hold_at_most_s=40.0, extend_to_s=70.0
    )
    assert 40.0 <= lasted_s < 41.0


def test_a_hold_without_any_request_is_not_extended_because_more_of_nothing_decides_nothing(held, records):
    _, lasted_s, _ = held(
        lambda second: [records.pacing(BEFORE_HOLD_S + second)], hold_at_most_s=40.0, extend_to_s=70.0
    )
    assert 40.0 <= lasted_s < 41.0


def test_the_gates_time_ends_a_hold_and_its_ramp_counts_too(held, records):
    _, lasted_s, _ = held(_undecidable(records), at_most_s=30.0)
    assert 25.0 <= lasted_s < 26.0


def test_the_gates_time_ends_a_warm_up(held, records):
    findings, lasted_s, _ = held(_undecidable(records), at_most_s=3.0)
    assert (findings, lasted_s) == ((), 3.0 - BEFORE_HOLD_S)


def test_warm_up_is_outside_the_hold_and_its_judgement(held, records):
    findings, _, moments = held(lambda second: records.second(BEFORE_HOLD_S + second))
    warming = [moment for moment in moments if moment.stage == "load: warming up"]
    assert warming
    assert all(moment.findings == () for moment in warming)
    assert warming[-1].done_s == pytest.approx(BEFORE_HOLD_S, abs=1.5)
    assert moments[-1].stage == "load: hold until decided"
    assert moments[-1].findings == findings


def test_what_makes_the_generator_unfit_is_shown_while_it_happens(held, records):
    def second(number):
        dropped = 5 if number >= 10 else 0
        return [*records.second(BEFORE_HOLD_S + number)[:2], records.pacing(BEFORE_HOLD_S + number, dropped=dropped)]

    _, _, moments = held(second)
    told = [moment.unfit for moment in moments if moment.done_s > BEFORE_HOLD_S + 1]
    assert told[0] == ""
    assert told[-1].startswith("generator: ")
    assert "arrivals were dropped" in told[-1]


def test_what_is_decided_is_not_shown_as_decided_while_the_generator_is_unfit(held, records):
    def second(number):
        busy = 1.0 if number < 10 else 0.5
        seconds = records.second(BEFORE_HOLD_S + number, ok=0, failed=100)
        return [*seconds[:2], records.pacing(BEFORE_HOLD_S + number, cpu_ratio=busy)]

    findings, _, moments = held(second)
    unfit = [moment for moment in moments if moment.unfit]
    assert len(unfit) > 20
    assert {finding.grade for moment in unfit for finding in moment.findings} == {Grade.UNDECIDED}
    assert any("it would have been MISSED" in finding.reason for finding in unfit[-1].findings)
    assert moments[-1].findings == findings  # its processor is free again: the miss stands
    assert Grade.MISSED in {finding.grade for finding in findings}


def test_judging_takes_a_bounded_part_of_the_time_and_the_end_is_judged_all_the_same(
    held, records, plan, monkeypatch, living_clock
):
    judged = []

    def slowly(measures, *args, **kwargs):
        judged.append(len(measures.seconds_of(LOAD)))
        Slow.now_s += 0.5
        return judge_objectives(measures, *args, **kwargs)

    class Slow:
        now_s = 0.0

    class Passing(living_clock):
        def monotonic(self):
            return self.elapsed + Slow.now_s

    monkeypatch.setattr(module, "judge_objectives", slowly)
    patient = dataclasses.replace(plan.profile, stop_when=StopWhen.NEVER)
    findings, _, _ = held(lambda second: records.second(BEFORE_HOLD_S + second), profile=patient, clock_type=Passing)
    assert len(judged) <= 40 * JUDGING_RATIO / 0.5 + 2
    assert judged[-1] == 40
    assert {finding.grade for finding in findings} == {Grade.MET}


LATE = dict.fromkeys(LATE_STEPS_MS, 20)


def test_what_a_late_generator_decided_does_not_end_the_hold_before_it_has_caught_up(held, records):
    def second(number):
        late = LATE if number < 5 else {}
        return [
            *records.second(BEFORE_HOLD_S + number)[:2],
            records.pacing(BEFORE_HOLD_S + number, started=200, late_over_ms=late),
        ]

    findings, lasted_s, _ = held(second, hold_at_most_s=80.0)
    assert {finding.grade for finding in findings} == {Grade.MET}
    assert 50.0 <= lasted_s < 53.0  # 100 late starts are one in a hundred after 50 s; all was decided after 20


def test_a_generator_that_stays_late_takes_all_the_time_there_is_and_no_more(held, records):
    def second(number):
        seconds = records.second(BEFORE_HOLD_S + number, ok=0, failed=100)
        return [*seconds[:2], records.pacing(BEFORE_HOLD_S + number, late_over_ms=LATE)]

    _, lasted_s, moments = held(second, hold_at_most_s=40.0)
    assert 40.0 <= lasted_s < 41.0
    assert "of the starts were more than 10 ms late" in moments[-1].unfit


def test_arrivals_that_are_missing_stay_so_and_the_hold_ends_as_ever(held, records):
    def second(number):
        seconds = records.second(BEFORE_HOLD_S + number)
        return [*seconds[:2], records.pacing(BEFORE_HOLD_S + number, dropped=1, late_over_ms=LATE)]

    _, lasted_s, _ = held(second)
    assert 20.0 <= lasted_s < 23.0


def test_a_ramp_warns_once_of_a_peak_that_the_generator_will_not_reach(plan, recorder, records, living_clock):
    def tick(elapsed):
        more = {"phase": Phase.RAMP} if elapsed < 8 else {}
        recorder.write(records.pacing(elapsed, started=elapsed + 1, cpu_ratio=0.08 * (elapsed + 1), **more))

    told, clock = [], living_clock(tick)
    ramp = dataclasses.replace(plan.profile, stages=(Stage(Phase.RAMP, 20.0, 8.0), Stage(Phase.HOLD, 20.0, 5.0)))
    within = budget(clock, None)
    asked = dataclasses.replace(plan, gate=dataclasses.replace(plan.gate, hold_at_most_s=5.0))
    bridge = Bridge(asked, None, recorder, None, None, clock, told.append, lambda moment: None, within)
    hold(bridge, FakeLoading(), ramp, None)
    assert told == [
        "warning: generator: at 5 plays/s it uses 40 % of a core, so the peak of 20 plays/s would take 1.6 cores"
    ]


def test_a_load_that_never_comes_to_its_hold_has_failed(held, records):
    with pytest.raises(LoadFailed, match="no hold after 65 s"):
        held(lambda second: records.second(BEFORE_HOLD_S + second, phase=Phase.RAMP))
    assert LOAD_DEADLINE_S == 60.0


def test_every_ramp_before_the_hold_and_the_warm_up_beside_them_are_waited_for(held, records, plan):
    ramps = [Stage(Phase.RAMP, 10.0, 30.0), Stage(Phase.RAMP, 20.0, 50.0), Stage(Phase.HOLD, 20.0, 40.0)]
    steep = dataclasses.replace(plan.profile, stages=tuple(ramps), warm_up_s=60.0)
    with pytest.raises(LoadFailed, match="no hold after 2 m 20 s"):  # 80 s of ramps and the deadline of 60 s
        held(lambda second: records.second(BEFORE_HOLD_S + second, phase=Phase.RAMP), profile=steep)
    slow = dataclasses.replace(steep, warm_up_s=90.0)
    with pytest.raises(LoadFailed, match="no hold after 2 m 30 s"):
        held(lambda second: records.second(BEFORE_HOLD_S + second, phase=Phase.RAMP), profile=slow)


def test_a_hold_of_no_time_still_holds_one_second(held, records):
    _, lasted_s, moments = held(lambda second: records.second(BEFORE_HOLD_S + second), hold_at_most_s=0.0)
    assert 1.0 <= lasted_s < 2.0
    assert moments[-1].stage == "load: hold until decided"


def test_a_load_that_died_ends_the_hold(held, records):
    loading = FakeLoading()

    def second(number):
        if number == 3:
            loading.dies_with = LoadFailed("out of memory")
        return records.second(BEFORE_HOLD_S + number)

    with pytest.raises(LoadFailed, match="out of memory"):
        held(second, loading=loading)


def test_the_proxies_are_looked_at_all_the_while(held, records):
    class Looks:
        count = 0

        def look(self):
            self.count += 1

    watch = Looks()
    _, _, moments = held(lambda second: records.second(BEFORE_HOLD_S + second), watch=watch)
    assert watch.count == len(moments) > 0
