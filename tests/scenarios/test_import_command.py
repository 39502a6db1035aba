"""`seatrial import` on the command line: where the result goes, what is refused, how it ends."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial import documents
from seatrial.cli import import_
from seatrial.cli.import_ import (
    Output,
    finish_import,
    run_import_curl,
    run_import_har,
    run_import_hurl,
    run_import_openapi,
)
from seatrial.errors import CannotRun, DocumentError, ExitCode, UsageError
from seatrial.scenarios.importers.imported import MAX_NOTES, Imported, Note, report_text
from seatrial.scenarios.read import read_scenario

LINE = "curl http://a.example.com/x -d a=1"
SAMPLES = Path(__file__).parent / "imports"


def made(*names, **more):
    steps = [{"name": "s", "request": {"url": "http://a"}}]
    contents = tuple((f"{name}.yaml", {"scenario": name, "steps": steps}) for name in names)
    return Imported("n", "source", contents, {"scenarios": len(names)}, **more)


def test_result_goes_to_stdout_and_the_report_to_stderr(capsys):
    assert run_import_curl([LINE], Output()) is ExitCode.MET
    told = capsys.readouterr()
    assert documents.loads(told.out, "out").content["scenario"] == "POST /x"
    assert told.err.startswith("imported 'POST /x' from the command line\n  converted: 1 scenario, 1 request\n")


def test_file_that_is_written_is_read_by_check(tmp_path, capsys):
    target = tmp_path / "new" / "x.yaml"
    run_import_curl([LINE], Output(target))
    assert capsys.readouterr().out == f"  {target}\n"
    assert read_scenario(target).name == "POST /x"


def test_folder_takes_every_scenario(tmp_path):
    finish_import(made("a", "b"), Output(tmp_path / "new"))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.yaml", "b.yaml"]


def test_several_scenarios_do_not_go_into_one_file(tmp_path):
    with pytest.raises(UsageError, match="is one file, and there are 2 documents; name a folder"):
        finish_import(made("a", "b"), Output(tmp_path / "x.yaml"))


def test_nothing_is_overwritten_and_nothing_is_written_beside_it(tmp_path):
    (tmp_path / "b.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"b\.yaml is already there, nothing was written; --force overwrites it"):
        finish_import(made("a", "b"), Output(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]
    finish_import(made("a", "b"), Output(tmp_path, force=True))
    assert (tmp_path / "b.yaml").read_text() != "mine"


def test_either_all_scenarios_are_written_or_none(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("mine")
    write, full = Path.write_text, OSError(28, "No space left on device")

    def fill_up(path, text, **more):
        if path.parent == tmp_path and "b.yaml" in path.name:
            write(path, text[:5], **more)
            raise full
        return write(path, text, **more)

    monkeypatch.setattr(Path, "write_text", fill_up)
    with pytest.raises(CannotRun, match=r"b\.yaml: cannot be written: No space left on device"):
        finish_import(made("a", "b"), Output(tmp_path, force=True))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.yaml", "mine")]


def test_folder_in_the_place_of_a_scenario_is_told_before_anything_is_written(tmp_path):
    (tmp_path / "b.yaml").mkdir()
    with pytest.raises(UsageError, match=r"b\.yaml is a folder, nothing was written"):
        finish_import(made("a", "b"), Output(tmp_path, force=True))
    assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]


def test_what_a_link_leads_to_is_overwritten_not_the_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.yaml").write_text("mine")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "real" / "x.yaml")
    finish_import(made("a"), Output(tmp_path / "a.yaml", force=True))
    assert (tmp_path / "a.yaml").is_symlink()
    assert read_scenario(tmp_path / "real" / "x.yaml").name == "a"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["x.yaml"]


def test_result_that_does_not_read_is_our_defect(tmp_path):
    broken = Imported("n", "s", (("x.yaml", {"scenario": "x", "steps": [{"request": {"url": "ftp://a"}}]}),), {})
    with pytest.raises(CannotRun, match=r"does not read, which is a defect of seatrial: x.yaml:4:20: 'ftp://a' is"):
        finish_import(broken, Output(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_result_that_is_too_large_says_what_to_do():
    steps = [{"name": "s", "request": {"url": "http://a", "text": "x" * 150_000}}] * 8
    with pytest.raises(UsageError, match="would be larger than 1048576 bytes; import less of it at once"):
        finish_import(Imported("n", "s", (("x.yaml", {"scenario": "x", "steps": steps}),), {}), Output())


def test_files_a_scenario_names_need_not_be_there_yet(capsys):
    assert run_import_curl(["curl http://a -F f=@sub/a.png --cacert /etc/ca.pem"], Output()) is ExitCode.MET
    assert "files to put beside the scenario: sub/a.png, ca.pem" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["curl", "http://a/x", "-H", "X-Y: a b"], "GET /x"),
        (["curl http://a/x", "curl http://a/y"], "GET /x"),
        ([str(SAMPLES / "lines.sh")], "lines"),
    ],
)
def test_lines_are_words_lines_or_files(words, name, capsys):
    run_import_curl(words, Output())
    assert documents.loads(capsys.readouterr().out, "out").content["scenario"] == name


def test_name_is_chosen(capsys):
    run_import_curl([LINE], Output(), name="my journey")
    run_import_har(str(SAMPLES / "shop.har"), Output(), name="other")
    told = capsys.readouterr().out
    assert re.findall("^scenario: (.*)$", told, flags=re.MULTILINE) == ["my journey", "other"]


@pytest.mark.parametrize("word", ["api", "api=", "=http://a", "api=ftp://a", "a b=http://a", "api=http://a:x"])
def test_service_that_is_none_is_a_word_on_the_command_line(word):
    with pytest.raises(UsageError, match="--service takes NAME=BASE_URL"):
        run_import_curl([LINE], Output(), services=[word])


def test_file_that_is_not_there_is_a_word_on_the_command_line():
    with pytest.raises(UsageError, match=r"gone.json: no such file"):
        run_import_openapi("gone.json", Output())


def test_file_that_is_no_text_is_unreadable(tmp_path):
    (tmp_path / "x.har").write_bytes(b'{"log": "\xff"}')
    with pytest.raises(DocumentError, match=r"x.har:1:1: not UTF-8 text \(byte 9\)"):
        run_import_har(str(tmp_path / "x.har"), Output())


def test_file_that_is_too_large_is_unreadable(tmp_path, monkeypatch):
    monkeypatch.setattr("seatrial.scenarios.importers.foreign.MAX_BYTES", 10)
    (tmp_path / "x.har").write_text(" " * 11)
    with pytest.raises(DocumentError, match="the file is larger than"):
        run_import_har(str(tmp_path / "x.har"), Output())


def test_stdin_that_is_no_text_is_unreadable(monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8"))
    with pytest.raises(DocumentError, match="stdin:1:1: not UTF-8 text"):
        run_import_curl([], Output())


def test_hurl_files_are_a_scenario_each_and_their_files_are_told(tmp_path, capsys):
    (tmp_path / "a.hurl").write_text("GET http://a\nPUT http://a\nfile,data/x.bin;\n")
    (tmp_path / "b.hurl").write_text('POST http://a\n{"key": "no file"}\n')
    files = [str(tmp_path / name) for name in ("a.hurl", "b.hurl")]
    assert run_import_hurl(files, Output(tmp_path / "out"), given={}) is ExitCode.MET
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.yaml", "b.yaml"]
    assert "files to put beside the scenario: data/x.bin\n" in capsys.readouterr().err


def test_reading_back_touches_no_file_elsewhere(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    with contextlib.suppress(CannotRun):
        finish_import(made("a", files=(str(elsewhere), "../x")), Output(tmp_path / "out"))
    assert not elsewhere.exists()


def test_report_ends_with_what_is_still_to_be_given():
    text = report_text(made("a", notes=(Note("there", "`x`"),), secrets=("pw",), variables=("v",), files=("f",)))
    assert text.splitlines() == [
        "imported 'n' from source",
        "  converted: 1 scenario",
        "  not converted, or in another form (1):",
        "    there: `x`",
        "  secrets are in no file; tell the realm in realms.yaml where to find them, as:",
        "    secrets:",
        "      pw: {env: PW}",
        "  files to put beside the scenario: f",
        "  variables nothing gives a value yet: add them to `vars`, or --var v=...",
    ]


def test_report_of_a_whole_import_says_so():
    assert report_text(made("a")).splitlines()[-1] == "  not converted: nothing; all of it is there"


def test_report_is_bounded():
    notes = tuple(Note("", str(number)) for number in range(MAX_NOTES + 5))
    assert report_text(made("a", notes=notes)).splitlines()[-1] == "    ... and 5 more"


def command(*words, stdin=""):
    asked = [sys.executable, "-c", "from seatrial.cli.main import main; main()", "import", *words]
    return subprocess.run(asked, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def test_command_ends_with_its_code_and_never_with_a_traceback(tmp_path):
    (tmp_path / "bad.har").write_text('{"log":')
    ended = {
        ("curl",): command("curl", stdin=LINE),
        ("curl", "x"): command("curl", "x"),
        ("har", "gone"): command("har", str(tmp_path / "gone.har")),
        ("har", "bad"): command("har", str(tmp_path / "bad.har")),
        ("har", "option"): command("har", "x", "--frobnicate"),
    }
    assert {words: done.returncode for words, done in ended.items()} == {
        ("curl",): 0,
        ("curl", "x"): 3,
        ("har", "gone"): 2,
        ("har", "bad"): 3,
        ("har", "option"): 2,
    }
    assert f"{tmp_path / 'bad.har'}:1:8: not JSON: Expecting value" in ended["har", "bad"].stderr
    assert not any("Traceback" in done.stderr for done in ended.values())


def test_importing_needs_no_workspace_and_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(import_.tempfile, "tempdir", str(tmp_path))
    run_import_curl([LINE], Output())
    assert list(tmp_path.iterdir()) == []
    capsys.readouterr()


def test_example_of_the_docs_is_what_the_command_gives(root, capsys):
    page = (root / "docs" / "importing.md").read_text()
    [line] = re.findall(r'seatrial import curl "(.*?)"\n', page)
    [shown] = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    run_import_curl([line], Output())
    assert capsys.readouterr().out.partition("\n")[2] == shown
