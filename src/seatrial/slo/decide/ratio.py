"""Decides whether the ratio of bad requests is kept below a limit: the rules of the load stage and of a phase.

Room slo. Takes bad and all requests of every second, gives a `Decision`. Pure. It must never give MET without data,
and never a call that looking more often would make unsafe.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from seatrial.sample import OVERDUE_S
from seatrial.slo.decide.design_effect import NO_BLOCKS, NO_SECONDS, Block, BlockSums
from seatrial.slo.decide.martingale import confidence_interval, log_bernoulli_martingale, requests_needed
from seatrial.slo.decide.words import (
    ALPHA,
    MET_MIN_BLOCKS,
    MIN_HOLD_S,
    MISSED_MIN_BLOCKS,
    PHASE_MIN_REQUESTS,
    Call,
    Decision,
    Interval,
    PerSecond,
    Reason,
    Why,
    lacking_blocks,
    lacking_hold,
    percent,
    require_ratio,
    unrendered_text,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The question put to the evidence: is the ratio of bad requests below `limit_ratio`?

    ValueError unless limit and alpha lie strictly between 0 and 1: no sample can show that a ratio is zero.
    """

    limit_ratio: float
    alpha: float = ALPHA
    min_hold_s: float = MIN_HOLD_S

    def __post_init__(self) -> None:
        require_ratio("limit", self.limit_ratio)
        require_ratio("alpha", self.alpha)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the hold has shown so far. Start with `Evidence()`, add every second with `after`, look with `decide`.

    Seconds not yet making up a whole block wait in `trailing`: their requests count in `bad` and `total`, where
    they are evidence like any other, but not in the design effect, which compares whole blocks only. `overdue` are
    the requests that at the end of the last second had no answer for long, `unrendered` those of all seconds that the
    journey could not write or judge: none of them is in `total`, for none is known to be bad, but whatever is called
    MET must be so with all of them bad.
    """

    seconds: int = 0
    bad: int = 0
    total: int = 0
    trailing: Block = NO_SECONDS
    sums: BlockSums = NO_BLOCKS
    overdue: int = 0
    unrendered: int = 0

    def after(self, second: PerSecond, overdue: int = 0, unrendered: int = 0) -> Evidence:
        """This evidence and one second more, in constant time."""
        block = self.trailing.with_second(second)
        return Evidence(
            seconds=self.seconds + 1,
            bad=self.bad + second[0],
            total=self.total + second[1],
            trailing=NO_SECONDS if block.is_whole else block,
            sums=self.sums.with_block(block) if block.is_whole else self.sums,
            overdue=overdue,
            unrendered=self.unrendered + unrendered,
        )

    @property
    def at_worst(self) -> Evidence:
        """As if every request that has no answer will be bad, and every unrendered one would have been."""
        unknown = self.overdue + self.unrendered
        return replace(self, bad=self.bad + unknown, total=self.total + unknown, overdue=0, unrendered=0)


def decide(evidence: Evidence, rule: Rule) -> Decision:
    """One look at what the hold has shown so far.

    MET when the evidence refutes every ratio at or above the limit and whole blocks cover `min_hold_s` and are
    at least 20; MISSED when it refutes every ratio at or below it and 5 blocks hold a bad request; else UNDECIDED.
    Whoever looks again must let the first decision stand: only that is safe at any number of looks.
    """
    crossed = _crossed(evidence, rule, evidence.sums.effect.value)
    lacks = _lacking(evidence, rule, crossed)
    if crossed is Call.UNDECIDED or lacks is not None:
        return _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=lacks or _too_little(evidence, rule))
    return _ratio_decision(evidence, rule, call=crossed, reason=_decided(evidence, rule))


def first_decision(
    per_second: Iterable[PerSecond],
    *,
    limit_ratio: float,
    alpha: float = ALPHA,
    min_hold_s: float = MIN_HOLD_S,
    overdue: Iterable[int] = (),
    unrendered: Iterable[int] = (),
) -> Decision:
    """Looks after every second and stops at the first decision, which stands; the last look's if none was made.

    Takes no second beyond the decision from the iterable, so a live run and its journal read later give the
    same. The numbers are those at the time of the decision. Linear in the seconds. `overdue` are the requests without
    an answer at the end of each second, `unrendered` those of it that could not be written or judged; none where
    there is no number.
    """
    rule = Rule(limit_ratio, alpha, min_hold_s)
    evidence = Evidence()
    for second, waiting, lost in _with_unknown(per_second, overdue, unrendered):
        evidence = evidence.after(second, waiting, lost)
        crossed = _crossed(evidence, rule, evidence.sums.effect.value)
        if crossed is not Call.UNDECIDED and _lacking(evidence, rule, crossed) is None:
            break
    return decide(evidence, rule)


def not_contradicted(
    per_second: Iterable[PerSecond],
    *,
    limit_ratio: float,
    alpha: float = ALPHA,
    overdue: Iterable[int] = (),
    unrendered: Iterable[int] = (),
) -> Decision:
    """For a steady state or one phase of an experiment, too short to prove a ratio: MET unless the counts speak
    against it.

    UNDECIDED below 30 requests. The test of `decide` says MISSED without asking for blocks or hold, for those
    numbers belong to the load stage. UNDECIDED ("correlated") also where only the design effect keeps that test
    from MISSED: thirty failures of thirty are no reason for MET. So it is where the requests that have no answer at
    the end, and those that could not be rendered, would speak against it if they were bad.
    """
    evidence = Evidence()
    for second, waiting, lost in _with_unknown(per_second, overdue, unrendered):
        evidence = evidence.after(second, waiting, lost)
    return _phase_decision(evidence, Rule(limit_ratio, alpha, min_hold_s=0.0))


def first_contradiction(
    per_second: Iterable[PerSecond],
    *,
    limit_ratio: float,
    alpha: float = ALPHA,
    overdue: Iterable[int] = (),
    unrendered: Iterable[int] = (),
) -> Decision:
    """As `not_contradicted`, looking after every second: the first MISSED stands, whatever came after it."""
    evidence, rule = Evidence(), Rule(limit_ratio, alpha, min_hold_s=0.0)
    for second, waiting, lost in _with_unknown(per_second, overdue, unrendered):
        evidence = evidence.after(second, waiting, lost)
        if evidence.total >= PHASE_MIN_REQUESTS and _is_missed(evidence, rule):
            break
    return _phase_decision(evidence, rule)


def _is_missed(evidence: Evidence, rule: Rule) -> bool:
    return _crossed(evidence, rule, evidence.sums.effect.value) is Call.MISSED


def _phase_decision(evidence: Evidence, rule: Rule) -> Decision:
    if evidence.total < PHASE_MIN_REQUESTS:
        small = _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=_too_small_a_phase(evidence))
        return replace(small, wanted_n=PHASE_MIN_REQUESTS)
    if _is_missed(evidence, rule):
        return _ratio_decision(evidence, rule, call=Call.MISSED, reason=_decided(evidence, rule))
    if _crossed(evidence, rule, 1.0) is Call.MISSED:
        return _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=_correlated(evidence))
    if _crossed(evidence.at_worst, rule, 1.0) is Call.MISSED:
        return _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=_unknown(evidence))
    text = f"{evidence.bad:,} of {evidence.total:,} bad does not contradict a limit of {percent(rule.limit_ratio)}"
    return _ratio_decision(evidence, rule, call=Call.MET, reason=Reason(Why.NOT_CONTRADICTED, text))


def _with_unknown(
    per_second: Iterable[PerSecond], overdue: Iterable[int], unrendered: Iterable[int]
) -> Iterator[tuple[PerSecond, int, int]]:
    """Each second with its requests that are not known to be good or bad; takes no more of any than it gives."""
    endless = (itertools.chain(counts, itertools.repeat(0)) for counts in (overdue, unrendered))
    return zip(per_second, *endless, strict=False)


def _crossed(evidence: Evidence, rule: Rule, design_effect: float) -> Call:
    """What the test alone says, whatever the blocks and the hold."""
    s, t = evidence.bad / design_effect, evidence.total / design_effect
    if log_bernoulli_martingale(s, t, rule.limit_ratio) < -math.log(rule.alpha):
        return Call.UNDECIDED
    return Call.MET if s < t * rule.limit_ratio else Call.MISSED


def _lacking(evidence: Evidence, rule: Rule, crossed: Call) -> Reason | None:
    """What the call still lacks beside evidence; None when nothing."""
    sums = evidence.sums
    if crossed is Call.MISSED:
        return lacking_blocks(sums.blocks_with_bad, MISSED_MIN_BLOCKS, of=" with a bad request")
    if crossed is Call.MET:
        lacks = lacking_hold(sums.seconds, rule.min_hold_s) or lacking_blocks(sums.blocks, MET_MIN_BLOCKS)
        return lacks or _lacking_knowledge(evidence, rule)
    return None


def _lacking_knowledge(evidence: Evidence, rule: Rule) -> Reason | None:
    """What is said where requests that are not known to be good could turn MET; None where they could not."""
    known = not (evidence.overdue or evidence.unrendered)
    if known or _crossed(evidence.at_worst, rule, evidence.sums.effect.value) is Call.MET:
        return None
    return _unknown(evidence)


def _unknown(evidence: Evidence) -> Reason:
    """Requests that are not known to be good or bad, at least one."""
    one = "request has" if evidence.overdue == 1 else "requests have"
    late = f"{evidence.overdue:,} {one} had no answer for more than {OVERDUE_S:g} s" if evidence.overdue else ""
    lost = unrendered_text(evidence.unrendered) if evidence.unrendered else ""
    why = Why.UNRENDERED if lost else Why.UNANSWERED
    return Reason(why, f"{' and '.join(filter(None, (late, lost)))}, and they decide it")


def _too_little(evidence: Evidence, rule: Rule) -> Reason:
    """Why the test said nothing."""
    if evidence.total == 0:
        return _no_data(evidence)
    if evidence.bad > 0 and _crossed(evidence, rule, 1.0) is not Call.UNDECIDED:
        return _correlated(evidence)
    if not _is_below(evidence, rule):
        return _not_below(evidence, rule)
    more = _wanted_n(evidence, rule) - evidence.total
    lost = f", and more to outweigh that {unrendered_text(evidence.unrendered)}" if evidence.unrendered else ""
    return Reason(Why.TOO_LITTLE, f"needs about {more:,} more requests to be met, with none of them bad{lost}")


def _is_below(evidence: Evidence, rule: Rule) -> bool:
    """Whether what was seen speaks for MET at all."""
    return evidence.bad < evidence.total * rule.limit_ratio or not evidence.total


def _not_below(evidence: Evidence, rule: Rule) -> Reason:
    """More requests would only help if they were other ones."""
    low, high = _interval(evidence, rule)
    seen = f"{percent(evidence.bad / evidence.total)} bad ({evidence.bad:,} of {evidence.total:,})"
    return Reason(
        Why.TOO_LITTLE,
        f"{seen} is not below the limit of {percent(rule.limit_ratio)}, nor surely above it: it may be"
        f" {percent(low)} to {percent(high)}",
    )


def _too_small_a_phase(evidence: Evidence) -> Reason:
    if evidence.total == 0:
        return _no_data(evidence)
    return Reason(Why.TOO_LITTLE, f"too few requests: {evidence.total} of {PHASE_MIN_REQUESTS}")


def _no_data(evidence: Evidence) -> Reason:
    if evidence.overdue:
        return Reason(Why.NO_DATA, f"no data: not one request was answered, {evidence.overdue:,} are in flight")
    if evidence.unrendered:
        return Reason(Why.NO_DATA, f"no data: {unrendered_text(evidence.unrendered)}, and none was counted")
    return Reason(Why.NO_DATA, "no data: not one request was counted")


def _correlated(evidence: Evidence) -> Reason:
    effect = evidence.sums.effect
    return Reason(
        Why.CORRELATED,
        f"correlated: enough if requests were independent, but {effect.value:.3g} of them count as one"
        f" ({effect.blocks_with_bad} of {effect.blocks} blocks hold a bad one)",
    )


def _decided(evidence: Evidence, rule: Rule) -> Reason:
    low, high = _interval(evidence, rule)
    return Reason(
        Why.EVIDENCE,
        f"{evidence.bad:,} of {evidence.total:,} bad, so {percent(low)} to {percent(high)}"
        f" against a limit of {percent(rule.limit_ratio)}",
    )


def _interval(evidence: Evidence, rule: Rule) -> Interval:
    return confidence_interval(
        evidence.bad,
        evidence.total,
        limit=rule.limit_ratio,
        design_effect=evidence.sums.effect.value,
        alpha=rule.alpha,
    )


def _wanted_n(evidence: Evidence, rule: Rule) -> int:
    effect = evidence.sums.effect.value
    return requests_needed(rule.limit_ratio, rule.alpha, bad=evidence.bad, design_effect=effect)


def _ratio_decision(evidence: Evidence, rule: Rule, *, call: Call, reason: Reason) -> Decision:
    undecided = call is Call.UNDECIDED
    return Decision(
        state=call,
        why=reason.why,
        reason=reason.text,
        estimate=evidence.bad / evidence.total if evidence.total else None,
        interval=_interval(evidence, rule),
        n=evidence.total,
        bad=evidence.bad,
        design_effect=evidence.sums.effect.value,
        decided_at_s=None if undecided else float(evidence.seconds),
        wanted_n=_wanted_n(evidence, rule) if undecided and _is_below(evidence, rule) else None,
    )
