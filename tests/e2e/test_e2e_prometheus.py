"""A real Prometheus scrapes a shop while it is under load, and its answers are judged, then and again later."""

from __future__ import annotations

import http.server
import json
import threading

import pytest
from foreign_server import running

from ports import free_port
from real_parts import find_server
from seatrial.errors import ExitCode
from seatrial.journal import find_run

pytestmark = [pytest.mark.e2e, pytest.mark.needs_prometheus]

CONFIGURATION = """\
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: shop, static_configs: [{targets: ['127.0.0.1:SHOP']}]}]
"""
FILES = {
    "realms.yaml": """\
realms:
  here:
    services: {shop: 'http://127.0.0.1:SHOP'}
    prometheus: {url: 'http://127.0.0.1:METRICS', timeout: 5s}
    allows: {load: {max_rate: 50/s}}
""",
    "scenarios/look.yaml": """\
scenario: look
service: shop
steps: [{name: look, request: {url: /goods}, expect: {status: 200}}]
""",
    "scenarios/profiles/some.yaml": """\
profile: some
scenarios: [look]
stages: [{ramp_to: 20/s}, {hold: 8s}]
warm_up: 2s
""",
    "slo/shop.yaml": """\
service: shop
objectives:
  - {name: busy, indicator: prometheus, query: 'sum(rate(shop_requests_total{job="$service"}[$hold]))', at_least: 5/s}
  - name: odd
    indicator: prometheus
    query: 'sum(rate(shop_requests_total{kind="odd"}[$hold])) / sum(rate(shop_requests_total[$hold]))'
    limit: {met: 5%, degraded: 60%}
  - {name: each, indicator: prometheus, query: 'rate(shop_requests_total[$hold])', limit: 5%}
  - {name: absent, indicator: prometheus, query: 'sum(rate(nothing_total[$hold]))', limit: 5%}
  - {name: nothing, indicator: prometheus, query: 'sum(shop_requests_total) * 0 / 0', limit: 5%}
  - {name: up, indicator: prometheus, query: 'scalar(up{job="shop"})', information: true}
  - {name: patient, indicator: latency, quantile: p50, limit: 20s}  # so that a busy machine's generator counts as fit
""",
    "slo/gate.yaml": "gate: default\nload: {profile: some}\n",
}


class Shop(http.server.BaseHTTPRequestHandler):
    """Every second request is of an odd kind; /metrics counts both kinds."""

    protocol_version = "HTTP/1.1"
    served = 0

    def do_GET(self):
        if self.path == "/metrics":
            odd, even = (Shop.served + 1) // 2, Shop.served // 2
            lines = [f'shop_requests_total{{kind="odd"}} {odd}', f'shop_requests_total{{kind="even"}} {even}']
            self.answer("\n".join(["# TYPE shop_requests_total counter", *lines, ""]).encode(), "text/plain")
        else:
            Shop.served += 1
            self.answer(b"{}", "application/json")

    def answer(self, body, content_type):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay silent."""


@pytest.fixture(scope="module")
def shop():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join(10)


def _findings(run):
    return {item["objective"]: item for item in json.loads(run.verdict.read_bytes())["findings"]}


def _assess_with(seatrial, here, query):
    """An assessment with that query in the place of another."""
    good = (here / "slo/shop.yaml").read_text()
    (here / "slo/shop.yaml").write_text(good.replace("query: 'sum(rate(nothing_total[$hold]))'", query))
    ended = seatrial(here, "assess")
    (here / "slo/shop.yaml").write_text(good)
    return ended


def test_what_prometheus_scraped_is_judged_and_judged_again_without_it(tmp_path, shop, seatrial):
    port = free_port()
    texts = {name: text.replace("SHOP", str(shop)).replace("METRICS", str(port)) for name, text in FILES.items()}
    here = tmp_path / "w"
    for name, text in texts.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    (tmp_path / "prometheus.yml").write_text(CONFIGURATION.replace("SHOP", str(shop)))
    command = [
        find_server("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, tmp_path, port=port):
        refused = _assess_with(seatrial, here, "query: 'sum(rate('")
        ended = seatrial(here, "assess", "--revision", "shop=abc123")
    assert refused.code == ExitCode.UNREADABLE
    assert "the query of 'absent' cannot be read: " in refused.sentence
    assert "parse error" in refused.sentence
    assert ended.code == ExitCode.UNDECIDED, ended.sentence
    run = find_run(here, "last")
    findings = _findings(run)
    assert {name: item["grade"] for name, item in findings.items() if item["subject"] != "journey"} == {
        "busy": "MET",
        "odd": "DEGRADED",
        "each": "UNDECIDED",
        "absent": "UNDECIDED",
        "nothing": "UNDECIDED",
        "up": "MET",
        "patient": "UNDECIDED",
    }
    assert 5 <= findings["busy"]["measured"] <= 40  # 20 plays a second; scrapes that a busy machine left out, less
    assert findings["odd"]["measured"] == pytest.approx(0.5, abs=0.05)
    assert "gives 2 series" in findings["each"]["reason"]
    assert "gives no series" in findings["absent"]["reason"]
    assert "NaN" in findings["nothing"]["reason"]
    assert findings["up"]["measured"] == 1.0
    run.verdict.unlink()
    assert seatrial(here, "judge", "last").code == ExitCode.UNDECIDED
    assert _findings(run) == findings
