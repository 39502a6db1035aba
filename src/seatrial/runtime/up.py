"""`up` and `down`: brings the services of a process realm and their proxies up, and takes them down.

One straight line: what is missing -> ports -> proxies -> processes -> health. The state is saved before
anything is waited for, so that `down` finds even what an interrupted `up` had started. One command at a time has its
turn at a realm: what changes its state reads it within that turn.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import http, template
from seatrial.errors import CannotRun, Unreachable, Unsupported
from seatrial.exchange import Response
from seatrial.realm import CLIENT, Place, Realm, RuntimeKind
from seatrial.runtime import process, proxies
from seatrial.runtime.interrupts import held_back
from seatrial.runtime.lock import ENDING_S, other_holder, require_not_held, require_unused, turn
from seatrial.runtime.ports import free_ports, is_free
from seatrial.runtime.started import tell_started_with
from seatrial.runtime.starts import mentions, nearly_meant, require_started_with, start_variables
from seatrial.runtime.state import (
    FOLDER,
    EdgeState,
    ProcessId,
    ProxyState,
    RealmState,
    ServiceState,
    load_state,
    remove_state,
    save_state,
)
from seatrial.service import Edge

HEALTH_DEADLINE_S = 30.0
HEALTH_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 2.0
MARK = "SEATRIAL_SERVICE"  # in the environment of what is started here: of which workspace, realm and service it is

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Raised:
    """What `up` did: the state, and whether anything had to be started (then `down` is the caller's duty).

    `missing` is what does not run and was not started, because another process breaks things there.
    """

    state: RealmState
    started: bool
    missing: tuple[str, ...] = ()


def up(
    realm: Realm,
    workspace: Path,
    *,
    variables: Mapping[str, Any],
    say: Say,
    on_start: Callable[[], object] = lambda: None,
) -> Raised:
    """Start what of the realm is not up and wait until it is healthy; CannotRun with the log of what is not. While
    another process breaks things there nothing is started: what is down may be meant to be.

    `variables` are laid over the realm's own for the services' start templates; UsageError when services run that
    were started with others, and said where those are not the realm's own. `on_start` is called when nothing of the
    realm runs and it is about to be started.
    """
    if realm.runtime is not RuntimeKind.PROCESS:
        raise Unsupported(
            f"{realm.where}: realm '{realm.name}' is {realm.runtime}; only a process realm is started here"
        )
    for doubt in nearly_meant(realm, variables):
        say(doubt)
    with turn(workspace, realm.name, say=say):
        found = load_state(workspace, realm.name)
        if found and _serves(found) and (told := tell_started_with(realm, workspace, found.variables, variables)):
            say(told)
        state = _begun(realm, found, variables)
        missing = _missing(realm, state)
        if found and (holder := other_holder(workspace, realm.name)):
            left = f"; not started while it is: {', '.join(missing)}" if missing else ""
            say(f"chaos is going on in realm '{realm.name}' ({holder}): what fails there may be its doing{left}")
            return Raised(found, started=False, missing=missing)
        if not missing:
            return Raised(state, started=False)
        if _anything_runs(found):
            return Raised(_completed(realm, workspace, state, say), started=True)
        on_start()
        try:
            return Raised(_completed(realm, workspace, state, say), started=True)
        except BaseException:
            _down(realm, workspace, say)
            raise


def down(realm: Realm, workspace: Path, *, say: Say) -> bool:
    """Stop all of the realm that was started, to the end whatever is interrupted; False when the realm was not up.
    Refused while another process breaks things there, or somebody uses it."""
    if not (workspace / FOLDER).is_dir():
        return False
    require_not_held(workspace, realm.name, within_s=ENDING_S)
    require_unused(workspace, realm.name, within_s=ENDING_S)
    with turn(workspace, realm.name, say=say):
        require_not_held(workspace, realm.name)  # who came while we waited is seen here
        require_unused(workspace, realm.name)
        return _down(realm, workspace, say)


def require_reachable(realm: Realm, state: RealmState | None) -> None:
    """Unreachable when no service of the realm accepts a connection, past the proxies."""
    addresses = direct_addresses(realm, state)
    if not any(reachable(address) for address in addresses.values()):
        listed = ", ".join(f"{name} at {address}" for name, address in addresses.items()) or "it names none"
        raise Unreachable(
            f"{realm.where}: no service of realm '{realm.name}' accepts a connection ({listed}); "
            "start it, or correct its addresses"
        )


def restart_service(realm: Realm, workspace: Path, service: str) -> RealmState:
    """Start one service again where it was (same port, same proxies) and wait until it is healthy."""
    with _without(realm, workspace, service) as state:
        return _with_services(realm, workspace, state, [realm.places[service]], _to_nobody)


def begin_service(realm: Realm, workspace: Path, service: str) -> ServiceState:
    """Start one service that does not run where it was, and wait for nothing: who asked may see whether it starts."""
    with _without(realm, workspace, service) as state:
        return _with_begun(realm, workspace, state, [realm.places[service]], _to_nobody).services[service]


@contextlib.contextmanager
def _without(realm: Realm, workspace: Path, service: str) -> Iterator[RealmState]:
    """Our turn at a realm that is up, one of whose services was ended; CannotRun when it is not up."""
    with turn(workspace, realm.name, say=_to_nobody):
        state = load_state(workspace, realm.name)
        if state is None:
            raise CannotRun(f"realm '{realm.name}' is not up; start it: seatrial up --realm {realm.name}")
        _end_services(realm, workspace, state, [service])
        yield state


def require_healthy(realm: Realm, workspace: Path, service: str) -> None:
    """Wait until one service that was started is healthy; CannotRun with the end of its log when it is not."""
    state = load_state(workspace, realm.name)
    if state is None or service not in state.services:
        raise CannotRun(f"'{service}' is not up; start it: seatrial up --realm {realm.name}")
    _wait_healthy(realm.places[service], state.services[service])


def reachable(address: str) -> bool:
    """Whether anything accepts a connection at the address of a base URL."""
    parts = urllib.parse.urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


def is_down(realm: Realm, workspace: Path) -> bool:
    """Whether it is a process realm of which nothing runs, so that who needs it starts it."""
    return realm.runtime is RuntimeKind.PROCESS and not _anything_runs(load_state(workspace, realm.name))


def direct_addresses(realm: Realm, state: RealmState | None) -> dict[str, str]:
    """Base URL per service past the proxies: what tells whether a service itself is there."""
    fixed = {name: place.url for name, place in realm.places.items() if place.url}
    return fixed | ({name: service.url for name, service in state.services.items()} if state else {})


def _down(realm: Realm, workspace: Path, say: Say) -> bool:
    with held_back():
        state = load_state(workspace, realm.name)
        if state is None:
            return False
        say(f"stopping {', '.join(state.services) or 'the proxies'}")
        _end_services(realm, workspace, state, {*state.services, *(place.service for place in _startable(realm))})
        if state.proxy:
            _end_proxies(state.proxy, state.edges.values(), say=say)
        remove_state(workspace, realm.name)
        return True


def _missing(realm: Realm, state: RealmState) -> tuple[str, ...]:
    """What of the realm does not run."""
    services = [place.service for place in _startable(realm) if not _runs(state, place.service)]
    return (*services, *(() if _has_proxies(state) else ("the proxies",)))


def _completed(realm: Realm, workspace: Path, state: RealmState, say: Say) -> RealmState:
    """The state with everything there: what runs is left alone, the rest is started and waited for."""
    missing = [place for place in _startable(realm) if not _runs(state, place.service)]
    _end_services(realm, workspace, state, [place.service for place in missing])
    if not _has_proxies(state):
        state = _with_proxies(realm, workspace, state)
    return _with_services(realm, workspace, state, missing, say)


def _has_proxies(state: RealmState) -> bool:
    return state.proxy is not None and proxies.proxy_answers(state.proxy.api)


def _begun(realm: Realm, found: RealmState | None, variables: Mapping[str, Any]) -> RealmState:
    """The state to go on from: as it was found, but while no service runs the variables may change."""
    wanted = start_variables(realm, variables)
    if found is None:
        return RealmState(realm.name, variables=wanted)
    if not _serves(found):
        return dataclasses.replace(found, variables=wanted)
    require_started_with(realm, found.variables, variables)
    return found


def _startable(realm: Realm) -> tuple[Place, ...]:
    return tuple(place for place in realm.places.values() if place.start)


def _anything_runs(state: RealmState | None) -> bool:
    if state is None:
        return False
    proxy = state.proxy.process if state.proxy else None
    ours = (*(service.process for service in state.services.values()), *([proxy] if proxy else []))
    return any(map(process.is_alive, ours))


def _serves(state: RealmState) -> bool:
    """Whether any of its services runs."""
    return any(_runs(state, service) for service in state.services)


def _runs(state: RealmState, service: str) -> bool:
    known = state.services.get(service)
    return known is not None and process.is_alive(known.process)


def _with_proxies(realm: Realm, workspace: Path, state: RealmState) -> RealmState:
    """The state with a running proxy before every edge; addresses callers already know stay as they were."""
    hosts = _upstreams(realm, _ports(realm, state))
    upstreams = {edge: hosts[edge.callee] for edge in edges_of(realm)}
    listens = {Edge.parse(name): edge.listen for name, edge in state.edges.items()}
    with held_back():  # a proxy that runs and is not noted could never be stopped
        proxy = _proxy(realm, workspace)
        try:
            edges = proxies.put_before(proxy.api, upstreams, listens=listens)
        except BaseException:
            _end_proxies(proxy, (), say=_to_nobody)
            raise
        state = dataclasses.replace(state, proxy=proxy, edges=edges)
        save_state(workspace, state)
    return state


def _end_services(realm: Realm, workspace: Path, state: RealmState, services: Collection[str]) -> None:
    """Stop those services, and then what of them a command that was killed had started before it noted so: that holds
    their ports."""
    process.stop([state.services[name].process for name in services if name in state.services])
    process.stop([stray for name in services for stray in _marked(workspace, realm.name, name)])


def _end_proxies(proxy: ProxyState, edges: Iterable[EdgeState], *, say: Say) -> None:
    """Stop the proxy process when it is ours; of a Toxiproxy that is not, only our proxies end."""
    if proxy.process:
        process.stop([proxy.process])
        return
    for left in proxies.take_away(proxy.api, edges):
        say(left)


def _proxy(realm: Realm, workspace: Path) -> ProxyState:
    if realm.toxiproxy:
        return ProxyState(api=realm.toxiproxy, process=None)
    return proxies.start_proxy(workspace / FOLDER / "logs" / f"{realm.name}.proxy.log")


def _upstreams(realm: Realm, ports: Mapping[str, int]) -> dict[str, str]:
    """`host:port` of every service a proxy can stand before: our own, and those of which a plain url is known."""
    own = {service: f"127.0.0.1:{port}" for service, port in ports.items()}
    given = {name: urllib.parse.urlsplit(place.url) for name, place in realm.places.items() if place.url}
    plain = {name: parts for name, parts in given.items() if parts.scheme == "http" and parts.hostname}
    return own | {name: f"{parts.hostname}:{parts.port or 80}" for name, parts in plain.items()}


def edges_of(realm: Realm) -> tuple[Edge, ...]:
    """The client's own edge to each service, and those a start template asks for by `via.<service>`."""
    places = _startable(realm)
    names = set(_upstreams(realm, {place.service: 0 for place in places}))
    fronts = [Edge(CLIENT, name) for name in realm.places if name in names]
    inner = [
        Edge(place.service, callee)
        for place in places
        if place.start
        for callee in sorted(mentions(place.start, "via") & names)
    ]
    return (*fronts, *inner)


def _ports(realm: Realm, state: RealmState) -> dict[str, int]:
    """A port per service: the one it had, the one given, else a free one."""
    upstreams = {Edge.parse(edge).callee: known.upstream for edge, known in state.edges.items()}
    known = {service: int(upstream.rpartition(":")[2]) for service, upstream in upstreams.items()}
    wanted = {place.service: place.start.port for place in _startable(realm) if place.start}
    free = iter(free_ports(len(wanted)))
    return {service: known.get(service) or port or next(free) for service, port in wanted.items()}


def _to_nobody(text: str) -> None:
    del text


def _with_services(realm: Realm, workspace: Path, state: RealmState, places: Iterable[Place], say: Say) -> RealmState:
    """The state with those services started; waits until each is healthy."""
    places = tuple(places)
    state = _with_begun(realm, workspace, state, places, say)
    for place in places:
        _wait_healthy(place, state.services[place.service])
    return state


def _with_begun(realm: Realm, workspace: Path, state: RealmState, places: Iterable[Place], say: Say) -> RealmState:
    """The state with those services started, healthy or not."""
    ports = _ports(realm, state)
    for place in places:
        again = " again: it was not running any more," if place.service in state.services else ""
        say(f"starting {place.service}{again} on port {ports[place.service]}")
        _require_free(place, ports[place.service])
        with held_back():  # a process that runs and is not noted could never be stopped
            started = _start(place, realm, workspace, state=state, port=ports[place.service])
            state = dataclasses.replace(state, services={**state.services, place.service: started})
            save_state(workspace, state)
    return state


def _require_free(place: Place, port: int) -> None:
    """CannotRun when somebody else listens there: its answers would be taken for the service's own."""
    if not is_free(port):
        raise CannotRun(
            f"{place.where}: port {port} of 127.0.0.1, where '{place.service}' was to be started, is in use by "
            f"something else; end that, or give '{place.service}' another port"
        )


def _start(place: Place, realm: Realm, workspace: Path, *, state: RealmState, port: int) -> ServiceState:
    if place.start is None:
        raise CannotRun(f"{place.where}: '{place.service}' has no `start`; only its url is known")
    names = _names(place.service, realm, state, port=port)
    command = [template.render_text(word, names) for word in place.start.command]
    env = {key: template.render_text(value, names) for key, value in place.start.env.items()}
    log = workspace / FOLDER / "logs" / f"{realm.name}.{place.service}.log"
    env[MARK] = _mark(workspace, realm.name, place.service)
    since = process.logged(log)
    running = process.spawn(command, env=env, cwd=workspace, log=log)
    return ServiceState(place.service, running, port, f"http://127.0.0.1:{port}", str(log), since)


def _mark(workspace: Path, realm: str, service: str) -> str:
    return f"{workspace.resolve()}:{realm}:{service}"


def _marked(workspace: Path, realm: str, service: str) -> tuple[ProcessId, ...]:
    return process.find_marked(MARK, _mark(workspace, realm, service))


def _names(service: str, realm: Realm, state: RealmState, *, port: int) -> dict[str, Any]:
    """What a start template may mention."""
    via = {
        Edge.parse(name).callee: f"http://{edge.listen}"
        for name, edge in state.edges.items()
        if Edge.parse(name).caller == service
    }
    variables = {**realm.variables, **state.variables}
    return {"port": port, "via": via, "vars": variables, "python": sys.executable, "service": service}


def _wait_healthy(place: Place, service: ServiceState) -> None:
    end = time.monotonic() + HEALTH_DEADLINE_S
    while time.monotonic() < end:
        answer = http.get(f"{service.url}{place.health}", timeout_s=HEALTH_TIMEOUT_S)
        if isinstance(answer, Response) and answer.status < 400:
            return
        if not process.is_alive(service.process):
            break
        time.sleep(0.05)
    raise CannotRun(
        f"{place.where}: service '{place.service}' did not become healthy at {service.url}{place.health}; "
        f"{service.log} has of it:\n{process.tail(Path(service.log), since=service.log_since)}"
    )
