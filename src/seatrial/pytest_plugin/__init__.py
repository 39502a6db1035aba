"""The pytest plugin: scenario files are tests, one for each row, and `play` plays one within a test of your own.

Registered under pytest's entry points, so every pytest run of an environment with seatrial imports this module: it
must import nothing but pytest, and what has no scenarios must not notice it. Scenarios are collected below the folder
`scenarios/` of a workspace, and where the command line names one; the rest of the package is imported then. Sits
beside `cli` and imports nothing of it; public pytest API only. PYTEST_DONT_REWRITE: it asserts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from seatrial.pytest_plugin.trial import Trial, Trials
    from seatrial.realm import Realm
    from seatrial.scenarios.moves import PlayResult

SUFFIXES = frozenset({".yaml", ".yml", ".hurl"})
MARKER = "seatrial"
_TRIALS = pytest.StashKey["Trials"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a name that no other plugin has: locust's takes `--host`."""
    group = parser.getgroup("seatrial", "seatrial: scenario files as tests")
    group.addoption(
        "--seatrial-realm",
        metavar="REALM",
        help="the realm to play in; else SEATRIAL_REALM, the ini file's seatrial_realm, the default of realms.yaml",
    )
    group.addoption(
        "--seatrial-var",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a variable of the scenarios, over the realm's own; repeat",
    )
    parser.addini("seatrial", "whether scenario files of seatrial are collected as tests", type="bool", default=True)
    parser.addini("seatrial_realm", "the realm that scenarios are played in", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse at once what cannot be a variable."""
    for word in config.getoption("--seatrial-var"):
        name, sign, _ = word.partition("=")
        if not (name and sign):
            raise pytest.UsageError(f"--seatrial-var takes NAME=VALUE, not '{word}'")
    config.addinivalue_line("markers", f"{MARKER}: a scenario file of seatrial")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A collector for a scenario file of a workspace; None for every other file."""
    if file_path.suffix not in SUFFIXES or not parent.config.getini("seatrial"):
        return None
    from seatrial.pytest_plugin import items

    named = parent.session.isinitpath(file_path)
    workspace = items.workspace_of(file_path.parent)
    if workspace is None or not items.is_scenario(file_path, workspace, named=named):
        return None
    return items.ScenarioFile.from_parent(parent, path=file_path, trial=_trials(parent.config).of(workspace))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed, logged, recorded or failed with shows no secret once scenarios were played."""
    report = yield
    if _TRIALS in item.config.stash:
        trials = item.config.stash[_TRIALS]
        report.sections = [(title, trials.redact(content)) for title, content in report.sections]
        report.user_properties = [(name, _masked(value, trials.redact)) for name, value in report.user_properties]
        report.longrepr = _masked(report.longrepr, trials.redact)
        if hasattr(report, "wasxfail"):
            report.wasxfail = trials.redact(report.wasxfail)
        if report.when == "teardown":
            trials.give_back()
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what was started, unless another process still uses it (xdist's workers share a realm)."""
    if _TRIALS in session.config.stash:
        session.config.stash[_TRIALS].close()


@pytest.fixture(scope="session")
def seatrial_realm(pytestconfig: pytest.Config) -> Realm:
    """The realm that scenarios are played in: of the workspace pytest was started in, or else of its rootdir."""
    trial = _trial_here(pytestconfig)
    with trial.told_as_failure():
        return trial.realm


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Callable[..., PlayResult]:
    """Play a scenario once: `play(NAME_OR_PATH, **variables)` gives its result, and fails the test as it fails.

    A path is that of a file in the workspace. One row of several is meant by its whole name.
    """
    trial = _trial_here(request.config)

    def play_(path_or_name: str | Path, /, **variables: Any) -> PlayResult:
        from seatrial.pytest_plugin.items import conclude

        with trial.told_as_failure():
            scenario = trial.find(path_or_name)
            trial.prepare(scenario)
            result = trial.play(scenario, variables)
        text = conclude(result, trial, request.node)
        if text:
            pytest.fail(text, pytrace=False)
        return result

    return play_


def _masked(told: Any, redact: Callable[[str], str]) -> Any:
    """As it is when it tells no secret, else its text; of the place and reason of a skip, both stay apart."""
    if isinstance(told, tuple):
        return tuple(_masked(part, redact) for part in told)
    crash = getattr(told, "reprcrash", None)
    text = str(told)
    shown = redact(text)
    return told if shown == text and (crash is None or redact(crash.message) == crash.message) else shown


def _trials(config: pytest.Config) -> Trials:
    """What this session holds of its workspaces, made when the first is met."""
    if _TRIALS not in config.stash:
        from seatrial.pytest_plugin.trial import Trials

        words = tuple(config.getoption("--seatrial-var"))
        config.stash[_TRIALS] = Trials(config.getoption("--seatrial-realm"), config.getini("seatrial_realm"), words)
    return config.stash[_TRIALS]


def _trial_here(config: pytest.Config) -> Trial:
    from seatrial.pytest_plugin.items import workspace_of

    folders = (config.invocation_params.dir, config.rootpath)
    found = next(filter(None, map(workspace_of, folders)), None)
    if found is None:
        pytest.fail(
            f"no realms.yaml in {folders[0]} or above; start pytest in a workspace",
            pytrace=False,
        )
    return _trials(config).of(found)
