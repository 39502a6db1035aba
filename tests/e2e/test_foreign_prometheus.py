"""A journey through Prometheus' HTTP API: it becomes ready, scrapes itself, and answers queries about that."""

from __future__ import annotations

import pytest
from foreign_server import checked, running, workspace

from ports import free_port
from real_parts import find_server
from seatrial.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.needs_prometheus]

CONFIGURATION = """\
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: prometheus, static_configs: [{targets: ['127.0.0.1:PORT']}]}]
"""
REALMS = "realms: {here: {services: {prometheus: 'http://127.0.0.1:PORT'}}}\n"


def test_prometheus_answers_for_what_it_scraped(tmp_path, seatrial):
    port = free_port()
    here = workspace(tmp_path / "w", "prometheus.yaml", REALMS.replace("PORT", str(port)))
    (tmp_path / "prometheus.yml").write_text(CONFIGURATION.replace("PORT", str(port)))
    command = [
        find_server("prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, tmp_path, port=port):
        result = checked(seatrial, here)
    assert result.code == ExitCode.MET, result.out
    assert result.not_ok == {}
    assert len(result.steps) == 12
    assert result.requests > len(result.steps)  # it was polled until it had scraped itself
