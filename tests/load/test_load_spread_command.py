"""`seatrial load --master` and `--worker`: the journey of one checkout, played by workers of others."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ports import free_port
from seatrial import journal
from seatrial.errors import ExitCode
from seatrial.sample import Interval, Pacing

COMMAND = [sys.executable, "-c", "from seatrial.cli.main import main; main()", "load"]
SECRET = "s3cr3t-of-the-load"
JOURNEY = """\
scenario: shop
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}, capture: {first: {jsonpath: "$.items[0]"}}}
  - name: buy
    request: {method: POST, url: "/buy/{{ first }}", json: {token: "{{ secrets.token }}"}}
    expect: {status: 201}
"""


@pytest.fixture
def workspace(tmp_path: Path, target) -> Path:
    """A checkout; `other checkout` beside it is a second one."""
    here = tmp_path / "checkout"
    (here / "scenarios" / "profiles").mkdir(parents=True)
    (here / "realms.yaml").write_text(
        f"realms:\n  here:\n    services: {{api: '{target.url}'}}\n    secrets: {{token: {{env: TEST_TOKEN}}}}\n"
        "    allows: {load: {max_rate: 500/s}}\n"
    )
    (here / "scenarios" / "shop.yaml").write_text(JOURNEY)
    (here / "scenarios" / "profiles" / "p.yaml").write_text(
        "profile: p\nscenarios: [shop]\nstages: [{ramp_to: 60/s}, {hold: 2s}]\n"
    )
    shutil.copytree(here, tmp_path / "other checkout")
    return here


@pytest.fixture
def start(monkeypatch):
    """Starts commands; ends them after the test."""
    monkeypatch.setenv("TEST_TOKEN", SECRET)
    started: list[subprocess.Popen[str]] = []

    def run(folder: Path, *words: str, path: str = "") -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((path, os.environ.get("PYTHONPATH", "")))}
        process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=folder,
            env=environment if path else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def wrong_clocks(tmp_path: Path) -> str:
    """On the path of a Python, its clocks are hours and minutes off."""
    folder = tmp_path / "wrong clocks"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import time\nreal, steady = time.time, time.monotonic\n"
        "time.time, time.monotonic = lambda: real() + 7200, lambda: steady() - 300\n"
    )
    return str(folder)


def test_two_workers_attached_to_a_master_count_what_the_target_logged(workspace, start, target, wrong_clocks):
    port = str(free_port())
    master = start(workspace, "p", "--master", "--expect-workers", "2", "--port", port)
    other, at = workspace.parent / "other checkout", f"127.0.0.1:{port}"
    workers = [start(other, "--worker", at), start(other, "--worker", at, path=wrong_clocks)]
    told, progress = master.communicate(timeout=60)
    ended = [(*worker.communicate(timeout=20), worker.returncode) for worker in workers]
    assert master.returncode in (ExitCode.MET, ExitCode.UNDECIDED), progress  # a busy machine makes late starts
    (run,) = journal.list_runs(workspace)
    records = list(journal.read(run.journal))
    counted = {item.route: 0 for item in records if isinstance(item, Interval)}
    for item in records:
        if isinstance(item, Interval):
            counted[item.route] += item.ok
            assert item.failed == 0
    assert counted == {"/look": 120, "/buy/*": 120}
    assert target.seen == {"GET /look": 120, "POST /buy/1": 120}
    assert {(item.workers, len(item.lost)) for item in records if isinstance(item, Pacing)} == {(2, 0)}
    assert len({item.second for item in records}) <= 5  # of the master's clock, all of them
    assert "shop > look" in told
    assert f"waiting for 2 workers at 127.0.0.1:{port}" in progress
    assert [code for _, _, code in ended] == [0, 0], ended
    assert all("profile 'p' in realm 'here'" in words for _, words, _ in ended)
    whole = "".join((told, progress, (run.folder / "load.log").read_text(), *(words for _, words, _ in ended)))
    assert SECRET not in whole


def test_a_worker_that_comes_late_is_sent_away_and_the_load_goes_on(workspace, start, target):
    port = str(free_port())
    master = start(workspace, "p", "--master", "--port", port)
    workers = [start(workspace, "--worker", f"127.0.0.1:{port}") for _ in range(2)]
    _, progress = master.communicate(timeout=60)
    said = [worker.communicate(timeout=30)[1] for worker in workers]
    assert master.returncode in (ExitCode.MET, ExitCode.UNDECIDED), progress
    assert {worker.returncode for worker in workers} == {ExitCode.MET, ExitCode.COULD_NOT_RUN}, said
    assert any("the master says: the load has" in text for text in said)
    assert target.seen == {"GET /look": 120, "POST /buy/1": 120}


def test_a_worker_whose_master_died_ends_by_itself_and_says_why(workspace, start, target):
    port = str(free_port())
    master = start(workspace, "p", "--master", "--port", port)
    worker = start(workspace, "--worker", f"127.0.0.1:{port}")
    while not target.seen:
        assert master.poll() is None
        time.sleep(0.05)
    for process in psutil.Process(master.pid).children():
        process.kill()
    _, told = master.communicate(timeout=20)
    _, words = worker.communicate(timeout=20)
    assert (master.returncode, worker.returncode) == (ExitCode.COULD_NOT_RUN, ExitCode.COULD_NOT_RUN)
    assert "the load generator ended with status -9" in told
    assert "error: the master was silent for 5 s" in words


def test_a_worker_that_is_stopped_while_it_looks_for_its_master_ends_without_a_complaint(workspace, start):
    worker = start(workspace, "--worker", f"127.0.0.1:{free_port()}")
    assert "looking for the master" in (said := worker.stderr.readline()), said
    worker.send_signal(signal.SIGTERM)
    _, words = worker.communicate(timeout=20)
    assert worker.returncode == ExitCode.INTERRUPTED
    assert "ERROR" not in words, words


def test_a_worker_of_another_checkout_is_refused_with_the_file_that_differs(workspace, start, target):
    (workspace.parent / "other checkout" / "scenarios" / "shop.yaml").write_text(JOURNEY + "# changed\n")
    port = str(free_port())
    master = start(workspace, "p", "--master", "--port", port)
    worker = start(workspace.parent / "other checkout", "--worker", f"127.0.0.1:{port}")
    _, told = master.communicate(timeout=60)
    _, words = worker.communicate(timeout=20)
    assert (master.returncode, worker.returncode) == (ExitCode.COULD_NOT_RUN, ExitCode.COULD_NOT_RUN)
    assert "worker 1 of 1: " in told
    for text in (told, words):
        assert "scenarios/shop.yaml is not the same here and at the master; check out the same revision" in text
    assert not target.seen
