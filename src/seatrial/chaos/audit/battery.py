"""The battery: the strains of a system's edges, chosen by `--only`, each as an experiment with control and recovery.

Pure; may import the floor and the chaos room's words.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from seatrial.chaos.audit.families import DEFECTS, UNTRIABLE
from seatrial.chaos.audit.model import NOTHING_PROMISED, Kind, Observation, Strain
from seatrial.chaos.audit.signatures import SIGNATURES, UNAWAITED
from seatrial.chaos.audit.view import PATIENCE_S, PATIENT_RATIO, requests_of, waited_for
from seatrial.chaos.expectations import Expectations
from seatrial.chaos.model import (
    Down,
    EdgeFault,
    EdgeSettings,
    Experiment,
    FaultKind,
    HttpDelay,
    HttpError,
    HttpTruncate,
    Injection,
    Latency,
    ResetPeer,
    Selection,
    ServiceFault,
    Slicer,
    Stream,
    Timeout,
)
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen import traffic
from seatrial.chaos.service_settings import Kill, ServiceSettings, Stop
from seatrial.chaos.verify import EXPIRED, Seen, span_of
from seatrial.errors import UsageError, did_you_mean
from seatrial.realm import Place
from seatrial.sample import Connections, EdgeCall, Interval, Sample
from seatrial.service import Edge, Service, edge_hint, edges

CONTROL_S = 2.0
HEALTH, START = "health", "start"  # the steps by which a health path is asked
UNCALLED = "no journey of the traffic calls it"
SLOW_RATIO = 0.88  # of the promised timeout: most breakers count that as slow, no sensible timeout has passed
CROWD_RATIO = 0.5  # of the promised timeout: no breaker minds, and calls pile up
CROWD_GOES_S = 1.0  # longer than others its recovery is watched: many requests have piled up
USUAL_TIMEOUT_S = 0.4  # where none is promised
DRIP_BYTES = 12
DRIP_RATIO = 0.2  # of the promised timeout, between two pieces: no read waits for long, the whole answer takes long
TRUNCATE_BYTES = 10
JSON = (("Content-Type", "application/json"),)
"""A caller that cannot read the body takes it for a broken answer, and says nothing of the status."""
WAITING_RATIO = 0.6  # of the promised timeout: requests are under way for long, and no breaker minds
TERM_AT_S, OUT_AT_S, OUT_S = 1.5, 2.0, 1.0  # then the dependency is out, and the caller is started without it
LATE_S, CUT_AT_S = 1.8, 2.3  # calls wait; then they are answered, and their connections idle
CUT_S = 0.01  # so short that hardly a request is refused: five in a row may open a breaker
LOST_RATIO = 4.0  # of the promised timeout
LASTS_S = {
    Kind.REFUSE: 3.0,
    Kind.DRIP: 3.5,
    Kind.TRUNCATE: 3.0,
    Kind.LOST: 3.0,
    Kind.CUT: 2.4,
    Kind.CROWD: 4.0,
    Kind.RESTART: 3.1,
}
"""How long those last that no breaker needs to have opened by; the others last for its window and longer."""
ONCE = (Kind.CROWD, Kind.RESTART)
"""Those that are about the caller as a whole: made on the edge that it needs and waits for longest."""
TRIED = tuple(dict.fromkeys(signature.kind for signature in SIGNATURES))
BY_NAME = (Kind.HANG_UPSTREAM, Kind.RESET, Kind.KILL, Kind.PAUSE)
"""Tried only where `only` names them: what they show, others show in less time or without touching the callee."""
STANDARD = tuple(kind for kind in TRIED if kind not in BY_NAME)


AT_THE_CALLEE: Mapping[Kind, ServiceSettings] = {Kind.KILL: Kill(), Kind.PAUSE: Stop()}


def strains(services: Mapping[str, Service], only: Sequence[str] = ()) -> tuple[Strain, ...]:
    """Every strain of every edge of the graph that `only` leaves in: an edge, a fault of the battery, or a defect's
    number; of one sort any, of several sorts all. UsageError for a word that is none of them."""
    known = edges(services.values())
    wanted_edges = {_edge(word, known) for word in only if "->" in word}
    wanted_kinds = {_kind(word, known) for word in only if "->" not in word and not word.isdecimal()}
    exposing = {kind for word in only if word.isdecimal() for kind in _exposing(word)}
    longest = {_longest_waited_for(service) for service in services.values()}
    every = (_strain(edge, kind, services[edge.caller]) for edge in known for kind in TRIED)
    return tuple(
        strain
        for strain in every
        if (not wanted_edges or strain.edge in wanted_edges)
        and (not wanted_kinds or strain.kind in wanted_kinds)
        and (not exposing or strain.kind in exposing)
        and (strain.kind in STANDARD or strain.kind in wanted_kinds)
        and any(signature.is_about(strain) for signature in SIGNATURES)
        and (strain.kind not in ONCE or strain.edge in longest)
    )


def experiment_of(strain: Strain) -> Experiment:
    """The strain as an experiment that expects nothing: what it shows is read by signatures."""
    watched_s = 1.2 * strain.breaker.open_for_s + 0.2 + (CROWD_GOES_S if strain.kind is Kind.CROWD else 0.0)
    return Experiment(
        name=strain.name,
        method=_method(strain),
        expectations=Expectations(recovered_within_s=watched_s),
        baseline_s=CONTROL_S,
    )


def why_left_out(strain: Strain, usual: Sequence[EdgeCall]) -> str:
    """Why a strain would show nothing, by the calls without any fault; empty when it may."""
    on_edge = traffic.on_edge(usual, strain.edge)
    if not on_edge:
        return UNCALLED
    if strain.kind is Kind.LOST and not any(call.method == "POST" for call in on_edge):
        return "no journey of the traffic sends it a POST"
    needs_waiting = all(signature.of_waiting for signature in SIGNATURES if signature.is_about(strain))
    if needs_waiting and not waited_for(requests_of(usual, strain.edge, before=math.inf)):
        return UNAWAITED
    return ""


def observe(
    strain: Strain,
    seen: Seen,
    *,
    health: tuple[Sample, ...] = (),
    answers: tuple[Interval, ...] = (),
    connections: tuple[Connections, ...] = (),
    late_s: float = 0.0,
    why_not: str = "",
) -> Observation:
    """What was recorded of a strain, of all the `connections` that were counted; `health` is what was asked of its
    health path, also at its starts. Nothing can be read where its fault did not last, or calls are missing."""
    if not seen.windows:
        return Observation(strain, why_not=why_not or "it was not tried")
    if any(window.ended == EXPIRED for window in seen.windows):
        why_not = "the fault's lease ran out by itself (a starved machine?)"
    elif seen.lost:
        why_not = f"{seen.lost:,} events of the proxies were lost before they were read"
    return Observation(
        strain,
        seen.calls,
        span_of(seen.windows),
        why_not,
        tuple(asked for asked in health if asked.step == HEALTH),
        stopped_at=_began_at(seen, FaultKind.KILL),
        answers=answers,
        connections=_during(seen, connections, strain.edge),
        cut_at=_began_at(seen, FaultKind.DOWN),
        starts=tuple(asked for asked in health if asked.step == START),
        late_s=late_s,
    )


def _during(seen: Seen, connections: Iterable[Connections], edge: Edge) -> tuple[Connections, ...]:
    """What was counted at the edge while its calls were recorded."""
    began = [call.started_at for call in seen.calls]
    since, until = min(began, default=math.inf), max(began, default=-math.inf)
    return tuple(each for each in connections if each.edge == str(edge) and since <= each.at <= until)


def _began_at(seen: Seen, kind: FaultKind) -> float | None:
    return min((window.started_at for window in seen.windows if window.kind == kind), default=None)


def health_asked(strain: Strain, place: Place | None) -> str | None:
    """Which path of the caller is asked how it is meanwhile: whether it is up without what is optional, whether it is
    ready without what it needs. None for no path."""
    if place is not None and strain.kind is Kind.REFUSE:
        return place.health
    return place.ready if place is not None and strain.kind is Kind.SERVER_ERROR and not strain.optional else None


def checked_of(strain: Strain) -> Checked:
    """The strain's experiment, its names known: they come from the graph itself."""
    edge = strain.edge
    return Checked(experiment_of(strain), (), (), {}, {str(edge): (edge,), edge.caller: (), edge.callee: (edge,)})


def _method(strain: Strain) -> tuple[Injection, ...]:
    """What is injected when."""
    edge, kind, lasts_s = strain.edge, strain.kind, _lasts_s(strain)
    if kind in AT_THE_CALLEE:
        return (Injection(0.0, lasts_s, ServiceFault(edge.callee, AT_THE_CALLEE[kind])),)
    on_edge = [EdgeFault(edge, settings) for settings in _settings(strain)]
    if kind is Kind.CUT:
        return Injection(0.0, LATE_S, *on_edge), Injection(CUT_AT_S, CUT_S, EdgeFault(edge, Down()))
    if kind is Kind.RESTART:
        # The one that ended is started while its dependency is out; healing starts what does not run then.
        ended = Injection(TERM_AT_S, lasts_s - TERM_AT_S, ServiceFault(edge.caller, Kill("TERM")))
        return Injection(0.0, OUT_AT_S, *on_edge), ended, Injection(OUT_AT_S, OUT_S, EdgeFault(edge, Down()))
    return tuple(Injection(0.0, lasts_s, fault) for fault in on_edge)


def _settings(strain: Strain) -> tuple[EdgeSettings, ...]:
    """What is done to the edge, all at once; of several HTTP faults the first that hits a request answers it."""
    timeout_s = strain.promised.timeout_s or USUAL_TIMEOUT_S
    every: dict[Kind, tuple[EdgeSettings, ...]] = {
        Kind.SLOW: (Latency(SLOW_RATIO * timeout_s),),
        Kind.HANG: (Timeout(0.0),),
        Kind.HANG_UPSTREAM: (Timeout(0.0, Stream.UPSTREAM),),
        Kind.RESET: (ResetPeer(0.0),),
        Kind.REFUSE: (Down(),),
        Kind.DRIP: (Slicer(DRIP_BYTES, delay_s=DRIP_RATIO * timeout_s),),
        # so few that no breaker opens
        Kind.TRUNCATE: (HttpTruncate(TRUNCATE_BYTES, selection=Selection(every=3)),),
        Kind.SERVER_ERROR: (HttpError(503, body="{}", headers=JSON),),
        Kind.CLIENT_ERROR: (HttpError(404, body="{}", headers=JSON),),
        # two of three: every third, and of the others every second
        Kind.PARTIAL: tuple(
            HttpError(503, body="{}", headers=JSON, selection=Selection(every=every)) for every in (3, 2)
        ),
        Kind.CROWD: (Latency(CROWD_RATIO * timeout_s),),
        Kind.RESTART: (Latency(WAITING_RATIO * timeout_s),),
        Kind.CUT: (Latency(WAITING_RATIO * timeout_s),),
        Kind.LOST: (HttpDelay(LOST_RATIO * timeout_s, selection=Selection(method="POST")),),
    }
    return every[strain.kind]


def _lasts_s(strain: Strain) -> float:
    """A breaker has opened and been open for its time once; a call without a timeout has shown that it has none."""
    promise = strain.breaker
    if strain.kind in (Kind.HANG, Kind.HANG_UPSTREAM, Kind.PAUSE):
        patience_s = max(PATIENCE_S, PATIENT_RATIO * (strain.promised.timeout_s or 0.0))
        return max(8.0, promise.window_s + promise.open_for_s + 1.5, 2 * patience_s)
    if strain.kind is Kind.CLIENT_ERROR:
        return max(4.0, 0.8 * promise.window_s)
    return LASTS_S.get(strain.kind, promise.window_s + 0.5)


def _strain(edge: Edge, kind: Kind, caller: Service) -> Strain:
    optional = any(item.optional for item in caller.depends_on if item.service == edge.callee)
    return Strain(edge, kind, caller.mechanisms.get(edge.callee, NOTHING_PROMISED), optional)


def _longest_waited_for(caller: Service) -> Edge | None:
    """The edge to what a caller needs and promises to wait for longest; the first of several."""
    needed = [item.service for item in caller.depends_on if not item.optional]

    def timeout_s(name: str) -> float:
        return caller.mechanisms.get(name, NOTHING_PROMISED).timeout_s or USUAL_TIMEOUT_S

    return Edge(caller.name, max(needed, key=timeout_s)) if needed else None


def _edge(word: str, known: Sequence[Edge]) -> Edge:
    caller, _, callee = word.replace(" ", "").partition("->")
    edge = Edge(caller, callee)
    if edge not in known:
        raise UsageError(f"--only: unknown edge '{word}'; {edge_hint(edge, known) or 'there is none'}")
    return edge


def _kind(word: str, known: Iterable[Edge]) -> Kind:
    if word in TRIED:
        return Kind(word)
    hint = did_you_mean(word, map(str, (*TRIED, *known)))
    raise UsageError(f"--only: '{word}' is no edge, fault or defect; {hint}")


def _exposing(word: str) -> Iterable[Kind]:
    """The strains that expose the defect of that number."""
    number = int(word)
    kinds = {signature.kind for signature in SIGNATURES if number in signature.family.numbers}
    if not kinds and number in UNTRIABLE:
        raise UsageError(f"--only: defect {number} ({DEFECTS[number]}) is tried by no audit: {UNTRIABLE[number]}")
    if not kinds:
        raise UsageError(f"--only: there is no defect {number}; numbers are those of docs/audit.md")
    return kinds
