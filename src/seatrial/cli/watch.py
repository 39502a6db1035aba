"""`seatrial watch`: brings realm, monitors, scenarios and history together and watches until it is told to stop."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from seatrial import http, quantity
from seatrial.cli.console import say, tell, workspace
from seatrial.clock import SystemClock
from seatrial.errors import ExitCode, UsageError
from seatrial.realm import Realm, permit_mutations
from seatrial.redact import Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.standing import raised
from seatrial.runtime.state import addresses_of, load_state
from seatrial.scenarios.model import Scenario, mutates
from seatrial.scenarios.moves import Context
from seatrial.scenarios.read import read_scenarios
from seatrial.slo.read import read_services
from seatrial.store.results import DEFAULT_PATH, Store
from seatrial.synthetic.model import Channel, Monitor, Subject
from seatrial.synthetic.notify import OPENERS
from seatrial.synthetic.notify.post import Post, Send
from seatrial.synthetic.player import Player
from seatrial.synthetic.read import FOLDER, read_synthetic
from seatrial.synthetic.schedule import Plan
from seatrial.synthetic.watch import WORKERS, Means, Watch, Watched, watch, watch_once

STOPPING = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Orders:
    """What the workspace says is to be watched in a realm. `channels` are those its monitors route to."""

    realm: Realm
    monitors: tuple[Monitor, ...]
    channels: tuple[Channel, ...]
    scenarios: Mapping[str, Scenario]
    subjects: Mapping[str, Subject]


def run_watch(realm_name: str | None, *, once: bool, bound: str | None, database: Path | None) -> ExitCode:
    """Watch until Ctrl-C or SIGTERM (130), or till `bound` is over or, with `once`, each monitor was played (0).

    `bound` is a duration as 10m; `database` defaults to `.seatrial/history.db` of the workspace. A process
    realm that is not up is started, and then stopped at the end; what others stop meanwhile is seen to be down.
    """
    for_s = _bound_s(bound)
    here = workspace()
    orders = read_orders(here, realm_name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(raised(orders.realm, here, variables={}, say=say))
        client = stack.enter_context(http.open_client())
        store = Store(database or here / DEFAULT_PATH)
        stack.callback(store.close)
        means, posts = equip(orders, here, store=store, send=client.send)
        stop = stack.enter_context(_stop_signals())
        _watch(
            Watched(orders.realm.name, orders.monitors, orders.subjects, posts),
            means,
            stop=stop,
            for_s=for_s,
            once=once,
        )
        return ExitCode.INTERRUPTED if stop.is_set() else ExitCode.MET


def read_orders(here: Path, realm_name: str | None) -> Orders:
    """Read everything there is to know before anything is started; UsageError when the realm has no monitor."""
    realm = choose_realm(read_realms(here), realm_name)
    scenarios = {scenario.name: scenario for scenario in read_scenarios(here / "scenarios")}
    monitors, channels = read_synthetic(here / FOLDER, scenarios=scenarios)
    watched = tuple(monitor for monitor in monitors if monitor.realm in (None, realm.name))
    if not watched:
        raise UsageError(f"no monitor for realm '{realm.name}' in {FOLDER}/; add one, as `monitor: payments`")
    names = {name for monitor in watched for name in monitor.scenarios}
    for name in sorted(names):
        if mutates(scenarios[name]):
            permit_mutations(realm, name, scenarios[name].tags)
    routed = {name for monitor in watched for names in monitor.routes.values() for name in names}
    return Orders(
        realm=realm,
        monitors=watched,
        channels=tuple(channel for name, channel in channels.items() if name in routed),
        scenarios=scenarios,
        subjects=_subjects(here, scenarios.values()),
    )


def equip(orders: Orders, here: Path, *, store: Store, send: Send) -> tuple[Means, Mapping[str, Post]]:
    """What the watch works with and its channels, opened; every secret is known as one from here on."""
    secrets, clock = Secrets(), SystemClock()
    values = resolve_secrets(orders.realm, here, secrets)
    context = Context(
        realm=orders.realm.name,
        addresses=addresses_of(orders.realm, load_state(here, orders.realm.name)),
        variables=orders.realm.variables,
        secret_values=values,
        secrets=secrets,
        environment=visible_environment(orders.realm),
        tracing=orders.realm.tracing,
    )
    posts = {
        channel.name: OPENERS[channel.kind](channel, environment=os.environ, secrets=secrets, send=send)
        for channel in orders.channels
    }
    player = Player(orders.scenarios, context, clock)
    return Means(store, player, clock, secrets, tell), posts


def _watch(watched: Watched, means: Means, *, stop: threading.Event, for_s: float, once: bool) -> None:
    with ThreadPoolExecutor(WORKERS) as players, ThreadPoolExecutor(max(1, len(watched.posts))) as postmen:
        watching = Watch(watched, means, players=players, postmen=postmen)
        plan = Plan(watched.monitors, clock=means.clock, enqueue=watching.events.put)
        if once:
            watch_once(watching, plan, stop=stop)
        else:
            watch(watching, plan, stop=stop, clock=means.clock, for_s=for_s)


def _bound_s(bound: str | None) -> float:
    try:
        return math.inf if bound is None else quantity.duration_s(bound)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None


def _subjects(here: Path, scenarios: Iterable[Scenario]) -> dict[str, Subject]:
    """Whom to tell about each scenario: its service, and that service's runbook where there is one."""
    services = read_services(here / "slo")
    runbooks = {name: service.runbook for name, service in services.items()}
    return {
        scenario.name: Subject(scenario.service or "", runbooks.get(scenario.service or "", ""))
        for scenario in scenarios
    }


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of what they did before."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()
        say("stopping: plays under way may finish")

    before = {number: signal.signal(number, ask) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
