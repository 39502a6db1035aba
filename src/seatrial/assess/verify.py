"""Findings about experiments, from what was recorded: redone from the journal, or asked for while one is going on.

Pure. Takes measures, calls at the proxies and fault windows; holds them against the experiments' expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.assess.plan import Plan
from seatrial.chaos.plan import PhaseObjective
from seatrial.chaos.verify import judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.slo.judge import judge_promise
from seatrial.slo.measure import Measures
from seatrial.verdict import Finding


def judge_experiments(
    measures: Measures,
    plan: Plan,
    *,
    calls: Sequence[EdgeCall],
    windows: Sequence[FaultWindow],
    aborted: Mapping[str, str],
) -> Iterator[Finding]:
    """One finding for each expectation of each experiment; undecided for one that was never begun.

    `aborted` tells, by experiment, why it ended before its plan did.
    """
    for checked in plan.experiments:
        name = checked.experiment.name
        own = [window for window in windows if window.experiment == name]
        if not own:
            yield from not_run(checked, aborted.get(name, "it was not run"))
            continue

        def judge(item: PhaseObjective, experiment: str = name) -> Finding:
            return judge_item(measures, plan, item, experiment=experiment)

        yield from judge_experiment(checked, calls, own, judge=judge, aborted=aborted.get(name, ""))


def judge_item(measures: Measures, plan: Plan, item: PhaseObjective, *, experiment: str) -> Finding:
    """One objective over its phase of an experiment: MET when not contradicted."""
    return judge_promise(
        measures,
        plan.documented,
        service=item.service,
        objective=item.objective,
        experiment=experiment,
        phase=item.phase,
        alpha=plan.gate.alpha,
    )
