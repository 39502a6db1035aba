"""Each defect of the shop shows itself at the dependency or to the caller, and not where the shop is healthy."""

from __future__ import annotations

import itertools
import signal
import time

import pytest
from dependency import answers, cuts, drips, fails_two_of_three, hangs, slow, well

pytestmark = [pytest.mark.needs_opossum, pytest.mark.timeout(120)]

ROUTE = {
    "catalog": "/products",
    "pricing": "/products",
    "orders": "/orders/ord-1",
    "stock": "/availability/lantern",
}
"""A route that calls the dependency, for the service that does."""

ENOUGH = 20
"""Requests after which a breaker with `volumeThreshold: 10` is open."""

OPEN_S = 1.8
"""A little longer than a breaker is open."""

ORDER = {"sku": "lantern", "quantity": 1, "amount_cents": 100, "card": "4242"}


def calls_after(stand, name, behave, *, requests=5):
    """How many of some more requests call a dependency that has behaved so for some time."""
    dependency = stand.around[name]
    dependency.behave = behave
    stand.ask_at_once(ENOUGH, ROUTE[name])
    before = len(dependency.calls)
    for _ in range(requests):
        stand.ask(ROUTE[name])
    return len(dependency.calls) - before


def answer_of(stand, name, behave, *, path=None, patience_s=5.0):
    stand.around[name].behave = behave
    return stand.ask(path or ROUTE[name], patience_s=patience_s)


def test_1_a_dependency_that_hangs_is_waited_for_without_end(both):
    healthy, defective = both(
        "1:storefront->catalog", lambda at: answer_of(at, "catalog", hangs, patience_s=2).status
    )
    assert (healthy, defective) == (503, 0)


def test_2_a_dependency_that_refuses_is_told_of_and_one_that_hangs_waited_for(both):
    def observe(stand):
        hung = answer_of(stand, "catalog", hangs, patience_s=2)
        stand.around["catalog"].server.close()
        return hung.status, stand.ask("/products", patience_s=2).status

    assert both("2:storefront->catalog", observe) == ((503, 503), (0, 503))


def test_3_an_answer_that_drips_is_waited_for_beyond_the_timeout(both):
    healthy, defective = both("3:storefront->catalog", lambda at: answer_of(at, "catalog", drips(1.0)))
    assert (healthy.status, defective.status) == (503, 200)
    assert defective.seconds >= 1.0


def goes_on(dependency, seconds=3.0):
    """Whether its only call is still open after so much more time."""
    (_,) = dependency.calls
    is_over_at = time.monotonic() + seconds
    while dependency.open and time.monotonic() < is_over_at:
        time.sleep(0.01)
    return dependency.open == 1


def test_4_a_call_goes_on_when_its_caller_has_given_up(both):
    def observe(stand):
        answer_of(stand, "stock", hangs, patience_s=0.8)
        return goes_on(stand.around["stock"])

    assert both("4:orders->stock", observe) == (False, True)


@pytest.mark.parametrize("defect", ["5", "14", "15"])
def test_5_14_15_a_dependency_that_hangs_is_called_by_every_request(both, defect):
    assert both(f"{defect}:storefront->catalog", lambda at: calls_after(at, "catalog", hangs)) == (0, 5)


def test_6_a_dependency_that_is_well_again_gets_no_call(both):
    def observe(stand):
        calls_after(stand, "orders", answers(500))
        stand.around["orders"].behave = well
        time.sleep(OPEN_S)
        return [stand.ask(ROUTE["orders"]).status for _ in range(3)]

    assert both("6:storefront->orders", observe) == ([200, 200, 200], [503, 503, 503])


def calls_once_it_was_open(stand, name, ask):
    calls_after(stand, name, hangs)
    time.sleep(OPEN_S)
    before = len(stand.around[name].calls)
    ask(stand)
    return len(stand.around[name].calls) - before


def test_7_a_breaker_closes_by_the_clock_and_lets_slow_calls_through_one_after_another(both):
    def ask(stand):
        for _ in range(4):
            stand.ask(ROUTE["catalog"])

    assert both("7:storefront->catalog", lambda at: calls_once_it_was_open(at, "catalog", ask)) == (1, 4)


def test_8_many_trials_are_made_at_once(both):
    def ask(stand):
        stand.ask_at_once(8, ROUTE["catalog"])

    healthy, defective = both("8:storefront->catalog", lambda at: calls_once_it_was_open(at, "catalog", ask))
    assert healthy == 1
    assert defective > 1


def test_9_a_dependency_that_fails_two_of_three_calls_goes_on_being_called(both):
    def observe(stand):
        return calls_after(stand, "orders", fails_two_of_three, requests=9)

    healthy, defective = both("9:storefront->orders", observe)
    assert healthy < 9 <= defective


def test_10_a_dependency_that_answers_5xx_goes_on_being_called(both):
    assert both("10:storefront->orders", lambda at: calls_after(at, "orders", answers(500))) == (0, 5)


def test_11_a_dependency_that_answers_4xx_gets_no_call_any_more(both):
    assert both("11:storefront->orders", lambda at: calls_after(at, "orders", answers(404))) == (5, 0)


def test_12_a_dependency_that_is_slow_within_its_timeout_goes_on_being_called(both):
    assert both("12:storefront->orders", lambda at: calls_after(at, "orders", slow(0.55))) == (0, 5)


def test_13_a_dependency_that_is_well_gets_no_call_when_another_fails(both):
    def observe(stand):
        calls_after(stand, "orders", answers(500))
        return stand.ask("/products").status

    assert both("13:storefront", observe) == (200, 503)


def test_16_a_dependency_gets_one_call_at_a_time(both):
    def observe(stand):
        stand.around["orders"].behave = slow(0.2)
        stand.ask_at_once(5, ROUTE["orders"])
        return stand.around["orders"].most_open

    healthy, defective = both("16:storefront->orders", observe)
    assert healthy > defective == 1


def calls_for_one(stand, name, behave):
    answer_of(stand, name, behave)
    return [call for call in stand.around[name].calls if call.path != "/healthz"]


def test_17_one_request_makes_nine_calls(both):
    healthy, defective = both("17:storefront->orders", lambda at: calls_for_one(at, "orders", answers(503)))
    assert (len(healthy), len(defective)) == (2, 9)


def test_18_a_call_is_made_again_at_once(both):
    def observe(stand):
        gaps = []
        for name, _ in itertools.product(("pricing", "orders"), range(4)):
            stand.around[name].calls.clear()
            calls = calls_for_one(stand, name, answers(503))
            gaps += [second.at_s - first.at_s for first, second in itertools.pairwise(calls)]
        return min(gaps)

    healthy, defective = both("18:storefront", observe)
    assert defective < 0.018 <= healthy


def test_19_a_payment_whose_answer_is_lost_is_made_again_under_another_key(both):
    def observe(stand):
        stand.around["payments"].behave = hangs
        stand.ask("/orders", method="POST", json=ORDER, headers={"Idempotency-Key": "k"})
        return {call.headers["idempotency-key"] for call in stand.around["payments"].calls}

    healthy, defective = both("19:orders->payments", observe)
    assert (len(healthy), len(defective)) == (1, 2)


def test_20_a_request_waits_while_the_breaker_is_open(both):
    def observe(stand):
        calls = calls_after(stand, "catalog", answers(500), requests=1)
        return calls, stand.ask(ROUTE["catalog"]).seconds

    (healthy_calls, healthy_s), (defective_calls, defective_s) = both("20:storefront->catalog", observe)
    assert (healthy_calls, defective_calls) == (0, 0)
    assert healthy_s < 0.2 <= defective_s


@pytest.mark.parametrize("behave", [answers(404), answers(503, Retry_After=5)], ids=["404", "Retry-After"])
def test_21_what_would_not_help_is_asked_again(both, behave):
    healthy, defective = both("21:storefront->orders", lambda at: calls_for_one(at, "orders", behave))
    assert (len(healthy), len(defective)) == (1, 2)


def test_22_calls_to_one_dependency_take_the_places_of_those_to_another(both):
    def observe(stand):
        orders = stand.around["orders"]
        orders.behave = slow(0.3)  # two are in time one after the other: what is given up makes room, and goes on
        slowly = [stand.ask_meanwhile(ROUTE["orders"]) for _ in range(24)]
        while orders.open < 10:
            time.sleep(0.01)
        status = stand.ask("/products").status
        [each.result() for each in slowly]
        return status, orders.most_open

    (healthy, healthy_most), (defective, defective_most) = both("22:storefront", observe)
    assert (healthy, defective) == (200, 503)
    assert healthy_most > defective_most == 10


def test_24_products_are_not_shown_without_their_prices(both):
    healthy, defective = both("24:storefront->pricing", lambda at: answer_of(at, "pricing", answers(500)))
    assert (healthy.status, healthy.body["degraded"], defective.status) == (200, True, 503)


def test_25_the_fallback_calls_the_dependency_that_is_out(both):
    def observe(stand):
        status = answer_of(stand, "pricing", answers(500)).status
        return status, [call.path for call in stand.around["pricing"].calls]

    assert both("25:storefront->pricing", observe) == ((200, ["/prices"]), (503, ["/prices", "/prices/lantern"]))


def test_28_a_service_says_that_it_is_ready_though_what_it_needs_is_out(both):
    def observe(stand):
        return answer_of(stand, "catalog", answers(500), path="/readyz").status

    assert both("28:storefront", observe) == (503, 200)


def test_29_a_service_ends_that_is_started_without_what_it_needs(stand):
    healthy, defective = stand("storefront"), stand("storefront", "29:storefront")
    for each in (healthy, defective):
        each.around["catalog"].server.close()
    assert defective.process.wait(timeout=60) == 3
    healthy.wait_until_alive()


def test_30_every_failed_call_leaves_a_connection_open(both):
    def observe(stand):
        for _ in range(8):
            answer_of(stand, "orders", answers(500))
        return stand.around["orders"].server.accepted, stand.around["orders"].connected

    assert both("30:storefront->orders", observe) == ((1, 1), (8, 8))


def test_31_an_answer_that_was_cut_short_is_taken_for_a_whole_one(both):
    healthy, defective = both("31:storefront->catalog", lambda at: answer_of(at, "catalog", cuts))
    assert healthy.status == 503
    assert (defective.status, defective.body["products"]) == (200, [])


def test_32_a_call_goes_on_when_its_breaker_has_given_it_up(both):
    def observe(stand):
        status = answer_of(stand, "catalog", hangs).status
        return status, goes_on(stand.around["catalog"])

    assert both("32:storefront->catalog", observe) == ((503, False), (503, True))


def test_33_what_is_under_way_is_broken_off_when_a_service_is_told_to_end(both):
    def observe(stand):
        stand.around["orders"].behave = slow(0.5)
        answer = stand.ask_meanwhile(ROUTE["orders"])
        while not stand.around["orders"].open:
            time.sleep(0.01)
        stand.process.send_signal(signal.SIGTERM)
        return answer.result().status

    assert both("33:storefront", observe) == (200, 0)


def test_a_text_that_names_no_defect_ends_the_service(stand):
    assert stand("storefront", "none").process.wait(timeout=30) == 3


def test_the_trace_is_passed_on_with_spans_of_their_own_and_less_time_than_there_is(observed):
    trace = "0af7651916cd43dd8448eb211c80319c"

    def observe(storefront):
        asked = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "x-timeout-ms": "100"}
        storefront.ask("/products", headers=asked)
        return storefront.around["catalog"].calls + storefront.around["pricing"].calls

    calls = observed("storefront", "", observe)
    assert {call.headers["traceparent"].split("-")[1] for call in calls} == {trace}
    assert len({call.headers["traceparent"] for call in calls}) == 2
    assert all(int(call.headers["x-timeout-ms"]) <= 100 for call in calls)


def test_a_dependency_that_closed_the_kept_connections_is_called_over_new_ones(observed):
    def observe(orders):
        orders.ask_at_once(5, ROUTE["stock"])
        orders.around["stock"].hang_up()
        time.sleep(0.2)
        return {heard.status for heard in orders.ask_at_once(5, ROUTE["stock"])}

    assert observed("orders", "", observe) == {200}
