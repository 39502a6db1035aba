"""Every reader of a user's files, given the bytes of one file in a workspace made for it.

`attempt` reads one input, plays what could be read against canned answers, shows it in every report, and raises what
no reader may: anything but a `SeatrialError` with a place, and a reading that takes too long.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import corpus
import mutate
from playing import FoundError, play

from seatrial.assess.plan import Asked, read_plan
from seatrial.chaos.gameday import read_gameday
from seatrial.chaos.read import read_experiments
from seatrial.cli import import_
from seatrial.cli.import_keptn import Asked as KeptnAsked
from seatrial.cli.import_keptn import run_import_keptn
from seatrial.errors import DocumentError, ExitCode, Refused, SeatrialError, UsageError
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import cookies_of, variables_of
from seatrial.scenarios.load.profile import read_profiles
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.read import read_scenario
from seatrial.slo.gate import read_gate
from seatrial.slo.keptn import Choice
from seatrial.slo.read import read_services
from seatrial.synthetic.read import read_synthetic

LIMIT_S = 5.0
"""Of processor time, for one input and each thing that is done with it."""
REALMS = """
realms:
  test:
    services: {api: "http://api.test", gateway: "http://gateway.test", cards: "http://cards.test:81/v1/"}
    variables: {currency: EUR, lines: "a\\nb", amount: 3}
    secrets: {password: {env: FUZZ_PASSWORD}}
    allows: {mutations: true}
"""


USES_THE_FLOW = """
scenario: uses the flow
service: api
steps:
  - {use: flows/login.yaml, with: {user: ada, password: x}}
  - {use: flows/login.yaml, with: {user: bob, password: "{{ secrets.password }}"}, once: run}
"""


HAS_ROWS = """
scenario: has rows
service: api
rows: {file: data/rows.%s, shuffle: 7}
steps: [{request: {url: "/a?user={{ row.user }}", json: "{{ row }}"}}]
"""


KEPTN = """
objectives: [{sli: queue, pass: [{criteria: ["<=+10%"]}]}, {sli: dt, pass: [{criteria: [<5]}]}, {sli: error_rate}]
total_score: {pass: 90%}
"""


class TooSlowError(BaseException):
    """An input that took longer than it may."""


@dataclass(frozen=True)
class Reader:
    """`read` takes the workspace; the input lies in `file` there. A usage error is one whose text matches `usage`."""

    file: str
    samples: Callable[[], Sequence[bytes]]
    read: Callable[[Path], object]
    usage: str = r"(?!)"
    beside: Mapping[str, str] = field(default_factory=dict)


def _imports(run: Callable[..., ExitCode], file: str, *more: Any) -> Callable[[Path], object]:
    def read(_: Path) -> None:
        code = run(file, *more, import_.Output())
        if code is not ExitCode.MET:
            raise FoundError(f"the import ended with {code!r}")

    return read


def _realms(workspace: Path) -> None:
    choose_realm(read_realms(workspace), None)


def _services(workspace: Path) -> None:
    read_services(workspace / "slo")


def _environment(workspace: Path) -> None:
    del workspace
    import_.run_import_postman("c.json", ["input"], import_.Output())


def _read_gameday(workspace: Path) -> None:
    read_gameday(workspace / "chaos/day.yaml")
    read_experiments(workspace / "chaos")


def _text(workspace: Path) -> str:
    return (workspace / "input").read_text(encoding="utf-8", errors="replace")


def _planned(file: str) -> Reader:
    """A document of our own sea trial, held together with all the others of it."""
    return Reader(f"plan/{file}", lambda: corpus.files(file), _plan, r"no gate|unknown realm|Refused: ")


def _plan(workspace: Path) -> None:
    try:
        read_plan(workspace / "plan", Asked("demo"))
    except Refused as refused:  # what is written may well be forbidden by the realm
        raise UsageError(f"Refused: {refused}") from None


READERS: Mapping[str, Reader] = {
    "scenario": Reader(
        "scenarios/s.yaml", lambda: corpus.of("scenario"), lambda at: read_scenario(at / "scenarios/s.yaml")
    ),
    "flow": Reader(
        "scenarios/flows/login.yaml",
        lambda: corpus.of("flow"),
        lambda at: read_scenario(at / "scenarios/s.yaml"),
        beside={"scenarios/s.yaml": USES_THE_FLOW},
    ),
    "rows as csv": Reader(
        "scenarios/data/rows.csv",
        lambda: corpus.files("tests/fuzz/seeds/*.csv"),
        lambda at: read_scenario(at / "scenarios/s.yaml"),
        beside={"scenarios/s.yaml": HAS_ROWS % "csv"},
    ),
    "rows as json": Reader(
        "scenarios/data/rows.json",
        lambda: corpus.files("tests/fuzz/seeds/rows.json"),
        lambda at: read_scenario(at / "scenarios/s.yaml"),
        beside={"scenarios/s.yaml": HAS_ROWS % "json"},
    ),
    "profile": Reader("profiles/p.yaml", lambda: corpus.of("profile"), lambda at: read_profiles(at / "profiles")),
    "gameday": Reader("chaos/day.yaml", lambda: corpus.of("gameday"), _read_gameday),
    "experiment": Reader("chaos/e.yaml", lambda: corpus.of("experiment"), lambda at: read_experiments(at / "chaos")),
    "service": Reader("slo/s.yaml", lambda: corpus.of("service"), _services),
    "gate": Reader("slo/gate.yaml", lambda: corpus.of("gate"), lambda at: read_gate(at / "slo"), r"no gate"),
    "monitor": Reader(
        "synthetic/m.yaml",
        lambda: (*corpus.of("monitor"), *corpus.of("channel")),
        lambda at: read_synthetic(at / "synthetic", scenarios=["pay with a card"]),
    ),
    "realms": Reader("realms.yaml", lambda: corpus.of("realms"), _realms, r"which realm\?"),
    "hurl": Reader(
        "scenarios/s.hurl",
        lambda: corpus.files("tests/fuzz/seeds/*.hurl", "tests/scenarios/**/*.hurl"),
        lambda at: read_hurl(at / "scenarios/s.hurl"),
    ),
    "hurl, imported": Reader(
        "scenarios/s.hurl",
        lambda: corpus.files("tests/fuzz/seeds/*.hurl", "tests/scenarios/**/*.hurl"),
        lambda _: import_.run_import_hurl(["scenarios/s.hurl"], import_.Output(), given={}),
        "too large",
    ),
    "hurl's variables": Reader(
        "input",
        lambda: corpus.files("tests/fuzz/seeds/variables.env"),
        lambda at: variables_of(_text(at), "input"),
    ),
    "hurl's cookies": Reader(
        "input",
        lambda: corpus.files("tests/fuzz/seeds/cookies.txt"),
        lambda at: cookies_of(_text(at), "input"),
    ),
    "planned scenario": _planned("scenarios/pay_with_a_card.yaml"),
    "planned profile": _planned("scenarios/profiles/steady.yaml"),
    "planned experiment": _planned("chaos/the_ledger_hangs.yaml"),
    "planned service": _planned("slo/cards.yaml"),
    "planned gate": _planned("slo/gate.yaml"),
    "planned realms": _planned("realms.yaml"),
    "har": Reader(
        "input.har", lambda: corpus.foreign("*.har"), _imports(import_.run_import_har, "input.har"), "too large"
    ),
    "postman collection": Reader(
        "input.json",
        lambda: corpus.foreign("*collection.json"),
        _imports(import_.run_import_postman, "input.json", ["e.json"]),
        "too large",
    ),
    "postman environment": Reader("input", lambda: corpus.foreign("*environment.json"), _environment, "too large"),
    "openapi": Reader(
        "input.yaml",
        lambda: corpus.foreign("petstore.yaml"),
        _imports(import_.run_import_openapi, "input.yaml"),
        "too large",
    ),
    "keptn": Reader(
        "input.yaml",
        lambda: corpus.files("tests/golden/passes/import_keptn/workspace/slo.yml"),
        lambda _: run_import_keptn(KeptnAsked("input.yaml", None, Choice("carts")), import_.Output()),
        "too large",
    ),
    "keptn's queries": Reader(
        "input.yaml",
        lambda: corpus.files("tests/golden/passes/import_keptn/workspace/sli.yml"),
        lambda _: run_import_keptn(KeptnAsked("slo.yaml", "input.yaml", Choice("carts")), import_.Output()),
        "too large",
        beside={"slo.yaml": KEPTN},
    ),
    "curl": Reader(
        "input.sh",
        lambda: corpus.foreign("*.sh"),
        lambda _: import_.run_import_curl(["input.sh"], import_.Output()),
        "too large",
    ),
}
SHARES = {"scenario": 8, "hurl": 4, "flow": 3, "experiment": 2}
_TURNS = tuple(name for name in READERS for _ in range(SHARES.get(name, 1)))


def input_of(seed: int, index: int) -> tuple[str, bytes]:
    """The reader of that input and its bytes, the same each time."""
    chance = random.Random(f"{seed}/{index}")
    name = _TURNS[index % len(_TURNS)]
    samples = READERS[name].samples()
    return name, mutate.mutated(chance.choice(samples), samples, chance, keys=_words(name))


def _words(name: str) -> Sequence[str]:
    return corpus.known_keys() if name in _OURS else ()


OWN_KINDS = ("scenario", "flow", "profile", "experiment", "gameday", "service", "gate", "monitor", "realms")
_OURS = frozenset(READERS) - {
    "hurl",
    "hurl, imported",
    "har",
    "postman collection",
    "postman environment",
    "openapi",
    "curl",
    "keptn",
    "keptn's queries",
}


def prepare(workspace: Path) -> None:
    """Everything a document may name beside itself."""
    data = workspace / "scenarios" / "data"
    for folder in (
        data,
        workspace / "scenarios/flows",
        *map(workspace.joinpath, ("profiles", "chaos", "synthetic", "slo")),
    ):
        folder.mkdir(parents=True, exist_ok=True)
    kept = {
        "realms.yaml": REALMS.encode(),
        "scenarios/flows/login.yaml": (corpus.SEEDS / "flow.yaml").read_bytes(),
        "scenarios/data/rows.csv": (corpus.SEEDS / "rows.csv").read_bytes(),
        "scenarios/rows.csv": (corpus.SEEDS / "rows.csv").read_bytes(),
        "c.json": corpus.foreign("*collection.json")[0],
        "e.json": corpus.foreign("*environment.json")[0],
    }
    for folder in ("scenarios", "chaos", "slo"):
        shutil.copytree(corpus.ROOT / folder, workspace / "plan" / folder, dirs_exist_ok=True)
    shutil.copy(corpus.ROOT / "realms.yaml", workspace / "plan")
    for name, content in kept.items():
        (workspace / name).write_bytes(content)


def attempt(name: str, content: bytes, workspace: Path, chance: random.Random) -> str:
    """Read it, and play it if it reads: what came of it in a word. FoundError is a defect, and so is TooSlowError."""
    reader = READERS[name]
    with (
        _restored(workspace, (reader.file, *reader.beside)),
        contextlib.chdir(workspace),
        _silent(),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        for unseen in (DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", unseen)  # as Python does where nobody develops
        for beside, text in reader.beside.items():
            (workspace / beside).write_text(text)
        (workspace / reader.file).write_bytes(content)
        try:
            with bounded():
                scenario = reader.read(workspace)
        except SeatrialError as error:
            refuse_wrong(error, reader.usage)
            return "refused"
        if not isinstance(scenario, Scenario):
            return "read"
        with bounded():
            play(scenario, workspace, chance)
        return "played"


def refuse_wrong(error: SeatrialError, usage: str) -> None:
    """FoundError unless it is a DocumentError with a place, or a usage error of the kind that is meant."""
    if isinstance(error, DocumentError):
        if error.where.line < 1 or error.where.column < 1 or not error.problem.strip():
            raise FoundError(f"an error without a place: {error}")
    elif error.exit_code is not ExitCode.USAGE or not re.search(usage, str(error)):
        raise FoundError(f"{type(error).__name__} instead of a DocumentError: {error}")


@contextlib.contextmanager
def bounded(limit_s: float = LIMIT_S) -> Iterator[None]:
    """TooSlowError after that much processor time; counted in it, a busy machine proves nothing."""

    def stop(*_: object) -> None:
        raise TooSlowError(f"more than {limit_s} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """What a command prints must be printable: to streams that know UTF-8 only."""
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors) for errors in ("strict", "backslashreplace")
    ]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        yield


@contextlib.contextmanager
def _restored(workspace: Path, files: Sequence[str]) -> Iterator[None]:
    """Whatever was written over these files is undone."""
    kept = {name: (workspace / name).read_bytes() if (workspace / name).exists() else None for name in files}
    try:
        yield
    finally:
        for name, content in kept.items():
            if content is None:
                (workspace / name).unlink(missing_ok=True)
            else:
                (workspace / name).write_bytes(content)
