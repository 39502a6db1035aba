"""A realistic run: the bank under load while the ledger hangs, one objective and one expectation missed."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable

import pytest
from sample_page import make_page

from seatrial.accept.held import Evidence
from seatrial.accept.pool import Playing, plans_of, play_one
from seatrial.exchange import Answer, Request, Response
from seatrial.redact import Secrets
from seatrial.reports.page import (
    Page,
)
from seatrial.reports.plays.form import Facts, Form
from seatrial.sample import Phase
from seatrial.scenarios.moves import Context
from seatrial.scenarios.played import Played
from seatrial.scenarios.read import read_scenario


@pytest.fixture(scope="session")
def page() -> Page:
    """A run with a MISSED objective, a fault, a failed journey and a finding of every grade."""
    return make_page()


class CannedClient:
    """Answers in order; the last answer for ever. An exception among them is raised."""

    def __init__(self, *answers: object) -> None:
        self.left = list(answers)

    def send(self, request: Request) -> Answer:
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer(request) if callable(answer) else answer


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Play a journey's text against canned answers: every play of it, one for a row."""
    monkeypatch.chdir(tmp_path)

    def play_(text: str, *answers: object, secrets: Secrets | None = None, **told: object) -> list[Played]:
        path = tmp_path / "journey.yaml"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        context = Context("test", {"api": "http://api.test"}, secrets=secrets or Secrets(), **told)
        playing = Playing(context, "check", Phase.ACCEPTANCE, evidence=Evidence.BODIES)
        client = CannedClient(*answers or (json_answer(),))
        return [play_one(plan, playing, client) for plan in plans_of([read_scenario(path)])]

    return play_


def json_answer(status: int = 200, content: object = None, *, headers=(), **fields) -> Response:
    """A canned answer; a text or bytes are sent as they are."""
    body = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else b""
    body = body or (b"" if content in (None, "") else json.dumps(content).encode())
    return Response(status, (("Content-Type", "application/json"), *headers), body, 0.0125, **fields)


@pytest.fixture(scope="session")
def answer():
    """The maker of canned answers."""
    return json_answer


@pytest.fixture(scope="session")
def written():
    """The whole text of a report of plays."""

    def written_(form: Form, plays: Iterable[Played], **facts: object) -> str:
        body = "".join(text for played in plays for text in form.add(played))
        usual = {"realm": "test", "started_at": 1_700_000_000.0, "took_s": 1.5, "planned": 9, "version": "1.2.3"}
        known = Facts(**(usual | facts))
        return form.head(known) + body + form.tail(known)

    return written_
