"""Puts an audit's page together: marks, links, reasons told once; reads no signature anew.

Room reports. Takes `AuditFacts`, gives an `AuditPage`. Pure: the same facts give the same page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from seatrial.chaos.audit import causes
from seatrial.chaos.audit.battery import UNCALLED
from seatrial.chaos.audit.model import Cause, Kind, Ruling, Sign, Strain
from seatrial.quantity import counted
from seatrial.reports.audit.page import (
    AuditFacts,
    AuditPage,
    CauseShown,
    Cell,
    Line,
    Mark,
    Matrix,
    Open,
    Row,
    Seen,
    StrainShown,
)
from seatrial.service import Edge
from seatrial.verdict import Grade

DRAWN_MAX = 40  # pictures of strains: a page of two megabytes is enough
_MARKS = {Sign.FOUND: Mark.FOUND, Sign.CLEAR: Mark.NOTHING, Sign.NOT_JUDGED: Mark.NOT_JUDGED}


def build_audit(facts: AuditFacts) -> AuditPage:
    """The page of one audit; faults that no edge was tried with are no column of its matrix."""
    by_strain = _by_strain(facts.rulings)
    anchors = _anchors(by_strain)
    found = causes.causes(facts.rulings)
    grade = causes.grade(facts.rulings, facts.cut_short)
    drawn = _drawn(facts, by_strain)
    return AuditPage(
        facts=facts,
        grade=grade,
        word=counted(len(found), "finding") if found else "No finding" if grade is Grade.MET else "Undecided",
        reason=_reason(found, facts),
        score=causes.score(facts.rulings, facts.cut_short),
        causes=tuple(_cause(cause, anchors) for cause in found),
        matrix=build_matrix(facts.rulings, facts.edges),
        strains=tuple(_strain(strain, by_strain[strain], anchors, drawn=drawn, facts=facts) for strain in by_strain),
        left_open=_left_open(facts.rulings),
        untried=causes.untried_texts(facts.rulings),
        undrawn=len(facts.strains) - len(drawn),
    )


def build_matrix(rulings: Iterable[Ruling], edges: Iterable[Edge]) -> Matrix:
    """The matrix of an audit; its cells lead to the evidence on the audit's page."""
    by_strain = _by_strain(rulings)
    anchors = _anchors(by_strain)
    kinds = tuple(kind for kind in Kind if any(strain.kind is kind for strain in by_strain))
    return Matrix(kinds, tuple(_row(edge, kinds, by_strain, anchors) for edge in edges))


def mark_of(rulings: Sequence[Ruling]) -> Mark:
    """What the rulings about one strain come to: found, if one is; nothing, if one is clear."""
    signs = {ruling.reading.sign for ruling in rulings}
    return next((mark for sign, mark in _MARKS.items() if sign in signs), Mark.NOT_TRIED)


def _anchors(strains: Iterable[Strain]) -> Mapping[Strain, str]:
    return {strain: f"strain-{number}" for number, strain in enumerate(strains, start=1)}


def _by_strain(rulings: Iterable[Ruling]) -> Mapping[Strain, list[Ruling]]:
    grouped: dict[Strain, list[Ruling]] = {}
    for ruling in rulings:
        grouped.setdefault(ruling.strain, []).append(ruling)
    return grouped


def _reason(found: Sequence[Cause], facts: AuditFacts) -> str:
    """What was found at which service; without a finding, how much was looked at. First how far it came, where it was
    cut short."""
    open_ones = len(causes.unjudged(facts.rulings))
    judged = counted(len(facts.rulings) - open_ones, "ruling")
    told = [f"{cause.caller}: {cause.family.title}" for cause in found]
    told = told or [f"{judged} found no defect; {open_ones:,} could not be judged"]
    return "; ".join([facts.cut_short, *told] if facts.cut_short else told)


def _cause(cause: Cause, anchors: Mapping[Strain, str]) -> CauseShown:
    def seen(rulings: Iterable[Ruling]) -> tuple[Seen, ...]:
        return tuple(Seen(ruling, anchors[ruling.strain]) for ruling in rulings)

    return CauseShown(cause, seen(cause.rulings), seen(cause.consequences))


def _row(
    edge: Edge,
    kinds: Iterable[Kind],
    by_strain: Mapping[Strain, Sequence[Ruling]],
    anchors: Mapping[Strain, str],
) -> Row:
    own = {strain.kind: strain for strain in by_strain if strain.edge == edge}
    return Row(
        edge,
        tuple(
            _cell(kind, by_strain[own[kind]], anchors[own[kind]]) if kind in own else Cell(kind, Mark.NOT_TRIED)
            for kind in kinds
        ),
    )


def _cell(kind: Kind, rulings: Sequence[Ruling], anchor: str) -> Cell:
    numbers = ", ".join(ruling.family.number_text for ruling in rulings if ruling.reading.sign is Sign.FOUND)
    judged = len(rulings) - len(causes.unjudged(rulings))
    return Cell(kind, mark_of(rulings), numbers, judged, len(rulings), anchor)


def _drawn(facts: AuditFacts, by_strain: Mapping[Strain, Sequence[Ruling]]) -> frozenset[str]:
    """The names of the strains that are drawn: those that showed something first, then the others in their order."""
    tried = {experiment.name for experiment in facts.strains}
    names = [strain.name for strain in by_strain if strain.name in tried]
    found = {strain.name for strain, rulings in by_strain.items() if mark_of(rulings) is Mark.FOUND}
    return frozenset(sorted(names, key=lambda name: name not in found)[:DRAWN_MAX])


def _strain(
    strain: Strain,
    rulings: Sequence[Ruling],
    anchors: Mapping[Strain, str],
    *,
    drawn: frozenset[str],
    facts: AuditFacts,
) -> StrainShown:
    known = (experiment for experiment in facts.strains if experiment.name == strain.name)
    seen = next(known, None) if strain.name in drawn else None
    return StrainShown(anchors[strain], strain, mark_of(rulings), tuple(_lines(rulings)), seen)


def _lines(rulings: Iterable[Ruling]) -> Iterator[Line]:
    """A line for each ruling; those that could not be judged for one reason stand on one line."""
    grouped: dict[object, list[Ruling]] = {}
    for ruling in rulings:
        is_open = ruling.reading.sign is Sign.NOT_JUDGED
        grouped.setdefault(ruling.reading.text if is_open else ruling, []).append(ruling)
    for own in grouped.values():
        reading = own[0].reading
        families = tuple(ruling.family for ruling in own)
        yield Line(families, _MARKS[reading.sign], reading.text, reading.n, reading.bad)


def _left_open(rulings: Iterable[Ruling]) -> tuple[Open, ...]:
    """Each reason once, with what it left open."""
    reasons: dict[str, list[str]] = {}
    for ruling in causes.unjudged(rulings):
        strain, why = ruling.strain, ruling.reading.text
        place = (
            f"{strain.edge}" if why == UNCALLED else f"{strain.kind} on {strain.edge} ({ruling.family.number_text})"
        )
        reasons.setdefault(why, []).append(place)
    return tuple(Open(why, tuple(dict.fromkeys(places))) for why, places in reasons.items())
