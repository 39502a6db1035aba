"""`make bench`: seatrial beside its peers on the same journey, in one run. Prints ratios, asserts nothing.

The rounds alternate (ours, theirs, ours, theirs, ...), so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import audited
import audits
import deciding
import kills
import load_figures
import memory
import nginx
import peers
import proxy
import reading
import report
import tools
import verdicts
from measure import Cost, Tool, ToolFailedError, run, run_watched
from nginx import Counter
from peers import Missing, Peer
from tools import Crowd

import fuzz

OUT = Path(__file__).with_name("out")
Makers = Mapping[str, Callable[[Peer], Tool]]
"""How each program is called, by its name."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    check_rounds: int
    reading_rounds: int
    rows_rounds: int
    rows: int
    memory_rows: int
    load_rounds: int
    figures_s: int
    crowd: Crowd
    bad_documents: int
    verdict_runs: int
    deciding_rounds: int
    kills: int
    audits: int
    proxy_rounds: int
    proxy_s: int


FULL = Plan(
    check_rounds=10,
    reading_rounds=7,
    rows_rounds=5,
    rows=200,
    memory_rows=10_000,
    load_rounds=5,
    figures_s=660,
    crowd=Crowd(users=20, duration_s=10),
    bad_documents=fuzz.INPUTS,
    verdict_runs=verdicts.RUNS,
    deciding_rounds=9,
    kills=kills.KILLS,
    audits=len(audited.BANK.cases),
    proxy_rounds=5,
    proxy_s=4,
)
QUICK = Plan(
    check_rounds=2,
    reading_rounds=2,
    rows_rounds=1,
    rows=200,
    memory_rows=1_000,
    load_rounds=1,
    figures_s=15,
    crowd=Crowd(users=20, duration_s=4),
    bad_documents=500,
    verdict_runs=verdicts.QUICK_RUNS,
    deciding_rounds=1,
    kills=4,
    audits=2,
    proxy_rounds=1,
    proxy_s=1,
)


@dataclass
class Bench:
    """One bench under way: what there is to measure with, and the problems that came up."""

    plan: Plan
    found: Mapping[str, Peer]
    counter: Counter
    workspace: Path
    problems: list[str] = field(default_factory=list)
    only: frozenset[str] = frozenset()

    def measured(self, name: str, measure: Callable[[Bench], dict[str, object]]) -> dict[str, object] | None:
        """What that comparison gives; None where others alone are wanted, or it failed, which is a problem."""
        if self.only and name not in self.only:
            return None
        try:
            return measure(self)
        except ToolFailedError as failed:
            self.problems.append(str(failed))
            say(f"not measured: {failed}")
            return None


def main() -> int:
    """0: every tool here was measured. 1: no nginx, or a tool did not play the journey. 130: interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one or two short rounds, to see that it works")
    parser.add_argument("--only", action="append", choices=tuple(MEASURES), help="this comparison alone; repeat")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else FULL
    # As Ctrl-C does, so that nginx and the tool under way are ended too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with nginx.running() as counter, tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
            workspace = tools.make_workspace(Path(folder), counter.address, plan.crowd)
            return measure_all(Bench(plan, find_tools(), counter, workspace, only=frozenset(asked.only or ())))
    except nginx.NginxMissingError as missing:
        say(f"nothing is measured: {missing}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing is kept")
        return 130


def find_tools() -> dict[str, Peer]:
    """The tools that are here by name; a sentence for each that is not."""
    looked = (peers.find_seatrial(), peers.find_newman(), peers.find_tavern(), peers.find_locust(), peers.find_k6())
    for missing in looked:
        if isinstance(missing, Missing):
            say(missing.why)
    return {peer.name: peer for peer in looked if isinstance(peer, Peer)}


def measure_all(bench: Bench) -> int:
    """Every comparison, printed as it is done, kept together."""
    machine = {"cores": os.cpu_count(), "load_average_before": os.getloadavg()}
    versions = ", ".join(peer.version for peer in bench.found.values())
    say(f"{machine['cores']} cores, load average {os.getloadavg()[0]:.2f} before; {versions}")
    parts = {name: bench.measured(name, measure) for name, measure in MEASURES.items()}
    machine["load_average_after"] = os.getloadavg()
    about = {"machine": machine, "tools": {peer.name: peer.version for peer in bench.found.values()}}
    keep({**about, "plan": dataclasses.asdict(bench.plan), **parts, "problems": bench.problems})
    return 1 if bench.problems else 0


def measure_reading(bench: Bench) -> dict[str, object]:
    """Three hundred files read and validated."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        read = reading.measure(Path(folder), bench.plan.reading_rounds)
    say(f"\n{read}")
    return dataclasses.asdict(read)


def measure_checks(bench: Bench) -> dict[str, object]:
    """`seatrial check`, newman and Tavern, whole processes. Each once before: no first read of a disk counts."""
    makers: Makers = {
        "seatrial": lambda peer: tools.seatrial_check(peer, bench.workspace),
        "newman": lambda peer: tools.newman(peer, bench.counter.address),
        "tavern": lambda peer: tools.tavern(peer, bench.counter.address),
    }
    chosen = [make(bench.found[name]) for name, make in makers.items() if name in bench.found]
    rounds = bench.plan.check_rounds
    costs = alternate(bench, chosen, 1 + rounds, measure=run)
    measured = {name: each[1:] for name, each in costs.items()}
    title = f"one journey of 5 steps, whole process, medians of {rounds} alternating rounds"
    say("\n" + report.as_text(title, measured, report.check_figures()))
    return report.as_data(measured, report.check_figures())


def measure_rows(bench: Bench) -> dict[str, object]:
    """The journey once a row in one process: as a whole, and beyond what the same tool takes for a single row."""
    many, one = (_rows_costs(bench, rows) for rows in (bench.plan.rows, 1))
    beyond = {
        name: [cost.beyond(start) for cost, start in zip(each, one[name], strict=True)]
        for name, each in many.items()
        if name in one
    }
    figures = report.rows_figures()
    title = f"{bench.plan.rows} rows of the journey in one process, {bench.plan.rows_rounds} rounds"
    say("\n" + report.as_text(title, many, figures))
    say("\n" + report.as_text("the same beyond its start", beyond, figures))
    return {"whole": report.as_data(many, figures), "beyond": report.as_data(beyond, figures)}


def _rows_costs(bench: Bench, rows: int) -> dict[str, list[Cost]]:
    makers: Makers = {
        "seatrial": lambda peer: tools.seatrial_rows(peer, bench.workspace, rows),
        "newman": lambda peer: tools.newman_rows(peer, bench.counter.address, rows),
    }
    chosen = [make(bench.found[name]) for name, make in makers.items() if name in bench.found]
    chosen.append(tools.httpx_loop(bench.counter.address, rows))
    return alternate(bench, chosen, bench.plan.rows_rounds, measure=run)


def measure_memory(bench: Bench) -> dict[str, object]:
    """Whether what a check holds grows with its rows."""
    rows = bench.plan.memory_rows
    grown = memory.measure(tools.seatrial_rows(bench.found["seatrial"], bench.workspace, rows), bench.counter, rows)
    say(f"\n{grown}")
    return dataclasses.asdict(grown)


def measure_loads(bench: Bench) -> dict[str, object]:
    """`seatrial load`, hand-written Locust and k6, the same crowd for each."""
    crowd = bench.plan.crowd
    makers: Makers = {
        "seatrial": lambda peer: tools.seatrial_load(peer, bench.workspace),
        "locust": lambda peer: tools.locust(peer, bench.counter.address, crowd),
        "k6": lambda peer: tools.k6(peer, bench.counter.address, crowd),
    }
    chosen = [make(bench.found[name]) for name, make in makers.items() if name in bench.found]
    costs = alternate(bench, chosen, bench.plan.load_rounds, measure=run_watched)
    title = f"the same journey by {crowd.users} users for {crowd.duration_s} s, {bench.plan.load_rounds} rounds"
    figures = report.load_figures(crowd.duration_s)
    say("\n" + report.as_text(title, costs, figures))
    return report.as_data(costs, figures)


def measure_load_figures(bench: Bench) -> dict[str, object]:
    """Late starts, memory, the journal's size, and how long an hour takes to be judged."""
    figures = load_figures.measure_all(bench.found["seatrial"], bench.workspace, bench.counter, bench.plan.figures_s)
    say(f"\n{figures}")
    return dataclasses.asdict(figures)


def alternate(
    bench: Bench, chosen: Sequence[Tool], rounds: int, *, measure: Callable[[Tool, Counter], Cost]
) -> dict[str, list[Cost]]:
    """Each tool once a round, in order. One that fails is a problem and is measured no more, nor shown."""
    costs: dict[str, list[Cost]] = {tool.name: [] for tool in chosen}
    for number in range(rounds):
        for tool in chosen:
            if tool.name not in costs:
                continue
            progress(f"round {number + 1} of {rounds}: {tool.name}")
            try:
                costs[tool.name].append(measure(tool, bench.counter))
            except ToolFailedError as failed:
                bench.problems.append(str(failed))
                say(f"not measured: {failed}")
                del costs[tool.name]
    return costs


def measure_deciding(bench: Bench) -> dict[str, object]:
    """How soon `assess` stops where the truth is known, beside a fixed hold."""
    rounds = bench.plan.deciding_rounds
    outcomes = deciding.measure(bench.found["seatrial"], rounds)
    lines = "\n".join(map(str, outcomes))
    say(f"\nhow soon assess decides: limit 5 %, 100 requests/s, {rounds} runs each\n{lines}")
    return {outcome.case.name: dataclasses.asdict(outcome) for outcome in outcomes}


def measure_fuzz(bench: Bench) -> dict[str, object]:
    """Bad documents: none may end in more than a refusal. Bad requests to the proxy's API: it goes on."""
    documents = fuzz.run(fuzz.SEED, bench.plan.bad_documents)
    requests = fuzz.run_proxy(fuzz.SEED, bench.plan.bad_documents)
    for progress in (documents, requests):
        bench.problems.extend(progress.defects)
        say(f"\n{fuzz.as_text(progress)}")
    return dataclasses.asdict(documents) | {"proxy": dataclasses.asdict(requests)}


def measure_verdicts(bench: Bench) -> dict[str, object]:
    """How often a verdict is wrong, missing or late."""
    rows = verdicts.simulated(verdicts.TABLES, bench.plan.verdict_runs)
    for table in verdicts.TABLES:
        say(f"\n{table.name}, {bench.plan.verdict_runs:,} runs a row\n{verdicts.as_markdown(table, rows)}")
    return {table.name: [list(rows[row.name]) for row in table.rows] for table in verdicts.TABLES}


def measure_audits(bench: Bench) -> dict[str, object]:
    """What an audit says of the healthy bank, and of each defect alone."""
    narrow = audits.Narrow.SERVICE if bench.plan is QUICK else audits.Narrow.NOT
    progress = audits.run(audited.BANK, narrow=narrow, most=bench.plan.audits)
    bench.problems.extend(progress.problems)
    say(f"\n{audits.as_text(progress)}")
    return {"made": [dataclasses.asdict(one) for one in progress.made]}


def measure_kills(bench: Bench) -> dict[str, object]:
    """What killed harnesses leave: nothing."""
    progress = kills.run(bench.plan.kills)
    bench.problems.extend(progress.problems)
    say(f"\n{kills.as_text(progress)}")
    return dataclasses.asdict(progress)


def measure_proxy(bench: Bench) -> dict[str, object]:
    """Our proxy beside the original; nothing where there is no wrk, ours alone where there is no original."""
    wrk, original = peers.find_wrk(), peers.find_toxiproxy()
    if isinstance(wrk, Missing):
        say(f"\n{wrk.why}")
        return {"skipped": wrk.why}
    if isinstance(original, Missing):
        say(f"\n{original.why}")
    theirs = original if isinstance(original, Peer) else None
    compared = proxy.measure(
        proxy.Wrk(wrk, bench.plan.proxy_s), theirs, bench.counter.address, bench.plan.proxy_rounds
    )
    say(f"\n{wrk.version}, {theirs.version if theirs else 'no original'}: {compared}")
    return compared.as_data()


MEASURES: Mapping[str, Callable[[Bench], dict[str, object]]] = {
    "reading": measure_reading,
    "check": measure_checks,
    "rows": measure_rows,
    "memory": measure_memory,
    "load": measure_loads,
    "load figures": measure_load_figures,
    "deciding": measure_deciding,
    "fuzz": measure_fuzz,
    "kills": measure_kills,
    "audits": measure_audits,
    "proxy": measure_proxy,
    "verdicts": measure_verdicts,
}


def keep(result: Mapping[str, object]) -> None:
    """Everything measured, in a file named for the time."""
    OUT.mkdir(exist_ok=True)
    file = OUT / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    say(f"\nall rounds: {os.path.relpath(file)}")


def say(text: str) -> None:
    """A line of the result."""
    print(text, flush=True)


def progress(text: str) -> None:
    """A line for who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
