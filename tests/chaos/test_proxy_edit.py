"""What becomes of an answer that is changed on its way."""

from __future__ import annotations

import pytest

from seatrial.chaos.proxy.edit import Edit, Original, edited, edited_head

ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTrailer: X\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize("body", [b"", b"else"])
def test_new_body_is_not_said_to_be_encoded_as_the_old_one_was(body):
    head, found = edited(Original(ZIPPED, 200, "GET", 9, b"123456789"), Edit(body=body))
    assert head == b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert found == body


def test_body_of_a_later_replacement_takes_the_place_of_members_of_an_earlier_one():
    both = Edit(members=(("/a", "1"),)).then(Edit(body=b"else"))
    assert (both.body, both.members) == (b"else", ())
    assert both.then(Edit(members=(("/b", "2"),))).members == (("/b", "2"),)


@pytest.mark.parametrize(("method", "framing"), [("GET", b"Content-Length: 0\r\n"), ("HEAD", b"")])
def test_answer_that_had_no_body_says_so_under_a_status_that_has_one(method, framing):
    found = edited_head(Original(b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, method, 0), Edit(status=200))
    assert found == b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n"


def test_escapes_of_a_pointer_are_read_once():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n"
    changed = Edit(members=(("/~01", "2"), ("/b~1c", "3")))
    assert edited(Original(head, 200, "GET", 18, b'{"~1": 1, "b/c": 1}'), changed)[1] == b'{"~1":2,"b/c":3}'
