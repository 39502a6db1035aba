"""`seatrial chaos plan` and `recover`, called as the command line calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial import documents
from seatrial.chaos.faults.toxics import Toxic
from seatrial.chaos.healing.ledger import Entry, Ledger, open_entries
from seatrial.chaos.healing.recover import realm_lock
from seatrial.cli.chaos import run_plan, run_recover
from seatrial.errors import DocumentError, ExitCode, Unsupported

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
        "toxicity": 1.0,
    }
    assert set(undo) == set(Toxic.__slots__)
    ledger.open(Entry("a", "hang", "staging", "proxy", "latency", "cards->ledger", undo, 1.0))
    ledger.open(Entry("b", "hang", "staging", "proxy", "melt", "cards->ledger", {}, 1.0))
    assert run_recover() is ExitCode.COULD_NOT_RUN
    left, healed = capsys.readouterr().out.splitlines()
    assert left.startswith("LEFT: melt on cards->ledger (staging): a 'melt' by proxy in the ledger")
    assert healed == "healed: latency on cards->ledger (staging): toxic removed"
    assert proxy.ask("GET", "/toxics").json() == []


def test_recover_goes_on_past_a_damaged_ledger_and_says_where_it_is(our_server, echo, workspace, capsys):
    folder = workspace(our_server.proxy(echo))
    ledger = Ledger(folder / "reports" / "out" / "run-1" / "faults.jsonl")
    undo = {"api": our_server.api, "proxy": "none", "edge": "cards->ledger", "holder": None, "lease_s": 5.0}
    ledger.open(Entry("a", "hang", "staging", "proxy", "down", "cards->ledger", undo, 1.0))
    damaged = folder / "reports" / "out" / "run-2" / "faults.jsonl"
    damaged.parent.mkdir(parents=True)
    damaged.write_text('{"event":"open","id":"b","wing":"left"}\n')
    assert run_recover() is ExitCode.UNREADABLE
    said = capsys.readouterr()
    assert "over: down on cards->ledger (staging): nothing to do: proxy none is gone\n" in said.err
    assert f"{damaged}:1:1: an entry of another version" in said.err


def test_recover_says_that_nothing_is_left_where_a_lease_has_undone_it(our_server, echo, workspace, capsys):
    folder = workspace(our_server.proxy(echo))
    ledger = Ledger(folder / "reports" / "out" / "run" / "faults.jsonl")
    undo = {"api": our_server.api, "proxy": "none", "edge": "cards->ledger", "holder": "run", "lease_s": 5.0}
    ledger.open(Entry("a", "hang", "staging", "proxy", "down", "cards->ledger", undo, 1.0))
    for _ in range(2):
        assert run_recover() is ExitCode.MET
        assert capsys.readouterr().out == "nothing to do: no fault is left in this workspace\n"


def test_recover_undoes_what_is_left_in_other_realms_than_that_of_a_harness_that_lives(
    our_server, echo, workspace, capsys
):
    folder, entries = workspace(our_server.proxy(echo)), {}
    for realm in ("staging", "production"):
        undo = {"api": our_server.api, "proxy": "none", "edge": "cards->ledger", "holder": None, "lease_s": 5.0}
        entries[realm] = Ledger(folder / "reports" / "out" / realm / "faults.jsonl")
        entries[realm].open(Entry("a", "hang", realm, "proxy", "down", "cards->ledger", undo, 1.0))
    with realm_lock(folder, "staging"):
        assert run_recover() is ExitCode.COULD_NOT_RUN
    said = capsys.readouterr()
    assert "over: down on cards->ledger (production)" in said.err
    assert "error: chaos is going on in realm 'staging' (process" in said.err
    assert "nothing to do" not in said.out
    assert [len(open_entries(entries[realm].path)) for realm in ("staging", "production")] == [1, 0]


STARTABLE = """\
realms:
  demo:
    runtime: {kind: process}
    services:
      cards: {start: {command: ["false"], env: {LEDGER: "{{ via.ledger }}"}}}
      ledger: {start: {command: ["false"]}}
    allows: {chaos: true, load: {max_rate: 100/s}}
"""
PLAYED = {
    "scenarios/pay.yaml": "scenario: pay\nservice: cards\nsteps: [{name: pay, request: {url: /payments}}]\n",
    "scenarios/profiles/p.yaml": "profile: p\nmodel: closed\nscenarios: [pay]\nstages: [{ramp_to: 5}, {hold: 9s}]\n",
}


@pytest.fixture
def down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A workspace of a process realm of which nothing runs, with the given experiments by name: their first lines."""

    def build(**experiments: str) -> Path:
        files = PLAYED | {
            f"chaos/{name}.yaml": EXPERIMENT.format(name=name) + text for name, text in experiments.items()
        }
        for name, text in {"realms.yaml": STARTABLE, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return build


def test_of_a_realm_that_is_not_up_plan_tells_what_documents_do_and_what_it_did_not_look_for(down, capsys):
    down(hang="traffic: {profile: p}\n", gated="")
    assert run_plan(None, None) is ExitCode.MET
    assert capsys.readouterr().out.splitlines() == [
        "gated (realm demo; nothing was done)",
        "  0 s to 5 s: timeout on cards->ledger",
        "  it names no traffic, so only a gate can run it, under its load",
        "hang (realm demo; nothing was done)",
        "  0 s to 5 s: timeout on cards->ledger",
        "realm 'demo' is not up: documents were checked, and no target was looked for; to see them:",
        "  seatrial up --realm demo",
    ]


def test_plan_reads_no_document_again_for_another_experiment(down, monkeypatch):
    down(hang="traffic: {profile: p}\n", again="traffic: {profile: p}\n", gated="")
    read: list[str] = []
    reader = documents.read

    def noted(text: str, file: str):
        read.append(file)
        return reader(text, file)

    monkeypatch.setattr(documents, "read", noted)
    run_plan("hang", None)
    of_one = sorted(read)
    read.clear()
    run_plan(None, None)
    assert sorted(read) == of_one
    assert "scenarios/pay.yaml" in of_one


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("traffic: {profile: pp}\n", r"unknown profile 'pp'; did you mean 'p'"),
        (
            "traffic: {profile: p}\nexpect: {during: [{latency: ledger, p95_at_most: 1s}]}\n",
            "no journey of 'p' asks 'ledger', so 'ledger.p95 at most 1 s' would have no data; it asks cards",
        ),
    ],
)
def test_plan_refuses_what_a_run_would_whether_or_not_the_realm_is_up(text, told, down):
    here = down(hang=text)
    (here / "slo").mkdir()
    (here / "slo" / "ledger.yaml").write_text("service: ledger\n")
    with pytest.raises(DocumentError, match=told):
        run_plan(None, None)


def test_plan_of_a_realm_that_is_not_up_refuses_a_fault_that_nothing_there_can_do(down):
    here = down(hang="")
    file = here / "chaos" / "hang.yaml"
    file.write_text(
        file.read_text().replace("edge: cards->ledger, timeout: {timeout: 0}", "service: ledger, disconnect: {}")
    )
    with pytest.raises(Unsupported, match="process faults cannot do 'disconnect'; they can do kill"):
        run_plan(None, None)
