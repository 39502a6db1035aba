"""Where reading begins on a connection that is open already: never but at a request, and at the first that can be."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos.proxy.lookout import Lookout

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def begun(told: list[tuple[str, bytes]], *, asked: bool) -> tuple[int | None, bool]:
    """At which of these words reading begins, if at all, and whether it never will."""
    lookout = Lookout(asked=asked)
    for number, (side, data) in enumerate(told):
        if side == "upstream":
            lookout.answered(data)
        elif lookout.begins(data):
            return number, False
    return None, lookout.gave_up


def by(side: str, *pieces: bytes) -> list[tuple[str, bytes]]:
    return [(side, piece) for piece in pieces]


def caller(*pieces: bytes) -> list[tuple[str, bytes]]:
    return by("caller", *pieces)


def upstream(*pieces: bytes) -> list[tuple[str, bytes]]:
    return by("upstream", *pieces)


@pytest.mark.parametrize(
    ("told", "asked", "begins_at"),
    [
        (caller(GET), False, 0),
        (caller(GET + GET), False, 0),
        (upstream(b"the rest") + caller(GET), False, 1),
        (upstream(OK) + caller(GET), True, 1),
        (upstream(OK[:10], OK[10:]) + caller(GET), True, 2),
        (caller(b"rest of a body") + upstream(OK) + caller(GET), True, 2),
        (caller(GET[4:]) + upstream(OK) + caller(GET), True, 2),
        (upstream(GO_ON) + caller(b"a body") + upstream(OK) + caller(GET), True, 3),
        (upstream(GO_ON[:15], GO_ON[15:] + OK) + caller(GET), True, 2),
        (upstream(b"the middle of an answer") + caller(GET), True, 1),
        (caller(GET[:6], GET[6:]) + upstream(OK) + caller(GET), False, 3),
        (caller(b"a body") + upstream(OK) + caller(GET), False, 2),
    ],
)
def test_reading_begins_with_the_first_request_after_what_is_under_way(told, asked, begins_at):
    assert begun(told, asked=asked) == (begins_at, False)


@pytest.mark.parametrize(
    "told",
    [
        caller(GET) + upstream(OK) + caller(GET),
        caller(b"a body" + GET) + upstream(OK, OK) + caller(GET),
        caller(b"a body" + GET[:9], GET[9:]) + upstream(OK) + caller(GET),
        caller(b"a body" + GET[:9]) + upstream(OK) + caller(GET[9:]) + upstream(OK) + caller(GET),
        upstream(GO_ON) + caller(GET) + upstream(OK) + caller(GET),
    ],
)
def test_caller_that_asks_again_before_it_is_answered_is_left_alone_for_good(told):
    assert begun(told, asked=True) == (None, True)


@pytest.mark.parametrize("pieces", [(UPGRADED,), (UPGRADED[:9], UPGRADED[9:]), (GO_ON + UPGRADED,)])
def test_connection_that_is_upgraded_is_left_alone_for_good(pieces):
    assert begun(upstream(*pieces) + caller(GET), asked=True) == (None, True)


@pytest.mark.parametrize("data", [b"", b"\x81\x85hello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01"])
def test_what_is_no_request_begins_nothing(data):
    assert begun((caller(data) + upstream(b"\x00\x01")) * 3, asked=False) == (None, False)


def test_long_answers_and_bodies_are_not_kept():
    lookout = Lookout(asked=True)
    for _ in range(100):
        lookout.begins(bytes(65_536))
        lookout.answered(b"HTTP/1.1 100 " + bytes(65_536))
    assert sum(map(len, (lookout._line, lookout._head))) < 100_000


ASKED = st.sampled_from((GET, POST + b"body body", b"HEAD / HTTP/1.0\r\n\r\n"))
ANSWERED = st.sampled_from(
    (OK, GO_ON + OK, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\nabc")
)
EXCHANGES = st.lists(st.tuples(ASKED, ANSWERED), min_size=2, max_size=5)


def in_pieces(message: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % len(message) for cut in cuts), len(message)})
    return [message[start:stop] for start, stop in itertools.pairwise(places)]


@given(exchanges=EXCHANGES, cuts=st.lists(st.integers(0, 60), max_size=3), heard=st.integers(1, 40))
def test_of_a_caller_that_waits_the_first_whole_line_of_a_request_is_found_and_nothing_else(exchanges, cuts, heard):
    """The caller's first `heard` words and the upstream's were said before anybody looked."""
    told: list[tuple[str, bytes, bool]] = []
    for asked, answered in exchanges:
        whole_line = in_pieces(asked, cuts)[0].find(b"\r\n") > 0
        told += [("caller", piece, not at and whole_line) for at, piece in enumerate(in_pieces(asked, cuts))]
        told += [("upstream", piece, False) for piece in in_pieces(answered, cuts)]
    heard = min(heard, len(told))
    found, gave_up = begun([word[:2] for word in told[heard:]], asked=told[heard - 1][0] == "caller")
    right = next((number for number, word in enumerate(told[heard:]) if word[2]), None)
    cut_in_a_method = heard < len(told) and told[heard][1].split(b" ")[0].isalpha() and not told[heard][2]
    assert found == right or (gave_up and cut_in_a_method)
