"""What every command needs of the terminal: pairs, files, JSON, the workspace; progress and result never mix."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from seatrial.cli.assess import run_experiment
from seatrial.cli.console import (
    as_json,
    pairs,
    require_targets,
    say,
    tell,
    typed_variables,
    workspace,
    write_file,
    write_results,
)
from seatrial.cli.judge import run_judge
from seatrial.errors import CannotRun, ExitCode, UsageError
from seatrial.reports.load.files import LoadFiles, LoadWriter


def test_progress_goes_to_stderr_and_the_result_to_stdout(capsys):
    say("working")
    tell("done")
    tell("green", style="green")
    printed = capsys.readouterr()
    assert (printed.err, printed.out) == ("working\n", "done\ngreen\n")


def test_what_steers_a_terminal_is_told_visibly(capsys):
    say("error: a.yaml:1:1: unknown key '\x1b[31mx\u202e'\n\tmore")
    assert capsys.readouterr().err == "error: a.yaml:1:1: unknown key '␛[31mx\ufffd'\n\tmore\n"


def test_pairs_keep_everything_after_the_first_equals_sign():
    assert pairs(["a=1", "b=x=y", "c="], "--var") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("word", ["a", "=1", ""])
def test_a_word_that_is_no_pair_is_quoted_with_its_option(word):
    with pytest.raises(UsageError, match=f"--var takes NAME=VALUE, not '{word}'"):
        pairs(["fine=1", word], "--var")


def test_a_dash_is_stdout(capfdbinary):
    write_file("-", b"{}\n")
    assert capfdbinary.readouterr().out == b"{}\n"


def test_a_file_that_cannot_be_written_is_named_with_the_reason(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere/out\.json: cannot be written: No such file or directory"):
        write_file(str(tmp_path / "nowhere" / "out.json"), b"")


def test_two_reports_for_one_stdout_are_refused():
    require_targets("-", None, "out.json")
    with pytest.raises(UsageError, match="two reports cannot both be written to stdout; give one a file"):
        require_targets("-", None, "-")


@pytest.mark.parametrize(("target", "why"), [("nowhere/out.json", "there is no folder"), (".", "it is a folder")])
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_done(target, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"cannot be written: {why}"):
        require_targets(target)


@pytest.mark.parametrize(
    "command",
    [
        lambda file: run_judge("last", strict=False, json_file=file),
        lambda file: run_experiment("hang", None, variables=(), json_file=file),
    ],
    ids=["judge", "chaos run"],
)
def test_a_command_that_cannot_write_its_result_does_nothing_else(command, tmp_path, monkeypatch):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no folder nowhere"):
        command("nowhere/out.json")


@pytest.mark.parametrize(
    ("code", "given"),
    [(ExitCode.MISSED, ExitCode.MISSED), (ExitCode.UNDECIDED, ExitCode.UNDECIDED), (ExitCode.MET, ExitCode.USAGE)],
)
def test_a_result_that_cannot_be_written_hides_no_miss_and_no_other_result(code, given, tmp_path, capsys):
    files = [(str(tmp_path / "gone" / "a"), lambda: b"a"), (None, lambda: b""), (str(tmp_path / "b"), lambda: b"b")]
    assert write_results(files, code) is given
    assert (tmp_path / "b").read_bytes() == b"b"
    assert "error: " in capsys.readouterr().err


def test_a_full_disk_is_no_mistake_of_the_user(monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CannotRun, match=r"^out\.json: cannot be written: No space left on device$"):
        write_file("out.json", b"a")
    assert write_results([("out.json", lambda: b"a")], ExitCode.MET) is ExitCode.COULD_NOT_RUN
    assert write_results([("out.json", lambda: b"a")], ExitCode.MISSED) is ExitCode.MISSED
    with pytest.raises(CannotRun, match=r"^/dev/full: cannot be written: No space left"):
        LoadWriter(LoadFiles(csv="/dev/full"))


def test_json_ends_with_a_newline_and_takes_numbers_as_keys():
    assert as_json({1: "a"}).endswith(b"}\n")
    assert json.loads(as_json({1: "a"})) == {"1": "a"}


def test_the_workspace_is_the_nearest_folder_upwards_with_realms(tmp_path, monkeypatch):
    inner = tmp_path / "scenarios" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(inner)
    assert workspace() == tmp_path


def test_outside_of_any_workspace_the_file_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"realms\.yaml"):
        workspace()


def test_variables_are_typed_as_in_a_document() -> None:
    words = ["price=300", "share=0.5", "on=true", "zip=012", 'code="300"', "none=", "text=a=b"]
    assert typed_variables(words) == {
        "price": 300,
        "share": 0.5,
        "on": True,
        "zip": "012",
        "code": "300",
        "none": "",
        "text": "a=b",
    }
