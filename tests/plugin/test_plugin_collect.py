"""Which files become tests, under which names and markers."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

pytest_plugins = "pytester"

LOOK = """\
scenario: look around
tags: [smoke, fake-customer]
service: shop
steps:
  - request: {url: /things}
    expect: {status: 200}
"""
FLOW = "flow: log in\nsteps:\n  - request: {url: /login}\n"
HEAVY = ("httpx", "pydantic", "yaml", "jinja2", "seatrial.documents", "seatrial.realm")


def collected(result: pytest.RunResult) -> list[str]:
    """The collected tests, as `--collect-only -q` lists them."""
    return [line for line in result.outlines if "::" in line]


def test_a_scenario_of_a_workspace_is_a_test_of_its_name(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK, "scenarios/deep/er.yml": LOOK.replace("look", "look deeper")})
    assert sorted(collected(run("--collect-only", "-q"))) == [
        "scenarios/deep/er.yml::look deeper around",
        "scenarios/look.yaml::look around",
    ]


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    code = f"import sys, seatrial.pytest_plugin; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_is_registered_under_its_name(root) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"seatrial": "seatrial.pytest_plugin"}


def test_a_project_without_scenarios_imports_nothing_heavy(pytester: pytest.Pytester, run_apart) -> None:
    pytester.makefile(".yaml", compose="services: {}", scenario="scenario: x")
    pytester.makepyfile(
        f"import sys\ndef test_it():\n    assert [name for name in {HEAVY} if name in sys.modules] == []\n"
    )
    run_apart().assert_outcomes(passed=1)


def test_flows_profiles_data_and_other_yaml_are_no_tests(workspace, run) -> None:
    workspace(
        {
            "scenarios/flows/login.yaml": FLOW,
            "scenarios/profiles/steady.yaml": "profile: steady\n",
            "scenarios/data/sample.yaml": LOOK,
            "scenarios/notes.yaml": "service: shop\nscenario: not the first key\n",
            "elsewhere/look.yaml": LOOK,
            "compose.yaml": "services: {}\n",
        },
        tests="def test_own(): pass",
    )
    assert collected(run("--collect-only", "-q")) == ["test_own.py::test_own"]


def test_a_hurl_file_is_a_test_that_knows_the_realms_variables(workspace, run, shop) -> None:
    workspace({"scenarios/look.hurl": 'GET {{base}}/things\nHTTP 200\n[Asserts]\njsonpath "$.n" == {{n}}\n'})
    base = f"base=http://127.0.0.1:{shop.server_port}"
    assert collected(run("--collect-only", "-q")) == ["scenarios/look.hurl::look"]
    run("--seatrial-var", base, "--seatrial-var", "n=3").assert_outcomes(passed=1)
    result = run("--seatrial-var", base, "--seatrial-var", "n=4")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*--> scenarios/look.hurl:4:*"])


def test_no_workspace_no_scenarios(pytester: pytest.Pytester, run) -> None:
    folder = pytester.mkdir("scenarios")
    (folder / "look.yaml").write_text(LOOK)
    assert collected(run("--collect-only", "-q")) == []


def test_a_realms_file_of_another_program_makes_no_workspace(workspace, run, pytester: pytest.Pytester) -> None:
    workspace({"scenarios/look.yaml": LOOK}, realms="keycloak:\n  realms: [one, two]\n", tests="def test_own(): pass")
    assert collected(run("--collect-only", "-q")) == ["test_own.py::test_own"]
    run().assert_outcomes(passed=1)


def test_a_realms_file_of_another_program_hides_no_workspace_above_it(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK, "scenarios/realms.yaml": "- of: another\n"})
    assert collected(run("--collect-only", "-q")) == ["scenarios/look.yaml::look around"]


def test_a_scenario_outside_the_folder_is_a_test_when_it_is_named(workspace, run) -> None:
    workspace({"elsewhere/look.yaml": LOOK})
    assert collected(run("--collect-only", "-q", "elsewhere/look.yaml")) == ["elsewhere/look.yaml::look around"]


@pytest.mark.parametrize(
    "head", ["# a comment\n\n", "---\n", "\ufeff", "%YAML 1.2\n---\n"], ids=["comment", "marker", "bom", "directive"]
)
def test_what_may_stand_before_the_first_key_hides_no_scenario(workspace, run, head: str) -> None:
    workspace({"scenarios/look.yaml": head + LOOK})
    assert collected(run("--collect-only", "-q")) == ["scenarios/look.yaml::look around"]


def test_the_ini_file_turns_collection_off(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK}, ini="seatrial = off")
    assert collected(run("--collect-only", "-q")) == []


def test_tags_select_as_markers(workspace, run, shop) -> None:
    other = LOOK.replace("look around", "other").replace("smoke, fake-customer", "slow")
    workspace({"scenarios/look.yaml": LOOK, "scenarios/other.yaml": other})
    for expression, chosen in (("smoke and fake_customer", "look around"), ("not smoke", "other")):
        names = collected(run("--collect-only", "-q", "-m", expression))
        assert [name.partition("::")[2] for name in names] == [chosen], expression
    assert len(collected(run("--collect-only", "-q", "-m", "seatrial"))) == 2
    assert shop.requests == []


def test_a_tag_that_means_more_to_pytest_stays_a_label(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK.replace("smoke, fake-customer", "skip, not, 2nd, timeout, _x")})
    run("-p", "pytest_timeout", "-m", "tag_skip and tag_not and tag_2nd and tag_timeout and tag__x").assert_outcomes(
        passed=1
    )


def test_tags_and_markers_of_a_project_are_one(workspace, run) -> None:
    tests = "import pytest\n@pytest.mark.smoke\ndef test_own(): pass\ndef test_slow(): pass"
    workspace({"scenarios/look.yaml": LOOK}, tests=tests, ini="markers = smoke: quick ones")
    run("-m", "smoke").assert_outcomes(passed=2, deselected=1)


def test_an_unreadable_file_is_one_sentence_and_no_traceback(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK + "    exspect: {status: 200}\n", "scenarios/good.yaml": LOOK})
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*scenarios/look.yaml:7:5: unknown key 'exspect'; did you mean 'expect'?"])
    assert "Traceback" not in result.stdout.str()
    assert ".py" not in result.stdout.str()


@pytest.mark.parametrize("content", [b"scenario: \xff\xfe\n", b"scenario: [\n", b"scenario: x\nscenario: y\n"])
def test_a_broken_file_is_a_collection_error_too(workspace, run, pytester, content: bytes) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    (pytester.path / "scenarios/look.yaml").write_bytes(content)
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*scenarios/look.yaml:*:*: *"])
    assert "Traceback" not in result.stdout.str()


def test_each_row_is_a_test_and_the_name_without_the_row_means_all(workspace, run) -> None:
    rows = LOOK.replace("steps:", "rows: [{user: ada}, {user: bob}]\nsteps:")
    workspace({"scenarios/look.yaml": rows})
    names = ["scenarios/look.yaml::look around[row 1: ada]", "scenarios/look.yaml::look around[row 2: bob]"]
    assert collected(run("--collect-only", "-q")) == names
    run("scenarios/look.yaml::look around").assert_outcomes(passed=2)
    run("scenarios/look.yaml::look around[row 2: bob]").assert_outcomes(passed=1)


def test_a_variable_without_a_value_is_a_usage_error(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    result = run("--seatrial-var", "lonely")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--seatrial-var takes NAME=VALUE, not 'lonely'"])
