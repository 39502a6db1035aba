"""`seatrial demo up` and `down`: which realm they start, and what they refuse."""

from __future__ import annotations

import pytest

from seatrial.cli import demo
from seatrial.errors import ExitCode, UsageError


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What was started or stopped: realm and variables."""
    seen: list[tuple[object, ...]] = []

    def note(*what: object) -> ExitCode:
        seen.append(what)
        return ExitCode.MET

    monkeypatch.setattr(demo, "run_up", note)
    monkeypatch.setattr(demo, "run_down", note)
    return seen


def test_up_starts_the_realm_demo_and_with_replicas_the_realm_of_that_name(started, capsys) -> None:
    demo.run_demo_up(["5:cards", "17"], replicas=False)
    demo.run_demo_up(["32:cards"], replicas=True)
    assert started == [("demo", ["defects=5:cards,17"]), ("replicas", ["defects=32:cards"])]
    assert "stop it: seatrial demo down --replicas" in capsys.readouterr().out


def test_down_stops_the_same(started) -> None:
    demo.run_demo_down(replicas=False)
    demo.run_demo_down(replicas=True)
    assert started == [("demo",), ("replicas",)]


@pytest.fixture
def demo_run(tmp_path, monkeypatch, capsys):
    """Runs the demo in a workspace where nothing is really assessed; what it said."""
    (tmp_path / "realms.yaml").write_text("realms: {demo: {services: {}}}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "read_plan", lambda *_: None)
    monkeypatch.setattr(demo, "assess_and_tell", lambda *_: ExitCode.MISSED)

    def run() -> list[str]:
        assert demo.run_demo([], strict=False, json_file=None) is ExitCode.MISSED
        return capsys.readouterr().err.splitlines()

    return run


def test_at_its_end_it_says_what_to_do_next_as_it_can_be_typed(demo_run, tmp_path, monkeypatch):
    file = tmp_path / "chaos" / "gamedays" / "first.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("gameday: a day\n")
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", "")
    assert demo_run() == [
        "next: open the report in a browser; then",
        "  .venv/bin/seatrial chaos audit: strain every edge, and name the defects that show",
        "  .venv/bin/seatrial gameday chaos/gamedays/first.yaml: break it yourself, step by step",
    ]
    found = tmp_path / "seatrial"
    found.write_text("")
    found.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo_run()[1].startswith("  seatrial chaos audit")


def test_without_a_game_day_none_is_named(demo_run):
    assert not [line for line in demo_run() if "gameday" in line]


def test_a_defect_of_replicas_is_refused_where_there_are_none(started) -> None:
    with pytest.raises(UsageError, match="takes two ledgers to show; write seatrial demo up --replicas"):
        demo.run_demo_up(["32:cards"], replicas=False)
    assert started == []


def test_an_unknown_defect_is_refused_before_anything_starts(started) -> None:
    with pytest.raises(UsageError, match="unknown defect 'nonsense'"):
        demo.run_demo_up(["nonsense"], replicas=False)
    assert started == []
