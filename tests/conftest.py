"""What every test may need: real parts, found or skipped with a sentence; a clock that does not wait."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from real_parts import docker_answers, find_httpbin, find_node_client, find_opossum, find_server

if TYPE_CHECKING:
    from misbehaving import Authority

ROOT = Path(__file__).parent.parent

# How long an example takes is the machine's, and no claim of any test.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# What a shell, or pytest-xdist, says of its terminal is no width of ours: lines are as wide as without one.
os.environ.pop("COLUMNS", None)

# Under `nohup`, or in a shell's background, these are ignored, and what tests start would inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def find_toxiproxy() -> str | None:
    """The original toxiproxy-server, where it is installed."""
    candidates = (os.environ.get("TOXIPROXY_SERVER"), shutil.which("toxiproxy-server"), Path.home() / "go/bin/server")
    return next((str(path) for path in candidates if path and Path(path).is_file()), None)


def find_yaml_server() -> str | None:
    """The YAML language server that editors use, where it is installed."""
    return os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("yaml-language-server")


PARTS: dict[str, tuple[Callable[[], object], str]] = {
    "needs_docker": (docker_answers, "no Docker engine answers (`docker info`)"),
    "needs_toxiproxy": (find_toxiproxy, "the original toxiproxy-server is not installed"),
    "needs_node": (find_yaml_server, "no yaml-language-server on the path (npm install -g yaml-language-server)"),
    "needs_node_client": (
        find_node_client,
        "TOXIPROXY_NODE_CLIENT names no node_modules with toxiproxy-node-client (npm install toxiproxy-node-client)",
    ),
    "needs_opossum": (
        find_opossum,
        "OPOSSUM_NODE_MODULES names no node_modules with opossum (npm install opossum)",
    ),
    "needs_nginx": (lambda: find_server("nginx"), "no nginx is installed (apt-get install nginx-light)"),
    "needs_haproxy": (lambda: find_server("haproxy"), "no haproxy is installed (apt-get install haproxy)"),
    "needs_prometheus": (
        lambda: find_server("prometheus"),
        "no prometheus is installed (apt-get install prometheus)",
    ),
    "needs_etcd": (lambda: find_server("etcd"), "no etcd is installed (apt-get install etcd-server)"),
    "needs_httpbin": (find_httpbin, "no Python here has httpbin (HTTPBIN_PYTHON names one that has)"),
    "needs_curl": (lambda: shutil.which("curl"), "no curl on the path (apt-get install curl)"),
    "needs_chromium": (lambda: shutil.which("chromium"), "no chromium on the path"),
}


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C means what it usually does, also where a shell started us in its background and had it ignored."""
    for marker, (_, sentence) in PARTS.items():
        config.addinivalue_line("markers", f"{marker}: must run in CI; skipped elsewhere when {sentence}")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):  # where these tests run is nothing to tell it about
        os.environ.pop(name, None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose real part is missing; in CI (SEATRIAL_ALL_PARTS) that is a failure."""
    for marker, (there, sentence) in PARTS.items():
        if item.get_closest_marker(marker) and not there():
            if os.environ.get("SEATRIAL_ALL_PARTS"):
                pytest.fail(f"must run here, but {sentence}", pytrace=False)
            pytest.skip(sentence)


class FakeClock:
    """A clock that moves only when told to, or when somebody sleeps."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.instant = start
        self.elapsed = 0.0

    def now(self) -> float:
        return self.instant

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        self.instant += seconds
        self.elapsed += seconds


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A command that a test calls in this process sets its own handlers, which end with it elsewhere."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def clock() -> FakeClock:
    """A fake clock at a fixed instant."""
    return FakeClock()


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root: its workspace is the demo bank's own sea trial."""
    return ROOT


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates for the servers and clients of the tests."""
    from misbehaving import Authority

    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def toxiproxy_binary() -> str | None:
    """The original toxiproxy-server; None when it is not installed."""
    return find_toxiproxy()


@pytest.fixture(scope="session")
def yaml_server() -> str | None:
    """The YAML language server; None when it is not installed."""
    return find_yaml_server()
