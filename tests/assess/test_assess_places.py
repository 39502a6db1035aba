"""What is promised of a service nobody can ask, or of a route nobody asks, is told before anything is sent."""

from __future__ import annotations

import pytest

from seatrial.assess.places import placing_lines, route_lines
from seatrial.assess.plan import Asked, read_plan
from seatrial.errors import DocumentError


def _write(workspace, name, text):
    (workspace / "slo" / name).write_text(text)


def test_a_service_that_no_realm_has_is_refused_at_its_place(workspace):
    _write(workspace, "shop.yaml", "service: shopp\nobjectives: [{name: a, indicator: errors, limit: 1%}]\n")
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


def test_a_route_that_no_journey_asks_is_warned_of_with_the_nearest(workspace):
    objective = "{name: a, indicator: errors, limit: 1%, routes: [GET /goods, GET /godos]}"
    _write(workspace, "shop.yaml", f"service: shop\nobjectives: [{objective}]\n")
    plan = read_plan(workspace, Asked(gate="plain"))
    assert list(route_lines(plan.services.values(), plan.mix)) == [
        "warning: shop.a: no step of the load asks GET /godos; did you mean 'GET /goods'?"
    ]
