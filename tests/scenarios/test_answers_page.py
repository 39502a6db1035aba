"""The page on looking into answers names everything there is, and its example is read."""

from __future__ import annotations

import re

import pytest

from seatrial import match
from seatrial.scenarios.answers.query import _ATTRIBUTES, _CERTIFICATE, _PHASES
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.scenarios.read import read_scenario


@pytest.fixture
def page(root):
    return (root / "docs" / "ANSWERS.md").read_text()


@pytest.mark.parametrize(
    ("head", "names"),
    [
        ("Queries", [*QueryKind, *_ATTRIBUTES.values(), *_CERTIFICATE, *_PHASES]),
        ("Filters", [*FilterKind]),
        ("Predicates", [*match.PREDICATES, *match.TYPES, "not"]),
    ],
)
def test_everything_that_can_be_asked_is_named(page, head, names):
    section = page.split(f"## {head}\n")[1].split("\n## ")[0]
    assert [name for name in names if not re.search(rf"\b{name}\b", section)] == []


def test_example_is_read_whole(page, tmp_path):
    [example] = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    path = tmp_path / "page.yaml"
    path.write_text(example)
    [step] = read_scenario(path).steps
    assert len(step.expectations.checks) == 10
    assert [capture.name for capture in step.captures] == ["card", "page", "receipt"]
