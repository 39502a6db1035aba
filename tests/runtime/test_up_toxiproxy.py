"""A process realm whose proxies stand on a Toxiproxy that is not ours to stop: ours by itself, and the original."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ports import free_port
from seatrial import http
from seatrial.errors import CannotRun
from seatrial.exchange import Response
from seatrial.runtime import process
from seatrial.runtime.read import read_realms
from seatrial.runtime.state import load_state, remove_state
from seatrial.runtime.up import down, up

pytestmark = pytest.mark.e2e

PATIENCE_S = 30.0
REALMS = """\
realms:
  local:
    runtime: {kind: process}
    toxiproxy: API
    services:
      other: http://127.0.0.1:1
      files:
        start: {command: ["{{ python }}", -m, http.server, "{{ port }}", --bind, 127.0.0.1], port: PORT}
        health: /
"""


def _proxies(api: str) -> dict[str, dict]:
    answer = http.get(f"{api}/proxies", timeout_s=PATIENCE_S)
    assert isinstance(answer, Response), answer
    return json.loads(answer.body)


@pytest.fixture(params=["ours", pytest.param("original", marks=pytest.mark.needs_toxiproxy)])
def toxiproxy(request, toxiproxy_binary):
    """A Toxiproxy server that somebody else started: its process, and the address of its API."""
    port = str(free_port())
    command = [sys.executable, "-m", "seatrial.chaos.proxy", "--port", port]
    if request.param == "original":
        command = [toxiproxy_binary, "-host", "127.0.0.1", "-port", port]
    quiet = {**os.environ, "LOG_LEVEL": "fatal"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet) as server:
        api = f"http://127.0.0.1:{port}"
        end = time.monotonic() + PATIENCE_S
        while not isinstance(http.get(f"{api}/version", timeout_s=1.0), Response):
            assert time.monotonic() < end
            time.sleep(0.02)
        yield server, api
        server.terminate()
        server.wait(PATIENCE_S)


@pytest.fixture
def workspace(tmp_path: Path, toxiproxy):
    """A realm of one service with a port of its own, and one that is somewhere else."""
    text = REALMS.replace("API", toxiproxy[1]).replace("PORT", str(free_port()))
    (tmp_path / "realms.yaml").write_text(text)
    yield tmp_path
    down(read_realms(tmp_path)["local"], tmp_path, say=lambda _: None)


def _up(workspace: Path):
    return up(read_realms(workspace)["local"], workspace, variables={}, say=lambda _: None).state


def _down(workspace: Path) -> list[str]:
    said: list[str] = []
    assert down(read_realms(workspace)["local"], workspace, say=said.append)
    return said


def _answers(state) -> bool:
    answer = http.get(f"{state.addresses()['files']}/realms.yaml", timeout_s=PATIENCE_S)
    return isinstance(answer, Response) and answer.status == 200


def test_down_deletes_the_realms_proxies_so_that_it_can_come_up_again(workspace: Path, toxiproxy) -> None:
    assert _answers(_up(workspace))
    assert set(_proxies(toxiproxy[1])) == {"client.to.files", "client.to.other"}
    assert _down(workspace) == ["stopping files"]
    assert _proxies(toxiproxy[1]) == {}
    assert _answers(_up(workspace))


def test_proxies_that_were_left_just_as_wanted_are_taken_over(workspace: Path, toxiproxy) -> None:
    first = _up(workspace)
    process.stop([first.services["files"].process])
    remove_state(workspace, "local")
    second = _up(workspace)
    assert second.edges == first.edges
    assert _answers(second)


@pytest.mark.parametrize(
    "change", [{"upstream": "127.0.0.1:2"}, {"enabled": False}], ids=["another upstream", "switched off"]
)
def test_a_proxy_of_another_kind_is_not_taken_over_and_nothing_else_is_left(
    workspace: Path, toxiproxy, change
) -> None:
    other = {"name": "client.to.files", "listen": "127.0.0.1:0", "enabled": True}
    other["upstream"] = f"127.0.0.1:{read_realms(workspace)['local'].places['files'].start.port}"
    assert http.post_json(f"{toxiproxy[1]}/proxies", {**other, **change}, timeout_s=PATIENCE_S).status == 201
    url = re.escape(f"{toxiproxy[1]}/proxies/client.to.files")
    with pytest.raises(CannotRun, match=f"{url}: there is a proxy of that name, but not one"):
        _up(workspace)
    assert set(_proxies(toxiproxy[1])) == {"client.to.files"}
    assert load_state(workspace, "local") is None


def test_a_toxiproxy_that_is_gone_has_nothing_left_to_delete(workspace: Path, toxiproxy) -> None:
    _up(workspace)
    toxiproxy[0].terminate()
    toxiproxy[0].wait(PATIENCE_S)
    assert _down(workspace) == ["stopping files"]
