"""A real container on a real Docker engine, killed and paused under load; what its caller's breaker does about it.

The ledger of the demo bank runs in a container, cards and feed as processes, the embedded proxy before cards and
before the ledger. There is no registry: the image is empty, and the host's own Python is bound into the container.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import seatrial
from seatrial import http
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.inject import Injector, recover
from seatrial.chaos.ledger import Ledger
from seatrial.chaos.model import ExperimentRecord
from seatrial.chaos.observe import EdgeWatch
from seatrial.chaos.plan import PhaseObjective, check, plan_experiment, resolver
from seatrial.chaos.read import read_experiments
from seatrial.chaos.verify import apart, judge_experiment
from seatrial.clock import SystemClock
from seatrial.demo import breaker
from seatrial.exchange import Request, Response
from seatrial.runtime import process, proxies
from seatrial.runtime.docker import find_container
from seatrial.runtime.read import read_realms
from seatrial.runtime.state import ProcessId
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Dependency, Edge, Mechanisms, Service
from seatrial.verdict import Finding, Grade

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]

PATIENCE_S = 30.0
CALLERS = 4
PAUSE_S = 0.1
FRONT, INNER = Edge("client", "cards"), Edge("cards", "ledger")
CARDS = Service(
    "cards",
    depends_on=(Dependency("ledger"),),
    mechanisms={
        "ledger": Mechanisms(
            timeout_s=0.25,
            breaker=BreakerPromise(
                min_calls=breaker.LEAST_CALLS,
                failures_ratio=breaker.FAILED_RATIO,
                window_s=breaker.WINDOW_S,
                open_for_s=breaker.OPEN_S,
            ),
        )
    },
)
REALMS = """\
realms:
  containers:
    runtime: {{kind: docker, labels: {{com.example.bank: "{bank}"}}}}
    services: {{cards: "http://{cards}", ledger: "http://127.0.0.1:{ledger_port}"}}
    allows: {{chaos: true}}
"""
EXPERIMENT = """\
experiment: the ledger's container
steady_state: {{baseline: 3s}}
method:
  - {{at: 0s, inject: {{service: ledger, {fault}, for: 6s}}}}
expect:
  during:
    - {{breaker: cards->ledger, opens_within: 5s, calls_while_open: 0}}
  after: {{breaker: {{closes_within: 5s}}}}
"""
FAULTS = [pytest.param("kill: {signal: KILL}", id="kill"), pytest.param("stop: {}", id="pause")]
HARNESS = """\
import sys, time
from pathlib import Path
from seatrial.chaos.inject import Injector
from seatrial.chaos.ledger import Ledger
from seatrial.chaos.plan import resolver
from seatrial.chaos.read import read_experiments
from seatrial.clock import SystemClock
from seatrial.runtime.read import read_realms

workspace = Path(sys.argv[1])
realm = read_realms(workspace)["containers"]
[experiment] = read_experiments(workspace / "chaos").values()
ledger = Ledger(workspace / "reports/out/run/faults.jsonl")
with Injector(ledger, realm.name, clock=SystemClock(), say=lambda text: None) as injector:
    resolved = resolver(workspace, realm, holder="harness")(experiment.method[0].fault)
    injector.inject(resolved, experiment=experiment.name)
    print("on", flush=True)
    time.sleep(600)
"""


def docker(*arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def state_of(container: str) -> dict[str, object]:
    return json.loads(docker("inspect", "--format", "{{json .State}}", container))


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """An image with nothing but the folders the host's are bound to."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in ("usr", "lib", "lib64", "bin", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    made = docker("import", "-", given=packed.getvalue())
    yield made
    docker("rmi", made)


def host_folders() -> list[str]:
    """What Python and seatrial need of the host, each folder once."""
    system = [folder for folder in ("/usr", "/lib", "/lib64", "/bin") if Path(folder).is_dir()]
    own = {sys.prefix, sys.base_prefix, str(Path(seatrial.__file__).parents[1])}
    return system + sorted(folder for folder in own if not f"{folder}/".startswith("/usr/"))


@dataclass(frozen=True)
class Contained:
    """The ledger in a container of its own, and the workspace that knows it."""

    workspace: Path
    container: str
    bank: str
    port: int

    def state(self) -> dict[str, object]:
        return state_of(self.container)

    def write(self, cards: str, fault: str) -> None:
        """The workspace's files, with that address of cards."""
        realms = REALMS.format(bank=self.bank, cards=cards, ledger_port=self.port)
        (self.workspace / "realms.yaml").write_text(realms)
        (self.workspace / "chaos").mkdir()
        (self.workspace / "chaos/ledger.yaml").write_text(EXPERIMENT.format(fault=fault))


@pytest.fixture
def contained(image: str, tmp_path: Path) -> Iterator[Contained]:
    """The ledger, healthy, in a container that allows faults; removed afterwards, whatever became of it."""
    bank, port = secrets.token_hex(4), free_port()
    binds = [f"--volume={folder}:{folder}:ro" for folder in host_folders()]
    labels = [f"com.example.bank={bank}", "seatrial.service=ledger", "seatrial.chaos=allowed"]
    environment = ["HOST=0.0.0.0", "PORT=8080", f"PYTHONPATH={Path(seatrial.__file__).parents[1]}"]
    container = docker(
        *("run", "--detach", f"--publish=127.0.0.1:{port}:8080", *binds),
        *(f"--label={label}" for label in labels),
        *(f"--env={setting}" for setting in environment),
        *(image, sys.executable, "-m", "seatrial.demo", "ledger"),
    )
    try:
        wait_healthy(f"http://127.0.0.1:{port}", lambda: docker("logs", container))
        yield Contained(tmp_path, container, bank, port)
    finally:
        docker("rm", "--force", "--volumes", container)


@dataclass(frozen=True)
class Bank:
    """The bank around the contained ledger: the proxy's API, and where each edge listens."""

    ledger: Contained
    api: str
    front: str


@pytest.fixture
def bank(contained: Contained, tmp_path: Path) -> Iterator[Bank]:
    """Cards and feed as processes, the embedded proxy before cards and before the contained ledger."""
    running: list[ProcessId] = []
    try:
        proxy = proxies.start_proxy(tmp_path / "proxy.log")
        running.append(proxy.process)
        cards, feed = free_port(), free_port()
        upstreams = {FRONT: f"127.0.0.1:{cards}", INNER: f"127.0.0.1:{contained.port}"}
        edges = proxies.put_before(proxy.api, upstreams, listens={})
        urls = {"LEDGER_URL": f"http://{edges[str(INNER)].listen}", "FEED_URL": f"http://127.0.0.1:{feed}"}
        for service, port in (("feed", feed), ("cards", cards)):
            log = tmp_path / f"{service}.log"
            command = [sys.executable, "-m", "seatrial.demo", service]
            running.append(process.spawn(command, env={"PORT": str(port), **urls}, cwd=tmp_path, log=log))
            wait_healthy(f"http://127.0.0.1:{port}", log.read_text)
        yield Bank(contained, proxy.api, edges[str(FRONT)].listen)
    finally:
        process.stop(running)


def wait_healthy(address: str, log: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not isinstance(http.get(f"{address}/healthz", timeout_s=2), Response):
        assert time.monotonic() < deadline_s, log()
        time.sleep(0.05)


@contextlib.contextmanager
def traffic(front: str) -> Iterator[None]:
    """Customers who open accounts, one after the other, each request a trace of its own."""
    over, numbers = threading.Event(), itertools.count()

    def open_accounts() -> None:
        with http.open_client() as client:
            while not over.wait(PAUSE_S):
                client.send(new_account(front, next(numbers)))

    threads = [threading.Thread(target=open_accounts) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def new_account(front: str, number: int) -> Request:
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    body = json.dumps({"owner": "Ada", "customer_id": f"c-{number}"}).encode()
    headers = (("traceparent", trace), ("Content-Type", "application/json"))
    return Request("PUT", f"http://{front}/accounts/a-{number}", headers, body, 5.0)


def play(bank: Bank) -> tuple[ExperimentRecord, tuple[Finding, ...]]:
    """Play the workspace's experiment by `run_experiment`, under load; what it showed."""
    workspace, clock = bank.ledger.workspace, SystemClock()
    realm = read_realms(workspace)["containers"]
    [experiment] = read_experiments(workspace / "chaos").values()
    checked = check(experiment, realm=realm, services={"cards": CARDS})
    resolve = resolver(workspace, realm, holder="test")
    [injection] = plan_experiment(checked, realm=realm, resolve=resolve).injections
    assert injection.resolved.injectable.service == "ledger"
    watch = EdgeWatch(
        bank.api, "test", edges={"client.to.cards": str(FRONT), "cards.to.ledger": str(INNER)}, clock=clock
    )
    watch.start()
    calls: list[EdgeCall] = []
    ledger = Ledger(workspace / "reports/out/run/faults.jsonl")
    with (
        traffic(bank.front),
        Injector(ledger, realm.name, clock=clock, say=lambda text: None) as injector,
    ):
        around = Surroundings(
            injector=injector,
            resolve=resolve,
            observe=lambda: calls.extend(watch.poll()),
            judge=_no_objective,
            mark=lambda phase, name: None,
            clock=clock,
            say=lambda text: None,
        )
        record = run_experiment(checked, around)
    (seen,) = apart((checked,), calls=calls, windows=record.windows, lost=watch.losses())
    return record, judge_experiment(seen, judge=_no_objective, aborted=record.aborted)


def _no_objective(item: PhaseObjective) -> Finding:
    pytest.fail(f"there is no objective, and {item} was asked for")


@pytest.mark.parametrize("fault", FAULTS)
def test_the_breaker_before_a_container_that_is_gone_opens_keeps_shut_and_closes_again(
    bank: Bank, fault: str
) -> None:
    bank.ledger.write(bank.front, fault)
    before = bank.ledger.state()
    record, findings = play(bank)
    assert not record.aborted
    assert [(finding.objective, finding.grade) for finding in findings] == [
        ("breaker cards->ledger opens within 5 s", Grade.MET),
        ("breaker cards->ledger at most 0 calls while open", Grade.MET),
        ("breaker cards->ledger closes within 5 s", Grade.MET),
    ], [finding.reason for finding in findings]
    [window] = record.windows
    assert (window.target, window.ended) == ("ledger", "healed")
    after = bank.ledger.state()
    assert (after["Running"], after["Paused"]) == (True, False)
    was_started_again = after["StartedAt"] != before["StartedAt"]
    assert was_started_again is fault.startswith("kill")


@pytest.mark.parametrize("fault", FAULTS)
def test_recover_undoes_what_a_killed_harness_left_and_then_finds_nothing(contained: Contained, fault: str) -> None:
    contained.write("127.0.0.1:9", fault)
    environment = os.environ | {"PYTHONPATH": str(Path(seatrial.__file__).parents[1])}
    command = [sys.executable, "-c", HARNESS, str(contained.workspace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as harness:
        try:
            assert harness.stdout is not None
            assert harness.stdout.readline() == "on\n"
        finally:
            harness.send_signal(signal.SIGKILL)
    left = contained.state()
    assert left["Status"] == ("exited" if fault.startswith("kill") else "paused")

    [recovered] = recover(contained.workspace, clock=SystemClock())
    assert recovered.healed, recovered.text
    assert contained.state()["Status"] == "running"
    assert isinstance(http.get(f"http://127.0.0.1:{contained.port}/healthz", timeout_s=10), Response)
    assert recover(contained.workspace, clock=SystemClock()) == ()


def test_a_container_is_found_by_its_labels_among_those_of_a_real_engine(contained: Contained) -> None:
    contained.write("127.0.0.1:9", "stop: {}")
    realm = read_realms(contained.workspace)["containers"]
    _, found = find_container(realm, "ledger")
    assert found.id == contained.container
    assert found.started_at == contained.state()["StartedAt"]
    assert not found.removed_at_end
    assert not found.loose_ports
