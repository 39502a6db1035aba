"""A service that is well as long as it runs, to be broken as a process of realm `demo`; and looks at it."""

from __future__ import annotations

from pathlib import Path

from seatrial import http
from seatrial.exchange import Response
from seatrial.runtime.state import ProcessId, load_state

SERVICE = """
import http.server, sys

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


def pid(workspace: Path, service: str = "ledger") -> ProcessId:
    """The process that the realm's state names."""
    return load_state(workspace, "demo").services[service].process


def answers(workspace: Path, service: str = "ledger") -> bool:
    """Whether it does where the realm's state says it is."""
    url = load_state(workspace, "demo").services[service].url
    return isinstance(http.get(f"{url}/healthz", timeout_s=2.0), Response)
