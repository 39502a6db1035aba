"""Locust's page beside a load: it shows our counts and changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ports import free_port
from seatrial.cli.load_spread import SpreadOptions, web_port_of
from seatrial.errors import LoadFailed, UsageError
from seatrial.sample import Interval, Phase
from seatrial.scenarios.load.order import LoadOrder, Then
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import start_load
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.spread import here

JOURNEY = """\
scenario: shop
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: down, request: {url: /broken}, expect: {status: 200}}
"""


@pytest.fixture
def order(tmp_path: Path, target) -> LoadOrder:
    """Twenty plays a second until it is told to stop, with a page."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "shop.yaml").write_text(JOURNEY)
    profile = Profile("p", Model.OPEN, {"shop": None}, (Stage(Phase.HOLD, 20.0, 1.0),))
    known = {"run": "r", "workspace": tmp_path, "profile": profile, "realm": "test"}
    return LoadOrder(**known, addresses={"api": target.url}, then=Then.HOLD, web_port=free_port())


def ask(port: int, path: str, *, method: str = "GET", host: str = "") -> tuple[int, str, dict[str, str]]:
    headers = {"Host": host} if host else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(), dict(refused.headers)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_page_shows_what_was_counted_and_starts_and_stops_nothing(order, target, processes):
    counted, shown, refused = 0, {}, []
    with start_load(order, log=order.workspace / "load.log", spread=here(processes)) as load:
        for number, second in enumerate(load.seconds()):
            counted += sum(item.ok + item.failed for item in second if isinstance(item, Interval))
            if number == 1:
                status, page, headers = ask(order.web_port, "/stats/requests")
                shown = {entry["name"]: entry for entry in json.loads(page)["stats"]} if status == 200 else {}
                assert shown["Aggregated"]["num_requests"] >= counted
                assert json.loads(page)["state"] == "running"
                assert json.loads(page)["errors"][0]["error"] == "status"
                assert "Access-Control-Allow-Origin" not in headers
                whole = ask(order.web_port, "/")[1]
                assert f'"host": "{order.addresses["api"]}"' in whole
                assert "Locust" in whole
                refused = [ask(order.web_port, "/stop")[:2]]
                refused += [
                    ask(order.web_port, path, method="POST")[:2] for path in ("/swarm", "/stop", "/stats/reset")
                ]
                refused.append(ask(order.web_port, "/", host="evil.example.com")[:2])
            if number == 2:
                load.stop()
        assert load.wait() == 0
    assert [status for status, _ in refused] == [403] * 5
    assert all("this page only shows" in said for _, said in refused)
    assert shown["look /look"]["num_failures"] == 0 < shown["look /look"]["num_requests"]
    assert shown["down /broken"]["num_failures"] == shown["down /broken"]["num_requests"] > 0
    assert 0 < shown["look /look"]["avg_response_time"] < 5000
    assert counted == sum(target.seen.values())


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_the_page_has_no_button_that_would_be_refused(order, tmp_path):
    shown = ""
    with start_load(order, log=order.workspace / "load.log", spread=here(1)) as load:
        for number, _ in enumerate(load.seconds()):
            if number == 1:
                shown = shown_in_a_browser(f"http://127.0.0.1:{order.web_port}/", tmp_path)
                load.stop()
        assert load.wait() == 0
    buttons = re.findall(r"<button([^>]*)>([^<]*)", shown)
    dead = {text: "display: none" in words for words, text in buttons if text in ("New", "Edit", "Stop", "Reset")}
    assert dead == {"Edit": True, "Stop": True, "Reset": True}, shown
    assert any("display: none" not in words for words, _ in buttons)


def shown_in_a_browser(address: str, folder: Path) -> str:
    """The page as it stands once its scripts have run."""
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", "--virtual-time-budget=3000"]
    ran = subprocess.run(
        [str(shutil.which("chromium")), *words, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ran.stdout


def test_a_port_that_is_taken_is_told(order):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", order.web_port))
        taken.listen()
        with (
            start_load(order, log=order.workspace / "load.log") as load,
            pytest.raises(
                LoadFailed, match=rf"127\.0\.0\.1:{order.web_port}: .*in use; choose another with --web-port"
            ),
        ):
            list(load.seconds())


def test_the_page_is_there_only_when_asked_for():
    assert web_port_of(SpreadOptions()) is None
    assert web_port_of(SpreadOptions(web=True)) == 8089
    assert web_port_of(SpreadOptions(web=True, web_port=9000)) == 9000
    with pytest.raises(UsageError, match="--web-port belongs to --web"):
        web_port_of(SpreadOptions(web_port=9000))
