"""Reads and permits everything a run of journeys needs, before anything is sent.

Room accept. Takes words of a command line, or of a test's configuration; gives a `Prepared`. UsageError,
DocumentError and Refused say what is wrong with which word, file or right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.documents import files_in, in_workspace, shown_path
from seatrial.errors import DocumentError, UsageError, did_you_mean, nearly
from seatrial.realm import Allows, Realm, RuntimeKind, permit_mutations
from seatrial.redact import MIN_LENGTH, Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import RealmState, addresses_of
from seatrial.scenarios.model import Scenario, every_part, mutates
from seatrial.scenarios.moves import Context
from seatrial.scenarios.read import read_scenario, read_scenarios, select

if TYPE_CHECKING:
    from seatrial.scenarios.hurl.options import HurlOptions

FOLDER = "scenarios"
HURL = ".hurl"

NOWHERE = Realm("none", RuntimeKind.EXTERNAL, {}, allows=Allows(mutation_tags=frozenset()))
"""Where `.hurl` files are played when no realm is named: they say themselves where they go."""

CAPTURED_SECRETS = 2000
"""Values captured as secret that a run remembers of plays it has reported, the newest; of any other play, all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for: files and folders (none: all of the workspace), and which of their scenarios.

    `overrides` are `--var`: they win over every other variable of their name. `hurl` is what `.hurl` files are told.
    """

    realm: str | None = None
    paths: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    hurl: HurlOptions | None = None

    @property
    def needs_workspace(self) -> bool:
        """Whether there must be one: not for `.hurl` files alone, unless a realm is named.

        A folder that holds nothing else is played so too where no workspace is; in one it belongs to it.
        """
        alone = bool(self.paths) and all(path.suffix == HURL or _stands_alone(path) for path in self.paths)
        return self.realm is not None or not alone


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything read. `secrets` has the values of `given_secrets`, which were named on the command line; the realm's
    come to it when `context_of` fetches them, captured ones while it is played. `unknown_tags` says which tags no
    journey has, and what they may mean.
    """

    workspace: Path
    realm: Realm
    scenarios: tuple[Scenario, ...]
    overrides: Mapping[str, Any]
    secrets: Secrets
    given_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    unknown_tags: tuple[str, ...] = ()

    @property
    def plays(self) -> int:
        """How often a scenario is played: once, or once for each of its rows."""
        return sum(rows_of(scenario) for scenario in self.scenarios)


def prepare(workspace: Path, wanted: Wanted) -> Prepared:
    """Read the realm and the scenarios; nothing is fetched, started or sent."""
    realms = read_realms(workspace) if wanted.needs_workspace else None
    realm = NOWHERE if realms is None else choose_realm(realms, wanted.realm)
    found = tuple(_scenarios(wanted.paths or (workspace / FOLDER,), realm, wanted))
    scenarios = select(found, names=wanted.names, tags=wanted.tags)
    if realms is not None:
        _refuse_unknown_realms(scenarios, realms)
    secrets, given = Secrets(), wanted.hurl.secrets if wanted.hurl else {}
    for name, value in given.items():
        if not secrets.add(name, value):
            raise UsageError(f"--secret {name}: shorter than {MIN_LENGTH} characters, which cannot be masked")
    unknown = tuple(_unknown_tags(found, wanted.tags))
    return Prepared(workspace, realm, scenarios, wanted.overrides, secrets, given, unknown)


def _unknown_tags(scenarios: Iterable[Scenario], wanted: Iterable[str]) -> Iterator[str]:
    known = frozenset[str]().union(*(scenario.tags for scenario in scenarios))
    for tag in wanted:
        if tag not in known:
            yield f"no journey has the tag '{tag}'; {did_you_mean(tag, known) or 'none has a tag'}"


def _refuse_unknown_realms(scenarios: Iterable[Scenario], realms: Iterable[str]) -> None:
    """A misspelt realm in `never_in` would let a journey run where it must not."""
    known = frozenset(realms)
    for scenario in scenarios:
        named = [(scenario.where, scenario.only_in, scenario.never_in)]
        named += [(part.where, part.course.only_in, part.course.never_in) for part in every_part(scenario)]
        for where, only_in, never_in in named:
            for name in sorted((never_in | (only_in or frozenset())) - known):
                raise DocumentError(where, f"there is no realm '{name}' to be in", did_you_mean(name, known))


def permit(prepared: Prepared) -> None:
    """Refused when a scenario writes in a realm that does not allow it."""
    for scenario in filter(mutates, prepared.scenarios):
        permit_mutations(prepared.realm, scenario.name, scenario.tags)


def context_of(prepared: Prepared, state: RealmState | None) -> Context:
    """What every play is told of the realm; fetches its secrets, CannotRun when one cannot be had."""
    realm, secrets = prepared.realm, prepared.secrets
    values = {**resolve_secrets(realm, prepared.workspace, secrets), **prepared.given_secrets}
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


def _stands_alone(folder: Path) -> bool:
    hurl_only = any(folder.rglob(f"*{HURL}")) and not files_in(folder)
    return hurl_only and not in_workspace(Path.cwd())


def _scenarios(paths: Sequence[Path], realm: Realm, wanted: Wanted) -> Iterable[Scenario]:
    """Those of the files and folders, each once, whatever way its path was written."""
    found: dict[tuple[Path, int], Scenario] = {}
    for path in paths:
        if not path.exists():
            near = nearly(str(path), map(str, path.parent.glob("*")))
            raise UsageError("; ".join(filter(None, (f"{path}: no such file or folder", near))))
        for scenario in _read(path, realm, wanted):
            found.setdefault((Path(scenario.file).absolute(), scenario.where.line), scenario)
    return found.values()


def _read(path: Path, realm: Realm, wanted: Wanted) -> Iterator[Scenario]:
    if path.is_dir():
        yield from read_scenarios(path)
        for file in sorted(path.rglob(f"*{HURL}")):
            yield read_hurl_file(file, realm, _told(wanted))
    elif path.suffix == HURL:
        yield read_hurl_file(path, realm, _told(wanted))
    else:
        yield read_scenario(path)


def _told(wanted: Wanted) -> HurlOptions:
    """Hurl's options; what `--var` says is known before the play, as what `--variable` says is."""
    from seatrial.scenarios.hurl.options import HurlOptions

    told = wanted.hurl or HurlOptions()
    return dataclasses.replace(told, variables={**told.variables, **wanted.overrides})


def read_hurl_file(file: Path, realm: Realm, told: HurlOptions | None = None) -> Scenario:
    """A `.hurl` file; the realm's variables are the file's, unless `told` says otherwise."""
    from seatrial.scenarios.hurl.entries import read_hurl
    from seatrial.scenarios.hurl.options import HurlOptions

    options = told or HurlOptions()
    variables = {**realm.variables, **options.variables}
    return read_hurl(Path(shown_path(file)), dataclasses.replace(options, variables=variables))
