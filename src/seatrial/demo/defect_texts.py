"""The texts that name defects: ``NAME|N[:SERVICE][=SHARE]``, for example ``5:cards`` or ``slow:ledger=2%``.

Without a service every service concerned has the defect.
"""

import difflib
import re
import textwrap
from collections.abc import Iterable

from seatrial.demo import DEPENDS_ON, SERVICES
from seatrial.demo.defects import KNOWN, Defect, Kind

_WIDTH = 79


def known_defects() -> tuple[str, ...]:
    """How each known defect is written and what a service does that has it: lines of two columns."""
    written = [f"  {_written(kind)}  " for kind in KNOWN]
    first = max(map(len, written))
    return tuple(
        line
        for text, kind in zip(written, KNOWN, strict=True)
        for line in textwrap.wrap(kind.does, _WIDTH, initial_indent=f"{text:<{first}}", subsequent_indent=" " * first)
    )


def parse_defects(texts: Iterable[str]) -> tuple[Defect, ...]:
    """Read defect texts, in order.

    Raises ValueError with a sentence that quotes the text and names what would be right; where nothing is near it,
    lines that list all there are.
    """
    return tuple(_parse(text.strip()) for text in texts)


_TEXT = re.compile(r"(?P<name>[^:=]+)(:(?P<service>[^:=]+))?(=(?P<share>[^:=]+))?")


def _parse(text: str) -> Defect:
    parts = _TEXT.fullmatch(text)
    if parts is None:
        raise ValueError(
            f"defect {text!r}: not of the form NAME|N[:SERVICE][=SHARE]; for example '5:cards' or 'slow:ledger=2%'"
        )
    kind = _kind(text, parts["name"])
    _check_service(text, kind, parts["service"])
    return Defect(kind, parts["service"], _share(text, kind, parts["share"]))


def _kind(text: str, name: str) -> Kind:
    for kind in KNOWN:
        if name in (kind.name, str(kind.number)):
            return kind
    close = difflib.get_close_matches(name, [kind.name for kind in KNOWN], n=1)
    if close:
        raise ValueError(f"defect {text!r}: unknown defect {name!r}; did you mean {close[0]!r}?")
    listed = "\n".join(("known are (NAME:SERVICE: of one service alone):", *known_defects()))
    raise ValueError(f"defect {text!r}: unknown defect {name!r}; {listed}")


def _check_service(text: str, kind: Kind, service: str | None) -> None:
    if service is None or service in kind.concerns:
        return
    if service not in SERVICES:
        raise ValueError(f"defect {text!r}: unknown service {service!r}; the bank has {', '.join(SERVICES)}")
    why = "" if DEPENDS_ON[service] else " calls no other service, so it"
    raise ValueError(
        f"defect {text!r}: {service}{why} cannot be one that {kind.does}; {', '.join(kind.concerns)} can"
    )


def _share(text: str, kind: Kind, value: str | None) -> float | None:
    if value is None:
        return kind.default_share
    if kind.default_share is None:
        raise ValueError(f"defect {text!r}: {kind.name} takes no value; write '{_written(kind)}[:SERVICE]'")
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"defect {text!r}: {value!r} is no share of requests; write for example '20%' or '0.2'")
    return share


def _written(kind: Kind) -> str:
    number = f"{kind.number}|" if kind.number is not None else ""
    share = "" if kind.default_share is None else f"[={kind.default_share:.0%}]"
    return f"{number}{kind.name}{share}"
