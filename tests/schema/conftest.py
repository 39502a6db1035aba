"""Whether a document is taken, by its schema and by its reader."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial import documents
from seatrial.chaos.gameday import read_gameday
from seatrial.chaos.read import read_experiments
from seatrial.errors import SeatrialError
from seatrial.runtime.read import read_realms
from seatrial.scenarios.load.profile import read_profiles
from seatrial.scenarios.read import read_scenario
from seatrial.schema import KINDS, combined_schema, schema_of
from seatrial.slo.gate import read_gate
from seatrial.slo.read import read_service
from seatrial.synthetic.read import read_synthetic

USER = {"scenario": "its user", "service": "shop"}


class _Every(frozenset[str]):
    """Every name is known."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


def _flow(path: Path) -> None:
    """A flow is read where it is used; it is given every input it asks for."""
    inputs = documents.load(path).content.get("inputs")
    given = dict.fromkeys(inputs, "x") if isinstance(inputs, dict) else {}
    user = path.parent / "user.yaml"
    user.write_text(json.dumps({**USER, "steps": [{"use": path.name, "with": given}]}))
    read_scenario(user)


def _gameday(path: Path) -> None:
    """A game day, and the experiments that are written in it."""
    read_gameday(path)
    read_experiments(path.parent)


READERS: dict[str, Callable[[Path], object]] = {
    "scenario": read_scenario,
    "flow": _flow,
    "profile": lambda path: read_profiles(path.parent),
    "experiment": lambda path: read_experiments(path.parent),
    "gameday": _gameday,
    "service": lambda path: read_service(documents.load(path)),
    "gate": lambda path: read_gate(path.parent, documents.load(path).content["gate"]),
    "monitor": lambda path: read_synthetic(path.parent, scenarios=_Every()),
    "channel": lambda path: read_synthetic(path.parent, scenarios=_Every()),
    "realms": lambda path: read_realms(path.parent),
}


@functools.cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """The validator of a kind's schema; of the combined one for `all`."""
    return jsonschema.Draft202012Validator(combined_schema() if kind == "all" else schema_of(kind))


@dataclass(frozen=True)
class Verdicts:
    """What is wrong with a document, by its schema, by the one for all, and by its reader; empty for nothing."""

    schema: str
    combined: str
    reader: str


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Verdicts]:
    """Have a document judged, given as its content."""
    monkeypatch.chdir(tmp_path)

    def judge_(content: dict[str, Any]) -> Verdicts:
        kind = next(iter(content))
        path = tmp_path / ("realms.yaml" if kind == "realms" else "document.yaml")
        path.write_text(json.dumps(content))
        said = [next((one.message for one in validator(name).iter_errors(content)), "") for name in (kind, "all")]
        return Verdicts(*said, _read(kind, path))

    return judge_


def _read(kind: str, path: Path) -> str:
    assert set(READERS) == set(KINDS)
    try:
        READERS[kind](path)
    except SeatrialError as error:
        return str(error)
    return ""
