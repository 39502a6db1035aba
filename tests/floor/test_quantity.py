"""Quantities: text in, SI units out, and a sentence for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import quantity


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("2s", 2.0), ("1.5 m", 90.0), ("1h", 3600.0), ("30d", 2592000.0), ("5us", 5e-6), (0, 0.0)],
)
def test_duration_is_read_in_seconds(text, seconds):
    assert quantity.duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", [5, "5", "", "s", "-1s", "1 s s", "1e3s", True, None, False, ["1s"], "1s..2s"])
def test_what_is_no_duration_is_quoted(text):
    with pytest.raises(ValueError, match="is not a duration") as caught:
        quantity.duration_s(text)
    assert str(text) in str(caught.value)


@given(st.integers(min_value=0, max_value=10**6))
def test_milliseconds_are_exact_thousandths(count):
    assert quantity.duration_s(f"{count}ms") == pytest.approx(count / 1000)


def test_range_has_two_ends_in_order():
    assert quantity.duration_range_s("1s..3s") == (1.0, 3.0)
    assert quantity.duration_range_s("2s") == (2.0, 2.0)
    with pytest.raises(ValueError, match="runs backwards"):
        quantity.duration_range_s("3s..1s")


def test_rates_are_per_second():
    assert quantity.rate_per_s("200/s") == 200.0
    assert quantity.rate_per_s("600/m") == pytest.approx(10.0)
    assert quantity.rate_per_s("3600 / h") == pytest.approx(1.0)
    with pytest.raises(ValueError, match="is not a rate"):
        quantity.rate_per_s(200)


def test_ratio_needs_its_percent_sign():
    assert quantity.ratio("5%") == pytest.approx(0.05)
    for wrong in (0.05, "0.05", "5"):
        with pytest.raises(ValueError, match="in percent"):
            quantity.ratio(wrong)
    with pytest.raises(ValueError, match="more than 100%"):
        quantity.ratio("101%")


def test_quantile_is_written_with_p():
    assert quantity.quantile("p99.9") == pytest.approx(0.999)
    for wrong in ("99", "p100", "p0", "p", 99):
        with pytest.raises(ValueError, match="is not a quantile"):
            quantity.quantile(wrong)


def test_sizes_tell_thousands_from_powers_of_two():
    assert quantity.size_bytes("64kB") == 64_000
    assert quantity.size_bytes("64KiB") == 65_536
    with pytest.raises(ValueError, match="is not a size"):
        quantity.size_bytes("64")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.004, "4 ms"), (0.0123, "12.3 ms"), (1.25, "1.25 s"), (125.0, "2 m 05 s"), (0.0, "0 ms")]
)
def test_durations_are_shown_short(seconds, text):
    assert quantity.show_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        *((0, "play", "0 plays"), (1, "play", "1 play"), (2, "play", "2 plays")),
        *((1, "criterion", "1 criterion"), (3, "criterion", "3 criteria"), (2, "schema check", "2 schema checks")),
    ],
)
def test_what_is_counted_is_singular_for_one_alone(count, noun, text):
    assert quantity.counted(count, noun) == text
    assert quantity.singular(quantity.plural(noun)) == noun
