"""What is promised of a service nobody can ask, or of a route nobody asks, is told before anything is sent."""

from __future__ import annotations

import pytest

from seatrial.assess.places import placing_lines, route_lines
from seatrial.assess.plan import Asked, read_plan
from seatrial.errors import DocumentError


def _write(workspace, name, text):
    (workspace / "slo" / name).write_text(text)


@pytest.mark.parametrize(
    "objective", ["{name: a, indicator: errors, limit: 1%}", "{name: a, indicator: errors, criteria: {met: [[<1]]}}"]
)
def test_a_service_that_no_realm_has_is_refused_at_its_place(objective, workspace):
    _write(workspace, "shop.yaml", f"service: shopp\nobjectives: [{objective}]\n")
    with pytest.raises(DocumentError, match=r"slo/shop\.yaml:1:10: no realm has .* 'shopp'; did you mean 'shop'"):
        read_plan(workspace, Asked(gate="plain"))


@pytest.mark.parametrize(
    "objective",
    ["", "{name: a, indicator: prometheus, query: up, limit: 1}"],
)
def test_a_service_that_needs_no_traffic_may_be_in_no_realm(objective, workspace):
    _write(workspace, "mail.yaml", f"service: mail\nobjectives: [{objective}]\n")
    assert "mail" in read_plan(workspace, Asked(gate="plain")).services


def test_a_service_of_another_realm_is_warned_of(workspace):
    realms = workspace / "realms.yaml"
    realms.write_text(realms.read_text() + '  there:\n    services: {mail: "http://127.0.0.1:3"}\ndefault: here\n')
    _write(workspace, "mail.yaml", "service: mail\nobjectives: [{name: a, indicator: errors, limit: 1%}]\n")
    plan = read_plan(workspace, Asked(gate="plain"))
    (line,) = placing_lines(plan.services.values(), plan.realm)
    assert line.endswith("slo/mail.yaml:1:10: realm 'here' has no service 'mail', others have")


@pytest.mark.parametrize("form", ["limit: 1%", "criteria: {met: [[<1]]}", "versus: baseline, at_most: +1%"])
def test_a_route_that_no_journey_asks_is_warned_of_with_the_nearest(form, workspace):
    objective = f"{{name: a, indicator: errors, {form}, routes: [GET /goods, GET /godos]}}"
    _write(workspace, "shop.yaml", f"service: shop\nobjectives: [{objective}]\n")
    plan = read_plan(workspace, Asked(gate="plain"))
    assert list(route_lines(plan.services.values(), plan.mix)) == [
        "warning: shop.a: no step of the load asks GET /godos; did you mean 'GET /goods'?"
    ]


def test_a_route_that_is_asked_of_another_service_alone_is_refused(workspace):
    journey = workspace / "scenarios" / "buy.yaml"
    journey.write_text(journey.read_text().replace("service://stock/goods", "service://stock/shelves"))
    objective = "{name: a, indicator: errors, limit: 1%, routes: [GET /shelves]}"
    _write(workspace, "shop.yaml", f"service: shop\nobjectives: [{objective}]\n")
    with pytest.raises(DocumentError, match=r"shop\.yaml:2:14: no journey asks 'shop' for GET /shelves"):
        read_plan(workspace, Asked(gate="plain"))


@pytest.mark.parametrize("form", ["limit: 1%", "criteria: {met: [[<1]]}", "versus: baseline, at_most: +1%"])
def test_routes_that_no_journey_asks_are_refused_at_their_place_with_the_nearest(form, workspace):
    objective = f"{{name: a, indicator: errors, {form}, routes: [GET /godos, GET /gods]}}"
    _write(workspace, "shop.yaml", f"service: shop\nobjectives: [{objective}]\n")
    with pytest.raises(DocumentError, match=r"for GET /godos, GET /gods; did you mean 'GET /goods'\?$"):
        read_plan(workspace, Asked(gate="plain"))


def test_routes_that_another_load_asks_are_warned_of_and_not_asked(workspace):
    other = "scenario: rest\nservice: shop\nsteps: [{request: {url: '/rest/{{ 1 }}'}, expect: {status: 200}}]\n"
    (workspace / "scenarios" / "rest.yaml").write_text(other)
    objective = "{name: a, indicator: errors, limit: 1%, routes: [GET /rest/*]}"
    _write(workspace, "shop.yaml", f"service: shop\nobjectives: [{objective}]\n")
    plan = read_plan(workspace, Asked(gate="plain"))
    (line,) = route_lines(plan.services.values(), plan.mix)
    assert line.startswith("warning: shop.a: no step of the load asks GET /rest/*; ")
    assert [item.name for service in plan.asked.values() for item in service.objectives if item.name == "a"] == []
