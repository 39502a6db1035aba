"""Public clients, unchanged, against ours and the original: toxiproxy-python and toxiproxy-node-client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from real_parts import find_node_client

SCRIPT = Path(__file__).with_name("toxiproxy_client.js")
SEEN_BY_NODE = json.loads(SCRIPT.with_name("toxiproxy_client.json").read_text(encoding="utf-8"))


@pytest.mark.needs_node_client
def test_node_client_works_unchanged(toxiproxy_server, echo, free_port):
    command = [shutil.which("node") or "node", str(SCRIPT), toxiproxy_server.api, str(echo), str(free_port)]
    environment = {**os.environ, "NODE_PATH": find_node_client() or ""}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == SEEN_BY_NODE


@pytest.fixture
def client(toxiproxy_server, monkeypatch):
    """toxiproxy-python's `Toxiproxy`, pointed at the server under test; its address is an attribute of a class."""
    from toxiproxy import Toxiproxy
    from toxiproxy.api import APIConsumer

    host, _, port = toxiproxy_server.api.removeprefix("http://").partition(":")
    monkeypatch.setattr(APIConsumer, "host", host)
    monkeypatch.setattr(APIConsumer, "port", int(port))
    return Toxiproxy()


@pytest.fixture
def echoes(echo):
    """Claims that what is sent through a proxy's address comes back."""

    def asked(proxy):
        host, _, port = proxy.listen.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as caller:
            caller.sendall(b"ping")
            return caller.recv(4) == b"ping"

    return asked


def test_python_client_sees_a_running_server(client):
    assert client.running() is True
    assert list(json.loads(client.version())) == ["version"]


def test_python_client_creates_lists_and_destroys(client, echo, echoes):
    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="a", enabled=True)
    assert echoes(proxy)
    assert (client.get_proxy("a").listen, client.get_proxy("none")) == (proxy.listen, None)
    client.create(upstream=f"127.0.0.1:{echo}", name="b", listen="127.0.0.1:0")
    assert set(client.proxies()) == {"a", "b"}
    assert client.destroy(proxy) is True
    assert client.destroy("no proxy") is False
    client.destroy_all()
    assert client.proxies() == {}


def test_python_client_is_refused_in_its_own_exceptions(client, echo):
    from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="a")
    proxy.add_toxic(type="latency")
    with pytest.raises(ProxyExists):
        client.create(upstream=f"127.0.0.1:{echo}", name="a")
    with pytest.raises(ProxyExists):
        proxy.add_toxic(type="latency")
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="timeout", stream="sideways")
    with pytest.raises(NotFound):
        proxy.destroy_toxic("none")
    proxy.destroy()
    with pytest.raises(NotFound):
        proxy.destroy()


def test_python_client_takes_a_proxy_down_and_brings_it_back(client, echo, echoes):
    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="a")
    with proxy.down():
        assert client.get_proxy("a").enabled is False
        with pytest.raises(ConnectionRefusedError):
            echoes(proxy)
    assert echoes(proxy)


def test_python_client_adds_and_removes_toxics(client, echo, echoes):
    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="a")
    proxy.add_toxic(type="latency", attributes={"latency": 5, "jitter": 1})
    proxy.add_toxic(type="slow_close", name="lingering", stream="upstream", toxicity=0.5, attributes={"delay": 3})
    found = proxy.toxics()
    assert set(found) == {"latency_downstream", "lingering"}
    assert found["latency_downstream"].attributes == {"latency": 5, "jitter": 1}
    lingering = proxy.get_toxic("lingering")
    assert (lingering.type, lingering.stream, lingering.toxicity) == ("slow_close", "upstream", 0.5)
    assert proxy.destroy_toxic("lingering") is True
    assert proxy.get_toxic("lingering") is None
    assert echoes(proxy)


def test_python_client_resets_everything(client, echo, echoes):
    proxy = client.create(upstream=f"127.0.0.1:{echo}", name="a")
    proxy.add_toxic(type="timeout", attributes={"timeout": 0})
    proxy.disable()
    assert client.reset() is True
    assert (client.get_proxy("a").enabled, proxy.toxics()) == (True, {})
    assert echoes(proxy)


def test_python_client_populates_once(client, echo, free_port):
    wanted = [{"name": "a", "upstream": f"127.0.0.1:{echo}", "listen": f"127.0.0.1:{free_port}"}]
    assert [proxy.name for proxy in client.populate(wanted)] == ["a"]
    assert client.populate(wanted) == []
    moved = [wanted[0] | {"upstream": "127.0.0.1:1"}]
    assert [proxy.upstream for proxy in client.populate(moved)] == ["127.0.0.1:1"]
