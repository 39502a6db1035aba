"""What docs/statistics.md publishes stands there whole, is what the rules say, and keeps what is promised."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scipy import stats

from seatrial.slo import decide

sys.path.append(str(Path(__file__).parents[2] / "bench"))
import rules
import verdicts

BENCH = Path(verdicts.__file__).parent
PAGE = verdicts.PAGE.read_text()


def published(name):
    """The cells of every row of that table."""
    _, _, rest = PAGE.partition(f"<!-- table: {name} -->\n")
    table, _, _ = rest.partition("<!-- end -->")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def share(cell):
    """A percentage as a ratio; what follows it is left out."""
    return float(cell.split(" %")[0]) / 100


def test_the_tables_are_those_of_the_rules_as_they_are_now():
    said = rules.outdated(PAGE, rules=rules.digest(), runs=verdicts.RUNS)
    assert said is None, said


SOURCE = '''"""A module."""
LIMIT = 0.05
"""What it is for."""


def half(value):  # why
    """Half of it."""
    said = f"{100 * value} halved"
    return value / 2
'''


def digest_of(tmp_path, text):
    source = tmp_path / "source.py"
    source.write_text(text)
    return rules.digest([source])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A module", "Another module"),
        ("What it is for", "What it was for"),
        ("  # why", ""),
        ("Half of it", "One of two"),
        ('    """Half of it."""\n', ""),
        ("halved", "cut in two"),
        ("value / 2", "(value\n        / 2)"),
    ],
)
def test_a_word_mended_beside_a_rule_keeps_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert digest_of(tmp_path, SOURCE.replace(old, new)) == digest_of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.05", "0.051"),
        ("value / 2", "value // 2"),
        ("value / 2", "value / 2.0"),
        ("LIMIT", "MOST"),
        ("0.05", "None"),
        ("100 * value", "50 * value"),
    ],
)
def test_a_changed_rule_changes_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert digest_of(tmp_path, SOURCE.replace(old, new)) != digest_of(tmp_path, SOURCE)


LOADED = """
import json, sys, verdicts
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}))
"""


def test_every_rule_the_simulation_runs_is_in_the_digest():
    told = subprocess.run([sys.executable, "-c", LOADED], cwd=BENCH, capture_output=True, text=True, check=True)
    ours = re.compile(r"seatrial\.slo\..*|simulation|verdicts")
    loaded = {Path(file) for name, file in json.loads(told.stdout).items() if ours.fullmatch(name)}
    assert {"ratio.py", "tails.py", "verdicts.py"} <= {file.name for file in loaded}
    assert loaded <= set(rules.SOURCES)


def test_a_page_of_other_rules_or_fewer_runs_says_what_to_do():
    page = rules.stamped("<!-- rules: , 0 runs -->", rules="0123456789abcdef", runs=2_000)
    assert rules.outdated(page, rules="0123456789abcdef", runs=2_000) is None
    for other in ({"rules": "fedcba9876543210", "runs": 2_000}, {"rules": "0123456789abcdef", "runs": 3_000}):
        assert "run `make verdicts`" in rules.outdated(page, **other)
    assert "fedcba9876543210" in rules.outdated(page, rules="fedcba9876543210", runs=2_000)
    assert "does not say which rules" in rules.outdated("no stamp", rules="0123456789abcdef", runs=2_000)
    with pytest.raises(ValueError, match="no place for the rules' digest"):
        rules.stamped("no stamp", rules="0123456789abcdef", runs=2_000)


@pytest.mark.parametrize("table", verdicts.TABLES, ids=lambda table: table.name)
def test_every_table_stands_in_the_page_with_all_its_rows(table):
    head, _, *rows = published(table.name)
    assert head == list(table.head)
    assert len(rows) == len(table.rows)
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize(("row", "limit"), list(enumerate((0.001, 0.005, 0.01, 0.02, 0.05))))
def test_the_fewest_requests_are_those_the_rule_asks_for(row, limit):
    _, _, *rows = published("sizes")
    assert rows[row][2] == f"{decide.requests_needed(limit):,}"
    assert rows[row][1] == f"{decide.requests_needed(limit, design_effect=1.0):,}"


@pytest.mark.parametrize(("burst", "wrong"), [("1", 0.05), ("2", 0.05), ("5", 0.05), ("20", 0.2)])
def test_published_calls_are_no_more_often_wrong_than_promised(burst, wrong):
    rows = {row[1]: row for row in published("limit-200")[2:] if row[0] == burst}
    _, _, missed, met, undecided = rows["at the limit"]
    assert share(missed) + share(met) <= wrong
    assert 1 - share(undecided) <= wrong + 0.001
    assert share(rows["half the limit"][2]) <= 0.005
    assert share(rows["double"][3]) <= 0.005


@pytest.mark.parametrize(
    ("counts", "wrong"),
    [(kind, 0.2 if "of 20" in kind else 0.05) for kind in verdicts.COUNTS if kind != "correlated 0.9"],
)
def test_published_calls_of_throughput_are_no_more_often_wrong_than_promised(counts, wrong):
    rows = {row[1]: row for row in published("throughput")[2:] if row[0] == counts}
    assert 1 - share(rows["at the limit"][4]) <= wrong + 0.001
    assert share(rows["a tenth below"][3]) <= 0.005
    assert share(rows["a tenth above"][2]) <= 0.005


@pytest.mark.parametrize("compared", ["errors", "p50", "p95", "p99", "body", "throughput"])
def test_every_kind_of_comparison_is_published_for_equal_and_for_worse_sides(compared):
    rows = [row for row in published("comparisons")[2:] if row[0] == compared]
    assert {row[3] != "no difference" for row in rows} == {True, False}
    assert len({row[1] for row in rows}) > 1


def test_published_comparisons_without_a_difference_are_seldom_missed():
    rows = [row for row in published("comparisons")[2:] if row[3] == "no difference"]
    assert len(rows) > 20
    runs = verdicts.RUNS // verdicts.LATENCY_PART
    assert max(share(row[4]) for row in rows) <= stats.binom.ppf(0.99, runs, 0.05) / runs


def test_what_is_not_to_be_leant_on_is_told_with_the_tables_own_numbers():
    bursty = {row[1]: row for row in published("limit-60")[2:] if row[0] == "20"}
    assert f"MET in {bursty['at the limit'][3].split(' (')[0]};" in PAGE
    assert f"was MET in {bursty['double'][3].split(' (')[0]}." in PAGE
    wrong = share(bursty["at the limit"][2]) + share(bursty["at the limit"][3])
    assert f"{100 * wrong:.0f} % of the runs at the limit were" in PAGE
    (doubled,) = [row for row in published("comparisons")[2:] if row[1] == "bursts of 20" and row[3] == "2 times"]
    assert f"and so MET, in {doubled[5]} of the runs" in PAGE
    unseen = math.exp(-decide.requests_needed(0.01) * 0.01 / 20)
    assert f"= {100 * unseen:.0f} % of the runs" in PAGE


def test_peeking_is_published_as_what_it_costs():
    _, _, naive, ours = published("peeking")
    assert share(naive[1]) > 0.25
    assert share(ours[1]) + share(ours[2]) <= 0.05


def test_an_interrupted_simulation_is_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(verdicts, "KEPT", tmp_path / "out" / "kept.json")
    done = []

    def row(name, *, fails=False):
        def simulate(rng, runs):
            if fails:
                raise KeyboardInterrupt
            done.append(name)
            return (name, f"{rng.integers(10**9)}", str(runs))

        return verdicts.Row(name, simulate)

    with pytest.raises(KeyboardInterrupt):
        verdicts.simulated([verdicts.Table("t", ("a", "b", "c"), [row("x"), row("y", fails=True)])], 7)
    rows = verdicts.simulated([verdicts.Table("t", ("a", "b", "c"), [row("x"), row("y")])], 7)
    assert done == ["x", "y"]
    assert list(rows["x"]) == list(row("x").cells(7))
    verdicts.simulated([verdicts.Table("t", ("a", "b", "c"), [row("x")])], 8)
    assert done[-1] == "x"


def test_a_table_without_a_place_is_said():
    table = verdicts.Table("elsewhere", ("a",), [])
    with pytest.raises(ValueError, match="no place for the table 'elsewhere'"):
        verdicts.written(PAGE, table, "| a |")
