"""Which experiments of a workspace are meant: by name, by file, and none twice."""

from pathlib import Path

import pytest

from seatrial.chaos.read import choose_experiments, read_experiments
from seatrial.errors import DocumentError, UsageError


def one_line(inject: str) -> str:
    return f"experiment: x\nmethod:\n  - {{at: 0s, inject: {{{inject}}}}}\n"


def test_a_second_experiment_of_one_name_is_an_error(tmp_path: Path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(one_line("edge: a->b, down: {}, for: 5s"))
    with pytest.raises(DocumentError, match="a second experiment 'x'"):
        read_experiments(tmp_path)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The experiments below chaos/ of here: one in a file of its own, one in a game day."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chaos").mkdir()
    (tmp_path / "chaos" / "one.yaml").write_text(one_line("edge: a->b, down: {}, for: 5s"))
    placed = one_line("edge: a->b, down: {}, for: 5s").replace("experiment: x", "experiment: y")
    inner = "".join(f"      {line}\n" for line in placed.splitlines())
    (tmp_path / "chaos" / "day.yaml").write_text(
        f"gameday: d\nsteps:\n  - hypothesis: it holds\n    experiment:\n{inner}"
    )
    return read_experiments(tmp_path / "chaos")


def test_an_experiment_is_chosen_by_its_file_from_wherever_that_is_typed(stored, monkeypatch):
    assert [item.name for item in choose_experiments(stored, ("chaos/one.yaml", "y"))] == ["x", "y"]
    whole = str(Path("chaos/one.yaml").resolve())
    assert choose_experiments(stored, (whole,)) == choose_experiments(stored, ("x",))


def test_a_file_that_is_no_experiment_is_told_from_a_name_and_says_what_to_write(stored):
    with pytest.raises(
        UsageError, match=r"'chaos/day.yaml' is a game day; guide it: seatrial gameday chaos/day.yaml"
    ):
        choose_experiments(stored, ("chaos/day.yaml",))
    Path("elsewhere.yaml").write_text(Path("chaos/one.yaml").read_text())
    with pytest.raises(UsageError, match=r"'elsewhere.yaml' is no experiment below chaos/ .*; known: x, y"):
        choose_experiments(stored, ("elsewhere.yaml",))
