"""The proxy as a process: the loop, the ready line, the signals, the way out."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import resource
import secrets
import signal
import socket
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.chaos.proxy.address import Address
from seatrial.chaos.proxy.fields import read_proxies
from seatrial.chaos.proxy.http1 import ControlServer
from seatrial.chaos.proxy.model import ProxySpec, parse_proxy_list
from seatrial.chaos.proxy.proxies import Proxies
from seatrial.chaos.proxy.refusal import BAD_BODY, Refusal
from seatrial.chaos.proxy.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable

_COLLECT_AFTER = 20_000
"""Allocations between garbage collections: the observer's records are many, and none of them is garbage soon."""

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_SILENCE_S = 60.0

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_UNREADABLE = 3
EXIT_CANNOT_RUN = 4


class LoopKind(Enum):
    """Which event loop to run on; AUTO is uvloop where it is installed."""

    AUTO = "auto"
    ASYNCIO = "asyncio"
    UVLOOP = "uvloop"


@dataclass(frozen=True)
class Options:
    """How to run: where the API listens (port 0: a free one), what to populate from, the seed of every chance.

    `observe`: proxies read HTTP/1 unless they are made with a word against it.
    """

    host: str
    port: int
    config: Path | None
    seed: str | None
    loop: LoopKind
    observe: bool


class CannotRun(Exception):
    """The process cannot start; `code` is its exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def run(options: Options) -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code.

    Prints one line of JSON on stdout when ready: `api` (the URL), `pid`, `seed`.
    """
    _allow_many_sockets()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        if not options.host:
            raise CannotRun(EXIT_USAGE, "--host is empty; 127.0.0.1 is this machine alone, 0.0.0.0 every interface")
        specs = _read_config(options)
        with asyncio.Runner(loop_factory=_loop_factory(options.loop)) as runner:
            runner.run(_serve(options, specs))
    except CannotRun as reason:
        sys.stderr.write(f"{reason}\n")
        return reason.code
    return EXIT_OK


async def _serve(options: Options, specs: list[ProxySpec]) -> None:
    seed = options.seed if options.seed is not None else str(secrets.randbits(32))
    stopped = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(_Complaints().tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    proxies = Proxies(seed=seed, observe=options.observe)
    server = ControlServer(Routes(proxies, host=options.host).handle)
    try:
        port = await server.start(options.host, options.port)
    except (OSError, UnicodeError) as error:
        raise CannotRun(EXIT_CANNOT_RUN, _cannot_listen(options, error)) from None
    try:
        populated = await proxies.populate(specs)
        if populated.refusal is not None:
            raise CannotRun(EXIT_CANNOT_RUN, f"{options.config}: {populated.refusal.text}")
        _announce(Address(options.host, port), seed=seed)
        await stopped.wait()
    finally:
        server.close()
        proxies.close()
        await asyncio.sleep(0)  # lets closed sockets hand over what was written


class _Complaints:
    """What the event loop complains of: that there are no more sockets in one sentence, all else as it does it.

    asyncio tries a full backlog again and again, with a traceback for each time; and another for each when the
    listener was closed until it tries again.
    """

    def __init__(self) -> None:
        self._silent_until_s = 0.0

    def tell(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ValueError) and "_start_serving" in repr(context.get("handle")):
            return
        if not (isinstance(error, OSError) and error.errno in _EXHAUSTED):
            loop.default_exception_handler(context)
        elif loop.time() >= self._silent_until_s:
            self._silent_until_s = loop.time() + _SILENCE_S
            sys.stderr.write(f"no more connections can be accepted for now: {_words(error)}\n")


def _cannot_listen(options: Options, error: Exception) -> str:
    wanted = Address(options.host, options.port)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"{wanted}: address already in use; --port 0 takes a free one"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"{wanted}: there is no host of that name here"
    return f"{wanted}: {_words(error)}"


def _words(error: Exception) -> str:
    """What the operating system says, without the number and the name of the call."""
    return os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)


def _announce(bound: Address, *, seed: str) -> None:
    ready = {"api": f"http://{bound}", "pid": os.getpid(), "seed": seed}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _read_config(options: Options) -> list[ProxySpec]:
    if options.config is None:
        return []
    try:
        content = options.config.read_bytes()
        if not content.strip():
            raise CannotRun(EXIT_UNREADABLE, f"{options.config}: it is empty; a list of proxies is needed")
        return parse_proxy_list(read_proxies(content), host=options.host)
    except OSError as error:
        raise CannotRun(EXIT_UNREADABLE, f"{options.config}: {_words(error)}") from None
    except Refusal as refusal:
        raise CannotRun(EXIT_UNREADABLE, f"{options.config}: {refusal.text.removeprefix(BAD_BODY)}") from None


def _loop_factory(kind: LoopKind) -> Callable[[], asyncio.AbstractEventLoop]:
    if kind is LoopKind.ASYNCIO:
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if kind is LoopKind.UVLOOP:
            raise CannotRun(EXIT_CANNOT_RUN, "--loop uvloop: it is not installed") from None
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _allow_many_sockets() -> None:
    """Two sockets per caller soon exceed the usual soft limit of 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
