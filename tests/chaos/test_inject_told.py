"""What an injector does not do, does not wait for, and says of what it healed."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
from pathlib import Path

import pytest
from fake_faults import FakeFault, resolved

from seatrial.chaos.faults.injectable import Means
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector, Resolved
from seatrial.errors import FaultFailed, Interrupted


@pytest.fixture
def injector(tmp_path: Path, clock, world) -> Injector:
    ledger = Ledger(tmp_path / "faults.jsonl")
    return Injector(
        ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=60.0, start_watchdog=lambda ledger: None
    )


def test_where_others_keep_the_ledger_nothing_is_injected(injector: Injector, world: list[str], monkeypatch):
    monkeypatch.setattr(Ledger, "held", lambda ledger: contextlib.nullcontext(False))
    with injector, pytest.raises(FaultFailed, match=r"could not be locked; nothing was injected"):
        injector.inject(resolved("a"), experiment="x")
    assert world == []


def test_a_fault_that_was_injected_and_is_over_by_itself_is_not_waited_for(injector: Injector, clock):
    with injector:
        active = injector.inject(resolved("a", "gone"), experiment="x")
        healed_at = clock.now()
        injector.heal(active)
    assert clock.now() == healed_at


@dataclasses.dataclass(frozen=True, slots=True)
class AtAProxy(FakeFault):
    """One without a lease at a proxy, as at a real Toxiproxy."""

    api: str = "http://127.0.0.1:1"


@pytest.mark.parametrize(("how", "ended"), [("gone", "expired"), ("", "healed")])
def test_a_fault_at_a_proxy_that_somebody_else_removed_did_not_last(injector: Injector, how: str, ended: str):
    fault = Resolved(resolved("a").fault, Means.PROXY, AtAProxy("a", how))
    with injector:
        injector.inject(fault, experiment="x")
    assert [window.ended for window in injector.windows] == [ended]


def interrupt_with_one_on(injector: Injector) -> None:
    """One fault was healed before, another is on."""
    with injector:
        injector.heal(injector.inject(resolved("a"), experiment="x"))
        injector.inject(resolved("b"), experiment="x")
        signal.raise_signal(signal.SIGTERM)


def test_an_interrupt_tells_of_the_faults_that_it_healed_and_not_of_those_before(injector: Injector):
    with pytest.raises(Interrupted, match=r"^interrupted; 1 fault\(s\) healed$"):
        interrupt_with_one_on(injector)
