"""The variables services are started with: which are remembered, and when others are refused."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.errors import UsageError, Where
from seatrial.realm import Place, Realm, RuntimeKind, SecretKind, SecretSource, Start
from seatrial.runtime import process
from seatrial.runtime.state import load_state, state_path
from seatrial.runtime.up import MARK, restart_service, up

FRONT = Place("front", start=Start(("front", "--slow={{ vars.slow }}"), {"MODE": "{{ vars['mode'] }}"}))
REALM = Realm("local", RuntimeKind.PROCESS, {"front": FRONT}, variables={"slow": 5, "mode": "a", "owner": "Ada"})


@pytest.fixture
def commands(stopped, monkeypatch):
    """What would have been started: command and environment."""
    started = []
    spawn = process.spawn

    def note(command, *, env, cwd, log):
        started.append((command, {name: value for name, value in env.items() if name != MARK}))
        return spawn(command, env=env, cwd=cwd, log=log)

    monkeypatch.setattr(process, "spawn", note)
    return started


def _up(workspace, **variables):
    return up(REALM, workspace, variables=variables, say=lambda _: None)


def test_a_service_is_started_with_what_the_command_line_says_over_the_realm(tmp_path, commands):
    _up(tmp_path, mode="b")
    assert commands == [(["front", "--slow=5"], {"MODE": "b"})]


def test_only_what_a_start_template_mentions_is_remembered(tmp_path, commands):
    raised = _up(tmp_path, mode="b", password="hunter2-hunter2")
    assert raised.state.variables == {"slow": 5, "mode": "b"}
    assert "hunter2" not in state_path(tmp_path, "local").read_text()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"slov": 7}, ["--var slov: no service of realm 'local' is started with it; did you mean 'slow'?"]),
        ({"owners": "Grace"}, []),
        ({"slow": 7}, []),
        ({"token": "x"}, []),
    ],
)
def test_a_variable_that_is_nearly_one_of_a_services_start_is_doubted(tmp_path, commands, variables, said):
    told = []
    up(REALM, tmp_path, variables=variables, say=told.append)
    assert [text for text in told if text.startswith("--var")] == said


def test_a_service_that_is_started_again_gets_the_variables_it_had(tmp_path, commands):
    _up(tmp_path, mode="b")
    restart_service(REALM, tmp_path, "front")
    assert commands[1] == commands[0]


def test_other_variables_than_those_of_a_realm_that_is_up_are_refused(tmp_path, commands):
    _up(tmp_path, mode="b")
    with pytest.raises(UsageError, match=r"started with another 'mode' than is asked for now; .* down --realm local"):
        _up(tmp_path, mode="c")
    assert len(commands) == 1
    assert load_state(tmp_path, "local").variables["mode"] == "b"


@pytest.mark.parametrize("variables", [{}, {"mode": "b"}, {"mode": "b", "slow": "5"}, {"owner": "Grace"}])
def test_what_is_in_force_or_no_start_template_mentions_is_not_refused(tmp_path, commands, variables):
    _up(tmp_path, mode="b")
    assert not _up(tmp_path, **variables).started


def test_while_no_service_runs_the_variables_may_change(tmp_path, commands):
    first = _up(tmp_path, mode="b")
    process.stop([first.state.services["front"].process])
    assert _up(tmp_path, mode="c").state.variables["mode"] == "c"
    assert [env for _, env in commands] == [{"MODE": "b"}, {"MODE": "c"}]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, ["mode=b"]),
        ({"owner": "Grace"}, ["mode=b"]),
        ({"mode": "b"}, []),
    ],
)
def test_a_realm_that_is_up_says_with_what_it_was_started_that_nobody_asks_for_now(
    tmp_path, commands, variables, told
):
    first: list[str] = []
    up(REALM, tmp_path, variables={"mode": "b"}, say=first.append)
    said: list[str] = []
    up(REALM, tmp_path, variables=variables, say=said.append)
    assert [text.partition("started with ")[2].partition(";")[0] for text in said] == told
    assert not any("started with" in text for text in first)


def test_what_a_realm_was_started_with_is_told_when_others_are_refused(tmp_path, commands):
    said: list[str] = []
    _up(tmp_path, mode="b")
    with pytest.raises(UsageError):
        up(REALM, tmp_path, variables={"mode": "c"}, say=said.append)
    (told,) = said
    assert told.startswith(
        "realm 'local' is up, and its services were started with mode=b; to start them otherwise: "
    )


def test_what_a_realm_was_started_with_is_told_without_its_secrets(tmp_path, commands):
    (tmp_path / "key.txt").write_text("hunter2-hunter2")
    source = SecretSource("key", SecretKind.FILE, ("key.txt",), Where("realms.yaml", 1, 1))
    realm = dataclasses.replace(REALM, secrets={"key": source})
    said: list[str] = []
    for variables in ({"mode": "hunter2-hunter2"}, {}):
        up(realm, tmp_path, variables=variables, say=said.append)
    assert "started with mode=***(key);" in said[-1]
    (tmp_path / "key.txt").unlink()
    up(realm, tmp_path, variables={}, say=said.append)
    assert "started with another mode;" in said[-1]
    assert "hunter2" not in "".join(said)
