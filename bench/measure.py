"""Runs one tool as a whole process and says what it cost: wall time, CPU time of its process tree, requests served.

CPU is the kernel's account of the process and of every descendant it has waited for. While a load runs, a watcher
also looks at the tree and at nginx twice a second, so that starting and ending can be told from the load itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
from nginx import Counter

WATCH_EVERY_S = 0.5
GIVEN_UP_AFTER_S = 180.0
Looks = list[tuple[float, float, int]]
"""What a watched run shows as it goes: moment, CPU seconds, requests."""

Watching = Callable[[subprocess.Popen[bytes]], AbstractContextManager[Looks]]
# The middle of a load, as shares of its length: all users are there, none has begun to leave.
MIDDLE = (0.2, 0.9)


class ToolFailedError(Exception):
    """A tool did not do what it was asked, so its figures would mean nothing; the message says how it ended."""


@dataclass(frozen=True)
class Tool:
    """A command line. `problem` looks at what a run left and says what was wrong with it, None for nothing; `fine`
    are the exit statuses of a run that did what it was asked."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    problem: Callable[[], str | None] = lambda: None
    fine: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Moment:
    """What a tool had used and nginx had served at one moment of a run."""

    at_s: float
    cpu_s: float
    requests: int


@dataclass(frozen=True)
class Cost:
    """One run. `moments` is empty unless it was watched."""

    wall_s: float
    cpu_s: float
    requests: int
    moments: tuple[Moment, ...] = ()

    @property
    def requests_per_s(self) -> float:
        """Of the whole process, start and end included."""
        return self.requests / self.wall_s

    def beyond(self, start: Cost) -> Cost:
        """What it cost beyond a run that did little but start."""
        return Cost(self.wall_s - start.wall_s, self.cpu_s - start.cpu_s, self.requests - start.requests)

    @property
    def requests_per_cpu_s(self) -> float:
        """Of the whole process, start and end included."""
        return self.requests / self.cpu_s

    def steady_requests_per_cpu_s(self, duration_s: float) -> float | None:
        """Of the middle of a load of that length; None when too little of it was seen."""
        busy = [moment for moment in self.moments if moment.requests]
        inside = [moment for moment in busy if _is_middle(moment.at_s - busy[0].at_s, duration_s)]
        if len(inside) < 2:
            return None
        return (inside[-1].requests - inside[0].requests) / (inside[-1].cpu_s - inside[0].cpu_s)


def _is_middle(since_first_s: float, duration_s: float) -> bool:
    return MIDDLE[0] * duration_s <= since_first_s <= MIDDLE[1] * duration_s


def run(tool: Tool, counter: Counter) -> Cost:
    """Run it to its end, unwatched: nothing but the tool itself uses the machine meanwhile."""
    return _run(tool, counter, lambda process: contextlib.nullcontext([]))


def run_watched(tool: Tool, counter: Counter) -> Cost:
    """Run it to its end, with a look at it twice a second."""
    return _run(tool, counter, lambda process: _watching(process, counter))


def _run(tool: Tool, counter: Counter, watching: Watching) -> Cost:
    before = counter.requests()
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = begin(tool, output)
        with _ended_at_last(process), watching(process) as moments:
            status, cpu_s = _wait(process)
            wall_s = time.monotonic() - began
        _insist(tool, status, output)
    requests = counter.requests() - before
    seen = tuple(Moment(at - began, cpu, served - before) for at, cpu, served in moments)
    return Cost(wall_s, cpu_s, requests, seen)


def begin(tool: Tool, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it, all it says going to that file; the caller ends it."""
    return subprocess.Popen(
        tool.command,
        cwd=tool.folder,
        env=_environment(tool.environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours without proxies, which are nothing for loopback and cost some tools time."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "NO_COLOR": "1", **extra}


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Its exit status and the CPU seconds of it and of all it waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def _ended_at_last(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Whatever happens, no process of the tool outlives the block, nor its time."""
    alarm = threading.Timer(GIVEN_UP_AFTER_S, _kill_group, (process.pid,))
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        _kill_group(process.pid)
        if process.returncode is None:
            process.wait()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def _watching(process: subprocess.Popen[bytes], counter: Counter) -> Iterator[Looks]:
    """The list that fills with (moment, CPU seconds, requests) while the block runs."""
    moments: Looks = []
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(psutil.Process(process.pid), counter, moments, over))
    watcher.start()
    try:
        yield moments
    finally:
        over.set()
        watcher.join()


def _watch(root: psutil.Process, counter: Counter, moments: Looks, over: threading.Event) -> None:
    while not over.wait(WATCH_EVERY_S):
        with contextlib.suppress(psutil.NoSuchProcess):
            moments.append((time.monotonic(), _tree_cpu_s(root), counter.requests()))


def _tree_cpu_s(root: psutil.Process) -> float:
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _insist(tool: Tool, status: int, output: IO[bytes]) -> None:
    problem = tool.problem() if status in tool.fine else f"exit {status}"
    if problem:
        output.seek(0)
        last: Sequence[str] = output.read().decode(errors="replace").strip().splitlines()[-12:]
        raise ToolFailedError(f"{tool.name}: {problem}; it said last:\n    " + "\n    ".join(last))
