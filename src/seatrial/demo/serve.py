"""Running one service as a process: building it from its settings, listening, and stopping without losing a request.

On SIGTERM or SIGINT: readiness turns 503 and every answer closes its connection, for `DRAIN_S`; then nothing new
is accepted, what is under way is finished within `FINISH_S`, feed entries are flushed, and the process exits 0.
"""

import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from seatrial.demo import cards, feed, gateway, ledger, merchants
from seatrial.demo.books import in_file, in_memory
from seatrial.demo.calls import Peer
from seatrial.demo.client import EdgeClient
from seatrial.demo.defects import NO_GRACE
from seatrial.demo.edges import Edge, edges_of
from seatrial.demo.endpoint import Lifecycle
from seatrial.demo.guards import Guards
from seatrial.demo.replicas import peer_of
from seatrial.demo.service import Service, application
from seatrial.demo.settings import Settings
from seatrial.demo.tokens import Tokens

DRAIN_S = 0.5
FINISH_S = 2
IDLE_S = 10
"""How long an idle connection is kept for its caller; longer than callers keep it."""

GIVES_WAY = 5
"""The bank shares a machine with the load generator, whose lateness would spoil every measurement: it gives way."""

START_FAILED = 3
"""The exit status of a service that could not start, as uvicorn's."""

_Clients = Mapping[str, Peer]

BUILDERS: Mapping[str, Callable[[_Clients, Settings], Service]] = {
    "gateway": lambda to, settings: gateway.build(
        Tokens(settings.password),
        cards=to["cards"],
        merchants=to["merchants"],
        feed=to["feed"],
        defects=settings.defects,
    ),
    "cards": lambda to, settings: cards.build(to["ledger"], to["feed"]),
    "ledger": lambda to, settings: ledger.build(in_file(settings.books) if settings.books else in_memory()),
    "merchants": lambda to, settings: merchants.build(),
    "feed": lambda to, settings: feed.build(),
}


def build(settings: Settings) -> Service:
    """The service with a client for each of its edges; connects to nobody."""
    defects, guards = settings.defects, Guards(settings.defects)

    def connect(edge: Edge, url: str) -> EdgeClient:
        return EdgeClient(edge, url, defects=defects, guards=guards)

    clients = {
        edge.callee: peer_of(edge, settings.urls[edge.callee].split(","), defects, connect)
        for edge in edges_of(settings.service)
    }
    return BUILDERS[settings.service](clients, settings)


def serve(settings: Settings) -> None:
    """Serve until told to stop; ends the process with a status other than 0 if it could not start."""
    os.nice(GIVES_WAY)
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("seatrial.demo").setLevel(logging.INFO)
    lifecycle = Lifecycle()
    app = application(build(settings), defects=settings.defects, lifecycle=lifecycle)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        lifespan="on",
        ws="none",
        server_header=False,
        date_header=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=FINISH_S,
    )
    _keep_collections_rare()
    _spare_httpcore_a_search()
    server = HeedlessServer(config) if settings.defects.has(NO_GRACE) else DrainingServer(config, lifecycle)
    server.run()
    if not server.started:
        sys.exit(START_FAILED)


class DrainingServer(uvicorn.Server):
    """Uvicorn's server, which says that it is going before it goes."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start draining; asked a second time, stop at once."""
        if self._lifecycle.draining:
            self.should_exit = self.force_exit = True
            return
        self._lifecycle.draining = True
        self._loop.call_soon_threadsafe(self._loop.call_later, DRAIN_S, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


class HeedlessServer(uvicorn.Server):
    """Uvicorn's server without a handler for signals, so that the system ends it where it stands."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _keep_collections_rare() -> None:
    """What lives long is many small records without cycles; looking through them often would only cost time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _spare_httpcore_a_search() -> None:
    """httpcore tries to import sniffio several times per request; where it is absent, each is a search of the disk.

    A None in its place ends the search at once, which saves a third of what a call costs. Without sniffio httpcore
    takes asyncio for granted, which is what runs here.
    """
    absent: Any = None
    sys.modules.setdefault("sniffio", absent)
