"""Keptn's verdicts, case by case: an imported slo.yaml gives the result and the score its lighthouse-service gives.

Each case is an slo.yaml, the values its SLIs have (None: the provider gave none), and what earlier evaluations were,
newest first, against the result and the score. The documents made of it are written, read with our readers, and
judged from records as a run keeps them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from seatrial import documents
from seatrial.sample import Queried
from seatrial.scenarios.importers.writing import dump
from seatrial.slo.conclude import conclude
from seatrial.slo.earlier import EarlierRun, earlier_of
from seatrial.slo.gate import read_gate
from seatrial.slo.keptn import Choice, convert
from seatrial.slo.keptn_file import read_slo
from seatrial.slo.measure import measure
from seatrial.slo.points import judge_points
from seatrial.slo.read import read_services
from seatrial.verdict import Grade

RESULTS = {Grade.MET: "pass", Grade.DEGRADED: "warning", Grade.MISSED: "fail"}
GRADES = {result: grade for grade, result in RESULTS.items()}
USUAL = "{pass: 90%, warning: 75%}"


@dataclass(frozen=True)
class Case:
    """`objectives` are lines of the list, `comparison` and `total` the values of those keys; `{}` writes none."""

    id: str
    objectives: list[str]
    values: dict[str, float | None]
    result: str
    score: float
    earlier: list[tuple[str, dict[str, float | None]]] = field(default_factory=list)
    comparison: str = ""
    total: str = USUAL

    @property
    def text(self):
        lines = ["spec_version: '1.0'", *([f"comparison: {self.comparison}"] if self.comparison else [])]
        lines += ["objectives:", *(f"  - {line}" for line in self.objectives)]
        return "\n".join([*lines, *([f"total_score: {self.total}"] if self.total else [])]) + "\n"


def _one(criteria, *, warning="", more=""):
    """One objective `a` with a list of criteria."""
    second = f", warning: [{{criteria: [{warning}]}}]" if warning else ""
    return [f"{{sli: a, pass: [{{criteria: [{criteria}]}}]{second}{more}}}"]


def _fixed():
    """Operators against fixed numbers."""
    table = [
        ("<600", 599.9, "pass"), ("<600", 600, "fail"), ("<=600", 600, "pass"), ("<=600", 600.1, "fail"),
        ("'=5'", 5, "pass"), ("'=5'", 5.1, "fail"), ("'>=99.5'", 99.5, "pass"), ("'>=99.5'", 99.4, "fail"),
        ("'>0'", 0.1, "pass"), ("'>0'", 0, "fail"), ("'< = 6 00'", 600, "pass"), ("<.5", 0.4, "pass"),
        ("<1e3", 999, "pass"), ("<600", 0, "pass"), ("<600", -5, "pass"),
    ]  # fmt: skip
    for criterion, value, result in table:
        yield Case(f"{criterion} of {value}", _one(criterion), {"a": value}, result, 100 if result == "pass" else 0)


def _relative():
    """Relative criteria against one earlier value; None: there was none."""
    table = [
        ("<=+10%", 110, 100, "pass"), ("<=+10%", 110.1, 100, "fail"), ("<=10%", 110, 100, "pass"),
        ("<+10%", 110, 100, "fail"), ("<=-10%", 90, 100, "pass"), ("<=-10%", 90.1, 100, "fail"),
        ("'>=-10%'", 90, 100, "pass"), ("'>=-10%'", 89, 100, "fail"), ("'>+50%'", 151, 100, "pass"),
        ("'=+0%'", 100, 100, "pass"), ("<=+50", 150, 100, "pass"), ("<=+50", 151, 100, "fail"),
        ("<=-50", 50, 100, "pass"), ("<=-50", 51, 100, "fail"), ("'>=-5'", 95, 100, "pass"),
        ("'>=-5'", 94, 100, "fail"), ("'>+5'", 105, 100, "fail"),
        ("<=+10%", 1e9, None, "pass"), ("<=+50", 1e9, None, "pass"), ("'>=-5'", -1e9, None, "pass"),
        ("<=+10%", 0.001, 0, "fail"), ("<=+10%", 0, 0, "pass"), ("<+101%", 0, 0, "fail"), ("<=+50", 50, 0, "pass"),
    ]  # fmt: skip
    for criterion, value, before, result in table:
        earlier = [] if before is None else [("pass", {"a": before})]
        title, score = f"{criterion} of {value} after {before}", 100 if result == "pass" else 0
        yield Case(title, _one(criterion), {"a": value}, result, score, earlier)


BEFORE = [("fail", {"a": 400}), ("warning", {"a": 300}), ("pass", {"a": 200}), ("pass", {"a": 100})]
THREE = "compare_with: several_results, number_of_comparison_results: 3"


def _compared():
    """Which earlier evaluations count, and how several become one: `a` is the least value that still passes."""
    table = [
        ("without comparison: the last of any result, alone", "", BEFORE, 400),
        (
            "single result of those that passed",
            "{compare_with: single_result, include_result_with_score: pass}",
            BEFORE,
            200,
        ),
        ("passed or warned", "{compare_with: single_result, include_result_with_score: pass_or_warn}", BEFORE, 300),
        ("the word's case is nothing", "{compare_with: single_result, include_result_with_score: PASS}", BEFORE, 200),
        (
            "an unknown word is all",
            "{compare_with: single_result, include_result_with_score: sometimes}",
            BEFORE,
            400,
        ),
        ("several: their average", f"{{{THREE}, aggregate_function: avg}}", BEFORE, 300),
        ("several without a function: avg", f"{{{THREE}}}", BEFORE, 300),
        ("several: p50", f"{{{THREE}, aggregate_function: p50}}", [*BEFORE[:2], ("pass", {"a": 0})], 300),
        ("several: p90 of three is the last", f"{{{THREE}, aggregate_function: p90}}", BEFORE, 400),
        ("several: p95 of three is the last", f"{{{THREE}, aggregate_function: p95}}", BEFORE, 400),
        (
            "p50 of two lies between",
            "{compare_with: several_results, number_of_comparison_results: 2, aggregate_function: p50}",
            BEFORE,
            350,
        ),
        ("several without a number: 3", "{compare_with: several_results}", BEFORE, 300),
        ("a given comparison without compare_with: 3", "{aggregate_function: avg}", BEFORE, 300),
        ("any other compare_with: 3", "{compare_with: everything}", BEFORE, 300),
        ("a number of 0 is 3", "{compare_with: several_results, number_of_comparison_results: 0}", BEFORE, 300),
        (
            "fewer than asked for are fine",
            "{compare_with: several_results, number_of_comparison_results: 9}",
            BEFORE,
            250,
        ),
        ("of those that passed, fewer than asked for", f"{{{THREE}, include_result_with_score: pass}}", BEFORE, 150),
        (
            "one without the value gives none, and nobody takes its place",
            f"{{{THREE}}}",
            [("pass", {"a": None}), *BEFORE],
            350,
        ),
        ("one of before this SLI gives none", f"{{{THREE}}}", [("pass", {"b": 7}), *BEFORE], 350),
    ]
    for title, comparison, earlier, target in table:
        for value, result, score in ((target, "pass", 100), (target + 0.5, "fail", 0)):
            yield Case(f"{title}: {value}", _one("<=+0%"), {"a": value}, result, score, earlier, comparison)


WEIGHTS = ["{sli: a, pass: [{criteria: [<5]}], weight: 3}", "{sli: b, pass: [{criteria: [<5]}]}"]
KEY = ["{sli: a, pass: [{criteria: [<5]}], weight: 9}", "{sli: b, pass: [{criteria: [<5]}], key_sli: true}"]
INFO = ["{sli: a, pass: [{criteria: [<5]}]}", "{sli: b}"]
OTHERS = [
    # and within a list, or across lists
    Case("all of one list hold", _one("<5, '>1'"), {"a": 3}, "pass", 100),
    Case("one of a list does not hold", _one("<5, '>1'"), {"a": 1}, "fail", 0),
    Case(
        "the second list holds", ["{sli: a, pass: [{criteria: [<5]}, {criteria: ['>100']}]}"], {"a": 101}, "pass", 100
    ),
    Case("neither list holds", ["{sli: a, pass: [{criteria: [<5]}, {criteria: ['>100']}]}"], {"a": 7}, "fail", 0),
    Case("the spec's example", _one("<=+10%, <600"), {"a": 610}, "fail", 0, [("pass", {"a": 600})]),
    Case("relative and fixed without an earlier value", _one("<=+10%, <600"), {"a": 599}, "pass", 100),
    Case("an empty list asks nothing", _one(""), {"a": 5}, "pass", 100),
    # warning
    Case("warned", _one("<5", warning="<9"), {"a": 7}, "fail", 50),
    Case(
        "warned, which suffices for a warning",
        _one("<5", warning="<9"),
        {"a": 7},
        "warning",
        50,
        total="{pass: 90%, warning: 50%}",
    ),
    Case("warned, which suffices for a pass", _one("<5", warning="<9"), {"a": 7}, "pass", 50, total="{pass: 50%}"),
    Case("beyond the warning", _one("<5", warning="<9"), {"a": 9}, "fail", 0),
    Case("a warning narrower than pass is never looked at", _one("<5", warning="<1"), {"a": 3}, "pass", 100),
    Case("a relative warning without an earlier value holds", _one("<5", warning="<=+10%"), {"a": 7}, "fail", 50),
    Case("a warning that is no criterion is ignored", _one("<5", warning="fast"), {"a": 7}, "fail", 0),
    Case(
        "of two lists of warnings the one that is a criterion counts",
        ["{sli: a, pass: [{criteria: [<5]}], warning: [{criteria: [fast, <9]}, {criteria: [<8]}]}"],
        {"a": 7},
        "fail",
        50,
    ),
    Case(
        "the code against the spec's text: above 5.5, warned",
        _one("<=+10%, <600", warning="<=800"),
        {"a": 700},
        "warning",
        50,
        [("pass", {"a": 600})],
        total="{pass: 90%, warning: 50%}",
    ),
    # weights and the score
    Case("all pass", WEIGHTS, {"a": 1, "b": 1}, "pass", 100),
    Case("three of four points", WEIGHTS, {"a": 1, "b": 9}, "warning", 75),
    Case("one of four points", WEIGHTS, {"a": 9, "b": 1}, "fail", 25),
    Case(
        "a weight of 0 is 1",
        [WEIGHTS[0], "{sli: b, pass: [{criteria: [<5]}], weight: 0}"],
        {"a": 1, "b": 9},
        "warning",
        75,
    ),
    Case(
        "half of a weight",
        ["{sli: a, pass: [{criteria: [<5]}], warning: [{criteria: [<9]}], weight: 3}", WEIGHTS[1]],
        {"a": 7, "b": 1},
        "fail",
        62.5,
    ),
    Case("both limits are inclusive: pass", WEIGHTS, {"a": 1, "b": 9}, "pass", 75, total="{pass: 75%, warning: 50%}"),
    Case("without a warning limit it fails", WEIGHTS, {"a": 1, "b": 9}, "fail", 75, total="{pass: 90%}"),
    Case("an empty warning limit is none", WEIGHTS, {"a": 1, "b": 9}, "fail", 75, total="{pass: 90%, warning: ''}"),
    Case("limits need no percent sign", WEIGHTS, {"a": 1, "b": 9}, "warning", 75, total="{pass: '90', warning: 75}"),
    Case(
        "a warning limit above pass is never reached",
        WEIGHTS,
        {"a": 1, "b": 9},
        "fail",
        75,
        total="{pass: 80%, warning: 95%}",
    ),
    Case("a pass limit of 0 is always reached", WEIGHTS, {"a": 9, "b": 9}, "pass", 0, total="{pass: 0%}"),
    Case("null objectives are none", ["null", *WEIGHTS], {"a": 1, "b": 1}, "pass", 100),
    # key SLIs
    Case("a key SLI fails", KEY, {"a": 1, "b": 9}, "fail", 90),
    Case("a key SLI fails whatever the limits", KEY, {"a": 1, "b": 9}, "fail", 90, total="{pass: 10%, warning: 5%}"),
    Case("a key SLI passes", KEY, {"a": 1, "b": 1}, "pass", 100),
    Case(
        "a key SLI that is warned has not failed",
        [
            "{sli: a, pass: [{criteria: [<5]}], weight: 9}",
            "{sli: b, pass: [{criteria: [<5]}], warning: [{criteria: [<9]}], key_sli: true}",
        ],
        {"a": 1, "b": 7},
        "pass",
        95,
    ),
    Case(
        "key_sli: false is none",
        ["{sli: a, pass: [{criteria: [<5]}], weight: 9}", "{sli: b, pass: [{criteria: [<5]}], key_sli: false}"],
        {"a": 1, "b": 9},
        "pass",
        90,
    ),
    # no value
    Case("no value fails", WEIGHTS, {"a": 1, "b": None}, "warning", 75),
    Case("no value at all fails", WEIGHTS, {"a": None, "b": None}, "fail", 0),
    Case("no value fails although there would be none to compare with", _one("<=+10%"), {"a": None}, "fail", 0),
    Case("no value of a key SLI fails the whole", KEY, {"a": 1, "b": None}, "fail", 90),
    Case("no value is not warned", _one("<5", warning="<9"), {"a": None}, "fail", 0),
    # information
    Case("information is not in the score", INFO, {"a": 1, "b": 1e9}, "pass", 100),
    Case("information is not in the greatest score either", INFO, {"a": 9, "b": 1}, "fail", 0),
    Case("information without a value", INFO, {"a": 1, "b": None}, "pass", 100),
    Case("an empty pass is information", [INFO[0], "{sli: b, pass: [], weight: 7}"], {"a": 1, "b": 1e9}, "pass", 100),
    Case(
        "a warning without pass is information",
        [INFO[0], "{sli: b, warning: [{criteria: [<1]}]}"],
        {"a": 1, "b": 9},
        "pass",
        100,
    ),
    Case("only information", ["{sli: a}", "{sli: b}"], {"a": 1, "b": 2}, "pass", 100),
    Case("a list that asks nothing", ["{sli: a, pass: [{criteria: []}]}"], {"a": -1e300}, "pass", 100),
    Case("a warning that asks nothing", ["{sli: a, pass: [{criteria: [<5]}], warning: [{}]}"], {"a": 9}, "fail", 50),
    Case("only information, without a total score", ["{sli: a}"], {"a": 1}, "pass", 100, total=""),
]
CASES = [*_fixed(), *_relative(), *_compared(), *OTHERS]


def _runs(case):
    for number, (result, values) in enumerate(case.earlier):
        yield EarlierRun(f"r{number}", GRADES[result], {"carts": values})


def _query(service, objective, value):
    problem = "" if value is not None else "no value: the provider gave none"
    return Queried("r", service, objective.name, objective.query, "", 0.0, 60, value, problem)


@pytest.fixture
def judged(tmp_path):
    """The verdict of the imported documents."""

    def run(case):
        queries = {name: f"query_of_{name}" for name in case.values}
        made = convert(read_slo(documents.loads(case.text, "slo.yaml")), queries, Choice("carts"))
        (tmp_path / "carts.yaml").write_text(dump(made.service))
        (tmp_path / "gate.yaml").write_text(dump(made.gate))
        services, gate = read_services(tmp_path), read_gate(tmp_path, "carts")
        asked = [_query("carts", objective, case.values[objective.name]) for objective in services["carts"].points]
        earlier = earlier_of("r", services.values(), _runs(case), versus=gate.versus)
        findings = judge_points(measure(itertools.chain(asked, earlier)), services, how=gate.versus.aggregate)
        return conclude(findings, gate)

    return run


def test_unlike_keptn_information_nobody_gave_decides_nothing(judged):
    verdict = judged(Case("", ["{sli: a}"], {"a": None}, "pass", 100))
    assert (verdict.grade, verdict.score) == (Grade.UNDECIDED, None)


def test_the_table_is_as_large_as_was_promised():
    assert len({case.id for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_imported_gate_comes_to_keptns_result_and_score(judged, case):
    verdict = judged(case)
    assert RESULTS.get(verdict.grade) == case.result
    assert verdict.score == pytest.approx(case.score)
