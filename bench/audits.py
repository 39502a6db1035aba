"""A system with each of its defects alone, and healthy three times: what `seatrial chaos audit` says of each.

Part of `make bench` for the demo bank, and a command of its own: `--system shop` audits the shop of tests/systems.
Prints a confusion matrix; `--write` puts its rows into docs/audit.md, and leaves the other rows there as they are.
What was done is kept in `out/audits-SYSTEM.json` after every audit; a run that was interrupted is gone on with. Whole
audits take hours; `--narrow` leaves each to the edges of the service that has the defect, to its edge, or to the
faults there that expose it.
"""

from __future__ import annotations

import argparse
import enum
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import confusion
from audited import BANK, REPLICAS, ROOT, SYSTEMS, Case, System

OUT = Path(__file__).with_name("out")
PAGE = ROOT / "docs" / "audit.md"
WITHIN_S = 1_800.0
UNSETTLED = (4, 5)
"""Exit codes of an audit that says nothing: a starved machine's. It is made once more."""


class Narrow(enum.StrEnum):
    """What an audit of a defect is left to; of a healthy system all is tried, however narrow."""

    NOT = "not"
    SERVICE = "service"
    EDGE = "edge"
    FAULT = "fault"


TRIED = {Narrow.NOT: "all", Narrow.SERVICE: "service", Narrow.EDGE: "edge", Narrow.FAULT: "fault"}
"""What of a system was tried, as the matrix has it."""


@dataclass(frozen=True)
class Finding:
    """One cause that an audit named with its evidence, and what it took for its consequences."""

    defects: tuple[int, ...]
    edges: tuple[str, ...]
    under: tuple[int, ...] = ()
    evidence: tuple[str, ...] = ()

    def is_of(self, case: Case) -> bool:
        """Whether that is the case's defect, by its number or family, where it is."""
        return case.number in self.defects and any(map(case.covers, self.edges))


@dataclass(frozen=True)
class Audited:
    """What one audit said; `exit_code` as of the command, `lasted_s` from start to end of it; `version` is the
    commit of what made it, empty of one that was kept before it was."""

    case: str
    exit_code: int
    findings: tuple[Finding, ...]
    score: float | None
    lasted_s: float
    narrow: Narrow
    version: str = ""


@dataclass
class Progress:
    """The audits that were made of a system, each case's in their order."""

    system: System
    made: list[Audited] = field(default_factory=list)

    def of(self, case: Case) -> tuple[Audited, ...]:
        """Its audits."""
        return tuple(one for one in self.made if one.case == case.name)

    def is_done(self, times: int) -> bool:
        """Whether each case was audited so often."""
        return all(len(self.of(case)) >= times for case in self.system.cases)

    @property
    def problems(self) -> list[str]:
        """A sentence for each audit that was wrong."""
        said = ((case, problem_of(case, one)) for case in self.system.cases for one in self.of(case))
        return [f"{case.name}: {problem}" for case, problem in said if problem]


def main() -> int:
    """0: all was named, and nothing else. 1: something was not, or is still to be audited. 130: interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", choices=SYSTEMS, default=BANK.name, help="what is audited")
    parser.add_argument("--times", type=int, default=1, help="how often each case is")
    parser.add_argument(
        "--narrow",
        type=Narrow,
        nargs="?",
        choices=list(Narrow),
        const=Narrow.SERVICE,
        default=Narrow.NOT,
        help="only the edges of the service that has the defect (so it is by itself), its edge, or the faults there",
    )
    parser.add_argument("--case", action="append", default=[], help="this case alone, again; repeat")
    parser.add_argument(
        "--write", action="store_true", help=f"put what was audited into {PAGE.name}; a --case is audited before"
    )
    asked = parser.parse_args()
    system = SYSTEMS[asked.system]
    try:
        is_done = asked.write and not asked.case
        progress = load(system) if is_done else run(system, asked.case, narrow=asked.narrow, times=asked.times)
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here")
        return 130
    if asked.write:
        write(progress)
    print(as_text(progress))
    return 1 if progress.problems or not progress.is_done(asked.times) else 0


def run(
    system: System,
    names: Sequence[str] = (),
    *,
    narrow: Narrow = Narrow.NOT,
    times: int = 1,
    most: int | None = None,
) -> Progress:
    """Audit each case that was not audited so often yet, or the cases of those names again; all anew once all were.
    `most` of the cases are looked at; all without it."""
    progress = load(system)
    if names:
        progress.made = [one for one in progress.made if one.case not in names]
    elif progress.is_done(times):
        progress = Progress(system)
    for turn in range(1, times + 1):
        for case in system.cases[:most]:
            if len(progress.of(case)) < turn and (not names or case.name in names):
                one = audited(system, case, narrow=narrow)
                progress.made.append(one)
                save(progress)
                print(f"{case.name}: {problem_of(case, one) or 'as it should be'}", file=sys.stderr)
    return progress


def audited(system: System, case: Case, *, narrow: Narrow) -> Audited:
    """The system with that defect, audited in a workspace of its own; once more where that said nothing."""
    with tempfile.TemporaryDirectory(prefix="seatrial-audits-") as folder:
        workspace = Path(folder)
        for name in system.parts:
            _copy(system.workspace / name, workspace)
        if case.realm == REPLICAS:
            _depend_on_both_ledgers(workspace)
        made = _audit(system, case, workspace, narrow=narrow)
        return _audit(system, case, workspace, narrow=narrow) if made.exit_code in UNSETTLED else made


def _copy(what: Path, where: Path) -> None:
    if what.is_dir():
        shutil.copytree(what, where / what.name)
    else:
        shutil.copy(what, where)


def _depend_on_both_ledgers(workspace: Path) -> None:
    """As docs/demo-bank.md says: each replica is an edge of its own."""
    cards = workspace / "slo" / "cards.yaml"
    cards.write_text(cards.read_text().replace("[ledger, ", "[ledger, {ledger2: optional}, "))
    (workspace / "slo" / "ledger2.yaml").write_text("service: ledger2\nowner: books-team\ntier: 1\n")


def _audit(system: System, case: Case, workspace: Path, *, narrow: Narrow) -> Audited:
    told = workspace / "audit.json"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "seatrial", "chaos", "audit", "--realm", case.realm, "--json", str(told)]
    command += [word for each in only(case, workspace, narrow=narrow) for word in ("--only", each)]
    if case.number is not None:
        command += ["--var", f"defects={case.name}"]
    begun = time.monotonic()
    done = subprocess.run(
        command,
        cwd=workspace,
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    lasted_s = time.monotonic() - begun
    if not told.exists():
        raise SystemExit(f"{case.name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    content = json.loads(told.read_text())
    findings = tuple(map(_finding, content["findings"]))
    return Audited(
        case.name, done.returncode, findings, content["score"], round(lasted_s, 1), narrow, version=version()
    )


def version() -> str:
    """The commit that is audited with; `+` behind it says that files were changed since."""
    command = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip()


def only(case: Case, workspace: Path, *, narrow: Narrow) -> list[str]:
    """What `--only` leaves in."""
    from seatrial.service import edges
    from seatrial.slo.read import read_services

    if case.number is None or narrow is Narrow.NOT:
        return []
    graph = edges(read_services(workspace / "slo").values())
    if narrow is Narrow.SERVICE:
        return [str(edge) for edge in graph if edge.caller == case.service]
    covered = [str(edge) for edge in graph if case.covers(str(edge))]
    return [*covered, str(case.number)] if narrow is Narrow.FAULT else covered


def _finding(told: Mapping[str, Any]) -> Finding:
    under = {number for item in told.get("consequences", ()) for number in item["defects"]}
    return Finding(tuple(told["defects"]), tuple(told["edges"]), tuple(sorted(under)), tuple(told["evidence"]))


def problem_of(case: Case, audited: Audited) -> str:
    """What is wrong with what an audit said of that case; empty when nothing is."""
    if audited.exit_code in UNSETTLED:
        return f"it said nothing (exit {audited.exit_code})"
    wrong = [finding for finding in audited.findings if not finding.is_of(case)]
    if case.number is not None and len(wrong) == len(audited.findings):
        named = f"; named {', '.join(map(_numbers, wrong))} instead" if wrong else ""
        return f"missed{named}"
    return f"invented {', '.join(map(_numbers, wrong))}" if wrong else ""


def as_text(progress: Progress) -> str:
    """The matrix, the count, and every problem."""
    ill = [(case, one) for case in progress.system.cases if case.number is not None for one in progress.of(case)]
    named = sum(any(finding.is_of(case) for finding in one.findings) for case, one in ill)
    longest = max((one.lasted_s for one in progress.made), default=0.0)
    count = f"{named} of {len(ill)} audits named the defect where it was; the longest took {longest:.0f} s"
    return "\n".join((as_markdown(progress), count, *progress.problems))


def as_markdown(progress: Progress) -> str:
    """What was audited, a row for each case."""
    return confusion.as_markdown(progress.system.name, rows(progress))


def rows(progress: Progress) -> tuple[confusion.Row, ...]:
    """A row for each case that was audited: how many findings of each family in all its audits, what was under them,
    the scores, how many audits that were, what was tried and by which commits."""
    made = ((case, progress.of(case)) for case in progress.system.cases)
    return tuple(_row(case, audits) for case, audits in made if audits)


def _row(case: Case, audits: Sequence[Audited]) -> confusion.Row:
    found = [finding for one in audits for finding in one.findings]
    counts = Counter(finding.defects for finding in found)
    told: dict[str, Iterable[object]] = {
        confusion.UNDER: sorted({number for finding in found for number in finding.under}),
        confusion.SCORE: sorted({"-" if one.score is None else f"{one.score:.0f}" for one in audits}),
        confusion.AUDITS: [len(audits)],
        confusion.TRIED: sorted({TRIED[one.narrow] if case.number is not None else "all" for one in audits}),
        confusion.VERSION: dict.fromkeys(one.version for one in audits),
    }
    return confusion.Row(
        case.name,
        {_family(numbers): f"**{n}**" if case.number in numbers else str(n) for numbers, n in counts.items()},
        {name: ", ".join(map(str, parts)) for name, parts in told.items()},
    )


def _family(numbers: Iterable[int]) -> str:
    return "/".join(map(str, numbers))


def _numbers(finding: Finding) -> str:
    return f"{_family(finding.defects)} at {', '.join(finding.edges)}"


def write(progress: Progress) -> None:
    """Put a row for each case that was audited between the system's marks of the page, in place of the one that is
    there; all others stay."""
    begin, end = progress.system.marks
    before, _, rest = PAGE.read_text().partition(begin)
    table, _, after = rest.partition(end)
    order = [case.name for case in progress.system.cases]
    whole = confusion.merged(confusion.read(table), rows(progress), order)
    PAGE.write_text(f"{before}{begin}{confusion.as_markdown(progress.system.name, whole)}\n{end}{after}")


def load(system: System) -> Progress:
    """What was kept."""
    kept = json.loads(_state(system).read_text()) if _state(system).exists() else []
    return Progress(system, list(map(_read, kept)))


def _read(item: dict[str, Any]) -> Audited:
    findings = (Finding(**{key: tuple(value) for key, value in each.items()}) for each in item["findings"])
    return Audited(**{**item, "findings": tuple(findings), "narrow": Narrow(item["narrow"])})


def save(progress: Progress) -> None:
    """Keep what was done."""
    OUT.mkdir(exist_ok=True)
    waiting = _state(progress.system).with_suffix(".part")
    waiting.write_text(json.dumps([asdict(one) for one in progress.made], indent=1) + "\n")
    waiting.replace(_state(progress.system))


def _state(system: System) -> Path:
    return OUT / f"audits-{system.name}.json"


if __name__ == "__main__":
    sys.exit(main())
