"""How many retries there are, and how far apart."""

from seatrial.demo.retry import MOST_SAVED, PAUSE_S, RetryBudget, pause_s


def test_retries_are_at_most_a_tenth_of_the_calls_and_the_few_saved_up():
    budget, calls, retries = RetryBudget(), 1000, 0
    for _ in range(calls):
        budget.earn()
        retries += budget.spend()
    assert calls * 0.1 <= retries <= calls * 0.1 + MOST_SAVED


def test_an_unused_budget_saves_up_no_more_than_its_most():
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == MOST_SAVED


def test_pauses_differ_are_never_zero_and_grow():
    first, second = [pause_s(1) for _ in range(200)], [pause_s(2) for _ in range(200)]
    assert len(set(first)) > 100
    assert min(first) >= PAUSE_S
    assert max(first) <= 2 * PAUSE_S <= min(second)
