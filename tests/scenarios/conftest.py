"""A journey from text, played against canned answers: no network, no clock, no disk but a temporary folder."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hurl_server import DOCUMENT

from seatrial.clock import SystemClock
from seatrial.exchange import Answer, Broken, Request, Response
from seatrial.http import open_client
from seatrial.sample import Cause, Phase
from seatrial.scenarios.drive import drive
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import parse_options
from seatrial.scenarios.model import Scenario, every_step
from seatrial.scenarios.moves import Attempted, Claim, Context, Move, PlayResult, Reply, Send, Settle, Together, Wait
from seatrial.scenarios.once import Onces, OnceStore
from seatrial.scenarios.play import play
from seatrial.scenarios.prepared import prepare
from seatrial.scenarios.read import read_scenario
from seatrial.scenarios.rows import expand_rows

NOON = 1_700_000_000.0


@dataclass
class Played:
    """A finished play: what it asked for, and what it came to."""

    result: PlayResult
    moves: list[Move]
    context: Context
    requests: list[Request] = field(init=False)
    waits: list[float] = field(init=False)
    told: list[Attempted] = field(init=False)

    def __post_init__(self) -> None:
        self.requests = [move.request for move in self.moves if isinstance(move, Send)]
        self.waits = [move.seconds for move in self.moves if isinstance(move, Wait)]
        self.told = [move for move in self.moves if isinstance(move, Attempted)]

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Each step's name and how it ended."""
        return [
            (result.step.name, "skipped" if result.skipped else str(result.outcome)) for result in self.result.steps
        ]

    @property
    def summaries(self) -> list[str]:
        """Every failure in one line."""
        return [failure.summary for told in self.told if told.final for failure in told.failures]


def answer(
    status: int = 200, content: object = None, *, headers: tuple[tuple[str, str], ...] = (), latency_s: float = 0.01
) -> Response:
    """A canned JSON answer; text is sent as it is."""
    body = content.encode() if isinstance(content, str) else b"" if content is None else json.dumps(content).encode()
    return Response(status, (("Content-Type", "application/json"), *headers), body, latency_s)


def broken(cause: Cause = Cause.REFUSED, latency_s: float = 0.01) -> Broken:
    """A canned failure of the target."""
    return Broken(cause, f"canned {cause}", latency_s)


@pytest.fixture
def journey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scenario]:
    """Read a scenario from text; a text without steps gets its head and the text as its steps. Flows by file name."""
    monkeypatch.chdir(tmp_path)

    def read(text: str, **flows: str) -> Scenario:
        for name, flow in flows.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(flow).strip("\n"))
        text = textwrap.dedent(text).strip("\n")
        if not text.startswith("scenario:"):
            text = "scenario: s\nservice: api\nsteps:\n" + textwrap.indent(text, "  ")
        path = tmp_path / "s.yaml"
        path.write_text(text + "\n")
        return read_scenario(path)

    return read


@pytest.fixture
def canned() -> type[Canned]:
    """The makers of canned answers."""
    return Canned


class Canned:
    """What a target may answer."""

    ok = staticmethod(answer)
    broken = staticmethod(broken)


@pytest.fixture
def run() -> Callable[..., Played]:
    """Play a scenario against answers, in order; the last one is given for ever.

    It is played once more with all that can be prepared of it, as a load does, and must come to the same; `once` is
    for what is never twice the same.
    """

    def run_(
        scenario: Scenario, *answers: Answer, onces: Onces | None = None, once: bool = False, **told: object
    ) -> Played:
        given = {"addresses": {"api": "http://api.test", "cards": "http://cards.test:81/v1/"}, "seed": 1, **told}
        context = Context(realm="test", now=lambda: NOON, **given)
        prepared = replace(context, prepared=prepare(scenario, context.tracing), secrets=context.secrets.fork())
        stores = copy_of(onces or Onces())
        played, again = (
            follow(scenario, each, answers or (answer(),), onces=store)
            for each, store in ((context, onces or Onces()), (prepared, stores))
        )
        if not once and not any(step.request.talk for step in every_step(scenario)):  # no conversation equals another
            assert again.result == played.result
            assert told_of(again.moves) == told_of(played.moves)
        return played

    return run_


def follow(scenario: Scenario, context: Context, answers: Sequence[Answer], *, onces: Onces) -> Played:
    """Play it against answers, in order; the last one is given for ever."""
    driver = CannedDriver(list(answers), onces)
    return Played(driver.follow(play(scenario, context)), driver.moves, context)


def copy_of(onces: Onces) -> Onces:
    """The same outputs kept, to go on with apart."""
    return Onces(OnceStore(dict(onces.run._kept)), OnceStore(dict(onces.worker._kept)))


def told_of(moves: Sequence[Move]) -> list[Move | int]:
    """Moves as they can be compared: of what goes side by side only how much it is."""
    return [len(move.branches) if isinstance(move, Together) else move for move in moves]


@dataclass
class CannedDriver:
    """Follows the moves of a play with canned answers, the branches of a block one after the other."""

    left: list[Answer]
    onces: Onces
    moves: list[Move] = field(default_factory=list)

    def follow(self, playing: Generator[Move, Reply, PlayResult | None]) -> PlayResult | None:
        """To the end of the generator; gives what it returns."""
        reply: Reply = None
        while True:
            try:
                move = playing.send(reply)
            except StopIteration as end:
                return end.value
            self.moves.append(move)
            reply = self._reply(move)

    def _reply(self, move: Move) -> Reply:
        if isinstance(move, Send):
            return self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(move, Claim):
            return self.onces.store(move.once).claim(move.key, NOON)
        if isinstance(move, Settle):
            self.onces.store(move.once).settle(move.key, move.outputs)
        if isinstance(move, Together):
            for branch in move.branches:
                self.follow(branch)
        return None


SID = "sid=abc; Path=/; Domain=127.0.0.1; HttpOnly; Max-Age=3600; SameSite=Lax; Expires=Sun, 13 Jan 2999 22:23:01 GMT"


ANSWERS = {
    "/json": (
        200,
        DOCUMENT,
        [("Content-Type", "application/json"), ("X-One", "1"), ("X-Many", "a"), ("X-Many", "b"), ("Set-Cookie", SID)],
    ),
    "/xml": (200, b"<r><i>one</i><i>two</i></r>", [("Content-Type", "application/xml")]),
    "/redirect": (302, b"", [("Location", "/xml")]),
    "/redirect2": (302, b"", [("Location", "/redirect")]),
    "/bytes": (200, b"\x00\xff", [("Content-Type", "application/octet-stream")]),
    "/text": (200, b"one\ntwo\n", [("Content-Type", "text/plain")]),
    "/fails": (500, b"oh", [("Content-Type", "text/plain")]),
}


@dataclass
class Got:
    """One request as the server got it; `headers` without those of the connection."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Server:
    """Answers as ANSWERS says, `/echo...` with nothing, `/third` well only from the third time on."""

    got: list[Got] = field(default_factory=list)
    port: int = 0

    @property
    def host(self):
        return f"http://127.0.0.1:{self.port}"

    def answer(self, got):
        self.got.append(got)
        if got.path == "/third":
            times = sum(one.path == "/third" for one in self.got)
            return (200 if times >= 3 else 503), json.dumps({"times": times}).encode(), []
        return ANSWERS.get(got.path, (200, b"", []))


@pytest.fixture
def server():
    """A server of its own for one test."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            headers = [pair for pair in self.headers.items() if pair[0].lower() not in ("connection", "host")]
            got = Got(self.command, self.path, headers, self.rfile.read(length))
            status, body, sent = state.answer(got)
            self.send_response_only(status)
            for name, value in (*sent, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the library's names

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = httpd.server_address[1]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@dataclass
class Result:
    passed: bool
    failures: list[str]
    steps: list[tuple[str, str]]


@pytest.fixture(name="play")
def _play_hurl(server, tmp_path):
    """Play a file, or a text as one; `{{host}}` is the server. Options by Hurl's names, `_` for `-`."""

    def play_(text, **given):
        path = text if isinstance(text, Path) else tmp_path / "f.hurl"
        if not isinstance(text, Path):
            path.write_text(text)
        variables = [f"host={server.host}", *given.pop("variable", [])]
        options = parse_options({"variable": variables, **{key.replace("_", "-"): one for key, one in given.items()}})
        passed, failures, steps = True, [], []
        for scenario in expand_rows(read_hurl(path, options)):
            context = Context(realm="", addresses={}, secret_values=options.secrets)
            with open_client() as client:
                result = drive(
                    scenario,
                    context,
                    client,
                    clock=SystemClock(),
                    record=lambda _: None,
                    run="r",
                    phase=Phase.ACCEPTANCE,
                )
            passed = passed and result.passed
            told = [*(one.failures for one in (step.last for step in result.steps) if one), result.failures]
            failures += [f"{one.where.line}: {one.summary}" for part in told for one in part]
            steps += [(one.title, "skipped" if one.skipped else str(one.outcome)) for one in result.steps]
        return Result(passed, failures, steps)

    return play_
