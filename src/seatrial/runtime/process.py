"""Starts, signals and ends operating-system processes that outlive the command which started them.

Every process is known by id *and* creation time: a number the system has given to somebody else in the
meantime is never signalled. What a process started itself belongs to it: it leads a group, and the group is
signalled and waited for. Takes command lines, gives `ProcessId`s. The only user of
psutil, which is imported where a process is looked at: most commands look at none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.errors import CannotRun
from seatrial.runtime.state import ProcessId

if TYPE_CHECKING:
    import psutil

STOP_DEADLINE_S = 10.0
LOG_HEAD_LINES = 2
LOG_TAIL_LINES = 8
_POLL_S = 0.02


def spawn(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> ProcessId:
    """Start a process in a session, and so a group, of its own, its output in `log`.

    Ctrl-C in our terminal does not reach it, and whatever it starts can be signalled together with it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CannotRun(f"cannot start `{' '.join(command)}`: {error.strerror}") from None
    # It is meant to outlive this command, so Popen must not warn that nobody waited for it.
    process.returncode = 0
    return identify(process.pid)


def identify(pid: int) -> ProcessId:
    """The process that has this id now; CannotRun when there is none."""
    import psutil

    try:
        return ProcessId(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        raise CannotRun(f"process {pid} ended at once; see its log") from None


def is_alive(process: ProcessId) -> bool:
    """Whether that very process still runs; a zombie does not."""
    import psutil

    found = _find(process)
    with contextlib.suppress(psutil.NoSuchProcess):
        return found is not None and _runs(found)
    return False


def find_marked(name: str, value: str) -> tuple[ProcessId, ...]:
    """The processes of ours that run with that variable in their environment, which those they start inherit."""
    import psutil

    found: list[ProcessId] = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if each.environ().get(name) == value:
                found.append(ProcessId(each.pid, each.create_time()))
    return tuple(found)


def send_signal(process: ProcessId, number: signal.Signals) -> bool:
    """Signal that very process, and its group when it leads one; False when it is gone."""
    if _find(process) is None:
        return False
    return _signal(process.pid, number)


def stop(processes: Iterable[ProcessId], *, deadline_s: float = STOP_DEADLINE_S) -> None:
    """End processes and their groups: TERM, and KILL to what is left at the deadline. Returns when all are gone."""
    processes = tuple(process for process in processes if send_signal(process, signal.SIGTERM))
    for process in processes:
        send_signal(process, signal.SIGCONT)  # a process stopped by a fault would never see the TERM
    if not wait_gone(processes, deadline_s):
        for process in processes:
            if _is_left(process):
                _signal(process.pid, signal.SIGKILL)
        wait_gone(processes, STOP_DEADLINE_S)


def wait_gone(processes: Iterable[ProcessId], deadline_s: float) -> bool:
    """Wait until nothing of them and their groups runs; False when something still does at the deadline.

    For processes that were there a moment ago: the group of one that ended earlier is not known to be ours.
    """
    left = set(processes)
    end = time.monotonic() + deadline_s
    while left:
        for process in left:
            _reap(process.pid)
        left = {process for process in left if _is_left(process)}
        if time.monotonic() > end:
            return not left
        if left:
            time.sleep(_POLL_S)
    return True


def tail(log: Path, *, since: int = 0) -> str:
    """What was logged from that byte on, indented, for an error message: of many lines the first, where some say
    what is wrong, and the last, where others do."""
    try:
        lines = log.read_bytes()[since:].decode(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    if len(lines) > LOG_HEAD_LINES + LOG_TAIL_LINES:
        lines[LOG_HEAD_LINES:-LOG_TAIL_LINES] = ["..."]
    return "\n".join(f"  {line}" for line in lines) or "  (it logged nothing)"


def logged(log: Path) -> int:
    """How many bytes a log has; 0 where there is none."""
    return log.stat().st_size if log.is_file() else 0


def _find(process: ProcessId) -> psutil.Process | None:
    import psutil

    try:
        found = psutil.Process(process.pid)
        # Creation times are rounded differently by different readers; ids are not reused within a second.
        return found if abs(found.create_time() - process.created_at) < 1.0 else None
    except psutil.NoSuchProcess:
        return None


def _signal(pid: int, number: signal.Signals) -> bool:
    """Signal a process that was just found to be ours, or the group it leads; False when it is gone."""
    try:
        if _leads(pid):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _leads(pid: int) -> bool:
    """Whether there is a group of that number: its leader's, who may have ended before the others."""
    try:
        return os.getpgid(pid) == pid
    except ProcessLookupError:
        return True


def _is_left(process: ProcessId) -> bool:
    """Whether that process or one of its group still runs.

    As long as one of the group is there, the system gives its number to nobody else.
    """
    import psutil

    if is_alive(process):
        return True
    taken = psutil.pid_exists(process.pid) and _find(process) is None
    return not taken and _group_runs(process.pid)


def _group_runs(group: int) -> bool:
    import psutil

    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    # Zombies take the signal as well, so that it arrived says little.
    return any(_runs_in(group, pid) for pid in psutil.pids())


def _runs_in(group: int, pid: int) -> bool:
    import psutil

    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        return os.getpgid(pid) == group and _runs(psutil.Process(pid))
    return False


def _runs(process: psutil.Process) -> bool:
    """Whether any thread of it runs: a process is a zombie as soon as its first thread ended, while the others, which
    may have to end yet, hold its ports; NoSuchProcess when it is gone."""
    import psutil

    return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1


def _reap(pid: int) -> None:
    """Collect a child of ours that ended, so that it is not left a zombie; others' children are not ours to reap."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
