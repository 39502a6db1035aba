"""Seconds of a hold, by hand and drawn."""

from hypothesis import settings
from hypothesis import strategies as st

from seatrial.slo.decide import (
    Evidence,
    Rule,
    decide,
)

UNHURRIED = settings(deadline=None)
"""No example may depend on how fast the machine is."""
LIMITS = st.sampled_from([0.0005, 0.001, 0.01, 0.05, 0.25, 0.5, 0.9])
SECONDS = st.lists(
    st.integers(0, 120).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))), max_size=80
)


def even(bad, total, *, seconds):
    return [(bad, total)] * seconds


def evidence_of(seconds):
    evidence = Evidence()
    for second in seconds:
        evidence = evidence.after(second)
    return evidence


def look(seconds, *, limit_ratio, **rule):
    """One look at all seconds together."""
    return decide(evidence_of(seconds), Rule(limit_ratio, **rule))
