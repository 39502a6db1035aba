"""`seatrial chaos plan` and `recover`, called as the command line calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.chaos.faults.toxics import Toxic
from seatrial.chaos.ledger import Entry, Ledger
from seatrial.cli.chaos import run_plan, run_recover
from seatrial.errors import ExitCode

EXPERIMENT = (
    "experiment: {name}\nmethod:\n  - {{at: 0s, inject: {{edge: cards->ledger, timeout: {{timeout: 0}}, for: 5s}}}}\n"
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A workspace of one external realm whose edge goes through a given proxy, with two experiments."""

    def build(proxy) -> Path:
        edge = f'{{toxiproxy: "{proxy.server.api}", proxy: {proxy.name}}}'
        (tmp_path / "realms.yaml").write_text(
            "realms:\n  staging:\n    services: {cards: http://127.0.0.1:1, ledger: http://127.0.0.1:1}\n"
            f"    allows: {{chaos: true}}\n    edges: {{cards->ledger: {edge}}}\n"
        )
        (tmp_path / "chaos").mkdir()
        for name in ("hang", "hang again"):
            (tmp_path / "chaos" / f"{name}.yaml").write_text(EXPERIMENT.format(name=name))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return build


def test_plan_lists_every_experiment_with_its_targets(our_server, echo, workspace, capsys):
    workspace(our_server.proxy(echo))
    assert run_plan(None, None) is ExitCode.MET
    shown = capsys.readouterr().out
    assert "hang (realm staging; nothing was done)\n  0 s to 5 s: timeout on cards->ledger: toxic timeout" in shown
    assert "hang again (realm staging" in shown


def test_plan_lists_one_experiment(our_server, echo, workspace, capsys):
    workspace(our_server.proxy(echo))
    assert run_plan("hang", "staging") is ExitCode.MET
    assert "hang again" not in capsys.readouterr().out


def test_recover_with_nothing_left_says_so(our_server, echo, workspace, capsys):
    workspace(our_server.proxy(echo))
    assert run_recover() is ExitCode.MET
    assert capsys.readouterr().out == "nothing to do: no fault is left in this workspace\n"


def test_recover_says_what_it_did_and_fails_when_something_is_left(our_server, echo, workspace, capsys):
    proxy = our_server.proxy(echo)
    ledger = Ledger(workspace(proxy) / "reports" / "out" / "run" / "faults.jsonl")
    name = proxy.add("latency", latency=1)
    undo = {
        "api": our_server.api,
        "proxy": proxy.name,
        "edge": "cards->ledger",
        "toxic": name,
        "type": "latency",
        "stream": "downstream",
        "attributes": {"latency": 1},
        "holder": None,
        "lease_s": 5.0,
    }
    assert set(undo) == set(Toxic.__slots__)
    ledger.open(Entry("a", "hang", "staging", "proxy", "latency", "cards->ledger", undo, 1.0))
    ledger.open(Entry("b", "hang", "staging", "proxy", "melt", "cards->ledger", {}, 1.0))
    assert run_recover() is ExitCode.COULD_NOT_RUN
    left, healed = capsys.readouterr().out.splitlines()
    assert left.startswith("LEFT: melt on cards->ledger (staging): a 'melt' by proxy in the ledger")
    assert healed == "healed: latency on cards->ledger (staging): toxic removed"
    assert proxy.ask("GET", "/toxics").json() == []
