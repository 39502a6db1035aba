"""The README's tour on the demo bank: what it says a user will see is what they see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, root: Path, seatrial):
    """A project as `init` writes it, with the README's journey, and the bank up."""
    folder = tmp_path_factory.mktemp("readme") / "trial"
    assert seatrial(folder.parent, "init", "trial").code == 0
    blocks = re.findall(r"```yaml\n(.*?)```", (root / "README.md").read_text(), flags=re.DOTALL)
    (journey,) = (block for block in blocks if block.startswith("scenario:"))
    (folder / "scenarios" / "look.yaml").write_text(journey)
    assert seatrial(folder, "demo", "up").code == 0
    yield folder
    assert seatrial(folder, "demo", "down").code == 0


def test_the_journey_of_the_readme_passes_on_the_bank(project: Path, seatrial) -> None:
    done = seatrial(project, "check", "scenarios/look.yaml", "-v")
    assert done.code == 0, done
    assert "nothing can be charged" in done.out


def test_the_journeys_of_the_starter_pass_on_the_bank(project: Path, seatrial) -> None:
    done = seatrial(project, "check", "scenarios/pay_with_a_card.yaml", "scenarios/look_around.yaml")
    assert done.code == 0, done


def test_a_changed_status_is_told_with_place_actual_expected_and_a_curl_line(project: Path, seatrial) -> None:
    journey = project / "scenarios" / "look.yaml"
    kept = journey.read_text()
    journey.write_text(kept.replace("status: 402", "status: 201"))
    done = seatrial(project, "check", "scenarios/look.yaml")
    journey.write_text(kept)
    assert done.code == 1
    line = next(number for number, text in enumerate(kept.splitlines(), 1) if "status: 402" in text)
    for text in (
        f"scenarios/look.yaml:{line}:",
        "actual:   integer <402>",
        "expected: ",
        "<201>",
        "card_id",
        "curl ",
    ):
        assert text in done.out, text


def test_a_plan_names_its_targets_and_touches_nothing(project: Path, seatrial) -> None:
    done = seatrial(project, "chaos", "plan")
    assert done.code == 0, done
    assert "cards->ledger" in done.out
    assert seatrial(project, "check", "scenarios/look.yaml").code == 0


def test_one_round_of_the_monitor_is_told_and_kept(project: Path, seatrial) -> None:
    done = seatrial(project, "watch", "--once")
    assert done.code == 0, done
    assert "payments" in done.out
    assert (project / ".seatrial" / "history.db").is_file()
