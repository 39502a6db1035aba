"""The page on `seatrial diff` is true: its examples are run against two shops, its lists are those of the code."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from seatrial.cli.main import main
from seatrial.slo.diff.answer import IGNORED_HEADERS, PRESENCE_HEADERS
from seatrial.slo.diff.compare import Kind

PAGE = (Path(__file__).parent.parent / "docs" / "diff.md").read_text()


class Shop(BaseHTTPRequestHandler):
    """The page's shop; the new one writes prices as texts and has lost a header."""

    protocol_version = "HTTP/1.1"
    new = False

    def do_GET(self):
        product = {
            "id": 7,
            "price": "12.50" if self.new else 12.5,
            "at": time.time_ns(),
            "request": str(uuid.uuid4()),
        }
        body = json.dumps(product).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if not self.new:
            self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay silent."""


class NewShop(Shop):
    new = True


def entry(method, path, authorized):
    headers = [{"name": "Authorization", "value": "Bearer captured"}] if authorized else []
    return {
        "request": {"method": method, "url": f"https://shop.example.com{path}", "headers": headers},
        "response": {"status": 200, "content": {"mimeType": "application/json"}},
    }


MONDAY = [entry("GET", "/products/7", True), entry("GET", "/products/8", True), entry("POST", "/orders", True)]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The workspace of the page."""
    monkeypatch.chdir(tmp_path)
    realms, journey = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (Shop, NewShop)]
    for server, port in zip(servers, ("8001", "8002"), strict=True):
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        realms = realms.replace(port, str(server.server_port))
    (tmp_path / "realms.yaml").write_text(realms)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "buy.yaml").write_text(journey)
    (tmp_path / "monday.har").write_text(json.dumps({"log": {"entries": MONDAY}}))
    yield
    for server in servers:
        server.shutdown()
        server.server_close()


EXAMPLES = re.findall(r"```console\n\$ (.*?)\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("command", "told"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_every_example_tells_what_the_page_says(shop, monkeypatch, capfd, command, told):
    monkeypatch.setattr(sys, "argv", shlex.split(command))
    with pytest.raises(SystemExit):
        main()
    assert re.sub(r"/out/[\w-]+/", "/out/RUN/", capfd.readouterr().out) == told


def test_the_page_has_examples():
    assert len(EXAMPLES) == 4


def _listed(start, end):
    part = " ".join(PAGE[PAGE.index(start) : PAGE.index(end, PAGE.index(start))].split())
    return set(re.findall(r"`([\w-]+)`", part))


def test_every_header_that_is_not_compared_is_listed():
    assert _listed("- Headers that say", " Of `etag`") == IGNORED_HEADERS
    assert _listed("Of `etag`", "only whether they") == PRESENCE_HEADERS


def test_every_kind_of_difference_is_explained():
    assert _listed("| `outcome`", "- All elements") >= {str(kind) for kind in Kind}
