"""What templates may call: chance, the time of day, digests, and what the play lends them. Private to `template`.

Pure but for what it is given: the chance and the clock of a play, a reader of files, the allowed environment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from seatrial.clock import iso
from seatrial.errors import did_you_mean
from seatrial.template.people import People

MAX_OUTPUT = 1 << 20
"""Characters one template may give: more than any sane request body, little enough to hold a thousand at once."""

MAX_LOOP = 1000
"""Turns of one loop; two nested ones end after a million turns, about a tenth of a second."""

MAX_DAYS = 366_000
"""A thousand years, either way from today."""

DAY_S = 86_400
_ALPHABET = string.ascii_lowercase + string.digits

Clock = Callable[[], float]
Files = Callable[[str], str]
Functions = dict[str, Any]


def functions(
    rng: random.Random, now: Clock, *, files: Files | None = None, environment: Mapping[str, str] | None = None
) -> Functions:
    """The functions of one play; `now` gives UTC seconds.

    `now()` is `2026-01-31T12:00:00.250Z`, `today(days=0)` is `2026-01-31` (UTC), `timestamp()` whole seconds.
    `file(path)` is the text `files` gives for the path, `env(name)` is of `environment` alone, which holds what the
    realm allows; without them both are refused when called. `faker` has Faker's providers by name.
    """
    # Closures, for what `functools.partial` holds can be reached from a template.
    return {
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "now": lambda: iso(now()),
        "today": lambda days=0: iso(now() + _days(days) * DAY_S)[:10],
        "timestamp": lambda: int(now()),
        "random_int": lambda lowest, highest: rng.randint(lowest, highest),
        "random_choice": lambda options: rng.choice(options),
        "random_string": lambda length=8, alphabet=_ALPHABET: _random_string(rng, length, alphabet),
        "env": lambda name: _env(environment or {}, name),
        "file": files or _no_file,
        "faker": People(rng),
    }


def _days(days: float) -> float:
    if not abs(days) <= MAX_DAYS:
        raise ValueError(f"{days} days from today, where {MAX_DAYS} are the most")
    return days


def _random_string(rng: random.Random, length: int, alphabet: str) -> str:
    if not 0 <= length <= MAX_OUTPUT:
        raise ValueError(f"a random string of {length} characters")
    if not isinstance(alphabet, str):
        raise ValueError("the alphabet of a random string is a text")
    return "".join(rng.choices(alphabet, k=length))


def _env(allowed: Mapping[str, str], name: str) -> str:
    if name not in allowed:
        hint = did_you_mean(str(name), allowed)
        raise ValueError(f"the realm lends no environment variable '{name}'" + (f"; {hint}" if hint else ""))
    return allowed[name]


def _no_file(path: str) -> str:
    raise ValueError(f"no file can be read here, so not '{path}'")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: str, text: str, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def _bounded_range(*ends: int) -> range:
    numbers = range(*ends)
    if len(numbers) > MAX_LOOP:
        raise ValueError(f"a range of more than {MAX_LOOP} numbers")
    return numbers


GLOBALS: Mapping[str, Callable[..., Any]] = {
    "base64": _base64,
    "sha256": _sha256,
    "hmac": _hmac,
    "range": _bounded_range,
    "dict": dict,
}
RESERVED = frozenset({*GLOBALS, *functions(random.Random(0), float), "addresses", "secrets", "vars", "realm"})
"""Names no variable and no capture may take, because templates mean something else by them."""
