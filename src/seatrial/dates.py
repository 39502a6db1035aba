"""Dates in answers: parsed and worded by the usual `%` formats, always aware, UTC where nothing else is said.

Pure; imports nothing of seatrial. Beside what Python knows, the formats of other tools are understood:
`%F`, `%T`, `%R`, `%D`, `%e`, `%s` (seconds since the epoch), `%+` (ISO 8601), `%:z`, and `%.f` or `%.3f` for a
fraction with its dot.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DIRECTIVE = re.compile(r"%(?:[.]?[369]?f|:z|[^.:])")
_KNOWN = frozenset("aAbBcdeDfFGHhIjmMpRsSTuUVwWxXyYzZ+%")
_LONGER = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%e": "%d", "%h": "%b", "%:z": "%z"}
_FRACTIONS = {"%3f": 3, "%6f": 6, "%9f": 9, "%.f": 6, "%.3f": 3, "%.6f": 6, "%.9f": 9, "%f": 6}


def checked_format(pattern: str) -> str:
    """The format itself; ValueError for one that holds no directive or an unknown one."""
    found = _DIRECTIVE.findall(pattern)
    unknown = next((one for one in found if one not in _FRACTIONS and one != "%:z" and one[1:] not in _KNOWN), None)
    if unknown or not found or _DIRECTIVE.sub("", pattern).count("%"):
        raise ValueError(
            f"'{pattern}' is no date format: {unknown or 'no directive'}; write one as '%Y-%m-%d %H:%M:%S'"
        )
    return pattern


def parse_date(text: str, pattern: str) -> datetime:
    """The instant in a text, in UTC; ValueError when it is not in that format."""
    try:
        found = _parsed(text, pattern)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, re.error):
        raise ValueError(f"'{text}' is no date in the format '{pattern}'") from None


def format_date(moment: datetime, pattern: str) -> str:
    """The instant, in UTC, in that format."""
    moment = moment.astimezone(UTC)
    return _DIRECTIVE.sub(lambda found: _worded(moment, found[0]), pattern)


def iso_text(moment: datetime) -> str:
    """`2026-01-31T12:00:00Z`, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def date_of(value: object) -> datetime | None:
    """A date, or the text of one in ISO 8601, as an instant in UTC; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _parsed(text: str, pattern: str) -> datetime:
    if pattern == "%s":
        return datetime.fromtimestamp(float(text), UTC)
    if pattern == "%+":
        return datetime.fromisoformat(text)
    if "%Z" in pattern and text.endswith(("Z", "z")):
        pattern = pattern.replace("%Z", "%z")  # Python takes the Z of ISO 8601 for an offset, not for a zone's name
    if "%.f" in pattern and "." not in text:
        pattern = pattern.replace("%.f", "")  # it stands for a fraction with its dot, or for none
    expanded = _DIRECTIVE.sub(lambda found: _python(found[0]), pattern)
    return datetime.strptime(_micro(text) if "%f" in expanded else text, expanded)  # noqa: DTZ007


def _python(directive: str) -> str:
    """The directive as `strptime` knows it; the dot of a fraction belongs to the directive."""
    if directive in _FRACTIONS:
        return ".%f" if directive[1] == "." else "%f"
    return _LONGER.get(directive, directive)


def _micro(text: str) -> str:
    """Python reads six digits of a fraction at most."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _worded(moment: datetime, directive: str) -> str:
    if directive == "%.f":
        return "" if not moment.microsecond else f".{moment.microsecond:06d}".removesuffix("000")
    if directive in _FRACTIONS:
        digits = f"{moment.microsecond:06d}000"[: _FRACTIONS[directive]]
        return f".{digits}" if directive[1] == "." else digits
    if directive == "%s":
        return str(int(moment.timestamp()))
    if directive == "%+":
        return iso_text(moment)
    return "+00:00" if directive == "%:z" else moment.strftime(_LONGER.get(directive, directive))
