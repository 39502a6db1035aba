"""What the parent and the load child say to each other: one order, then commands. Journal lines come back.

The order goes through the child's stdin as one JSON line, never through its arguments or environment, because it
holds secret values. May import the floor and the room's pure files; must never import locust or gevent.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seatrial.realm import Tracing
from seatrial.sample import Phase
from seatrial.scenarios.load.profile import Profile
from seatrial.scenarios.load.recorder import Mark

STOP = b"stop\n"
NOTE = b"# "  # between journal lines: something the user may want to know
WHY = b"! "  # and why there will be no more of them
FINISH_WITHIN_S = 10.0  # how long plays in flight may go on after `stop`
TEARDOWN_WITHIN_S = 5.0  # and how much longer those that are halted then have for their teardown


class Then(enum.StrEnum):
    """What follows the last stage: the last level until `stop`, or the end."""

    HOLD = "hold"
    END = "end"


@dataclass(frozen=True, slots=True)
class Canary:
    """A second version beside the first: `share_ratio` of the plays (0-1) send what is for a service named in
    `addresses` to the address there, and are counted apart."""

    addresses: Mapping[str, str]
    share_ratio: float


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """Everything the child needs to know, once.

    `workspace` is the folder that holds `scenarios/`. `addresses` maps a service to its base URL. `limits_us` are
    the latency limits to count exactly, in microseconds by service. Of one name, `overrides` win over a scenario's
    own variables, these over the realm's `variables`. With a `seed`, play k gets the seed `seed + k`.
    `max_requests_per_s` bounds what the users of a closed model send together, and what an open load sends beyond
    what its profile plans: polls, redirects, rounds whose number is not fixed.
    `environment` and `tracing` are as in `Context`. This process is `worker` (counted from 0) of `workers` that share
    the load out among them. With a `web_port` Locust's page shows the load, on this machine only. Plays in flight
    may go on for `finish_within_s` after the end; a request that has no answer then has failed.
    """

    run: str
    workspace: Path
    profile: Profile
    realm: str
    addresses: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    secret_values: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits_us: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    then: Then = Then.END
    seed: int | None = None
    max_requests_per_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    tracing: Tracing = Tracing()
    canary: Canary | None = None
    worker: int = 0
    workers: int = 1
    web_port: int | None = None
    finish_within_s: float = FINISH_WITHIN_S


def encode_order(order: LoadOrder) -> bytes:
    """The order as one line of JSON."""
    return TypeAdapter(LoadOrder).dump_json(order) + b"\n"


def decode_order(line: bytes) -> LoadOrder:
    """The order of a line; ValueError when it is not one."""
    try:
        return TypeAdapter(LoadOrder).validate_json(line)
    except ValidationError as error:  # its own text quotes the input, which holds secrets
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"not an order: {place}: {first['msg']}") from None


def encode_mark(mark: Mark) -> bytes:
    """The command that puts everything from now on into a phase, of an experiment when it has one."""
    return f"phase {mark.phase} {mark.experiment or ''}".strip().encode() + b"\n"


def decode_mark(line: bytes) -> Mark:
    """The mark of a `phase NAME [EXPERIMENT]` line; ValueError when it is not one."""
    word, _, rest = line.decode().strip().partition(" ")
    phase, _, experiment = rest.partition(" ")
    if word != "phase":
        raise ValueError(f"'{word}' is not a command; known: phase, stop")
    return Mark(Phase(phase), experiment or None)
