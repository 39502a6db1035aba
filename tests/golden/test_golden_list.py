"""tests/README.md lists every golden case, and each case shows what it is listed for."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest

from seatrial.predicates import PREDICATES
from seatrial.sample import Cause
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.schema.make import KINDS

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text()
FILES = {".hurl", ".csv", ".json"}
QUOTED = re.compile(r"`([^`]+)`")


def table(head):
    """The cells of each row below that first cell of a head."""
    lines = README.partition(f"| {head} |")[2].splitlines()[2:]
    rows = takewhile(lambda line: line.startswith("|"), lines)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def listed(head):
    """Case by name, for every name in the first cells of that table."""
    return {name: QUOTED.findall(row[-1])[0] for row in table(head) for name in QUOTED.findall(row[0])}


def shown(case, name="stdout"):
    return (HERE / case / name).read_text()


def test_every_case_is_listed():
    there = {path.parent.relative_to(HERE).as_posix() for path in HERE.glob("*/*/exit")}
    assert there == {
        name for name in QUOTED.findall(README) if name.partition("/")[0] in ("passes", "fails", "unreadable")
    }


def test_every_cause_has_a_case():
    assert set(listed("cause")) == set(Cause)


@pytest.mark.parametrize(
    ("head", "kinds"), [("query", set(QueryKind)), ("predicate", set(PREDICATES)), ("filter", set(FilterKind))]
)
def test_every_kind_of_check_fails_in_its_case(head, kinds):
    cases = listed(head)
    assert set(cases) == kinds
    quoted = {case: "\n".join(re.findall(r"^\d+ \| (.*)$", shown(case), re.MULTILINE)) for case in cases.values()}
    assert [kind for kind in kinds if not re.search(rf"(\{{|, |filter: ){kind}(:|,)", quoted[cases[kind]])] == []


def test_every_kind_of_document_is_refused_in_its_case():
    cases = listed("document")
    assert set(cases) == set(KINDS) | FILES
    for kind, case in cases.items():
        place = re.match(r"error: (\S+?):\d+:\d+: ", shown(case, "stderr"))[1]
        there = [HERE / case / place.removeprefix("scenarios/"), HERE / case / "workspace" / place]
        content = next(path.read_text() for path in there if path.exists())
        assert place.endswith(kind) if kind in FILES else re.match(rf"(- )?{kind}:", content), case


@pytest.mark.parametrize("row", table("the file"), ids=lambda row: row[0])
def test_every_way_to_be_unreadable_is_told_in_its_case(row):
    case = QUOTED.findall(row[2])[0]
    assert shown(case, "exit") == "3\n"
    assert row[1].strip("`") in shown(case, "stderr")
    assert re.match(r"error: \S+:\d+:\d+: ", shown(case, "stderr"))
