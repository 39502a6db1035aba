"""The journeys as users of plain Locust, for `locust -f scenarios/locustfile.py`.

Takes a workspace, gives Locust's user classes, one a journey; runner, statistics and page are Locust's. Plays the
same journeys over the same client as a load of ours, and tells Locust of every request by its step's name and route.
Judges nothing, records no run. May import locust (the room's fence); nothing of seatrial's own load imports it.
"""

from __future__ import annotations

import locust  # isort: skip - as in child.py

import logging
import os
import re
import sys
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gevent

from seatrial.errors import CannotRun, SeatrialError
from seatrial.realm import Realm
from seatrial.redact import Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import addresses_of, load_state
from seatrial.sample import Phase
from seatrial.scenarios.load.child_http import LoadClient
from seatrial.scenarios.load.child_play import Player
from seatrial.scenarios.load.mix import Mix, permit
from seatrial.scenarios.load.order import FINISH_WITHIN_S, LoadOrder
from seatrial.scenarios.load.pace import Curve, Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.recorder import Ended, Mark, Recorder, Series
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.load.spread import part
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.load.turns import Turns
from seatrial.scenarios.model import Scenario, every_step
from seatrial.scenarios.prepared import Prepared, prepare
from seatrial.scenarios.read import read_scenarios

REALM = "SEATRIAL_REALM"
_PROFILE = Profile("locust", Model.CLOSED, {}, (Stage(Phase.HOLD, 1.0, 1.0),))  # Locust's own options are the profile
_Preparations = Iterable[tuple[Scenario, Mapping[int, Prepared]]]
log = logging.getLogger("seatrial.load")


def users(workspace: Path) -> dict[str, type[Any]]:
    """A class for each journey that may be played as load in the realm SEATRIAL_REALM names (else the default one),
    by the class's name; the others are left out with a line in the log. With none, or with a mistake in a document,
    the process ends with a sentence on stderr and the exit status for it."""
    try:
        return _users(workspace)
    except SeatrialError as error:  # Locust imports the file, and would show a traceback
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(int(error.exit_code)) from None


def _users(workspace: Path) -> dict[str, type[Any]]:
    realm = choose_realm(read_realms(workspace), os.environ.get(REALM))
    scenarios = tuple(_permitted(read_scenarios(workspace / "scenarios"), realm))
    if not scenarios:
        raise CannotRun(f"{workspace}: no journey may be played as load in realm '{realm.name}'; the log says why")
    stage = _Stage(_order(workspace, realm), scenarios)
    locust.events.init.add_listener(_set_clock)
    return {name: _user(name, scenario, stage) for name, scenario in _named(scenarios)}


def _set_clock(**_: Any) -> None:
    """Right before Locust starts its clock: gevent's own stands still while a file is imported, and whatever that
    took would be missing from `--run-time`."""
    gevent.get_hub().loop.update_now()


def _permitted(scenarios: Iterable[Scenario], realm: Realm) -> Iterator[Scenario]:
    for scenario in scenarios:
        try:
            permit(_PROFILE, Mix((scenario,), (1.0,)), realm)
        except SeatrialError as error:
            log.warning("'%s' is left out: %s", scenario.name, error)
        else:
            yield scenario


def _named(scenarios: Iterable[Scenario]) -> Iterator[tuple[str, Scenario]]:
    """`pay with a card` is PayWithACard; of two that would be the same, the second has a number."""
    taken: set[str] = set()
    for scenario in scenarios:
        words = re.findall(r"[A-Za-z0-9]+", scenario.name)
        plain = "".join(word[0].upper() + word[1:] for word in words)
        name = plain if plain.isidentifier() else f"Journey{plain}"
        while name in taken:
            name = f"{name}{len(taken)}"
        taken.add(name)
        yield name, scenario


def _order(workspace: Path, realm: Realm) -> LoadOrder:
    return LoadOrder(
        run="locust",
        workspace=workspace,
        profile=_PROFILE,
        realm=realm.name,
        addresses=addresses_of(realm, load_state(workspace, realm.name)),
        variables=realm.variables,
        secret_values=resolve_secrets(realm, workspace, Secrets()),
        max_requests_per_s=realm.allows.max_rate_per_s,
        environment=visible_environment(realm),
        tracing=realm.tracing,
    )


def _user(name: str, scenario: Scenario, stage: _Stage) -> type[Any]:
    """A class that plays one journey again and again, thinking as its `load` block wishes."""

    def wait_time(user: Any) -> float:
        return stage.troupe(user.environment).player.think_s(scenario)

    def journey(user: Any) -> None:
        stage.troupe(user.environment).play(scenario)

    words = {
        "__doc__": f"'{scenario.name}', {scenario.file}",
        "__module__": __name__,
        "host": stage.order.addresses.get(next(every_step(scenario)).service),
        "weight": scenario.load.weight,
        "wait_time": wait_time,
        "tasks": [journey],
    }
    return type(name, (locust.User,), words)


class _Stage:
    """What all users of this process share. What takes time is made at once, while Locust reads its file; the rest
    when the first of them plays: only then Locust knows how many processes there are."""

    def __init__(self, order: LoadOrder, scenarios: Iterable[Scenario]) -> None:
        self.order = order
        self._prepared = tuple((scenario, prepare(scenario, order.tracing)) for scenario in scenarios)
        self._troupes: weakref.WeakKeyDictionary[Any, _Troupe] = weakref.WeakKeyDictionary()

    def troupe(self, environment: Any) -> _Troupe:
        """Those of one environment of Locust's."""
        if environment not in self._troupes:
            self._troupes[environment] = _Troupe(self.order, environment, self._prepared)
        return self._troupes[environment]


class _Troupe:
    """A player and the rows it takes turns with; of several processes each has its part of the rows and the rate."""

    def __init__(self, order: LoadOrder, environment: Any, prepared: _Preparations) -> None:
        share = _share(environment)
        timeline = Timeline(Curve(()), share=share)
        timeline.begin(time.monotonic(), time.time())
        mine = part(order, share.worker, share.workers)
        self.player = Player(mine, LoadClient(), _Telling(environment), timeline)
        for scenario, steps in prepared:
            self.player.prepare(scenario, steps)
        self._turns = Turns(share, None)

    def play(self, scenario: Scenario) -> None:
        """One play. Locust may end a user in the middle of it: what the target has seen by then must be counted too,
        so the play goes on to its end, for a bounded time."""
        playing = gevent.spawn(self._play, scenario)
        try:
            playing.get()
        except gevent.GreenletExit:
            playing.join(FINISH_WITHIN_S)
            playing.kill()
            raise

    def _play(self, scenario: Scenario) -> None:
        """One play, if a row is free."""
        turn = self._turns.take(scenario)
        if turn is None:
            return
        try:
            self.player.play(turn.scenario, due_at=time.monotonic())
        finally:
            self._turns.back(turn)


class _Failed(Exception):
    """A cause in one word: Locust's table of errors shows the `repr` of what it is given."""

    def __repr__(self) -> str:
        return str(self)


class _Telling(Recorder):
    """Tells Locust of every request instead of counting it, from its sending on; a poll has no time of its own."""

    def __init__(self, environment: Any) -> None:
        super().__init__("locust", {})
        self._request = environment.events.request

    def ended(self, mark: Mark, series: Series, *, second: int, end: Ended) -> None:
        """One request, failed when an expectation or the exchange did."""
        del mark, second
        self._tell(series, {"response_time": end.service_us / 1000, "response_length": end.bytes_in}, end.cause)

    def polled(self, mark: Mark, series: Series, *, second: int) -> None:
        """One that was sent again: no failure."""
        del mark, second
        self._tell(series, {"response_time": None, "response_length": 0}, None)

    def _tell(self, series: Series, measured: Mapping[str, object], cause: str | None) -> None:
        exception = _Failed(cause) if cause else None
        name = f"{series.step} {series.route}"
        self._request.fire(request_type=series.method, name=name, exception=exception, context={}, **measured)


def _share(environment: Any) -> Share:
    """With `--processes N` the part of this one; Locust tells the workers of many machines not how many they are."""
    wanted = getattr(environment.parsed_options, "processes", None) or 1
    workers = (os.cpu_count() or 1) if wanted < 0 else wanted
    return Share(environment.runner.worker_index % workers, workers)
