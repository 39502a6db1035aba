"""How a step of a game day looks while it goes on: figures redrawn in place on a terminal, else a line now and
then."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seatrial.assess.gameday.figures import EdgeFigures, Figures, ServiceFigures
from seatrial.assess.gameday.plan import PlannedStep
from seatrial.assess.stage import Moment
from seatrial.cli.console import say
from seatrial.clock import Clock
from seatrial.quantity import show_duration, show_ratio

PLAIN_EVERY_S = 5.0
LIVE_EVERY_S = 0.5
_WORTH = 10.0  # drawing may take a tenth of the time: the load needs the rest

Say = Callable[[str], None]


class Showing:
    """The figures of one step: `draw` is given them now and then, `say` whatever stays; `clock` is the harness's."""

    def __init__(
        self, planned: PlannedStep, clock: Clock, *, draw: Callable[[Figures, float], None], say: Say, every_s: float
    ) -> None:
        self._figures = Figures(planned)
        self._draw = draw
        self._every_s = every_s
        self._next = 0.0
        self._clock = clock
        self.say = say

    def show(self, moment: Moment) -> None:
        """Take in how it is, and draw it when it is time again."""
        now, began = self._clock.now(), self._clock.monotonic()
        self._figures.add(moment, now=now)
        if began >= self._next:
            self._draw(self._figures, now)
            self._next = began + max(self._every_s, _WORTH * (self._clock.monotonic() - began))


@contextlib.contextmanager
def showing(planned: PlannedStep, clock: Clock, *, hint: str, typed: Callable[[], str]) -> Iterator[Showing]:
    """The display that fits stderr, until the block ends. `hint` says what keys do, `typed` what is being typed."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or not console.is_terminal:
        if hint:
            say(hint)
        yield Showing(planned, clock, draw=_tell, say=say, every_s=PLAIN_EVERY_S)
        return
    drawn: list[RenderableType] = []

    def render() -> Group:
        return Group(*drawn, Text(f"  {hint}", style="bold"), Text(f"  note> {typed()}"))

    with Live(console=console, refresh_per_second=8, transient=True, get_renderable=render) as live:

        def draw(figures: Figures, now: float) -> None:
            drawn[:] = _view(figures, now)

        yield Showing(
            planned, clock, draw=draw, say=lambda text: live.console.print(Text(text)), every_s=LIVE_EVERY_S
        )


def figures_line(figures: Figures, now: float) -> str:
    """All of it in one line; empty before there is anything."""
    services = [
        f"{one.service} {one.per_s:.0f}/s, {show_ratio(one.failed_ratio)} errors, p95 {_p95(one)}"
        for one in figures.services()
    ]
    edges = [_edge(one) for one in figures.edges(now=now) if one.per_s is not None]
    return "; ".join((*services, *edges, *(f"ON: {fault}" for fault in figures.faults))) if services else ""


def _tell(figures: Figures, now: float) -> None:
    line = figures_line(figures, now)
    if line:
        say(f"  {line}")


def _p95(one: ServiceFigures) -> str:
    return "-" if one.p95_s is None else show_duration(one.p95_s)


def _edge(one: EdgeFigures) -> str:
    rate = "not watched yet" if one.per_s is None else f"{one.per_s:.1f} calls/s"
    return ", ".join(filter(None, (f"{one.edge} {rate}", one.breaker)))


def _view(figures: Figures, now: float) -> Iterator[RenderableType]:
    yield Text(figures.stage, style="bold")
    yield Text(f"  ON: {', '.join(figures.faults)}" if figures.faults else "  nothing is broken", style="red")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 2))
    for heading in ("service", "per s", "errors", "p95"):
        table.add_column(heading, justify="left" if heading == "service" else "right", no_wrap=True)
    for one in figures.services():
        table.add_row(one.service, f"{one.per_s:.1f}", show_ratio(one.failed_ratio), _p95(one))
    yield table
    for edge in figures.edges(now=now):
        yield Text(f"  {_edge(edge)}")
