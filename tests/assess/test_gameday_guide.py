"""What a game day asks and says when nothing of it is run: who answers is made up, the realm is one bare server."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from misbehaving import Server, says
from seatrial.assess.gameday import guide
from seatrial.assess.gameday.guide import END, GO, NO_GO, Underway, hold_day
from seatrial.assess.gameday.plan import gameday_plan
from seatrial.assess.gameday.record import read_day
from seatrial.assess.headroom import Headroom
from seatrial.assess.plan import Asked
from seatrial.clock import SystemClock
from seatrial.verdict import Grade, Verdict

DAY = """\
gameday: a day
before: [Is everybody told?]
steps:
  - {experiment: stock hangs, hypothesis: the shop sells on}
  - {experiment: stock hangs, hypothesis: the shop sells on when it is tired}
"""
QUIET = Underway(lambda text: None, lambda moment: None, lambda: False)
ROOMY, BUSY = Headroom(1.5, 2, 0.0004), Headroom(0.1, 2, 0.0004)


class Answering:
    """A crew with its answers ready, until they are used up; `heard` is all that it was told and asked."""

    absent = ""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.heard: list[str] = []

    def say(self, text):
        self.heard.append(text)

    def ask(self, question, *, note):
        self.heard.append(question.text)
        return self._answers.pop(0) if self._answers else None

    def underway(self, planned, *, note):
        raise AssertionError("nothing is run here")

    def tell(self, verdict):
        raise AssertionError("nothing is run here")


@pytest.fixture
def held(workspace: Path, monkeypatch):
    """Holds the day with those answers on a machine with that much room: the crew, and the page of its record."""
    with Server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as shop:
        realms = workspace / "realms.yaml"
        realms.write_text(realms.read_text().replace("http://127.0.0.1:1", shop.url.rstrip("/")))
        file = workspace / "chaos/gamedays/day.yaml"
        file.parent.mkdir()
        file.write_text(DAY)
        monkeypatch.setattr(guide, "sights", lambda planned: ["timeout on shop->stock"])

        def hold(*answers: str, room: Headroom = ROOMY):
            monkeypatch.setattr(guide, "measure_headroom", lambda: room)
            crew = Answering(*answers)
            day = hold_day(gameday_plan(workspace, file, Asked()), clock=SystemClock(), crew=crew)
            return crew, read_day(day.run)

        yield hold


@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ((GO, NO_GO, NO_GO), "no-go for steps 1, 2"),
        ((GO, NO_GO, END), "ended before step 2"),
        ((GO, END), "ended before step 1"),
        ((GO, NO_GO), "ended before step 2"),
        ((NO_GO,), "ended before the first step"),
        ((), "ended before the first step"),
    ],
)
def test_the_end_of_a_day_names_the_steps_that_a_no_go_or_an_end_left_out(held, answers, ended):
    _, page = held(*answers)
    assert page.ended == ended


def test_a_day_whose_steps_were_all_run_says_so(held, monkeypatch):
    verdict = Verdict(Grade.MET, 100.0, (), "all are MET")
    monkeypatch.setattr(guide, "assess", lambda *_, **__: SimpleNamespace(verdict=verdict, interrupted=""))
    monkeypatch.setattr(Answering, "underway", lambda *_, **__: nullcontext(QUIET))
    monkeypatch.setattr(Answering, "tell", lambda crew, verdict: crew.heard.append(verdict.reason))
    crew, page = held(GO, GO, "yes", GO, "yes")
    assert page.ended == "every step was run"
    assert crew.heard.count("all are MET") == 2


def test_what_nobody_answers_is_said_to_be_taken_for_what_it_does(held):
    crew, page = held(GO)
    assert "no answer: taken as end" in crew.heard
    assert page.steps[0].go == "no answer: taken as end"
    crew, _ = held()
    assert "no answer: taken as no-go" in crew.heard


def test_a_machine_without_room_for_the_generator_is_warned_of_before_anybody_is_asked(held):
    crew, _ = held(NO_GO, room=BUSY)
    (warning,) = (text for text in crew.heard if text.startswith("warning: "))
    assert "only 0.1 of 2 cores are free" in warning
    assert "UNDECIDED" in warning
    assert crew.heard.index(warning) < crew.heard.index("Is everybody told?")


def test_a_machine_with_room_is_not_warned_of(held):
    crew, _ = held(NO_GO)
    assert not [text for text in crew.heard if "warning" in text]
