"""Where our API goes beyond Toxiproxy's: what it refuses instead of crashing, and what it survives."""

from __future__ import annotations

import socket

import pytest


def body_of_error(answer):
    return answer.status_code, answer.json()["error"]


def test_our_version_is_one_from_which_clients_use_patch(our_server):
    major, minor, _ = our_server.ask("GET", "/version").json()["version"].split(".")
    assert (int(major), int(minor)) >= (2, 6)


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("slicer", {}, "slicer has average_size 0; 1 or more is needed"),
        ("slicer", {"average_size": 2, "size_variation": 2}, "size_variation is 2; less than average_size (2)"),
        ("bandwidth", {"rate": -1}, "bandwidth has rate -1; 0 or more is needed"),
        ("latency", {"latency": -5}, "latency has latency -5; 0 or more is needed"),
    ],
)
def test_ours_refuses_attributes_that_crash_the_original(our_server, echo, kind, attributes, said):
    proxy = our_server.proxy(echo)
    status, error = body_of_error(proxy.ask("POST", "/toxics", {"type": kind, "attributes": attributes}))
    assert status == 400
    assert said in error
    assert proxy.ask("GET", "/toxics").json() == []


@pytest.mark.parametrize("toxicity", [-0.1, 1.5, 50])
def test_ours_refuses_a_toxicity_that_is_no_share(our_server, echo, toxicity):
    answer = our_server.proxy(echo).ask("POST", "/toxics", {"type": "latency", "toxicity": toxicity})
    assert body_of_error(answer)[0] == 400


def test_ours_refuses_an_upstream_without_port(our_server):
    answer = our_server.ask("POST", "/proxies", {"name": "x", "upstream": "bogus"})
    assert body_of_error(answer) == (400, "bad request body: upstream: address bogus: missing port in address")


def test_ours_takes_toxics_in_populate(our_server, echo):
    toxics = [{"type": "latency", "attributes": {"latency": 7}}, {"type": "timeout", "stream": "upstream"}]
    wanted = [{"name": "x", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo}", "toxics": toxics}]
    shown = our_server.ask("POST", "/populate", {"proxies": wanted}).json()["proxies"][0]
    assert [toxic["name"] for toxic in shown["toxics"]] == ["timeout_upstream", "latency_downstream"]


def test_our_reset_goes_on_past_a_proxy_that_cannot_listen(our_server, echo):
    stuck, other = our_server.proxy(1), our_server.proxy(echo)
    stuck.ask("PATCH", body={"listen": f"127.0.0.1:{echo}"})
    for proxy in (stuck, other):
        proxy.add("latency")
    status, error = body_of_error(our_server.ask("POST", "/reset"))
    assert status == 500
    assert stuck.name in error
    assert [proxy.ask("GET", "/toxics").json() for proxy in (stuck, other)] == [[], []]


def test_our_names_may_hold_a_slash(our_server, echo):
    proxy = our_server.proxy(echo, name="a/b")
    assert our_server.ask("GET", "/proxies/a%2Fb").json()["listen"].endswith(f":{proxy.port}")
    assert our_server.ask("DELETE", "/proxies/a%2Fb").status_code == 204


def test_our_api_bounds_the_body(our_server):
    assert our_server.http.post("/proxies", content=b" " * 4_200_000).status_code == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n", b"400"),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}}", b"400"),
        (b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n", b"413"),
        (b"POST /proxies HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", b"413"),
        (b"POST /proxies HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
)
def test_our_api_answers_what_it_cannot_read(our_server, sent, status):
    host, port = our_server.api.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        caller.sendall(sent)
        assert caller.recv(65_536).split(b" ")[1] == status


def test_our_api_drops_a_head_without_end(our_server):
    host, port = our_server.api.removeprefix("http://").split(":")
    endless_head = b"x" * 64 * 1024 * 1024
    with (
        socket.create_connection((host, int(port)), timeout=20) as caller,
        pytest.raises(OSError, match=r"reset|[Bb]roken"),
    ):
        caller.sendall(endless_head)
    assert our_server.ask("GET", "/version").status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"name": ' + b"9" * 5_000 + b"}", "it holds a number of thousands of digits"),
        (b'{"name": "\xff"}', "it is not UTF-8"),
        (b'{"name": NaN}', "NaN is not a JSON number"),
    ],
)
def test_our_api_says_what_is_odd_about_a_body(our_server, body, said):
    assert body_of_error(our_server.http.post("/proxies", content=body)) == (400, f"bad request body: {said}")
