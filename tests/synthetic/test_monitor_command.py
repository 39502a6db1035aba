"""`seatrial watch` on a real workspace: one round, a bound, and what the signals do."""

import os
import signal
import subprocess
import sys

import pytest

from seatrial.cli.watch import run_watch
from seatrial.errors import CannotRun, DocumentError, ExitCode, Refused, UsageError
from seatrial.store.results import DEFAULT_PATH, ResultOutcome, Store

FILES = {
    "realms.yaml": "realms:\n  test:\n    services: {bank: 'http://127.0.0.1:PORT'}\n",
    "scenarios/look.yaml": (
        "scenario: look around\nservice: bank\nsteps:\n"
        "  - name: say hello\n    request: {url: /hello}\n    expect: {status: 200}\n"
    ),
    "slo/bank.yaml": "service: bank\nowner: team\nrunbook: https://runbooks.example/bank\n",
    "synthetic/bank.yaml": (
        "monitor: bank\nscenarios: [look around]\nevery: 1s\nconfirm: {retries: 0}\n"
        "alerts:\n  down: {after: 1, severity: page}\n  routes: {page: [ops]}\n"
    ),
    "synthetic/ops.yaml": "channel: ops\nkind: webhook\nurl: HOOK\nsecret: {env: OPS_KEY}\n",
}


@pytest.fixture
def workspace(tmp_path, monkeypatch, bank, receiver):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("PORT", str(bank.server_port)).replace("HOOK", receiver.url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPS_KEY", "s3cret-key")
    return tmp_path


def run_once(**options):
    return run_watch(None, **({"once": True, "bound": None, "database": None} | options))


def outcomes(path):
    store = Store(path)
    found = [result.outcome for result in store.results("test", monitor="bank")]
    store.close()
    return found


def test_once_plays_keeps_and_tells(workspace, capsys):
    assert run_once() is ExitCode.MET
    assert outcomes(workspace / DEFAULT_PATH) == [ResultOutcome.GOOD]
    (line,) = capsys.readouterr().out.splitlines()
    assert "good    bank > look around" in line


def test_a_failing_bank_posts_a_signed_letter_with_its_runbook(workspace, bank, receiver):
    bank.answers["/hello"] = 503
    assert run_once() is ExitCode.MET
    (letter,) = receiver.letters()
    assert (letter["state"], letter["service"], letter["step"]) == ("firing", "bank", "say hello")
    assert letter["runbook"] == "https://runbooks.example/bank"
    assert "503" in letter["detail"]
    assert receiver.got[0][0]["Seatrial-Signature"].startswith("sha256=")


def test_a_bound_ends_the_watch_with_0(workspace):
    assert run_once(once=False, bound="2s", database=workspace / "other.db") is ExitCode.MET
    assert set(outcomes(workspace / "other.db")) <= {ResultOutcome.GOOD, ResultOutcome.SKIPPED}
    assert not (workspace / DEFAULT_PATH).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_and_exits_130(workspace, bank, number):
    command = [sys.executable, "-c", "from seatrial.cli.main import main; main()", "watch"]
    watching = subprocess.Popen(
        command, cwd=workspace, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert bank.was_asked.wait(60.0)
        watching.send_signal(number)
        out, err = watching.communicate(timeout=60.0)
    finally:
        watching.kill()
        watching.communicate()
    assert (watching.returncode, "stopping" in err) == (130, True), err
    assert "good    bank > look around" in out
    assert ResultOutcome.GOOD in outcomes(workspace / DEFAULT_PATH)


def test_a_secret_that_is_not_set_stops_before_anything_is_played(workspace, bank, monkeypatch):
    monkeypatch.delenv("OPS_KEY")
    with pytest.raises(
        CannotRun, match=r"synthetic/ops\.yaml:1:10: channel 'ops' needs the environment variable OPS_KEY"
    ):
        run_once()
    assert bank.asked == []


def test_a_channel_no_monitor_routes_to_needs_no_secret(workspace, monkeypatch):
    monkeypatch.delenv("OPS_KEY")
    (workspace / "synthetic/bank.yaml").write_text("monitor: bank\nscenarios: [look around]\nevery: 1s\n")
    assert run_once() is ExitCode.MET


def test_a_realm_without_monitors_is_a_usage_error(workspace):
    (workspace / "synthetic/bank.yaml").write_text("monitor: b\nscenarios: [look around]\nevery: 1s\nrealm: prod\n")
    with pytest.raises(UsageError, match="no monitor for realm 'test'"):
        run_once()


def test_a_journey_that_writes_is_refused_where_the_realm_does_not_allow_it(workspace, bank):
    journey = workspace / "scenarios/look.yaml"
    journey.write_text(journey.read_text().replace("- name: say hello", "- name: say hello\n    mutates: true"))
    with pytest.raises(Refused, match="mutations"):
        run_once()
    assert bank.asked == []


def test_a_broken_monitor_is_told_with_its_place(workspace):
    (workspace / "synthetic/bank.yaml").write_text("monitor: bank\nscenarios: [look arond]\nevery: 1s\n")
    with pytest.raises(DocumentError, match=r"synthetic/bank\.yaml:2:13: no scenario 'look arond'"):
        run_once()


def test_a_bound_that_is_no_duration_is_a_usage_error(workspace):
    with pytest.raises(UsageError, match="--for: '30' is not a duration"):
        run_once(once=False, bound="30")
