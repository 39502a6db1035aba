"""The proxy as a process: ready line, config file, signals, exit codes. Ours alone."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec

import httpx
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


@pytest.fixture
def starved(request):
    """The URL of a process that may have 40 descriptors; and what ends it and gives what it wrote to stderr."""
    command = [*COMMAND, "--loop", request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def end():
            process.terminate()
            return process.communicate(timeout=60)[1]

        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (40, 40))
        yield ready["api"], end
        process.kill()


@pytest.mark.parametrize(
    ("starved", "said"),
    [
        ("asyncio", "no more connections can be accepted for now: too many open files\n"),
        pytest.param(
            "uvloop", "", marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")
        ),
    ],
    indirect=["starved"],
)
def test_process_without_sockets_says_so_once_at_most_and_goes_on(starved, said, echo, wait_until):
    api, end = starved
    with httpx.Client(base_url=api, trust_env=False, timeout=20) as client:
        wanted = {"name": "x", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo}"}
        port = int(client.post("/proxies", json=wanted).json()["listen"].rpartition(":")[2])
        callers = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(60)]
        assert client.get("/counters").json()["x"]["connections_open"] < 60
        for caller in callers:
            caller.close()
        wait_until(lambda: is_answered(port))
    assert end() == said


def is_answered(port):
    """Claims that a new caller is; one that comes too early is refused while the others are still being closed."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall(b"x")
        return caller.recv(1) == b"x"
    return False


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file or directory"),
        ("\n", "it is empty; a list of proxies is needed"),
        ("{", "invalid JSON, Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('[{"name": "x"}]', "missing required field: upstream at proxy 1"),
        ('[{"name": "x", "upstream": "bogus"}]', "upstream: address bogus: missing port in address"),
        ("{}", "a list of proxies is needed, or an object that has one as proxies"),
        ('[{"name": "x", "upstream": "x:1", "toxics": [{"type": "no"}]}]', "invalid toxic type"),
    ],
)
def test_config_that_cannot_be_read_ends_with_3(tmp_path, content, said):
    config = tmp_path / "proxies.json"
    if content is not None:
        config.write_text(content)
    ended = run("--config", str(config))
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "", f"{config}: {said}\n")


def test_config_that_cannot_listen_ends_with_4(tmp_path, echo):
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "x", "listen": f"127.0.0.1:{echo}", "upstream": "127.0.0.1:1"}]))
    ended = run("--config", str(config))
    assert ended.returncode == 4
    assert "address already in use" in ended.stderr


def test_taken_port_of_the_api_ends_with_4(echo):
    ended = run("--port", str(echo))
    said = f"127.0.0.1:{echo}: address already in use; --port 0 takes a free one\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "", said)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("nowhere..invalid", "there is no host of that name here"),  # no name server is asked for either
        ("[fe80::1%nowhere]", "there is no host of that name here"),
        ("192.0.2.1", "cannot assign requested address"),
    ],
)
def test_host_that_is_not_here_ends_with_4(host, said):
    ended = run("--host", host.strip("[]"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "", f"{host}:0: {said}\n")


def test_empty_host_is_not_taken_for_every_interface():
    ended = run("--host", "", "--port", "0")
    said = "--host is empty; 127.0.0.1 is this machine alone, 0.0.0.0 every interface\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", said)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--port", "70000"], ["--port", "-1"], ["--port", "http"]])
def test_option_that_makes_no_sense_ends_with_2(arguments):
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize("dash", ["-", "--"])
def test_command_takes_what_toxiproxy_server_takes(echo, tmp_path, dash):
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "x", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo}"}]))
    given = ["host", "127.0.0.1", "port", "0", "config", str(config), "seed", "7"]
    options = [word if index % 2 else dash + word for index, word in enumerate(given)]
    flags = [f"{dash}proxy-metrics", f"{dash}runtime-metrics"]
    command = [sys.executable, "-m", "seatrial", "chaos", "proxy", *options, *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        shown = httpx.get(f"{ready['api']}/proxies", trust_env=False).json()
        process.terminate()
        out, errors = process.communicate(timeout=60)
    assert (ready["seed"], list(shown)) == ("7", ["x"])
    assert (process.returncode, out, errors) == (0, "", "")


def test_command_tells_a_taken_port_in_a_sentence(echo):
    command = [sys.executable, "-m", "seatrial", "chaos", "proxy", "-port", str(echo)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = f"127.0.0.1:{echo}: address already in use; --port 0 takes a free one\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "", said)


def test_command_tells_the_version_as_toxiproxy_server_does():
    command = [sys.executable, "-m", "seatrial", "chaos", "proxy", "-version"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.startswith("toxiproxy-server version 2.")


def test_start_imports_nothing_heavy():
    heavy = ["httpx", "starlette", "rich", "pydantic", "typer", "docker", "locust", "seatrial.errors"]
    code = f"import sys, seatrial.chaos.proxy.__main__; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "[]\n"
