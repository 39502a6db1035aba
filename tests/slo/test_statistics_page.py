"""What docs/statistics.md publishes stands there whole, is what the rules say, and keeps what is promised."""

import sys
from pathlib import Path

import pytest
from scipy import stats

from seatrial.slo import decide

sys.path.append(str(Path(__file__).parents[2] / "bench"))
import verdicts

PAGE = verdicts.PAGE.read_text()


def published(name):
    """The cells of every row of that table."""
    _, _, rest = PAGE.partition(f"<!-- table: {name} -->\n")
    table, _, _ = rest.partition("<!-- end -->")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def share(cell):
    """A percentage as a ratio; what follows it is left out."""
    return float(cell.split(" %")[0]) / 100


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


def test_published_comparisons_without_a_difference_are_seldom_missed():
    rows = [row for row in published("comparisons")[2:] if row[3] == "no difference"]
    assert len(rows) > 20
    runs = verdicts.RUNS // verdicts.LATENCY_PART
    assert max(share(row[4]) for row in rows) <= stats.binom.ppf(0.99, runs, 0.05) / runs


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
