"""docs/resilience-defects.md is true: its names are the audit's and the bank's, its commands are read."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer.main

from seatrial.chaos.audit.battery import STANDARD, strains
from seatrial.chaos.audit.families import DEFECTS, FAMILIES
from seatrial.chaos.audit.model import Family
from seatrial.chaos.audit.signatures import SIGNATURES
from seatrial.cli.main import app
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import HEALTH_TOO_DEEP, KNOWN, STICKY_FALLBACK, WRONG_FALLBACK
from seatrial.errors import UsageError
from seatrial.runtime.read import read_realms
from seatrial.slo.read import read_services

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "resilience-defects.md").read_text()
UNTRIED = 27
OTHER_FORMS = {WRONG_FALLBACK.name: 24, STICKY_FALLBACK.name: 24, HEALTH_TOO_DEEP.name: 28}
"""The bank's switches without a number of their own, and whose form they are."""
HEAD = re.compile(
    r"Switch(?:es)? (?P<switches>.+) · shows as (?P<shown>.+) · severity (?P<severity>.+) · faults? (?P<faults>.+)"
)
QUOTED = re.compile(r"`([^`]+)`")


def sections() -> dict[int, tuple[str, str]]:
    """Each defect's heading without its number, and what stands below it, as far as the next heading."""
    parts = re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]
    found = (re.fullmatch(r"(\d+) (.+?)\n(.*)", part, flags=re.DOTALL) for part in parts)
    return {int(match[1]): (match[2], match[3]) for match in found if match}


SECTIONS = sections()


def of(number: int) -> list[Family]:
    return [family for family in FAMILIES if number in family.numbers]


def head(number: int) -> re.Match[str]:
    found = HEAD.search(SECTIONS[number][1])
    assert found, f"no head line in the section of {number}"
    return found


def commands() -> list[tuple[int, str, str]]:
    """Each command with the defect it stands at, and the line it is shown with."""
    return [
        (number, command, shown)
        for number, (_, text) in SECTIONS.items()
        for command, shown in re.findall(r"^\$ (seatrial .+)\n(.+)$", text, flags=re.MULTILINE)
    ]


def only_of(command: str) -> list[str]:
    words = shlex.split(command)
    return [value for word, value in itertools.pairwise(words) if word == "--only"]


def with_both_ledgers(folder: Path) -> Path:
    """The service documents as the page says for the realm with two of them."""
    (told,) = re.findall(r"`(depends_on: .+)` in `slo/cards.yaml`", PAGE)
    documents = Path(shutil.copytree(ROOT / "slo", folder / "slo"))
    cards = documents / "cards.yaml"
    cards.write_text(re.sub(r"^depends_on: .+$", told, cards.read_text(), flags=re.MULTILINE))
    (documents / "ledger2.yaml").write_text("service: ledger2\nowner: books-team\ntier: 1\n")
    return documents


def test_every_defect_of_the_audit_has_its_section_by_its_name():
    assert {number: name for number, (name, _) in SECTIONS.items()} == DEFECTS


def test_the_table_at_the_top_leads_to_each_section_under_its_group():
    rows = re.findall(r"^\| ([a-z ]+) \| (\[\d+\].+) \|$", PAGE, flags=re.MULTILINE)
    told = {group: re.findall(r"\[(\d+)\]\(#([\w-]+)\)", links) for group, links in rows}
    groups = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert told == {
        group.split("\n", 1)[0].lower(): [
            (number, re.sub(r"[^\w -]", "", f"{number} {name}".lower()).replace(" ", "-"))
            for number, name in re.findall(r"^### (\d+) (.+)$", group, flags=re.MULTILINE)
        ]
        for group in groups
    }


@pytest.mark.parametrize("number", DEFECTS)
def test_the_switches_of_a_section_are_the_banks(number: int):
    own = [kind.name for kind in KNOWN if kind.number == number or OTHER_FORMS.get(kind.name) == number]
    assert QUOTED.findall(head(number)["switches"]) == own


@pytest.mark.parametrize("number", sorted(set(DEFECTS) - {UNTRIED}))
def test_family_severity_and_fault_of_a_section_are_the_audits(number: int):
    kinds = {str(item.kind) for item in SIGNATURES if number in item.family.numbers and item.kind in STANDARD}
    assert set(head(number)["shown"].split(", ")) == {family.number_text for family in of(number)}
    assert set(head(number)["severity"].split(", ")) == {family.severity.word for family in of(number)}
    assert set(QUOTED.findall(head(number)["faults"])) == kinds


@pytest.mark.parametrize(
    "part", ["**What users feel.**", "**Looks like it.**", "**Mend.**", "$ seatrial chaos audit"]
)
def test_every_section_has_every_part(part: str):
    assert [number for number, (_, text) in SECTIONS.items() if part not in text] == []


@pytest.mark.parametrize("command", [command for _, command, _ in commands()], ids=lambda value: str(value)[:50])
def test_every_command_is_one_the_program_reads_for_a_realm_that_is_there(command: str):
    _, *words = shlex.split(command)
    asked = typer.main.get_command(app)
    while hasattr(asked, "commands"):
        asked = asked.commands[words.pop(0)]
    assert asked.make_context("audit", words).params["realm"] in read_realms(ROOT)


@pytest.mark.parametrize(
    ("number", "command", "shown"),
    [item for item in commands() if item[0] != UNTRIED],
    ids=lambda value: str(value)[:50],
)
def test_a_command_switches_its_defect_on_and_strains_where_it_was_seen(
    number: int, command: str, shown: str, tmp_path: Path
):
    (switched,) = parse_defects(re.findall(r"defects=(\S+)", command))
    assert switched.kind.number == number or OTHER_FORMS.get(switched.kind.name) == number
    services = read_services(with_both_ledgers(tmp_path) if "--realm replicas" in command else ROOT / "slo")
    tried = {f"{strain.kind} on {strain.edge}" for strain in strains(services, only_of(command))}
    seen = re.fullmatch(r"seen: (\S+ on \S+): .+", shown)
    assert seen, shown
    assert seen[1] in tried
    assert switched.service is not None
    assert f" on {switched.service}->" in shown


def test_what_no_audit_tries_is_refused_in_the_words_of_the_page():
    ((_, command, shown),) = (item for item in commands() if item[0] == UNTRIED)
    with pytest.raises(UsageError) as refused:
        strains(read_services(ROOT / "slo"), only_of(command))
    assert shown == f"error: {refused.value}"
