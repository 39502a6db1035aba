"""`faker` of templates: made-up people and things from the Faker package, an extra. Private to `template`.

Only the methods of Faker's own providers can be named, and none that runs other templates or makes files; numbers
among their arguments are bounded, for most of them say how much is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

MAX_AMOUNT = 1000
"""What an argument may ask for: the longest text made is then about a million characters."""

_OF_NUMBERS = frozenset({"pyfloat", "pyint", "random_int"})
_REFUSED = frozenset(
    {
        *("binary", "csv", "dsv", "enum", "fixed_width", "image", "json", "json_bytes", "psv", "pyobject"),
        *("pystr_format", "pystruct", "pytimezone", "tar", "tsv", "xml", "zip"),
    }
)
_PLAIN = (str, bool, int, float, type(None))


class People:
    """Faker's providers by name, repeating with the play's chance. Faker is loaded when first asked for something."""

    __slots__ = ("_maker", "_rng")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._maker: Any = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """AttributeError for what no provider makes."""
        if name.startswith("_") or name in _REFUSED:
            raise AttributeError(name)
        maker = self._made()
        if not any(callable(getattr(provider, name, None)) for provider in maker.get_providers()):
            raise AttributeError(name)
        method = getattr(maker, name)

        def make(*amounts: Any, **named: Any) -> Any:
            if name not in _OF_NUMBERS:
                _refuse_amounts((*amounts, *named.values()))
            return _plain(method(*amounts, **named))

        return make

    def _made(self) -> Any:
        if self._maker is None:
            try:
                from faker import Faker
            except ImportError:
                raise ValueError("faker is not installed; install seatrial[faker]") from None
            self._maker = Faker()
            self._maker.seed_instance(self._rng.getrandbits(64))
        return self._maker


def _refuse_amounts(arguments: tuple[Any, ...]) -> None:
    for argument in arguments:
        if isinstance(argument, (int, float)) and abs(argument) > MAX_AMOUNT:
            raise ValueError(f"faker is asked for {argument}, and {MAX_AMOUNT} is the most")


def _plain(value: Any) -> Any:
    """As JSON can hold it: dates and decimals become texts, sets and tuples lists."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(part) for part in value]
    return str(value)
