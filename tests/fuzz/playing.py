"""A journey that a reader took: played against canned answers and shown in every report; nothing may raise there."""

from __future__ import annotations

import random
from pathlib import Path

import h11

from seatrial.accept.pace import Pacer
from seatrial.accept.pool import Plan, Playing, play_one
from seatrial.accept.prepare import Prepared
from seatrial.accept.static import mistakes
from seatrial.cli.check_screen import Look, Screen
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
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Context
from seatrial.scenarios.once import Onces
from seatrial.scenarios.played import Played
from seatrial.scenarios.rows import expand_rows

MAX_MOVES = 120
NOON = 1_700_000_000.0


class FoundError(AssertionError):
    """What a reader did with an input, and must not do."""


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
