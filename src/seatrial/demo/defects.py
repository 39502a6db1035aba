"""The defects the bank can be started with, and the texts that name them.

A text is ``NAME|N[:SERVICE][=SHARE]``, for example ``5:cards`` or ``slow:ledger=2%``. A number is
that of the audit's table of resilience defects. Without a service every service concerned has the defect.

To add a defect: a `Kind` in `KNOWN` here, the one place that behaves otherwise when it `has` it,
and its test.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.demo import SERVICES
from seatrial.demo.edges import EDGES

CALLERS = tuple(name for name in SERVICES if any(edge.caller == name for edge in EDGES))


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of being defective. ``default_share`` is None where a share of requests has no meaning."""

    name: str
    number: int | None
    concerns: tuple[str, ...]
    default_share: float | None
    does: str


NO_TIMEOUT = Kind("no-timeout", 1, CALLERS, None, "waits for its dependencies for ever")
NO_BREAKER = Kind("no-breaker", 5, CALLERS, None, "goes on calling a dependency that is out")
SLOW = Kind("slow", None, SERVICES, 0.20, "takes 200 ms longer for a share of its requests")
ERRORS = Kind("errors", None, SERVICES, 0.10, "answers a share of its requests with 500")
WRONG = Kind("wrong", None, SERVICES, None, "answers as if all were well, with wrong amounts and names")

KNOWN: tuple[Kind, ...] = (NO_TIMEOUT, NO_BREAKER, SLOW, ERRORS, WRONG)


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect that was asked for. ``service`` None means every service the kind concerns."""

    kind: Kind
    service: str | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Defects:
    """The defects of one service."""

    present: tuple[Defect, ...] = ()

    def has(self, kind: Kind) -> bool:
        return any(defect.kind is kind for defect in self.present)

    def share(self, kind: Kind) -> float:
        """The share of requests concerned (0-1); 0 without the defect. The last one given counts."""
        shares = [defect.share or 0.0 for defect in self.present if defect.kind is kind]
        return shares[-1] if shares else 0.0


def defects_of(service: str, defects: Iterable[Defect]) -> Defects:
    """Those of the defects that concern a service."""
    return Defects(
        tuple(defect for defect in defects if service in defect.kind.concerns and defect.service in (None, service))
    )


def known_defects() -> tuple[str, ...]:
    """How each known defect is written, for help and error texts."""
    return tuple(_written(kind) for kind in KNOWN)


def parse_defects(texts: Iterable[str]) -> tuple[Defect, ...]:
    """Read defect texts, in order.

    Raises ValueError with a sentence that quotes the text and names what would be right.
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
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"defect {text!r}: unknown defect {name!r}; known are {', '.join(known_defects())}{hint}")


def _check_service(text: str, kind: Kind, service: str | None) -> None:
    if service is None or service in kind.concerns:
        return
    if service not in SERVICES:
        raise ValueError(f"defect {text!r}: unknown service {service!r}; the bank has {', '.join(SERVICES)}")
    raise ValueError(
        f"defect {text!r}: {service} calls no other service, so it cannot be one that {kind.does};"
        f" {', '.join(kind.concerns)} can"
    )


def _share(text: str, kind: Kind, value: str | None) -> float | None:
    if value is None:
        return kind.default_share
    if kind.default_share is None:
        raise ValueError(f"defect {text!r}: {kind.name} takes no value; write {_written(kind)!r}")
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
    return f"{number}{kind.name}[:SERVICE]{share}"
