"""Which requests an HTTP-aware toxic hits: those selected, the first so many, every so manieth, by chance."""

from __future__ import annotations

import pytest
from wire import GET, OK, Series, line


@pytest.mark.parametrize(
    ("attributes", "hit", "missed"),
    [
        ({"route": "/cards/*"}, line("GET", "/cards/7?a=1"), line("GET", "/cards/")),
        ({"route": "/cards/*/charges"}, line("POST", "/cards/7/x/charges"), line("POST", "/cards/7/charges/2")),
        ({"route": "/cards/{id}/charges"}, line("POST", "/cards/7/charges"), line("POST", "/cards/7/8/charges")),
        ({"route": "*/charges"}, line("POST", "http://y/cards/charges"), line("POST", "/charges")),
        ({"route": "POST /cards/7.a"}, line("POST", "/cards/7.a"), line("POST", "/cards/7xa")),
        ({"route": "POST /cards/7"}, line("POST", "/cards/7"), line("GET", "/cards/7")),
        ({"method": "delete"}, line("DELETE", "/"), line("GET", "/")),
        ({"request_headers": {"x-tenant": "Blue*"}}, line("GET", "/", "X-Tenant: Blue1"), line("GET", "/")),
        (
            {"request_headers": {"X-A": "1", "X-B": "2"}},
            line("GET", "/", "X-B: 2", "X-A: 1"),
            line("GET", "/", "X-A: 1", "X-B: 3"),
        ),
    ],
)
def test_only_the_selected_requests_are_hit(wire, attributes, hit, missed):
    wire.add("http_error", **attributes)
    wire.ask(missed + hit)
    wire.arrives(missed)
    wire.callee.sendall(OK)
    assert [wire.answered()[0], wire.answered()[0]] == [200, 503]
    counted = wire.proxy.server.counters(wire.proxy.name)["toxics"]
    assert counted == {"http_error_downstream": {"matched": 1, "hit": 1}}


def add(proxy, **attributes):
    body = {"type": "http_error", "name": attributes.pop("name", ""), "attributes": attributes}
    assert proxy.ask("POST", "/toxics", body).status_code == 200


def test_the_first_so_many_are_hit_over_all_connections(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, first=3, method="POST", retry_after=1)
    series = Series(proxy, dial)
    assert series.statuses([line("GET", "/")] * 2) == [204] * 2
    assert series.statuses([line("POST", "/")] * 6, connections=3) == [503] * 3 + [204] * 3


def test_every_so_manieth_is_hit_and_two_toxics_make_a_pattern(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, name="third", every=3)
    series = Series(proxy, dial)
    assert series.statuses([GET] * 6) == [204, 204, 503] * 2
    add(proxy, name="half", every=2, status=500)
    assert series.statuses([GET] * 6) == [204, 500, 503] * 2


def test_an_update_keeps_the_counts(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, first=2)
    series = Series(proxy, dial)
    assert series.statuses([GET] * 1) == [503]
    assert proxy.ask("PATCH", "/toxics/http_error_downstream", {"attributes": {"status": 500}}).status_code == 200
    assert series.statuses([GET] * 2) == [500, 204]


def test_probability_is_drawn_for_each_request_and_the_seed_draws_the_same(start_ours, answering, dial):
    def hits(seed):
        proxy = start_ours("--seed", seed).proxy(answering, name="p")
        add(proxy, probability=0.5)
        return Series(proxy, dial).statuses([GET] * 60)

    first, same, other = hits("7"), hits("7"), hits("8")
    assert first == same != other
    assert 15 <= first.count(503) <= 45


def test_a_probability_of_zero_hits_none(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, probability=0)
    assert Series(proxy, dial).statuses([GET] * 20) == [204] * 20
