"""What stops a command is one sentence and the exit code of its kind, never a traceback, and nobody is called."""

from __future__ import annotations

import re

import pytest

from seatrial.chaos.healing.recover import realm_lock
from seatrial.errors import ExitCode

pytestmark = pytest.mark.e2e


def _only_sentence(ended):
    """The one line a user was told, without its `error: `."""
    assert ended.out == ""
    lines = ended.sentence.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


def _rewrite(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def _line(file, text):
    """The number of the first line with a text."""
    (number, *_) = (number for number, line in enumerate(file.read_text().splitlines(), start=1) if text in line)
    return number


@pytest.fixture
def realms(shop_workspace):
    return shop_workspace / "realms.yaml"


@pytest.mark.parametrize("words", [("assess",), ("load", "brief"), ("check",)], ids=lambda words: words[0])
def test_a_realm_that_is_down_could_not_be_run_and_its_addresses_are_named(
    words, shop_workspace, here, realms, shop, nobody
):
    _rewrite(realms, shop, nobody)
    ended = here(shop_workspace, *words)
    assert ended.code == ExitCode.COULD_NOT_RUN
    told = ended.sentence.splitlines()[-1]
    assert told.startswith("error: realms.yaml:2:3: ")
    assert f"shop at {nobody}" in told
    assert "realm 'here'" in told
    assert not (shop_workspace / "reports").exists()


def test_the_process_says_the_same_as_the_function(shop_workspace, seatrial, realms, shop, nobody):
    _rewrite(realms, shop, nobody)
    ended = seatrial(shop_workspace, "assess")
    assert ended.code == 4
    assert f"shop at {nobody}" in ended.sentence


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("realms.yaml", "allows:", "alows:"),
        ("scenarios/buy.yaml", "status: 200", "stats: 200"),
        ("scenarios/profiles/brief.yaml", "40/s", "40"),
        ("slo/shop.yaml", "30%", "30"),
        ("slo/gate.yaml", "min_hold: 20s", "min_hold: soon"),
    ],
)
def test_a_document_with_a_mistake_is_unreadable_at_its_line_and_column(name, text, wrong, shop_workspace, here):
    file = shop_workspace / name
    _rewrite(file, text, wrong)
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNREADABLE
    assert re.match(rf"error: {name}:{_line(file, wrong)}:\d+: ", ended.sentence)


def test_broken_yaml_is_unreadable_at_its_line_and_column(shop_workspace, here):
    file = shop_workspace / "slo" / "shop.yaml"
    file.write_text("service: shop\nobjectives: [\n")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNREADABLE
    assert re.match(r"error: slo/shop\.yaml:\d+:\d+: ", ended.sentence)


def test_without_any_traffic_nothing_is_decided(shop_workspace, here):
    (shop_workspace / "slo" / "gate.yaml").write_text("gate: default\nacceptance: {tags: [smoke]}\n")
    _rewrite(shop_workspace / "scenarios" / "buy.yaml", "steps:", "skip: closed\nsteps:")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNDECIDED
    assert "verdict: UNDECIDED" in ended.out
    assert "no data" in ended.out


def test_a_tag_no_journey_has_is_told_before_anything_is_sent(shop_workspace, here):
    (shop_workspace / "slo" / "gate.yaml").write_text("gate: default\nacceptance: {tags: [smok]}\n")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNREADABLE
    assert _only_sentence(ended).startswith("slo/gate.yaml:2:21: no journey has the tag 'smok'; ")


def test_an_objective_of_a_service_nobody_calls_is_undecided_and_said_so_before_it_starts(shop_workspace, here):
    _rewrite(shop_workspace / "slo" / "shop.yaml", "service: shop", "service: warehouse")
    _rewrite(shop_workspace / "slo" / "gate.yaml", "at_most: 60s", "at_most: 1s")
    _rewrite(shop_workspace / "realms.yaml", "services: {", "services: {warehouse: 'http://127.0.0.1:9', ")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNDECIDED, ended.err
    assert "warehouse.available" in ended.out
    before, _, _ = ended.sentence.partition("acceptance:")
    assert "warehouse.available" in before


def test_an_unknown_realm_is_a_usage_error_with_the_near_one(shop_workspace, here):
    ended = here(shop_workspace, "assess", "--realm", "hare")
    assert ended.code == ExitCode.USAGE
    assert _only_sentence(ended) == "unknown realm 'hare'; did you mean 'here'?"


def test_an_unknown_option_is_a_usage_error(shop_workspace, here):
    ended = here(shop_workspace, "assess", "--relm", "here")
    assert ended.code == ExitCode.USAGE
    assert "--relm" in ended.sentence


@pytest.mark.parametrize(
    ("option", "word", "told"), [("--service", "shops", ""), ("--revision", "shops=1a2b", "--revision: ")]
)
def test_an_unknown_service_is_a_usage_error_with_the_near_one(option, word, told, shop_workspace, here):
    ended = here(shop_workspace, "assess", option, word)
    assert ended.code == ExitCode.USAGE
    assert _only_sentence(ended) == f"{told}unknown service 'shops'; did you mean 'shop'?"


def test_a_word_that_is_no_pair_is_a_usage_error(shop_workspace, here):
    ended = here(shop_workspace, "assess", "--var", "price")
    assert ended.code == ExitCode.USAGE
    assert _only_sentence(ended) == "--var takes NAME=VALUE, not 'price'"


def test_outside_a_workspace_is_a_usage_error(tmp_path, here):
    ended = here(tmp_path, "assess")
    assert ended.code == ExitCode.USAGE
    assert "realms.yaml" in _only_sentence(ended)


def test_a_realm_without_load_refuses_it_naming_its_line(shop_workspace, here, realms):
    _rewrite(realms, "allows: {load: {max_rate: 200/s}}", "allows: {}")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.COULD_NOT_RUN
    told = _only_sentence(ended)
    assert told.startswith("realms.yaml:2:3: ")
    assert "does not allow load" in told


def test_a_realm_without_chaos_refuses_experiments_naming_its_line(pair, here):
    _rewrite(pair / "realms.yaml", "chaos: true", "chaos: false")
    ended = here(pair, "assess", "--gate", "hang")
    assert ended.code == ExitCode.COULD_NOT_RUN
    told = _only_sentence(ended)
    assert told.startswith("realms.yaml:2:3: ")
    assert "add `chaos: true`" in told
    assert not (pair / ".seatrial").exists()


def test_a_realm_without_mutations_refuses_a_writing_journey_naming_its_line(shop_workspace, here, realms):
    _rewrite(shop_workspace / "scenarios" / "buy.yaml", "- name: look at it", "- name: look at it\n    mutates: true")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.COULD_NOT_RUN
    told = _only_sentence(ended)
    assert told.startswith("realms.yaml:2:3: ")
    assert "'buy a rope' has a step that mutates" in told


def test_the_staging_realm_of_the_repository_is_refused_before_anybody_is_called(root, here):
    ended = here(root, "assess", "--realm", "staging")
    assert ended.code == ExitCode.COULD_NOT_RUN
    assert _only_sentence(ended).startswith("realms.yaml:")


@pytest.mark.parametrize("command", ["judge", "report"])
def test_an_unknown_run_is_a_usage_error(command, shop_workspace, here):
    ended = here(shop_workspace, command, "20260101-000000-here-0000")
    assert ended.code == ExitCode.USAGE
    assert _only_sentence(ended).startswith("no run '20260101-000000-here-0000'")


def test_a_run_of_load_alone_cannot_be_judged_and_that_is_a_usage_error(shop_workspace, here):
    folder = shop_workspace / "reports" / "out" / "20260101-000000-here-0000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"command": "load", "run": "20260101-000000-here-0000", "realm": "here"}')
    ended = here(shop_workspace, "judge")
    assert ended.code == ExitCode.USAGE
    assert "run '20260101-000000-here-0000' is none that can be judged" in _only_sentence(ended)


def test_a_profile_of_an_unknown_journey_is_unreadable_there(shop_workspace, here):
    file = shop_workspace / "scenarios" / "profiles" / "brief.yaml"
    _rewrite(file, "[buy a rope]", "[buy a robe]")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNREADABLE
    told = _only_sentence(ended)
    assert told.startswith("scenarios/profiles/brief.yaml:")
    assert "'buy a robe'" in told
    assert "did you mean 'buy a rope'?" in told


def test_a_gate_of_an_unknown_profile_is_unreadable_there(shop_workspace, here):
    file = shop_workspace / "slo" / "gate.yaml"
    _rewrite(file, "profile: brief", "profile: brif")
    ended = here(shop_workspace, "assess")
    assert ended.code == ExitCode.UNREADABLE
    told = _only_sentence(ended)
    assert told.startswith("slo/gate.yaml:")
    assert "unknown profile 'brif'; did you mean 'brief'?" in told


def test_a_gate_of_an_unknown_experiment_is_unreadable_there(pair, here):
    file = pair / "slo" / "hang.yaml"
    _rewrite(file, "chaos: [hang]", "chaos: [hung]")
    ended = here(pair, "assess", "--gate", "hang")
    assert ended.code == ExitCode.UNREADABLE
    told = _only_sentence(ended)
    assert told.startswith("slo/hang.yaml:")
    assert "unknown experiment 'hung'; did you mean 'hang'?" in told


def test_an_unknown_gate_is_a_usage_error(pair, here):
    ended = here(pair, "assess", "--gate", "hangs")
    assert ended.code == ExitCode.USAGE
    assert "no gate 'hangs' in slo; did you mean 'hang'?" in _only_sentence(ended)


def test_a_second_harness_on_one_realm_is_refused_before_it_starts_anything(pair, here):
    with realm_lock(pair, "pair"):
        ended = here(pair, "assess", "--gate", "hang")
    assert ended.code == ExitCode.COULD_NOT_RUN
    assert "chaos is going on in realm 'pair'" in _only_sentence(ended)
    assert not list((pair / ".seatrial").glob("*.json"))


def test_a_fault_without_a_target_is_refused_before_the_first_request(pair, here, shop):
    (pair / "realms.yaml").write_text(
        f"realms: {{pair: {{services: {{front: '{shop}', back: '{shop}'}}, "
        "allows: {mutations: true, load: {max_rate: 1000/s}, chaos: true}}}\n"
    )
    ended = here(pair, "assess", "--gate", "hang")
    assert ended.code == ExitCode.COULD_NOT_RUN
    told = ended.sentence.splitlines()[-1]
    assert "acceptance" not in ended.sentence
    assert "has no proxy on front->back" in told
    assert "leave the experiment out of the gate" in told
    assert not list((pair / "reports" / "out").glob("*/run.json"))
