"""What is written is true: documents are read, examples work, commands are documented."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
import typer.main
import yaml

from seatrial import __version__, documents
from seatrial.assess.plan import Asked, read_plan
from seatrial.chaos.gameday import read_gameday
from seatrial.chaos.read import read_experiments
from seatrial.cli.init import run_init
from seatrial.cli.main import app
from seatrial.runtime.read import read_realms
from seatrial.scenarios.load.profile import read_profiles
from seatrial.scenarios.read import read_scenario, read_scenarios
from seatrial.slo.gate import read_gate
from seatrial.slo.read import read_services
from seatrial.synthetic.read import read_synthetic

FOLDERS = ("scenarios", "chaos", "synthetic", "slo", "reports")
MOST_LINES_OF_A_FOLDERS_README = 15
MOST_LINES_OF_ARCHITECTURE = 150


def _commands(group, path: tuple[str, ...] = ()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    undocumented = [option.name for option in command.params if not getattr(option, "help", "")]
    assert undocumented == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_mentioned_in_the_docs(name: str, root: Path) -> None:
    pages = [root / "README.md", *(root / "docs").glob("*.md"), *(root / folder / "README.md" for folder in FOLDERS)]
    assert any(f"`seatrial {name}" in page.read_text() for page in pages)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_place_in_the_list_of_commands(name: str, root: Path) -> None:
    rows = [line.split(" | ")[0] for line in (root / "docs" / "COMMANDS.md").read_text().splitlines()]
    assert any(re.search(rf"`seatrial {name}[ `]", row) for row in rows)


def _places(root: Path) -> list[str]:
    """The files that docs/ARCHITECTURE.md names, `<kind>` and `*` standing for any name."""
    return re.findall(r"[\w./<>*-]+\.(?:py|md)\b", (root / "docs" / "ARCHITECTURE.md").read_text())


def test_every_file_that_architecture_names_exists(root: Path) -> None:
    places = _places(root)
    assert len(places) > 40
    roots = (root / "src" / "seatrial", root, root / "docs")
    patterns = {place: re.sub(r"<\w+>", "*", place) for place in places}
    assert [place for place, found in patterns.items() if not any(any(base.glob(found)) for base in roots)] == []


def _rooms(root: Path) -> dict[str, list[str]]:
    """The modules and packages named in the section of each room; `Classes` and `a b` are neither."""
    sections = (root / "docs" / "ARCHITECTURE.md").read_text().split("\n## ")
    rooms = (re.match(r"The (\w+) room\n(.*)", section, flags=re.DOTALL) for section in sections)
    return {found[1]: re.findall(r"`([a-z_]+(?:/[a-z_]+)*/?)`", found[2]) for found in rooms if found}


@pytest.mark.parametrize("room", ["scenarios", "chaos", "slo", "assess"])
def test_every_module_that_is_named_of_a_room_exists(room: str, root: Path) -> None:
    named = _rooms(root)[room]
    assert len(named) > 10
    source = root / "src" / "seatrial"
    known = {*(source / room).rglob("*"), *source.glob("*"), *source.glob("accept/*"), *source.glob("cli/*")}
    paths = {path.relative_to(source).with_suffix("").as_posix() for path in known}
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name.rstrip('/')}") for path in paths)] == []


def test_architecture_stays_two_pages(root: Path) -> None:
    assert len((root / "docs" / "ARCHITECTURE.md").read_text().splitlines()) <= MOST_LINES_OF_ARCHITECTURE


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_root_folder_has_a_short_readme(folder: str, root: Path) -> None:
    lines = (root / folder / "README.md").read_text().splitlines()
    assert 2 < len(lines) <= MOST_LINES_OF_A_FOLDERS_README


@pytest.mark.parametrize("workspace", ["root", "starter"])
def test_every_document_of_a_workspace_is_read(workspace: str, root: Path, tmp_path: Path) -> None:
    if workspace == "starter":
        run_init(tmp_path / "x")
    here = root if workspace == "root" else tmp_path / "x"
    plan = read_plan(here, Asked("demo"))
    assert plan.acceptance
    assert plan.experiments
    assert plan.profile
    scenarios = {scenario.name: scenario for scenario in read_scenarios(here / "scenarios")}
    monitors, _ = read_synthetic(here / "synthetic", scenarios=scenarios)
    assert monitors


def test_the_starters_realms_are_the_demo_banks_own(root: Path) -> None:
    starter = resources.files("seatrial") / "starter" / "realms.yaml"
    assert starter.read_text() == (root / "realms.yaml").read_text()


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


def test_the_journey_of_the_readme_is_read_whole(root: Path, tmp_path: Path) -> None:
    (journey,) = (block for block in _blocks(root / "README.md", "yaml") if block.startswith("scenario:"))
    path = tmp_path / "journey.yaml"
    path.write_text(journey)
    scenario = read_scenario(path)
    assert [step.name for step in scenario.steps] == ["open an empty account", "get a card", "nothing can be charged"]


def test_the_realm_of_the_readme_is_read_whole(root: Path, tmp_path: Path) -> None:
    (realm,) = (block for block in _blocks(root / "README.md", "yaml") if "staging:" in block)
    (tmp_path / "realms.yaml").write_text(f"realms:\n{realm}")
    assert read_realms(tmp_path)["staging"].allows.max_rate_per_s == 200.0


def test_every_yaml_in_the_docs_is_a_document(root: Path) -> None:
    for page in (root / "docs").glob("*.md"):
        for block in _blocks(page, "yaml"):
            assert yaml.safe_load(block), page
            assert documents.loads(block, str(page)).kind


def test_every_example_of_the_documents_page_is_read_by_its_room(root: Path, tmp_path: Path) -> None:
    places = {
        "scenario": "scenarios", "flow": "scenarios/flows", "profile": "scenarios/profiles", "service": "slo",
        "gate": "slo", "experiment": "chaos", "gameday": "chaos/gamedays", "monitor": "synthetic",
        "channel": "synthetic", "realms": "",
    }  # fmt: skip
    for block in _blocks(root / "docs" / "DOCUMENTS.md", "yaml"):
        kind = documents.loads(block, "page").kind
        name = "login" if kind == "flow" else kind
        folder = tmp_path / places.pop(kind)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.yaml").write_text(block)
    assert not places
    assert read_realms(tmp_path)["prod"].places["cards"].url
    scenarios = {scenario.name: scenario for scenario in read_scenarios(tmp_path / "scenarios")}
    assert set(scenarios) == {"pay with a card"}
    assert read_profiles(tmp_path / "scenarios")
    assert read_services(tmp_path / "slo")["cards"].objectives
    assert read_gate(tmp_path / "slo").experiments == ("the ledger hangs",)
    assert read_experiments(tmp_path / "chaos")
    (step,) = read_gameday(tmp_path / "chaos/gamedays/gameday.yaml").steps
    assert step.experiment == "the ledger hangs"
    assert read_synthetic(tmp_path / "synthetic", scenarios=scenarios)


def test_the_changelogs_head_is_the_version(root: Path) -> None:
    head = re.search(r"^## \[(.+?)\]", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert head
    assert head[1] == __version__


def test_every_relative_link_of_the_docs_leads_somewhere(root: Path) -> None:
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
