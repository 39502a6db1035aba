"""How often a verdict is wrong, missing or late: simulated, as the tables of docs/statistics.md. `make verdicts`.

With `--write` the tables there are made anew, between their markers. Every row has its own fixed seed and is kept in
`out/verdicts.json` once simulated, so an interrupted run is gone on with; a change of the rules begins anew, and the
page says which rules made its tables.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rules
from scipy import stats

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "statistics.md"
KEPT = Path(__file__).with_name("out") / "verdicts.json"
RUNS = 2_000
QUICK_RUNS = 100
LATENCY_PART = 2
"""Comparisons of latencies build histograms: they get that part of the runs."""

sys.path.insert(0, str(ROOT / "tests" / "slo"))
import simulation as sim  # noqa: E402 - it stands with the tests

from seatrial.slo import compare, decide  # noqa: E402
from seatrial.slo.compare import Comparison  # noqa: E402

Cells = Sequence[str]
OF_THE_LIMIT = {1.0: "at the limit", 0.9: "a tenth below", 1.1: "a tenth above"}
FACTORS = {1.0: "at the limit", 0.5: "half the limit", 2.0: "double", 5.0: "five times"}


@dataclass(frozen=True)
class Row:
    """One line of a table: how it is simulated, with that generator and that many runs."""

    name: str
    simulate: Callable[[np.random.Generator, int], Cells]

    def cells(self, runs: int) -> Cells:
        """The line, always the same."""
        return self.simulate(np.random.default_rng(zlib.crc32(self.name.encode())), runs)


@dataclass(frozen=True)
class Table:
    """What stands between two markers of the page."""

    name: str
    head: Cells
    rows: Sequence[Row]


def ratio_table(name: str, *, rate_per_s: int, limit: float, bursts: Sequence[int]) -> Table:
    """One limit looked at every second for at most 300 s."""

    def row(burst: int, factor: float) -> Row:
        def simulate(rng: np.random.Generator, runs: int) -> Cells:
            bad = sim.bursty(rng, (runs, 300), truth=factor * limit, burst=burst, rate_per_s=rate_per_s)
            calls = sim.ratio_calls(bad, rate_per_s=rate_per_s, limit=limit)
            return (str(burst), FACTORS[factor], *called(calls))

        return Row(f"{name} {burst} {factor}", simulate)

    rows = [row(burst, factor) for burst in bursts for factor in FACTORS]
    return Table(name, ("mean burst", "truth", "MISSED", "MET", "UNDECIDED"), rows)


def throughput_table() -> Table:
    """`at_least: 152/s` looked at every second for at most 300 s."""
    at_least = 152

    def row(kind: str, factor: float) -> Row:
        def simulate(rng: np.random.Generator, runs: int) -> Cells:
            counts = COUNTS[kind](rng, (runs, 300), factor * at_least)
            return (
                kind,
                OF_THE_LIMIT[factor],
                *called(sim.throughput_calls(counts, at_least_per_s=at_least)),
            )

        return Row(f"throughput {kind} {factor}", simulate)

    rows = [row(kind, factor) for kind in COUNTS for factor in (1.0, 0.9, 1.1)]
    return Table("throughput", ("counts per second", "truth", "MISSED", "MET", "UNDECIDED"), rows)


def failing(burst: int) -> Callable[..., sim.Counts]:
    """What is left of a constant rate when a fifth fails, in bursts."""

    def counts(rng: np.random.Generator, shape: tuple[int, int], mean: float) -> sim.Counts:
        sent = round(mean / 0.8)
        return sent - sim.bursty(rng, shape, truth=1 - mean / sent, burst=burst, rate_per_s=sent)

    return counts


def resembling(phi: float) -> Callable[..., sim.Counts]:
    """Seconds that vary by a fifth of their mean and resemble the one before."""
    return lambda rng, shape, mean: sim.resembling(rng, shape, mean=mean, phi=phi, spread=0.2)


COUNTS: Mapping[str, Callable[..., sim.Counts]] = {
    "Poisson": lambda rng, shape, mean: rng.poisson(mean, shape),
    "a fifth fails, in bursts of 5": failing(5),
    "a fifth fails, in bursts of 20": failing(20),
    "correlated 0.5 with the second before": resembling(0.5),
    "correlated 0.7": resembling(0.7),
    "correlated 0.9": resembling(0.9),
}


def peeking_table() -> Table:
    """What looking 400 times does to a test made for one look, and to ours: truth at a limit of 1 %, 50 requests a
    look."""

    def one_look(rng: np.random.Generator, runs: int) -> Cells:
        bad = np.cumsum(rng.binomial(50, 0.01, (runs, 400)), axis=1)
        n = 50 * np.arange(1, 401)
        failed = (stats.binom.sf(bad - 1, n, 0.01) <= decide.ALPHA).any(axis=1).mean()
        passed = (stats.binom.cdf(bad, n, 0.01) <= decide.ALPHA).any(axis=1).mean()
        return ("exact binomial test at 5 %", percent(failed), percent(passed))

    def ours(rng: np.random.Generator, runs: int) -> Cells:
        calls = sim.ratio_calls(rng.binomial(50, 0.01, (runs, 400)), rate_per_s=50, limit=0.01)
        return ("seatrial's rule at 5 %", percent(calls.share(sim.MISSED)), percent(calls.share(sim.MET)))

    head = ("looked at 400 times", "wrongly failed", "wrongly passed")
    return Table("peeking", head, (Row("peeking one look", one_look), Row("peeking ours", ours)))


def comparison_table() -> Table:
    """A hold of 60 s at 200/s on either side, decided once."""
    rows = [errors_row(burst, *case) for burst in (1, 2, 5, 20) for case in ((0.0, 1.0), (0.1, 1.0), (0.0, 2.0))]
    rows += [latency_row(*case) for case in LATENCY_CASES]
    for kind in ("Poisson", "a fifth fails, in bursts of 20", "correlated 0.7"):
        rows += [throughput_row(kind, *case) for case in ((0.0, 1.0), (0.1, 1.0), (0.1, 0.8))]
    head = ("compared", "traffic", "allowed", "truth", "MISSED", "MET", "UNDECIDED")
    return Table("comparisons", head, rows)


def errors_row(burst: int, allowed: float, factor: float) -> Row:
    """1 % of the baseline bad."""

    def simulate(rng: np.random.Generator, runs: int) -> Cells:
        base, new = (
            sim.bursty(rng, (runs, 60), truth=truth, burst=burst, rate_per_s=200) for truth in (0.01, 0.01 * factor)
        )
        return compared(
            ("errors", f"bursts of {burst}", allowed, factor),
            (
                compare.compare_errors(seconds_of(b), seconds_of(n), at_most_ratio=allowed)
                for b, n in zip(base, new, strict=True)
            ),
        )

    return Row(f"errors {burst} {allowed} {factor}", simulate)


def seconds_of(run: sim.Counts) -> list[tuple[int, int]]:
    """As a journal has it."""
    return [(int(bad), 200) for bad in run]


LATENCIES: Mapping[str, Callable[..., Comparison]] = {
    "p50": lambda base, new, allowed: compare.compare_quantile(base, new, quantile=0.5, at_most_ratio=allowed),
    "p95": lambda base, new, allowed: compare.compare_quantile(base, new, quantile=0.95, at_most_ratio=allowed),
    "p99": lambda base, new, allowed: compare.compare_quantile(base, new, quantile=0.99, at_most_ratio=allowed),
    "body": lambda base, new, allowed: compare.compare_body(base, new, at_most_ratio=allowed),
}


LATENCY_CASES = [
    (kind, burst, *case) for kind in LATENCIES for burst in (1, 20) for case in ((0.0, 1.0), (0.1, 1.0), (0.1, 1.25))
]
"""What is compared, the mean burst, what is allowed, and the truth: equal sides twice, then one a quarter slower."""


def latency_row(kind: str, burst: int, allowed: float, factor: float) -> Row:
    """Lognormal latencies, a tenth of them four times as slow, in bursts."""

    def simulate(rng: np.random.Generator, runs: int) -> Cells:
        pairs = ((latencies(rng, burst, 1.0), latencies(rng, burst, factor)) for _ in range(runs // LATENCY_PART))
        return compared(
            (kind, f"bursts of {burst}", allowed, factor), (LATENCIES[kind](*pair, allowed) for pair in pairs)
        )

    return Row(f"{kind} {burst} {allowed} {factor}", simulate)


def latencies(rng: np.random.Generator, burst: int, factor: float) -> list[dict[int, int]]:
    """A histogram for each of 60 seconds of 200 requests, to three digits."""
    slow = sim.spells(rng, 12_000, truth=0.1, burst=burst)
    us = factor * rng.lognormal(10.0, 0.5, 12_000) * np.where(slow, 4, 1)
    digit = 10 ** (np.floor(np.log10(us)) - 2)
    rounded = (np.rint(us / digit) * digit).astype(np.int64).reshape(60, 200)
    return [dict(Counter(second)) for second in rounded.tolist()]


def throughput_row(kind: str, allowed: float, factor: float) -> Row:
    """150/s before."""

    def simulate(rng: np.random.Generator, runs: int) -> Cells:
        base, new = (COUNTS[kind](rng, (runs, 60), mean).tolist() for mean in (150.0, 150.0 * factor))
        return compared(
            ("throughput", kind, allowed, factor),
            (compare.compare_throughput(b, n, at_most_ratio=allowed) for b, n in zip(base, new, strict=True)),
        )

    return Row(f"compared throughput {kind} {allowed} {factor}", simulate)


def compared(about: tuple[str, str, float, float], found: Iterator[Comparison]) -> Cells:
    """One line of the comparisons."""
    subject, traffic, allowed, factor = about
    states = Counter(comparison.state for comparison in found)
    truth = "no difference" if factor == 1 else f"{factor:g} times"
    shares = (percent(states[call] / states.total()) for call in (decide.Call.MISSED, decide.Call.MET))
    undecided = percent(states[decide.Call.UNDECIDED] / states.total())
    most = f"{'-' if subject == 'throughput' else '+'}{100 * allowed:g} %" if allowed else "none"
    return (subject, traffic, most, truth, *shares, undecided)


def sizes_table() -> Table:
    """How many requests a limit takes; the medians at 200/s, with as long as it takes."""

    def row(limit: float) -> Row:
        def simulate(rng: np.random.Generator, runs: int) -> Cells:
            medians = (median_n(rng, runs, limit=limit, factor=factor) for factor in (0.5, 2.0, 5.0))
            fewest = (
                decide.requests_needed(limit, design_effect=effect) for effect in (1.0, decide.PRIOR_DESIGN_EFFECT)
            )
            return (f"{100 * limit:g} %", *(f"{n:,}" for n in fewest), *medians)

        return Row(f"sizes {limit}", simulate)

    head = (
        "limit", "none bad, independent", "none bad, as judged", "half the limit", "double", "five times",
    )  # fmt: skip
    return Table("sizes", head, [row(limit) for limit in (0.001, 0.005, 0.01, 0.02, 0.05)])


def median_n(rng: np.random.Generator, runs: int, *, limit: float, factor: float) -> str:
    """Of independent requests at 200/s, without a hold."""
    seconds = int(min(2_400, max(120, 8 / limit / min(factor, 1))))
    runs = runs // 10
    bad = sim.bursty(rng, (runs, seconds), truth=factor * limit, burst=1, rate_per_s=200)
    calls = sim.ratio_calls(bad, rate_per_s=200, limit=limit, min_hold_s=0)
    median = calls.median_s(sim.MET if factor < 1 else sim.MISSED)
    return "-" if median is None or calls.share(sim.UNDECIDED) > 0.5 else f"{200 * median:,.0f}"


def grown_table() -> Table:
    """How many requests each side of a comparison takes where the two are equal, and requests independent."""

    def row(ratio: float) -> Row:
        def simulate(rng: np.random.Generator, runs: int) -> Cells:
            return (f"{100 * ratio:g} %", *(wanted(ratio, allowed) for allowed in (0.05, 0.1, 0.25)))

        return Row(f"grown {ratio}", simulate)

    head = ("bad requests of the baseline", "+5 %", "+10 %", "+25 %")
    return Table("grown", head, [row(ratio) for ratio in (0.001, 0.01, 0.05)])


def wanted(ratio: float, allowed: float) -> str:
    """By what an undecided comparison itself asks for."""
    found = compare.compare_errors([(1, round(1 / ratio))] * 60, [(1, round(1 / ratio))] * 60, at_most_ratio=allowed)
    return "-" if found.wanted_n is None else f"{found.wanted_n:,}"


TABLES = (
    peeking_table(),
    ratio_table("limit-200", rate_per_s=200, limit=0.01, bursts=(1, 2, 5, 20)),
    ratio_table("limit-60", rate_per_s=60, limit=0.01, bursts=(1, 5, 20)),
    ratio_table("limit-18", rate_per_s=18, limit=0.05, bursts=(1, 2, 5)),
    throughput_table(),
    comparison_table(),
    sizes_table(),
    grown_table(),
)


def called(calls: sim.Calls) -> Iterator[str]:
    """Shares, with the median second in brackets."""
    for state in (sim.MISSED, sim.MET):
        median = calls.median_s(state)
        yield percent(calls.share(state)) + (
            f" ({median:.0f} s)" if median is not None and calls.share(state) > 0.01 else ""
        )
    yield percent(calls.share(sim.UNDECIDED))


def percent(share: float) -> str:
    """To a tenth, where it is neither nothing nor all."""
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


def simulated(tables: Sequence[Table], runs: int) -> dict[str, Cells]:
    """Every row by its name: kept ones as they are, others simulated and kept."""
    about = {"rules": rules.digest(), "runs": runs}
    rows = _kept(about)
    for table in tables:
        for row in table.rows:
            if row.name not in rows:
                print(f"simulating {row.name}", file=sys.stderr, flush=True)
                rows[row.name] = list(row.cells(runs))
                KEPT.parent.mkdir(exist_ok=True)
                KEPT.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return rows


def _kept(about: Mapping[str, object]) -> dict[str, Cells]:
    if not KEPT.exists():
        return {}
    kept = json.loads(KEPT.read_text())
    return dict(kept["rows"]) if about == {key: kept.get(key) for key in about} else {}


def as_markdown(table: Table, rows: Mapping[str, Cells]) -> str:
    """As it stands in the page."""
    lines = [table.head, ["---"] * len(table.head), *(rows[row.name] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(page: str, table: Table, text: str) -> str:
    """The page with that table between its markers; ValueError where it has none."""
    marked = re.compile(rf"(<!-- table: {table.name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"{PAGE.name}: no place for the table '{table.name}'")
    return marked.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)


def main() -> int:
    """Prints every table; with `--write` they stand in docs/statistics.md too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of a row, {RUNS} by default")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    asked = parser.parse_args()
    before = rules.digest()
    rows, page = simulated(TABLES, asked.runs), PAGE.read_text()
    for table in TABLES:
        text = as_markdown(table, rows)
        print(f"\n{table.name}\n{text}")
        page = written(page, table, text) if asked.write else page
    if asked.write:
        PAGE.write_text(rules.stamped(page, rules=before, runs=asked.runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
