"""Quantities as users write them: `250ms`, `200/s`, `5%`, `1s..3s`. Text in, SI units out.

Pure; imports nothing of seatrial. Every function raises ValueError with a sentence that quotes the text.
"""

from __future__ import annotations

import re

_NUMBER = r"(\d+(?:\.\d+)?)"
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 10**6, "KiB": 1024, "MiB": 2**20}
_PLURALS = {"criterion": "criteria", "retry": "retries"}
_DURATION = re.compile(rf"^{_NUMBER}\s*(us|ms|s|m|h|d)$")
_RATE = re.compile(rf"^{_NUMBER}\s*/\s*(s|m|h)$")
_PERCENT = re.compile(rf"^{_NUMBER}\s*%$")
_CHANGE = re.compile(rf"^([+-]?){_NUMBER}\s*%$")
_SIZE = re.compile(rf"^{_NUMBER}\s*(B|kB|KB|MB|KiB|MiB)$")


def duration_s(text: object) -> float:
    """Seconds from `250ms`, `2s`, `5m`, `1h`, `30d`; a bare 0 is allowed, any other bare number is not."""
    if text == 0 and not isinstance(text, bool):
        return 0.0
    found = _DURATION.match(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"'{text}' is not a duration; write a number with its unit, as 250ms, 2s, 5m or 1h")
    return float(found[1]) * _SECONDS[found[2]]


def duration_range_s(text: object) -> tuple[float, float]:
    """Two durations from `1s..3s`; a single one gives both ends."""
    low, dots, high = str(text).partition("..")
    ends = duration_s(low), duration_s(high if dots else low)
    if ends[0] > ends[1]:
        raise ValueError(f"'{text}' runs backwards; write the shorter duration first")
    return ends


def rate_per_s(text: object) -> float:
    """Per second from `200/s`, `600/m`, `3600/h`."""
    found = _RATE.match(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"'{text}' is not a rate; write it as 200/s or 600/m")
    return float(found[1]) / _SECONDS[found[2]]


def ratio(text: object) -> float:
    """A share between 0 and 1 from `5%`; a bare number is refused because its unit is unclear."""
    found = _PERCENT.match(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"'{text}' is not a share; write it in percent, as 5%")
    value = float(found[1]) / 100.0
    if value > 1.0:
        raise ValueError(f"'{text}' is more than 100%")
    return value


def change(text: object) -> float:
    """A relative change from `+10%` (0.1) or `-5%` (-0.05); the sign is part of it, except for `0%`."""
    found = _CHANGE.match(text.strip()) if isinstance(text, str) else None
    value = float(found[1] + found[2]) / 100.0 if found else 0.0
    if not found or (value and not found[1]):
        raise ValueError(f"'{text}' is not a change; write it with its sign and in percent, as +10% or -5%")
    return value


def quantile(text: object) -> float:
    """0.99 from `p99`, 0.999 from `p99.9`."""
    digits = text[1:] if isinstance(text, str) and text[:1] == "p" else ""
    if not re.fullmatch(r"\d{1,2}(\.\d+)?", digits) or float(digits) == 0.0:
        raise ValueError(f"'{text}' is not a quantile; write it as p95 or p99.9")
    return float(digits) / 100.0


def size_bytes(text: object) -> int:
    """Bytes from `64kB` (1000) or `64KiB` (1024)."""
    found = _SIZE.match(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"'{text}' is not a size; write it as 64kB or 1MiB")
    return int(float(found[1]) * _BYTES[found[2]])


def counted(count: int, noun: str) -> str:
    """`1 request`, `2 requests`, `0 criteria`; `noun` is the singular."""
    return f"{count} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """`requests` of `request`."""
    return _PLURALS.get(noun, f"{noun}s")


def singular(nouns: str) -> str:
    """`request` of `requests`."""
    return next((one for one, several in _PLURALS.items() if several == nouns), nouns.removesuffix("s"))


def show_duration(seconds: float) -> str:
    """The shortest usual text: `4 ms`, `1.25 s`, `2 m 05 s`."""
    if seconds < 1.0:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 120.0:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s"


def show_rate(per_s: float, *, digits: int = 3) -> str:
    """So many per second, from a thousand on in full: `33.3/s`, `4,000/s`."""
    return f"{per_s:,.0f}/s" if per_s >= 1000.0 else f"{per_s:.{digits}g}/s"


def show_ratio(value: float) -> str:
    """A share in percent with three significant digits: `0.25 %`."""
    return f"{value * 100:.3g} %"


def show_change(value: float) -> str:
    """A relative change in percent with its sign: `+12.5 %`."""
    return f"{value * 100:+.3g} %"
