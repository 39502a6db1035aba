"""A short check loads what it needs and nothing else: by the names of modules, for times are the machine's."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

SCENARIO = """\
scenario: look twice
service: api
vars: {price: 250, purse: 1000}
steps:
  - name: take
    request: {method: POST, url: /things, json: {price: "{{ price }}"}, auth: {bearer: "{{ vars.price }}"}}
    expect: {status: 200, json: {left: "{{ purse - price }}", id: {$type: string}}}
    capture: {id: {jsonpath: $.id}}
  - name: look
    when: id is defined
    request: {url: "/things/{{ id }}?again={{ uuid() }}"}
    expect: {checks: [{jsonpath: "$.all[*].id", contains: "{{ id }}"}]}
"""
ANSWER = {"left": 750, "id": "t-1", "all": [{"id": "t-1"}]}
# What other commands, other reports and other scenarios need.
HEAVY = (
    *("jinja2", "jsonpath", "jmespath", "jsonschema", "lxml", "regex", "faker", "cryptography"),
    *("rich", "click", "pygments", "docker", "toxiproxy", "sqlalchemy", "starlette", "uvicorn", "locust", "gevent"),
    *("pybreaker", "schedule", "psutil", "asyncio", "xml.etree", "unittest"),
    *("seatrial.assess", "seatrial.chaos", "seatrial.slo", "seatrial.synthetic", "seatrial.store", "seatrial.demo"),
    *("seatrial.reports.page", "seatrial.reports.chart", "seatrial.reports.junit", "seatrial.template.sandbox"),
)
PROGRAM = """
import json, sys
from seatrial.cli import main
sys.argv[0] = "seatrial"
try:
    main.main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


class _Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the same

    def log_message(self, *args):
        pass


@pytest.fixture
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_check_of_a_simple_journey_loads_nothing_it_does_not_need(tmp_path, address):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "look.yaml").write_text(SCENARIO)
    (tmp_path / "realms.yaml").write_text(f"realms: {{local: {{services: {{api: {address}}}}}}}\n")
    allowed = {**os.environ, "NO_PROXY": "*"}
    command = [sys.executable, "-c", PROGRAM, "check", "scenarios"]
    ended = subprocess.run(
        command, cwd=tmp_path, env=allowed, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    loaded = set(json.loads(ended.stderr.splitlines()[-1]))
    assert "seatrial.scenarios.play" in loaded
    assert sorted(loaded & set(HEAVY)) == []


def test_command_ends_without_a_last_search_for_garbage_and_searches_rarely_before():
    program = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000, gc.get_threshold()[0]))\n"
        "from seatrial.cli import main\n"
        "sys.argv[1:] = ['--version']\n"
        "main.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "True 50000"
