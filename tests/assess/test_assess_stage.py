"""A load's records are all kept or it has failed; experiments have their baseline, and begin only where they fit."""

from __future__ import annotations

import dataclasses
import signal
import threading
from types import SimpleNamespace

import pytest

from seatrial import journal
from seatrial.assess import stage
from seatrial.assess.budget import budget
from seatrial.assess.stage import Bridge, Hindsight, Loading, failing_ratio
from seatrial.errors import Interrupted, LoadFailed
from seatrial.journal import Run
from seatrial.sample import EdgeCall, FaultWindow, Phase
from seatrial.slo.measure import Traffic


class FakeRunning:
    """A load child that gives these batches, then ends or fails."""

    def __init__(self, batches, error=None):
        self.batches = batches
        self.error = error

    def seconds(self):
        yield from self.batches
        if self.error:
            raise self.error

    def stop(self):
        pass


@pytest.fixture
def bridge(plan, recorder, clock, tmp_path):
    return Bridge(
        plan, Run(tmp_path), recorder, None, None, clock, lambda text: None, lambda moment: None, budget(clock, None)
    )


def test_every_second_of_a_load_is_kept_and_its_last_pace_is_known(bridge, records, recorder):
    batches = [tuple(records.second(0)), tuple(records.second(1))]
    loading = Loading(FakeRunning(batches), bridge)
    loading.stop()
    assert [tally.ok for tally in recorder.measures().tallies(Traffic("shop"))] == [100, 100]
    assert [tally.ok for tally in recorder.measures().tallies(Traffic("stock"))] == [100, 100]
    assert (loading.last, loading.newest) == (batches[-1][-1], batches[-1])
    assert [(line.step, line.requests) for line in loading.steps] == [("look", 200), ("count", 200)]


def test_the_first_request_that_cannot_be_rendered_is_told_once(plan, recorder, clock, tmp_path, records):
    said = "first 'template' of buy a rope > look: 'row' has no 'card'"
    (tmp_path / stage.LOG).write_text(f"a line\n[warning] {said}\n")
    told = []
    bridge = Bridge(
        plan, Run(tmp_path), recorder, None, None, clock, told.append, lambda moment: None, budget(clock, None)
    )
    Loading(FakeRunning([tuple(records.second(at, unrendered=3)) for at in range(3)]), bridge).stop()
    assert told == [f"warning: not rendered: {said}"]


def test_a_load_that_ended_by_itself_is_no_load_any_more(bridge):
    loading = Loading(FakeRunning([]), bridge)
    loading.stop()
    with pytest.raises(LoadFailed, match="ended before it was told to"):
        loading.require()


def test_why_a_load_died_is_what_is_told(bridge):
    loading = Loading(FakeRunning([], LoadFailed("its log says so")), bridge)
    loading.stop()
    with pytest.raises(LoadFailed, match="its log says so"):
        loading.require()


def test_whatever_ended_the_reading_is_told(bridge):
    loading = Loading(FakeRunning([], ValueError("not a journal line")), bridge)
    loading.stop()
    with pytest.raises(ValueError, match="not a journal line"):
        loading.require()


def test_a_load_that_lost_records_is_an_error_at_its_end(bridge, records):
    with (
        pytest.raises(OSError, match="no space left"),
        Loading(FakeRunning([tuple(records.second(0))], OSError("no space left")), bridge),
    ):
        pass


def test_a_lost_record_does_not_hide_an_error_that_is_under_way(bridge):
    with (
        pytest.raises(LoadFailed, match="no hold"),
        Loading(FakeRunning([], OSError("no space left")), bridge),
    ):
        raise LoadFailed("no hold")


class Unending(FakeRunning):
    """A load that is not over before its `end` is set, whatever it is told."""

    def __init__(self):
        super().__init__([])
        self.end = threading.Event()

    def seconds(self):
        assert self.end.wait(60.0)
        yield from ()


def test_a_load_whose_records_are_not_read_in_time_has_failed(bridge, monkeypatch):
    monkeypatch.setattr(stage, "LOAD_DEADLINE_S", 0.1)
    running = Unending()
    with pytest.raises(LoadFailed, match="still not read"), Loading(running, bridge):
        pass
    running.end.set()


def test_an_interrupt_waits_for_the_last_record(bridge):
    seen = []

    class Interrupting(Unending):
        def stop(self):
            signal.raise_signal(signal.SIGINT)
            seen.append("stopped in spite of it")
            self.end.set()

    running = Interrupting()
    loading = Loading(running, bridge)
    with pytest.raises(KeyboardInterrupt), loading:
        pass
    assert seen == ["stopped in spite of it"]
    with pytest.raises(LoadFailed, match="ended before it was told to"):  # its reader was joined
        loading.require()


def test_the_share_that_fails_is_that_of_the_newest_second(records):
    assert failing_ratio(()) is None
    late = records.second(0, ok=0, failed=100)
    newest = records.second(1, ok=50, failed=50, phase=Phase.DURING, experiment="e")
    assert failing_ratio((*late, *newest)) == pytest.approx(50 / 200)  # the other service answered 100 more


def test_a_newest_second_without_requests_has_no_share(records):
    assert failing_ratio((*records.second(0, failed=100), records.pacing(1))) is None


def test_an_experiment_that_does_not_fit_the_gates_time_is_not_begun_and_says_why(plan, recorder, clock, tmp_path):
    told = []
    within = budget(clock, 60.0)
    run = Run(tmp_path)
    bridge = Bridge(plan, run, recorder, None, None, clock, told.append, lambda moment: None, within)
    clock.advance(46.0)
    (record,) = stage.experiments(bridge, None, None, hindsight=None)
    assert record.windows == ()
    assert record.aborted == "not run: of the gate's 60 s there were 14 s left, and it takes 16 s"
    assert told == [f"stock hangs: {record.aborted}"]


def test_of_a_halted_experiment_is_kept_what_its_faults_and_calls_did_until_then(bridge, recorder, monkeypatch):
    over = FaultWindow("stock hangs", "timeout", "shop->stock", 1.0, 2.0, "healed")
    call = EdgeCall("r", "shop->stock", 1.5, "GET", "/")

    def halted(checked, around, *, held_s):
        around.injector.windows.append(over)
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "run_experiment", halted)
    loading = SimpleNamespace(running=SimpleNamespace(mark=None))
    with pytest.raises(Interrupted):
        stage.experiments(bridge, loading, SimpleNamespace(flush=lambda: (call,)), hindsight=None)
    assert list(journal.read(bridge.run.folder / "journal.jsonl")) == [
        dataclasses.replace(over, ended="halted"),
        call,
    ]


class FakeWatch:
    """A watch that gives one call, ended now, a poll."""

    def __init__(self, clock):
        self.clock = clock

    def poll(self):
        return (EdgeCall("r", "a->b", self.clock.now(), "GET", "/"),)


def test_hindsight_remembers_its_span_and_no_longer(clock):
    hindsight = Hindsight(FakeWatch(clock), clock, span_s=5.0)
    for _ in range(12):
        clock.advance(1.0)
        hindsight.look()
    assert [clock.now() - call.started_at for call in hindsight.calls()] == [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert hindsight.held_s == 5.0


def test_hindsight_is_no_longer_than_it_has_watched(clock):
    hindsight = Hindsight(FakeWatch(clock), clock, span_s=20.0)
    clock.advance(2.0)
    assert hindsight.held_s == 2.0
