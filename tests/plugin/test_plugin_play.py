"""What a test of a scenario shows: passes, failures, skips, refusals; the fixtures; and that no secret is shown."""

from __future__ import annotations

import base64
import sys

import pytest

pytest_plugins = "pytester"

REALMS = """\
realms:
  here:
    services: {{shop: {address}}}
    secrets: {{password: {{env: SHOP_PASSWORD}}, pem: {{env: PEM}}}}
    allows: {{mutations: true}}
"""

LOOK = "scenario: look around\nservice: shop\nsteps:\n  - request: {url: /things}\n    expect: {json: {n: 3}}\n"
WRITE = LOOK.replace("- request", "- mutates: true\n    request")
SECRETS = """\
scenario: log in
service: shop
steps:
  - name: log in
    request:
      method: POST
      url: "/login?by={{ secrets.password }}"
      auth: {basic: {user: ada, password: "{{ secrets.password }}"}}
      json: {password: "{{ secrets.password }}"}
    expect: {status: 200}
    capture: {token: {jsonpath: $.token, secret: true}}
  - name: say it
    request: {method: POST, url: /echo, auth: {bearer: "{{ token }}"}, text: "{{ token }} {{ secrets.password }}"}
    expect: {json: {said: "not {{ token }}"}}
"""


def assert_told_alone(result: pytest.RunResult) -> None:
    """No traceback, no line of Python, no second exception beside what is told."""
    for trace in ("Traceback", "During handling", "src/seatrial", "pytest_plugin"):
        assert trace not in result.stdout.str()


def test_a_passing_scenario_passes(workspace, run, shop) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    run().assert_outcomes(passed=1)
    assert shop.requests == [("GET", "/things")]


def _block(text: str) -> list[str]:
    """A failure's text but for what differs each time: from its title to its last line."""
    lines = text.splitlines()
    first = lines.index("look around > GET /things   FAILED")
    last = next(index for index, line in enumerate(lines) if index > first and "= repeat:" in line)
    return [line for line in lines[first : last + 1] if "= timing:" not in line]


def test_a_failure_is_the_text_that_check_shows(workspace, run, pytester: pytest.Pytester) -> None:
    workspace({"scenarios/look.yaml": LOOK.replace("n: 3", "n: 4")})
    result = run("-q")
    result.assert_outcomes(failed=1)
    checked = pytester.run(sys.executable, "-c", "from seatrial.cli.main import main; main()", "check")
    assert _block(result.stdout.str()) == _block(checked.stdout.str())
    above = result.outlines[result.outlines.index("look around > GET /things   FAILED") - 1]
    assert above.strip("_ ") == "look around"
    below = result.outlines[next(n for n, line in enumerate(result.outlines) if "= repeat:" in line) + 1]
    assert "short test summary info" in below


def test_a_scenario_that_is_skipped_is_a_skipped_test_with_its_reason(workspace, run, shop) -> None:
    workspace({"scenarios/look.yaml": LOOK + "skip: the shop is closed\n"})
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*scenarios/look.yaml: the shop is closed"])
    assert shop.requests == []


def test_a_scenario_of_another_realm_is_a_skipped_test(workspace, run, shop) -> None:
    workspace({"scenarios/look.yaml": LOOK + "only_in: [careful]\n"})
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*careful*"])
    assert shop.requests == []


def test_what_is_run_once_is_run_once_for_a_session(workspace, run, shop) -> None:
    flow = (
        "flow: log in\nservice: shop\nsteps:\n  - request: {method: POST, url: /login}\n    expect: {status: 200}\n"
    )
    flow += "    capture: {token: {jsonpath: $.token}}\noutputs: [token]\n"
    text = LOOK.replace("steps:", "rows: [{n: 1}, {n: 2}]\nsetup: [{use: flows/login.yaml, once: run}]\nsteps:")
    workspace({"scenarios/look.yaml": text, "scenarios/flows/login.yaml": flow})
    run().assert_outcomes(passed=2)
    assert sorted(shop.requests) == [("GET", "/things"), ("GET", "/things"), ("POST", "/login")]


def test_play_is_told_which_row_by_its_whole_name(workspace, run) -> None:
    tests = """
        def test_one(play): assert play("look around [row 2: bob]").scenario.row.number == 2
        def test_all(play): play("look around")
        """
    rows = LOOK.replace("steps:", "rows: [{user: ada}, {user: bob}]\nsteps:")
    workspace({"scenarios/look.yaml": rows}, tests=tests)
    result = run("test_own.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["'look around' has 2 rows; name one of them, as 'look around ?row 1: ada?', *"])


def test_a_realm_that_allows_no_mutation_is_an_error_and_nothing_is_sent(workspace, run, shop) -> None:
    workspace({"scenarios/look.yaml": WRITE})
    result = run("--seatrial-realm", "careful")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*realms.yaml:6:3: realm 'careful' does not allow mutations*add `mutations: true`*"])
    assert_told_alone(result)
    assert shop.requests == []


def test_a_secret_that_is_not_there_is_an_error_that_names_it(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK, "scenarios/again.yaml": LOOK.replace("around", "again")})
    result = run("--seatrial-realm", "broken")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*secret 'password': set the environment variable NOT_SET_ANYWHERE"])
    assert_told_alone(result)


def test_an_unknown_realm_is_an_error_with_a_hint(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    result = run("--seatrial-realm", "herr")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["unknown realm 'herr'; did you mean 'here'?"])


def test_nobody_there_is_an_error_that_names_the_address(workspace, run, shop) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    shop.shutdown()  # a socket that is still polled accepts connections though it is closed
    shop.server_close()
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no service of realm 'here' accepts a connection (shop at http://127.0.0.1:*"])


@pytest.mark.parametrize(
    ("words", "variable", "ini", "chosen"),
    [
        ((), None, "", "here"),
        ((), None, "seatrial_realm = careful", "careful"),
        ((), "careful", "seatrial_realm = broken", "careful"),
        (("--seatrial-realm", "careful"), "broken", "", "careful"),
    ],
)
def test_the_realm_is_the_options_else_the_environments_else_the_ini_files(
    workspace, run, monkeypatch, words, variable, ini, chosen
) -> None:
    workspace({}, tests=f"def test_own(seatrial_realm): assert seatrial_realm.name == '{chosen}'", ini=ini)
    if variable:
        monkeypatch.setenv("SEATRIAL_REALM", variable)
    run(*words).assert_outcomes(passed=1)


def test_variables_of_the_command_line_are_typed_as_in_a_document(workspace, run) -> None:
    workspace({"scenarios/look.yaml": LOOK.replace("n: 3", 'n: "{{ n }}"').replace("steps", "vars: {n: 9}\nsteps")})
    run("--seatrial-var", "n=3").assert_outcomes(passed=1)
    run("--seatrial-var", "n='3'").assert_outcomes(failed=1)


def test_play_plays_by_name_or_path_and_gives_the_result(workspace, run, shop) -> None:
    tests = """
        import pathlib
        def test_own(play):
            assert play("look around").passed
            assert play("scenarios/look.yaml").steps[0].last.status == 200
            assert play(pathlib.Path("scenarios/look.yaml"), path="/other").passed
        """
    workspace({"scenarios/look.yaml": LOOK.replace("/things", "'/{{ path | default(0) }}'")}, tests=tests)
    run("test_own.py").assert_outcomes(passed=1)
    assert len(shop.requests) == 3


def test_play_finds_a_hurl_file_by_its_name(workspace, run, shop) -> None:
    files = {"scenarios/b.hurl": "GET {{shop}}/things\nHTTP 200\n", "scenarios/look.yaml": LOOK}
    workspace(files, tests='def test_own(play):\n    assert play("b").passed')
    run("test_own.py").assert_outcomes(passed=1)
    assert shop.requests == [("GET", "/things")]


def test_a_name_two_files_have_is_refused_with_both(workspace, run) -> None:
    hurl = "GET {{shop}}/things\nHTTP 200\n"
    files = {"scenarios/one/get.hurl": hurl, "scenarios/two/get.hurl": hurl}
    workspace(files, tests='def test_own(play):\n    play("get")')
    result = run("test_own.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'get' is in *one/get.hurl and in *two/get.hurl; name it by its path*"])


def test_the_files_are_read_once_however_often_a_name_is_asked_for(workspace, run) -> None:
    tests = """
        import seatrial.pytest_plugin.trial as trial
        def test_own(play, monkeypatch):
            read, times = trial.read_scenarios, []
            monkeypatch.setattr(trial, "read_scenarios", lambda folder: times.append(folder) or read(folder))
            for _ in range(3):
                play("look around")
            assert len(times) == 1
        """
    workspace({"scenarios/look.yaml": LOOK}, tests=tests)
    run("test_own.py").assert_outcomes(passed=1)


def test_play_fails_the_test_with_the_text_alone(workspace, run) -> None:
    tests = """
        def test_own(play):
            play("look around", n=4)
            raise AssertionError("never reached")
        """
    workspace({"scenarios/look.yaml": LOOK.replace("n: 3", 'n: "{{ n }}"')}, tests=tests)
    result = run("test_own.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["look around > GET /things   FAILED", "*= actual:   integer <3> at $.n"])
    assert "never reached" not in result.stdout.str()
    assert_told_alone(result)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ("play('look arund')", "no scenario is called 'look arund'; did you mean 'look around'?"),
        ("play('look around')", "*realm 'careful' does not allow mutations*"),
    ],
)
def test_play_fails_with_a_sentence_for_what_cannot_be_played(workspace, run, call: str, sentence: str) -> None:
    workspace({"scenarios/look.yaml": WRITE}, tests=f"def test_own(play): {call}")
    result = run("--seatrial-realm", "careful", "test_own.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([sentence])
    assert_told_alone(result)


def test_play_without_a_workspace_says_so(pytester: pytest.Pytester, run) -> None:
    pytester.makepyfile("def test_own(play): play('x')")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no realms.yaml in * or above; start pytest in a workspace"])


def test_what_is_missed_without_failing_is_a_section_of_the_report(workspace, run) -> None:
    text = LOOK.replace("{json: {n: 3}}", "{status: 200, checks: [{jsonpath: $.n, eq: 4, severity: degraded}]}")
    workspace({"scenarios/look.yaml": text})
    result = run("-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*degraded*", "look around > GET /things   DEGRADED"])


def test_junit_names_the_trace(workspace, run, pytester: pytest.Pytester) -> None:
    workspace({"scenarios/look.yaml": LOOK})
    run("--junitxml=out.xml").assert_outcomes(passed=1)
    assert '<property name="trace_id" value="' in (pytester.path / "out.xml").read_text()


@pytest.mark.parametrize("how", ["a scenario", "play"])
def test_no_secret_is_shown_anywhere(workspace, run, pytester, secret: str, token: str, how: str) -> None:
    tests = """
        import os
        def test_own(play):
            print("printed", os.environ["SHOP_PASSWORD"])
            play("log in")
        """
    workspace({"scenarios/login.yaml": SECRETS}, tests=tests)
    target = "scenarios" if how == "a scenario" else "test_own.py"
    result = run(target, "-vv", "-rA", "--log-level=DEBUG", "--log-cli-level=DEBUG", "--junitxml=out.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["log in > say it   FAILED"])
    shown = result.stdout.str() + result.stderr.str() + (pytester.path / "out.xml").read_text()
    for value in (secret, token):
        for form in (
            value,
            base64.b64encode(value.encode()).decode(),
            base64.b64encode(f"ada:{value}".encode()).decode(),
        ):
            assert form not in shown
    assert "***(token)" in shown


FAILING = {
    "an assertion": 'assert {"token": os.environ["SHOP_PASSWORD"]} == {}',
    "a sentence": 'pytest.fail(f"sent {token}", pytrace=False)',
    "an exception": "raise ValueError(token)",
    "a reason": 'pytest.xfail(f"because of {token}")',
    "a skip": 'pytest.skip(f"because of {token}")',
    "a property": 'record_property("token", token)',
    "lines": 'assert "".join(f"{part}\\n" for part in os.environ["PEM"].split()) == "none\\n"',
}


@pytest.mark.parametrize("how", FAILING)
@pytest.mark.parametrize("style", ["long", "short", "line", "native"])
def test_what_a_test_of_ones_own_fails_with_shows_no_secret(
    workspace, run, pytester, monkeypatch, secret: str, token: str, how: str, style: str
) -> None:
    pem = "-----BEGIN KEY-----\nfirst+line/of+a+key+5e1d\nother+line/of+a+key+77c0\n"
    monkeypatch.setenv("PEM", pem)
    tests = f"""
        import os
        import pytest
        def test_own(play, record_property):
            result = play("log in")
            token = "token-8f31" + "c2aa"
            {FAILING[how]}
        """
    passing = SECRETS.replace("not {{ token }}", "{{ token }} {{ secrets.password }}")
    workspace({"scenarios/login.yaml": passing}, tests=tests, realms=REALMS)
    result = run(
        "test_own.py", "-ra", "-vv", "--showlocals", f"--tb={style}", "-ojunit_family=xunit1", "--junitxml=out.xml"
    )
    shown = result.stdout.str() + result.stderr.str() + (pytester.path / "out.xml").read_text()
    for value in (secret, token, *pem.split("\n")[1:3]):
        assert value not in shown
    assert "***(" in shown
