"""A secret's value given as a variable is masked in everything a run leaves, and the run can be reported again."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.e2e

SECRET = "correct-horse-battery"
VARIABLES = """\
    variables: {note: none}
    secrets: {token: {file: token.txt}}
"""


def test_a_secrets_value_as_a_variable_is_in_no_file_of_the_run_and_report_can_read_it(shop_workspace, here):
    realms = shop_workspace / "realms.yaml"
    realms.write_text(realms.read_text() + VARIABLES)
    (shop_workspace / "token.txt").write_text(SECRET)
    (shop_workspace / "slo" / "gate.yaml").write_text("gate: default\nacceptance: {tags: [smoke]}\n")

    done = here(shop_workspace, "assess", "--var", f"note={SECRET}")
    assert done.code == 0, done
    again = here(shop_workspace, "report", "last")
    assert again.code == 0, again

    holders = {file.name for file in shop_workspace.rglob("*") if file.is_file() and SECRET in file.read_text()}
    assert holders == {"token.txt"}
    (about,) = shop_workspace.glob("reports/out/*/run.json")
    assert "***(token)" in about.read_text()
    assert SECRET not in done.out + done.err + again.out + again.err
