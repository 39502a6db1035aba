"""Content encodings taken off piece by piece: in any cut the same, never beyond the limit, by name where unknown."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import itertools
import os
import sys
import tracemalloc
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.sample import Cause
from seatrial.unpack import Unpackable, Unpacker, encodings_of, read_whole

LIMIT = 10_000
PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
ENCODINGS = st.lists(st.sampled_from(sorted(PACK)), max_size=3)


def packed(encodings, body):
    for name in encodings:
        body = PACK[name](body)
    return body


@given(ENCODINGS, st.binary(max_size=2000), st.lists(st.integers(0, 2500), max_size=5))
def test_body_is_the_same_however_it_is_cut_and_encoded(encodings, body, cuts):
    wire = packed(encodings, body)
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    pieces = [wire[start:end] for start, end in itertools.pairwise(edges)]
    assert read_whole(pieces, encodings, LIMIT) == (body, wire if encodings else None)


@given(ENCODINGS.filter(bool), st.integers(LIMIT + 1, 20 * LIMIT))
def test_more_than_the_limit_is_too_large(encodings, size):
    with pytest.raises(Unpackable) as caught:
        read_whole([packed(encodings, b"\0" * size)], encodings, LIMIT)
    assert caught.value.cause is Cause.TOO_LARGE


@given(ENCODINGS, st.binary(max_size=300))
def test_what_is_not_encoded_as_it_says_is_told_and_nothing_else_is_raised(encodings, wire):
    with contextlib.suppress(Unpackable):
        read_whole([wire], encodings, LIMIT)


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_body_of_just_the_limit_is_taken_though_it_was_longer_on_its_way(encoding):
    body = os.urandom(LIMIT)
    once = PACK[encoding](body)
    assert len(once) > LIMIT
    assert read_whole([once], [encoding], LIMIT) == (body, once)
    twice = PACK[encoding](once)
    assert read_whole([twice], [encoding, encoding], LIMIT) == (body, twice)


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_bomb_is_never_unpacked_beyond_the_limit(encoding):
    bomb = PACK[encoding](b"\0" * (64 << 20))
    tracemalloc.start()
    with pytest.raises(Unpackable):
        read_whole([bomb], [encoding], LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


@pytest.mark.parametrize(
    ("named", "encodings"),
    [("", []), ("identity", []), ("GZip", ["gzip"]), (" br , identity,gzip ", ["br", "gzip"]), (",", [])],
)
def test_encodings_are_named_in_the_order_applied(named, encodings):
    assert encodings_of(named) == encodings


@pytest.mark.parametrize(("encoding", "package"), [("br", "brotli"), ("zstd", "backports.zstd")])
def test_package_that_is_missing_is_named(monkeypatch, encoding, package):
    for module in (package, "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unpackable) as caught:
        Unpacker([encoding], LIMIT)
    assert caught.value.cause is Cause.PROTOCOL
    assert f"'{encoding}', and the package '{package}' is not installed" in str(caught.value)


def zstd_of_this_python():
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    return pytest.skip("neither this Python nor backports.zstd has zstd")


def test_zstd_is_unpacked_within_the_limit_where_it_is_there():
    zstd = zstd_of_this_python()
    wire = zstd.compress(b"small" * 99)
    assert read_whole([wire[:9], wire[9:]], ["zstd"], LIMIT) == (b"small" * 99, wire)
    with pytest.raises(Unpackable, match="larger than 10000 bytes"):
        read_whole([zstd.compress(b"\0" * (64 << 20))], ["zstd"], LIMIT)
    with pytest.raises(Unpackable, match="not zstd"):
        read_whole([b"no zstd at all"], ["zstd"], LIMIT)
    with pytest.raises(Unpackable, match="ends too early"):
        read_whole([wire[:-4]], ["zstd"], LIMIT)
