"""WebSockets: said, heard till it is enough, and ended in time whatever the server does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time

import pytest
from conversing import DEADLINE_S, GENEROUS_S, STREAM, conversed, count, listen
from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

import misbehaving as bad
from seatrial import http
from seatrial.exchange import (
    MAX_MESSAGES,
    Broken,
    Connection,
    Conversation,
    ConversationKind,
    HttpVersion,
    Request,
    Response,
    Tls,
)
from seatrial.http.conversation import value_of
from seatrial.sample import Cause


def talk(url, *send, enough, timeout_s=GENEROUS_S, **fields):
    """The answer to a WebSocket's conversation, which came in time."""
    return conversed(url, Conversation(ConversationKind.WEBSOCKET, enough, send), timeout_s, **fields)


def accepted(server, connection, *extra):
    """The server's half of a handshake; its frames."""
    request = server.request(connection)
    key = re.search(rb"(?im)^sec-websocket-key: (.*)\r$", request)[1]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    lines = (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
        *extra,
    )
    connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
    return Frames(ConnectionType.SERVER)


def received(connection, frames):
    """The client's events, until it ends."""
    while data := connection.recv(65536):
        frames.receive_data(data)
        yield from frames.events()


def echoes(server, connection):
    frames = accepted(server, connection)
    for event in received(connection, frames):
        if isinstance(event, TextMessage):
            connection.sendall(frames.send(TextMessage(data=f"[{event.data}]" if event.data == "1" else event.data)))
        if isinstance(event, CloseConnection):
            server.farewell = int(event.code)
            connection.sendall(frames.send(event.response()))
            return


def speaks(*events, raw=b"", then_waits=True):
    """A server that greets with these events, or with raw bytes, whatever the client says."""

    def script(server, connection):
        frames = accepted(server, connection)
        connection.sendall(b"".join(frames.send(event) for event in events) + raw)
        if then_waits:
            server.wait()

    return script


def test_texts_are_said_and_answers_heard_as_json_or_text():
    with bad.Server(echoes) as server:
        answer = talk(server.url.replace("http:", "ws:"), "1", '{"a": 1}', "plain é", enough=count(3))
    assert (answer.status, answer.stopped) == (101, "")
    assert json.loads(answer.body) == [[1], {"a": 1}, "plain é"]
    assert answer.header("upgrade") == "websocket"
    assert server.farewell == 1000


def test_handshake_is_what_rfc_6455_asks():
    with bad.Server(echoes) as server:
        talk(f"{server.url}chat?x=1", "hi", enough=count(1), headers=(("Origin", "http://a.invalid"),))
    head = server.requests[0].decode()
    assert head.startswith("GET /chat?x=1 HTTP/1.1\r\n")
    for line in (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Origin: http://a.invalid",
    ):
        assert f"\r\n{line}\r\n" in head
    assert "Extensions" not in head
    assert "Content-Length" not in head


def test_websocket_goes_over_tls_and_over_http1_even_where_http2_is_asked(authority):
    settings = Connection(HttpVersion.V2, Tls(ca=authority.ca))
    with bad.Server(echoes, tls=authority.context(alpn=("h2", "http/1.1"))) as server:
        answer = talk(server.url.replace("https:", "wss:"), "hi", enough=count(1), connection=settings)
    assert json.loads(answer.body) == ["hi"]
    assert answer.certificate.subject == "CN=server"


@pytest.mark.parametrize("proxy_scheme", ["http", "https"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket_goes_through_a_tunnel_of_a_proxy(authority, proxy_scheme, scheme):
    tls = authority.context() if scheme == "wss" else None
    proxy_tls = authority.context(name="proxy") if proxy_scheme == "https" else None
    with bad.Server(echoes, tls=tls) as server, bad.Server(bad.tunnels, tls=proxy_tls) as proxy:
        settings = Connection(tls=Tls(ca=authority.ca), proxy=f"{proxy_scheme}://me:pw@127.0.0.1:{proxy.port}")
        url = f"{scheme}://127.0.0.1:{server.port}/"
        answer = talk(url, "hi", enough=count(1), connection=settings)
    assert isinstance(answer, Response), answer
    assert json.loads(answer.body) == ["hi"]
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % server.port)
    assert b"Proxy-Authorization: Basic bWU6cHc=\r\n" in proxy.requests[0]


def test_proxy_that_refuses_a_websocket_is_told():
    with bad.Server(bad.says(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        answer = talk("ws://127.0.0.1:1/", enough=count(1), connection=Connection(proxy=proxy.url))
    assert (answer.cause, answer.detail) == (Cause.CONNECT, "the proxy refused: 403 Forbidden")


def test_messages_in_pieces_in_binary_and_with_the_handshake_are_heard():
    parts = (
        TextMessage(data="on", message_finished=False),
        TextMessage(data="e"),
        BytesMessage(data=b"\x00\xff"),
        TextMessage(data="NaN"),
        TextMessage(data="[" * 100_000),
    )
    with bad.Server(speaks(*parts)) as server:
        answer = talk(server.url, enough=count(4))
    assert json.loads(answer.body) == ["one", "AP8=", "NaN", "[" * 100_000]


def test_ping_is_answered():
    def pings(server, connection):
        frames = accepted(server, connection)
        connection.sendall(frames.send(Ping(payload=b"are you there")))
        for event in received(connection, frames):
            if isinstance(event, Pong):
                connection.sendall(frames.send(TextMessage(data=bytes(event.payload).decode())))

    with bad.Server(pings) as server:
        assert json.loads(talk(server.url, enough=count(1)).body) == ["are you there"]


def test_both_sides_may_speak_at_once():
    text = "x" * (8 << 20)  # more than the buffers between the two hold

    def speaks_first_and_listens_late(server, connection):
        frames = accepted(server, connection)
        time.sleep(0.3)  # long enough for the client to be stuck in what it says
        connection.sendall(frames.send(TextMessage(data="I speak first")))
        time.sleep(0.3)  # and to look
        length = 0
        for event in received(connection, frames):
            length += len(event.data)
            if event.message_finished:
                break
        connection.sendall(frames.send(TextMessage(data=str(length))))

    with bad.Server(speaks_first_and_listens_late, receive_bytes=1 << 16) as server:
        answer = talk(server.url, text, enough=count(2))
    assert json.loads(answer.body) == ["I speak first", len(text)]


def test_nothing_is_waited_for_where_nothing_is_wanted():
    with bad.Server(speaks()) as server:
        answer = talk(server.url, "said", enough=lambda messages: True)
    assert (answer.body, answer.stopped) == (b"[]", "")
    assert answer.latency_s < GENEROUS_S / 2


STOPPED = {
    "silence": (speaks(TextMessage(data="1")), "the deadline of 600 ms passed"),
    "going away": (
        speaks(TextMessage(data="1"), CloseConnection(code=1001), then_waits=False),
        "the server closed (1001 going away)",
    ),
    "with a reason": (
        speaks(TextMessage(data="1"), CloseConnection(code=4000, reason="no such room")),
        "the server closed (4000 no such room)",
    ),
    "without farewell": (
        speaks(TextMessage(data="1"), then_waits=False),
        "the server ended the connection without closing the WebSocket",
    ),
    "half a frame": (speaks(TextMessage(data="1"), raw=b"\x81\x7e\xff"), "the deadline of 600 ms passed"),
}


@pytest.mark.parametrize("kind", STOPPED)
def test_what_ended_a_conversation_too_early_is_told(kind):
    script, sentence = STOPPED[kind]
    timeout_s = DEADLINE_S if "deadline" in sentence else GENEROUS_S
    with bad.Server(script) as server:
        answer = talk(server.url, enough=count(2), timeout_s=timeout_s)
    assert isinstance(answer, Response), answer
    assert (json.loads(answer.body), answer.stopped) == ([1], sentence)


def pings_without_end(server, connection):
    frames = accepted(server, connection)
    while not server.over.is_set():
        connection.sendall(frames.send(Ping(payload=b"")) * 50)


def drips_a_message(server, connection):
    accepted(server, connection)
    connection.sendall(b"\x81\x7f" + (1 << 19).to_bytes(8, "big"))
    while not server.over.wait(0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("script", [pings_without_end, drips_a_message])
def test_server_without_end_is_left_at_the_deadline(script):
    with bad.Server(script) as server:
        answer = talk(server.url, enough=count(1), timeout_s=DEADLINE_S)
    assert answer.stopped == "the deadline of 600 ms passed"


@pytest.mark.parametrize("kind", ["a WebSocket", "events"])
def test_conversation_ends_in_time_however_slowly_its_messages_are_asked(kind):
    asked = []

    def slow(messages):
        asked.append(len(messages))
        time.sleep(0.1)
        return False

    if kind == "events":
        with bad.Server(bad.says(STREAM, b"data: 1\n\n" * 500, then_waits=True)) as server:
            answer = listen(server.url, slow, timeout_s=DEADLINE_S)
    else:
        with bad.Server(speaks(*[TextMessage(data="1")] * 500)) as server:
            answer = talk(server.url, enough=slow, timeout_s=DEADLINE_S)
    assert answer.stopped == "the deadline of 600 ms passed"
    assert len(json.loads(answer.body)) == asked[-1]  # none is told that was not asked
    assert len(asked) < 10


def test_server_that_does_not_say_farewell_is_not_waited_for_long():
    with bad.Server(speaks(TextMessage(data="1"))) as server:
        started = time.monotonic()
        answer = talk(server.url, enough=count(1), timeout_s=60.0)
        assert time.monotonic() - started < GENEROUS_S
    assert answer.stopped == ""
    assert answer.latency_s < GENEROUS_S / 2


BROKEN = {
    "no frame": (speaks(raw=b"\xff\xff\xff\xff"), Cause.PROTOCOL, "not a valid WebSocket"),
    "no UTF-8": (speaks(raw=b"\x81\x02\xff\xff"), Cause.PROTOCOL, "not a valid WebSocket"),
    "flood": (speaks(*[TextMessage(data="x" * 60_000)] * 40), Cause.TOO_LARGE, "1 MiB"),
    "wrong digest": (
        bad.says(b"HTTP/1.1 101 Up\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"),
        Cause.PROTOCOL,
        "does not answer our key",
    ),
    "another protocol": (
        bad.says(b"HTTP/1.1 101 Up\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
        Cause.PROTOCOL,
        "something else",
    ),
    "an extension": (
        lambda server, connection: accepted(server, connection, b"Sec-WebSocket-Extensions: permessage-deflate"),
        Cause.PROTOCOL,
        "permessage-deflate",
    ),
    "silence": (bad.accepts_and_waits, Cause.TIMEOUT, "no byte"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_server_that_breaks_the_protocol_is_broken(kind):
    script, cause, words = BROKEN[kind]
    timeout_s = DEADLINE_S if cause is Cause.TIMEOUT else GENEROUS_S
    with bad.Server(script) as server:
        answer = talk(server.url, enough=count(999), timeout_s=timeout_s, max_body_bytes=1 << 20)
    assert isinstance(answer, Broken), answer
    assert (answer.cause, words in answer.detail) == (cause, True), answer


def test_messages_have_a_limit():
    with bad.Server(speaks(*[TextMessage(data="1")] * (MAX_MESSAGES + 5))) as server:
        answer = talk(server.url, enough=count(MAX_MESSAGES + 1))
    assert len(json.loads(answer.body)) == MAX_MESSAGES
    assert answer.stopped == "1000 messages came and were not enough"


def test_refused_handshake_is_an_ordinary_answer():
    with bad.Server(bad.says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n")) as server:
        answer = talk(server.url, enough=count(1))
    assert (answer.status, answer.body) == (403, b"no!\n")
    assert answer.stopped == "the server did not switch to WebSocket, it answered 403"


def test_connection_of_a_conversation_is_not_kept():
    with bad.Server(bad.drips(STREAM, b"data: 1\n\n")) as server, http.open_client() as client:
        conversation = Conversation(ConversationKind.SSE, count(1))
        for _ in range(2):
            client.send(Request("GET", server.url, timeout_s=GENEROUS_S, conversation=conversation))
    assert server.accepted == 2


def test_a_message_nested_without_end_is_a_text():
    deep = "[" * 500 + "]" * 500
    assert value_of(deep) == deep
    assert value_of('{"a": [1]}') == {"a": [1]}
