"""Ctrl-C and SIGTERM at any moment of an assessment: healed, said so, 130, and nothing it started is left."""

from __future__ import annotations

import json
import signal

import psutil
import pytest

from seatrial import http
from seatrial.chaos.healing.ledger import ledgers, open_entries
from seatrial.errors import ExitCode
from seatrial.journal import list_runs, read_json
from seatrial.runtime import process
from seatrial.runtime.state import load_state

pytestmark = pytest.mark.e2e


def _toxics(workspace):
    """Every toxic at the proxies of the realm, and every proxy that refuses."""
    state = load_state(workspace, "pair")
    content = json.loads(http.get(f"{state.proxy.api}/proxies", timeout_s=30.0).body)
    return [(name, proxy["toxics"], proxy["enabled"]) for name, proxy in content.items()]


def _is_broken(workspace):
    return any(toxics or not enabled for _, toxics, enabled in _toxics(workspace))


def _service(workspace, name):
    return load_state(workspace, "pair").services[name].process


def _left(started):
    return [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def _nothing_is_left(workspace, ended, started):
    """What must be true after every interrupted assessment that had started its realm itself."""
    assert ended.code == ExitCode.INTERRUPTED, ended.err
    assert "interrupted" in ended.sentence or "ended by SIGTERM" in ended.sentence
    assert len(started) >= 3, "two services and a proxy"
    assert _left(started) == []
    assert load_state(workspace, "pair") is None
    assert [open_entries(path) for path in ledgers(workspace) if open_entries(path)] == []


def test_ctrl_c_while_a_journey_waits_ends_the_realm_it_started(pair, start):
    harness = start(pair, "assess", "--gate", "slow journey")
    harness.wait_for_words("acceptance: wait long")
    started = harness.started()
    _nothing_is_left(pair, harness.end(signal.SIGINT), started)


def test_sigterm_under_load_ends_the_load_and_the_realm(pair, start):
    harness = start(pair, "assess", "--gate", "long load")
    harness.wait_for_words("load: hold")
    started = harness.started()
    assert len(started) >= 4, "the load's child too"
    ended = harness.end(signal.SIGTERM)
    _nothing_is_left(pair, ended, started)
    (run,) = list_runs(pair)
    assert ended.out.splitlines()[0] == "verdict: UNDECIDED", ended.out
    assert ended.out.splitlines()[-1] == f"report: {run.report.relative_to(pair)}"
    assert run.report.is_file()
    verdict = read_json(run.verdict)
    assert (verdict["grade"], verdict["exit_code"]) == ("UNDECIDED", ExitCode.INTERRUPTED)


def test_sigterm_while_a_service_is_killed_heals_it_before_it_ends_all(pair, start):
    harness = start(pair, "assess", "--gate", "kill")
    harness.wait_for_words("kill: kill on back")
    back = _service(pair, "back")
    harness.wait_until(lambda: not process.is_alive(back), "the service is killed")
    started = harness.started()
    ended = harness.end(signal.SIGTERM)
    assert "'back' started again" in ended.err
    assert "1 fault(s) healed" in ended.err
    _nothing_is_left(pair, ended, started)


def test_ctrl_c_in_the_middle_of_a_healing_waits_for_it(pair, start):
    harness = start(pair, "assess", "--gate", "brief")
    harness.wait_for_words("brief: kill on back")
    back = _service(pair, "back")
    harness.wait_until(lambda: _service(pair, "back") != back, "the service is being started again")
    again = psutil.Process(_service(pair, "back").pid)
    started = (*harness.started(), again)
    ended = harness.end(signal.SIGINT)
    assert "interrupted; healing first" in ended.err
    assert "'back' started again" in ended.err
    _nothing_is_left(pair, ended, started)


def test_two_interrupts_at_once_do_no_more_harm_than_one(pair, start):
    harness = start(pair, "assess", "--gate", "long load")
    harness.wait_for_words("load: hold")
    started = harness.started()
    harness.popen.send_signal(signal.SIGINT)
    harness.wait_for_words("stopping")
    harness.popen.send_signal(signal.SIGTERM)
    _nothing_is_left(pair, harness.wait(), started)


def test_ctrl_c_while_the_realm_is_started_leaves_no_process(pair, start):
    harness = start(pair, "assess", "--gate", "long load")
    log = pair / ".seatrial" / "logs" / "pair.proxy.log"
    harness.wait_until(lambda: log.exists() and harness.started(), "the proxy is being started")
    started = harness.started()
    ended = harness.end(signal.SIGINT)
    assert ended.code == ExitCode.INTERRUPTED, ended.err
    assert ended.sentence
    assert _left(started) == []
    assert load_state(pair, "pair") is None


@pytest.fixture
def pair_up(pair, seatrial):
    """The workspace with its realm up, and how to bring it down again."""
    assert seatrial(pair, "up").code == 0
    yield pair
    assert seatrial(pair, "down").code == 0


def test_ctrl_c_during_a_toxic_takes_it_away_from_a_realm_that_was_up_and_leaves_that_up(pair_up, start):
    before = load_state(pair_up, "pair")
    harness = start(pair_up, "assess", "--gate", "hang")
    harness.wait_until(lambda: _is_broken(pair_up), "the toxic is there")
    started = harness.started()
    assert started, "the load's child"
    ended = harness.end(signal.SIGINT)
    assert ended.code == ExitCode.INTERRUPTED, ended.err
    assert "interrupted; 1 fault(s) healed" in ended.sentence
    assert _left(started) == []
    assert not _is_broken(pair_up)
    assert load_state(pair_up, "pair") == before
    assert all(process.is_alive(service.process) for service in before.services.values())


def _is_stopped(found):
    return psutil.Process(found.pid).status() == psutil.STATUS_STOPPED


def test_a_harness_killed_by_nine_leaves_no_fault_leases_and_the_watchdog_end_them(pair, start, seatrial, wait_until):
    harness = start(pair, "assess", "--gate", "ruin")
    harness.wait_for_words("ruin: stop on front")
    front, back = _service(pair, "front"), _service(pair, "back")
    harness.wait_until(lambda: _is_stopped(front), "the front is stopped")
    assert _is_broken(pair)
    assert not process.is_alive(back)
    load_child = [child for child in harness.started() if child.pid not in (front.pid, back.pid)]
    assert harness.end(signal.SIGKILL).code == -signal.SIGKILL

    wait_until(lambda: not _is_broken(pair), "the lease runs out")
    wait_until(lambda: not _is_stopped(front), "the watchdog lets the front go on")
    wait_until(lambda: process.is_alive(_service(pair, "back")), "the watchdog starts the back again")

    recovered = seatrial(pair, "chaos", "recover")
    assert recovered.code == 0, recovered
    assert recovered.out.startswith("nothing to do")

    judged = seatrial(pair, "judge", "last")
    assert judged.code == ExitCode.UNDECIDED, judged
    assert "ruin > recovered within 5 s" in judged.out
    assert seatrial(pair, "down").code == 0
    wait_until(lambda: _left(load_child) == [], "load and proxy are gone")


def _a_cut_audit_is_told(workspace, ended):
    """What must be there of an audit that was interrupted in its only strain."""
    told = "the run was cut short: 0 of 1 strain played"
    (run,) = list_runs(workspace)
    assert ended.out.splitlines()[0] == f"undecided: {told}"
    assert ended.out.splitlines()[-1] == f"report: {run.report.relative_to(workspace)}"
    written = read_json(run.audit)
    assert (written["cut_short"], written["exit_code"]) == (told, ExitCode.INTERRUPTED)
    assert told in run.report.read_text()
    assert told in run.junit.read_text()


def test_ctrl_c_in_the_middle_of_an_audit_heals_and_writes_its_reports(pair, start):
    harness = start(pair, "chaos", "audit", "--profile", "some", "--only", "hang")
    harness.wait_for_words("hang on front->back: timeout on front->back")
    started = harness.started()
    ended = harness.end(signal.SIGINT)
    _nothing_is_left(pair, ended, started)
    _a_cut_audit_is_told(pair, ended)


def test_a_halted_audit_writes_its_reports_and_says_where(pair, start, seatrial):
    harness = start(pair, "chaos", "audit", "--profile", "some", "--only", "hang")
    harness.wait_for_words("hang on front->back: timeout on front->back")
    started = harness.started()
    assert seatrial(pair, "chaos", "halt").code == 0
    ended = harness.wait()
    _nothing_is_left(pair, ended, started)
    _a_cut_audit_is_told(pair, ended)
