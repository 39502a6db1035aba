"""What an audit came to, read from its journal, and the files that tell it. What was recorded can be read again."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial import journal
from seatrial.assess.about import CUT_SHORT
from seatrial.chaos.audit import battery, causes, signatures
from seatrial.chaos.audit.model import Observation, Ruling, Strain
from seatrial.chaos.verify import apart
from seatrial.errors import ExitCode
from seatrial.journal import Run
from seatrial.quantity import counted
from seatrial.sample import CallsLost, Connections, EdgeCall, FaultWindow, Interval, Pacing, Record, Sample
from seatrial.scenarios.answers.wanted import Severity
from seatrial.scenarios.model import Scenario, every_step
from seatrial.service import Edge
from seatrial.verdict import Grade, exit_code


@dataclass(frozen=True)
class Audited:
    """What an audit came to; `edges` is every edge of the dependency graph, tried or not, `started_at` UTC seconds,
    `seen` what was recorded, strain by strain.

    `command` is what it was called with, empty where nobody noted it. `what_if` says that it was read with other
    documents than it was made with; empty where it was not. `cut_short` says how far an audit came that was
    interrupted or killed; empty where it came to its end. `interrupted` says what became of one that was interrupted
    just now.
    """

    run: Run
    realm: str
    edges: tuple[Edge, ...]
    started_at: float
    seen: tuple[Observation, ...]
    what_if: str = ""
    cut_short: str = ""
    interrupted: str = ""
    command: str = ""

    @functools.cached_property
    def rulings(self) -> tuple[Ruling, ...]:
        """What every signature reads of it, strain by strain."""
        return read_rulings(self.seen)

    @property
    def files(self) -> Run:
        """Where its files are: a what-if leaves the run's own as they are."""
        return self.run.what_if if self.what_if else self.run

    @property
    def code(self) -> ExitCode:
        """That of its grade; INTERRUPTED of one that was interrupted just now."""
        return ExitCode.INTERRUPTED if self.interrupted else exit_code(self.grade)

    @property
    def grade(self) -> Grade:
        """Of the whole, by what was found."""
        return causes.grade(self.rulings, self.cut_short)

    @property
    def score(self) -> float | None:
        """Of the whole; None when nothing was judged, or not all was played."""
        return causes.score(self.rulings, self.cut_short)


def read_rulings(seen: Iterable[Observation]) -> tuple[Ruling, ...]:
    """What every signature reads, strain by strain."""
    return tuple(ruling for each in seen for ruling in signatures.read(each))


def cut_short(seen: Iterable[Observation], strains: Sequence[Strain]) -> str:
    """How far an audit of those strains came that was interrupted or killed."""
    played = sum(each.fault is not None for each in seen)
    return f"{CUT_SHORT}: {played} of {counted(len(strains), 'strain')} played"


def read_seen(
    file: Path,
    strains: Sequence[Strain],
    left_out: Mapping[str, str],
    *,
    scenarios: Iterable[Scenario],
    is_cut: bool = False,
) -> tuple[Observation, ...]:
    """What an audit's journal holds of every strain; `left_out` says by strain why it was not tried, `scenarios` are
    the journeys of its traffic. Of one that `is_cut`, interrupted or killed, only the strains it had begun."""
    records = tuple(journal.read(file))
    telling = _telling(scenarios)
    connections = tuple(record for record in records if isinstance(record, Connections))
    parts = apart(
        tuple(map(battery.checked_of, strains)),
        calls=tuple(record for record in records if isinstance(record, EdgeCall)),
        windows=tuple(record for record in records if isinstance(record, FaultWindow)),
        lost=tuple(record for record in records if isinstance(record, CallsLost)),
    )
    begun = _begun(records) if is_cut else frozenset(strain.name for strain in strains)
    cut = CUT_SHORT if is_cut else ""
    return tuple(
        battery.observe(
            strain,
            seen,
            health=tuple(_health(records, strain)),
            answers=tuple(_answers(records, strain, telling)),
            connections=connections,
            late_s=_late_s(records, strain),
            why_not=left_out.get(strain.name, "") or ("" if seen.windows else cut),
        )
        for strain, seen in zip(strains, parts, strict=True)
        if strain.name in begun
    )


def _begun(records: Iterable[Record]) -> frozenset[str]:
    """The names of the strains that anything was recorded of: their traffic is marked from the control phase on."""
    return frozenset(
        record.experiment
        for record in records
        if isinstance(record, (FaultWindow, Interval, Sample)) and record.experiment
    )


def _health(records: Iterable[Record], strain: Strain) -> Iterator[Sample]:
    """How the caller answered when it was asked how it is."""
    for record in records:
        if isinstance(record, Sample) and record.experiment == strain.name:
            yield record


def _late_s(records: Iterable[Record], strain: Strain) -> float:
    """How late, at least, the latest start of the traffic was in the seconds of that strain."""
    late_ms = (
        step
        for record in records
        if isinstance(record, Pacing) and record.experiment == strain.name
        for step, count in record.late_over_ms.items()
        if count
    )
    return max(late_ms, default=0) / 1000.0


def _answers(records: Iterable[Record], strain: Strain, telling: frozenset[tuple[str, str]]) -> Iterator[Interval]:
    """What the caller's answers to those steps came to."""
    for record in records:
        if not isinstance(record, Interval) or record.experiment != strain.name:
            continue
        if record.service == strain.edge.caller and (record.scenario, record.step) in telling:
            yield record


def _telling(scenarios: Iterable[Scenario]) -> frozenset[tuple[str, str]]:
    """The steps, by journey and name, that check whether an answer is degraded."""
    return frozenset(
        (scenario.name, step.name)
        for scenario in scenarios
        for step in every_step(scenario)
        if any(check.severity is Severity.DEGRADED for check in step.expectations.checks)
    )
