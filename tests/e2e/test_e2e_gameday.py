"""`seatrial gameday` on two small services: at a terminal, by a script, interrupted and killed; and its record."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from pathlib import Path

import pytest
from terminal import COMMAND, CTRL_C, ESC, PATIENCE_S, terminal

from seatrial import journal
from seatrial.assess.gameday.about import is_gameday
from seatrial.chaos.healing.ledger import LEDGER_FILE, tell_faults
from seatrial.errors import ExitCode
from seatrial.journal import Run
from seatrial.runtime.read import read_realms
from seatrial.runtime.up import down

pytestmark = pytest.mark.e2e

STEP = """\
  - experiment:
      experiment: NAME
      traffic: {profile: some}
      steady_state: {baseline: 1s, objectives: [front.available]}
      method: [{at: 0s, inject: {edge: front->back, FAULT}}]
      expect: {after: {recovered_within: 2s}}
      limits: {duration: 10m}
    hypothesis: front answers without back
    watch: {Ben: the errors of front}
"""
SLOW = """\
  - experiment:
      experiment: back is slow
      traffic: {profile: by turns}
      steady_state: {baseline: 1s, objectives: [front.available]}
      method: [{at: 0s, inject: {edge: front->back, latency: {latency: 100ms}, for: 3s}}]
      expect: {during: [{latency: front, p50_at_most: 1ms}]}
    hypothesis: front answers within a millisecond all the same
"""
# Who asks again when answered is never late, however busy the machine: nothing of a step is undecided by that.
BY_TURNS = """\
profile: by turns
model: closed
scenarios: [ask both]
stages: [{ramp_to: 8}, {hold: 10m}]
"""
HANG = STEP.replace("NAME", "back hangs").replace("FAULT", "timeout: {timeout: 0}, for: 5m")
FRONT = """\
service: front
depends_on: [back]
objectives: [{name: available, indicator: errors, limit: 30%}]
"""
HEAD = "gameday: a day\npeople: {lead: Ada, scribe: <b>Cleo</b>}\nbefore: [Is everybody told?]\nsteps:\n"
FILE = "chaos/gamedays/day.yaml"
SECRET = "a-very-secret-word"


@pytest.fixture
def day(pair: Path, _watchful, monkeypatch):
    """A workspace with a game day of these steps; whatever it has left running is stopped at the end."""
    _watchful["DAY_SECRET"] = SECRET
    realms = (pair / "realms.yaml").read_text()

    def build(*steps: str) -> Path:
        (pair / FILE).parent.mkdir()
        (pair / FILE).write_text(HEAD + "".join(steps))
        (pair / "realms.yaml").write_text(realms + "    secrets: {word: {env: DAY_SECRET}}\n")
        (pair / "slo/front.yaml").write_text(FRONT)
        (pair / "scenarios/profiles/by_turns.yaml").write_text(BY_TURNS)
        return pair

    yield build
    for realm in read_realms(pair).values():
        down(realm, pair, say=lambda _: None)


@pytest.fixture
def scripted(_watchful):
    """Plays the day with these lines on stdin, to its end."""

    def run(workspace: Path, *answers: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "gameday", FILE, *more],
            cwd=workspace,
            env=_watchful,
            input="".join(f"{line}\n" for line in answers),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


@pytest.fixture
def at_terminal(_watchful):
    """Plays the day at a terminal."""
    with contextlib.ExitStack() as stack:
        yield lambda workspace: stack.enter_context(terminal(workspace, "gameday", FILE, env=_watchful))


def day_of(workspace: Path) -> Run:
    (run,) = filter(is_gameday, journal.list_runs(workspace))
    return run


def faults_of(workspace: Path):
    return [told for ledger in (workspace / journal.OUT).glob(f"*/{LEDGER_FILE}") for told in tell_faults(ledger)]


def record_of(workspace: Path) -> str:
    return day_of(workspace).gameday.read_text()


def test_a_scripted_day_injects_what_was_given_a_go_and_records_all_that_was_said(day, scripted):
    workspace = day(SLOW, HANG)
    ended = scripted(
        workspace,
        *("the wiki is open", "go", "go", f"we used {SECRET}", "yes", "no-go", "todo: raise the limit", "done"),
    )
    assert ended.returncode == ExitCode.MISSED, ended.stderr
    assert ended.stdout.startswith("game day: MISSED: 1 of 2 steps run: 1 MISSED\n")
    (fault,) = faults_of(workspace)
    assert (fault.entry.kind, fault.over_at is None) == ("latency", False)
    record = record_of(workspace)
    assert "- Answer: go\n" in record
    assert "- Answer: no-go\n" in record
    assert "| note | the wiki is open |" in record
    assert "- [ ] raise the limit" in record
    assert "- [ ] Step 1: the team says the hypothesis held, the measured verdict is MISSED" in record
    assert "- [ ] Step 1: front.p50 at most 1 ms during was MISSED: " in record
    assert re.search(r"- Fault: latency on front-\\>back, [\d.]+ s: toxic removed", record)
    kinds = re.findall(r"^\| [\d:]{8} \| (\d?) \| (\S+) \|", record, flags=re.MULTILINE)
    assert kinds == [
        *(("", "note"), ("", "answer"), ("1", "answer"), ("1", "begun"), ("1", "fault"), ("1", "healed")),
        *(("1", "verdict"), ("1", "note"), ("1", "answer"), ("2", "answer"), ("", "end"), ("", "follow-up")),
    ]
    kept = "".join(path.read_text() for path in day_of(workspace).folder.iterdir())
    assert "we used" in kept
    assert SECRET not in kept
    assert "<b>" not in day_of(workspace).report.read_text()


@pytest.mark.parametrize("answers", [(), ("go",), ("go", "yes", "go"), ("no-go", "go"), ("go", "end", "go")])
def test_without_a_go_of_its_own_a_step_injects_nothing(day, scripted, answers):
    workspace = day(SLOW)
    ended = scripted(workspace, *answers)
    assert ended.returncode == ExitCode.UNDECIDED, ended.stderr
    assert ended.stdout.startswith("game day: UNDECIDED: 0 of 1 steps run\n")
    assert faults_of(workspace) == []
    assert "- Answer: go" not in record_of(workspace)


def test_with_yes_nobody_is_asked_and_the_record_says_so(day, scripted):
    workspace = day(SLOW)
    assert scripted(workspace, more=("--yes",)).returncode == ExitCode.MISSED
    assert len(faults_of(workspace)) == 1
    assert "--yes: every question is answered with go, and nobody is asked" in record_of(workspace)
    assert "Did the hypothesis hold" not in record_of(workspace)


def test_esc_heals_at_once_and_the_day_goes_on_with_the_notes_that_were_typed(day, at_terminal):
    workspace = day(HANG, SLOW)
    crew = at_terminal(workspace)
    crew.answer("Is everybody told?", "go")
    crew.answer("Step 1, back hangs: go?", "go")
    crew.wait_for("ON: timeout on front->back")
    crew.type("front is slow now\n")
    crew.wait_for("note> ")
    crew.type(f"half a thou{ESC}")
    crew.answer("Did the hypothesis hold", "unclear")
    (fault,) = faults_of(workspace)
    assert fault.over_at is not None
    assert fault.over_at - fault.entry.at < 60
    crew.answer("Step 2, back is slow: go?", "no-go")
    crew.answer("What follows of this?", "done")
    assert crew.wait() == ExitCode.UNDECIDED
    record = record_of(workspace)
    assert "- Halted: by the halt key; what was injected is healed" in record
    assert "halted by the halt key; what was injected is healed" in crew.text
    assert "interrupted;" not in crew.text
    assert "| 1 | note | front is slow now |" in record
    assert "| 1 | note | half a thou |" in record
    assert "- The team says it held: unclear" in record


def test_the_screen_shows_rates_errors_p95_and_what_is_on(day, at_terminal):
    workspace = day(HANG)
    crew = at_terminal(workspace)
    crew.answer("Is everybody told?", "go")
    crew.wait_for("hypothesis: front answers without back")
    crew.wait_for("first: front.available, watched for 1 s")
    crew.wait_for("breaks: 0 s to 300 s: timeout on front->back: toxic timeout")
    crew.wait_for("Ben watches the errors of front")
    crew.answer("Step 1, back hangs: go?", "go")
    crew.wait_for("Esc: HALT this step and heal at once")
    crew.wait_for("ON: timeout on front->back")
    crew.wait_for("p95")
    crew.wait_for("calls/s")
    while not re.search(r"front\s+\d+\.\d\s+0 %\s+\d+(\.\d+)? ms", crew.text):
        crew.wait_for("calls/s")  # drawn again: on a busy machine the first seconds may be long ones
    crew.type("halt\n")
    crew.answer("Did the hypothesis hold", "yes")


def test_ctrl_c_heals_and_ends_the_day_with_its_record(day, at_terminal):
    workspace = day(HANG, SLOW)
    crew = at_terminal(workspace)
    crew.answer("Is everybody told?", "go")
    crew.answer("Step 1, back hangs: go?", "go")
    crew.wait_for("ON: timeout on front->back")
    crew.type(CTRL_C)
    assert crew.wait() == ExitCode.INTERRUPTED
    (fault,) = faults_of(workspace)
    assert fault.over_at is not None
    record = record_of(workspace)
    assert "- Halted: interrupted; 1 fault(s) healed" in record
    assert "| end | interrupted; 1 fault(s) healed" in record
    assert record.count("- Answer: not come to") == 1


def test_ctrl_c_at_a_question_ends_the_day_after_a_step_that_was_halted(day, at_terminal):
    workspace = day(HANG, SLOW)
    crew = at_terminal(workspace)
    crew.answer("Is everybody told?", "go")
    crew.answer("Step 1, back hangs: go?", "go")
    crew.wait_for("ON: timeout on front->back")
    crew.type(ESC)
    crew.wait_for("Did the hypothesis hold")
    crew.type(CTRL_C)
    assert crew.wait() == ExitCode.INTERRUPTED
    assert "| end | interrupted" in record_of(workspace)


def test_a_killed_day_has_a_record_of_all_up_to_then_and_of_what_is_left(day, at_terminal, seatrial):
    workspace = day(HANG)
    crew = at_terminal(workspace)
    crew.answer("Is everybody told?", "go")
    crew.answer("Step 1, back hangs: go?", "go")
    crew.wait_for("ON: timeout on front->back")
    crew.type("just before\n")
    crew.wait_for("note> ")
    run = day_of(workspace)
    while b"just before" not in run.journal.read_bytes():
        crew.wait_for("note> ")
    crew.popen.send_signal(signal.SIGKILL)
    crew.popen.wait()
    assert not run.report.exists()
    assert seatrial(workspace, "report", run.name).code == ExitCode.UNDECIDED
    record = record_of(workspace)
    assert "not ended: it was killed, or still goes on" in record
    assert "| 1 | note | just before |" in record
    assert "timeout on front-\\>back is not known to be undone; then: seatrial chaos recover" in record
    assert seatrial(workspace, "chaos", "recover").code == ExitCode.MET
    assert seatrial(workspace, "report", run.name).code == ExitCode.UNDECIDED
    assert "not known to be undone" not in record_of(workspace)


@pytest.mark.parametrize(
    ("change", "words", "code", "sentence"),
    [
        (("back is slow", "back is slow"), ("chaos/none.yaml",), ExitCode.USAGE, "chaos/none.yaml: no such file"),
        (
            ("gameday: a day", "gamedya: a day"),
            (FILE,),
            ExitCode.UNREADABLE,
            "a game day begins with 'gameday: NAME'",
        ),
        (("    hypothesis:", "    hypotesis:"), (FILE,), ExitCode.UNREADABLE, "did you mean 'hypothesis'?"),
        (("latency: {latency", "latancy: {latency"), (FILE,), ExitCode.UNREADABLE, "did you mean 'latency'?"),
        (("      traffic: {profile: by turns}\n", ""), (FILE,), ExitCode.USAGE, "names no traffic"),
    ],
)
def test_a_mistake_is_told_before_anybody_is_asked(day, here, change, words, code, sentence):
    workspace = day(SLOW.replace(*change))
    head = (workspace / FILE).read_text().replace(*change)
    (workspace / FILE).write_text(head)
    ended = here(workspace, "gameday", *words)
    assert ended.code == code
    assert sentence in ended.sentence
    assert journal.list_runs(workspace) == ()


def test_an_unknown_experiment_is_told_at_its_place(day, here):
    workspace = day("  - {experiment: hagn, hypothesis: it holds}\n")
    ended = here(workspace, "gameday", FILE)
    assert ended.code == ExitCode.UNREADABLE
    assert f"{FILE}:5:18: unknown experiment 'hagn'; did you mean 'hang'?" in ended.sentence


def test_a_realm_that_allows_no_chaos_is_refused(day, here):
    workspace = day(SLOW)
    realms = workspace / "realms.yaml"
    realms.write_text(realms.read_text().replace(", chaos: true", ""))
    ended = here(workspace, "gameday", FILE)
    assert ended.code == ExitCode.COULD_NOT_RUN
    assert "chaos: true" in ended.sentence


def test_a_game_day_outside_of_chaos_is_refused(day, here):
    workspace = day(SLOW)
    (workspace / FILE).rename(workspace / "day.yaml")
    ended = here(workspace, "gameday", "day.yaml")
    assert ended.code == ExitCode.USAGE
    assert "move it to chaos/gamedays/" in ended.sentence


def test_an_experiment_written_in_a_game_day_is_one_of_the_workspace(day, here):
    workspace = day(SLOW)
    (workspace / "chaos/second.yaml").write_text(
        "experiment: back is slow\nmethod: [{at: 0s, inject: {edge: a->b, down: {}, for: 1s}}]\n"
    )
    ended = here(workspace, "chaos", "plan")
    assert ended.code == ExitCode.UNREADABLE
    assert f"{FILE}:6:19: a second experiment 'back is slow'; the first is at chaos/second.yaml:1" in ended.sentence
