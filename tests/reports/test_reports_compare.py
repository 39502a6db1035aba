"""What is shown of a comparison is what made its grade; the rest is counted."""

from __future__ import annotations

import math

import pytest

from seatrial.reports.compare import head_text, lines_of, rest_text
from seatrial.slo.compared import Compared, Row
from seatrial.slo.comparison import Comparison
from seatrial.slo.contrast import Asked, Contrast, What
from seatrial.slo.counted import Counted
from seatrial.slo.decide import Call, Interval, Why

MET, MISSED, UNDECIDED = Call.MET, Call.MISSED, Call.UNDECIDED


def row(what: What, state: Call, route: str = "", *, lacks: str = "", service: str = "shop") -> Row:
    comparison = Comparison(state, Why.EVIDENCE, "why", 1.0, Interval(0, math.inf), 9, 9, 1, 1)
    quantile = 0.95 if what is What.QUANTILE else None
    return Row(route, Contrast(Asked(what, 0.1, quantile=quantile), service, "old", "new", comparison, lacks))


def compared(*rows: Row, unfit: str = "") -> Compared:
    base, new = (Counted(name, ()) for name in ("old", "new"))
    return Compared(base, new, 0.0, 0.05, rows, unfit=unfit)


def shown(*rows: Row, every: bool = False) -> list[tuple[str, str, str]]:
    return [(line.grade, line.route, line.cells[0]) for line in lines_of(compared(*rows), every=every)]


def test_a_miss_shows_what_is_worse_and_a_route_only_where_its_service_does_not_say_so():
    rows = (
        row(What.ERRORS, MISSED),
        row(What.BODY, MET),
        row(What.THROUGHPUT, UNDECIDED, lacks="few"),
        row(What.ERRORS, MISSED, "GET /a"),
        row(What.BODY, MISSED, "GET /a"),
        row(What.BODY, UNDECIDED, "GET /b", lacks="few"),
    )
    assert shown(*rows) == [("MISSED", "", "errors"), ("MISSED", "GET /a", "body")]
    told = "not shown: 1 UNDECIDED, 1 MET, 1 MISSED of single routes, 1 UNDECIDED of single routes"
    assert rest_text(compared(*rows)) == f"{told}; --all shows them"
    assert head_text(compared(*rows)) == "MISSED, worse in 3 of 6 (alpha 0.05 over 6 comparisons)"
    assert len(shown(*rows, every=True)) == 6


def test_what_is_undecided_because_of_the_same_is_one_line():
    rows = (
        row(What.ERRORS, UNDECIDED, lacks="few"),
        row(What.QUANTILE, UNDECIDED, lacks="bursts"),
        row(What.BODY, UNDECIDED, lacks="few"),
        row(What.ERRORS, UNDECIDED, lacks="few", service="till"),
        row(What.BODY, MET, service="till"),
    )
    assert shown(*rows) == [("UNDECIDED", "", "errors, body"), ("UNDECIDED", "", "p95"), ("UNDECIDED", "", "errors")]
    assert rest_text(compared(*rows)) == "not shown: 1 MET; --all shows them"
    assert len(shown(*rows, every=True)) == 5


def test_where_nothing_is_worse_errors_and_p95_of_each_service_are_shown():
    rows = (row(What.ERRORS, MET), row(What.QUANTILE, MET), row(What.BODY, MET), row(What.ERRORS, MET, "GET /a"))
    assert shown(*rows) == [("MET", "", "errors"), ("MET", "", "p95")]
    assert rest_text(compared(*rows)) == "not shown: 1 MET, 1 MET of single routes; --all shows them"


@pytest.mark.parametrize("every", [False, True])
def test_why_it_is_undecided_stands_in_the_line(every):
    (line,) = lines_of(compared(row(What.BODY, UNDECIDED, lacks="few")), every=every)
    assert line.cells[-1] == "few"


def test_nothing_is_left_out_where_all_is_shown():
    assert rest_text(compared(row(What.ERRORS, MISSED))) == ""


def test_an_unfit_generator_is_what_the_head_says():
    assert head_text(compared(row(What.BODY, UNDECIDED), unfit="late")).startswith(
        "UNDECIDED, the load generator was unfit (alpha"
    )
