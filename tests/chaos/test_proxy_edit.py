"""What becomes of an answer that is changed on its way."""

from __future__ import annotations

import pytest

from seatrial.chaos.proxy.edit import Edit, Original, edited

ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTrailer: X\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize("body", [b"", b"else"])
def test_new_body_is_not_said_to_be_encoded_as_the_old_one_was(body):
    head, found = edited(Original(ZIPPED, 200, "GET", 9, b"123456789"), Edit(body=body))
    assert head == b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert found == body
