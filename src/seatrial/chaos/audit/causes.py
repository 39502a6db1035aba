"""What the rulings of an audit come to: one finding for each cause with its consequences, matrix, score, grade.

Pure.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from seatrial.chaos.audit.families import DEFECTS, UNTRIABLE
from seatrial.chaos.audit.model import Cause, Kind, Reading, Ruling, Sign
from seatrial.service import Edge
from seatrial.verdict import Grade

NOT_TRIED = "not tried"


def causes(rulings: Iterable[Ruling]) -> tuple[Cause, ...]:
    """The findings, the gravest first; a family that another of the same edge explains stands under that one."""
    every = tuple(rulings)
    found = [ruling for ruling in every if ruling.reading.sign is Sign.FOUND]
    own_breaker = frozenset(ruling.strain.edge for ruling in every if _has_its_own(ruling.reading))
    explains = functools.partial(_explains, own_breaker=own_breaker)
    roots = [ruling for ruling in found if not any(explains(other, ruling) for other in found)]
    grouped: dict[tuple[str, str], list[Ruling]] = {}
    for ruling in roots:
        grouped.setdefault((ruling.strain.edge.caller, ruling.family.key), []).append(ruling)
    listed = (
        Cause(own[0].family, caller, tuple(own), _consequences(own, found, explains))
        for (caller, _), own in grouped.items()
    )
    return tuple(sorted(listed, key=lambda cause: -cause.family.severity))


def _has_its_own(reading: Reading) -> bool:
    """Whether a breaker opened that the caller cannot share with its other edges: by their good calls it would not
    have."""
    return reading.sign is Sign.CLEAR and reading.outweighed


def _explains(root: Ruling, other: Ruling, *, own_breaker: Collection[Edge]) -> bool:
    edge, affected = root.strain.edge, other.strain.edge
    may_share = edge not in own_breaker and affected not in own_breaker
    of_caller = root.family.of_caller or (root.reading.outweighed and other.reading.outweighed and may_share)
    reaches = edge.caller == affected.caller if of_caller else edge == affected
    return reaches and other.family.key in root.family.explains


def _consequences(
    roots: Sequence[Ruling], found: Sequence[Ruling], explains: Callable[[Ruling, Ruling], bool]
) -> tuple[Ruling, ...]:
    """What shows because of them, or because of what does."""
    reached = list(roots)
    for ruling in reached:  # which grows meanwhile
        reached += [item for item in found if item not in reached and explains(ruling, item)]
    return tuple(item for item in found if item in reached[len(roots) :])


def score(rulings: Sequence[Ruling], cut_short: str = "") -> float | None:
    """100 less the share of what was judged that was found, by severity; None when nothing was judged, or the audit
    was `cut_short`.

    What another finding explains counts with it: a cause that breaks more weighs more.
    """
    judged = [ruling for ruling in rulings if ruling.reading.sign is not Sign.NOT_JUDGED]
    if cut_short or not judged:
        return None
    bad = sum(ruling.family.severity for ruling in judged if ruling.reading.sign is Sign.FOUND)
    return 100.0 * (1.0 - bad / sum(ruling.family.severity for ruling in judged))


def grade(rulings: Sequence[Ruling], cut_short: str = "") -> Grade:
    """MISSED with a finding; without one, UNDECIDED where there is no score: no data is never MET."""
    if causes(rulings):
        return Grade.MISSED
    return Grade.UNDECIDED if score(rulings, cut_short) is None else Grade.MET


def matrix(rulings: Sequence[Ruling], edges: Iterable[Edge]) -> Mapping[Edge, Mapping[Kind, str]]:
    """What each strain of each edge came to: the defects' numbers, `ok`, `not judged` or `not tried`."""
    return {edge: {kind: _cell(edge, kind, rulings) for kind in Kind} for edge in edges}


def _cell(edge: Edge, kind: Kind, rulings: Iterable[Ruling]) -> str:
    own = [item for item in rulings if item.strain.edge == edge and item.strain.kind is kind]
    if not own:
        return NOT_TRIED
    found = [item.family.number_text for item in own if item.reading.sign is Sign.FOUND]
    judged = any(item.reading.sign is Sign.CLEAR for item in own)
    return ", ".join(found) or ("ok" if judged else Sign.NOT_JUDGED.value)


def untried(rulings: Iterable[Ruling]) -> Mapping[int, str]:
    """The defects that nothing was tried for."""
    tried = {number for ruling in rulings for number in ruling.family.numbers}
    return {number: name for number, name in DEFECTS.items() if number not in tried}


def untried_texts(rulings: Iterable[Ruling]) -> tuple[str, ...]:
    """The same by number and name, with the reason where no audit tries it."""
    whys = {number: f" ({why})" for number, why in UNTRIABLE.items()}
    return tuple(f"{number} {name}{whys.get(number, '')}" for number, name in untried(rulings).items())


def unjudged(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """What was tried and could not be judged."""
    return tuple(ruling for ruling in rulings if ruling.reading.sign is Sign.NOT_JUDGED)
