"""Our proxy beside toxiproxy-server: wrk against nginx through each, in alternating rounds, and idle callers.

"observed" is ours while it reads HTTP, which it does where that is asked for (docs/proxy.md).
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import psutil
from measure import GIVEN_UP_AFTER_S, ToolFailedError
from nginx import BULK_BYTES, DIRECT, STARTS_WITHIN_S, free_port
from peers import Peer
from ratios import Ratio, ratio

LATENCY_MS = 100
IDLE_CALLERS = 1_000
IDLE_FOR_S = 1.0  # before memory is looked at
OURS, THEIRS, OBSERVED = "ours", "toxiproxy", "observed"
REPORT = """\
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("FIGURES %d %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    latency:percentile(99), e.connect + e.read + e.write + e.timeout + e.status))
end
"""
AnyProcess = TypeVar("AnyProcess", subprocess.Popen[str], subprocess.Popen[bytes])
SPREAD = """\
local begun = 0
function delay()
  begun = begun + 1
  return begun <= callers and math.random(0, spread_ms) or 0
end
"""
TRACED = """\
local sent = 0
function request()
  sent = sent + 1
  return wrk.format(nil, nil, {traceparent = string.format("00-%032x-%016x-01", sent, sent)})
end
"""
_FIGURES = re.compile(r"^FIGURES (\d+) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """What wrk does: so many callers at once, with those headers, for that path."""

    title: str
    callers: int
    path: str = "/healthz"
    headers: tuple[str, ...] = ()
    spread_ms: int = 0
    """Over which time the callers begin, so that they do not come as one herd ever after."""
    lua: str = ""
    """What else wrk is to do."""

    @property
    def script(self) -> str:
        """What wrk is to do beside sending requests."""
        spread = f"callers, spread_ms = {self.callers}, {self.spread_ms}\n{SPREAD}" if self.spread_ms else ""
        return spread + self.lua + REPORT


KEEP_ALIVE = Work("32 keep-alive callers", 32)
READ = Work("32 keep-alive callers, their HTTP read or not", 32)
READ_TRACED = Work("the same, each request with a traceparent of its own", 32, lua=TRACED)
CONNECTING = Work("32 callers, a connection for each request", 32, headers=("Connection: close",))
BULK = Work(f"4 callers, answers of {BULK_BYTES // 2**20} MiB", 4, path="/bulk")
DELAYED = Work(f"200 callers, latency of {LATENCY_MS} ms: 2,000 requests/s at the most", 200, spread_ms=LATENCY_MS)


@dataclass(frozen=True)
class Ran:
    """One run of wrk through a proxy. CPU time is the proxy's alone."""

    requests_per_s: float
    p99_ms: float
    bytes_per_s: float
    requests_per_cpu_s: float


@dataclass(frozen=True)
class Figure:
    """A number of a run, and what it should be; a ratio is ours over theirs."""

    title: str
    of: Callable[[Ran], float]
    good: str


REQUESTS = Figure("requests/s", lambda ran: ran.requests_per_s, "at least 1.2")
CONNECTIONS = Figure("connections/s", lambda ran: ran.requests_per_s, "at least 1.0")
P99 = Figure("p99 ms", lambda ran: ran.p99_ms, "at most 1")
BYTES = Figure("MB/s", lambda ran: ran.bytes_per_s / 1e6, "at least 1.5")
CPU = Figure(
    "CPU us/request", lambda ran: 1e6 / ran.requests_per_cpu_s, "the less the better; load disturbs it least"
)
ADDED = Figure("added ms at p99", lambda ran: ran.p99_ms - LATENCY_MS, "ours at most 3")
COST = Figure("requests/s", lambda ran: ran.requests_per_s, "at least 0.75")


@dataclass(frozen=True)
class Comparison:
    """One work through two or more proxies; the first is held against the others."""

    work: Work
    runs: Mapping[str, Sequence[Ran]]
    figures: Sequence[Figure]

    def ratios(self, figure: Figure) -> dict[str, Ratio]:
        """The first's over each other's; a difference that may be nothing, as ADDED, has none."""
        found = {name: [figure.of(ran) for ran in runs] for name, runs in self.runs.items()}
        first, *others = found
        return {} if figure is ADDED else {name: ratio(found[first], found[name]) for name in others}

    def __str__(self) -> str:
        return "\n".join([f"  {self.work.title}", *(line for figure in self.figures for line in self._lines(figure))])

    def _lines(self, figure: Figure) -> Iterator[str]:
        medians = {name: statistics.median(map(figure.of, runs)) for name, runs in self.runs.items()}
        shown = "   ".join(f"{name} {median:.4g}" for name, median in medians.items())
        yield f"    {figure.title:<20}{shown} (good: {figure.good})"
        first = next(iter(self.runs))
        yield from (f"      {first} / {name}: {found}" for name, found in self.ratios(figure).items())


@dataclass(frozen=True)
class Compared:
    """Everything measured; `idle_bytes` is what the idle callers added to each proxy's resident memory."""

    rounds: int
    comparisons: Sequence[Comparison]
    idle_bytes: Mapping[str, int]

    def __str__(self) -> str:
        idle = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in self.idle_bytes.items())
        parts = "\n".join(map(str, self.comparisons))
        return (
            f"the proxy, wrk against nginx through it, medians of {self.rounds} alternating rounds\n{parts}\n"
            f"  {IDLE_CALLERS} idle connections: {idle} (good: ours at most 40)"
        )

    def as_data(self) -> dict[str, object]:
        """Every run."""
        runs = {
            each.work.title: {name: [asdict(ran) for ran in runs] for name, runs in each.runs.items()}
            for each in self.comparisons
        }
        return {"rounds": self.rounds, "runs": runs, "idle_bytes": dict(self.idle_bytes)}


@dataclass(frozen=True)
class Proxy:
    """A running proxy process, and the port of the one proxy it has."""

    name: str
    pid: int
    api: str
    port: int

    def ask(self, method: str, path: str, body: object = None) -> None:
        """A request to its API that must succeed."""
        asked = urllib.request.Request(
            self.api + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        with DIRECT.open(asked, timeout=10):
            pass

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Resident."""
        size: int = psutil.Process(self.pid).memory_info().rss
        return size


@dataclass(frozen=True)
class Wrk:
    """wrk, and how long a run of it is."""

    peer: Peer
    seconds: int

    def run(self, proxy: Proxy, work: Work) -> Ran:
        """One run through that proxy. Raises `ToolFailedError` where a request failed."""
        before = proxy.cpu_s()
        found = self._figures(proxy, work)
        requests, duration_us, size, p99_us, errors = found
        if errors or not requests:
            raise ToolFailedError(f"wrk through {proxy.name}, {work.title}: {requests} requests, {errors} errors")
        seconds = duration_us / 1e6
        cpu_s = max(0.01, proxy.cpu_s() - before)
        return Ran(requests / seconds, p99_us / 1000, size / seconds, requests / cpu_s)

    def _figures(self, proxy: Proxy, work: Work) -> list[int]:
        headers = [part for header in work.headers for part in ("-H", header)]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(work.script)
            script.flush()
            command = [str(self.peer.program), "-t1", f"-c{work.callers}", f"-d{self.seconds}s", "-s", script.name]
            url = f"http://127.0.0.1:{proxy.port}{work.path}"
            done = subprocess.run(
                [*command, *headers, url], capture_output=True, text=True, timeout=GIVEN_UP_AFTER_S, check=False
            )
        found = _FIGURES.search(done.stdout)
        if found is None:
            raise ToolFailedError(f"wrk through {proxy.name} said: {(done.stderr or done.stdout).strip()[-500:]}")
        return [int(number) for number in found.groups()]


def measure(wrk: Wrk, original: Peer | None, upstream: str, rounds: int) -> Compared:
    """All comparisons, against the nginx at that address; without the original ours alone."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_ours(OURS, upstream))
        observed = stack.enter_context(_ours(OBSERVED, upstream, "--observe"))
        pair = [ours]
        if original is not None:
            pair.append(stack.enter_context(_original(original, upstream)))
        idle = {proxy.name: _idle_bytes(proxy) for proxy in pair}
        comparisons = [
            _compare(wrk, pair, KEEP_ALIVE, (REQUESTS, P99, CPU), rounds),
            _compare(wrk, pair, CONNECTING, (CONNECTIONS, CPU), rounds),
            _compare(wrk, pair, BULK, (BYTES, CPU), rounds),
            _compare(wrk, [observed, ours], READ, (COST, CPU), rounds),
            _compare(wrk, [observed, ours], READ_TRACED, (COST, CPU), rounds),
        ]
        for proxy in pair:
            proxy.ask("POST", "/proxies/bench/toxics", {"type": "latency", "attributes": {"latency": LATENCY_MS}})
        comparisons.append(_compare(wrk, pair, DELAYED, (ADDED, CPU), rounds))
        return Compared(rounds, comparisons, idle)


def _compare(wrk: Wrk, proxies: Sequence[Proxy], work: Work, figures: Sequence[Figure], rounds: int) -> Comparison:
    runs: dict[str, list[Ran]] = {proxy.name: [] for proxy in proxies}
    for _ in range(rounds):
        for proxy in proxies:
            runs[proxy.name].append(wrk.run(proxy, work))
    return Comparison(work, runs, figures)


def _idle_bytes(proxy: Proxy) -> int:
    """What callers that connect and say nothing add to its memory."""
    before = proxy.memory_bytes()
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE_CALLERS):
            stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=10))
        time.sleep(IDLE_FOR_S)
        return proxy.memory_bytes() - before


@contextlib.contextmanager
def _ours(name: str, upstream: str, *options: str) -> Iterator[Proxy]:
    command = (sys.executable, "-m", "seatrial.chaos.proxy", "--port", "0", *options)
    with _ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline() or "{}")
        if "api" not in ready:
            raise ToolFailedError(f"{name} did not start")
        yield _with_proxy(name, process.pid, ready["api"], upstream)


@contextlib.contextmanager
def _original(peer: Peer, upstream: str) -> Iterator[Proxy]:
    port = free_port()
    command = (str(peer.program), "-host", "127.0.0.1", "-port", str(port))
    quiet = {"LOG_LEVEL": "fatal"}
    silent = subprocess.DEVNULL
    with _ended(subprocess.Popen(command, stdout=silent, stderr=silent, env=quiet)) as process:
        _await_port(port)
        yield _with_proxy(THEIRS, process.pid, f"http://127.0.0.1:{port}", upstream)


def _with_proxy(name: str, pid: int, api: str, upstream: str) -> Proxy:
    proxy = Proxy(name, pid, api, free_port())
    wanted = {"name": "bench", "listen": f"127.0.0.1:{proxy.port}", "upstream": upstream.removeprefix("http://")}
    proxy.ask("POST", "/proxies", wanted)
    return proxy


def _await_port(port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ToolFailedError(f"toxiproxy-server did not listen within {STARTS_WITHIN_S:g} s")


@contextlib.contextmanager
def _ended(process: AnyProcess) -> Iterator[AnyProcess]:
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STARTS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
