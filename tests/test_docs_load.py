"""docs/load.md is true: its profiles and journeys are read, its tables are complete, one profile is played."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import misbehaving
from seatrial import documents
from seatrial.cli.load import run_load
from seatrial.reports.load.metrics import Metrics
from seatrial.scenarios.load.profile import Model, Profile, to_profile
from seatrial.scenarios.load.shape import Kind, keys_of
from seatrial.scenarios.read import read_scenario
from seatrial.slo.breakpoint import Ended

LOGIN = """\
flow: login
inputs: {user: null}
steps: [{name: log in, request: {url: service://gateway/login}, capture: {token: {jsonpath: $.token}}}]
outputs: [token]
"""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "load.md").read_text()


def blocks(page: str, first: str) -> list[str]:
    return [block for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if block.startswith(first)]


def profiles(page: str) -> dict[str, Profile]:
    read = (to_profile(documents.loads(block, "load.md")) for block in blocks(page, "profile:"))
    return {profile.name: profile for profile in read}


def test_the_profiles_of_the_page_are_what_it_says(page):
    found = profiles(page)
    assert found["a busy hour"].scenarios == {"pay with a card": 1.0, "look around": 3.0}
    assert (found["the branch office"].model, found["the branch office"].peak) == (Model.CLOSED, 25.0)
    assert [stage.level for stage in found["how far"].probes] == [float(level) for level in range(50, 501, 50)]


def test_the_table_of_presets_has_every_kind_with_its_keys(page):
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", page, flags=re.MULTILINE))
    for kind in Kind:
        needed, allowed = keys_of(kind)
        assert set(re.findall(r"`(\w+)`", rows[kind.value])) == {*needed, *allowed}, kind


def test_the_journey_with_a_login_is_read(page, tmp_path):
    (journey,) = blocks(page, "scenario:")
    (tmp_path / "flows").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "flows" / "login.yaml").write_text(LOGIN)
    (tmp_path / "data" / "customers.csv").write_text("user\nada\nbob\n")
    (tmp_path / "pay.yaml").write_text(journey)
    scenario = read_scenario(tmp_path / "pay.yaml")
    assert (len(scenario.rows or ()), scenario.load.weight, scenario.load.think_time_s) == (2, 3.0, (1.0, 3.0))


def test_the_ways_a_search_can_end_are_all_named(page):
    (named,) = re.findall(r"`ended`: (.*?), `text`", page.replace("\n", " "))
    assert set(re.split(r", | or ", named)) == {ended.value for ended in Ended}


def test_the_metrics_are_all_named(page):
    found = set(re.findall(r"# TYPE seatrial_load_(\w+) ", Metrics().text()))
    found |= {"in_flight_plays", "late_seconds", "generator_cpu_ratio"}
    assert [name for name in found if f"_{name}`" not in page] == []


def test_a_profile_of_the_page_is_played(page, tmp_path, monkeypatch, capsys):
    (soak,) = [block for block in blocks(page, "profile:") if "branch office" in block]
    quick = soak.replace("25, over: 10s", "2, over: 0s").replace("hold: 2m", "hold: 1s")
    assert quick.count("2, over: 0s") == quick.count("hold: 1s") == 1
    with misbehaving.Server(misbehaving.says(misbehaving.OK)) as server:
        (tmp_path / "scenarios" / "profiles").mkdir(parents=True)
        (tmp_path / "scenarios" / "profiles" / "p.yaml").write_text(quick)
        (tmp_path / "scenarios" / "pay.yaml").write_text(
            "scenario: pay with a card\nservice: api\nsteps: [{name: pay, request: {url: /}}]\n"
        )
        (tmp_path / "realms.yaml").write_text(
            f"realms:\n  here:\n    services: {{api: '{server.url}'}}\n    allows: {{load: {{max_rate: 50/s}}}}\n"
        )
        monkeypatch.chdir(tmp_path)
        run_load("the branch office", "here", json_file=str(tmp_path / "out.json"))
    (step,) = json.loads((tmp_path / "out.json").read_bytes())["steps"]
    assert (step["step"], step["failed"]) == ("pay", 0)
    assert step["requests"] > 5
    assert "pay with a card > pay" in capsys.readouterr().out
