"""What `assess --canary --share` is given reaches the assessment; what is wrong in it ends the command at once."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from seatrial.cli import assess as command
from seatrial.cli.main import app
from seatrial.errors import ExitCode, Refused, UsageError
from seatrial.scenarios.load.order import Canary

FILES = {
    "realms.yaml": "realms: {here: {services: {shop: 'http://127.0.0.1:1'}, allows: {load: {max_rate: 100/s}}}}\n",
    "scenarios/buy.yaml": "scenario: buy\nservice: shop\nsteps: [{name: look, request: {url: /goods}}]\n",
    "scenarios/profiles/some.yaml": "profile: some\nscenarios: [buy]\nstages: [{ramp_to: 50/s}, {hold: 1m}]\n",
    "slo/shop.yaml": "service: shop\n",
    "slo/gate.yaml": "gate: default\nload: {profile: some}\n",
}


@pytest.fixture
def assessed(tmp_path, monkeypatch):
    """The plan that `seatrial assess` with these words would carry out."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    plans = []
    monkeypatch.setattr(command, "assess_and_tell", lambda plan, *_, **__: plans.append(plan) or ExitCode.MET)

    def run(*words):
        result = CliRunner().invoke(app, ["assess", *words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        (plan,) = plans
        return plan

    return run


def test_a_canary_gets_the_share_that_was_said(assessed):
    plan = assessed("--canary", "http://127.0.0.1:2", "--share", "25%")
    assert plan.canary == Canary({"shop": "http://127.0.0.1:2"}, 0.25)


def test_without_a_canary_there_is_none(assessed):
    assert assessed().canary is None


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (["--share", "10%"], UsageError, "add --canary URL"),
        (["--canary", "shop=http://127.0.0.1:2", "--share", "101%"], UsageError, "--share: '101%' is more than 100%"),
        (["--canary", "http://canary.example.com"], Refused, r"canaries: \[http://canary\.example\.com\]"),
    ],
)
def test_what_is_wrong_with_a_canary_is_told_before_anything_is_sent(words, error, why, assessed):
    with pytest.raises(error, match=why):
        assessed(*words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--json", "-", "--junit", "-"], "two reports cannot both be written to stdout"),
        (["--markdown", "nowhere/summary.md"], "there is no folder nowhere"),
    ],
)
def test_a_result_that_cannot_be_written_is_told_before_anything_is_sent(words, why, assessed):
    with pytest.raises(UsageError, match=why):
        assessed(*words)
