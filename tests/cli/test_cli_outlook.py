"""Before it starts, an assessment says what it will take, and at once what cannot be decided."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from seatrial.assess.canary import with_canary
from seatrial.assess.plan import Asked, read_plan
from seatrial.cli.assess import Output, assess_and_tell
from seatrial.cli.load_screen import left_lines
from seatrial.cli.outlook import forecast_lines
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.load.profile import Model
from seatrial.service import Indicator, Objective, PointObjective, Service

FILES = {
    "realms.yaml": "realms: {here: {services: {shop: 'http://127.0.0.1:1'}, allows: {load: {max_rate: 100/s}}}}\n",
    "scenarios/buy.yaml": "scenario: buy\nservice: shop\nsteps: [{name: look, request: {url: /goods}}]\n",
    "scenarios/profiles/some.yaml": (
        "profile: some\nscenarios: [buy]\nstages: [{ramp_to: 50/s}, {hold: 1m}]\nstop_when: decided\n"
    ),
    "slo/shop.yaml": "service: shop\nobjectives: [{name: available, indicator: errors, limit: 10%}]\n",
    "slo/gate.yaml": "gate: default\nload: {profile: some, at_most: 90s}\nmin_hold: 20s\n",
    "slo/quiet.yaml": "gate: quiet\n",
}


@pytest.fixture
def plan(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return read_plan(tmp_path, Asked())


def _promising(plan, *objectives, service="shop"):
    services = {service: Service(service, objectives=objectives)}
    return dataclasses.replace(plan, services=services)


def test_it_says_what_each_objective_needs_and_when_all_can_be_decided_at_the_earliest(plan):
    whole, counted, needs = forecast_lines(plan)
    assert whole == "1 of 1 objectives can be decided, at the earliest after 20 s of hold (at most 90 s)"
    assert needs == (
        "  shop.available: needs 1,000 requests or more (20 blocks of 50); 20 s of hold at 50/s give about 1,000"
    )
    assert counted == (
        "  counted are requests while the load holds, not plays: 50 plays/s send each service what stands below"
    )


@pytest.mark.parametrize("model", Model)
def test_what_the_load_does_not_ask_is_said_to_get_no_request(model, plan):
    objective = Objective("lits", Indicator.ERRORS, 0.05, routes=("GET /lits",))
    profile = dataclasses.replace(plan.profile, model=model)
    *_, said = forecast_lines(dataclasses.replace(_promising(plan, objective), profile=profile))
    assert said == "  shop.lits: the profile sends it no request; add a journey that does, or correct its routes"


def test_a_baseline_nobody_named_is_told_before_anything_else(plan, capsys):
    objective = Objective("no worse", Indicator.ERRORS, 0.1, versus="relase-1", where=Where("slo/shop.yaml", 2, 14))
    names = plan.workspace / "reports" / "out" / "baselines.json"
    names.parent.mkdir(parents=True)
    names.write_text('{"version": 1, "baselines": {"release-1": "r"}}')
    asked = dataclasses.replace(plan, services={"shop": Service("shop", comparisons=(objective,))})
    with pytest.raises(DocumentError, match=r"^slo/shop\.yaml:2:14: .*'relase-1'; did you mean 'release-1'\?$"):
        assess_and_tell(asked, Output())
    assert capsys.readouterr().err == ""


def test_the_gates_whole_time_bounds_what_can_be_decided_and_an_extension_gives_more(plan):
    def lines(**bounds):
        return list(forecast_lines(dataclasses.replace(plan, gate=dataclasses.replace(plan.gate, **bounds))))

    assert lines(at_most_s=60.0)[0].endswith("(at most 60 s)")
    assert lines(extend_to_s=120.0)[0].endswith("(at most 2 m 00 s)")
    assert "it cannot be decided within 10 s" in lines(at_most_s=10.0)[-1]


def test_without_experiments_none_is_said_to_have_no_time(plan):
    bounded = dataclasses.replace(plan, gate=dataclasses.replace(plan.gate, at_most_s=1.0), experiments=())
    assert not any("the experiments take" in line for line in forecast_lines(bounded))


def test_experiments_that_will_not_fit_the_gates_time_are_said_before_anything_is_sent(plan):
    takes = SimpleNamespace(experiment=SimpleNamespace(takes_s=40.0))

    def lines(at_most_s):
        bounded = dataclasses.replace(plan.gate, at_most_s=at_most_s)
        return list(forecast_lines(dataclasses.replace(plan, gate=bounded, experiments=(takes, takes))))

    assert lines(60.0)[-1] == (
        "  the experiments take 80 s, and the load leaves 40 s of the gate's 60 s at most: not all will be run; "
        "allow 100 s or more"
    )
    assert len(lines(100.0)) == len(lines(None)) == 3


@pytest.mark.parametrize(
    ("share", "sentence"),
    [
        ("40%", "MET needs 1,000 requests or more of each side; for the canary side 60 s of hold at 20/s"),
        ("90%", "the base side 3 m 20 s of hold at 5/s: not within 60 s; hold longer, or change its share"),
        ("10%", "the canary side 3 m 20 s of hold at 5/s: not within 60 s; hold longer, or change its share"),
    ],
)
def test_it_says_whether_a_canary_will_have_enough_requests(share, sentence, plan):
    *_, which, line = forecast_lines(with_canary(plan, ["http://127.0.0.1:9"], share))
    assert "count the requests of base and canary together" in which
    assert line.startswith("  canary of shop: ")
    assert line.endswith(sentence)


def test_a_closed_model_says_what_is_needed_and_not_how_long_it_takes(plan):
    closed = dataclasses.replace(plan, profile=dataclasses.replace(plan.profile, model=Model.CLOSED))
    (line,) = forecast_lines(closed)
    assert line.startswith("  shop.available: needs 1,000 requests or more")
    assert line.endswith("a closed model's rate shows under way")


def test_what_cannot_be_decided_in_time_is_named_once_with_what_would_do(plan):
    strict = Objective("available", Indicator.ERRORS, 0.001)
    _, line = forecast_lines(_promising(plan, strict))
    assert line.count("shop.available") == 1
    assert "cannot be decided within 90 s; hold for" in line


def test_a_throughput_beyond_the_profile_is_said_before_it_is_missed(plan):
    *_, line = forecast_lines(_promising(plan, Objective("roomy", Indicator.THROUGHPUT, 60.0)))
    assert line == "  shop.roomy: cannot be met at 50/s; offer more than 60/s"


def test_a_service_nobody_calls_is_named(plan):
    placed, *_, line = forecast_lines(
        _promising(plan, Objective("available", Indicator.ERRORS, 0.1), service="stock")
    )
    assert placed.endswith("realm 'here' has no service 'stock', others have")
    assert line.startswith("  stock.available: the profile sends it no request")


def test_what_is_judged_at_the_end_alone_is_not_left_out(plan):
    service = Service(
        "shop",
        objectives=(Objective("available", Indicator.ERRORS, 0.1),),
        comparisons=(Objective("no slower", Indicator.LATENCY, 0.1, quantile=0.95, versus="baseline"),),
        points=(PointObjective("loaded", Indicator.ERRORS, None),),
    )
    *_, compared, valued = forecast_lines(dataclasses.replace(plan, services={"shop": service}))
    assert compared == "  shop.no slower: held against 'baseline' when the load is over"
    assert valued == "  shop.loaded: one value, judged when the load is over"
    assert list(left_lines([service])) == ["left to assess: shop.no slower, shop.loaded"]
    assert list(left_lines([Service("shop", objectives=service.objectives)])) == []


def test_a_route_that_nobody_asks_is_named(plan):
    warned, *_, line = forecast_lines(_promising(plan, Objective("a", Indicator.ERRORS, 0.1, routes=("GET /godos",))))
    assert warned == "warning: shop.a: no step of the load asks GET /godos; did you mean 'GET /goods'?"
    assert line.startswith("  shop.a: the profile sends it no request")


def test_without_load_there_is_nothing_to_say(plan):
    assert list(forecast_lines(read_plan(plan.workspace, Asked(gate="quiet")))) == []
