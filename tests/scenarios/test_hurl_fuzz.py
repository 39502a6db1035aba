"""Whatever stands in a .hurl file, it is read or told with a place: no traceback, and no endless reading."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.errors import DocumentError
from seatrial.scenarios.hurl.document import to_document
from seatrial.scenarios.hurl.entries import read_hurl

SEED = (
    (Path(__file__).parent / "hurl" / "everything.hurl").read_bytes()
    + rb"""
POST http://h.test/{{a}}
X: y \u{e9} # c
[Form]
a: {{b}}
[Multipart]
f: file,x.bin; text/plain
[Options]
retry: 3
cert: a.pem:pw
{"a": [1, "{{x}}", {{y}}], "b": {}}
PUT http://h.test/
```graphql
{ a }
variables {"x": 1}
```
PUT http://h.test/
<?xml version="1.0"?><a b='c'><!-- d --><![CDATA[e]]></a>
PUT http://h.test/
base64,AQID;
HTTP/2 *
hex,00;
"""
)
PIECES = [
    *(b"{{", b"}}", b"```", b"`", b'"', b"\\", b"\\u{", b"[", b"]", b"{", b"}", b"<", b"</", b"<!--", b"<![CDATA["),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"#", b"\t", b"HTTP ", b"GET ", b"[Asserts]\n"),
    *(b"[Options]\n", b"file,", b"hex,", b"base64,", b"9" * 5000, b'jsonpath "$..', b"regex /((a+)+", b"variables {"),
    *(b"[" * 300, b"<a>" * 300, b"\xe2\x80\xa8", b"{{x}}", b"not ", b"a" * 300 + b";"),
]


def only_told(path, content):
    """Both doors read it, or say what is wrong where, on one line."""
    path.write_bytes(content)
    lines = content.count(b"\n") + 1
    for error in filter(None, (problem(read, path) for read in (read_hurl, to_document))):
        assert 1 <= error.where.line <= lines
        assert "\n" not in str(error)


def problem(read, path):
    """What is wrong with the file, None when nothing is."""
    try:
        read(path)
    except DocumentError as error:
        return error
    return None


def mutated(rng):
    content = bytearray(SEED)
    start = rng.randrange(len(content))
    content = content[start : start + rng.randrange(2000)] if rng.random() < 0.5 else content
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            content[at:at] = rng.choice(PIECES)
        elif kind == 1:
            del content[at : at + rng.choice((1, 2, 10, 50))]
        elif kind == 2 and at < len(content):
            content[at] = rng.randrange(256)
        else:
            other = rng.randrange(len(content) + 1)
            content[at:at] = content[min(at, other) : max(at, other)][:200]
    return bytes(content)


def test_mutations_of_a_file_are_read_or_told(tmp_path):
    rng = random.Random(20260131)
    for _ in range(300):
        only_told(tmp_path / "f.hurl", mutated(rng))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(errors="replace"))))
def test_anything_is_read_or_told(tmp_path, content):
    only_told(tmp_path / "f.hurl", content)
    only_told(tmp_path / "f.hurl", b"GET http://h.test/\n" + content)
    only_told(tmp_path / "f.hurl", b"GET http://h.test/\nHTTP 200\n[Asserts]\n" + content)


@pytest.mark.parametrize(
    "piece", [b"[", b"{", b'{"a":', b"<a>", b"{{", b"`", b'"', b"\\", b"a: b\n", b"<!--", b" ", b"("]
)
def test_long_runs_of_one_thing_are_read_in_time(tmp_path, piece):
    only_told(tmp_path / "f.hurl", b"GET http://h.test/\n" + piece * (100_000 // len(piece)))
