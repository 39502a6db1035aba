"""The monitor's words: monitors, their alerts, the channels they are told through, and how one play ended.

`read.py` gives monitors and channels from `synthetic/`; schedule, watch and alert trust them. Pure; imports
only `errors`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from seatrial.errors import Where


class Severity(enum.StrEnum):
    """How soon somebody must look: at once, or in working hours."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Confirm:
    """A failing play is tried again up to `retries` times, `after_s` after it ended."""

    retries: int = 1
    after_s: float = 2.0


@dataclass(frozen=True, slots=True)
class DownRule:
    """`after` confirmed failures in a row make a scenario down."""

    after: int = 3
    severity: Severity = Severity.PAGE


@dataclass(frozen=True, slots=True)
class Monitor:
    """Scenarios played every `every_s`. `deadline_s` bounds one run, its confirming retries included.

    `realm` None: any. `routes` gives the channels of each severity; one without channels is only shown.
    """

    name: str
    scenarios: tuple[str, ...]
    every_s: float
    deadline_s: float
    realm: str | None = None
    confirm: Confirm = field(default_factory=Confirm)
    down: DownRule = field(default_factory=DownRule)
    routes: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    where: Where | None = None


class ChannelKind(enum.StrEnum):
    """The ways an alert can leave the house."""

    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where letters go. `url` is the address itself or, with `url_env`, stands in that environment variable.

    `secret_env` names the variable that holds the key letters are signed with; None: they are not signed.
    """

    name: str
    kind: ChannelKind
    url: str | None = None
    url_env: str | None = None
    secret_env: str | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a scenario is about, for whoever is woken: its service and that service's runbook, empty if unknown."""

    service: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class PlayOutcome:
    """How one play ended. `step` and `detail` tell of the first failing step, what was expected and seen.

    `flaky`: it failed before and passed when it was tried again.
    """

    passed: bool
    step: str = ""
    detail: str = ""
    latency_s: float = 0.0
    trace_id: str = ""
    flaky: bool = False
