"""Requests the journeys could not render: no service's failure, no service's success, and never without a word."""

import pytest

from seatrial.sample import Phase
from seatrial.service import Criteria, Criterion, Indicator, PointObjective, Service, Unit
from seatrial.slo.contrast import Pair, What, contrast, every_question
from seatrial.slo.counted import Counted
from seatrial.slo.decide import Call, Why, first_decision, not_contradicted
from seatrial.slo.judge import judge_load, judge_objectives, judge_promise
from seatrial.slo.measure import LOAD, Meter, measure
from seatrial.slo.points import judge_points
from seatrial.slo.rendering import breaks_off, judge_rendering
from seatrial.verdict import Grade, Subject

RULES = {"alpha": 0.05, "min_hold_s": 20.0}


def grades(records, services):
    return [finding.grade for finding in judge_objectives(measure(records), services, **RULES)]


def a_step_before(make, records, unrendered, **fields):
    """The records, and beside each of their seconds another service's, where so many could not be rendered."""
    seconds = sorted({record.second for record in records})
    return [*records, *(make.counted(at, 100, service="shop", unrendered=unrendered, **fields) for at in seconds)]


@pytest.fixture
def promised(make):
    return make.services(make.errors(), make.latency(), make.throughput(at_least=100.0))


def test_what_was_not_rendered_is_no_failure_and_makes_no_miss(make, promised):
    healthy = make.hold(60, ok=95, unrendered=30)
    for finding in judge_objectives(measure(healthy), promised, **RULES):
        assert finding.grade is Grade.UNDECIDED
        assert finding.bad == 0
        assert "1,800 requests could not be rendered" in finding.measured_text
        assert "1,800 requests could not be rendered, and they decide it" in finding.reason


def test_what_was_sent_and_failed_is_missed_whatever_was_not_rendered(make, promised):
    failing = make.hold(60, ok=50, failed=50, over_ok=40, unrendered=30)
    errors, latency, throughput = judge_objectives(measure(failing), promised, **RULES)
    assert (errors.grade, latency.grade) == (Grade.MISSED, Grade.MISSED)
    assert errors.measured_text.startswith("50 % failed (250 of 500); ")
    assert throughput.grade is Grade.UNDECIDED  # 80/s at the best of these, but a play may ask a service many times


def test_no_throughput_is_missed_where_plays_broke_off_at_the_service_before(make):
    services = make.services(make.throughput(at_least=80.0))
    broken_off = a_step_before(make, make.hold(120, ok=40), 60)
    rendering, found = judge_load(measure(broken_off), services, **RULES)
    assert (rendering.grade, found.grade) == (Grade.UNDECIDED, Grade.UNDECIDED)
    assert "7,200 requests could not be rendered, and they decide it" in found.reason


def test_few_that_broke_off_before_leave_a_throughput_missed_unless_they_could_have_made_it_up(make):
    few = a_step_before(make, make.hold(120, ok=100), 1)
    assert not breaks_off(measure(few), LOAD)
    near, far = (make.services(make.throughput(at_least=rate)) for rate in (103.0, 106.0))
    assert grades(make.hold(120, ok=100), near) == [Grade.MISSED]
    assert (grades(few, near), grades(few, far)) == ([Grade.UNDECIDED], [Grade.MISSED])


def test_few_requests_may_be_many_plays(make):
    # Of 100 plays a second 30 break off at their first step; the others ask 50 times.
    long_plays = a_step_before(make, make.hold(120, ok=3500), 30)
    assert judge_rendering(measure(long_plays)) is None
    assert grades(long_plays, make.services(make.throughput(at_least=4900.0))) == [Grade.UNDECIDED]


def test_met_is_said_where_it_would_be_so_had_every_one_of_them_been_bad(make):
    few = make.hold(60, unrendered=1)
    (finding,) = judge_objectives(measure(few), make.services(make.errors()), **RULES)
    assert finding.grade is Grade.MET
    assert finding.measured_text.endswith("requests could not be rendered")
    assert grades(make.hold(60, unrendered=6), make.services(make.errors())) == [Grade.UNDECIDED]


def test_they_add_up_over_the_seconds_and_stay_unknown():
    early = first_decision([(0, 100)] * 60, limit_ratio=0.05, min_hold_s=20, unrendered=[600])
    assert (early.state, early.why) == (Call.UNDECIDED, Why.UNRENDERED)
    both = first_decision([(0, 100)] * 60, limit_ratio=0.05, min_hold_s=20, unrendered=[600], overdue=[9] * 60)
    assert both.reason == (
        "9 requests have had no answer for more than 1 s and 600 requests could not be rendered, and they decide it"
    )
    assert not_contradicted([(0, 50)] * 10, limit_ratio=0.05, unrendered=[100]).why is Why.UNRENDERED


def test_nothing_but_unrendered_requests_is_no_data_and_says_so(make, promised):
    for finding in judge_objectives(measure(make.hold(60, ok=0, unrendered=20)), promised, **RULES):
        assert (finding.grade, finding.n) == (Grade.UNDECIDED, 0)
        assert finding.measured_text == "no data; 1,200 requests could not be rendered"


def test_a_phase_of_an_experiment_waits_for_them_too(make):
    during = make.hold(10, unrendered=100, phase=Phase.DURING, experiment="hang")
    found = judge_promise(
        measure(during), {}, service="cards", objective=make.errors(), experiment="hang", phase=Phase.DURING
    )
    assert found.grade is Grade.UNDECIDED
    assert "1,000 requests could not be rendered" in found.reason


def test_a_phase_of_which_too_much_was_not_rendered_elsewhere_meets_nothing_and_misses_no_throughput(make):
    of = {"phase": Phase.DURING, "experiment": "hang"}
    seconds = range(30, 60)
    during = a_step_before(make, [make.counted(at, 10, **of) for at in seconds], 90, **of)
    paced = measure([*during, *(make.pacing(at, **of) for at in seconds)])
    for objective in (make.errors(), make.throughput(at_least=80.0)):
        found = judge_promise(paced, {}, service="cards", objective=objective, experiment="hang", phase=Phase.DURING)
        assert (found.grade, "2,700 requests could not be rendered" in found.reason) == (Grade.UNDECIDED, True)


def test_a_load_of_which_more_than_one_in_a_hundred_was_not_rendered_was_not_the_planned_one(make):
    few, many = measure(make.hold(60, unrendered=1)), measure(make.hold(60, unrendered=2))
    assert judge_rendering(few) is None
    finding = judge_rendering(many)
    assert (finding.subject, finding.grade) == (Subject.JOURNEY, Grade.UNDECIDED)
    assert finding.measured_text == "1.96 % could not be (120 of 6,120)"
    assert "'pay > charge'" in finding.reason
    assert judge_load(many, {}, **RULES) == (finding,)
    warm = make.hold(60, unrendered=50, phase=Phase.WARM_UP)
    assert judge_rendering(measure(warm)) is None


def test_a_single_one_in_a_short_load_is_an_accident(make):
    assert judge_rendering(measure([make.counted(30, 5, unrendered=1)]), span=LOAD) is None


def test_objectives_elsewhere_are_judged_without_them(make):
    mixed = [*make.hold(60), *make.hold(60, service="ledger", unrendered=50)]
    assert grades(mixed, make.services(make.errors())) == [Grade.MET]


@pytest.mark.parametrize(
    ("indicator", "unit", "criterion", "unknown", "may_be"),
    [
        (Indicator.ERRORS, Unit.PERCENT, ("<1", "<", 1.0), 5, "be 4.762 %"),
        (Indicator.THROUGHPUT, Unit.PER_SECOND, (">=101", ">=", 101.0), 1, "be 101/s"),
        (Indicator.THROUGHPUT, Unit.PER_SECOND, (">=200", ">=", 200.0), 5, "be higher"),
        (Indicator.LATENCY, Unit.MILLISECONDS, ("<100", "<", 100.0), 50, " ms"),
    ],
)
def test_one_value_is_decided_only_where_they_could_not_turn_it(make, indicator, unit, criterion, unknown, may_be):
    criteria = Criteria(((Criterion(*criterion),),))
    objective = PointObjective("live", indicator, criteria, unit, quantile=0.95)
    records = [
        record
        for second in range(30, 90)
        for record in (make.interval(second, [20_000] * 100, unrendered=unknown), make.pacing(second))
    ]
    (finding,) = judge_points(measure(records), {"cards": Service("cards", points=(objective,))})
    assert finding.grade is Grade.UNDECIDED
    assert f"{60 * unknown:,} requests could not be rendered, and it decides: the value may be " in finding.reason
    assert may_be in finding.reason


def test_a_comparison_is_not_met_and_no_throughput_is_missed_where_a_side_has_some(make):
    base, new = (measure(make.hold(60, ok=ok, unrendered=lost)) for ok, lost in ((100, 0), (80, 20)))
    pair = Pair(Counted("base", (base,)), Counted("new", (new,)), "cards")
    asked = {one.what: one for one in every_question(alpha=0.05)}
    for what in (What.ERRORS, What.THROUGHPUT):
        found = contrast(pair, asked[what]).comparison
        assert found.state is Call.UNDECIDED
        assert "1,200 requests could not be rendered, and they may decide it" in found.reason
    before = measure(a_step_before(make, make.hold(60, ok=40), 60))
    elsewhere = Pair(Counted("base", (base,)), Counted("new", (before,)), "cards")
    for what in (What.ERRORS, What.THROUGHPUT):
        assert contrast(elsewhere, asked[what]).comparison.state is Call.UNDECIDED
    failing = measure(make.hold(60, ok=50, failed=50, unrendered=20))
    worse = Pair(Counted("base", (base,)), Counted("new", (failing,)), "cards")
    assert contrast(worse, asked[What.ERRORS]).comparison.state is Call.MISSED


@pytest.mark.parametrize("what", [What.ERRORS, What.QUANTILE, What.BODY, What.THROUGHPUT])
def test_a_single_one_of_many_leaves_a_comparison_as_it_is(make, what):
    def side(unrendered):
        seconds = range(30, 90)
        timed = [
            make.interval(at, range(20_000, 30_000, 100), unrendered=unrendered if at == 33 else 0) for at in seconds
        ]
        return measure([*timed, *map(make.pacing, seconds)])

    def state(unrendered, change_ratio):
        pair = Pair(Counted("base", (side(0),)), Counted("new", (side(unrendered),)), "cards")
        asked = next(one for one in every_question(alpha=0.05, change_ratio=change_ratio) if one.what is what)
        return contrast(pair, asked).comparison.state

    assert state(1, 0.1) is state(0, 0.1) is Call.MET


def test_a_comparison_is_not_met_where_few_that_were_not_rendered_would_be_a_miss(make):
    base, new = measure(make.hold(60)), measure(make.hold(60, unrendered=1))
    pair = Pair(Counted("base", (base,)), Counted("new", (new,)), "cards")
    errors = next(one for one in every_question(alpha=0.05) if one.what is What.ERRORS)
    found = contrast(pair, errors).comparison
    assert judge_rendering(new) is None
    assert found.state is Call.UNDECIDED
    assert "60 requests could not be rendered, and they may decide it" in found.reason


def test_they_are_counted_alike_while_a_load_goes_on_and_from_its_journal(make):
    records = make.hold(60, unrendered=2)
    live = Meter([])
    for record in records:
        live.add(record)
    assert judge_rendering(live.measures()) == judge_rendering(measure(records)) is not None
