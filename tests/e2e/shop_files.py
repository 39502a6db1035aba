"""Workspaces of the end-to-end tests: a shop by its address, and a pair of processes one of which asks the other."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write those files below a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


REALMS = """\
realms:
  here:
    services: {shop: 'URL'}
    allows: {load: {max_rate: 200/s}}
"""


BUY = """\
scenario: buy a rope
tags: [smoke]
service: shop
steps:
  - name: look at it
    request: {url: /goods/rope}
    expect: {status: 200, json: {name: rope}}
  - name: ask its price
    request: {url: /goods/rope/price}
    expect: {status: 200, json: {price: 250}}
"""


BRIEF = """\
profile: brief
scenarios: [buy a rope]
stages: [{ramp_to: 40/s}, {hold: 2s}]
stop_when: decided
"""


SLO = """\
service: shop
objectives:
  - {name: available, indicator: errors, limit: 30%}
  - {name: fast, indicator: latency, quantile: p80, limit: 5s}
"""


GATE = """\
gate: default
acceptance: {tags: [smoke]}
load: {profile: brief, at_most: 60s}
min_hold: 20s
"""


def shop_files(url: str) -> dict[str, str]:
    """A workspace with one journey, one profile, one service and a gate."""
    return {
        "realms.yaml": REALMS.replace("URL", url),
        "scenarios/buy.yaml": BUY,
        "scenarios/profiles/brief.yaml": BRIEF,
        "slo/shop.yaml": SLO,
        "slo/gate.yaml": GATE,
    }


FRONT = """\
import http.server, os, time, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(600)
        if self.path == "/both":
            try:
                urllib.request.urlopen(os.environ["BACK_URL"] + "/", timeout=0.3).read()
            except OSError:
                pass
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


BACK = """\
import http.server, os, pathlib, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args): pass
before = pathlib.Path("back.has.started.before")
if before.exists():
    time.sleep(3)  # to start again takes a while, so that a test can come in between
before.touch()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


EXPERIMENT_GATE = """\
gate: NAME
acceptance: {tags: [quick]}
load: {profile: some, at_most: 1s}
chaos: [NAME]
"""


PAIR_FILES = {
    "front.py": FRONT,
    "back.py": BACK,
    "realms.yaml": """\
realms:
  pair:
    runtime: {kind: process}
    services:
      front:
        start: {command: ["{{ python }}", front.py], env: {PORT: "{{ port }}", BACK_URL: "{{ via.back }}"}}
      back:
        start: {command: ["{{ python }}", back.py], env: {PORT: "{{ port }}"}}
    allows: {load: {max_rate: 100/s}, chaos: true}
""",
    "scenarios/both.yaml": """\
scenario: ask both
tags: [quick]
service: front
steps: [{name: ask, request: {url: /both}, timeout: 5s, expect: {status: 200}}]
""",
    "scenarios/slow.yaml": """\
scenario: wait long
tags: [slow]
service: front
steps: [{name: wait, request: {url: /slow}, timeout: 5m}]
""",
    "scenarios/profiles/some.yaml": "profile: some\nscenarios: [ask both]\nstages: [{ramp_to: 10/s}, {hold: 10m}]\n",
    "slo/front.yaml": "service: front\ndepends_on: [back]\n",
    "slo/back.yaml": "service: back\n",
    "slo/slow.yaml": "gate: slow journey\nacceptance: {tags: [slow]}\n",
    "slo/long.yaml": "gate: long load\nacceptance: {tags: [quick]}\nload: {profile: some, at_most: 10m}\n",
    "slo/hang.yaml": EXPERIMENT_GATE.replace("NAME", "hang"),
    "slo/kill.yaml": EXPERIMENT_GATE.replace("NAME", "kill"),
    "slo/brief.yaml": EXPERIMENT_GATE.replace("NAME", "brief"),
    "slo/ruin.yaml": EXPERIMENT_GATE.replace("NAME", "ruin"),
    "chaos/hang.yaml": """\
experiment: hang
steady_state: {baseline: 1s}
method: [{at: 0s, inject: {edge: front->back, timeout: {timeout: 0}, for: 5m}}]
expect: {after: {recovered_within: 5s}}
limits: {duration: 10m}
""",
    "chaos/kill.yaml": """\
experiment: kill
steady_state: {baseline: 1s}
method: [{at: 0s, inject: {service: back, kill: {}, for: 5m}}]
expect: {after: {recovered_within: 5s}}
limits: {duration: 10m}
""",
    "chaos/brief.yaml": """\
experiment: brief
steady_state: {baseline: 1s}
method: [{at: 0s, inject: {service: back, kill: {}, for: 1s}}]
expect: {after: {recovered_within: 5s}}
""",
    "chaos/ruin.yaml": """\
experiment: ruin
steady_state: {baseline: 1s}
method:
  - {at: 0s, inject: {edge: front->back, timeout: {timeout: 0}, for: 5m}}
  - {at: 0s, inject: {service: back, kill: {}, for: 5m}}
  - {at: 0s, inject: {service: front, stop: {}, for: 5m}}
expect: {after: {recovered_within: 5s}}
limits: {targets: 3, duration: 10m}
""",
}
