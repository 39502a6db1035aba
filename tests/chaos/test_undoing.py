"""`up` and `down` wait for who undoes faults in a realm whose harness is gone, and for nobody else."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.chaos.healing.ledger import Entry, Ledger
from seatrial.chaos.healing.recover import realm_lock
from seatrial.chaos.undoing import wait_undone
from seatrial.chaos.watchdog.start import LOG_FILE, lives

PATIENCE_S = 60.0
HARNESS = """
import sys, time
from pathlib import Path
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import realm_lock
from seatrial.chaos.watchdog.start import Watchdog
workspace, ledger = Path(sys.argv[1]), Ledger(Path(sys.argv[2]))
with realm_lock(workspace, "demo"):
    watchdog = Watchdog(ledger)
    watchdog.require()
    print("on", flush=True)
    time.sleep(600)
"""
HOLDER = """
import sys, time
from pathlib import Path
from seatrial.runtime.lock import hold
with hold(Path(sys.argv[1]), "demo", doing=sys.argv[2]):
    print("on", flush=True)
    time.sleep(600)
"""
WATCHDOG = "waiting for the watchdog of a harness that is gone, undoing faults, in realm 'demo'"


@pytest.fixture
def ledger(tmp_path: Path, wait_until: Callable[..., None]) -> Iterator[Ledger]:
    """A ledger that holds open what nobody can undo: its means is unheard of. Unwatched again at the end."""
    (tmp_path / ".seatrial").mkdir()
    made = Ledger(tmp_path / "reports" / "out" / "run" / "faults.jsonl")
    made.open(Entry("a", "x", "demo", "unheard of", "latency", "a->b", {}, 1.0))
    yield made
    made.healed("a", at=2.0, text="by hand")
    wait_until(lambda: not lives(_log(made)))


@contextlib.contextmanager
def running(program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has said it is ready; ended with the block."""
    with subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "on\n"
            yield started
        finally:
            started.kill()


@pytest.fixture
def orphan(tmp_path: Path, ledger: Ledger) -> Iterator[threading.Event]:
    """A watchdog whose harness was killed, and that waits for the ledger, until the event is set or the test over."""
    free, held = threading.Event(), threading.Event()

    def keep() -> None:
        with ledger.held():
            held.set()
            free.wait(PATIENCE_S)

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert held.wait(PATIENCE_S)
    with running(HARNESS, str(tmp_path), str(ledger.path)) as harness:
        assert harness.poll() is None
    yield free
    free.set()
    keeper.join()


def _log(ledger: Ledger) -> Path:
    return ledger.path.with_name(LOG_FILE)


def _said(workspace: Path, *, within_s: float = PATIENCE_S, realm: str = "demo") -> list[str]:
    said: list[str] = []
    wait_undone(workspace, realm, say=said.append, within_s=within_s)
    return said


def test_a_watchdog_whose_harness_was_killed_is_waited_for_until_it_has_come_to_every_fault(tmp_path, orphan):
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.extend(_said(tmp_path)))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    orphan.set()
    waiting.join(PATIENCE_S)
    assert said == [WATCHDOG]


def test_the_wait_is_bounded_and_its_end_is_told(tmp_path, orphan):
    before = time.monotonic()
    waited, gave_up = _said(tmp_path, within_s=0.3)
    assert waited == WATCHDOG
    assert gave_up.endswith("in realm 'demo', is not done after 0.3 s: not waited for any longer")
    assert time.monotonic() - before < PATIENCE_S


def test_what_a_watchdog_has_tried_in_vain_is_not_waited_for(tmp_path, orphan, ledger):
    ledger.left("a", at=2.0, text="its proxy does not answer")
    assert lives(_log(ledger))
    assert _said(tmp_path) == []


def test_a_watchdog_that_is_about_to_end_is_waited_for_so_that_what_it_healed_is_told(tmp_path, orphan, ledger):
    ledger.healed("a", at=2.0, text="its proxy is gone")
    assert _said(tmp_path, within_s=0.3)[0] == WATCHDOG


def test_a_watchdog_in_another_realm_is_not_waited_for(tmp_path, orphan):
    assert _said(tmp_path, realm="other") == []


def test_a_watchdog_whose_harness_lives_is_not_waited_for(tmp_path, ledger):
    with running(HARNESS, str(tmp_path), str(ledger.path)):
        assert lives(_log(ledger))
        assert _said(tmp_path) == []


def test_a_fault_that_nobody_undoes_is_not_waited_for(tmp_path, ledger):
    assert _said(tmp_path) == []
    _log(ledger).write_text("of a watchdog that was killed")
    assert _said(tmp_path) == []


def test_who_recovers_is_waited_for_and_who_breaks_things_is_not(tmp_path, ledger):
    with running(HOLDER, str(tmp_path), ", with faults of its own"):
        assert _said(tmp_path) == []
    with running(HOLDER, str(tmp_path), ", undoing faults") as recovering:
        said: list[str] = []

        def say(text: str) -> None:
            said.append(text)
            recovering.kill()

        wait_undone(tmp_path, "demo", say=say, within_s=PATIENCE_S)
        assert said == [f"waiting for process {recovering.pid}, undoing faults, in realm 'demo'"]


def test_we_do_not_wait_for_ourselves(tmp_path, ledger):
    with realm_lock(tmp_path, "demo", doing=", undoing faults"):
        assert _said(tmp_path) == []
