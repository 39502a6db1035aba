"""HTTP/2's GOAWAY without an error ends no answer that is under way, and no further request goes that way."""

from __future__ import annotations

import h2.config
import h2.connection
import h2.events
import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, SettingsFrame

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request, Response
from seatrial.http.farewell import Farewell

BEFORE, AFTER = SettingsFrame(0).serialize(), HeadersFrame(1, b"\x88").serialize() + DataFrame(1, b"hi").serialize()


def goaway(last, error=0):
    return GoAwayFrame(0, last_stream_id=last, error_code=error, additional_data=b"enough").serialize()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 10, 17, 1000])
def test_farewell_is_left_out_however_the_bytes_come(size):
    farewell, bytes_ = Farewell(), BEFORE + goaway(1) + AFTER
    pieces = [bytes_[at : at + size] for at in range(0, len(bytes_), size)]
    assert b"".join(farewell.passed_on(piece, stream=1) for piece in pieces) == BEFORE + AFTER
    assert farewell.said


@pytest.mark.parametrize(
    "frame",
    [goaway(1, error=2), goaway(1), goaway(0), DataFrame(3, b"\x00" * 40).serialize(), b"HTTP/1.1 400 Bad\r\n\r\n"],
    ids=["an error", "not begun", "none begun", "data", "no frame"],
)
def test_everything_else_is_passed_on(frame):
    farewell = Farewell()
    assert farewell.passed_on(BEFORE + frame, stream=3) == BEFORE + frame
    assert not farewell.said


def test_half_a_farewell_is_given_when_the_peer_ends():
    farewell = Farewell()
    assert farewell.passed_on(goaway(1)[:-1], stream=1) == b""
    assert farewell.rest() == goaway(1)[:-1]


def says_farewell_after(count):
    """Answers over HTTP/2, and says with the last of so many requests, before its answer, that it was the last."""

    def script(server, connection):
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    if event.stream_id == 2 * count - 1:
                        connection.sendall(state.data_to_send() + goaway(event.stream_id))
                    bad.answers_over_http2(state, event.stream_id)
            connection.sendall(state.data_to_send())

    return script


def test_answer_after_a_farewell_is_an_answer_and_the_next_one_comes_over_another_connection():
    over_http2 = Connection(HttpVersion.V2)
    with bad.Server(says_farewell_after(2)) as server, http.open_client() as client:
        answers = [client.send(Request("GET", server.url, connection=over_http2, timeout_s=20)) for _ in range(5)]
    assert all(isinstance(answer, Response) for answer in answers), answers
    assert [answer.body for answer in answers] == [b"two"] * 5
    assert server.accepted == 3
