"""Whatever ends a command: one sentence, a documented exit code, and never the code of a verdict by accident."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from seatrial.cli import main as commands
from seatrial.cli.main import main
from seatrial.errors import ExitCode, Interrupted, LoadFailed

COMMAND = "from seatrial.cli.main import main; main()"


@pytest.fixture
def ended(monkeypatch, capfd):
    """How `seatrial runs list` ends when that raises; its exit code and what it said."""

    def run(error):
        def fails(json_file):
            raise error

        monkeypatch.setattr("seatrial.cli.runs.run_list", fails)
        monkeypatch.setattr(sys, "argv", ["seatrial", "runs", "list"])
        with pytest.raises(SystemExit) as ending:
            main()
        return ending.value.code, capfd.readouterr().err

    return run


def test_a_defect_is_one_sentence_and_could_not_be_run(ended, monkeypatch):
    monkeypatch.delenv(commands.TRACEBACK, raising=False)
    code, said = ended(KeyError("grade"))
    assert code == ExitCode.COULD_NOT_RUN
    assert said == (
        "seatrial failed: KeyError: 'grade'; this is a defect of seatrial (SEATRIAL_TRACEBACK=1 shows where)\n"
    )


def test_a_defect_shows_where_when_it_is_asked_to(ended, monkeypatch):
    monkeypatch.setenv(commands.TRACEBACK, "1")
    code, said = ended(KeyError("grade"))
    assert code == ExitCode.COULD_NOT_RUN
    assert "Traceback" in said
    assert "in fails" in said


def test_what_the_system_refuses_is_no_defect(ended):
    code, said = ended(OSError(errno.ENOSPC, "No space left on device", "report.html"))
    assert code == ExitCode.COULD_NOT_RUN
    assert said.startswith("seatrial failed: OSError: [Errno 28] No space left on device: 'report.html'; (")
    assert "defect" not in said


def test_a_broken_pipe_of_anything_is_no_verdict(ended):
    code, said = ended(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert code == ExitCode.COULD_NOT_RUN
    assert said.startswith("seatrial failed: BrokenPipeError")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (LoadFailed("it died"), ExitCode.COULD_NOT_RUN, "error: it died\n"),
        (Interrupted("all is healed"), ExitCode.INTERRUPTED, "all is healed\n"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_foreseen_ends_as_documented(error, code, said, ended):
    assert ended(error) == (code, said)


@pytest.mark.parametrize("words", [["runs", "list"], ["--version"], ["--help"]], ids=" ".join)
def test_a_reader_that_left_changes_no_exit_code(words, tmp_path):
    (tmp_path / "realms.yaml").write_text("realms: {here: {services: {shop: 'http://127.0.0.1:1'}}}\n")
    runs = tmp_path / "reports" / "out" / "20260101-000000-here-0000"
    runs.mkdir(parents=True)
    (runs / "run.json").write_text("{}")
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command.stdout.close()
    with command:
        assert command.stderr.read() == ""
    assert command.returncode == ExitCode.MET


def test_a_terminal_that_lacks_a_character_is_shown_its_escape(tmp_path):
    (tmp_path / "realms.yaml").write_text('realms: {test: {services: {api: "http://127.0.0.1:1"}}}\n')
    (tmp_path / "s.yaml").write_text("scenario: café\nservice: api\nsteps: [{request: {url: /}}]\n")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", COMMAND, "check", "--list", "s.yaml"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"caf\\xe9  s.yaml\n", b"")


def test_a_file_that_is_not_there_is_answered_with_the_near_one(tmp_path, monkeypatch, capfd):
    (tmp_path / "realms.yaml").write_text("realms: {here: {services: {shop: 'http://127.0.0.1:1'}}}\n")
    (tmp_path / "buy_a_rope.yaml").write_text("scenario: buy\nservice: shop\nsteps: []\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["seatrial", "check", "buy_rope.yaml"])
    with pytest.raises(SystemExit) as ending:
        main()
    said = "error: buy_rope.yaml: no such file or folder; did you mean 'buy_a_rope.yaml'?\n"
    assert (ending.value.code, capfd.readouterr().err) == (ExitCode.USAGE, said)
