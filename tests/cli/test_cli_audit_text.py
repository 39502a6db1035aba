"""An audit on a terminal: findings, matrix and what is left open, at the terminal's width."""

from __future__ import annotations

import pytest

from seatrial.chaos.audit.battery import TRIED, UNCALLED
from seatrial.chaos.audit.families import IGNORES_SLOWNESS, NO_BREAKER, NO_TIMEOUT, STAYS_OPEN
from seatrial.chaos.audit.model import Family, Kind, Reading, Ruling, Sign, Strain
from seatrial.cli.audit_text import audit_lines
from seatrial.service import Edge

EDGES = (Edge("front", "back"), Edge("front", "side"))


def ruling(
    family: Family, kind: Kind, sign: Sign, text: str = "9 of 9 calls into the fault", *, edge: Edge = EDGES[0]
) -> Ruling:
    return Ruling(family, Strain(edge, kind), Reading(sign, text))


RULINGS = (
    ruling(NO_TIMEOUT, Kind.HANG, Sign.FOUND),
    ruling(NO_BREAKER, Kind.HANG, Sign.FOUND, "never opened"),
    ruling(STAYS_OPEN, Kind.HANG, Sign.NOT_JUDGED, "the breaker did not open"),
    ruling(IGNORES_SLOWNESS, Kind.SLOW, Sign.CLEAR),
    ruling(NO_TIMEOUT, Kind.HANG, Sign.NOT_JUDGED, UNCALLED, edge=EDGES[1]),
    ruling(NO_BREAKER, Kind.HANG, Sign.NOT_JUDGED, UNCALLED, edge=EDGES[1]),
)
WHOLE = tuple(ruling(NO_TIMEOUT, kind, Sign.CLEAR, edge=edge) for kind in TRIED for edge in EDGES)


@pytest.fixture
def told(monkeypatch):
    """Its lines at 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def lines(rulings: tuple[Ruling, ...]) -> list[str]:
        return list(audit_lines(rulings, EDGES))

    return lines


def test_a_finding_begins_with_what_is_wrong_where_and_ends_with_what_shows_because_of_it(told):
    assert told(RULINGS)[:7] == [
        "1. front: waits for ever for an answer",
        "   defect 1/2 on front->back, severity high",
        "   seen: hang on front->back: 9 of 9 calls into the fault",
        "   mend: bound every call as a whole, from connecting to the last byte, and",
        "         shorter than the caller's own caller waits",
        "   because of it, 5/13/14/15 by hang on front->back: never opened",
        "",
    ]


def test_the_matrix_has_the_faults_that_were_tried_and_says_what_its_signs_mean(told):
    lines = told(RULINGS)
    head = next(index for index, line in enumerate(lines) if line.startswith("edge"))
    assert lines[head : head + 6] == [
        "edge         slow  hang",
        "front->back  ok    1/2, 5/13/14/15",
        "front->side  -     ?",
        "",
        "ok: nothing found; ?: not judged; -: not tried",
        "numbers are those of defects: docs/resilience-defects.md tells of each",
    ]


def test_no_line_is_wider_than_the_terminal_whatever_was_tried(told):
    assert max(map(len, told(RULINGS))) <= 80
    lines = told(WHOLE)
    assert max(map(len, lines)) <= 80
    heads = [line.split()[1:] for line in lines if line.startswith("edge")]
    assert len(heads) > 1
    assert sorted(kind for head in heads for kind in head) == sorted(TRIED)


def test_without_a_terminal_lines_are_as_wide_as_is_read_with_ease(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.__stdout__", None)
    assert 80 < max(map(len, audit_lines(WHOLE, EDGES))) <= 118


def test_a_reason_that_left_something_open_stands_once_with_its_places(told):
    lines = told(RULINGS)
    assert "not judged: the breaker did not open:" in lines
    assert lines[lines.index("not judged: the breaker did not open:") + 1] == "  hang on front->back (6)"
    assert lines[lines.index(f"not judged: {UNCALLED}:") + 1] == "  front->side"


@pytest.mark.parametrize("rulings", [RULINGS[4:], ()])
def test_where_nothing_could_be_judged_it_is_undecided_and_has_no_score(rulings, told):
    lines = told(rulings)
    assert lines[0] == "undecided: nothing could be judged"
    assert "no finding" not in lines
    assert "score: none, nothing could be judged" in lines


def test_without_a_finding_where_something_was_judged_it_says_so(told):
    assert told(RULINGS[3:])[0] == "no finding"


def test_an_audit_ends_with_what_it_found_in_how_much_and_a_score_says_of_what_it_is(told):
    assert told(RULINGS)[-2:] == ["", "1 finding in 2 strains on 1 edge; 1 strain could not be judged"]
    assert told(RULINGS[3:4])[-1] == "no finding in 1 strain on 1 edge"
    assert told(WHOLE)[-1] == f"no finding in {2 * len(TRIED)} strains on 2 edges"
    (score,) = [line for line in told(RULINGS[2:4]) if line.startswith("score")]
    assert score == "score: 100 of 100; 0 of 1 ruling found something, the graver weighs more"
    undecided = [*told(RULINGS[4:]), *audit_lines(RULINGS, EDGES, cut_short="it was cut short")]
    assert not any(" in " in line and " strain" in line for line in undecided)


def test_an_audit_that_was_cut_short_begins_with_that_where_it_found_nothing_and_has_no_score():
    lines = list(audit_lines(RULINGS[3:4], EDGES, cut_short="it was cut short"))
    assert lines[0] == "undecided: it was cut short"
    assert "score: none, not every strain was played" in lines


def test_an_audit_that_was_cut_short_says_so_below_what_it_found():
    lines = list(audit_lines(RULINGS, EDGES, cut_short="it was cut short"))
    assert lines[0] == "1. front: waits for ever for an answer"
    assert lines[lines.index("") - 1] == "it was cut short"
    assert "no finding" not in lines


def test_no_line_ends_within_a_defects_name(told):
    text = "\n".join(told(RULINGS))
    untried = text.partition("defects not tried: ")[2].partition("faults not tried")[0].replace(",\n", ",")
    assert "\n" not in untried.strip()
    assert "22 no bulkhead" in untried
    assert "\u00a0" not in text


def test_a_fault_that_was_asked_for_by_its_name_is_not_listed_as_not_tried(told):
    hint = "faults not tried unless --only names them: "
    assert f"{hint}hang-upstream, reset, kill, pause" in told(RULINGS)
    assert f"{hint}hang-upstream, reset, kill" in told((ruling(NO_TIMEOUT, Kind.PAUSE, Sign.CLEAR),))
