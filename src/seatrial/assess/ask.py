"""Asks the realm's Prometheus for what objectives want of it, once, when the hold is over, about the hold.

Takes a bridge, gives nothing back but what it recorded: a `Queried` for each objective, so that the run can be judged
from its journal alone. A server that does not answer is a record too; it must never end a run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial import http, template
from seatrial.assess.plan import Plan
from seatrial.assess.stage import Bridge
from seatrial.errors import DocumentError, Where
from seatrial.exchange import Broken, Request, Response
from seatrial.realm import MetricsServer
from seatrial.sample import Queried
from seatrial.service import PointObjective
from seatrial.slo import prometheus
from seatrial.slo.measure import LOAD
from seatrial.slo.points import with_queries

MAX_ANSWER_BYTES = 1 << 20
"""One value is some hundred bytes; a query that gives a megabyte of series is a mistake."""


REHEARSED_S = 60
"""The hold that a query is tried with; what it gives then is not looked at."""


def require_metrics(plan: Plan) -> None:
    """DocumentError, before anything is sent, for a query that nobody in this realm can answer."""
    if plan.realm.prometheus is not None:
        return
    for service, objective in with_queries(plan.services.values()):
        problem = f"'{service}.{objective.name}' asks Prometheus, and the realm '{plan.realm.name}' has none"
        hint = "add `prometheus: http://...` to the realm, or assess other services with --service"
        raise DocumentError(objective.where or Where("slo", 1, 1), problem, hint)


def try_queries(bridge: Bridge) -> None:
    """Ask every query once before the load: DocumentError for one the server cannot read, a word where it does not
    answer. That there is no data yet is nothing to tell."""
    server, now = bridge.plan.realm.prometheus, bridge.clock.now()
    if server is None:
        return
    with http.open_client() as client:
        for service, objective in with_queries(bridge.plan.services.values()):
            _, asked = _request(bridge, server, _Asking(service, objective, range_s=REHEARSED_S, at=now))
            answer = client.send(asked)
            if isinstance(answer, Broken):
                bridge.say(bridge.context.secrets.redact(f"warning: {_unanswered(asked, answer)}"))
                return
            with contextlib.suppress(ValueError):
                _require_readable(bridge, objective, answer)


def ask_queries(bridge: Bridge) -> None:
    """Ask for every objective of the plan that has a query, and record what came of it."""
    seconds = bridge.recorder.measures().seconds_of(LOAD)
    server = bridge.plan.realm.prometheus
    if not seconds or server is None:
        return
    with http.open_client() as client:
        for service, objective in with_queries(bridge.plan.services.values()):
            asking = _Asking(service, objective, range_s=len(seconds), at=seconds[-1] + 1.0)
            query, request = _request(bridge, server, asking)
            value, problem = _ask(bridge, client, request)
            bridge.recorder.write(asking.answered(bridge.run.name, query, value=value, problem=problem))


@dataclass(frozen=True, slots=True)
class _Asking:
    """One objective's query about the `range_s` seconds before `at`."""

    service: str
    objective: PointObjective
    range_s: int
    at: float

    def answered(self, run: str, asked: str, *, value: float | None, problem: str) -> Queried:
        return Queried(
            run=run,
            service=self.service,
            objective=self.objective.name,
            query=self.objective.query,
            asked=asked,
            at=self.at,
            range_s=self.range_s,
            value=value,
            problem=problem,
        )


def _require_readable(bridge: Bridge, objective: PointObjective, answer: Response) -> None:
    try:
        prometheus.value_of(answer.status, answer.body)
    except prometheus.NotAQuery as error:
        where = objective.where or Where("slo", 1, 1)
        said = bridge.context.secrets.redact(f"the query of '{objective.name}' cannot be read: {error}")
        raise DocumentError(where, said, "try it in Prometheus' own page") from None


def _request(bridge: Bridge, server: MetricsServer, asking: _Asking) -> tuple[str, Request]:
    """The query as it is asked, and the request that asks it."""
    query = _query(bridge, asking.service, asking.objective, range_s=asking.range_s)
    request = Request(
        "POST",
        server.url + prometheus.PATH,
        tuple(_headers(bridge, server)),
        prometheus.form(query, asking.at),
        server.timeout_s,
        max_body_bytes=MAX_ANSWER_BYTES,
    )
    return query, request


def _unanswered(request: Request, answer: Broken) -> str:
    return f"{request.url} did not answer: {answer.cause}: {answer.detail}"


def _query(bridge: Bridge, service: str, objective: PointObjective, *, range_s: int) -> str:
    values = {
        "hold": f"{range_s}s",
        "realm": bridge.plan.realm.name,
        "service": service,
        "revision": bridge.revisions.get(service, ""),
    }
    return prometheus.fill(objective.query, values)


def _headers(bridge: Bridge, server: MetricsServer) -> Iterator[tuple[str, str]]:
    context = bridge.context
    scope = {"secrets": context.secret_values, "vars": {**context.variables, **context.overrides}}
    yield "Content-Type", "application/x-www-form-urlencoded"
    for name, text in server.headers:
        yield name, template.render_text(text, scope, server.where or Where("realms.yaml", 1, 1))


def _ask(bridge: Bridge, client: http.Client, request: Request) -> tuple[float | None, str]:
    """The value, or the sentence of why there is none."""
    if bridge.budget.is_over:
        return None, f"no value: not asked, {bridge.budget.over}"
    answer = client.send(request)
    if isinstance(answer, Broken):
        return None, bridge.context.secrets.redact(f"no value: {_unanswered(request, answer)}")
    try:
        return prometheus.value_of(answer.status, answer.body), ""
    except ValueError as error:
        return None, bridge.context.secrets.redact(f"no value: {error}")
