"""The door to the Docker engine, with an engine on a socket that says what the test wants."""

from __future__ import annotations

import http.server
import inspect
import json
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests

from seatrial.errors import CannotRun, FaultFailed, Refused, SeatrialError, ToolMissing, Where
from seatrial.realm import Place, Realm, RuntimeKind
from seatrial.runtime.containers import Container, Share, Status
from seatrial.runtime.docker import Engine, find_container, local_engine

LABELS = {"com.example.bank": "demo", "seatrial.service": "ledger"}


@dataclass
class CannedEngine:
    """A Docker engine's answers by method and path; `asked` is what it was asked, `mute` holds every answer back."""

    url: str
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    mute: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """The canned answer; the API's version is no part of the path."""
        plain = path.partition("?")[0]
        short = "/" + plain.split("/", 2)[2] if plain.startswith("/v1.") else plain
        self.asked.append(f"{method} {path}")
        if self.mute.is_set() and short != "/version":
            self.over.wait(20)
        return self.answers.get(f"{method} {short}", (404, {"message": "No such container"}))


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def canned() -> Iterator[CannedEngine]:
    """An engine on a socket of its own; in a short folder, since a socket's path may have 107 bytes."""
    folder = tempfile.mkdtemp(prefix="seatrial")
    path = f"{folder}/engine.sock"
    engine = CannedEngine(f"unix://{path}", {"GET /version": (200, {"ApiVersion": "1.41"})})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = engine.answer(self.command, self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *args: object) -> None:
            """Nothing to say."""

    with UnixServer(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield engine
        engine.over.set()
        server.shutdown()
        thread.join()
    shutil.rmtree(folder)


def inspected(**fields: Any) -> dict[str, Any]:
    """What the engine says of a container."""
    return {
        "Id": "4f2a91c3d0be77",
        "Name": "/bank-ledger-1",
        "State": {"Status": "running", "StartedAt": "2026-01-02T03:04:05.6Z"},
        "Config": {"Labels": LABELS, "Tty": True},
        "HostConfig": {"AutoRemove": False, "PortBindings": {}, "PublishAllPorts": False},
    } | fields


def host(**fields: Any) -> dict[str, Any]:
    return {"HostConfig": fields}


def test_an_inspected_container_becomes_ours(canned: CannedEngine) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, inspected())
    assert Engine(canned.url).look("4f2a") == Container(
        "4f2a91c3d0be77", "bank-ledger-1", Status.RUNNING, "2026-01-02T03:04:05.6Z", LABELS
    )


@pytest.mark.parametrize(
    ("said", "removed_at_end", "loose_ports"),
    [
        (host(AutoRemove=True), True, ()),
        (host(PortBindings={"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}), False, ()),
        (host(PortBindings={"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}), False, ("8080/tcp",)),
        (host(PortBindings={"8080/tcp": [{"HostIp": "", "HostPort": "0"}]}), False, ("8080/tcp",)),
        (host(PortBindings=None), False, ()),
        (host(PublishAllPorts=True), False, ("all",)),
    ],
    ids=str,
)
def test_what_a_restart_would_lose_is_seen(
    canned: CannedEngine, said: dict[str, Any], removed_at_end: bool, loose_ports: tuple[str, ...]
) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, inspected(**said))
    found = Engine(canned.url).look("4f2a")
    assert found is not None
    assert (found.removed_at_end, found.loose_ports) == (removed_at_end, loose_ports)


@pytest.mark.parametrize(
    ("host_ip", "reached_at"),
    [
        ("127.0.0.1", "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("0.0.0.0", "127.0.0.1:8080"),
        ("::", "[::1]:8080"),
        ("::1", "[::1]:8080"),
    ],
)
def test_where_a_container_is_reached_by_a_port_it_publishes_is_known(
    canned: CannedEngine, host_ip: str, reached_at: str
) -> None:
    binding = {"8080/tcp": [{"HostIp": host_ip, "HostPort": "8080"}], "9090/tcp": [{"HostIp": "", "HostPort": ""}]}
    canned.answers["GET /containers/4f2a/json"] = (200, inspected(**host(PortBindings=binding)))
    found = Engine(canned.url).look("4f2a")
    assert found is not None
    assert found.published == (reached_at,)


@pytest.mark.parametrize("said", ["healthy", "starting", "unhealthy"])
def test_a_container_without_an_address_is_well_when_its_own_check_says_so(canned: CannedEngine, said: str) -> None:
    state = {"Status": "running", "StartedAt": "first", "Health": {"Status": said}}
    canned.answers["GET /containers/4f2a/json"] = (200, inspected(State=state))
    canned.answers["GET /containers/4f2a/logs"] = (200, "")
    if said == "healthy":
        Engine(canned.url).wait_healthy("4f2a", "", deadline_s=0.0)
        return
    with pytest.raises(FaultFailed, match=f"was not healthy within 0 s: its health check says {said}"):
        Engine(canned.url).wait_healthy("4f2a", "", deadline_s=0.0)


def test_a_container_without_labels_has_none(canned: CannedEngine) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, inspected(Config={"Labels": None}))
    found = Engine(canned.url).look("4f2a")
    assert found is not None
    assert found.labels == {}


def test_a_container_that_is_gone_is_none(canned: CannedEngine) -> None:
    assert Engine(canned.url).look("4f2a") is None


def test_a_service_is_looked_for_by_the_realms_labels_in_whatever_state(
    canned: CannedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    canned.answers["GET /containers/json"] = (200, [{"Id": "4f2a"}, {"Id": "gone-meanwhile"}])
    canned.answers["GET /containers/4f2a/json"] = (200, inspected())
    monkeypatch.setenv("DOCKER_HOST", canned.url)
    place = Place("ledger", url="http://127.0.0.1:1", where=Where("realms.yaml", 3, 5))
    realm = Realm("bank", RuntimeKind.DOCKER, {"ledger": place}, labels={"com.example.bank": "demo"})
    engine, found = find_container(realm, "ledger")
    assert (engine.url, found.name) == (canned.url, "bank-ledger-1")
    [listing] = [asked for asked in canned.asked if "/containers/json" in asked]
    assert "com.example.bank%3Ddemo" in listing
    assert "all=1" in listing


@pytest.mark.parametrize(
    ("act", "asked"),
    [
        (lambda engine: engine.disconnect("4f2a", "n1"), "POST /v1.41/networks/n1/disconnect"),
        (
            lambda engine: engine.connect("4f2a", "n1", aliases=("a",), addresses=("", "")),
            "POST /v1.41/networks/n1/connect",
        ),
        (lambda engine: engine.limit("4f2a", Share(nano=5)), "POST /v1.41/containers/4f2a/update"),
        (lambda engine: engine.restart("4f2a"), "POST /v1.41/containers/4f2a/restart?t=10"),
        (lambda engine: engine.send_signal("4f2a", "TERM"), "POST /v1.41/containers/4f2a/kill?signal=SIGTERM"),
        (lambda engine: engine.pause("4f2a"), "POST /v1.41/containers/4f2a/pause"),
        (lambda engine: engine.unpause("4f2a"), "POST /v1.41/containers/4f2a/unpause"),
        (lambda engine: engine.start("4f2a"), "POST /v1.41/containers/4f2a/start"),
    ],
    ids=["disconnect", "connect", "limit", "restart", "signal", "pause", "unpause", "start"],
)
def test_each_act_is_one_call_and_its_refusal_is_told_in_the_engines_words(
    canned: CannedEngine, act: Callable[[Engine], None], asked: str
) -> None:
    path = asked.removeprefix("POST /v1.41").partition("?")[0]
    canned.answers[f"POST {path}"] = (409, {"message": "it is not in the mood"})
    with pytest.raises(
        FaultFailed, match=r"the engine will not .* container 4f2a( (from|to) network n1)?: it is not in the mood"
    ):
        act(Engine(canned.url))
    assert canned.asked[-1] == asked


def test_an_engine_that_does_not_answer_in_time_is_an_error_of_ours(canned: CannedEngine) -> None:
    canned.mute.set()
    with pytest.raises(FaultFailed, match=r"the engine did not pause container 4f2a: .*timed out"):
        Engine(canned.url, timeout_s=1).pause("4f2a")


def test_a_socket_nobody_listens_on_is_a_missing_tool(canned: CannedEngine) -> None:
    path = Path(canned.url.removeprefix("unix://")).with_name("left.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(ToolMissing, match="Connection refused; start it"):
        Engine(f"unix://{path}").look("4f2a")


def test_something_that_is_no_engine_is_a_missing_tool(canned: CannedEngine) -> None:
    canned.answers["GET /version"] = (500, {"message": "I am no engine"})
    with pytest.raises(ToolMissing, match=r"no Docker engine answers at unix:///.*I am no engine"):
        Engine(canned.url).look("4f2a")


def test_no_engine_is_a_missing_tool_and_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as caught:
        Engine(f"unix://{tmp_path}/none.sock").look("4f2a")
    assert str(caught.value) == (
        f"no Docker engine answers at unix://{tmp_path}/none.sock: No such file or directory; start it "
        "(`docker info` shows whether it runs), or set DOCKER_HOST to its socket"
    )


@pytest.mark.parametrize(
    "url", ["tcp://10.0.0.7:2375", "tcp://127.0.0.1:2375", "ssh://ops@host", "https://host", "host:2375", "npipe://x"]
)
def test_an_engine_elsewhere_is_refused_and_quoted(url: str) -> None:
    with pytest.raises(Refused, match=r"^DOCKER_HOST: '.*' is no socket of this machine"):
        local_engine({"DOCKER_HOST": url})


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "unix:///var/run/docker.sock"),
        ({"DOCKER_HOST": ""}, "unix:///var/run/docker.sock"),
        ({"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}, "unix:///run/user/1000/docker.sock"),
    ],
    ids=str,
)
def test_the_engine_of_this_machine_is_the_default_or_a_socket(environ: dict[str, str], url: str) -> None:
    assert local_engine(environ).url == url


def foreign_errors() -> list[type[Exception]]:
    """Every exception the SDK and requests have."""
    sdk = {each for each in vars(docker.errors).values() if inspect.isclass(each) and issubclass(each, Exception)}
    beneath = {each for each in vars(requests.exceptions).values() if inspect.isclass(each)}
    ours = {each for each in beneath if issubclass(each, requests.exceptions.RequestException)}
    return sorted(sdk | ours, key=lambda each: (each.__module__, each.__name__))


def raised(kind: type[Exception]) -> Exception:
    """One of its kind, however it wants to be made."""
    error = kind.__new__(kind)
    Exception.__init__(error, "something foreign")
    error.__dict__.update(dict.fromkeys(("explanation", "msg", "name", "param", "response"), "something foreign"))
    return error


@pytest.mark.parametrize("kind", foreign_errors(), ids=lambda kind: kind.__qualname__)
def test_every_exception_of_the_sdk_leaves_as_one_of_ours(
    canned: CannedEngine, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def fail(*args: object) -> None:
        raise raised(kind)

    monkeypatch.setattr("docker.APIClient.pause", fail)
    with pytest.raises(SeatrialError) as caught:
        Engine(canned.url).pause("4f2a")
    assert isinstance(caught.value, CannotRun)


@pytest.mark.parametrize("answer", ["not an engine", [], {}, {"Id": "4f2a"}], ids=str)
def test_an_answer_that_is_no_containers_is_an_error_of_ours(canned: CannedEngine, answer: Any) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, answer)
    with pytest.raises(FaultFailed, match="the engine did not show container 4f2a"):
        Engine(canned.url).look("4f2a")


def test_a_container_that_never_answers_at_its_address_is_not_healthy_and_its_log_is_shown(
    canned: CannedEngine,
) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, inspected(State={"Status": "exited", "StartedAt": "x"}))
    canned.answers["GET /containers/4f2a/logs"] = (404, {"message": "No such container"})
    with pytest.raises(FaultFailed, match=r"not healthy within 0 s: it is exited; the end of its log:\n  \(no log\)"):
        Engine(canned.url).wait_healthy("4f2a", "http://127.0.0.1:9/healthz", deadline_s=0.0)


def test_a_running_container_whose_address_is_refused_is_not_healthy(canned: CannedEngine) -> None:
    canned.answers["GET /containers/4f2a/json"] = (200, inspected())
    canned.answers["GET /containers/4f2a/logs"] = (200, "out of memory")
    with pytest.raises(
        FaultFailed, match=r"(?s)not healthy within 0 s: http://127.0.0.1:9/healthz: .*\n  .*out of memory"
    ):
        Engine(canned.url).wait_healthy("4f2a", "http://127.0.0.1:9/healthz", deadline_s=0.0)
