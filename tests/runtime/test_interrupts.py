"""An interrupt waits while something must not be left half done, and none of a realm is left running by one."""

from __future__ import annotations

import signal
import threading

import pytest

from seatrial.realm import Place, Realm, RuntimeKind, Start
from seatrial.runtime import process, proxies
from seatrial.runtime.interrupts import heeded, held_back
from seatrial.runtime.standing import standing
from seatrial.runtime.state import ProcessId, ProxyState, RealmState, load_state, save_state
from seatrial.runtime.up import down, up

REALM = Realm("local", RuntimeKind.PROCESS, {"front": Place("front", start=Start(("front",)))})


def _interrupt():
    signal.raise_signal(signal.SIGINT)


def _quiet(text):
    del text


def test_an_interrupt_arrives_when_the_block_is_done():
    done = []
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012 - what comes after the interrupt is the claim
        _interrupt()
        _interrupt()
        done.append("all of it")
    assert done == ["all of it"]


def test_without_an_interrupt_the_handlers_are_as_before():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with held_back():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_is_let_alone():
    done = []

    def work():
        with held_back():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


def test_an_interrupt_while_the_proxy_starts_does_not_lose_it(tmp_path, stopped, monkeypatch):
    def start(log):
        _interrupt()
        return ProxyState("http://127.0.0.1:1", ProcessId(1, 1.0))

    monkeypatch.setattr(proxies, "start_proxy", start)
    with pytest.raises(KeyboardInterrupt):
        up(REALM, tmp_path, variables={}, say=_quiet)
    assert stopped == [ProcessId(1, 1.0)]
    assert load_state(tmp_path, "local") is None


def test_an_interrupt_while_a_service_starts_does_not_lose_it(tmp_path, stopped, monkeypatch):
    def spawn(command, env, cwd, log):
        _interrupt()
        return ProcessId(2, 2.0)

    monkeypatch.setattr(process, "spawn", spawn)
    with pytest.raises(KeyboardInterrupt):
        up(REALM, tmp_path, variables={}, say=_quiet)
    assert set(stopped) == {ProcessId(1, 1.0), ProcessId(2, 2.0)}
    assert load_state(tmp_path, "local") is None


def test_an_interrupt_while_a_realm_is_stopped_does_not_leave_half_of_it(tmp_path, stopped, monkeypatch):
    save_state(tmp_path, RealmState("local", ProxyState("http://127.0.0.1:1", ProcessId(1, 1.0))))

    def stop(processes):
        _interrupt()
        stopped.extend(processes)

    monkeypatch.setattr(process, "stop", stop)
    with pytest.raises(KeyboardInterrupt):
        down(REALM, tmp_path, say=_quiet)
    assert stopped == [ProcessId(1, 1.0)]
    assert load_state(tmp_path, "local") is None


def test_a_realm_that_had_to_be_started_is_stopped_at_the_end(tmp_path, stopped):
    with standing(REALM, tmp_path, variables={}, say=_quiet) as state:
        assert state == load_state(tmp_path, "local")
    assert set(stopped) == {ProcessId(1, 1.0), ProcessId(2, 2.0)}
    assert load_state(tmp_path, "local") is None


def test_a_realm_that_was_up_stays_up_even_where_a_service_was_missing(tmp_path, stopped):
    save_state(tmp_path, RealmState("local", ProxyState("http://127.0.0.1:1", ProcessId(1, 1.0))))
    with standing(REALM, tmp_path, variables={}, say=_quiet) as state:
        assert state.services["front"].process == ProcessId(2, 2.0)
    assert stopped == []
    assert load_state(tmp_path, "local") == state


def test_a_realm_whose_state_outlived_its_processes_is_started_and_stopped(tmp_path, stopped):
    save_state(tmp_path, RealmState("local", ProxyState("http://127.0.0.1:1", ProcessId(7, 7.0))))
    stopped.append(ProcessId(7, 7.0))
    with standing(REALM, tmp_path, variables={}, say=_quiet):
        pass
    assert ProcessId(2, 2.0) in stopped
    assert load_state(tmp_path, "local") is None


def test_a_hangup_is_heeded_unless_it_is_ignored():
    assert signal.SIGHUP in heeded()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert heeded() == (signal.SIGINT, signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)
