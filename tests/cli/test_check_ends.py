"""`seatrial check`: reports that cannot be written, Ctrl-C, terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import jsonschema
import pytest

from seatrial.reports.plays.formats import FORMATS
from seatrial.reports.plays.json import check_schema

OK = "- {name: look, request: {url: /ok}, expect: {status: 200}}"


BAD = "- {name: look, request: {url: /status/500}, expect: {status: 200}}"


COMMAND = [sys.executable, "-c", "from seatrial.cli.main import main; main()", "check"]


class TestFiles:
    def test_every_report_at_once(self, workspace, check):
        workspace.journey("a", OK)
        workspace.journey("b", BAD)
        ended = check(*(word for name in FORMATS for word in (f"--{name}", f"out.{name}")))
        assert ended.code == 1
        assert all((workspace.path / f"out.{name}").stat().st_size for name in FORMATS)
        document = json.loads(workspace.file("out.json"))
        jsonschema.Draft202012Validator(check_schema()).validate(document)
        (text,) = document["journeys"][1]["failures"]
        assert text in ended.out
        assert text in workspace.file("out.markdown")

    def test_two_reports_on_stdout_are_refused(self, workspace, check, service):
        workspace.journey("a", OK)
        ended = check("--json", "-", "--tap", "-")
        assert ended.code == 2
        assert "cannot both be written to stdout" in ended.err
        assert not service.asked

    def test_two_reports_in_one_file_are_refused(self, workspace, check):
        workspace.journey("a", OK)
        ended = check("--json", "out", "--tap", "./out")
        assert ended.code == 2
        assert "cannot both be written to" in ended.err

    def test_a_report_that_cannot_be_written_is_known_before_anything_is_sent(self, workspace, check, service):
        workspace.journey("a", OK)
        ended = check("--json", "missing/out.json")
        assert ended.code == 2
        assert ended.err == "error: missing/out.json: cannot be written: No such file or directory\n"
        assert not service.asked

    def test_one_that_cannot_be_written_leaves_no_other_behind(self, workspace, check):
        workspace.journey("a", OK)
        check("--tap", "out.tap", "--json", "missing/out.json")
        assert sorted(path.name for path in workspace.path.iterdir()) == ["realms.yaml", "scenarios"]

    @pytest.mark.parametrize("name", FORMATS)
    def test_a_report_on_stdout_is_alone_there(self, workspace, check, name):
        workspace.journey("a", OK)
        check(f"--{name}", "out")
        ended = check(f"--{name}", "-")
        assert ended.code == 0
        assert len(ended.out) > 20
        assert "PASSED   a" in ended.err
        assert "PASSED   a" not in ended.out

    def test_nothing_is_written_when_no_service_is_there(self, workspace, check):
        (workspace.path / "realms.yaml").write_text("realms: {test: {services: {api: 'http://127.0.0.1:1'}}}\n")
        workspace.journey("a", OK)
        assert check("--json", "out.json").code == 4
        assert not (workspace.path / "out.json").exists()


class TestInterrupted:
    @pytest.mark.parametrize("jobs", ["1", "4"])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_ends_at_once_and_its_reports_hold_what_was_played(self, workspace, service, jobs, number):
        workspace.journey("a", OK)
        workspace.journey("b", "- {request: {url: /hang}, timeout: 60s, expect: {status: 200}}")
        workspace.journey("c", "- {request: {url: /hang}, timeout: 60s, expect: {status: 200}}")
        words = [word for name in FORMATS for word in (f"--{name}", f"out.{name}")]
        running = subprocess.Popen(
            [*COMMAND, "--jobs", jobs, *words],
            cwd=workspace.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            told = running.stdout.readline()
            assert service.hanging.wait(20)
            running.send_signal(number)
            out, err = running.communicate(timeout=45)  # /hang is given up after 60 s
        finally:
            running.kill()
        assert running.returncode == 130, err
        assert "Traceback" not in err
        assert told.startswith("PASSED   a")
        # Of what was cut short before a step of it was over nothing is known: it is not played, and failed nothing.
        assert out.splitlines()[-1].startswith("1 journey: 1 passed, 0 failed, 2 not played")
        document = json.loads(workspace.file("out.json"))
        jsonschema.Draft202012Validator(check_schema()).validate(document)
        assert (document["close"], document["exit_code"]) == ("interrupted", 130)
        assert len(document["journeys"]) == 1
        assert "Bail out!" in workspace.file("out.tap")
        assert workspace.file("out.html").rstrip().endswith("</html>")
        assert not list(workspace.path.glob("*.part")) + list(workspace.path.glob(".*.part"))

    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_what_was_made_is_taken_down_and_what_had_ended_is_kept(self, workspace, service, jobs):
        workspace.journey(
            "a",
            "- {request: {url: /token/a}, capture: {token: {jsonpath: $.token}}}\n"
            "- {request: {url: /meet/3}, retry: {max: 900, interval: 20ms}, timeout: 200ms, expect: {status: 201}}",
            head="teardown: [{request: {url: '/ok/{{ token }}'}}]\n",
        )
        workspace.journey("b", OK)
        workspace.journey("c", "- {request: {url: /hang}, timeout: 60s, expect: {status: 200}}")
        running = subprocess.Popen(
            [*COMMAND, "--jobs", jobs, "--json", "out.json"],
            cwd=workspace.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            assert jobs == "1" or service.hanging.wait(20)  # c begins when b is over
            deadline = time.monotonic() + 20
            while not service.asked["/meet/3"]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
        assert running.returncode == 130, err
        assert service.asked["/ok/token-a-1"] == 1, out
        told = {one["scenario"]: one["passed"] for one in json.loads(workspace.file("out.json"))["journeys"]}
        assert told == ({"a": False, "b": True} if jobs == "2" else {"a": False})


class TestTerminal:
    def run(self, workspace, *words, stdout=None, stderr=None, **environment):
        """What the command prints to the terminal its streams are, but those that are given."""
        master, slave = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
        running = subprocess.Popen(
            [*COMMAND, *words],
            cwd=workspace.path,
            stdout=stdout or slave,
            stderr=stderr or slave,
            stdin=subprocess.DEVNULL,
            env={**kept, "TERM": "xterm", "COLUMNS": "80", **environment},
        )
        os.close(slave)
        parts = []

        def read():
            try:
                while part := os.read(master, 4096):
                    parts.append(part)
            except OSError:
                pass  # the terminal is gone with its last writer

        reader = threading.Thread(target=read)
        reader.start()
        running.wait(60)
        reader.join()
        os.close(master)
        return b"".join(parts).decode()

    def test_one_line_is_live_and_gone_at_the_end(self, workspace):
        workspace.journey("a", OK)
        workspace.journey("b", BAD)
        text = self.run(workspace)
        assert "\r\x1b[2K0/2 played" in text
        assert re.search(r"\x1b\[[0-9;]*32m.*PASSED", text)
        assert re.search(r"\x1b\[[0-9;]*31m.*FAILED", text)
        assert text.endswith("\r\n")

    def test_no_colour_is_no_colour(self, workspace):
        workspace.journey("a", BAD)
        text = self.run(workspace, NO_COLOR="1")
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)
        assert "FAILED   a" in text

    def test_a_dumb_terminal_gets_lines(self, workspace):
        workspace.journey("a", OK)
        text = self.run(workspace, TERM="dumb")
        assert "\x1b" not in text
        assert "[1/1] a\r\n" in text

    def test_secrets_are_shown_there_when_that_is_asked_for_and_in_no_report(self, workspace):
        workspace.journey("a", '- {request: {url: "/status/500?p={{ secrets.password }}"}, expect: {status: 200}}')
        text = self.run(workspace, "--show-secrets", "--json", "out.json")
        assert "correct%20horse" in text
        assert "correct%20horse" not in workspace.file("out.json")
        assert "correct%20horse" not in self.run(workspace)

    @pytest.mark.parametrize("words", [(), ("--json", "-")])
    def test_secrets_are_shown_to_no_file_that_is_stderr(self, workspace, service, words):
        workspace.journey("a", BAD)
        with (workspace.path / "err.log").open("wb") as file:
            self.run(workspace, "--show-secrets", *words, stderr=file)
        assert "--show-secrets needs a terminal" in workspace.file("err.log")
        assert not service.asked

    def test_a_report_on_stdout_is_masked_while_the_terminal_shows_secrets(self, workspace):
        workspace.journey("a", '- {request: {url: "/status/500?p={{ secrets.password }}"}, expect: {status: 200}}')
        with (workspace.path / "out.json").open("wb") as file:
            text = self.run(workspace, "--show-secrets", "--json", "-", stdout=file)
        assert "correct%20horse" in text
        assert "***(password)" in workspace.file("out.json")
        assert "correct%20horse" not in workspace.file("out.json")
