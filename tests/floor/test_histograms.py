"""The sparse reading of a histogram gives what hdrhistogram, our oracle, put into it."""

from __future__ import annotations

import base64
import math

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from seatrial.histograms import (
    bucket_of,
    buckets_of,
    counts_of,
    largest_of,
    quantile_in,
    quantile_of,
    quantile_of_values,
    quantiles_in,
    quantiles_of_one,
    require_readable,
)
from seatrial.scenarios.load.recorder import encode_histogram


@given(st.dictionaries(st.integers(1, 60_000_000), st.integers(1, 10**6), min_size=1, max_size=50))
def test_every_bucket_is_read_with_its_count(values):
    histogram = encode_histogram(values)
    decoded = HdrHistogram.decode(histogram)
    counts = counts_of(histogram)
    assert sum(counts.values()) == sum(values.values()) == decoded.get_total_count()
    for value, count in counts.items():
        assert decoded.get_lowest_equivalent_value(value) == value
        assert decoded.get_count_at_value(value) == count


@given(st.lists(st.integers(1, 60_000_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_quantile_is_the_nearest_rank_of_all_that_was_recorded_and_never_below_it(values, quantile):
    exact = sorted(values)[max(1, math.ceil(quantile * len(values) - 1e-9)) - 1]
    found = quantile_of([encode_histogram({value: values.count(value)}) for value in set(values)], quantile)
    assert exact <= found <= exact * 1.001 + 1


@given(st.dictionaries(st.integers(1, 60_000_000), st.integers(1, 10**12), min_size=1, max_size=200))
def test_several_quantiles_at_once_and_the_largest_are_those_of_the_buckets_one_by_one(values):
    encoded, quantiles = encode_histogram(values), (0.99, 0.0, 0.5, 0.501, 1.0)
    buckets = buckets_of(encoded)
    assert quantiles_of_one(encoded, quantiles) == quantiles_in(buckets, quantiles)
    assert quantiles_in(buckets, quantiles) == tuple(quantile_in(buckets, quantile) for quantile in quantiles)
    assert largest_of(encoded) == HdrHistogram.decode(encoded).get_max_value() == quantile_in(buckets, 1.0)


def test_of_nothing_there_are_no_quantiles_and_no_largest():
    assert (quantiles_of_one("", (0.5,)), quantiles_in({}, (0.5,)), largest_of("")) == ((), (), 0)
    empty = HdrHistogram(1, 60_000_000, 3).encode().decode()
    assert (quantiles_of_one(empty, (0.5,)), largest_of(empty)) == ((), 0)


def test_there_is_no_quantile_of_nothing():
    assert quantile_of([], 0.5) is None
    assert quantile_of(["", ""], 0.5) is None


def test_no_values_are_no_counts():
    assert counts_of("") == {}


def test_a_histogram_of_another_make_is_refused():
    other = HdrHistogram(1, 1_000_000, 2)
    other.record_value(5)
    with pytest.raises(ValueError, match="a histogram of 2 digits from 1"):
        counts_of(other.encode().decode())


@pytest.mark.parametrize("flipped", [0x01, 0x10, 0x80, 0xFF])
def test_a_damaged_byte_is_refused_or_changes_no_count(flipped):
    sound = base64.b64decode(encode_histogram({5: 3, 40_000: 2}))
    refused = 0
    for at in range(len(sound)):
        damaged = base64.b64encode(sound[:at] + bytes([sound[at] ^ flipped]) + sound[at + 1 :]).decode()
        try:
            require_readable(damaged)
        except ValueError:
            refused += 1
        else:
            assert HdrHistogram.decode(damaged).get_total_count() == 5
            assert counts_of(damaged) == counts_of(base64.b64encode(sound).decode())
    assert refused > len(sound) - 3


def test_a_histogram_that_goes_on_after_its_end_is_refused():
    whole = base64.b64decode(encode_histogram({5: 3}))
    with pytest.raises(ValueError, match="not as long as it says"):
        require_readable(base64.b64encode(whole + b"x").decode())


@given(st.integers(1, 60_000_000))
def test_a_value_is_found_in_its_bucket(value):
    assert buckets_of(encode_histogram({value: 3})) == {bucket_of(value): 3}


def test_a_quantile_is_the_same_of_values_and_of_what_was_recorded():
    values = [1, 20_000, 20_013, 400_000, 59_000_000]
    encoded = encode_histogram(dict.fromkeys(values, 3))
    for quantile in (0.0, 0.2, 0.5, 0.8, 0.99, 1.0):
        assert quantile_of_values(counts_of(encoded), quantile) == quantile_of([encoded], quantile)
        assert quantile_of_values(dict.fromkeys(values, 3), quantile) == quantile_of([encoded], quantile)
