"""An answer read at once is the one geventhttpclient's parser reads."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.exchange import Request
from seatrial.scenarios.load.child_answer import Parser, whole

REQUEST = Request("GET", "http://api.test/", max_body_bytes=8)
NAMES = [
    "Content-Length",
    "X-A",
    "x-a",
    "Connection",
    "Transfer-Encoding",
    "Content-Encoding",
    "Bad Name",
    "Set-Cookie",
]
VALUES = [
    "0",
    "2",
    "02",
    "+2",
    "close",
    "keep-alive",
    "Keep-Alive",
    "chunked",
    "gzip",
    "",
    " a b ",
    "\t",
    "é",
    "a\x01",
]
LENGTH = ("Content-Length", "2")
TELLING = [
    [],
    [("Connection", "close")],
    [("Connection", "Keep-Alive"), ("X-A", " a b ")],
    [("Transfer-Encoding", "chunked")],
    [("Content-Encoding", "gzip")],
    [("X-A", "1"), ("X-A", "2")],
    [LENGTH],
]
LINES = st.sampled_from(TELLING) | st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4)
STARTS = st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 204 No", "HTTP/1.0 200 OK", "HTTP/1.1 100 C", "HTTP/1.1 200 "])
PLAIN = b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX-A:  b c\r\n\r\nhi"


def parsed(data):
    parser = Parser()
    try:
        parser.feed(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, the quick way must not have taken it
        return repr(error)
    return parser.answered and parser.reusable and parser.response(REQUEST, 0.5)


def each_telling(test):
    """Whatever the dice say, everything that makes an answer unusual is tried once."""
    for lines in TELLING:
        test = example(start="HTTP/1.1 200 OK", lines=[LENGTH, *lines], body=b"hi")(test)
    for start, length, body in (("200 OK", "2", b"hi!"), ("200 OK", "+2", b"hi"), ("204 No", "2", b"hi")):
        test = example(start=f"HTTP/1.1 {start}", lines=[("Content-Length", length)], body=body)(test)
    return test


@each_telling
@given(
    start=STARTS,
    lines=st.builds(lambda first, rest: [*first, *rest], st.sampled_from([[LENGTH], []]), LINES),
    body=st.sampled_from([b"", b"h", b"hi", b"hi!", b"too long!"]),
)
def test_what_is_read_at_once_is_what_the_parser_reads(start, lines, body):
    head = "".join(f"{line}\r\n" for line in (start, *(f"{name}:{value}" for name, value in lines)))
    data = f"{head}\r\n".encode() + body
    quick = whole(data, REQUEST)
    if quick is not None:
        assert quick.response(REQUEST, 0.5) == parsed(data)


def test_a_plain_answer_is_read_at_once():
    read = whole(PLAIN, REQUEST)
    assert read is not None
    assert read.response(REQUEST, 0.5) == parsed(PLAIN)
    assert read.response(REQUEST, 0.5).headers == (("Content-Length", "2"), ("X-A", "b c"))


@pytest.mark.parametrize(
    "data",
    [
        *(
            PLAIN[:-1],
            PLAIN + b"!",
            PLAIN.replace(b"201", b"204"),
            PLAIN.replace(b"Length: 2", b"Length: 2\r\nX-A: c"),
        ),
        *(PLAIN.replace(b"X-A:  b c", b"Connection: close"), PLAIN.replace(b"X-A:  b c", b"Content-Encoding: gzip")),
        PLAIN.replace(b": 2", b": 9") + b"1234567",
    ],
)
def test_what_is_unusual_is_left_to_the_parser(data):
    assert whole(data, REQUEST) is None


def test_an_answer_to_head_is_left_to_the_parser():
    assert whole(PLAIN, Request("HEAD", "http://api.test/")) is None
