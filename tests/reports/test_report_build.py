"""What stands on a page is put together from facts, in its order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.reports.build import (
    Series,
    build,
    events,
    findings_against,
    group_findings,
    summarise,
    tabulate,
    together,
)
from seatrial.reports.page import (
    Band,
    ErrorCount,
    Journey,
    JourneyStep,
    Page,
    PhaseSpan,
    RatePoint,
    RunFacts,
    ServiceLatency,
    with_texts,
)
from seatrial.sample import Cause, FaultWindow, Outcome, Phase
from seatrial.verdict import Finding, Grade, Subject, Verdict

FACTS = RunFacts("run-1", "demo", started_at=1000.0, ended_at=1060.0)
UNDECIDED = Verdict(Grade.UNDECIDED, None, (), "nothing was judged")


def finding(grade: Grade, *, service: str = "cards", objective: str = "fast", **more: object) -> Finding:
    return Finding(Subject.OBJECTIVE, service, objective, grade, "because", **more)  # type: ignore[arg-type]


def test_groups_follow_the_order_of_their_first_finding_and_carry_their_worst_grade() -> None:
    judged = (
        finding(Grade.MET, service="gateway"),
        finding(Grade.MET),
        finding(Grade.MISSED, service="gateway", objective="roomy"),
        finding(Grade.MET, experiment="the ledger hangs"),
        replace(finding(Grade.MET, service=""), subject=Subject.GENERATOR),
    )

    groups = group_findings(judged)

    assert [group.title for group in groups] == ["gateway", "cards", "Experiment: the ledger hangs", "Load generator"]
    assert [group.grade for group in groups] == [Grade.MISSED, Grade.MET, Grade.MET, Grade.MET]
    assert sum(len(group.findings) for group in groups) == len(judged)


def test_what_stands_against_a_run_begins_with_the_worst_and_with_key_objectives() -> None:
    judged = (
        finding(Grade.DEGRADED, objective="a"),
        finding(Grade.MET, objective="b"),
        finding(Grade.MISSED, objective="c"),
        finding(Grade.UNDECIDED, objective="d"),
        finding(Grade.MISSED, objective="e", key=True),
    )

    assert [one.objective for one in findings_against(judged)] == ["e", "c", "d", "a"]


def test_the_generators_finding_stands_before_those_it_explains() -> None:
    generator = replace(finding(Grade.UNDECIDED, objective="generator"), subject=Subject.GENERATOR)
    judged = (finding(Grade.UNDECIDED, key=True), generator, finding(Grade.MISSED, objective="a"))

    assert [one.objective for one in findings_against(judged)] == ["a", "generator", "fast"]


def test_what_an_experiment_says_once_stands_once_unless_something_was_measured() -> None:
    bare = [finding(Grade.UNDECIDED, objective=name, experiment="hangs") for name in ("a", "b")]
    judged = (
        *bare, replace(bare[0], objective="c", measured_text="3 calls"), replace(bare[0], objective="d", reason="x"),
        finding(Grade.UNDECIDED, objective="e"), finding(Grade.UNDECIDED, objective="f"),
    )  # fmt: skip

    assert ["".join(one.objective for one in group) for group in together(judged)] == ["ab", "c", "d", "e", "f"]


def test_errors_are_summed_by_service_and_cause_in_the_taxonomys_order() -> None:
    counts = (
        ErrorCount("ledger", Cause.STATUS, 1),
        ErrorCount("cards", Cause.TIMEOUT, 4),
        ErrorCount("cards", Cause.STATUS, 2),
        ErrorCount("cards", Cause.STATUS, 3),
        ErrorCount("idle", Cause.DNS, 0),
    )

    table = tabulate(counts)

    assert table.causes == (Cause.TIMEOUT, Cause.STATUS)
    assert [(row.service, row.counts, row.total) for row in table.rows] == [
        ("cards", (4, 5), 9),
        ("ledger", (0, 1), 1),
    ]
    assert table.total == 10


def test_the_time_axis_reaches_from_the_first_to_the_last_thing_shown() -> None:
    series = Series(
        rates=(RatePoint(1012, 1, 1, 1, 0), RatePoint(1010, 1, 1, 1, 0)),
        windows=(FaultWindow("x", "down", "a->b", 1005.5, 1020.25),),
    )

    page = build(FACTS, UNDECIDED, series=series)

    assert (page.started_at, page.ended_at) == (1005.5, 1020.25)
    assert [point.second for point in page.rates] == [1010, 1012]


def test_a_run_without_anything_over_time_spans_its_own_start_and_end() -> None:
    page = build(FACTS, UNDECIDED)

    assert (page.started_at, page.ended_at) == (1000.0, 1060.0)


def test_unordered_parts_give_the_same_page(page: Page) -> None:
    backwards = Series(
        latencies=tuple(replace(one, bands=one.bands[::-1]) for one in page.latencies),
        rates=page.rates[::-1],
        phases=page.phases[::-1],
        windows=page.windows[::-1],
        lanes=page.lanes,
    )
    counts = [
        ErrorCount(row.service, cause, count)
        for row in page.errors.rows
        for cause, count in zip(page.errors.causes, row.counts, strict=True)
    ]

    again = build(
        page.facts, page.verdict, series=backwards, journeys=page.journeys, errors=counts[::-1], notes=page.notes
    )

    assert again == page


def test_a_phase_sums_its_own_seconds_only() -> None:
    bands = tuple(Band(second, 0.01 * second, 0.02, None, n=10, failed=1) for second in range(1, 7))
    spans = (PhaseSpan(Phase.HOLD, 2, 5), PhaseSpan(Phase.AFTER, 90, 99, "gone"))

    (hold,) = summarise(ServiceLatency("cards", bands), spans)

    assert (hold.label, hold.n, hold.failed) == ("hold", 30, 3)
    assert hold.typical_p50_s == pytest.approx(0.03)
    assert hold.worst_p99_s is None


def test_events_of_faults_and_edges_stand_in_order_of_time(page: Page) -> None:
    told = events(page)

    assert [event.at for event in told] == sorted(event.at for event in told)
    assert [event.text for event in told][:2] == [
        "fault injected: timeout (the ledger hangs)",
        "breaker opened after 12 calls",
    ]


def test_a_fault_that_never_ended_has_no_end_among_the_events() -> None:
    page = build(FACTS, UNDECIDED, series=Series(windows=(FaultWindow("x", "down", "a->b", 1005.0),)))

    assert [event.text for event in events(page)] == ["fault injected: down (x)"]


def test_event_of_a_fault_says_which_requests_it_was_meant_for_and_how_many_it_hit():
    acted = FaultWindow("x", "http_error", "a->b", 1005.0, 1008.0, "healed", selects="every 2", matched=1200, hit=600)
    page = build(FACTS, UNDECIDED, series=Series(windows=(acted,)))
    assert [event.text for event in events(page)] == [
        "fault injected: http_error, every 2 (x)",
        "fault healed: http_error, matched 1,200 and hit 600",
    ]


def test_every_text_of_a_page_is_changed_and_nothing_else() -> None:
    step = JourneyStep("secret", outcome=Outcome.OK, cause=Cause.STATUS, text="a secret")
    page = build(FACTS, UNDECIDED, journeys=(Journey("the secret", True, (step,)),))

    shown = with_texts(page, lambda text: text.replace("secret", "***"))

    assert "secret" not in repr(shown)
    assert shown.journeys[0].steps[0].cause is Cause.STATUS
    assert with_texts(shown, lambda text: text.replace("***", "secret")) == page
