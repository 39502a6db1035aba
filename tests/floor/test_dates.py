"""Dates: parsed, worded and compared, always with a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import dates

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("2026-01-31", "%Y-%m-%d", NOON.replace(hour=0)),
        ("2026-01-31", "%F", NOON.replace(hour=0)),
        ("2026-01-31 12:00:00", "%F %T", NOON),
        ("Sat, 31 Jan 2026 12:00:00 GMT", "%a, %d %b %Y %H:%M:%S GMT", NOON),
        ("2026-01-31 14:00:00 +02:00", "%Y-%m-%d %H:%M:%S %:z", NOON),
        ("2026-01-31T12:00:00.123456789Z", "%Y-%m-%dT%H:%M:%S%.fZ", NOON.replace(microsecond=123456)),
        ("2026-01-31T12:00:00Z", "%Y-%m-%dT%H:%M:%S%.fZ", NOON),
        ("2026-01-31T12:00:00Z", "%Y-%m-%dT%H:%M:%S%Z", NOON),
        ("2026-01-31T12:00:00.5Z", "%FT%T.%fZ", NOON.replace(microsecond=500_000)),
        ("2026-01-31T12:00:00Z", "%+", NOON),
        (str(int(NOON.timestamp())), "%s", NOON),
    ],
)
def test_text_is_parsed_into_an_instant_in_utc(text, pattern, moment):
    parsed = dates.parse_date(text, dates.checked_format(pattern))
    assert parsed == moment
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%d", "2026-01-31"),
        ("%F %T", "2026-01-31 12:00:00"),
        ("%H:%M:%S%.3f%:z", "12:00:00.000+00:00"),
        ("%+", "2026-01-31T12:00:00Z"),
        ("%T%.fZ", "12:00:00Z"),
        ("100%% %Y", "100% 2026"),
    ],
)
def test_instant_is_worded_in_utc(pattern, text):
    moment = NOON.astimezone(timezone(timedelta(hours=5)))
    assert dates.format_date(moment, dates.checked_format(pattern)) == text


@pytest.mark.parametrize(("microseconds", "text"), [(0, ""), (250_000, ".250"), (1, ".000001")])
def test_fraction_with_its_dot_has_as_many_digits_as_it_needs(microseconds, text):
    assert dates.format_date(NOON.replace(microsecond=microseconds), "%.f") == text


@pytest.mark.parametrize("pattern", ["", "ymd", "%Q", "%Y %", "%:y"])
def test_text_that_is_no_format_is_refused(pattern):
    with pytest.raises(ValueError, match="is no date format"):
        dates.checked_format(pattern)


@pytest.mark.parametrize(("text", "pattern"), [("soon", "%+"), ("1e400", "%s"), ("nan", "%s"), ("2026-02-30", "%F")])
def test_text_in_another_format_is_refused(text, pattern):
    with pytest.raises(ValueError, match=f"'{text}' is no date in the format"):
        dates.parse_date(text, pattern)


def test_iso_texts_and_dates_are_dates_and_nothing_else_is():
    assert dates.date_of("2026-01-31T13:00:00+01:00") == NOON
    assert dates.date_of(datetime(2026, 1, 31, 12)) == NOON  # noqa: DTZ001
    assert dates.date_of("noon") is None
    assert dates.date_of(5) is None


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9000, 1, 1)))  # noqa: DTZ001
def test_instant_survives_being_worded(moment):
    moment = moment.replace(tzinfo=UTC)
    assert dates.parse_date(dates.format_date(moment, "%FT%T%.6f"), "%FT%T%.6f") == moment
    assert dates.parse_date(dates.iso_text(moment), "%+") == moment
