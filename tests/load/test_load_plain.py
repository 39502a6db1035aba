"""Plain `locust -f scenarios/locustfile.py` plays the journeys; its own counts are what the server saw."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from seatrial.cli.init import run_init
from seatrial.errors import ExitCode

LOCUST = Path(sys.executable).with_name("locust")
JOURNEYS = {
    "look around": """\
scenario: look around
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}, capture: {first: {jsonpath: "$.items[0]"}}}
  - {name: see, request: {url: "/see/{{ first }}"}, expect: {status: 200}}
load: {weight: 3, think_time: 20ms}
""",
    "breaks": """\
scenario: it breaks
service: api
steps:
  - {name: down, request: {url: /broken}, expect: {status: 200}}
load: {think_time: 50ms}
""",
    "writes": """\
scenario: writes
service: api
steps:
  - {name: buy, mutates: true, request: {method: POST, url: /buy}, expect: {status: 201}}
""",
}

PAGES = """\
scenario: pages
service: api
rows: [{n: 0}, {n: 1}, {n: 2}, {n: 3}]
steps:
  - {name: own page, request: {url: "/pages/{{ row.n }}"}, expect: {status: 200}}
"""


@pytest.fixture
def workspace(tmp_path: Path, target) -> Path:
    """What `init` writes, with journeys and a realm of ours."""
    run_init(tmp_path)
    for journey in (tmp_path / "scenarios").glob("*.yaml"):
        journey.unlink()
    for name, text in JOURNEYS.items():
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(text)
    realm = f"{{services: {{api: '{target.url}'}}, allows: {{load: {{max_rate: 300/s}}}}}}"
    (tmp_path / "realms.yaml").write_text(f"realms:\n  here: {realm}\n  there: {realm}\n")
    return tmp_path


def run_locust(workspace: Path, *words: str) -> tuple[Counter[str], Counter[str], str]:
    """Requests and failures by method and name as Locust counted them, and its log."""
    command = [
        LOCUST,
        "-f",
        "scenarios/locustfile.py",
        "--headless",
        "-u",
        str(USERS),
        "-r",
        "4",
        "-s",
        "3",
        "--json",
    ]
    ran = subprocess.run(
        [*command, "--exit-code-on-error", "0", *words],
        cwd=workspace,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(
        ran.stdout[ran.stdout.rindex("\n[\n") if "\n[\n" in ran.stdout else 0 :]
    )  # workers tell nothing
    requests, failures = (
        Counter({f"{entry['method']} {entry['name']}": entry[key] for entry in told})
        for key in ("num_requests", "num_failures")
    )
    return requests, failures, ran.stderr


SEEN = {"GET look /look": "GET /look", "GET see /see/*": "GET /see/1", "GET down /broken": "GET /broken"}
USERS = 4


def test_plain_locust_counts_what_the_server_saw(workspace, target, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "here")
    requests, failures, log = run_locust(workspace, "-t", "2s")
    assert requests == {name: target.seen[line] for name, line in SEEN.items()}
    assert requests["GET look /look"] > requests["GET down /broken"] > 0
    assert +failures == {"GET down /broken": target.seen["GET /broken"]}
    assert re.search(r"GET down /broken: status *$", log, flags=re.MULTILINE), log  # the table of errors
    assert "'writes' is left out: " in log
    assert "POST /buy" not in target.seen


def test_plain_locust_on_two_processes_plays_them_too(workspace, target, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "here")
    requests, failures, _ = run_locust(workspace, "-t", "3s", "--processes", "2")
    unheard = [target.seen[line] - requests[name] for name, line in SEEN.items()]
    assert all(0 <= count <= USERS for count in unheard)  # Locust's own end waits half a second for the last reports
    assert set(requests) == set(SEEN)
    assert set(+failures) == {"GET down /broken"}


def test_what_reading_the_file_took_is_not_missing_from_the_run_time(workspace, target, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "here")
    file = workspace / "scenarios" / "locustfile.py"
    busy = "import time\nend = time.monotonic() + 2.5\nwhile time.monotonic() < end:\n    pass\n"  # as imports are
    file.write_text(file.read_text() + busy)
    _, _, log = run_locust(workspace, "-t", "2s", "ItBreaks")
    said = re.findall(r"^\[\S+ (\d+):(\d+):(\d+),(\d+)\].*(?:limit set|limit reached)", log, flags=re.MULTILINE)
    began, ended = (int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in said)
    assert (ended - began) % 86_400 > 1.9


def test_journeys_are_prepared_before_locust_starts_its_clock(workspace, monkeypatch):
    """A process of its own, for locust patches the one that imports it."""
    monkeypatch.setenv("SEATRIAL_REALM", "here")
    ran = subprocess.run([sys.executable, "-c", PREPARED], cwd=workspace, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


PREPARED = """
import locust
from pathlib import Path
from types import SimpleNamespace
from seatrial.scenarios.load import child_plain, child_play

made = child_plain.users(Path())
def late(*_):
    raise AssertionError("prepared while it plays")
child_play.prepare = late
options = SimpleNamespace(processes=None)
environment = locust.env.Environment(user_classes=list(made.values()), parsed_options=options)
environment.create_local_runner().worker_index = 0
for user in made.values():
    assert user(environment).wait_time() >= 0
    user(environment).tasks[0](user(environment))
"""


def test_rows_of_plain_locust_are_dealt_out_to_its_processes(workspace, target, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "here")
    (workspace / "scenarios" / "pages.yaml").write_text(PAGES)
    target.delay_s = 0.03
    run_locust(workspace, "-t", "4s", "--processes", "2", "Pages")
    assert target.most_at_once == {f"GET /pages/{number}": 1 for number in range(USERS)}


def test_journeys_can_be_chosen_by_the_name_of_their_class(workspace, target, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "there")
    requests, _, _ = run_locust(workspace, "-t", "2s", "ItBreaks")
    assert set(requests) == {"GET down /broken"}


def test_the_starters_locustfile_is_the_roots_own(root: Path):
    starter = root / "src" / "seatrial" / "starter" / "scenarios" / "locustfile.py"
    assert starter.read_text() == (root / "scenarios" / "locustfile.py").read_text()


def test_a_realm_nobody_has_ends_plain_locust_with_a_sentence(workspace, monkeypatch):
    monkeypatch.setenv("SEATRIAL_REALM", "hre")
    command = [LOCUST, "-f", "scenarios/locustfile.py", "--headless"]
    ran = subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == ExitCode.USAGE
    assert "did you mean 'here'?" in ran.stderr
    assert "Traceback" not in ran.stderr
