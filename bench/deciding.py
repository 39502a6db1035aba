"""How soon `assess` decides: on a demo bank whose true share of slow requests is known, against a fixed hold of 60 s.

Limit 5 %, 100 judged requests/s in the open model. Twice the limit is to be MISSED in less than half the fixed hold,
five times the limit in less than a fifth, a bank without the defect MET as soon as `min_hold` allows. Time counts
from the end of the warm-up to the last second of the hold, from the run's own journal.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import ToolFailedError
from peers import Peer

FIXED_HOLD_S = 60
MIN_HOLD_S = 20
LIMIT_RATIO = 0.05
GIVEN_UP_AFTER_S = 180
OF_THE_BANK = ("scenarios", "slo", "chaos", "synthetic")
FILES = {
    "scenarios/look.yaml": "scenario: look\nservice: feed\ntags: [smoke]\n"
    "steps: [{name: look, request: {url: /customers/cus-nobody/feed}, expect: {status: 200}}]\n",
    "scenarios/profiles/hundred.yaml": "profile: hundred\nscenarios: [look]\n"
    f"stages: [{{ramp_to: 100/s, over: 2s}}, {{hold: {FIXED_HOLD_S}s}}]\n"
    "warm_up: 3s\nstop_when: decided\nabort_when: missed\n",
    # What the defect slows takes 200 ms and more: a busy machine neither makes nor hides a slow answer.
    "slo/feed.yaml": "service: feed\nobjectives: [{name: fast, indicator: latency, quantile: p95, limit: 150ms}]\n",
    "slo/gate.yaml": "gate: default\nacceptance: {tags: [smoke]}\nload: {profile: hundred}\n"
    f"min_hold: {MIN_HOLD_S}s\n",
}


@dataclass(frozen=True)
class Decided:
    """One assessment: its grade, how long the hold was, and what the verdict rests on."""

    grade: str
    hold_s: int
    decided_at_s: float | None
    n: int
    bad: int
    reason: str


@dataclass(frozen=True)
class Case:
    """A truth, the verdict it must get, and the bar in seconds of hold."""

    name: str
    share: float
    wanted: str
    bar_s: float

    @property
    def defects(self) -> str:
        """As the bank is told."""
        return f"slow:feed={self.share:.0%}" if self.share else ""


CASES = (
    Case("twice the limit", 2 * LIMIT_RATIO, "MISSED", FIXED_HOLD_S / 2),
    Case("five times the limit", 5 * LIMIT_RATIO, "MISSED", FIXED_HOLD_S / 5),
    Case("no slow answer", 0.0, "MET", MIN_HOLD_S + 3),
)


@dataclass(frozen=True)
class Outcome:
    """All runs of one case."""

    case: Case
    runs: tuple[Decided, ...]

    @property
    def as_wanted(self) -> tuple[Decided, ...]:
        """Those that were decided, and rightly."""
        return tuple(run for run in self.runs if run.grade == self.case.wanted)

    @property
    def median_s(self) -> float | None:
        """Of the holds that were decided rightly."""
        return statistics.median(run.hold_s for run in self.as_wanted) if self.as_wanted else None

    def __str__(self) -> str:
        right, holds = self.as_wanted, sorted(run.hold_s for run in self.as_wanted)
        median = "not one" if self.median_s is None else f"{self.median_s:g} s"
        counted = f"{statistics.median(run.n for run in right):,.0f} requests" if right else ""
        return (
            f"  {self.case.name:<21} {len(right)} of {len(self.runs)} {self.case.wanted}, "
            f"hold in the median {median} (good: below {self.case.bar_s:g} s; a fixed one {FIXED_HOLD_S} s), "
            f"{counted}; all: {holds}"
        )


def measure(peer: Peer, rounds: int) -> list[Outcome]:
    """Every case so many times, each in a workspace and a bank of its own."""
    return [Outcome(case, tuple(assess(peer, case) for _ in range(rounds))) for case in CASES]


def assess(peer: Peer, case: Case) -> Decided:
    """One assessment of a bank that slows that share of the requests to its feed."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        workspace = _workspace(peer, Path(folder) / "bank")
        done = subprocess.run(
            [str(peer.program), "assess", "--json", "-", "--var", f"defects={case.defects}"],
            cwd=workspace,
            capture_output=True,
            text=True,
            timeout=GIVEN_UP_AFTER_S,
            check=False,
        )
        if done.returncode not in (0, 1, 5):
            raise ToolFailedError(f"seatrial assess ended with {done.returncode}: {done.stderr[-500:]}")
        return decided(json.loads(done.stdout), workspace)


def _workspace(peer: Peer, folder: Path) -> Path:
    """The starter's bank, with the bench's own journey, profile and objective."""
    subprocess.run([str(peer.program), "init", str(folder)], check=True, capture_output=True, timeout=60)
    for name in OF_THE_BANK:
        shutil.rmtree(folder / name)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def decided(verdict: dict[str, object], workspace: Path) -> Decided:
    """What the verdict says of the only objective, and how long the journal says that the hold was."""
    findings = verdict["findings"]
    assert isinstance(findings, list)
    fast = next(item for item in findings if item["name"] == "feed.fast")
    held = held_s(next(workspace.glob("reports/out/*/journal.jsonl")))
    return Decided(fast["grade"], held, fast["decided_at_s"], n=fast["n"], bad=fast["bad"], reason=fast["reason"])


def held_s(journal: Path) -> int:
    """Seconds of hold in a run's journal."""
    records = (json.loads(line) for line in journal.read_text().splitlines())
    counted = (record for record in records if record["record"] in ("pacing", "interval"))
    return len({record["second"] for record in counted if record["phase"] == "hold"})
