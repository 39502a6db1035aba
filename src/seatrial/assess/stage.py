"""The stages of one assessment as they happen: acceptance, load until decided, experiments under the same load.

Takes a `Plan`, a realm that is up and a recorder; gives nothing back but what it recorded and how each stage ended.
Everything started here is ended here, on every way out.
"""

from __future__ import annotations

import collections
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from seatrial import http
from seatrial.assess.budget import Budget, TimeOver
from seatrial.assess.plan import Plan
from seatrial.assess.record import Recorder
from seatrial.assess.unrendered import Unrendered
from seatrial.assess.verify import judge_item
from seatrial.chaos.active import Active
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import ExperimentRecord
from seatrial.chaos.plan import Checked, limits_of, resolver
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.chaos.verify import as_halted
from seatrial.clock import Clock
from seatrial.errors import Interrupted, LoadFailed
from seatrial.journal import Run
from seatrial.quantity import show_duration
from seatrial.runtime.interrupts import held_back
from seatrial.runtime.state import RealmState
from seatrial.runtime.up import direct_addresses
from seatrial.sample import EdgeCall, Interval, Pacing, Phase, Record
from seatrial.scenarios.drive import drive, evidence_of, play_of
from seatrial.scenarios.load.order import LoadOrder, Then
from seatrial.scenarios.load.parent import RunningLoad, start_load
from seatrial.scenarios.load.profile import Profile
from seatrial.scenarios.load.summary import StepLine, Summary
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Context, PlayHalted, PlayResult
from seatrial.scenarios.once import Onces
from seatrial.scenarios.rows import expand_rows
from seatrial.slo.limits import limits_us
from seatrial.verdict import Finding

LOG = "load.log"
LOOK_EVERY_S = 0.25
LOAD_DEADLINE_S = 60.0  # from the child's start to its first second, and from `stop` to its end

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a stage is, for a progress display; `findings` are the objectives' as of now, undecided while the
    generator is unfit, `steps` the last seconds of the load, `unfit` what makes its generator unfit to measure, empty
    text when it is fit. `overdue` requests have had no answer for more than OVERDUE_S. `newest` is the load's last
    second; of an experiment, `calls` are those that ended since the last Moment, and `faults` what is on."""

    stage: str
    done_s: float
    of_s: float
    pacing: Pacing | None = None
    findings: tuple[Finding, ...] = ()
    steps: tuple[StepLine, ...] = ()
    unfit: str = ""
    overdue: int = 0
    newest: tuple[Record, ...] = ()
    calls: tuple[EdgeCall, ...] = ()
    faults: tuple[Active, ...] = ()


Show = Callable[[Moment], None]


@dataclass(frozen=True)
class Bridge:
    """What every stage needs: the plan, where to record, whom to tell. `show` gets a Moment a few times a second."""

    plan: Plan
    run: Run
    recorder: Recorder
    context: Context
    state: RealmState | None
    clock: Clock
    say: Say
    show: Show
    budget: Budget
    revisions: Mapping[str, str] = field(default_factory=dict)


def accept(bridge: Bridge) -> tuple[PlayResult, ...]:
    """Play every acceptance journey once, or once for each of its rows, in order; those that were played to their
    end, which are not all of them where the gate's time was over."""
    results = []
    plays = [play for scenario in bridge.plan.acceptance for play in expand_rows(scenario)]
    onces = Onces()
    with http.open_client() as client:
        for number, scenario in enumerate(plays):
            bridge.show(Moment(f"acceptance: {scenario.name}", number, len(plays)))
            result = None if bridge.budget.is_over else _accept(bridge, scenario, client, onces)
            if result is None:
                bridge.say(f"acceptance: {scenario.name}: not played to its end, {bridge.budget.over}")
                break
            bridge.say(f"acceptance: {scenario.name}: {_ended(result)}")
            results.append(result)
    return tuple(results)


def _accept(bridge: Bridge, scenario: Scenario, client: http.Client, onces: Onces) -> PlayResult | None:
    """Play one journey and keep all of it: its samples as they come, its end at the end; None when the gate's time
    cut it short."""
    run, secrets, started_at = bridge.run.name, bridge.context.secrets, bridge.clock.now()
    try:
        result = drive(
            scenario,
            bridge.context,
            client,
            clock=bridge.clock,
            record=bridge.recorder.write,
            run=run,
            phase=Phase.ACCEPTANCE,
            watch=bridge.budget.check,
            onces=onces,
        )
    except PlayHalted as halt:
        if isinstance(halt.__cause__, TimeOver):
            return None
        raise
    ended = play_of(result, run=run, phase=Phase.ACCEPTANCE, started_at=started_at, secrets=secrets)
    bridge.recorder.write(*evidence_of(result, run=run, secrets=secrets), ended)
    return result


def _ended(result: PlayResult) -> str:
    if result.skipped:
        return f"skipped, {result.skipped}"
    return "passed" if result.passed else "FAILED"


@contextlib.contextmanager
def load(bridge: Bridge, profile: Profile) -> Iterator[Loading]:
    """A load under way, its records flowing into the recorder; at the end it is stopped and nothing of it is lost."""
    order = LoadOrder(
        run=bridge.run.name,
        workspace=bridge.plan.workspace,
        profile=profile,
        realm=bridge.context.realm,
        addresses=_addresses(bridge),
        variables=bridge.context.variables,
        overrides=bridge.context.overrides,
        secret_values=bridge.context.secret_values,
        limits_us=limits_us(
            bridge.plan.documented,
            also=[
                (item.service, item.objective.limit)
                for item in limits_of(bridge.plan.experiments)
                if item.objective.quantile is not None
            ],
        ),
        then=Then.HOLD,
        max_requests_per_s=bridge.plan.realm.allows.max_rate_per_s,
        environment=bridge.context.environment,
        tracing=bridge.context.tracing,
        canary=bridge.plan.canary,
    )
    with (
        start_load(order, log=bridge.run.folder / LOG, spread=bridge.plan.spread, say=bridge.say) as running,
        Loading(running, bridge) as loading,
    ):
        yield loading


def _addresses(bridge: Bridge) -> dict[str, str]:
    """Where the load goes. Beside a canary the base is asked past its proxy too, or the detour would be compared."""
    addresses, canary = dict(bridge.context.addresses), bridge.plan.canary
    if canary is None:
        return addresses
    direct = direct_addresses(bridge.plan.realm, bridge.state)
    return addresses | {service: direct[service] for service in canary.addresses if service in direct}


class Loading:
    """A running load with its reader. As a context it stops at the end, and a load that lost records is an error
    unless another one is under way."""

    def __init__(self, running: RunningLoad, bridge: Bridge) -> None:
        self.running = running
        self._bridge = bridge
        self._error: Exception | None = None
        self.last: Pacing | None = None
        self.newest: tuple[Record, ...] = ()
        self.steps: tuple[StepLine, ...] = ()
        self.overdue = 0
        self._summary = Summary()
        self._unrendered = Unrendered(bridge.run.folder / LOG)
        self._reader = threading.Thread(target=self._read, name="load reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An interrupt waits for the last records: the one that ended the stage may have been another handler's.
        with held_back():
            self.stop()
        if error is None:
            self.require_whole()

    def require(self) -> None:
        """LoadFailed when the child has died, or whatever else ended the reading."""
        if self._error is not None:
            raise self._error
        if not self._reader.is_alive():
            raise LoadFailed("the load generator ended before it was told to")

    def stop(self) -> None:
        """End the load and wait until its last record is kept."""
        self.running.stop()
        self._reader.join(LOAD_DEADLINE_S)

    def require_whole(self) -> None:
        """LoadFailed when it was told to end and not all of its records are read, or whatever else ended that."""
        if self._error is not None:
            raise self._error
        if self._reader.is_alive():
            late = show_duration(LOAD_DEADLINE_S)
            raise LoadFailed(f"{late} after its end the load's records were still not read; see the run's load.log")

    def _read(self) -> None:
        try:
            for records in self.running.seconds():
                self._bridge.recorder.write(*records)
                self.newest = records
                self.last = next((item for item in records if isinstance(item, Pacing)), self.last)
                self._summary.add(records)
                self.steps, self.overdue = self._summary.now(), self._summary.overdue
                for line in self._unrendered.news(self._summary):
                    self._bridge.say(f"warning: {line}")
        except Exception as error:  # noqa: BLE001 - raised where somebody looks: in `require`, or at the end
            self._error = error


class Hindsight:
    """The calls at the proxies during the last seconds of the hold: the baseline an experiment is compared with."""

    def __init__(self, watch: EdgeWatch, clock: Clock, *, span_s: float) -> None:
        self._watch = watch
        self._clock = clock
        self._span_s = span_s
        self._calls: collections.deque[EdgeCall] = collections.deque()
        self._since = clock.monotonic()

    @property
    def held_s(self) -> float:
        """How long it has watched, at most its span."""
        return min(self._span_s, self._clock.monotonic() - self._since)

    def look(self) -> None:
        """Take in what ended since the last look; forget what is older than the span."""
        self._calls.extend(self._watch.poll())
        oldest = self._clock.now() - self._span_s
        while self._calls and self._calls[0].started_at < oldest:
            self._calls.popleft()

    def calls(self) -> tuple[EdgeCall, ...]:
        """What it remembers."""
        return tuple(self._calls)


def watch_edges(bridge: Bridge) -> EdgeWatch | None:
    """A watch of the realm's own proxies from now on; None where there are none that tell."""
    if bridge.state is None or bridge.state.proxy is None or bridge.state.proxy.process is None:
        return None
    names = {edge.proxy: name for name, edge in bridge.state.edges.items()}
    watch = EdgeWatch(bridge.state.proxy.api, bridge.run.name, edges=names, clock=bridge.clock)
    watch.start()
    return watch


def experiments(
    bridge: Bridge, loading: Loading, watch: EdgeWatch | None, *, hindsight: Hindsight | None
) -> tuple[ExperimentRecord, ...]:
    """Play every experiment under the running load, one after the other; all is healed at the end.

    One that the gate's time has no room for is not begun, and its record says why. Of one that is halted, what its
    faults did until then is kept.
    """
    records: list[ExperimentRecord] = []
    held_s = hindsight.held_s if hindsight else 0.0
    ledger = Ledger(bridge.run.ledger)
    before = hindsight.calls() if hindsight else ()
    bridge.recorder.write(*before)
    if before:
        first = bridge.plan.experiments[0].experiment.name
        bridge.show(Moment(f"experiment: {first}", 0.0, 0.0, loading.last, steps=loading.steps, calls=before))
    injector = Injector(ledger, bridge.plan.realm.name, clock=bridge.clock, say=bridge.say)
    try:
        with injector:
            for checked in bridge.plan.experiments:
                records.append(_experiment(bridge, loading, watch, checked, injector=injector, held_s=held_s))
                held_s = 0.0
    except (KeyboardInterrupt, Interrupted):
        begun = injector.windows[sum(len(record.windows) for record in records) :]
        bridge.recorder.write(*map(as_halted, begun), *(watch.flush() if watch else ()))
        raise
    return tuple(records)


def _experiment(
    bridge: Bridge,
    loading: Loading,
    watch: EdgeWatch | None,
    checked: Checked,
    *,
    injector: Injector,
    held_s: float,
) -> ExperimentRecord:
    """Play one experiment, if the gate's time has room for it, and keep all of it."""
    lacking = bridge.budget.lacking(checked.experiment.takes_s - min(held_s, checked.experiment.baseline_s))
    if lacking:
        bridge.say(f"{checked.experiment.name}: {lacking}")
        return _not_begun(bridge, checked.experiment.name, lacking)
    around = surroundings(bridge, loading, watch, injector=injector, name=checked.experiment.name)
    record = run_experiment(checked, around, held_s=held_s)
    bridge.recorder.write(*record.windows, *(watch.flush() if watch else ()))
    return record


def _not_begun(bridge: Bridge, name: str, why: str) -> ExperimentRecord:
    now = bridge.clock.now()
    return ExperimentRecord(name, now, now, (), why)


def surroundings(
    bridge: Bridge, loading: Loading, watch: EdgeWatch | None, *, injector: Injector, name: str
) -> Surroundings:
    """What an experiment of that name is played in, under a load."""

    def observe() -> None:
        loading.require()
        calls = watch.poll() if watch else ()
        bridge.recorder.write(*calls, *(watch.losses() if watch else ()))
        bridge.show(
            Moment(
                f"experiment: {name}",
                0.0,
                0.0,
                loading.last,
                steps=loading.steps,
                overdue=loading.overdue,
                newest=loading.newest,
                calls=calls,
                faults=injector.active,
            )
        )

    return Surroundings(
        injector=injector,
        resolve=resolver(bridge.plan.workspace, bridge.plan.realm, holder=bridge.run.name),
        observe=observe,
        judge=lambda item: judge_item(bridge.recorder.measures(), bridge.plan, item, experiment=name),
        mark=loading.running.mark,
        clock=bridge.clock,
        say=bridge.say,
        failing=lambda: failing_ratio(loading.newest),
    )


def failing_ratio(records: Iterable[Record]) -> float | None:
    """The share of requests that failed in the newest second of a load's records; None when there were none."""
    counted = [record for record in records if isinstance(record, Interval | Pacing)]
    newest = max((record.second for record in counted), default=None)
    intervals = [record for record in counted if isinstance(record, Interval) and record.second == newest]
    failed, total = sum(item.failed for item in intervals), sum(item.failed + item.ok for item in intervals)
    return failed / total if total else None
