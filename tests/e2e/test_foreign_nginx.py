"""A journey through nginx: static files, ranges, redirects, a password, compression; HTTP/2 with certificates."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil

import pytest
from foreign_server import checked, running, workspace

from ports import free_port
from real_parts import find_server
from seatrial.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.needs_nginx]

PASSWORD = "kept under the mat"
PAGE = "<!DOCTYPE html><html><head><title>Ropes &amp; Sails</title></head><body><p>Come in.</p></body></html>"
CONFIGURATION = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  types { text/html html; application/json json; text/plain txt; }
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  root html;
  client_max_body_size 1k;
  absolute_redirect off;
  gzip on;
  gzip_types text/plain;
  server {
    listen 127.0.0.1:PORT;
    location = /old { return 301 /index.html; }
    location = /circle { return 302 /circle; }
    location /office/ { auth_basic office; auth_basic_user_file office.passwords; }
  }
  server {
    listen 127.0.0.1:SAFE ssl http2;
    ssl_certificate shop.crt;
    ssl_certificate_key shop.key;
    ssl_client_certificate ca.pem;
    ssl_verify_client on;
    keepalive_requests 3;
    location /stall { proxy_pass http://127.0.0.1:1; }
    location = /who { default_type text/plain; return 200 "$ssl_client_s_dn over $server_protocol\\n"; }
  }
}
"""
REALMS = """\
realms:
  here:
    services: {shop: 'http://127.0.0.1:PORT', safe: 'https://127.0.0.1:SAFE'}
    secrets: {office_key: {file: office.key}, key_password: {file: office.key}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, authority):
    """The ports it serves, and the folder its certificates are in."""
    folder = tmp_path_factory.mktemp("nginx")
    port, safe = free_port(), free_port()
    for name, text in {
        "html/index.html": PAGE,
        "html/price list/ropes.json": json.dumps([{"name": "hemp", "price": 2.5}]),
        "html/long.txt": "rope and sail, and " * 2000,
        "html/office/index.html": "the office",
        "office.passwords": f"ada:{{SHA}}{base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()}\n",
        "nginx.conf": CONFIGURATION.replace("PORT", str(port)).replace("SAFE", str(safe)),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text[:20000])
    shutil.copy(authority.ca, folder / "ca.pem")
    for source, name in zip(authority.issue("shop"), ("shop.crt", "shop.key"), strict=True):
        shutil.copy(source, folder / name)
    with running([find_server("nginx"), "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"], folder, port=port):
        yield port, safe


@pytest.fixture
def played(tmp_path, nginx, authority, seatrial):
    """Plays a journey, and gives how the command ended and its result as JSON."""
    port, safe = nginx

    def play(journey):
        here = workspace(tmp_path / "w", journey, REALMS.replace("PORT", str(port)).replace("SAFE", str(safe)))
        (here / "office.key").write_text(PASSWORD)
        (here / "scenarios" / "data").mkdir()
        (here / "scenarios" / "data" / "index.html").write_text(PAGE)
        (here / "scenarios" / "certs").mkdir()
        shutil.copy(authority.ca, here / "scenarios" / "certs" / "ca.pem")
        for source, name in zip(authority.issue("ada", password=PASSWORD), ("ada.crt", "ada.key"), strict=True):
            shutil.copy(source, here / "scenarios" / "certs" / name)
        return checked(seatrial, here)

    return play


def test_nginx_serves_files_as_http_says(played):
    result = played("nginx.yaml")
    assert result.code == ExitCode.MET, result.out
    assert (len(result.steps), result.requests) == (15, 16)  # one of them was redirected
    assert "PASSED   nginx serves a shop's files" in result.out


def test_nginx_knows_its_customers_by_certificate_over_http2(played):
    result = played("nginx_tls.yaml")
    assert result.code == ExitCode.MET, result.out
    assert result.not_ok == {}
    assert len(result.steps) == 14


def test_what_nginx_does_not_do_is_told_by_its_cause(played):
    result = played("nginx_refused.yaml")
    assert result.code == ExitCode.MISSED
    assert result.steps == {
        "a circle": "redirects",
        "more than is wanted": "too_large",
        "an authority that we do not know": "tls",
        "the wrong page": "check",
        "the page after it": "skipped",
        "the lights go out": "ok",
    }
    assert 'string <"Ropes & Sails">' in result.out
    assert PASSWORD not in result.out
