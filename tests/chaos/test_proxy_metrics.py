"""`GET /metrics`: Toxiproxy's own two families as the original has them, and ours beside them."""

from __future__ import annotations

import re
import subprocess

import pytest

from real_parts import find_server

REQUEST = b"GET /cards/c-17/entries HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_SAMPLE = re.compile(r"(?P<name>[a-z_]+)\{(?P<labels>.*)\} (?P<value>[0-9.e+]+)")
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')


def scrape(server):
    """Every sample: its name, its labels, its value."""
    answer = server.ask("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = [_SAMPLE.fullmatch(line) for line in answer.text.splitlines() if not line.startswith("#")]
    return [(each["name"], dict(_LABEL.findall(each["labels"])), float(each["value"])) for each in found if each]


def of(server, name, **labels):
    """The values of one name's samples that have these labels."""
    found = [sample for sample in scrape(server) if sample[0] == name and labels.items() <= sample[1].items()]
    return [value for _, _, value in found]


def exchange(caller, callee, read_exactly):
    caller.sendall(REQUEST)
    assert read_exactly(callee, len(REQUEST)) == REQUEST
    callee.sendall(ANSWER)
    assert read_exactly(caller, len(ANSWER)) == ANSWER


@pytest.mark.needs_toxiproxy
def test_bytes_are_told_as_the_original_tells_them(
    start_ours, start_original, upstream, dial, read_exactly, wait_until
):
    told = []
    for server in (start_ours(), start_original("-proxy-metrics")):
        proxy = server.proxy(upstream.port, name="p")
        caller, callee = dial(proxy), upstream.accept()
        exchange(caller, callee, read_exactly)
        caller.close()
        callee.close()
        wait_until(lambda server=server: len(of(server, "toxiproxy_proxy_sent_bytes_total")) == 2)
        shown = {"listener": f"127.0.0.1:{proxy.port}", "proxy": "p", "upstream": f"127.0.0.1:{upstream.port}"}
        samples = [sample for sample in scrape(server) if sample[0].startswith("toxiproxy_")]
        assert all(shown.items() <= labels.items() for _, labels, _ in samples)
        told.append({(name, labels["direction"], value) for name, labels, value in samples})
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_bytes_are_told_while_a_connection_lasts(our_server, upstream, dial, read_exactly):
    proxy = our_server.proxy(upstream.port, name="live")
    proxy.add("limit_data", bytes=10)
    caller, callee = dial(proxy), upstream.accept()
    caller.sendall(REQUEST)
    assert read_exactly(callee, len(REQUEST)) == REQUEST
    callee.sendall(ANSWER)
    assert read_exactly(caller, len(ANSWER)) == ANSWER[:10]
    up, down = {"proxy": "live", "direction": "upstream"}, {"proxy": "live", "direction": "downstream"}
    assert of(our_server, "toxiproxy_proxy_sent_bytes_total", **up) == [len(REQUEST)]
    assert of(our_server, "toxiproxy_proxy_received_bytes_total", **down) == [len(ANSWER)]
    assert of(our_server, "toxiproxy_proxy_sent_bytes_total", **down) == [10]


def test_exchanges_are_counted_by_route_and_status(our_server, upstream, dial, read_exactly, wait_until):
    proxy = our_server.proxy(upstream.port, name="counted")
    caller, callee = dial(proxy), upstream.accept()
    for _ in range(2):
        exchange(caller, callee, read_exactly)
    caller.sendall(REQUEST)
    wait_until(lambda: of(our_server, "seatrial_proxy_exchanges_open", proxy="counted") == [1])
    caller.close()
    wait_until(lambda: of(our_server, "seatrial_proxy_exchanges_open", proxy="counted") == [0])
    route = {"proxy": "counted", "method": "GET", "route": "/cards/{}/entries"}
    assert of(our_server, "seatrial_proxy_exchanges_total", **route, status="200") == [2]
    assert of(our_server, "seatrial_proxy_exchanges_total", **route, status="none") == [1]
    told = our_server.counters("counted")["by_route"]
    assert {"method": "GET", "route": "/cards/{}/entries", "status": 200, "count": 2} in told


def test_proxies_and_toxics_are_told(our_server, echo):
    proxy = our_server.proxy(echo, name="p")
    proxy.add("latency", name="slow", stream="upstream")
    assert of(our_server, "seatrial_proxy_enabled", proxy="p") == [1]
    assert of(our_server, "seatrial_proxy_toxic", toxic="slow", type="latency", stream="upstream") == [1]
    proxy.ask("PATCH", body={"enabled": False})
    proxy.remove("slow")
    assert of(our_server, "seatrial_proxy_enabled", proxy="p") == [0]
    assert of(our_server, "seatrial_proxy_toxic") == []


@pytest.mark.needs_prometheus
def test_page_is_what_prometheus_wants_of_one(our_server, upstream, dial, read_exactly):
    our_server.proxy(upstream.port, name='"quoted"\n\\{}').add("latency")
    proxy = our_server.proxy(upstream.port, name="p")
    exchange(dial(proxy), upstream.accept(), read_exactly)
    page = our_server.ask("GET", "/metrics").content
    tool = find_server("promtool") or ""
    checked = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, timeout=60, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
