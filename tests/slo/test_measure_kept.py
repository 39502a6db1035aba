"""What is kept of a load that goes on: a few numbers a second, and every finding as the journal gives it later."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.sample import Phase
from seatrial.slo.breakpoint import Levels, judge_search
from seatrial.slo.judge import judge_load, judge_promise
from seatrial.slo.limits import questions
from seatrial.slo.measure import LOAD, Measures, Meter, Question, Span, Traffic, measure
from seatrial.slo.tally import Tallies, Tally, total

UNHURRIED = settings(deadline=None, max_examples=40)
CARDS = Traffic("cards")
LEVELS = Levels((10.0, 20.0), every_s=5.0)
EXPERIMENT = "the ledger hangs"
SPANS = (
    Span(Phase.WARM_UP),
    LOAD,
    LOAD,
    Span(Phase.DURING, EXPERIMENT),
    *(Span(Phase.PROBE, level=level) for level in LEVELS.levels),
)


@pytest.fixture(scope="session")
def services(make):
    """`cards`, with an objective of every form, of routes and degraded limits."""
    return make.services(
        make.errors(0.1, degraded_limit=0.2),
        make.errors(0.1, name="charging", routes=("POST /cards/*",)),
        make.latency(0.9, degraded_limit=0.5),
        make.latency(0.9, limit=0.1, name="looking", routes=("GET *",)),
        make.throughput(40.0),
    )


def kept(records, services, **more) -> Measures:
    """As measured live."""
    meter = Meter(questions(services.values(), **more))
    for record in records:
        meter.add(record)
    return meter.measures()


def played(make, dice: random.Random, seconds: int) -> list:
    """A load of two services and three routes with everything that judging reads, a tenth of it told of late."""
    records = []
    for second in range(seconds):
        span = SPANS[second * len(SPANS) // seconds]
        mark = {"phase": span.phase, "experiment": span.experiment, "level": span.level}
        for service, method, route in (
            ("cards", "POST", "/cards/*"),
            ("cards", "GET", "/cards"),
            ("ledger", "GET", "/"),
        ):
            if dice.random() < 0.9:
                values = [dice.randint(1_000, 700_000) for _ in range(dice.randrange(12))]
                failed = dice.choice((0, 0, 0, 3))
                more = {
                    "failed": failed,
                    "over_failed": min(failed, 1),
                    "polls": dice.randrange(3),
                    "overdue": failed,
                }
                told = make.interval(second, values, service=service, method=method, route=route, **more, **mark)
                records.insert(len(records) - (dice.random() < 0.1) * min(len(records), 9), told)
        if dice.random() < 0.95:
            records.append(make.pacing(second, **mark))
    return records


@UNHURRIED
@given(seed=st.integers(0, 2**32), seconds=st.integers(0, 120))
def test_whatever_is_judged_while_a_load_goes_on_is_judged_the_same_from_its_journal(make, services, seed, seconds):
    records = played(make, random.Random(seed), seconds)
    expected = make.latency(0.95, limit=0.25, name="expected")
    live, later = kept(records, services, also=[("cards", expected)]), measure(records)
    assert (live.seconds, live.pacings) == (later.seconds, later.pacings)
    for objective in (*services["cards"].objectives, expected):
        for phase in (Phase.HOLD, Phase.DURING):
            found = [
                judge_promise(
                    each, services, service="cards", objective=objective, experiment=EXPERIMENT, phase=phase
                )
                for each in (live, later)
            ]
            assert found[0] == found[1]
    load = [judge_load(each, services, alpha=0.05, min_hold_s=20.0) for each in (live, later)]
    assert load[0] == load[1]
    searched = [judge_search(each, services, LEVELS) for each in (live, later)]
    assert searched[0] == searched[1]


def test_no_interval_is_kept_and_a_step_more_takes_no_more(make, services):
    one = kept(make.hold(60), services)
    ten = kept([record for record in make.hold(60) for _ in range(10)], services)
    assert one.intervals == ten.intervals == {}
    sizes = [
        sum(tallies.size_bytes for spans in each.kept.values() for tallies in spans.values()) for each in (one, ten)
    ]
    assert sizes[0] == sizes[1] <= 60 * len(one.kept) * 100


def test_what_was_not_asked_beforehand_cannot_be_answered(make, services):
    live = kept(make.hold(10), services)
    for asked in ({"limit_us": 123_000}, {}):
        with pytest.raises(LookupError, match="nothing was kept to answer"):
            live.tallies(Traffic("cards", ("GET /nowhere",)), **asked)
    with pytest.raises(LookupError, match="of side 'canary'"):
        live.tallies(Traffic("cards", side="canary"))


def test_a_snapshot_does_not_change_with_what_is_told_of_the_same_second(make):
    meter = Meter([Question("cards")])
    meter.add(make.counted(1, 5))
    before = meter.measures()
    meter.add(make.counted(1, 7))
    assert total(before.tallies(CARDS)).ok == 5
    assert total(meter.measures().tallies(CARDS)).ok == 12


def test_a_second_that_is_told_of_again_later_is_still_one():
    tallies = Tallies()
    for second, ok in ((1, 5), (1, 6), (2, 7), (1, 8)):
        tallies.add(second, Tally(ok=ok, failed=1, overdue=2))
    assert tallies.by_second() == {1: Tally(ok=19, failed=3, overdue=6), 2: Tally(ok=7, failed=1, overdue=2)}
