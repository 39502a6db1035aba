"""A load split between two versions: each play goes to one of them as a whole, and is counted for it."""

from __future__ import annotations

from collections import Counter

import pytest

from seatrial.sample import BASE, CANARY, Interval, Phase
from seatrial.scenarios.load.order import Canary, LoadOrder, decode_order, encode_order
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import start_load
from seatrial.scenarios.load.profile import Model, Profile

JOURNEY = """\
scenario: shop
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: count, request: {url: service://stock/count}, expect: {status: 200}}
  - {name: buy, request: {method: POST, url: /buy}, expect: {status: 201}}
"""


@pytest.fixture
def order(tmp_path, target, newer):
    """30 plays a second for two seconds, of which a share is the canary's."""

    def make(share_ratio: float, *, names=("shop",), seed: int | None = 7) -> LoadOrder:
        (tmp_path / "scenarios").mkdir()
        for name in names:
            (tmp_path / "scenarios" / f"{name}.yaml").write_text(
                JOURNEY.replace("scenario: shop", f"scenario: {name}")
            )
        stages = (Stage(Phase.RAMP, 30, 0.0), Stage(Phase.HOLD, 30, 2.0))
        profile = Profile("p", Model.OPEN, dict.fromkeys(names), stages)
        addresses = {"api": target.url, "stock": target.url}
        canary = Canary({"api": newer.url}, share_ratio)
        return LoadOrder("r", tmp_path, profile, "test", addresses, seed=seed, canary=canary)

    return make


def play(order: LoadOrder) -> list[Interval]:
    with start_load(order, log=order.workspace / "load.log") as load:
        return [item for second in load.seconds() for item in second if isinstance(item, Interval)]


def counted(intervals: list[Interval]) -> Counter[tuple[str, str]]:
    """OK requests by side and step."""
    found: Counter[tuple[str, str]] = Counter()
    for interval in intervals:
        found[interval.side, interval.step] += interval.ok
    return found


def test_each_play_goes_to_one_side_and_every_request_is_counted_for_it(order, target, newer):
    found = counted(play(order(0.3)))
    assert 5 <= found[CANARY, "look"] <= 32  # of 60 or 61; binomial, 0.1 % beyond either end
    assert found[CANARY, "look"] == found[CANARY, "buy"] == found[CANARY, "count"]
    assert found[CANARY, "look"] == newer.seen["GET /look"] == newer.seen["POST /buy"]
    assert found[BASE, "look"] == target.seen["GET /look"] == target.seen["POST /buy"]
    assert target.seen["GET /count"] == found[BASE, "count"] + found[CANARY, "count"]
    assert newer.seen["GET /count"] == 0


@pytest.mark.parametrize(("share_ratio", "side"), [(0.0, BASE), (1.0, CANARY)])
def test_a_share_of_nothing_or_all_is_one_side_alone(share_ratio, side, order):
    assert {interval.side for interval in play(order(share_ratio))} == {side}


def test_with_a_seed_every_journey_is_played_on_both_sides(order):
    played = {(item.scenario, item.side) for item in play(order(0.5, names=("one", "two"), seed=1))}
    assert played == {(name, side) for name in ("one", "two") for side in (BASE, CANARY)}


def test_an_order_with_a_canary_survives_the_pipe(order):
    sent = order(0.1)
    assert decode_order(encode_order(sent)) == sent
