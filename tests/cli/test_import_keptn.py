"""`seatrial import keptn`: what is written is read by assess, what the docs show is what it gives."""

from __future__ import annotations

import re

import pytest

from seatrial.cli.import_ import Output
from seatrial.cli.import_keptn import Asked, run_import_keptn
from seatrial.errors import DocumentError, ExitCode, UsageError
from seatrial.slo.gate import read_gate
from seatrial.slo.keptn import Choice
from seatrial.slo.read import read_services

SLO = "objectives: [{sli: error_rate, pass: [{criteria: ['<=+1%']}]}]\ntotal_score: {pass: 90%}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slo.yaml").write_text(SLO)
    return tmp_path


def _run(choice=None, output=None, sli=None):
    return run_import_keptn(Asked("slo.yaml", sli, choice or Choice("carts")), output or Output())


def test_the_example_of_the_docs_is_what_the_command_gives(root, here, capsys):
    page = (root / "docs" / "keptn.md").read_text()
    for name in ("slo.yaml", "sli.yaml"):
        (block,) = re.findall(rf"```{name}\n(.*?)```", page, flags=re.DOTALL)
        (here / name).write_text(block)
    shown = [block for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if "no_value" in block]
    assert _run(Choice("carts", "sockshop", "steady"), sli="sli.yaml") is ExitCode.MET
    service, _, gate = capsys.readouterr().out.partition("---\n")
    assert [service.partition("\n")[2]] == shown
    assert "versus: {last: 3, of: met_or_degraded, aggregate: p90}" in page
    assert "versus: {last: 3, of: met_or_degraded, aggregate: p90}" in gate


def test_both_documents_are_written_and_read_by_assess(here, capsys):
    assert _run(output=Output(here / "slo")) is ExitCode.MET
    assert {path.name for path in (here / "slo").iterdir()} == {"carts.yaml", "gate-carts.yaml"}
    (point,) = read_services(here / "slo")["carts"].points
    assert (point.name, point.missed_without_value) == ("error_rate", True)
    assert read_gate(here / "slo", "carts").versus.last == 1
    assert "converted: 1 objective, 1 criterion" in capsys.readouterr().err


def test_nothing_that_is_there_is_overwritten_unasked(here):
    _run(output=Output(here / "slo"))
    (here / "slo" / "carts.yaml").write_text("mine")
    with pytest.raises(UsageError, match="already there, nothing was written"):
        _run(output=Output(here / "slo"))
    assert (here / "slo" / "carts.yaml").read_text() == "mine"
    with pytest.raises(UsageError, match="there are 2 documents; name a folder"):
        _run(output=Output(here / "one.yaml"))


@pytest.mark.parametrize("name", ["", "../carts", "a b", "-x"])
def test_a_service_is_named_as_a_file_may_be(here, name):
    with pytest.raises(UsageError, match="cannot be a name"):
        _run(Choice(name))


def test_a_hostile_file_is_an_error_with_its_place(here):
    (here / "slo.yaml").write_text("objectives: !!python/object/apply:os.system [id]\n")
    with pytest.raises(DocumentError, match=r"slo\.yaml:1:13: unknown tag"):
        _run()
