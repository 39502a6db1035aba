"""Findings about experiments, from what was recorded: redone from the journal, or asked for while one is going on.

Pure. Takes measures, and what was seen of each experiment; holds them against the experiments' expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.assess.plan import Plan
from seatrial.chaos.plan import PhaseObjective
from seatrial.chaos.verify import UNSTEADY, Judge, Seen, judge_experiment, judge_steady, not_run
from seatrial.sample import Phase
from seatrial.slo.judge import judge_promise
from seatrial.slo.measure import Measures, Span
from seatrial.verdict import Finding


def judge_experiments(
    measures: Measures, plan: Plan, seen: Sequence[Seen], *, aborted: Mapping[str, str]
) -> Iterator[Finding]:
    """One finding for each expectation of each experiment; undecided for one that was never begun.

    `aborted` tells, by experiment, why it ended before its plan did. The steady state is judged wherever a baseline
    was watched, even when nothing was injected after it.
    """
    for each in seen:
        name = each.checked.experiment.name
        why, judge = aborted.get(name, ""), _judge_of(measures, plan, name)
        if each.windows:
            yield from judge_experiment(each, judge=judge, aborted=why)
            continue
        if why == UNSTEADY or Span(Phase.HOLD, name) in measures.seconds:
            yield from judge_steady(each.checked, judge)
        yield from not_run(each.checked, why or "it was not run")


def _judge_of(measures: Measures, plan: Plan, experiment: str) -> Judge:
    def judge(item: PhaseObjective) -> Finding:
        return judge_item(measures, plan, item, experiment=experiment)

    return judge


def judge_item(measures: Measures, plan: Plan, item: PhaseObjective, *, experiment: str) -> Finding:
    """One objective over its phase of an experiment: MET when not contradicted."""
    return judge_promise(
        measures,
        plan.documented,
        service=item.service,
        objective=item.objective,
        experiment=experiment,
        phase=item.phase,
        since=item.since,
        alpha=plan.gate.alpha,
    )
