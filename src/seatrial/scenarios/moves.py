"""The words between `play` and its drivers: what a play is given, what it asks for, what it ends with.

Room scenarios. Plain frozen values, so that httpx, geventhttpclient and a list of canned answers can drive the same
play. May import the floor, `model`, `failure` and `once`; must never send, wait or render.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.clock import SystemClock
from seatrial.exchange import Answer, Request
from seatrial.light import light
from seatrial.realm import Tracing
from seatrial.redact import Secrets
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.failure import Failure, Used
from seatrial.scenarios.model import Once, Piece, Scenario, Step
from seatrial.scenarios.once import Outputs

if TYPE_CHECKING:
    from seatrial.scenarios.prepared import Prepared


_OK = Outcome.OK


@light(frozen=True, slots=True)
class Context:
    """What a play is told of the realm.

    `addresses` maps a service to its base URL. Of one name, `overrides` (`--var`) win over the scenario's `vars`, and
    these over the realm's `variables`. Secret captures are added to `secrets`. With a `seed`, ids and random values
    repeat; `now` gives UTC seconds for the templates' `now()`. `environment` holds what the realm lets templates see
    of the process's environment; `tracing` names the headers that carry a request's ids. A driver of many plays gives
    what is dear to make for each: `prepared` steps by the step's `id`, and the `chance` to draw from without a seed.
    """

    realm: str
    addresses: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    secret_values: Mapping[str, str] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    seed: int | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    now: Callable[[], float] = SystemClock().now
    environment: Mapping[str, str] = field(default_factory=dict)
    tracing: Tracing = Tracing()
    prepared: Mapping[int, Prepared] = field(default_factory=dict, repr=False)
    chance: random.Random | None = field(default=None, repr=False)


@light(frozen=True, slots=True)
class Send:
    """Send this request now; the driver sends the `Answer` back into the generator.

    `hop` counts the requests of one attempt: 0 is the step's own, the next ones follow a redirect or a challenge; -1
    is a request for a token that goes before it.
    """

    step: Step
    request: Request
    attempt: int
    trace_id: str
    hop: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait that long before going on; the driver sends None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask for what is run once; the driver sends its `Outputs`, or None: then a `Settle` of the same key follows."""

    once: Once
    key: Hashable


@dataclass(frozen=True, slots=True)
class Settle:
    """What was claimed has been run and gave this, None when it failed; the driver sends None."""

    once: Once
    key: Hashable
    outputs: Outputs | None


class Halted(Exception):
    """Thrown into a play by a driver that was interrupted: no further step is run, but teardown is."""


class PlayHalted(KeyboardInterrupt):
    """Raised by a driver that was interrupted: how the play ended, None when not even its teardown could be run."""

    def __init__(self, result: PlayResult | None) -> None:
        super().__init__("the play was halted")
        self.result = result


@dataclass(frozen=True, slots=True)
class Together:
    """Follow the moves of these generators side by side, each to its end; the driver sends None once all have."""

    branches: tuple[Moves, ...]


@light(frozen=True, slots=True)
class Attempted:
    """One attempt of a step, judged; the driver sends None.

    `final` is False for a poll that a later attempt replaces; `round` counts from 1 in a loop, 0 outside.
    `request` is None when it could not be rendered, then `answer` is None too. `degradations` are misses that do not
    fail the step. `used` is filled when something failed. `warnings` are for whoever wrote the
    step, and judge nothing.
    """

    step: Step
    request: Request | None
    answer: Answer | None
    attempt: int
    final: bool
    outcome: Outcome
    cause: Cause | None
    degraded: bool
    latency_s: float
    status: int | None
    detail: str
    failures: tuple[Failure, ...]
    trace_id: str
    bytes_in: int
    bytes_out: int
    degradations: tuple[Failure, ...] = ()
    used: tuple[Used, ...] = ()
    round: int = 0
    warnings: tuple[str, ...] = ()


Move = Send | Wait | Claim | Settle | Together | Attempted
Reply = Answer | Outputs | None
Moves = Generator[Move, Reply, None]


@light(frozen=True, slots=True)
class StepResult:
    """How one step ended. `skipped` gives the reason when it was not run; `last` is then None.

    A call of a flow appears only when skipped; else the flow's own steps stand here.
    """

    step: Piece
    outcome: Outcome
    last: Attempted | None = None
    attempts: int = 0
    skipped: str = ""
    round: int = 0

    @property
    def title(self) -> str:
        """The step's name, and in a loop its round: `poll the queue [3]`."""
        return f"{self.step.name} [{self.round}]" if self.round else self.step.name

    @property
    def failed(self) -> bool:
        """Not OK; a skipped step has neither failed nor passed."""
        return self.outcome is not _OK and not self.skipped

    @property
    def flaky(self) -> bool:
        """It succeeded, but not at once."""
        return self.outcome is Outcome.OK and self.attempts > 1


@light(frozen=True, slots=True)
class PlayResult:
    """How one play ended. `steps` are in the order they ran, skipped ones among them.

    `outcome` is that of the first failing step outside teardown, `teardown_outcome` that of teardown alone.
    `failures` are those of no single step (a variable that cannot be rendered, nothing requested, nothing checked).
    """

    scenario: Scenario
    outcome: Outcome
    teardown_outcome: Outcome
    steps: tuple[StepResult, ...]
    trace_id: str
    failures: tuple[Failure, ...] = ()
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Every step that ran was OK, teardown included, and something was checked."""
        return not self.skipped and self.outcome is Outcome.OK and self.teardown_outcome is Outcome.OK
