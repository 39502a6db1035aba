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
import h11
import mutate

from seatrial.accept.pace import Pacer
from seatrial.accept.pool import Plan, Playing, play_one
from seatrial.accept.prepare import Prepared
from seatrial.accept.static import mistakes
from seatrial.assess.plan import Asked, read_plan
from seatrial.chaos.gameday import read_gameday
from seatrial.chaos.read import read_experiments
from seatrial.cli import import_
from seatrial.cli.check_screen import Look, Screen
from seatrial.cli.import_keptn import Asked as KeptnAsked
from seatrial.cli.import_keptn import run_import_keptn
from seatrial.errors import DocumentError, ExitCode, Refused, SeatrialError, UsageError
from seatrial.exchange import Answer, Broken, Certificate, Request, Response
from seatrial.http import Client, client, websocket
from seatrial.http.destination import Destination
from seatrial.http.engine import httpcore
from seatrial.http.pool import Carrier
from seatrial.http.progress import Progress
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Facts
from seatrial.reports.plays.formats import FORMATS
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.sample import Cause, Phase
from seatrial.scenarios.drive import evidence_of, play_of
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import cookies_of, variables_of
from seatrial.scenarios.load.profile import read_profiles
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Context
from seatrial.scenarios.once import Onces
from seatrial.scenarios.played import Played
from seatrial.scenarios.read import read_scenario
from seatrial.scenarios.rows import expand_rows
from seatrial.slo.gate import read_gate
from seatrial.slo.keptn import Choice
from seatrial.slo.read import read_services
from seatrial.synthetic.read import read_synthetic

LIMIT_S = 5.0
"""Of processor time, for one input and each thing that is done with it."""

MAX_MOVES = 120
NOON = 1_700_000_000.0
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


class FoundError(AssertionError):
    """What a reader did with an input, and must not do."""


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


ANSWERS: tuple[Answer, ...] = (
    Response(
        200,
        (
            ("Content-Type", "application/json"),
            ("Set-Cookie", "SID=a; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
            ("Set-Cookie", "="),
            ("X-Receipt", "abcd"),
            ("Date", "Wed, 21 Oct 2026 07:28:00 GMT"),
        ),
        b'{"id": 7, "token": "tok-123", "state": "ok", "cards": [{"id": 1, "state": "ACTIVE"}], '
        b'"since": "2026-01-01", "d": 1e400}',
        0.01,
        certificate=Certificate("CN=a", "CN=b", "0A", NOON - 9e5, NOON + 9e5),
        url="http://api.test/a?page=2",
        ip="127.0.0.1",
    ),
    Response(
        201,
        (("Content-Type", "application/json"),),
        b'{"token": "tok-456", "receipt": "aGk=", "owner": {"name": "a"}}',
        0.2,
    ),
    Response(404, (("Content-Type", "text/html; charset=no-such"),), b"<html><title>\xff</title><p>version 7", 0.6),
    Response(302, (("Location", "http://[::1"),), b"", 0.01),
    Response(307, (("Location", "/elsewhere?page=1"),), b"", 0.01),
    Response(401, (("WWW-Authenticate", 'Digest realm="a", nonce="b", qop="auth"'),), b"", 0.01),
    Response(200, (), b"\xed\xa0\x80" + b"\0" * 50, 0.01),
    Response(200, (("Content-Type", "application/json"),), b"[" * 5000, 0.01),
    Response(
        200,
        (("Content-Type", "application/json"),),
        b'[{"event": "done", "data": {"n": 3}, "charge_id": "\\ud800"}]',
        0.01,
    ),
    Broken(Cause.RESET, "canned", 0.01),
    Broken(Cause.TIMEOUT, "canned", 2.0),
)


class _EnoughError(Exception):
    """The play has gone on for long enough."""


class _Client(Client):
    """Does with a request all that the real one does until it would connect; then answers, mostly well."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def _over(self, carrier: Carrier, request: Request, destination: Destination, *, progress: Progress) -> Answer:
        key = websocket.new_key() if request.url.startswith("ws") else None
        wire = list(client._headers(request, destination, key))
        sent = httpcore.Request(request.method, destination.url, headers=wire, content=request.body)
        try:
            h11.Request(method=sent.method, target=sent.url.target, headers=sent.headers)
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from None
        return self._chance.choice((*ANSWERS[:2], *ANSWERS))


class _Clock:
    def now(self) -> float:
        return NOON

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        if not seconds >= 0:
            raise FoundError(f"a wait of {seconds} s")


def play(scenario: Scenario, workspace: Path, chance: random.Random) -> None:
    """Rehearse it and play its first row, whatever is answered; then every report must be able to show it."""
    realm = choose_realm(read_realms(workspace), None)
    list(mistakes(Prepared(workspace, realm, (scenario,), {}, Secrets())))
    secrets = Secrets()
    context = Context(
        realm="test",
        addresses=ADDRESSES,
        variables=realm.variables,
        secret_values={"password": "correct horse"},
        secrets=secrets,
        seed=1,
        now=lambda: NOON,
    )
    secrets.add("password", "correct horse")
    row = next(iter(expand_rows(scenario)))
    played = _played(scenario, row, context, chance)
    if played is not None:
        _show(played, secrets)


ADDRESSES = {"api": "http://api.test", "gateway": "http://gateway.test", "cards": "http://cards.test:81/v1/"}


def _played(journey: Scenario, row: Scenario, context: Context, chance: random.Random) -> Played | None:
    """None when it would have gone on for longer than we look on."""
    moves = iter(range(MAX_MOVES))

    def watch(*_: object) -> None:
        if next(moves, None) is None:
            raise _EnoughError

    playing = Playing(context, "fuzz", Phase.ACCEPTANCE, Pacer(None), clock=_Clock(), onces=Onces(), watch=watch)
    try:
        with _Client(chance) as client_:
            return play_one(Plan(journey, row), playing, client_)
    except _EnoughError:
        return None


def _show(played: Played, secrets: Secrets) -> None:
    """In every form there is: samples' records, reports, the terminal."""
    play_of(played.result, run="fuzz", phase=Phase.ACCEPTANCE, started_at=NOON, secrets=secrets)
    evidence_of(played.result, run="fuzz", secrets=secrets)
    facts = Facts(realm="test", started_at=NOON, took_s=0.1, planned=1, version="0")
    for make in FORMATS.values():
        form = make(secrets)
        body = "".join(form.add(played))
        (form.head(facts) + body + form.tail(facts)).encode(errors="replace")
    screen = Screen(Look(secrets, 2, 1))
    screen.begin(played.journey, played.result.scenario)
    screen.ended(played)
