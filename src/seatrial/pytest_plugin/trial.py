"""What a pytest session holds of a workspace: its realm, secrets, client and services, made once when first needed.

Takes what the command line and the ini file say; reads scenarios and plays them. What failed is said in
`wording`'s words.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from seatrial import documents
from seatrial.accept.pace import PacedClient, Pacer
from seatrial.accept.pool import Plan, Playing, play_one
from seatrial.accept.prepare import FOLDER, HURL, Prepared, context_of, permit, read_hurl_file
from seatrial.errors import SeatrialError, UsageError, did_you_mean
from seatrial.http import Client
from seatrial.realm import Realm
from seatrial.redact import Lent, Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.share import shared
from seatrial.runtime.up import require_reachable
from seatrial.sample import Phase
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import PlayResult
from seatrial.scenarios.read import read_scenario, read_scenarios
from seatrial.scenarios.rows import expand_rows
from seatrial.scenarios.wording import degraded_text, failure_texts

RUN = "pytest"  # no run folder is kept, so its samples need no other name
REALM_VARIABLE = "SEATRIAL_REALM"
_TALKATIVE = ("httpx", "httpcore", "hpack", "h2", "wsproto")


class Trial:
    """One workspace. `realm_name` None: the default of its realms.yaml."""

    def __init__(self, workspace: Path, realm_name: str | None, words: Sequence[str]) -> None:
        self.workspace = workspace
        self.secrets = Secrets()
        self._realm_name = realm_name
        self._words = words
        self._stack = contextlib.ExitStack()
        self._refusal: SeatrialError | None = None
        self._lent: list[Lent] = []

    @functools.cached_property
    def realm(self) -> Realm:
        """The realm to play in."""
        return choose_realm(read_realms(self.workspace), self._realm_name)

    def read(self, file: Path) -> tuple[Scenario, ...]:
        """The scenarios of one file: one for each row."""
        return tuple(expand_rows(self._scenario(file)))

    def find(self, path_or_name: str | Path) -> Scenario:
        """The one scenario of that path or name; UsageError when there is none, or one for each of several rows."""
        path = self.workspace / path_or_name
        if path.suffix in (".yaml", ".yml", HURL) and path.is_file():
            return _only(self.read(path), str(path_or_name))
        asked = str(path_or_name)
        if asked not in self._named:
            raise UsageError(f"no scenario is called '{asked}'; {did_you_mean(asked, self._named)}")
        return _only(self._named[asked], asked)

    @functools.cached_property
    def _named(self) -> Mapping[str, Sequence[Scenario]]:
        """The scenarios of the workspace by the names of their rows, and all rows of one by the name they share."""
        folder = self.workspace / FOLDER
        named: defaultdict[str, list[Scenario]] = defaultdict(list)
        for scenario in (*read_scenarios(folder), *map(self._scenario, sorted(folder.rglob(f"*{HURL}")))):
            for row in expand_rows(scenario):
                for name in {row.name, scenario.name}:
                    named[name].append(row)
        return dict(named)

    def prepare(self, scenario: Scenario) -> None:
        """See to it that it may and can be played; a SeatrialError says why not."""
        permit(self._prepared(scenario))
        self._ready()

    def play(self, scenario: Scenario, variables: Mapping[str, Any] | None = None) -> PlayResult:
        """Play it once, with `variables` over those of the command line."""
        playing, client = self._ready()
        context = playing.context
        context = dataclasses.replace(context, overrides={**context.overrides, **(variables or {})})
        with _quiet():
            played = play_one(Plan(scenario, scenario), dataclasses.replace(playing, context=context), client)
        if played.secrets is not None:
            self._lent.append(played.secrets)
        return played.result

    def give_back(self) -> None:
        """The test is reported: what its plays captured may be forgotten when newer values come."""
        while self._lent:
            self._lent.pop().give_back()

    def failure(self, result: PlayResult) -> str:
        """Everything that failed in a play, as `seatrial check` tells it."""
        return "\n\n".join(failure_texts(result, secrets=self.secrets))

    def degradations(self, result: PlayResult) -> Iterator[str]:
        """What was missed in a play without failing it."""
        for step in result.steps:
            if step.last is not None and step.last.degraded:
                yield degraded_text(step.last, result.scenario, secrets=self.secrets)

    def redact(self, text: str) -> str:
        """The text with every secret masked."""
        return self.secrets.redact(text)

    @contextlib.contextmanager
    def told_as_failure(self) -> Iterator[None]:
        """What stops seatrial fails the test with its sentence alone."""
        try:
            yield
        except SeatrialError as error:
            raise pytest.fail.Exception(self.redact(str(error)), pytrace=False) from None

    def close(self) -> None:
        """Close the client, and stop what was started unless it is still used."""
        try:
            self._stack.close()
        except SeatrialError as error:
            _say(self.redact(f"error: {error}"))

    def _scenario(self, file: Path) -> Scenario:
        """That of a file of ours, or of a `.hurl` file: the realm's variables are its variables."""
        if file.suffix != HURL:
            return read_scenario(file)
        return read_hurl_file(file, self.realm, HurlOptions(variables=_typed(self._words)))

    def _prepared(self, *scenarios: Scenario) -> Prepared:
        return Prepared(self.workspace, self.realm, scenarios, _typed(self._words), self.secrets)

    def _ready(self) -> tuple[Playing, Client]:
        """What plays need. What stopped it once stops it again at once: nobody waits twice for what never starts."""
        if self._refusal is not None:
            raise self._refusal
        try:
            return self._means
        except SeatrialError as error:
            self._refusal = error
            raise

    @functools.cached_property
    def _means(self) -> tuple[Playing, Client]:
        prepared = self._prepared()
        realm = prepared.realm
        raised = shared(realm, self.workspace, variables=prepared.overrides, say=_say)
        state = self._stack.enter_context(raised)
        require_reachable(realm, state)
        pacer = Pacer(realm.allows.check_rate_per_s)
        playing = Playing(context_of(prepared, state), RUN, Phase.ACCEPTANCE, pacer)
        return playing, self._stack.enter_context(PacedClient(pacer, playing.clock))


class Trials:
    """The workspaces of one session. The realm is the option's, else the environment's, else the ini file's."""

    def __init__(self, option: str | None, ini: str, words: Sequence[str]) -> None:
        self._realm_name = option or os.environ.get(REALM_VARIABLE) or ini or None
        self._words = words
        self._known: dict[Path, Trial] = {}

    def of(self, workspace: Path) -> Trial:
        """The one trial of a workspace."""
        if workspace not in self._known:
            self._known[workspace] = Trial(workspace, self._realm_name, self._words)
        return self._known[workspace]

    def redact(self, text: str) -> str:
        """The text with the secrets of every workspace masked."""
        for trial in self._known.values():
            text = trial.redact(text)
        return text

    def give_back(self) -> None:
        """The test is reported, wherever it played."""
        for trial in self._known.values():
            trial.give_back()

    def close(self) -> None:
        """Close all of them."""
        for trial in self._known.values():
            trial.close()


def _only(scenarios: Sequence[Scenario], asked: str) -> Scenario:
    files = sorted({scenario.file for scenario in scenarios})
    if len(files) > 1:
        raise UsageError(f"'{asked}' is in {' and in '.join(files)}; name it by its path")
    if len(scenarios) != 1:
        names = ", ".join(f"'{scenario.name}'" for scenario in scenarios[:3])
        raise UsageError(f"'{asked}' has {len(scenarios)} rows; name one of them, as {names}")
    return scenarios[0]


def _typed(words: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` words, the values typed as in a document."""
    pairs = (word.partition("=") for word in words)
    return {name: documents.scalar(value) for name, _, value in pairs}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What is sent may hold secrets, and a session may show every message of the libraries below as it comes."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
