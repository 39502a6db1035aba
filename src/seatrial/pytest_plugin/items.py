"""Scenario files as pytest sees them: which files they are, a collector for each, a test for each of its rows.

Imported when a file may be one, and cheap until it is: what reads and plays is imported by what needs it.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seatrial.pytest_plugin.trial import Trial
    from seatrial.scenarios.model import Scenario
    from seatrial.scenarios.moves import PlayResult

MARKER = "seatrial"
# As `documents` and `scenarios.read` know them, without what these import: every YAML file of a project is asked.
_WORKSPACE_FILE = "realms.yaml"
_FOLDER = "scenarios"
_DATA = "data"
_HURL = ".hurl"
_KIND = re.compile(r"""\{?\s*["']?scenario["']?\s*:""")
_REALMS = re.compile(r"""^(?:---[ ]+)?(?:\{[ ]*)?["']?realms["']?[ ]*:""", re.MULTILINE)
_HEAD_LINES = 200


def workspace_of(folder: Path) -> Path | None:
    """The nearest folder from this one upwards that holds a realms.yaml of ours; None when none does."""
    return next((above for above in (folder, *folder.parents) if _names_realms(above / _WORKSPACE_FILE)), None)


def is_scenario(file: Path, workspace: Path, *, named: bool) -> bool:
    """Whether a file of a workspace is a scenario: by its folder, unless it was named, and by its first key.

    Every `.hurl` file is one.
    """
    folders = file.relative_to(workspace).parts[:-1]
    if not named and (folders[:1] != (_FOLDER,) or _DATA in folders):
        return False
    return file.suffix == _HURL or _begins_as_scenario(file)


def marker_of(tag: str, config: pytest.Config) -> str:
    """The tag as a marker's name: `fake-customer` is `fake_customer`.

    A name that means more than a label to pytest or a plugin, since it takes arguments (`skip`, `timeout`), or to an
    expression of `-m` (`not`), gets `tag_` before it.
    """
    name = re.sub(r"\W", "_", tag)
    taken = {line.partition("(")[0].strip() for line in config.getini("markers") if "(" in line.partition(":")[0]}
    special = name in taken or keyword.iskeyword(name) or not name.isidentifier() or name.startswith("_")
    return f"tag_{name}" if special else name


class ScenarioFile(pytest.File):
    """A scenario file. What makes it unreadable is an error of collection, in one sentence."""

    def __init__(self, *, trial: Trial, **given: Any) -> None:
        super().__init__(**given)
        self.trial = trial

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each row; one when there are none."""
        from seatrial.errors import SeatrialError

        try:
            scenarios = self.trial.read(self.path)
        except SeatrialError as error:
            raise self.CollectError(str(error)) from None
        for scenario in scenarios:
            # As pytest writes parameters, so that the name without them means every row.
            name = scenario.name.replace(" [row ", "[row ", 1) if scenario.row else scenario.name
            yield ScenarioItem.from_parent(self, name=name, scenario=scenario, trial=self.trial)


class ScenarioItem(pytest.Item):
    """One play of a scenario. What keeps it from being played is an error, what it finds wrong a failure."""

    def __init__(self, *, scenario: Scenario, trial: Trial, **given: Any) -> None:
        super().__init__(**given)
        self.scenario = scenario
        self.trial = trial
        self.add_marker(MARKER)
        for tag in sorted(scenario.tags):
            self._label(marker_of(tag, self.config))
        if scenario.skip:
            self.add_marker(pytest.mark.skip(reason=scenario.skip))

    def setup(self) -> None:
        """Ask the realm, start what of it is not up, resolve its secrets: the last two once a session."""
        with self.trial.told_as_failure():
            self.trial.prepare(self.scenario)

    def runtest(self) -> None:
        """Play it."""
        with self.trial.told_as_failure():
            result = self.trial.play(self.scenario)
        self.user_properties.append(("trace_id", result.trace_id))
        text = conclude(result, self.trial, self)
        if text:
            raise ScenarioFailed(text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The text that `seatrial check` shows; of anything unforeseen what pytest shows. Redacted."""
        if isinstance(excinfo.value, ScenarioFailed):
            return str(excinfo.value)
        return self.trial.redact(str(super().repr_failure(excinfo, style)))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Its place in the file."""
        return self.path, self.scenario.where.line - 1, self.name

    def _label(self, marker: str) -> None:
        """Registered first: with --strict-markers an unknown one is refused."""
        known = {line.partition(":")[0].strip() for line in self.config.getini("markers")}
        if marker not in known:
            self.config.addinivalue_line("markers", f"{marker}: a tag of scenario files")
        self.add_marker(marker)


class ScenarioFailed(Exception):
    """A play that did not pass; its text says why, redacted."""


def conclude(result: PlayResult, trial: Trial, test: pytest.Item) -> str:
    """The text of everything that failed, empty when it passed; a play that its realm skips is a skipped test.

    What was missed without failing it becomes a section of the test's report.
    """
    if result.skipped:
        pytest.skip(result.skipped)
    for text in trial.degradations(result):
        test.add_report_section("call", "degraded", text)
    return "" if result.passed else trial.failure(result)


def _names_realms(file: Path) -> bool:
    """Whether it has the key `realms`, seen without reading the document: it may be another program's, or broken."""
    try:
        return _REALMS.search(file.read_text(encoding="utf-8-sig", errors="replace")) is not None
    except OSError:
        return False


def _begins_as_scenario(file: Path) -> bool:
    """Whether the first key is `scenario`, seen without reading the document: it may be unreadable."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for line, _ in zip(lines, range(_HEAD_LINES), strict=False):
            text = line.strip().removeprefix("---").strip()
            if text and text[0] not in "#%":
                return _KIND.match(text) is not None
    return False
