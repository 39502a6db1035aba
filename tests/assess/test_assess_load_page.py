"""The page of a load alone shows what was measured, and judges nothing."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.assess.about_load import AboutLoad, is_load, read_about_load, write_about_load
from seatrial.assess.load_page import load_page
from seatrial.assess.loaded import plan_of_load, publish_load, read_load
from seatrial.errors import DocumentError, UsageError
from seatrial.journal import Journal, Run
from seatrial.sample import Cause, Phase
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.verdict import Grade

START = 1_700_000_000
ABOUT = AboutLoad("r", "here", "some", "the open model with up to 20 plays/s", "0.1.0", START - 1.0, START + 60.0)
FAST = {"histogram": encode_histogram({10_000: 100}), "service_histogram": encode_histogram({10_000: 100})}
STALLED = FAST | {"histogram": encode_histogram({10_000: 95, 2_000_000: 5})}
FAR = """\
profile: far
scenarios: [buy a rope]
shape: {kind: breakpoint, from: 20/s, by: 20/s, every: 10s, up_to: 60/s}
"""


@pytest.fixture
def run(workspace):
    """Records of a load as the folder of a run; gives the run."""

    def keep(*records, about=ABOUT):
        run = Run(workspace / "reports" / "out" / "one")
        run.folder.mkdir(parents=True)
        write_about_load(run, about)
        writer = Journal(run.journal)
        writer.write(*records)
        writer.close()
        return run

    return keep


@pytest.fixture
def page(workspace, run):
    """The page of a load with these records."""

    def read(*records, about=ABOUT):
        return load_page(read_load(run(*records, about=about), plan_of_load(workspace, about)))

    return read


def seconds(records, numbers, **fields):
    return [record for number in numbers for record in records.second(number, **(FAST | fields))]


def test_the_facts_are_those_of_the_load(page, records):
    shown = page(*seconds(records, range(10)))
    assert (shown.facts.run, shown.facts.realm, shown.facts.ended_at) == ("r", "here", START + 60.0)
    assert [note.text for note in shown.facts.facts] == [ABOUT.offered, "buy a rope, browse"]
    assert (shown.load.profile, shown.load.unfit) == ("some", "")
    assert shown.load.text == "2,000 requests, none failed; 20.0 of 20.0 planned plays/s."


def test_objectives_are_shown_as_they_stood_and_nothing_is_judged(page, records):
    shown = page(*seconds(records, range(60), failed=50))
    assert {finding.name: finding.grade for finding in shown.verdict.findings}["shop.available"] is Grade.MISSED
    assert (shown.verdict.grade, shown.verdict.score) == (Grade.UNDECIDED, None)
    assert [group.title for group in shown.groups] == ["shop", "stock"]


def test_an_objective_no_journey_of_the_load_asks_is_not_shown(page, records):
    crowd = dataclasses.replace(ABOUT, profile="crowd")  # browses, which asks nothing of the stock
    shown = page(*seconds(records, range(20)), about=crowd)
    assert [finding.name for finding in shown.verdict.findings] == ["shop.available", "shop.fast"]
    assert shown.load.text.endswith("; 20.0 plays/s.")  # users plan no rate


def test_a_stall_shows_from_the_due_time_and_hides_from_the_sending(page, records):
    latency = page(*(records.interval(number, **STALLED) for number in range(3)), records.pacing(2)).latencies[0]
    due, sent = latency.whole
    assert (latency.part, due.p99_s, due.max_s) == ("hold", pytest.approx(2, rel=0.001), pytest.approx(2, rel=0.001))
    assert (sent.p99_s, sent.n) == (pytest.approx(0.01, rel=0.001), 300)
    assert [band.p99_s for band in latency.bands] == [pytest.approx(2, rel=0.001)] * 3


def test_what_a_lagging_worker_tells_late_is_in_the_band_of_its_own_second(page, records):
    slow, quick = ({"histogram": encode_histogram(counts)} for counts in ({500_000: 100}, {1_000: 100}))
    shown = page(
        records.interval(0, **slow), records.pacing(0), records.interval(0, **quick), records.pacing(1)
    )  # fmt: skip
    (band,) = shown.latencies[0].bands
    assert (band.second - START, band.n) == (0, 200)
    assert (band.p50_s, band.p99_s) == (pytest.approx(0.001, rel=0.01), pytest.approx(0.5, rel=0.01))


def test_without_a_hold_latencies_are_those_after_the_warm_up(page, records):
    warm = seconds(records, range(3), phase=Phase.WARM_UP)
    latency = page(*warm, *seconds(records, range(3, 5), phase=Phase.RAMP)).latencies[0]
    assert (latency.part, latency.whole[0].n) == ("load without its warm-up", 200)


def test_every_step_has_its_counts_causes_and_largest_latency(page, records):
    shown = page(
        records.interval(0, ok=100, failed=4, polls=2, **STALLED),
        records.interval(0, step="count", service="stock", ok=0, failed=3, causes={"refused": 2, "reset": 1}),
        records.pacing(0),
    )
    look, count = shown.steps
    assert (look.journey, look.name, look.polls, look.why) == ("buy a rope", "look", 2, "4 by timeout")
    assert (look.n, look.failed) == (104, 4)
    assert look.latencies_s == pytest.approx((0.01, 0.01, 2, 2), rel=0.001)
    assert (count.latencies_s, count.why) == (None, "2 refused, 1 reset")
    assert shown.errors.causes == (Cause.REFUSED, Cause.TIMEOUT, Cause.RESET)
    assert shown.errors.total == 7


def test_the_steps_of_a_journey_stand_together(page, records):
    told = [("buy a rope", "look"), ("browse", "look"), ("buy a rope", "count")]
    intervals = [records.interval(0, scenario=scenario, step=step, **FAST) for scenario, step in told]
    steps = [(step.journey, step.name) for step in page(*intervals, records.pacing(0)).steps]
    assert steps == [("buy a rope", "look"), ("buy a rope", "count"), ("browse", "look")]


def test_the_generator_tells_its_drops_lateness_processor_and_lost_workers(page, records):
    more = {"dropped": 3, "started": 17, "in_flight": 9, "late_p99_s": 0.02, "late_over_ms": {1: 20, 2: 20, 5: 20}}
    lost = {"workers": 2, "lost": {2: 7}, "cpu_ratio": 0.8}
    shown = page(*seconds(records, range(2)), records.pacing(2, **more), records.pacing(3, **lost))
    assert {note.label: note.text for note in shown.generator} == {
        "Plays": "77 of 80 started, 3 dropped",
        "In flight": "at most 9",
        "Starts": "99 % within 10 ms of their due time; worst second 20 ms",
        "Processor": "35 % of a core; worst second 80 %",
        "Workers": "2; worker 2 lost at second 7",
    }
    assert shown.load.unfit.startswith("generator: 3 of 80 arrivals were dropped")
    assert [(point.dropped, point.in_flight) for point in shown.rates[1:3]] == [(0, 1), (3, 9)]


@pytest.mark.parametrize(("profile", "less"), [("some", "lower the rate"), ("crowd", "use fewer users")])
def test_a_load_whose_generator_was_busy_is_made_smaller_in_its_own_words(page, records, profile, less):
    busy = [records.interval(0, **FAST), records.pacing(0, cpu_ratio=0.97)]
    assert page(*busy, about=dataclasses.replace(ABOUT, profile=profile)).load.unfit.endswith(f" or {less}")


def test_a_breakpoint_shows_its_sentence_and_each_level_with_its_own_requests(page, records, workspace):
    (workspace / "scenarios" / "profiles" / "far.yaml").write_text(FAR)
    probes = [
        record
        for number in range(20)
        for probe in ({"phase": Phase.PROBE, "level": 20.0 if number < 10 else 40.0},)
        for record in (records.interval(number, slow=50 * (number >= 10), **probe), records.pacing(number, **probe))
    ]
    shown = page(*probes, about=dataclasses.replace(ABOUT, profile="far")).load
    assert shown.found.startswith("held up to 20/s; at 40/s shop.fast was missed")
    assert [(level.name, level.grade, level.n) for level in shown.levels] == [
        ("20/s", Grade.MET, 1000),
        ("40/s", Grade.MISSED, 1000),
    ]
    assert shown.levels[1].text.startswith("shop.fast was missed")
    assert shown.unfit == ""


def test_a_limit_that_changed_since_is_counted_from_the_histograms(page, records, workspace):
    slo = workspace / "slo" / "shop.yaml"
    slo.write_text(slo.read_text().replace("200ms", "5ms"))
    shown = page(*seconds(records, range(60)))
    fast = {finding.name: finding for finding in shown.verdict.findings}["shop.fast"]
    assert (fast.grade, fast.measured) == (Grade.MISSED, 1.0)


def test_a_load_that_was_stopped_or_sent_nothing_says_so(page, records):
    assert page(about=dataclasses.replace(ABOUT, ended_at=None)).load.text == (
        "0 requests; 0.0 of 0.0 planned plays/s; stopped before its stages were over."
    )


def test_a_load_without_a_request_says_nothing_of_the_services(page):
    assert page().load.unfit == "no request was sent"


def test_what_is_written_of_a_load_is_read_back(run):
    kept = run()
    assert is_load(kept)
    assert read_about_load(kept) == ABOUT


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('"realm": "here"', '"realm": 7'),
        ('"started_at": "2023', '"started_at": "never'),
        ('"started_at": "2023', '"started_at": "1823'),
        ('Z",\n  "ended_at"', '",\n  "ended_at"'),
        ('"profile"', '"prfile"'),
    ],
)
def test_a_damaged_run_of_a_load_ends_in_a_sentence_with_its_line(run, said, problem):
    kept = run()
    text = kept.about.read_text()
    assert said in text
    kept.about.write_text(text.replace(said, problem))
    with pytest.raises(DocumentError, match=r"run\.json:\d+:1: "):
        read_about_load(kept)


def test_a_profile_that_is_gone_is_named(page, records):
    with pytest.raises(UsageError, match=r"no profile 'sme'.*did you mean 'some'"):
        page(*seconds(records, range(2)), about=dataclasses.replace(ABOUT, profile="sme"))


def test_the_same_load_is_written_to_the_same_bytes(run, records, workspace):
    kept = run(*seconds(records, range(20)))
    for _ in range(2):
        publish_load(kept, read_load(kept, plan_of_load(workspace, ABOUT)), templates=workspace)
        kept.report.rename(kept.folder / f"{kept.report.name}.{_}")
    first, second = (kept.folder / f"report.html.{number}" for number in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert b"buy a rope" in first.read_bytes()
