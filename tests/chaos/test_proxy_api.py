"""Toxiproxy's API, as ours and the original answer it."""

from __future__ import annotations

import json
import socket

import pytest


def body_of_error(answer):
    return answer.status_code, answer.json()["error"]


def test_version_is_told(toxiproxy_server):
    answer = toxiproxy_server.ask("GET", "/version")
    assert (answer.status_code, list(answer.json())) == (200, ["version"])


def test_created_proxy_shows_the_port_it_was_given(toxiproxy_server, echo):
    wanted = {"name": "a", "listen": "localhost:0", "upstream": f"127.0.0.1:{echo}"}
    answer = toxiproxy_server.ask("POST", "/proxies", wanted)
    shown = answer.json()
    host, _, port = shown.pop("listen").rpartition(":")
    shown.pop("Logger", None)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    assert shown == {"name": "a", "upstream": f"127.0.0.1:{echo}", "enabled": True, "toxics": []}


def test_proxy_without_listen_gets_a_free_port(toxiproxy_server, echo, dial):
    proxy = toxiproxy_server.proxy(echo, listen="")
    caller = dial(proxy)
    caller.sendall(b"hello")
    assert caller.recv(5) == b"hello"


def test_proxies_are_listed_by_name(toxiproxy_server, echo):
    proxies = [toxiproxy_server.proxy(echo) for _ in range(2)]
    listed = toxiproxy_server.ask("GET", "/proxies").json()
    assert set(listed) == {proxy.name for proxy in proxies}
    assert listed[proxies[0].name] == proxies[0].ask("GET").json()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "bad request body: EOF"),
        (b"null", "missing required field: name"),
        (b'{"name": ""}', "missing required field: name"),
        (b'{"name": "x"}', "missing required field: upstream"),
    ],
)
def test_proxy_that_lacks_something_is_refused_by_name(toxiproxy_server, body, error):
    answer = toxiproxy_server.http.post("/proxies", content=body)
    assert body_of_error(answer) == (400, error)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 3, "upstream": "x:1"}', b'{"name": "x", "enabled": "yes"}'])
def test_body_that_cannot_be_read_is_a_bad_request(toxiproxy_server, body):
    status, error = body_of_error(toxiproxy_server.http.post("/proxies", content=body))
    assert status == 400
    assert error.startswith("bad request body: ")


def test_errors_are_json_called_text(toxiproxy_server):
    answer = toxiproxy_server.ask("GET", "/proxies/nobody")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("\n")
    assert answer.json() == {"error": "proxy not found", "status": 404}


def test_keys_are_case_insensitive_and_unknown_ones_ignored(toxiproxy_server, echo):
    body = {"NAME": "x", "Upstream": f"127.0.0.1:{echo}", "LISTEN": "127.0.0.1:0", "colour": "red"}
    assert toxiproxy_server.ask("POST", "/proxies", body).status_code == 201


def test_what_follows_the_body_is_ignored(toxiproxy_server, echo):
    body = json.dumps({"name": "x", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo}"}).encode()
    assert toxiproxy_server.http.post("/proxies", content=body + b"}garbage").status_code == 201


def test_name_is_taken_only_once(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    again = {"name": proxy.name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}
    assert body_of_error(toxiproxy_server.ask("POST", "/proxies", again)) == (409, "proxy already exists")


def test_taken_port_is_an_error_in_the_systems_words(toxiproxy_server, echo):
    body = {"name": "x", "listen": f"127.0.0.1:{echo}", "upstream": "127.0.0.1:1"}
    expected = f"listen tcp 127.0.0.1:{echo}: bind: address already in use"
    assert body_of_error(toxiproxy_server.ask("POST", "/proxies", body)) == (500, expected)
    assert toxiproxy_server.ask("GET", "/proxies").json() == {}


def test_listen_without_port_is_an_error(toxiproxy_server):
    body = {"name": "x", "listen": "bogus", "upstream": "127.0.0.1:1"}
    expected = "listen tcp: address bogus: missing port in address"
    assert body_of_error(toxiproxy_server.ask("POST", "/proxies", body)) == (500, expected)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/toxics"),
        ("POST", "/toxics"),
        ("GET", "/toxics/t"),
        ("POST", "/toxics/t"),
        ("PATCH", "/toxics/t"),
        ("DELETE", "/toxics/t"),
    ],
)
def test_unknown_proxy_is_not_found_on_every_route(toxiproxy_server, method, path):
    answer = toxiproxy_server.ask(method, f"/proxies/nobody{path}", {})
    assert body_of_error(answer) == (404, "proxy not found")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_unknown_toxic_is_not_found(toxiproxy_server, echo, method):
    answer = toxiproxy_server.proxy(echo).ask(method, "/toxics/none", {})
    assert body_of_error(answer) == (404, "toxic not found")


@pytest.mark.parametrize("path", ["/", "/nothing", "/proxies/", "/proxies/x/toxics/", "/proxies/x/y"])
def test_unknown_route_is_plain_404(toxiproxy_server, path):
    answer = toxiproxy_server.ask("GET", path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(("method", "path"), [("GET", "/reset"), ("PUT", "/proxies"), ("HEAD", "/version")])
def test_wrong_method_is_405_without_body(toxiproxy_server, method, path):
    answer = toxiproxy_server.ask(method, path)
    assert (answer.status_code, answer.content) == (405, b"")


def test_browser_is_not_allowed(toxiproxy_server):
    answer = toxiproxy_server.http.get("/proxies", headers={"User-Agent": "Mozilla/5.0"})
    assert (answer.status_code, answer.text) == (403, "User agent not allowed\n")


def test_deleted_proxy_refuses_and_its_connections_close(toxiproxy_server, echo, dial, how_it_ended):
    proxy = toxiproxy_server.proxy(echo)
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"
    assert proxy.ask("DELETE").status_code == 204
    assert how_it_ended(caller) == "end"
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    assert body_of_error(proxy.ask("DELETE")) == (404, "proxy not found")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_disabled_proxy_refuses_drops_and_comes_back_on_its_port(toxiproxy_server, echo, dial, how_it_ended, method):
    proxy = toxiproxy_server.proxy(echo)
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"
    answer = proxy.ask(method, body={"enabled": False})
    assert (answer.status_code, answer.json()["enabled"]) == (200, False)
    assert how_it_ended(caller) == "end"
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    assert proxy.ask(method, body={"enabled": True}).json()["listen"].endswith(f":{proxy.port}")
    again = dial(proxy)
    again.sendall(b"y")
    assert again.recv(1) == b"y"


def test_proxy_can_be_made_disabled(toxiproxy_server, echo, dial, free_port):
    proxy = toxiproxy_server.proxy(echo, listen=f"127.0.0.1:{free_port}", enabled=False)
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)


def test_update_of_the_upstream_keeps_the_port(toxiproxy_server, echo, upstream, dial):
    proxy = toxiproxy_server.proxy(upstream.port)
    shown = proxy.ask("POST", body={"upstream": f"127.0.0.1:{echo}", "name": "ignored"}).json()
    assert (shown["name"], shown["upstream"]) == (proxy.name, f"127.0.0.1:{echo}")
    caller = dial(proxy)
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"


def test_update_to_the_same_addresses_leaves_connections_alone(toxiproxy_server, echo, dial):
    proxy = toxiproxy_server.proxy(echo)
    caller = dial(proxy)
    proxy.ask("PATCH", body={"listen": f"localhost:{proxy.port}", "upstream": f"127.0.0.1:{echo}"})
    caller.sendall(b"x")
    assert caller.recv(1) == b"x"


def test_update_to_a_taken_port_leaves_the_proxy_disabled(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(1)
    assert proxy.ask("PATCH", body={"listen": f"127.0.0.1:{echo}"}).status_code == 500
    shown = proxy.ask("GET").json()
    assert (shown["enabled"], shown["listen"]) == (False, f"127.0.0.1:{echo}")


def test_toxic_gets_defaults_and_answers_200(toxiproxy_server, echo):
    answer = toxiproxy_server.proxy(echo).ask("POST", "/toxics", {"type": "latency", "attributes": None})
    assert answer.status_code == 200
    assert answer.json() == {
        "attributes": {"latency": 0, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1,
    }


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("latency", {"latency": 5, "jitter": 2}),
        ("bandwidth", {"rate": 10}),
        ("slow_close", {"delay": 5}),
        ("timeout", {"timeout": 5}),
        ("reset_peer", {"timeout": 5}),
        ("slicer", {"average_size": 8, "size_variation": 2, "delay": 5}),
        ("limit_data", {"bytes": 5}),
    ],
)
def test_every_kind_keeps_its_attributes(toxiproxy_server, echo, kind, attributes):
    proxy = toxiproxy_server.proxy(echo)
    name = proxy.add(kind, stream="upstream", **attributes)
    shown = proxy.ask("GET", f"/toxics/{name}").json()
    assert (name, shown["attributes"]) == (f"{kind}_upstream", attributes)


def test_toxics_are_listed_upstream_first_each_in_order(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    for name, stream in [("d1", "downstream"), ("u1", "upstream"), ("d2", "downstream"), ("u2", "upstream")]:
        proxy.add("latency", name=name, stream=stream)
    assert [toxic["name"] for toxic in proxy.ask("GET", "/toxics").json()] == ["u1", "u2", "d1", "d2"]
    assert [toxic["name"] for toxic in proxy.ask("GET").json()["toxics"]] == ["u1", "u2", "d1", "d2"]


def test_stream_is_echoed_as_typed(toxiproxy_server, echo):
    answer = toxiproxy_server.proxy(echo).ask("POST", "/toxics", {"type": "latency", "stream": "UPSTREAM"}).json()
    assert (answer["stream"], answer["name"]) == ("UPSTREAM", "latency_UPSTREAM")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"stream": "sideways", "type": "nonsense"}, 400, "stream was invalid, can be either upstream or downstream"),
        ({"type": "nonsense", "name": "taken"}, 400, "invalid toxic type"),
        ({}, 400, "invalid toxic type"),
        ({"type": "latency", "name": "taken", "attributes": {"latency": "x"}}, 409, "toxic already exists"),
    ],
)
def test_toxic_is_checked_by_stream_then_type_then_name(toxiproxy_server, echo, body, status, error):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", name="taken", stream="upstream")
    assert body_of_error(proxy.ask("POST", "/toxics", body)) == (status, error)


@pytest.mark.parametrize("latency", [1.5, "5", True])
def test_attribute_that_is_no_whole_number_is_refused(toxiproxy_server, echo, latency):
    body = {"type": "latency", "attributes": {"latency": latency}}
    status, error = body_of_error(toxiproxy_server.proxy(echo).ask("POST", "/toxics", body))
    assert (status, error.startswith("bad request body: ")) == (400, True)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_update_of_a_toxic_merges_attributes_and_ignores_the_rest(toxiproxy_server, echo, method):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", name="t", latency=5, jitter=3)
    change = {"name": "other", "type": "timeout", "stream": "upstream", "attributes": {"latency": 9}, "toxicity": 0.5}
    answer = proxy.ask(method, "/toxics/t", change)
    shown = {
        "attributes": {"latency": 9, "jitter": 3},
        "name": "t",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.5,
    }
    assert (answer.status_code, answer.json()) == (200, shown)


def test_populate_makes_all_and_keeps_what_stands(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency", name="kept")
    wanted = [
        {"name": proxy.name, "listen": f"127.0.0.1:{proxy.port}", "upstream": f"127.0.0.1:{echo}"},
        {"name": "new", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{echo}"},
    ]
    answer = toxiproxy_server.ask("POST", "/populate", wanted)
    assert answer.status_code == 201
    assert [each["name"] for each in answer.json()["proxies"]] == [proxy.name, "new"]
    assert proxy.ask("GET", "/toxics").json()[0]["name"] == "kept"


def test_populate_replaces_what_differs(toxiproxy_server, echo):
    proxy = toxiproxy_server.proxy(echo)
    proxy.add("latency")
    wanted = [{"name": proxy.name, "listen": f"127.0.0.1:{proxy.port}", "upstream": "127.0.0.1:1"}]
    assert toxiproxy_server.ask("POST", "/populate", wanted).status_code == 201
    shown = proxy.ask("GET").json()
    assert (shown["upstream"], shown["toxics"]) == ("127.0.0.1:1", [])


def test_populate_with_nothing_is_an_empty_answer(toxiproxy_server):
    answer = toxiproxy_server.ask("POST", "/populate", [])
    assert (answer.status_code, answer.json()) == (201, {"proxies": None})


def test_populate_checks_all_before_it_makes_any(toxiproxy_server):
    wanted = [{"name": "a", "upstream": "127.0.0.1:1"}, {"upstream": "127.0.0.1:1"}]
    answer = toxiproxy_server.ask("POST", "/populate", wanted)
    assert body_of_error(answer) == (400, "missing required field: name at proxy 2")
    assert toxiproxy_server.ask("GET", "/proxies").json() == {}


def test_populate_stops_at_the_first_that_cannot_listen(toxiproxy_server, echo):
    listens = ["127.0.0.1:0", f"127.0.0.1:{echo}", "127.0.0.1:0"]
    wanted = [
        {"name": name, "listen": listen, "upstream": "127.0.0.1:1"}
        for name, listen in zip("abc", listens, strict=True)
    ]
    answer = toxiproxy_server.ask("POST", "/populate", wanted)
    assert answer.status_code == 500
    assert [each["name"] for each in answer.json()["proxies"]] == ["a"]
    assert set(toxiproxy_server.ask("GET", "/proxies").json()) == {"a"}


def test_reset_enables_everything_and_removes_all_toxics(toxiproxy_server, echo):
    proxies = [toxiproxy_server.proxy(echo) for _ in range(2)]
    for proxy in proxies:
        proxy.add("latency")
        proxy.ask("POST", body={"enabled": False})
    assert toxiproxy_server.ask("POST", "/reset").status_code == 204
    shown = [proxy.ask("GET").json() for proxy in proxies]
    assert [(each["enabled"], each["toxics"]) for each in shown] == [(True, []), (True, [])]


PROXY_BODY = b'{"name":"x","listen":"127.0.0.1:0","upstream":"127.0.0.1:9"}'


def raw_answer(server, *parts):
    """The status line of the answer to a request sent in parts, each sent after something came back."""
    host, _, port = server.api.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        said = []
        for part in parts:
            caller.sendall(part)
            said.append(caller.recv(65_536).split(b"\r\n")[0])
    return said


def test_body_may_come_in_chunks(toxiproxy_server):
    half, rest = PROXY_BODY[:20], PROXY_BODY[20:]
    chunks = b"".join(b"%x;why=not\r\n%b\r\n" % (len(part), part) for part in (half, rest))
    head = b"POST /proxies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = raw_answer(toxiproxy_server, head + chunks + b"0\r\nTrailer: none\r\n\r\n")
    assert said == [b"HTTP/1.1 201 Created"]


def test_client_that_waits_for_leave_to_send_its_body_gets_it(toxiproxy_server):
    head = b"POST /proxies HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(
        PROXY_BODY
    )
    said = raw_answer(toxiproxy_server, head, PROXY_BODY)
    assert said == [b"HTTP/1.1 100 Continue", b"HTTP/1.1 201 Created"]


def test_body_of_megabytes_is_read(toxiproxy_server):
    assert toxiproxy_server.http.post("/proxies", content=b" " * 4_000_000 + PROXY_BODY).status_code == 201
