"""The proxy as a process: ready line, config file, signals, exit codes. Ours alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "seatrial.chaos.proxy"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly_with_connections_open(echo, wait_until, number):
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["pid"] == process.pid
        assert ready["api"].startswith("http://127.0.0.1:")
        os.kill(process.pid, number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "", "")


def test_signal_closes_callers_in_order(start_ours, echo, dial, how_it_ended):
    server = start_ours()
    caller = dial(server.proxy(echo))
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"
    os.kill(server.pid, signal.SIGTERM)
    assert how_it_ended(caller) == "end"


def test_config_makes_proxies_with_their_toxics(start_ours, echo, tmp_path):
    config = tmp_path / "proxies.json"
    toxics = [{"type": "latency", "attributes": {"latency": 5}}]
    config.write_text(json.dumps([{"name": "x", "upstream": f"127.0.0.1:{echo}", "toxics": toxics}]))
    shown = start_ours("--config", str(config)).ask("GET", "/proxies/x").json()
    assert shown["toxics"][0]["attributes"] == {"latency": 5, "jitter": 0}


@pytest.mark.parametrize("content", [None, "{", '[{"name": "x"}]'])
def test_config_that_cannot_be_read_ends_with_3(tmp_path, content):
    config = tmp_path / "proxies.json"
    if content is not None:
        config.write_text(content)
    ended = run("--config", str(config))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert str(config) in ended.stderr


def test_config_that_cannot_listen_ends_with_4(tmp_path, echo):
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "x", "listen": f"127.0.0.1:{echo}", "upstream": "127.0.0.1:1"}]))
    ended = run("--config", str(config))
    assert ended.returncode == 4
    assert "address already in use" in ended.stderr


def test_taken_port_of_the_api_ends_with_4(echo):
    ended = run("--port", str(echo))
    assert (ended.returncode, ended.stdout) == (4, "")
    assert f"127.0.0.1:{echo}" in ended.stderr


def test_unknown_option_ends_with_2():
    assert run("--nonsense").returncode == 2


def test_start_imports_nothing_heavy():
    heavy = ["httpx", "starlette", "rich", "pydantic", "typer", "docker", "locust", "seatrial.errors"]
    code = f"import sys, seatrial.chaos.proxy.__main__; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "[]\n"
