"""The page about the plugin is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

pytest_plugins = "pytester"


def _blocks(root: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (root / "docs/PYTEST.md").read_text(), flags=re.DOTALL)


def test_its_scenario_and_its_test_pass(workspace, run, root: Path) -> None:
    [scenario], [test] = _blocks(root, "yaml"), _blocks(root, "python")
    workspace({"scenarios/look.yaml": scenario}, tests=test)
    run("--seatrial-var", "n=3").assert_outcomes(passed=3)


def test_its_commands_choose_what_they_say(workspace, run, root: Path) -> None:
    [scenario] = _blocks(root, "yaml")
    workspace({"scenarios/look.yaml": scenario})
    chosen = {}
    for line in _blocks(root, "sh")[0].splitlines():
        words = shlex.split(line.replace("staging", "here"), comments=True)[1:]
        if "-n" not in words:
            chosen[line] = run(*words, "--seatrial-var", "n=3").parseoutcomes()["passed"]
    assert list(chosen.values()) == [2, 2, 1, 2]
