"""Guesses of routes, and the bound on how many are counted."""

from __future__ import annotations

import pytest

from seatrial.chaos.proxy.route import OTHER, ROUTES_LIMIT, Counted, RouteCounts, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/cards", "/cards"),
        ("/cards/17", "/cards/{}"),
        ("/cards/c-17/entries", "/cards/{}/entries"),
        ("/v1/cards/0af7651916cd43dd8448eb211c80319c", "/v1/cards/{}"),
        ("/v2.1/oauth2/token", "/v2.1/oauth2/token"),
        ("/users/anna%40x", "/users/{}"),
        ("/keys/" + "k" * 41, "/keys/{}"),
        ("/a//b/", "/a//b/"),
    ],
)
def test_what_looks_like_an_identifier_is_left_open(path, route):
    assert route_of(path) == route


def test_routes_beyond_the_limit_are_counted_as_other():
    counts = RouteCounts()
    for index in range(ROUTES_LIMIT + 50):
        counts.count("GET", f"/{'x' * (index % 40)}/{'y' * (index // 40)}", 200)
    counts.count("GET", "//", 200)
    assert len(counts) == ROUTES_LIMIT + 1
    assert counts[Counted(OTHER, OTHER, 200)] == 50
    assert counts[Counted("GET", "//", 200)] == 2
    assert sum(counts.values()) == ROUTES_LIMIT + 51


def test_method_that_is_none_is_not_kept():
    counts = RouteCounts()
    counts.count("X" * 17, "/", None)
    assert list(counts) == [Counted(OTHER, "/", None)]
