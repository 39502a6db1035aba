"""What a load costs beside its requests: late starts, memory, the journal, and the time to judge an hour of it.

Runs of `seatrial load` against the bench's nginx, two processes each, and an hour's journal that is written here.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from measure import Tool, ToolFailedError, begin
from nginx import Counter
from peers import Peer

from seatrial import journal
from seatrial.sample import LATE_STEPS_MS, Cause, Pacing, Phase, Record
from seatrial.scenarios.load.recorder import Ended, Mark, Recorder, Series
from seatrial.slo.judge import judge_load
from seatrial.slo.limits import limits_us
from seatrial.slo.measure import measure
from seatrial.slo.read import read_services

RATE_PER_S = 1000
HOUR_S = 3600
STEPS = 10
REQUESTS_A_STEP = 20  # and second of the hour that is judged
MOST_LATE_MS = 5
LOOK_AFTER = 0.1  # of a run: when its memory is first looked at
LOOK = "scenario: look once\nservice: bank\nsteps:\n  - {request: {url: /healthz}, expect: {status: 200}}\n"
STARTS = f"""\
profile: starts
model: open
scenarios: [look once]
stages: [{{ramp_to: {RATE_PER_S}/s, over: 0s}}, {{hold: {{seconds}}s}}]
"""
CROWD = """\
profile: ten_steps
model: closed
scenarios: [pay once, pay once more]
stages: [{ramp_to: 20, over: 0s}, {hold: {seconds}s}]
"""
OBJECTIVES = """\
service: bank
owner: bench
objectives:
  - {name: available, indicator: errors, limit: 1%}
  - {name: fast, indicator: latency, quantile: p99, limit: 300ms}
  - {name: fast there, indicator: latency, quantile: p95, limit: 100ms, routes: ["GET /r3/*"]}
  - {name: roomy, indicator: throughput, at_least: 150/s}
"""


@dataclass(frozen=True)
class Figures:
    """Everything measured. Bytes are resident ones, of the process that grew most."""

    started: int
    dropped: int
    late: int
    early_bytes: int
    late_bytes: int
    apart_s: float
    journal_bytes_per_s: float
    judged_cpu_s: float

    def __str__(self) -> str:
        grown = self.late_bytes / self.early_bytes
        return (
            f"a load beside its requests, 2 processes\n"
            f"  {RATE_PER_S} plays/s: {self.started} started, {self.dropped} dropped (good: 0), "
            f"{self.late / max(1, self.started):.2%} later than {MOST_LATE_MS} ms (good: at most 1 %)\n"
            f"  memory {self.early_bytes / 1e6:.1f} MB, {self.apart_s:.0f} s later {self.late_bytes / 1e6:.1f} MB, "
            f"ratio {grown:.3f} (good: at most 1.1)\n"
            f"  journal of {STEPS} steps {self.journal_bytes_per_s / 1000:.1f} kB/s (good: at most 50)\n"
            f"  an hour of {STEPS} steps judged in {self.judged_cpu_s:.2f} s of CPU time (good: at most 1)"
        )


def measure_all(peer: Peer, workspace: Path, counter: Counter, seconds: int) -> Figures:
    """Two loads of that length, and the judging."""
    _add_profiles(workspace, seconds)
    paced = _run(peer, workspace, counter, "starts", seconds)
    sized = _run(peer, workspace, counter, "ten_steps", seconds)
    pacings = [record for record in journal.read(paced.journal) if isinstance(record, Pacing)]
    return Figures(
        started=sum(pacing.started for pacing in pacings),
        dropped=sum(pacing.dropped for pacing in pacings),
        late=sum(pacing.late_over_ms[MOST_LATE_MS] for pacing in pacings),
        early_bytes=sized.early_bytes,
        late_bytes=sized.late_bytes,
        apart_s=seconds * (1 - 2 * LOOK_AFTER),
        journal_bytes_per_s=sized.journal.stat().st_size / seconds,
        judged_cpu_s=judged_cpu_s(),
    )


@dataclass(frozen=True)
class _Ran:
    journal: Path
    early_bytes: int
    late_bytes: int


def _add_profiles(workspace: Path, seconds: int) -> None:
    scenarios = workspace / "scenarios"
    (scenarios / "look.yaml").write_text(LOOK)
    again = (scenarios / "journey.yaml").read_text().replace("pay once", "pay once more", 1)
    (scenarios / "again.yaml").write_text(again)
    for name, text in (("starts", STARTS), ("ten_steps", CROWD)):
        (scenarios / "profiles" / f"{name}.yaml").write_text(text.replace("{seconds}", str(seconds)))


def _run(peer: Peer, workspace: Path, counter: Counter, profile: str, seconds: int) -> _Ran:
    """Run it to its end, and look at its processes a tenth after the beginning and before the end."""
    command = (str(peer.program), "load", profile, "--realm", "bench", "--processes", "2")
    before = counter.requests()
    with tempfile.TemporaryFile() as output:
        process = begin(Tool("seatrial load", command, workspace), output)
        try:
            _await_requests(process, counter, before + 1)
            time.sleep(seconds * LOOK_AFTER)
            early = _sizes(process)
            time.sleep(seconds * (1 - 2 * LOOK_AFTER))
            late = _sizes(process)
            status = process.wait(timeout=seconds + 60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        output.seek(0)
        if status not in (0, 5) or not early.keys() & late.keys():
            raise ToolFailedError(f"the load '{profile}' ended with {status}: {output.read()[-500:]!r}")
    grown = max(early.keys() & late.keys(), key=lambda pid: late[pid] / early[pid])
    return _Ran(journal.list_runs(workspace)[-1].journal, early[grown], late[grown])


def _await_requests(process: subprocess.Popen[bytes], counter: Counter, requests: int) -> None:
    while process.poll() is None and counter.requests() < requests:
        time.sleep(0.1)


def _sizes(process: subprocess.Popen[bytes]) -> dict[int, int]:
    root = psutil.Process(process.pid)
    return {each.pid: each.memory_info().rss for each in (root, *root.children(recursive=True))}


def judged_cpu_s() -> float:
    """CPU seconds to read, measure and judge the journal of an hour."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        (Path(folder) / "slo").mkdir()
        (Path(folder) / "slo" / "bank.yaml").write_text(OBJECTIVES)
        services = read_services(Path(folder) / "slo")
        path = Path(folder) / "journal.jsonl"
        _write_hour(path, Recorder("hour", limits_us(services)))
        began = time.process_time()
        judge_load(measure(journal.read(path)), services, alpha=0.05, min_hold_s=60)
        return time.process_time() - began


def _write_hour(path: Path, recorder: Recorder) -> None:
    dice = random.Random(1)
    mark = Mark(Phase.HOLD)
    series = [Series("hour", f"step {step}", "bank", "GET", f"/r{step}/*") for step in range(STEPS)]
    with path.open("wb") as file:
        for second in range(HOUR_S):
            for each in series * REQUESTS_A_STEP:
                latency_us = int(dice.lognormvariate(9, 0.7))
                cause = Cause.STATUS if dice.random() < 0.003 else None
                recorder.ended(mark, each, second=second, end=Ended(cause, latency_us, latency_us, 200))
            pacing = Pacing("hour", Phase.HOLD, second, 40, 40, 0, 3, 0.001, 0.3, dict.fromkeys(LATE_STEPS_MS, 0))
            records: list[Record] = [*recorder.drain(second + 1), pacing]
            file.write(b"".join(map(journal.encode, records)))
