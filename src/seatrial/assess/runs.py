"""The recorded runs of a workspace: one line each, and which of them may go.

Takes run folders and the names of baselines, gives `RunLine`s and a `Pruning`; one run that is not whole must not
hide the others. Only `remove` deletes anything. May import the floor, the undo ledger's reader and what `slo` says
earlier runs are.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.assess.about import utc_seconds
from seatrial.assess.baselines import baseline_names, why_not_whole
from seatrial.chaos.healing.ledger import open_entries
from seatrial.errors import CannotRun, DocumentError, UsageError
from seatrial.journal import Run, is_going_on, list_runs, read, read_json
from seatrial.sample import Logged, LogKind
from seatrial.slo.earlier import qualifies
from seatrial.slo.versus import LAST_MET, Of, Versus
from seatrial.verdict import Grade, worst

NOT_JUDGED = "not judged"
UNREADABLE = "unreadable"
GOING_ON = "going on"
_OF = {Of.MET: "MET", Of.MET_OR_DEGRADED: "MET or DEGRADED", Of.ALL: "judged"}


@dataclass(frozen=True, slots=True)
class RunLine:
    """What is told of one run.

    `verdict` is its grade, or why there is none; `started_at` UTC seconds; `revisions` by service; `revision` the
    commit of the workspace's own documents; `compared_with` the runs it was held against; `services` those it judged,
    none meaning all. `is_whole`: no experiment alone, no load split with a canary, and no `diff`.
    """

    run: Run
    verdict: str
    realm: str = ""
    started_at: float | None = None
    command: str = ""
    gate: str = ""
    profile: str = ""
    offered: str = ""
    revisions: Mapping[str, str] | None = None
    revision: str = ""
    baselines: tuple[str, ...] = ()
    compared_with: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def name(self) -> str:
        """The run's."""
        return self.run.name

    @property
    def kind(self) -> tuple[str, str, str]:
        """What runs must share to be each other's baseline: realm, gate and profile."""
        return self.realm, self.gate, self.profile

    def is_under(self, offered: str) -> bool:
        """Whether its load, in words, was that one, as far as it is known."""
        return not (self.offered and offered) or self.offered == offered


@dataclass(frozen=True, slots=True)
class Pruning:
    """What a pruning does: the runs that go, and why others stay that were old enough to go."""

    going: tuple[RunLine, ...]
    staying: tuple[tuple[RunLine, str], ...] = ()


def run_lines(workspace: Path) -> tuple[RunLine, ...]:
    """Every recorded run, oldest first."""
    names: dict[str, list[str]] = {}
    for name, run_name in baseline_names(workspace).items():
        names.setdefault(run_name, []).append(name)
    return tuple(_line(run, tuple(names.get(run.name, ()))) for run in list_runs(workspace))


def may_be_baseline(line: RunLine, kind: tuple[str, str, str], services: Collection[str]) -> bool:
    """Whether a run of that kind that judges those services, none meaning all, may be held against this one, if its
    verdict qualifies."""
    judged_all = not line.services or (bool(services) and set(services) <= set(line.services))
    return line.kind == kind and line.is_whole and judged_all


def prune(
    lines: Sequence[RunLine],
    gates: Mapping[str, Versus],
    *,
    now: float,
    keep: int | None = None,
    older_than_s: float | None = None,
) -> Pruning:
    """Which runs may go: beyond the newest `keep` and older than that, whichever are given.

    A run of unknown age is not old. Never a named baseline, one that still goes on, one that the next run of its kind
    would be held against by what its gate says (`gates`, by name; one that is not there says the last MET one), one
    that a run that stays was compared with, or one whose faults are not all undone.
    """
    old = lines if keep is None else lines[: max(0, len(lines) - keep)]
    if older_than_s is not None:
        old = [line for line in old if line.started_at is not None and now - line.started_at > older_than_s]
    held = {line.name: reason for line in old if (reason := _why_held(line, lines, gates.get(line.gate, LAST_MET)))}
    stays = [line for line in lines if line not in old or line.name in held]
    for line in old:
        if line.name not in held and (later := _compared(line, stays)):
            held[line.name] = f"'{later}' was compared with it"
    return Pruning(
        going=tuple(line for line in old if line.name not in held),
        staying=tuple((line, held[line.name]) for line in old if line.name in held),
    )


def remove(line: RunLine) -> None:
    """Delete a run's folder with all that is in it."""
    try:
        shutil.rmtree(line.run.folder)
    except OSError as error:
        raise CannotRun(f"{error.filename or line.run.folder}: cannot be removed: {error.strerror}") from None


def _why_held(line: RunLine, lines: Sequence[RunLine], versus: Versus) -> str:
    if line.baselines:
        return f"baseline {', '.join(line.baselines)}"
    if line.verdict == GOING_ON:
        return "it still goes on"
    if line.gate and (reason := _why_needed(line, lines, versus)):
        return reason
    try:
        return "its faults are not all undone; see `seatrial chaos recover`" if open_entries(line.run.ledger) else ""
    except DocumentError:
        return "its undo ledger cannot be read"


def _why_needed(line: RunLine, lines: Sequence[RunLine], versus: Versus) -> str:
    """Objectives are held against runs that were MET, relative criteria against those `of` qualifies."""
    like = [
        other for other in lines if may_be_baseline(other, line.kind, line.services) and other.is_under(line.offered)
    ]
    for of in dict.fromkeys((Of.MET, versus.of)):
        if line in [other for other in like if qualifies(other.verdict, of)][-versus.last :]:
            which = "the last one" if versus.last == 1 else f"one of the last {versus.last}"
            return f"{which} {_OF[of]} of its realm, gate and profile"
    return ""


def _compared(line: RunLine, stays: Iterable[RunLine]) -> str | None:
    return next((other.name for other in stays if line.name in other.compared_with), None)


def _line(run: Run, baselines: tuple[str, ...]) -> RunLine:
    try:
        about = read_json(run.about)
    except (UsageError, DocumentError):
        return RunLine(run, UNREADABLE, baselines=baselines)
    return RunLine(
        run=run,
        verdict=_verdict(run),
        realm=_text(about, "realm"),
        started_at=_instant(about.get("started_at")),
        command=_text(about, "line") or _text(about, "command"),
        gate=_text(about, "gate"),
        profile=_text(about, "profile"),
        offered=_text(about, "offered"),
        revisions=_revisions(about.get("revisions")),
        revision=_text(about, "git_revision"),
        baselines=baselines,
        compared_with=tuple(_compared_with(about.get("baselines"))),
        services=tuple(_texts(about.get("services"))),
        is_whole=not why_not_whole(about),
    )


def _text(about: Mapping[str, Any], key: str) -> str:
    value = about.get(key)
    return value if isinstance(value, str) else ""


def _compared_with(baselines: Any) -> Iterable[str]:
    chosen = baselines.values() if isinstance(baselines, dict) else ()
    return (name for names in chosen for name in _texts(names))


def _revisions(revisions: Any) -> Mapping[str, str]:
    said = revisions.items() if isinstance(revisions, dict) else ()
    return {service: revision for service, revision in said if isinstance(revision, str)}


def _texts(values: Any) -> Iterable[str]:
    """Those of a list that are texts."""
    return (value for value in values if isinstance(value, str)) if isinstance(values, list) else ()


def _instant(value: Any) -> float | None:
    try:
        return utc_seconds(value)
    except ValueError:
        return None


def _verdict(run: Run) -> str:
    """Its grade, as far as it can be told."""
    return GOING_ON if is_going_on(run) else own_verdict(run)


def own_verdict(run: Run) -> str:
    """The grade of a run that is over, on its own terms: as its command wrote it, and of a game day by its steps."""
    judged = next((file for file in (run.verdict, run.diff, run.audit) if file.is_file()), None)
    try:
        if judged:
            return _grade(_text(read_json(judged), "grade"))
        return _of_day(run) if run.gameday.is_file() else NOT_JUDGED
    except (UsageError, DocumentError):
        return UNREADABLE


def _grade(text: str) -> str:
    return text if text in set(Grade) else UNREADABLE


def _of_day(day: Run) -> str:
    """The worst of the steps that were run, each a run of its own beside it."""
    lines = (record for record in read(day.journal) if isinstance(record, Logged))
    steps = {line.of_step: line.text for line in lines if line.kind is LogKind.BEGUN}
    verdicts = (own_verdict(Run(day.folder.parent / name)) for name in steps.values())
    return worst(Grade(verdict) if verdict in set(Grade) else Grade.UNDECIDED for verdict in verdicts)
