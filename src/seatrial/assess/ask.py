"""Asks the realm's Prometheus for what objectives want of it, once, when the hold is over, about the hold.

Takes a bridge, gives nothing back but what it recorded: a `Queried` for each objective, so that the run can be judged
from its journal alone. A server that does not answer is a record too; it must never end a run.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import http, template
from seatrial.assess.plan import Plan
from seatrial.assess.stage import Bridge
from seatrial.errors import DocumentError, Where
from seatrial.exchange import Broken, Request
from seatrial.realm import MetricsServer
from seatrial.sample import Queried
from seatrial.service import PointObjective
from seatrial.slo import prometheus
from seatrial.slo.measure import LOAD
from seatrial.slo.points import with_queries

MAX_ANSWER_BYTES = 1 << 20
"""One value is some hundred bytes; a query that gives a megabyte of series is a mistake."""


def require_metrics(plan: Plan) -> None:
    """DocumentError, before anything is sent, for a query that nobody in this realm can answer."""
    if plan.realm.prometheus is not None:
        return
    for service, objective in with_queries(plan.services.values()):
        problem = f"'{service}.{objective.name}' asks Prometheus, and the realm '{plan.realm.name}' has none"
        hint = "add `prometheus: http://...` to the realm, or assess other services with --service"
        raise DocumentError(objective.where or Where("slo", 1, 1), problem, hint)


def ask_queries(bridge: Bridge) -> None:
    """Ask for every objective of the plan that has a query, and record what came of it."""
    seconds = bridge.recorder.measures().seconds_of(LOAD)
    server = bridge.plan.realm.prometheus
    wanted = tuple(with_queries(bridge.plan.services.values()))
    if not (seconds and server and wanted):
        return
    headers = tuple(_headers(bridge, server))
    with http.open_client() as client:
        for service, objective in wanted:
            query = _query(bridge, service, objective, range_s=len(seconds))
            request = _request(server, headers, prometheus.form(query, seconds[-1] + 1.0))
            value, problem = _ask(bridge, client, request)
            record = Queried(
                run=bridge.run.name,
                service=service,
                objective=objective.name,
                query=objective.query,
                asked=query,
                at=seconds[-1] + 1.0,
                range_s=len(seconds),
                value=value,
                problem=problem,
            )
            bridge.recorder.write(record)


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


def _request(server: MetricsServer, headers: tuple[tuple[str, str], ...], body: bytes) -> Request:
    return Request(
        "POST",
        server.url + prometheus.PATH,
        headers,
        body,
        server.timeout_s,
        max_body_bytes=MAX_ANSWER_BYTES,
    )


def _ask(bridge: Bridge, client: http.Client, request: Request) -> tuple[float | None, str]:
    """The value, or the sentence of why there is none."""
    if bridge.budget.is_over:
        return None, f"no value: not asked, {bridge.budget.over}"
    answer = client.send(request)
    if isinstance(answer, Broken):
        said = f"{request.url} did not answer: {answer.cause}: {answer.detail}"
        return None, bridge.context.secrets.redact(f"no value: {said}")
    try:
        return prometheus.value_of(answer.status, answer.body), ""
    except ValueError as error:
        return None, bridge.context.secrets.redact(f"no value: {error}")
