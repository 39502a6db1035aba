"""What a crew says line by line, from a pipe: each line answers the question it was written for, and can be read."""

from __future__ import annotations

import io

import pytest

from seatrial.assess.gameday.guide import DONE, END, GO, NO_GO, Question
from seatrial.cli.gameday import People
from seatrial.cli.gameday_keys import Stop
from seatrial.clock import SteadyClock

STEP = Question("Step 1: go?", (GO, NO_GO, END))
HELD = Question("Did it hold?", ("yes", "no", "unclear"))
FOLLOWS = Question("What follows?", (DONE,))


@pytest.fixture
def scripted(monkeypatch):
    """A crew that reads these lines from a pipe."""

    def crew(*lines: str) -> People:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return People(Stop(), SteadyClock())

    return crew


def masked(text: str) -> str:
    return text.replace("secret", "***")


@pytest.mark.parametrize(
    ("question", "line", "answer"),
    [
        (STEP, "n", NO_GO),
        (HELD, "n", "no"),
        (HELD, "Y", "yes"),
        (HELD, "u", "unclear"),
        (STEP, "G", GO),
        (STEP, "q", END),
        (FOLLOWS, "done", DONE),
        (STEP, "no", None),
        (STEP, "y", None),
        (HELD, "no-go", None),
    ],
)
def test_a_word_is_an_answer_only_to_a_question_that_has_it(scripted, question, line, answer):
    assert scripted(line).ask(question, note=masked) == answer


def test_a_scripts_answers_and_notes_are_shown_after_their_questions_with_secrets_masked(scripted, capsys):
    crew = scripted("the secret is out", "n", "yes", "a follow-up", "done")
    for question in (STEP, HELD, FOLLOWS):
        crew.ask(question, note=masked)
    assert capsys.readouterr().err.splitlines() == [
        "Step 1: go? [go/no-go/end]", "> the *** is out", "noted; go/no-go/end?", "> n",
        "Did it hold? [yes/no/unclear]", "> yes",
        "What follows? [done]", "> a follow-up", "noted; done?", "> done",
    ]  # fmt: skip


def test_a_word_that_answers_another_question_is_shown_with_why_it_is_none(scripted, capsys):
    assert scripted("yes").ask(STEP, note=masked) is None
    assert capsys.readouterr().err.splitlines()[1:] == ["> yes", "'yes' is no answer to this"]
