"""What a run is compared with: which earlier runs its baselines are, and the findings that come of them.

Takes a plan and the workspace's run folders. `choose_baselines` looks before anything is sent, and its answer is kept
in `run.json`: a run judged again later is held against the same ones, whatever was recorded since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import journal
from seatrial.assess.baselines import FILE, baseline_names, why_not_whole
from seatrial.assess.plan import Plan
from seatrial.assess.runs import may_be_baseline, run_lines
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.journal import OUT, Run
from seatrial.sample import BASE, CANARY
from seatrial.scenarios.load.order import Canary
from seatrial.service import Service
from seatrial.slo.counted import Counted
from seatrial.slo.generator import judge_generator
from seatrial.slo.judge import excuse
from seatrial.slo.judge_versus import Baseline, judge_canary, judge_versus
from seatrial.slo.measure import Measures, measure
from seatrial.slo.versus import BASELINE
from seatrial.verdict import Finding, Grade

Chosen = Mapping[str, Sequence[str]]
"""The names of the runs that each word of a `versus:` means, newest last; none where there is none yet."""


def choose_baselines(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The runs that this plan's comparisons will be held against; DocumentError for a name nobody gave to a run, be
    it one that only relative criteria are held against."""
    gate_names(plan)
    asked = {item.versus: item.where for service in plan.services.values() for item in service.comparisons}
    return {word: _runs_of(word, plan, where) for word, where in asked.items() if word is not None}


def require_named(plan: Plan) -> None:
    """DocumentError for a name of a baseline that nobody gave to a run; reads no run."""
    gate_names(plan)
    for service in plan.services.values():
        for item in service.comparisons:
            if item.versus not in (None, BASELINE):
                _named(item.versus, plan, item.where)


def gate_names(plan: Plan) -> str | None:
    """The run that the gate's `versus` names, None where it names none; DocumentError for a name nobody gave."""
    name = plan.gate.versus.name
    return None if name is None else _named(name, plan, plan.gate.place("versus", "name"))


def judge_comparisons(
    measures: Measures, plan: Plan, *, baselines: Chosen, canary: Canary | None, unmet: int = 0
) -> tuple[Finding, ...]:
    """Every objective held versus another run, and a canary beside its base; UNDECIDED with an unfit generator.
    `unmet` is as `count_unmet` gave it."""
    generator = judge_generator(measures, plan.services)
    earlier = {word: _baseline(word, names, plan=plan, unmet=unmet) for word, names in baselines.items()}
    findings = tuple(_findings(measures, plan, earlier=earlier, canary=canary))
    return findings if generator is None else excuse(findings)


def read_counted(run: Run, name: str) -> Counted:
    """What a recorded run counted in its hold, under that name; UsageError when the folder cannot be read."""
    about: Mapping[str, Any] = journal.read_json(run.about)
    realm, offered = (str(about.get(key) or "") for key in ("realm", "offered"))
    return Counted(name, (measure(journal.read(run.journal)),), realm, offered)


def why_unusable(run: Run) -> str:
    """Why nothing can be held against a run, whatever is; empty text where something can."""
    if not run.about.is_file():
        return f"the run it was held against, {run.name}, is not there any more"
    why = why_not_whole(journal.read_json(run.about))
    return f"{run.name} can be no baseline: {why}" if why else ""


def has_canary(run: Run) -> bool:
    """Whether its load was split between two versions."""
    return bool(journal.read_json(run.about).get("canary"))


def was_cut_short(run: Run) -> bool:
    """Whether it says of itself that it did not come to its end."""
    about = journal.read_json(run.about)
    return "ended_at" in about and about["ended_at"] is None


def _findings(
    measures: Measures, plan: Plan, *, earlier: Mapping[str, Baseline], canary: Canary | None
) -> Iterator[Finding]:
    now = Counted("this run", (measures,), plan.realm.name, plan.offered)
    base, new = (Counted(side, (measures,), now.realm, now.offered, side) for side in (BASE, CANARY))
    canaries = canary.addresses if canary else {}
    for name, service in plan.services.items():
        if name not in canaries:
            yield from judge_versus(now, earlier, [service], alpha=plan.gate.alpha)
    beside = {**earlier, BASELINE: Baseline(base)}
    for name in canaries:  # whether or not anybody has promised anything of it
        service = plan.services.get(name, Service(name))
        yield from judge_versus(new, beside, [service], alpha=plan.gate.alpha)
        yield from judge_canary(base, new, service, alpha=plan.gate.alpha)


def _runs_of(word: str, plan: Plan, where: Where | None) -> tuple[str, ...]:
    if word != BASELINE:
        return (_named(word, plan, where),)
    named = gate_names(plan)
    return _last_met(plan, plan.gate.versus.last) if named is None else (named,)


def _named(name: str, plan: Plan, where: Where | None) -> str:
    names = baseline_names(plan.workspace)
    if name not in names:
        hint = did_you_mean(name, names) or f"name one: seatrial runs baseline {name} RUN"
        raise DocumentError(where or Where(str(FILE), 1, 1), f"no run has the baseline name '{name}'", hint)
    return names[name]


def _last_met(plan: Plan, last: int) -> tuple[str, ...]:
    """The newest runs that were MET under the same load, of the same realm, gate and profile, that judged what this
    one does. A profile whose rates were changed begins without a baseline: the run before could never be one."""
    like = [line for line in run_lines(plan.workspace) if may_be_baseline(line, _kind(plan), plan.services)]
    met = (line.name for line in like if line.verdict == Grade.MET and line.is_under(plan.offered))
    return tuple(met)[-last:]


def count_unmet(plan: Plan, chosen: Chosen) -> int:
    """How many earlier runs of the same realm, gate and profile were not MET; 0 where a baseline is chosen."""
    if chosen.get(BASELINE, (BASELINE,)):
        return 0
    like = (line for line in run_lines(plan.workspace) if line.kind == _kind(plan) and line.is_under(plan.offered))
    return sum(line.verdict != Grade.MET for line in like)


def _kind(plan: Plan) -> tuple[str, str, str]:
    return plan.realm.name, plan.gate.name, plan.profile.name if plan.profile else ""


def _baseline(word: str, names: Sequence[str], *, plan: Plan, unmet: int) -> Baseline:
    """The baseline that was chosen; unusable where one of its runs has been removed since."""
    if not names and unmet:
        many = f"{unmet} runs" if unmet > 1 else "1 run"
        return Baseline(absent=f"no earlier MET run of this realm, gate and profile ({many}, none MET)")
    if not names:
        return Baseline()
    runs = [Run(plan.workspace / OUT / name) for name in names]
    unusable = next(filter(None, map(why_unusable, runs)), "")
    if unusable:
        return Baseline(unusable=unusable)
    title = names[-1] if len(names) == 1 else f"the {len(names)} runs up to {names[-1]}"
    across = word == BASELINE and plan.gate.versus.across_realms
    return Baseline(_together(title, [read_counted(run, title) for run in runs]), across_realms=across)


def _together(title: str, runs: Sequence[Counted]) -> Counted:
    """Runs under one load, taken together."""
    newest = runs[-1]
    return Counted(title, tuple(measures for run in runs for measures in run.runs), newest.realm, newest.offered)
