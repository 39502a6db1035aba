"""Slots stay on their grid whatever runs, clocks and names do; what `schedule` does by itself is pinned."""

import datetime as dt
import importlib.metadata
from types import SimpleNamespace

import pytest
import schedule
from hypothesis import given
from hypothesis import strategies as st

from seatrial.synthetic.model import Monitor
from seatrial.synthetic.schedule import Due, Jumped, Plan, phase_s, slot_after, slot_at

EVERY = st.integers(1_000, 3_600_000).map(lambda ms: ms / 1000)
INSTANT = st.floats(1.5e9, 2.5e9)
NAMES = st.text(min_size=1, max_size=20)


@pytest.fixture
def plan_of(clock):
    def plan(*monitors):
        handed_out = []
        return Plan(monitors, clock=clock, enqueue=handed_out.append), handed_out

    return plan


def run_for(plan, clock, *, seconds, busy_s=0.0):
    """Tick as the loop does; each tick takes `busy_s` itself."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        pause_s = plan.tick()
        clock.advance(pause_s + busy_s)


def slots(handed_out, name="payments"):
    return [due.slot for due in handed_out if isinstance(due, Due) and due.monitor.name == name]


@given(name=NAMES, every_s=EVERY)
def test_a_phase_lies_within_the_interval(name, every_s):
    assert 0.0 <= phase_s(name, every_s) < every_s


def test_a_phase_never_changes_between_versions():
    assert phase_s("payments", 30.0) == 29.76


def test_phases_of_many_monitors_are_spread():
    phases = [phase_s(f"monitor {number}", 30.0) for number in range(300)]
    per_second = [sum(second <= phase < second + 1 for phase in phases) for second in range(30)]
    assert min(per_second) >= 1
    assert max(per_second) <= 30


@given(instant=INSTANT, name=NAMES, every_s=EVERY)
def test_the_newest_slot_and_the_next_enclose_the_instant(instant, name, every_s):
    monitor = Monitor(name, ("s",), every_s=every_s, deadline_s=1.0)
    before, after = slot_at(instant, monitor), slot_after(instant, monitor)
    assert before <= instant < after
    assert after - before == pytest.approx(every_s, abs=0.002)


@given(instant=INSTANT, name=NAMES, every_s=EVERY)
def test_a_slot_is_its_own_slot(instant, name, every_s):
    monitor = Monitor(name, ("s",), every_s=every_s, deadline_s=1.0)
    slot = slot_at(instant, monitor)
    assert slot_at(slot, monitor) == slot
    assert slot_at(slot_after(slot, monitor), monitor) == slot_after(slot, monitor)


def test_every_monitor_runs_once_at_start(plan_of, monitor_of):
    plan, handed_out = plan_of(monitor_of(), monitor_of(name="other", every_s=3600.0))
    plan.tick()
    assert [due.monitor.name for due in handed_out] == ["payments", "other"]


def test_the_first_slot_is_the_newest_so_a_restart_does_not_make_a_new_one(plan_of, monitor_of, clock):
    first, before = plan_of(monitor_of())
    first.tick()
    clock.advance(slot_after(clock.now(), monitor_of()) - clock.now() - 0.5)
    second, after = plan_of(monitor_of())
    second.tick()
    assert slots(before) == slots(after)


def test_no_slot_drifts_or_is_lost_over_six_hours(plan_of, monitor_of, clock):
    plan, handed_out = plan_of(monitor_of())
    run_for(plan, clock, seconds=6 * 3600, busy_s=0.137)
    found = slots(handed_out)
    first = found[0]
    assert found == [round(first + 30.0 * index, 3) for index in range(len(found))]
    assert len(found) in (720, 721)


def test_a_slot_is_handed_out_within_one_tick_of_its_moment(clock, monitor_of):
    late = []
    plan = Plan([monitor_of()], clock=clock, enqueue=lambda due: late.append(clock.now() - due.slot))
    run_for(plan, clock, seconds=3600, busy_s=0.05)
    assert max(late[1:]) <= 0.07


@given(pauses=st.lists(st.floats(0.0, 200.0), min_size=1, max_size=60))
def test_however_late_the_ticks_slots_are_distinct_ascending_and_on_the_grid(pauses):
    clock = _SteadyClock()
    monitor = Monitor("payments", ("s",), every_s=30.0, deadline_s=1.0)
    handed_out = []
    plan = Plan([monitor], clock=clock, enqueue=handed_out.append)
    for pause_s in pauses:
        plan.tick()
        assert handed_out[-1].slot == slot_at(clock.now(), monitor)
        clock.advance(pause_s)
    found = slots(handed_out)
    assert found == sorted(set(found))


class _SteadyClock:
    """As the fake clock, made anew for every example."""

    def __init__(self):
        self._s = 1_700_000_000.0

    def now(self):
        return self._s

    def monotonic(self):
        return self._s

    def advance(self, seconds):
        self._s += seconds


def test_missed_slots_are_not_caught_up_with(plan_of, monitor_of, clock):
    plan, handed_out = plan_of(monitor_of())
    plan.tick()
    clock.advance(95.0)
    plan.tick()
    plan.tick()
    assert len(handed_out) == 2
    assert handed_out[-1].slot == slot_at(clock.now(), monitor_of())


def test_a_slot_that_begins_during_the_hand_out_is_not_lost(monitor_of, clock):
    handed_out = []

    def enqueue(due):
        handed_out.append(due)
        clock.advance(1.0)

    clock.advance(slot_after(clock.now(), monitor_of()) - clock.now() - 0.5)
    plan = Plan([monitor_of()], clock=clock, enqueue=enqueue)
    plan.tick()
    plan.tick()
    first, second = slots(handed_out)
    assert second - first == pytest.approx(30.0)


@pytest.mark.parametrize("by_s", [-3600.0, 3600.0, 2.5])
def test_after_a_clock_jump_the_plan_goes_on_within_one_interval(plan_of, monitor_of, clock, by_s):
    plan, handed_out = plan_of(monitor_of())
    run_for(plan, clock, seconds=100)
    clock.set_by(by_s)
    before = len(slots(handed_out))
    run_for(plan, clock, seconds=31)
    assert [event.by_s for event in handed_out if isinstance(event, Jumped)] == [pytest.approx(by_s)]
    after = slots(handed_out)[before:]
    assert len(after) in (1, 2)
    assert all(slot == slot_at(slot, monitor_of()) for slot in after)
    assert after[-1] == slot_at(after[-1], monitor_of())
    assert abs(after[-1] - clock.now()) <= 31


def test_a_small_correction_of_the_clock_is_no_jump(plan_of, monitor_of, clock):
    plan, handed_out = plan_of(monitor_of())
    plan.tick()
    clock.set_by(1.5)
    plan.tick()
    assert not [event for event in handed_out if isinstance(event, Jumped)]


def test_pauses_are_neither_negative_nor_long(plan_of, monitor_of, clock):
    plan, _ = plan_of(monitor_of(every_s=3600.0))
    assert plan.tick() == 1.0
    clock.advance(7200.0)
    assert 0.01 <= plan.tick() <= 1.0


def test_a_plan_without_monitors_only_pauses(plan_of):
    plan, handed_out = plan_of()
    assert plan.tick() == 1.0
    assert handed_out == []


def test_two_plans_do_not_share_jobs_and_the_default_scheduler_has_none(plan_of, monitor_of):
    plan, handed_out = plan_of(monitor_of())
    other, others = plan_of(monitor_of(name="other"))
    plan.tick()
    assert (len(handed_out), others, schedule.get_jobs()) == (1, [], [])
    other.tick()
    assert len(handed_out) == 1


def test_the_package_is_the_version_whose_inner_workings_are_used():
    assert importlib.metadata.version("schedule").startswith("1.2.")


def test_the_package_calls_what_the_grid_overrides(monkeypatch):
    """`do` and `run` must both come by `_schedule_next_run`, and `run_pending` by `should_run`."""
    called = []

    class Job(schedule.Job):
        should_run = property(lambda self: called.append("should_run") or True)

        def _schedule_next_run(self):
            called.append("_schedule_next_run")
            self.next_run = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    scheduler = schedule.Scheduler()
    Job(1, scheduler).do(lambda: called.append("job"))
    scheduler.run_pending()
    assert called == ["_schedule_next_run", "should_run", "job", "_schedule_next_run"]


def test_the_package_alone_would_drift(monkeypatch):
    """Why the grid is needed: its next run counts from the moment the last one ended."""
    now = [dt.datetime(2026, 1, 1, 12, 0, 0, tzinfo=dt.UTC)]
    fake = SimpleNamespace(datetime=SimpleNamespace(now=lambda tz=None: now[0]), timedelta=dt.timedelta)
    monkeypatch.setattr(schedule, "datetime", fake)
    scheduler = schedule.Scheduler()

    def work():
        now[0] += dt.timedelta(seconds=3)

    job = scheduler.every(10).seconds.do(work)
    now[0] = job.next_run
    scheduler.run_pending()
    assert job.next_run == dt.datetime(2026, 1, 1, 12, 0, 23, tzinfo=dt.UTC)
