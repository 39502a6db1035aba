"""The bank's breaker: when it opens, whom it lets try, when it closes."""

import asyncio

import pytest

from seatrial.demo.breaker import LEAST_CALLS, OPEN_S, WINDOW_S, BreakerOpen, EdgeBreaker, FailureWindow, NeverOpens


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def states():
    return []


@pytest.fixture
def breaker(clock, states):
    return EdgeBreaker(slow_s=0.2, clock=clock, changed=states.append)


def succeed(breaker):
    with breaker.calling():
        pass


def fail(breaker, error=ConnectionError):
    with pytest.raises(error), breaker.calling():
        raise error


def take(breaker, clock, seconds):
    with breaker.calling():
        clock.now_s += seconds


def time_out(breaker, clock, seconds):
    with breaker.calling():
        clock.now_s += seconds
        raise TimeoutError


def open_it(breaker):
    for _ in range(5):
        fail(breaker)


def test_five_failures_in_a_row_open_the_breaker(breaker, states):
    for _ in range(4):
        fail(breaker)
    assert states == []
    fail(breaker)
    assert states == ["open"]
    with pytest.raises(BreakerOpen):
        succeed(breaker)


def test_the_failure_that_opens_the_breaker_reaches_the_caller_as_it_is(breaker):
    open_it(breaker)  # each of the five is checked to be the ConnectionError that was raised
    assert not breaker.is_closed()


def test_two_failures_of_three_open_the_breaker(breaker, states):
    for _ in range(LEAST_CALLS // 3 + 1):
        succeed(breaker)
        if states:
            break
        fail(breaker)
        fail(breaker)
    assert states == ["open"]


def test_few_calls_with_half_of_them_failing_prove_nothing(breaker, states):
    for _ in range((LEAST_CALLS - 2) // 2):
        fail(breaker)
        succeed(breaker)
    assert states == []


def test_a_third_of_the_calls_failing_does_not_open_the_breaker(breaker, states):
    for _ in range(20):
        succeed(breaker)
        succeed(breaker)
        fail(breaker)
    assert states == []


def test_failures_older_than_the_window_are_forgotten(breaker, clock, states):
    for _ in range(4):
        fail(breaker)
        succeed(breaker)
    clock.now_s += WINDOW_S + 1
    for _ in range(4):
        succeed(breaker)
        fail(breaker)
    assert states == []


def test_window_stays_small_however_many_calls_it_counts():
    window = FailureWindow()
    for number in range(10_000):
        window.add(number * 0.01, failures=0)
    assert len(window._slices) <= 10


def test_slow_answers_count_as_failures(breaker, clock, states):
    for _ in range(5):
        take(breaker, clock, 0.21)
    assert states == ["open"]


def test_answers_just_fast_enough_do_not(breaker, clock, states):
    for _ in range(50):
        take(breaker, clock, 0.19)
    assert states == []


def test_calls_given_up_by_the_caller_are_not_counted(breaker, states):
    for _ in range(50):
        fail(breaker, asyncio.CancelledError)
        fail(breaker, TimeoutError)
    assert states == []


def test_timeouts_after_a_long_wait_are_failures(breaker, clock, states):
    for _ in range(5):
        with pytest.raises(TimeoutError):
            time_out(breaker, clock, 0.25)
    assert states == ["open"]


def test_an_open_breaker_lets_nobody_through_until_its_time_is_over(breaker, clock):
    open_it(breaker)
    clock.now_s += OPEN_S - 0.01
    with pytest.raises(BreakerOpen) as refused:
        succeed(breaker)
    assert refused.value.retry_after_s == pytest.approx(0.01)


def test_a_trial_that_succeeds_closes_the_breaker(breaker, clock, states):
    open_it(breaker)
    clock.now_s += OPEN_S
    succeed(breaker)
    assert states == ["open", "half-open", "closed"]
    succeed(breaker)


def test_a_trial_that_fails_opens_the_breaker_for_its_whole_time_again(breaker, clock, states):
    open_it(breaker)
    clock.now_s += OPEN_S
    fail(breaker)
    assert states == ["open", "half-open", "open"]
    assert breaker.retry_after_s() == pytest.approx(OPEN_S)


def test_only_one_trial_goes_through_while_half_open(breaker, clock):
    open_it(breaker)
    clock.now_s += OPEN_S
    with breaker.calling():
        for _ in range(10):
            with pytest.raises(BreakerOpen):
                succeed(breaker)
    succeed(breaker)


def test_a_cancelled_trial_does_not_close_the_breaker_and_is_repeated_later(breaker, clock, states):
    open_it(breaker)
    clock.now_s += OPEN_S
    fail(breaker, asyncio.CancelledError)
    assert states[-1] == "open"
    clock.now_s += OPEN_S
    succeed(breaker)
    assert states[-1] == "closed"


def test_a_slow_trial_does_not_close_the_breaker(breaker, clock, states):
    open_it(breaker)
    clock.now_s += OPEN_S
    take(breaker, clock, 0.21)
    assert states[-1] == "open"


def test_calls_that_were_under_way_when_it_opened_do_not_prolong_its_open_time(breaker, clock, states):
    stragglers = [breaker.calling() for _ in range(3)]
    for straggler in stragglers:
        straggler.__enter__()
    open_it(breaker)
    clock.now_s += 1.0
    for straggler in stragglers:
        error = ConnectionError()
        straggler.__exit__(ConnectionError, error, None)
    assert states == ["open"]
    assert breaker.retry_after_s() == pytest.approx(OPEN_S - 1.0)


def test_a_call_from_before_neither_closes_nor_ends_the_trial(breaker, clock, states):
    straggler = breaker.calling()
    straggler.__enter__()
    open_it(breaker)
    clock.now_s += OPEN_S
    with breaker.calling():
        straggler.__exit__(None, None, None)
        assert states[-1] == "half-open"
        with pytest.raises(BreakerOpen):
            succeed(breaker)
    assert states[-1] == "closed"


def test_failures_from_before_it_opened_are_forgotten_when_it_closes(breaker, clock, states):
    open_it(breaker)
    clock.now_s += OPEN_S
    succeed(breaker)
    for _ in range(4):
        fail(breaker)
    assert states[-1] == "closed"


def test_guarded_calls_run_at_the_same_time(breaker):
    async def five_calls() -> None:
        everybody_inside = asyncio.Barrier(5)

        async def call() -> None:
            with breaker.calling():
                await everybody_inside.wait()  # would wait for ever if a lock were held

        async with asyncio.timeout(10):
            await asyncio.gather(*(call() for _ in range(5)))

    asyncio.run(five_calls())


def test_the_guard_without_a_breaker_never_opens():
    guard = NeverOpens()
    for _ in range(100):
        fail(guard)
    assert guard.is_closed()
