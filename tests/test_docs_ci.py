"""The pipelines of docs/ci.md: read as what they are, and their shell lines run with the real command."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from check_parts import service, workspace
from seatrial.errors import ExitCode

__all__ = ["service", "workspace"]

INSTALLS = ("pip install ", "python3 -m venv ")


@pytest.fixture(scope="module")
def blocks(root: Path):
    """The page's blocks by language, in order."""
    found = re.findall(r"```(\w+)\n(.*?)```", (root / "docs" / "ci.md").read_text(), flags=re.DOTALL)
    return {language: [text for name, text in found if name == language] for language, _ in found}


@pytest.fixture(scope="module")
def lines(blocks):
    """The shell lines of each pipeline: the gate's own first, then what always runs."""
    github, gitlab = map(yaml.safe_load, blocks["yaml"])
    steps = github["jobs"]["assess"]["steps"]
    job = gitlab["sea trial"]
    (jenkins,) = blocks["groovy"]
    return {
        "github": [step["run"] for step in steps if "run" in step],
        "gitlab": [*job["before_script"], *job["script"], *job["after_script"]],
        "jenkins": re.findall(r"sh '(.*)'", jenkins),
        "shell": list(blocks["sh"]),
    }


@dataclasses.dataclass(frozen=True)
class Ran:
    """How the assessing line ended, and what all of them printed."""

    code: int
    out: str


def _shell(text: str, here: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As a pipeline runs a line: it ends at the first command that fails, and at a variable that is not set."""
    return subprocess.run(
        ["sh", "-eu", "-c", text],
        cwd=here,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def run(workspace, tmp_path, monkeypatch):
    """Runs lines in a small workspace with a realm `staging`; those that install are left out."""
    here = workspace.path
    command = tmp_path / "bin" / "seatrial"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from seatrial.cli.main import main; main()' \"$@\"\n")
    command.chmod(0o755)
    (here / "slo").mkdir()
    (here / "slo" / "shop.yaml").write_text("service: shop\nobjectives: [{name: up, indicator: errors, limit: 5%}]\n")
    (here / "slo" / "gate.yaml").write_text("gate: default\nacceptance: {tags: [smoke]}\nat_most: 1m\n")
    shop = f"{{url: 'http://127.0.0.1:{workspace.port}', health: /ok}}"
    (here / "realms.yaml").write_text(f"realms: {{staging: {{services: {{shop: {shop}}}}}}}\n")
    monkeypatch.setenv("PATH", os.pathsep.join((str(command.parent), os.environ["PATH"])))

    def execute(texts, path="ok", **environment):
        journey = f"steps: [{{name: look, request: {{url: /{path}}}, expect: {{status: 200}}}}]"
        (here / "scenarios").mkdir(exist_ok=True)
        (here / "scenarios" / "buy.yaml").write_text(f"scenario: buy\nservice: shop\ntags: [smoke]\n{journey}\n")
        kept = [text for text in texts if not text.startswith(INSTALLS)]
        assert kept
        ended = [_shell(text, here, environment) for text in kept]
        assert all("Traceback" not in one.stderr for one in ended)
        assert [one.returncode for one in ended[1:]] == [0] * (len(ended) - 1), ended
        return Ran(ended[0].returncode, "".join(one.stdout for one in ended))

    return execute


@pytest.mark.parametrize(("path", "code"), [("ok", ExitCode.MET), ("status/503", ExitCode.MISSED)])
def test_the_lines_for_github_give_the_exit_code_annotations_and_a_summary(
    lines, run, workspace, tmp_path, path, code
):
    summary = tmp_path / "summary.md"
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(workspace.path), "GITHUB_SHA": "1a2b"}
    ran = run(lines["github"], path, GITHUB_STEP_SUMMARY=str(summary), **actions)
    assert ran.code == code
    annotated = "::error file=scenarios/buy.yaml,line=1,col=11,title=MISSED%3A buy::" in ran.out
    assert annotated is (code is ExitCode.MISSED)
    quoted = re.search(r"^::stop-commands::(\w+)\n(verdict: .*?)^::\1::$", ran.out, flags=re.MULTILINE | re.DOTALL)
    assert quoted is not None  # what a target said is no command to Actions
    assert "::error" not in quoted[2]
    assert code.name in summary.read_text()
    assert "nothing to do: no fault is left" in ran.out


def test_the_lines_for_gitlab_write_junit_and_json(lines, run, workspace):
    ran = run(lines["gitlab"], "status/503", CI_COMMIT_SHA="1a2b")
    assert ran.code == ExitCode.MISSED
    suites = {suite.get("name") for suite in ET.parse(workspace.path / "junit.xml").getroot()}
    assert "journey: buy" in suites
    assert '"grade": "MISSED"' in (workspace.path / "verdict.json").read_text()


def test_the_lines_for_jenkins_write_junit(lines, run, workspace):
    assert run(lines["jenkins"], GIT_COMMIT="1a2b").code == ExitCode.MET
    assert ET.parse(workspace.path / "junit.xml").getroot().get("failures") == "0"


def test_the_lines_for_any_shell_end_with_the_gates_own_exit_code(lines, run):
    ran = run(lines["shell"], "status/503")
    assert ran.code == ExitCode.MISSED
    assert ran.out.splitlines()[-1].startswith("MISSED: buy")


def test_every_pipeline_keeps_the_run_folder_and_ends_later_than_its_gate(blocks):
    github, gitlab = map(yaml.safe_load, blocks["yaml"])
    steps = github["jobs"]["assess"]["steps"]
    assert [step["with"]["path"] for step in steps if "artifact" in step.get("uses", "")] == ["reports/out/"]
    assert github["jobs"]["assess"]["timeout-minutes"] >= 30
    assert "reports/out" in gitlab["sea trial"]["artifacts"]["paths"]
    assert gitlab["sea trial"]["artifacts"]["reports"]["junit"] == "junit.xml"
    (jenkins,) = blocks["groovy"]
    assert jenkins.count("{") == jenkins.count("}")
    assert "archiveArtifacts artifacts: 'reports/out/**'" in jenkins


def test_every_assessing_line_names_its_realm_and_where_junit_goes(lines):
    for name in ("github", "gitlab", "jenkins"):
        (line,) = (text for text in lines[name] if "seatrial assess" in text)
        assert "--realm staging" in line
        assert "--junit junit.xml" in line
