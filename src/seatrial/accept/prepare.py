"""Reads and permits everything a run of journeys needs, before anything is sent.

Room accept. Takes words of a command line, or of a test's configuration; gives a `Prepared`. UsageError,
DocumentError and Refused say what is wrong with which word, file or right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.errors import UsageError
from seatrial.realm import Realm, permit_mutations
from seatrial.redact import Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import RealmState, addresses_of
from seatrial.scenarios.model import Scenario, mutates
from seatrial.scenarios.moves import Context
from seatrial.scenarios.read import read_scenario, read_scenarios, select

FOLDER = "scenarios"

CAPTURED_SECRETS = 2000
"""Values captured as secret that a run remembers, the newest: more than any number of plays under way can hold."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for: files and folders (none: all of the workspace), and which of their scenarios.

    `overrides` are `--var`: they win over every other variable of their name.
    """

    realm: str | None = None
    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything read. `secrets` is empty until `context_of` fetched the realm's; captured ones come to it then."""

    workspace: Path
    realm: Realm
    scenarios: tuple[Scenario, ...]
    overrides: Mapping[str, Any]
    secrets: Secrets

    @property
    def plays(self) -> int:
        """How often a scenario is played: once, or once for each of its rows."""
        return sum(rows_of(scenario) for scenario in self.scenarios)


def prepare(workspace: Path, wanted: Wanted) -> Prepared:
    """Read the realm and the scenarios; nothing is fetched, started or sent."""
    realm = choose_realm(read_realms(workspace), wanted.realm)
    found = tuple(_scenarios(wanted.paths or (workspace / FOLDER,)))
    scenarios = select(found, names=wanted.names, tags=wanted.tags)
    return Prepared(workspace, realm, scenarios, wanted.overrides, Secrets())


def permit(prepared: Prepared) -> None:
    """Refused when a scenario writes in a realm that does not allow it."""
    for scenario in filter(mutates, prepared.scenarios):
        permit_mutations(prepared.realm, scenario.name, scenario.tags)


def context_of(prepared: Prepared, state: RealmState | None) -> Context:
    """What every play is told of the realm; fetches its secrets, CannotRun when one cannot be had."""
    realm, secrets = prepared.realm, prepared.secrets
    values = resolve_secrets(realm, prepared.workspace, secrets)
    secrets.keep_newest(CAPTURED_SECRETS)
    return Context(
        realm=realm.name,
        addresses=addresses_of(realm, state),
        variables=realm.variables,
        secret_values=values,
        secrets=secrets,
        overrides=prepared.overrides,
        environment=visible_environment(realm),
        tracing=realm.tracing,
    )


def rows_of(scenario: Scenario) -> int:
    """How many plays the scenario stands for."""
    return 1 if scenario.rows is None else len(scenario.rows)


def _scenarios(paths: Sequence[Path]) -> Iterable[Scenario]:
    """Those of the files and folders, each once, whatever way its path was written."""
    found: dict[tuple[Path, int], Scenario] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
        for scenario in _read(path):
            found.setdefault((Path(scenario.file).absolute(), scenario.where.line), scenario)
    return found.values()


def _read(path: Path) -> Iterator[Scenario]:
    if path.is_dir():
        yield from read_scenarios(path)
    else:
        yield read_scenario(path)
