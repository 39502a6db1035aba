"""The lines of a run while it goes on say what its verdict will say."""

from __future__ import annotations

from seatrial.assess.run import outcome_of
from seatrial.verdict import Finding, Grade, Subject


def _finding(name, grade):
    return Finding(Subject.OBJECTIVE, "shop", name, grade, "because")


MET, MISSED = _finding("fast", Grade.MET), _finding("available", Grade.MISSED)


def test_the_load_ends_with_how_many_were_met_and_the_name_of_what_was_missed():
    assert outcome_of((MET, MISSED), None) == "1 MET, shop.available missed"
    assert outcome_of((), None) == "no objectives to judge"


def test_with_an_unfit_generator_the_load_does_not_claim_that_anything_was_met():
    unfit = Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, "generator: it used 95 % of a core")
    assert outcome_of((MET,), unfit) == ("UNDECIDED, generator: it used 95 % of a core; it would have been 1 MET")
