"""What objectives ask a metrics server is asked once, about the hold, and whatever comes of it is kept."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial import journal
from seatrial.assess.ask import ask_queries, require_metrics, try_queries
from seatrial.assess.budget import budget
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.stage import Bridge
from seatrial.errors import DocumentError
from seatrial.journal import Run
from seatrial.realm import MetricsServer
from seatrial.redact import Secrets
from seatrial.sample import Queried
from seatrial.scenarios.moves import Context

START = 1_700_000_000
TOKEN = "tok-4f9a1c77d2"
OBJECTIVES = """\
service: shop
objectives:
  - {name: live, limit: 1%, indicator: prometheus,
     query: 'sum(rate(x{r="$realm",s="$service",v="$revision"}[$hold]))'}
  - {name: available, indicator: errors, limit: 10%}
"""


class Metrics(BaseHTTPRequestHandler):
    """Answers every query with `server.answer`, and remembers what was asked, and from where."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.callers.add(self.client_address)
        self.server.asked.append((self.path, form, self.headers.get("Authorization")))
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay silent."""


class Server(ThreadingHTTPServer):
    """Where an answer is too large the caller hangs up in the middle, which is nothing to report."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def metrics():
    server = Server(("127.0.0.1", 0), Metrics)
    server.asked, server.answer, server.callers = [], _answer("0.004"), set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _answer(text):
    result = [{"metric": {}, "value": [START, text]}]
    return 200, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


@pytest.fixture
def bridged(workspace, recorder, clock, tmp_path, metrics):
    """A bridge to that server; what it says is in `told`."""

    def run(*, at_most_s=None, server=None, objectives=OBJECTIVES):
        (workspace / "slo" / "shop.yaml").write_text(objectives)
        (workspace / "slo" / "gate.yaml").write_text("gate: default\nload: {profile: some}\n")
        plan = read_plan(workspace, Asked())
        url = server or f"http://127.0.0.1:{metrics.server_port}"
        known = MetricsServer(url, (("Authorization", "Bearer {{ secrets.token }}"),), timeout_s=5.0)
        plan = dataclasses.replace(plan, realm=dataclasses.replace(plan.realm, prometheus=known))
        secrets = Secrets()
        secrets.add("token", TOKEN)
        context = Context("here", {}, secret_values={"token": TOKEN}, secrets=secrets)
        within = budget(clock, at_most_s)
        clock.sleep(1.0)
        told = []
        return Bridge(
            plan, Run(tmp_path), recorder, context, None, clock, told.append, print, within, {"shop": "abc123"}
        ), told

    return run


@pytest.fixture
def asking(bridged, recorder, records, tmp_path):
    """Holds for 20 s, asks, and gives the records that were kept."""

    def run(*, held=20, **changes):
        bridge, _ = bridged(**changes)
        for second in range(held):
            recorder.write(*records.second(second))
        ask_queries(bridge)
        return [record for record in journal.read(tmp_path / "journal.jsonl") if isinstance(record, Queried)]

    return run


def test_a_query_is_asked_about_exactly_the_hold_with_its_variables_filled_in(asking, metrics):
    (record,) = asking()
    query = 'sum(rate(x{r="here",s="shop",v="abc123"}[20s]))'
    assert metrics.asked == [
        ("/api/v1/query", {"query": [query], "time": [f"{START + 20}.000"]}, f"Bearer {TOKEN}"),
    ]
    assert (record.service, record.objective, record.value, record.problem) == ("shop", "live", 0.004, "")
    assert (record.asked, record.at, record.range_s) == (query, START + 20, 20)
    assert record.query.endswith("[$hold]))")


def test_what_a_server_refuses_is_kept_without_the_secret_it_may_show(asking, metrics):
    refusal = {"status": "error", "errorType": "bad_data", "error": f"no access with {TOKEN}"}
    metrics.answer = (403, json.dumps(refusal).encode())
    (record,) = asking()
    assert record.value is None
    assert record.problem == "no value: the server answered 403 with 'bad_data: no access with ***(token)'"


def test_a_server_that_is_not_there_is_kept_as_a_problem(asking):
    (record,) = asking(server="http://127.0.0.1:1")
    assert record.value is None
    assert record.problem.startswith("no value: http://127.0.0.1:1/api/v1/query did not answer: refused")


def test_an_answer_too_large_to_be_one_value_is_kept_as_a_problem(asking, metrics):
    metrics.answer = (200, b" " * (2 << 20))
    (record,) = asking()
    assert "did not answer: too_large" in record.problem


def test_nothing_is_asked_without_a_hold_and_nothing_more_when_the_gates_time_is_over(asking, metrics):
    assert asking(held=0) == []
    (record,) = asking(at_most_s=0.5)
    assert record.problem.startswith("no value: not asked, ")
    assert metrics.asked == []


def test_a_query_that_nobody_can_answer_is_an_error_before_anything_is_sent(workspace):
    (workspace / "slo" / "shop.yaml").write_text(OBJECTIVES)
    (workspace / "slo" / "gate.yaml").write_text("gate: default\nload: {profile: some}\n")
    plan = read_plan(workspace, Asked())
    with pytest.raises(
        DocumentError, match=r"shop\.yaml:3:5: 'shop\.live' asks Prometheus, and the realm 'here' has"
    ):
        require_metrics(plan)
    require_metrics(read_plan(workspace, Asked(services=("stock",))))


def test_a_query_that_cannot_be_read_is_an_error_before_the_load(bridged, metrics):
    refusal = {"status": "error", "errorType": "bad_data", "error": f"unclosed left parenthesis {TOKEN}"}
    metrics.answer = (400, json.dumps(refusal).encode())
    bridge, told = bridged()
    with pytest.raises(
        DocumentError, match=r"shop\.yaml:3:5: the query of 'live' cannot be read: .*unclosed"
    ) as caught:
        try_queries(bridge)
    assert TOKEN not in str(caught.value)
    assert told == []


def test_that_there_is_no_data_yet_is_nothing_to_tell(bridged, metrics):
    metrics.answer = (200, b'{"status": "success", "data": {"resultType": "vector", "result": []}}')
    bridge, told = bridged()
    try_queries(bridge)
    assert told == []
    assert "[60s]" in metrics.asked[0][1]["query"][0]


def test_a_server_that_is_not_there_before_the_load_is_told_of(bridged):
    bridge, told = bridged(server="http://127.0.0.1:1")
    try_queries(bridge)
    assert told[0].startswith("warning: http://127.0.0.1:1/api/v1/query did not answer: refused")


def test_a_server_that_does_not_answer_is_tried_once_and_not_for_every_query(bridged, workspace):
    second = "  - {name: busy, limit: 1%, indicator: prometheus, query: up}\n"
    bridge, told = bridged(server="http://127.0.0.1:1", objectives=OBJECTIVES + second)
    try_queries(bridge)
    assert len(told) == 1


def test_all_queries_are_tried_over_one_connection(bridged, metrics):
    second = "  - {name: busy, limit: 1%, indicator: prometheus, query: up}\n"
    bridge, _ = bridged(objectives=OBJECTIVES + second)
    try_queries(bridge)
    assert len(metrics.asked) == 2
    assert len(metrics.callers) == 1


def test_all_queries_are_asked_over_one_connection(asking, metrics):
    second = "  - {name: busy, limit: 1%, indicator: prometheus, query: up}\n"
    assert len(asking(objectives=OBJECTIVES + second)) == 2
    assert len(metrics.callers) == 1
