"""Each misbehaviour of a server has its word, and ends in time whatever the server does."""

from __future__ import annotations

import gzip
import os
import random
import time
import zlib

import brotli
import pytest
from misbehaviour_parts import DEADLINE_S, GENEROUS_S, HEAD, sent

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Broken, Connection, Conversation, ConversationKind, HttpVersion, Request, Response, Tls
from seatrial.sample import Cause

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def packed(encoding, body):
    return HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)) + body


BOMB = gzip.compress(b"\0" * (64 << 20))


TEN_MIB_OF_BROTLI = brotli.compress(b"\0" * (64 << 20))


PLAIN = {
    "no word": (bad.accepts_and_waits, Cause.TIMEOUT, "no byte"),
    "slow head": (bad.drips(HEAD + b"X: "), Cause.DRIP, "no whole answer"),
    "slow body": (bad.drips(HEAD + b"Content-Length: 100000\r\n\r\n"), Cause.DRIP, "no whole answer"),
    "slow chunks": (bad.drips(CHUNKED, b"1\r\nx\r\n"), Cause.DRIP, "no whole answer"),
    "slow trailers": (bad.drips(CHUNKED + b"0\r\nX: "), Cause.DRIP, "no whole answer"),
    "slow announcements": (bad.drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), Cause.DRIP, "no whole answer"),
    "announcements without end": (bad.floods(b"", b"HTTP/1.1 103 Early\r\n\r\n"), Cause.DRIP, "no whole answer"),
    "body without end": (bad.floods(HEAD + b"\r\n", b"x" * 65536), Cause.TOO_LARGE, "1 MiB"),
    "tiny chunks without end": (bad.floods(CHUNKED, b"1\r\nx\r\n" * 100), None, ""),
    "headers without end": (bad.floods_headers, Cause.TOO_LARGE, "head"),
    "header without end": (bad.floods(HEAD + b"X: ", b"y" * 65536), Cause.TOO_LARGE, "head"),
    "chunk size without end": (bad.floods(CHUNKED, b"0" * 65536), Cause.TOO_LARGE, "chunks"),
    "end in a body": (bad.says(HEAD + b"Content-Length: 9\r\n\r\nhalf"), Cause.TRUNCATED, ""),
    "end in a chunk": (bad.says(CHUNKED + b"9\r\nhalf"), Cause.TRUNCATED, ""),
    "end before the last chunk": (bad.says(CHUNKED + b"4\r\nhalf\r\n"), Cause.TRUNCATED, ""),
    "end in a head": (bad.says(HEAD + b"Content-Le"), Cause.TRUNCATED, ""),
    "end without a word": (bad.closes_at_once, Cause.RESET, "without an answer"),
    "reset": (bad.resets, Cause.RESET, "reset"),
    "another protocol": (bad.says(b"SSH-2.0-OpenSSH_9.2\r\n"), Cause.PROTOCOL, "begins with b'SSH-2.0-'"),
    "another protocol, waiting": (bad.says(b"220 mx ESMTP\r\n", then_waits=True), Cause.PROTOCOL, "no HTTP"),
    "noise": (bad.says(bytes(range(256)) * 40), Cause.PROTOCOL, ""),
    "two lengths": (bad.says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"), Cause.PROTOCOL, ""),
    "no length": (bad.says(HEAD + b"Content-Length: two\r\n\r\nhi"), Cause.PROTOCOL, ""),
    "no chunk size": (bad.says(CHUNKED + b"zz\r\nhi\r\n"), Cause.PROTOCOL, ""),
    "status of four digits": (bad.says(b"HTTP/1.1 2000 OK\r\n\r\n"), Cause.PROTOCOL, ""),
    "unknown encoding": (bad.says(packed(b"sdch", b"hi")), Cause.PROTOCOL, "sdch"),
    "a false encoding": (bad.says(packed(b"gzip", b"hi")), Cause.PROTOCOL, "gzip"),
    "a false br": (bad.says(packed(b"br", b"hi, no br")), Cause.PROTOCOL, "br"),
    "encodings without end": (bad.says(packed(b"gzip, " * 50 + b"gzip", b"hi")), Cause.PROTOCOL, "51 times"),
    "half a gzip": (bad.says(packed(b"gzip", gzip.compress(os.urandom(999))[:500])), Cause.TRUNCATED, "gzip"),
    "half a br": (bad.says(packed(b"br", brotli.compress(os.urandom(999))[:500])), Cause.TRUNCATED, "br"),
    "bomb of gzip": (bad.says(packed(b"gzip", BOMB)), Cause.TOO_LARGE, "1 MiB"),
    "bomb of br": (bad.says(packed(b"br", TEN_MIB_OF_BROTLI)), Cause.TOO_LARGE, "1 MiB"),
    "bomb in a bomb": (bad.says(packed(b"gzip, gzip", gzip.compress(BOMB))), Cause.TOO_LARGE, "1 MiB"),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_each_misbehaviour_has_its_word_and_ends_in_time(kind):
    script, cause, words = PLAIN[kind]
    bounded = cause in (Cause.TIMEOUT, Cause.DRIP, None) or "waiting" in kind
    with bad.Server(script) as server:
        answer = sent(server.url, timeout_s=DEADLINE_S if bounded else GENEROUS_S, max_body_bytes=1 << 20)
    assert isinstance(answer, Broken)
    assert answer.cause in ((cause,) if cause else (Cause.DRIP, Cause.TOO_LARGE)), answer
    assert words in answer.detail


VALID = {
    "announcements": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + bad.OK, 200, b"hi"),
    "no content": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", 304, b""),
    "until the end": (HEAD + b"\r\nall of it", 200, b"all of it"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
    "trailers": (CHUNKED + b"2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n", 200, b"hi"),
    "gzip of two members": (packed(b"gzip", gzip.compress(b"one ") + gzip.compress(b"two")), 200, b"one two"),
    "headless deflate": (packed(b"deflate", zlib.compress(b"bare")[2:-4]), 200, b"bare"),
    "br": (packed(b"br", brotli.compress(b"crumbs" * 999)), 200, b"crumbs" * 999),
    "one over the other": (packed(b"br, gzip", gzip.compress(brotli.compress(b"twice"))), 200, b"twice"),
    "nothing, encoded": (packed(b"br", b""), 200, b""),
}


@pytest.mark.parametrize("kind", VALID)
def test_what_is_merely_unusual_is_an_answer(kind):
    wire, status, body = VALID[kind]
    with bad.Server(bad.says(wire)) as server:
        answer = sent(server.url, timeout_s=GENEROUS_S)
    assert isinstance(answer, Response), answer
    assert (answer.status, answer.body) == (status, body)


def test_head_has_no_body_whatever_its_headers_say():
    with bad.Server(bad.keeps_saying(packed(b"gzip", b"")[:-2] + b"\r\n")) as server:
        assert sent(server.url, method="HEAD", timeout_s=GENEROUS_S).body == b""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_answer_before_the_request_was_read_is_heard(authority, tls):
    context = authority.context() if tls else None
    with bad.Server(bad.answers_before_the_body, tls=context, receive_bytes=1 << 16) as server:
        answer = sent(
            server.url,
            method="POST",
            body=b"x" * (32 << 20),
            timeout_s=GENEROUS_S,
            connection=Connection(tls=Tls(ca=authority.ca)),
        )
    assert (answer.status, answer.body) == (413, b"big")


def test_upload_nobody_reads_ends_at_the_deadline():
    with bad.Server(bad.accepts_and_waits) as server:
        answer = sent(server.url, method="POST", body=b"x" * (32 << 20))
    assert answer.cause is Cause.TIMEOUT


def test_announcement_during_an_upload_is_no_answer():
    def reads_late(server, connection):
        received = connection.recv(1000)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.3)  # long enough for the sender to be stuck and to look
        while len(received) < 16 << 20:
            received += connection.recv(1 << 20)
        connection.sendall(bad.OK)

    with bad.Server(reads_late, receive_bytes=1 << 16) as server:
        answer = sent(server.url, method="POST", body=b"x" * (16 << 20), timeout_s=GENEROUS_S)
    assert answer.status == 200


def test_second_answer_on_a_connection_is_not_taken_for_the_next_one():
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with bad.Server(bad.says(bad.OK + evil, then_waits=True)) as server, http.open_client() as client:
        bodies = [client.send(Request("GET", server.url, timeout_s=GENEROUS_S)).body for _ in range(3)]
    assert bodies == [b"hi"] * 3
    assert server.accepted == 3


def _http2_headers_only(state, stream):
    state.send_headers(stream, [(":status", "200")])


def _http2_never(state, stream):
    """Nothing at all."""


def _http2_reset(state, stream):
    state.reset_stream(stream, 2)


def _http2_goes_away(state, stream):
    state.close_connection(2, last_stream_id=0)


def _http2_goes_away_late(state, stream):
    state.send_headers(stream, [(":status", "200")])
    state.close_connection(2, last_stream_id=stream)


def _http2_too_short(state, stream):
    state.config.validate_outbound_headers = False
    state.send_headers(stream, [(":status", "200"), ("content-length", "9")])
    state.send_data(stream, b"two", end_stream=True)


def _frames_of(kind, count, flags=0):
    """Frames of no meaning, without end."""
    frame = count.to_bytes(3, "big") + bytes([kind, flags]) + b"\0\0\0\0" + b"\0" * count

    def script(server, connection):
        connection.sendall(b"\0\0\0\x04\0\0\0\0\0")
        while not server.over.is_set():
            connection.sendall(frame * 50)

    return script


def _continues_headers(server, connection):
    """A head that is continued and continued (CVE-2024-27316 and its kin)."""
    connection.sendall(b"\0\0\0\x04\0\0\0\0\0" + b"\0\0\x01\x01\0\0\0\0\x01\x88")
    while not server.over.is_set():
        connection.sendall(b"\0\0\x01\x09\0\0\0\0\x01\x88" * 50)


SETTINGS = b"\0\0\0\x04\0\0\0\0\0"


HTTP2 = {
    "never": (bad.Http2(_http2_never), (Cause.TIMEOUT,), "no byte"),
    "no body": (bad.Http2(_http2_headers_only), (Cause.DRIP,), "no whole answer"),
    "reset": (bad.Http2(_http2_reset), (Cause.RESET,), "RST_STREAM, error 2"),
    "goes away": (bad.Http2(_http2_goes_away), (Cause.RESET,), ""),
    "goes away in the body": (bad.Http2(_http2_goes_away_late), (Cause.RESET,), "GOAWAY, error 2"),
    "too short": (bad.Http2(_http2_too_short), (Cause.PROTOCOL,), ""),
    # It closes with bytes of ours unread, so the system may reset the connection before its answer is read.
    "speaks HTTP/1.1": (bad.says(bad.OK), (Cause.PROTOCOL, Cause.RESET), ""),
    "speaks HTTP/1.1, waiting": (bad.says(bad.OK, then_waits=True), (Cause.PROTOCOL,), "not HTTP/2"),
    "noise": (bad.says(bytes(range(1, 256)) * 9), (Cause.PROTOCOL,), ""),
    "closes": (lambda server, connection: connection.recv(9999), (Cause.RESET, Cause.PROTOCOL), ""),
    "closes after its settings": (lambda server, connection: connection.sendall(SETTINGS), (Cause.RESET,), ""),
    "silent": (bad.accepts_and_waits, (Cause.TIMEOUT,), "no byte"),
    "pings without end": (_frames_of(6, 8), (Cause.TIMEOUT, Cause.PROTOCOL, Cause.RESET), ""),
    "settings without end": (_frames_of(4, 0), (Cause.TIMEOUT, Cause.PROTOCOL, Cause.RESET), ""),
    "a head without end": (_continues_headers, (Cause.PROTOCOL, Cause.RESET, Cause.TOO_LARGE), ""),
}


@pytest.mark.parametrize("kind", HTTP2)
def test_each_misbehaviour_over_http2_has_its_word_and_ends_in_time(kind):
    script, causes, words = HTTP2[kind]
    bounded = {Cause.TIMEOUT, Cause.DRIP} & {*causes} or "waiting" in kind
    timeout_s = DEADLINE_S if bounded else GENEROUS_S
    with bad.Server(script) as server:
        answer = sent(server.url, timeout_s=timeout_s, connection=Connection(http_version=HttpVersion.V2))
    assert isinstance(answer, Broken)
    assert answer.cause in causes, answer
    assert words in answer.detail


MANGLED = (
    bad.OK,
    CHUNKED + b"2\r\nhi\r\n0\r\n\r\n",
    packed(b"gzip", gzip.compress(b"hi" * 99)),
    packed(b"gzip, br", brotli.compress(gzip.compress(b"hi" * 99))),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nConnection: close\r\n\r\nnothing",
    b"HTTP/1.1 101 Up\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi",
    HEAD + b"Content-Type: text/event-stream\r\n\r\nid: 1\ndata: {}\nretry: 9\n\n",
)


INSERTED = (
    b"\r\n",
    b"\0",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
    b"\xff\xff",
    b"HTTP/1.1 200\r\n\r\n",
)


def mangled(dice):
    """An answer with a few bytes changed, put in or lost."""
    wire = bytearray(dice.choice(MANGLED))
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(wire) + 1)
        wire[at : at + dice.choice((0, 0, 1, 9))] = dice.choice((b"", dice.randbytes(1), *INSERTED))
    return bytes(wire)


def conversation_of(dice):
    kind = dice.choice((None, *ConversationKind))
    return kind and Conversation(kind, lambda messages: len(messages) > 1, ("say",))


@pytest.mark.parametrize("seed", range(5))
def test_no_mangled_answer_raises_or_outlives_its_deadline(seed):
    dice = random.Random(seed)
    wires = [mangled(dice) for _ in range(40)]
    for wire in wires:
        with bad.Server(bad.says(wire)) as server:
            answer = sent(server.url, max_body_bytes=5000, conversation=conversation_of(dice))
        assert isinstance(answer, Response | Broken)
