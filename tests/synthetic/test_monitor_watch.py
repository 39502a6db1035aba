"""The loop keeps what plays found, and a real receiver is told once when one goes down and once when it is back."""

from concurrent.futures import Future

from watch_bench import GOOD, PAY, Bench, Inline

from seatrial.store.results import ResultOutcome
from seatrial.synthetic.model import DownRule, PlayOutcome
from seatrial.synthetic.notify.outbox import FAILURES_TO_OPEN, back_off_s
from seatrial.synthetic.watch import OVERLAP

BAD = PlayOutcome(passed=False, step="charge", detail="expected 201, got 500", latency_s=0.1, trace_id="b" * 32)


class Held(Inline):
    """Runs what it is given when it is let."""

    def __init__(self):
        self.held = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.held.append(lambda: future.set_result(fn(*args, **kwargs)))
        return future

    def let(self):
        self.held.pop(0)()


def test_a_scenario_that_fails_then_passes_posts_one_firing_and_one_resolved(bench, receiver):
    bench.script = [GOOD, BAD, BAD, BAD, BAD, BAD, GOOD, GOOD]
    bench.slots(8)
    firing, resolved = receiver.letters()
    assert (firing["state"], resolved["state"]) == ("firing", "resolved")
    assert firing["key"] == resolved["key"]
    assert firing | {
        "realm": "prod", "service": "cards", "monitor": "payments", "scenario": PAY, "step": "charge",
        "detail": "expected 201, got 500", "severity": "page",
    } == firing  # fmt: skip
    assert (firing["runbook"], firing["trace_id"], firing["failures"]) == (
        "https://runbooks.example/cards", "b" * 32, 3,
    )  # fmt: skip
    assert firing["since"] == resolved["since"] < firing["at"] < resolved["at"]
    assert [line.split()[1] for line in bench.lines] == [
        "good", "bad", "bad", "bad", "DOWN", "bad", "bad", "good", "BACK", "good",
    ]  # fmt: skip


def test_results_are_kept_by_their_slot(bench):
    bench.script = [GOOD, BAD, GOOD]
    bench.slots(3)
    first = bench.results()[0]
    assert [result.slot for result in bench.results()] == [first.slot, first.slot + 30.0, first.slot + 60.0]
    assert bench.outcomes() == [ResultOutcome.GOOD, ResultOutcome.BAD, ResultOutcome.GOOD]


def test_a_confirming_retry_that_passes_is_kept_as_flaky_and_counts_as_good(tmp_path, clock, monitor_of):
    bench = Bench(tmp_path, clock, monitor_of(down=DownRule(after=1)))
    bench.script = [BAD, GOOD]
    bench.slots(1)
    (result,) = bench.results()
    assert (result.outcome, result.flaky, result.detail) == (ResultOutcome.GOOD, True, "expected 201, got 500")
    assert [line.split()[1] for line in bench.lines] == ["flaky"]
    bench.store.close()


def test_a_run_that_could_not_be_played_is_unknown_and_neither_fires_nor_resolves(bench, receiver):
    bench.script = [BAD, BAD, ValueError("our own mistake"), BAD, ValueError("again"), GOOD]
    bench.slots(5)
    assert bench.results()[2].detail == "ValueError: our own mistake"
    assert bench.outcomes()[2] is ResultOutcome.UNKNOWN
    assert receiver.states() == ["firing"]
    bench.slots(1)
    assert receiver.states() == ["firing", "resolved"]


def test_a_slot_that_comes_while_the_run_before_is_under_way_is_skipped_and_recorded(tmp_path, clock, paged):
    held = Held()
    bench = Bench(tmp_path, clock, paged, players=held)
    bench.slots(3)
    assert [(result.outcome, result.detail) for result in bench.results()] == [(ResultOutcome.SKIPPED, OVERLAP)] * 2
    held.let()
    bench.slots(1)
    assert len(held.held) == 1
    assert bench.outcomes() == [ResultOutcome.GOOD, ResultOutcome.SKIPPED, ResultOutcome.SKIPPED]
    assert bench.watch.playing
    bench.store.close()


def test_secrets_are_neither_kept_nor_posted_nor_told(bench, receiver):
    bench.secrets.add("token", "hunter22")
    bad = PlayOutcome(passed=False, step="log in with hunter22", detail="Authorization: Bearer hunter22")
    bench.script = [bad] * 3
    bench.slots(3)
    shown = [*bench.lines, *map(str, bench.results()), *(body.decode() for _, body in receiver.got)]
    assert receiver.states() == ["firing"]
    assert all("hunter22" not in text for text in shown)
    assert all("***(token)" in result.detail for result in bench.results())


def test_failures_before_a_restart_count_and_a_known_outage_is_not_told_again(bench, receiver):
    bench.script = [BAD] * 2
    bench.slots(2)
    bench.restart()
    bench.script = [BAD] * 2
    bench.slots(1)
    assert receiver.states() == ["firing"]
    bench.restart()
    bench.slots(1)
    assert receiver.states() == ["firing"]
    bench.slots(1)
    assert receiver.states() == ["firing", "resolved"]


def test_a_restart_within_a_slot_plays_but_does_not_count_the_slot_twice(bench):
    bench.script = [BAD, BAD]
    bench.plan.tick()
    bench.settle()
    bench.restart()
    bench.plan.tick()
    bench.settle()
    (result,) = bench.results()
    assert result.outcome is ResultOutcome.BAD
    assert bench.lines[-1].endswith("(not counted: this slot has a result already)")
    bench.script = [BAD]
    bench.clock.advance(30.0)
    bench.slots(1)
    assert "DOWN" not in " ".join(bench.lines)


def test_letters_to_a_receiver_that_is_down_arrive_in_order_once_it_is_up(bench, receiver):
    receiver.stop()
    bench.script = [BAD, BAD, BAD, GOOD, BAD, BAD, BAD]
    bench.slots(7)
    assert receiver.got == []
    assert bench.store.waiting_letters() == {"ops": 3}
    receiver.start()
    for _ in range(3):
        bench.clock.advance(400.0)
        bench.settle()
    assert receiver.states() == ["firing", "resolved", "firing"]
    assert bench.store.waiting_letters() == {}


def test_a_letter_survives_a_restart_and_a_delivered_one_is_not_repeated(bench, receiver):
    bench.script = [BAD] * 3
    bench.slots(3)
    receiver.status = 503
    bench.slots(1)
    assert (receiver.states(), bench.store.waiting_letters()) == (["firing"], {"ops": 1})
    bench.restart()
    receiver.status = 204
    bench.clock.advance(400.0)
    bench.settle()
    assert receiver.states() == ["firing", "resolved"]
    assert len({headers["Seatrial-Delivery"] for headers, _ in receiver.got}) == 2


def test_a_failed_delivery_is_told_and_waits_longer_each_time(bench, receiver):
    receiver.status = 503
    bench.script = [BAD] * 3
    bench.slots(3)
    assert bench.lines[-1].endswith("channel ops: not delivered (answered 503); trying again in 1 s")
    bench.settle()
    assert bench.lines[-1].endswith("trying again in 2 s")
    refused = receiver.refused
    bench.clock.advance(1.9)
    bench.settle()
    assert receiver.refused == refused
    bench.clock.advance(0.2)
    bench.settle()
    assert receiver.refused == refused + 1


def test_back_off_doubles_to_its_bound():
    assert [back_off_s(attempts) for attempts in (1, 2, 3, 9, 10, 5000)] == [1.0, 2.0, 4.0, 256.0, 300.0, 300.0]


def test_an_open_breaker_keeps_a_dead_receiver_from_being_called(tmp_path, clock, paged, posts, receiver):
    bench = Bench(tmp_path, clock, paged, posts=posts, open_for_s=3600.0)
    receiver.status = 503
    bench.script = [BAD] * 3
    bench.slots(3)
    for _ in range(10):
        bench.clock.advance(400.0)
        bench.settle()
    assert receiver.refused == FAILURES_TO_OPEN
    assert bench.store.waiting_letters() == {"ops": 1}
    bench.restart()
    receiver.status = 204
    bench.clock.advance(400.0)
    bench.settle()
    assert receiver.states() == ["firing"]
    bench.store.close()


def test_a_post_that_fails_in_an_unforeseen_way_is_tried_again(tmp_path, clock, paged):
    calls = []

    def post(letter):
        calls.append(letter)
        if len(calls) == 1:
            raise RuntimeError("a defect of the channel")

    bench = Bench(tmp_path, clock, paged, posts={"ops": post})
    bench.script = [BAD] * 4
    bench.slots(4)
    assert "not delivered (RuntimeError: a defect of the channel)" in " ".join(bench.lines)
    assert [letter.number for letter in calls] == [1, 1]
    assert bench.store.waiting_letters() == {}
    bench.store.close()


def test_letters_of_a_channel_that_is_gone_are_told_at_start(bench, receiver):
    receiver.status = 503
    bench.script = [BAD] * 3
    bench.slots(3)
    bench.posts = {}
    bench.restart()
    assert bench.lines[-1] == "channel ops: 1 undelivered, and no monitor here routes to it"


def test_a_jump_of_the_clock_is_told(bench):
    bench.slots(1)
    bench.clock.set_by(-3600.0)
    bench.slots(2)
    assert "the clock was set back by 3600 s; planned anew" in " ".join(bench.lines)
    assert len(bench.results()) == 2
