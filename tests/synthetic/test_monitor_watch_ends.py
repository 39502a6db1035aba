"""How a watch ends: by its bound, at a stop, with what began kept."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from watch_bench import GOOD, Bench

from seatrial.clock import SystemClock
from seatrial.redact import Secrets
from seatrial.store.results import ResultOutcome, Store
from seatrial.synthetic.schedule import Plan
from seatrial.synthetic.watch import Means, Watch, Watched, watch, watch_once


@pytest.fixture
def live(tmp_path, monitor_of):
    """A watch on the real clock with real threads; its plays end when `gate` is set."""
    gate, stop = threading.Event(), threading.Event()
    begun = queue.SimpleQueue()

    def play_once(scenario, deadline_s):
        begun.put(scenario)
        gate.wait(60.0)
        return GOOD

    clock, store = SystemClock(), Store(tmp_path / "history.db")
    monitors = tuple(monitor_of(name=f"monitor {number}", every_s=3600.0) for number in range(3))
    with ThreadPoolExecutor(2) as players, ThreadPoolExecutor(1) as postmen:
        watching = Watch(
            Watched("prod", monitors),
            Means(store, play_once, clock, Secrets(), lambda line: None),
            players=players,
            postmen=postmen,
        )
        plan = Plan(monitors, clock=clock, enqueue=watching.events.put)
        yield watching, plan, gate, begun, stop, store
        gate.set()
    store.close()


def kept(store):
    return [result.outcome for number in range(3) for result in store.results("prod", monitor=f"monitor {number}")]


def test_once_plays_every_monitor_once_and_ends(live):
    watching, plan, gate, _, stop, store = live
    gate.set()
    watch_once(watching, plan, stop=stop)
    assert kept(store) == [ResultOutcome.GOOD] * 3


def test_a_bound_ends_the_watch_by_itself_and_what_began_is_kept(live):
    watching, plan, gate, begun, stop, store = live
    gate.set()
    watch(watching, plan, stop=stop, clock=SystemClock(), for_s=0.5)
    assert not stop.is_set()
    assert len(kept(store)) == begun.qsize()


def test_at_a_stop_every_run_that_began_is_finished_and_kept(live):
    watching, plan, gate, begun, stop, store = live

    def interrupt():
        begun.get()
        begun.get()
        stop.set()
        gate.set()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    watch(watching, plan, stop=stop, clock=SystemClock())
    interrupting.join()
    assert not watching.playing
    assert len(kept(store)) == 2 + begun.qsize()


def test_at_a_stop_a_run_that_waits_is_dropped(tmp_path, clock, paged):
    with ThreadPoolExecutor(1) as players:
        gate, begun = threading.Event(), threading.Event()
        players.submit(lambda: begun.set() or gate.wait(60.0))
        begun.wait(60.0)
        bench = Bench(tmp_path, clock, paged, players=players)
        bench.slots(1)
        bench.watch.finish()
        gate.set()
    assert (bench.results(), bench.lines) == ((), [])
    bench.store.close()


def test_a_slot_that_comes_while_the_watch_ends_is_not_begun(bench):
    bench.watch.finish()
    bench.slots(1)
    assert bench.results() == ()


def test_a_plan_that_dies_ends_the_watch_with_its_error(live):
    watching, _, _, _, stop, _ = live

    class Dying:
        def tick(self):
            raise RuntimeError("the plan died")

    with pytest.raises(RuntimeError, match="the plan died"):
        watch(watching, Dying(), stop=stop, clock=SystemClock())
