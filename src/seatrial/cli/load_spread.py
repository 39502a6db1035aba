"""The options of `seatrial load` for several processes and machines: what they ask for, and `--worker` itself.

Takes the words of the command line, gives a `Spread` or works for a master until it is done.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from seatrial import quantity
from seatrial.cli.console import say, workspace
from seatrial.errors import CannotRun, ExitCode, UsageError
from seatrial.reports.load.files import NO_FILES, LoadFiles
from seatrial.scenarios.load.parent import work_for
from seatrial.scenarios.load.spread import LOOPBACK, PORT, WORKERS_WITHIN_S, Joining, Spread, here

MOST_PORT = 65_535
WEB_PORT = 8089  # Locust's own


@dataclass(frozen=True, slots=True)
class SpreadOptions:
    """The words that say how a load is spread, and where its page is; None where nothing was said."""

    processes: int | None = None
    master: bool = False
    expect_workers: int | None = None
    bind: str | None = None
    port: int | None = None
    workers_within: str | None = None
    web: bool = False
    web_port: int | None = None


def spread_of(options: SpreadOptions) -> Spread | None:
    """How the load is spread; None when it is played by one process here. UsageError for words that do not fit."""
    if not options.master:
        _refuse_without_master(options)
        return here(1 if options.processes is None else options.processes)
    if options.processes is not None:
        raise UsageError("--processes starts the workers itself; with --master they are started by you")
    if (workers := 1 if options.expect_workers is None else options.expect_workers) < 1:
        raise UsageError(f"--expect-workers {workers}: a load needs at least one worker")
    return Spread(
        workers,
        bind=options.bind or LOOPBACK,
        port=_port(PORT if options.port is None else options.port, "--port"),
        within_s=_within_s(options.workers_within),
    )


def choose_profile_or_worker(
    profile: str | None, worker: str | None, options: SpreadOptions, *, files: LoadFiles = NO_FILES
) -> str:
    """The profile to play, empty for a worker, whose master says it; UsageError when both or none was said."""
    if worker is None and not profile:
        raise UsageError("which profile? `seatrial load PROFILE`; with --worker HOST the master says it")
    if worker is not None and (profile or files or options != SpreadOptions()):
        raise UsageError(
            "--worker stands alone: its master says the profile, the realm and how it is spread, and keeps the run"
        )
    return profile or ""


def web_port_of(options: SpreadOptions) -> int | None:
    """Where Locust's page listens; None when it was not asked for."""
    if not options.web:
        if options.web_port is not None:
            raise UsageError("--web-port belongs to --web")
        return None
    return _port(WEB_PORT if options.web_port is None else options.web_port, "--web-port")


def run_worker(address: str) -> ExitCode:
    """Work for the master at HOST[:PORT] until the load is over."""
    if address.startswith("[") or address.count(":") > 1:
        raise UsageError(f"--worker {address}: workers speak IPv4; write a name, or an address as 192.0.2.1:{PORT}")
    host, _, port = address.partition(":")
    if not host or not (port or str(PORT)).isdecimal():
        raise UsageError(f"--worker {address}: not HOST or HOST:PORT, as load1.example.com:{PORT}")
    joining = Joining(host, _port(int(port or PORT), "--worker"), workspace())
    work_for(joining, say=say)
    return ExitCode.MET


def require_free(spread: Spread | None, web_port: int | None) -> None:
    """CannotRun when a port that was asked for is taken, UsageError when the address is none of this machine's."""
    if spread and spread.port:
        _require_free(spread.bind, spread.port, "--port")
    if web_port:
        _require_free(LOOPBACK, web_port, "--web-port")


def _require_free(host: str, port: int, word: str) -> None:
    if host == "*" or host in (name for _, name in socket.if_nameindex()):
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise UsageError(f"--bind {host}: no address of this machine; 0.0.0.0 are all it has") from None
            raise CannotRun(f"{host}:{port}: {error.strerror}; choose another with {word}") from None


def _refuse_without_master(options: SpreadOptions) -> None:
    words = {
        "--expect-workers": options.expect_workers,
        "--bind": options.bind,
        "--port": options.port,
        "--workers-within": options.workers_within,
    }
    if said := next((word for word, value in words.items() if value is not None), None):
        raise UsageError(f"{said} belongs to --master")


def _port(port: int, word: str) -> int:
    if not 0 < port <= MOST_PORT:
        raise UsageError(f"{word}: {port} is not a port, which is 1 to {MOST_PORT}")
    return port


def _within_s(text: str | None) -> float:
    try:
        within_s = WORKERS_WITHIN_S if text is None else quantity.duration_s(text)
    except ValueError as error:
        raise UsageError(f"--workers-within: {error}") from None
    if within_s <= 0:
        raise UsageError(f"--workers-within {text}: no worker can come in no time; it is more than 0, as 30s")
    return within_s
