"""What the engine would take amiss over HTTP/2 costs no answer: a farewell, and an answer before the upload's end."""

from __future__ import annotations

import h2.config
import h2.connection
import h2.events
import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame, SettingsFrame

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request, Response
from seatrial.http.frames import Frames

BEFORE, AFTER = SettingsFrame(0).serialize(), HeadersFrame(1, b"\x88").serialize() + DataFrame(1, b"hi").serialize()


def goaway(last, error=0):
    return GoAwayFrame(0, last_stream_id=last, error_code=error, additional_data=b"enough").serialize()


def frames(exchanges=1):
    """Of a connection that has its n-th exchange."""
    made = Frames()
    for _ in range(exchanges):
        made.begin()
    return made


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 10, 17, 1000])
def test_farewell_is_left_out_however_the_bytes_come(size):
    followed, said = frames(), BEFORE + goaway(1) + AFTER
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    assert b"".join(followed.passed_on(piece) for piece in pieces) == BEFORE + AFTER
    assert followed.is_last


@pytest.mark.parametrize(
    "frame",
    [
        goaway(3, error=2),
        goaway(1),
        goaway(0),
        DataFrame(5, b"\x00" * 40).serialize(),
        RstStreamFrame(3, error_code=0).serialize(),
        RstStreamFrame(3, error_code=8).serialize(),
        b"HTTP/1.1 400 Bad\r\n\r\n",
    ],
    ids=["an error", "not begun", "none begun", "data", "reset at once", "reset with an error", "no frame"],
)
def test_everything_else_is_passed_on(frame):
    followed = frames(exchanges=2)
    assert followed.passed_on(BEFORE + frame) == BEFORE + frame
    assert not followed.is_last


def test_half_a_farewell_is_given_when_the_peer_ends():
    followed = frames()
    assert followed.passed_on(goaway(1)[:-1]) == b""
    assert followed.rest() == goaway(1)[:-1]


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_answer_is_whole_with_the_last_byte_of_its_last_frame(cut):
    followed, said = frames(), AFTER + DataFrame(1, b"bye", flags=["END_STREAM"]).serialize()
    followed.passed_on(said[: len(said) - cut])
    assert followed.is_answered is (cut == 0)
    followed.begin()
    assert not followed.is_answered


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


def refuses_uploads(reset):
    """Answers over HTTP/2 with the head of a request alone, reads on no further, and may reset what is left."""

    def script(server, connection):
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    state.send_headers(event.stream_id, [(":status", "413")])
                    state.send_data(event.stream_id, b"too big", end_stream=True)
                    reset_frame = RstStreamFrame(event.stream_id, error_code=0).serialize() if reset else b""
                    connection.sendall(state.data_to_send() + reset_frame)

    return script


@pytest.mark.parametrize("reset", [False, True])
def test_answer_to_half_an_upload_is_the_answer(reset):
    over_http2 = Connection(HttpVersion.V2)
    with bad.Server(refuses_uploads(reset)) as server, http.open_client() as client:
        upload = Request("POST", server.url, body=b"x" * 400_000, connection=over_http2, timeout_s=20)
        answers = [client.send(upload) for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(413, b"too big")] * 2
    assert max(answer.latency_s for answer in answers) < 10
    assert server.accepted == 2
