"""The code of docs/resilience-defects.md works: each block runs by itself, and does what its defect lacks."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pybreaker
import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "resilience-defects.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def names() -> dict[str, Any]:
    """Everything the code of the page defines; each block is run by itself."""
    defined: dict[str, Any] = {}
    for number, block in enumerate(BLOCKS):
        own: dict[str, Any] = {"__name__": f"page_{number}"}
        exec(compile(block, f"block {number} of the page", "exec", dont_inherit=True), own)
        defined |= own
    return defined


CODE = names()


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, run to its end."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Any:
    return CODE["Breaker"](slow_s=0.2, clock=clock)


def fail(breaker: Any) -> None:
    with pytest.raises(OSError, match="out"), breaker.calling():
        raise OSError("out")


def is_open(breaker: Any) -> bool:
    try:
        with breaker.calling():
            pass
    except CODE["BreakerOpen"]:
        return True
    return False


def opened(breaker: Any) -> Any:
    for _ in range(10):
        fail(breaker)
    return breaker


def test_the_breaker_of_the_page_opens_for_half_of_the_calls_and_not_for_fewer(breaker: Any):
    for _ in range(6):
        assert not is_open(breaker)
    for _ in range(5):
        fail(breaker)
    assert not is_open(breaker)
    fail(breaker)
    fail(breaker)
    assert is_open(breaker)


def test_the_breaker_of_the_page_opens_for_slow_answers(breaker: Any, clock: Clock):
    for _ in range(10):
        with breaker.calling():
            clock.now += 0.25
    assert is_open(breaker)


def test_the_breaker_of_the_page_forgets_what_is_older_than_its_window(breaker: Any, clock: Clock):
    for _ in range(9):
        fail(breaker)
    clock.now += 5.0
    fail(breaker)
    assert not is_open(breaker)


def test_the_breaker_of_the_page_tries_with_one_call_and_closes_by_it(breaker: Any, clock: Clock):
    opened(breaker)
    clock.now += 1.4
    assert is_open(breaker)
    clock.now += 0.2
    with breaker.calling():
        assert is_open(breaker)  # for everybody else
    assert not is_open(breaker)


def test_the_breaker_of_the_page_stays_open_when_its_trial_fails(breaker: Any, clock: Clock):
    opened(breaker)
    clock.now += 1.6
    fail(breaker)
    assert is_open(breaker)


def test_the_breaker_of_the_page_outlives_a_trial_that_was_cancelled(breaker: Any, clock: Clock):
    opened(breaker)
    clock.now += 1.6
    with pytest.raises(asyncio.CancelledError), breaker.calling():
        raise asyncio.CancelledError
    assert not is_open(breaker)  # the next trial


def answering(*statuses: int, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    left = iter(statuses)
    return httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(next(left), headers=headers, json={})),
        base_url="http://127.0.0.1",
    )


@awaited
async def test_round_a_call_of_the_page_5xx_count_and_4xx_do_not(breaker: Any):
    async with answering(*[404] * 10, *[503] * 10) as http:
        for _ in range(10):
            assert (await CODE["balance"](http, breaker, "a")).status_code == 404
        for _ in range(10):
            with pytest.raises(httpx.HTTPStatusError):
                await CODE["balance"](http, breaker, "a")
        with pytest.raises(CODE["BreakerOpen"]):
            await CODE["balance"](http, breaker, "a")


@awaited
async def test_the_deadline_of_the_page_bounds_an_answer_that_drips():
    async def drip() -> Any:
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=drip()))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(TimeoutError):
            await CODE["get"](http, "http://127.0.0.1", 0.05)


@awaited
async def test_no_call_of_the_page_is_made_for_whoever_has_gone():
    async with answering() as http:
        with pytest.raises(TimeoutError):
            await CODE["call"](http, "/", own_s=1.0, asked_until=0.0)


@pytest.mark.parametrize(("status", "counts"), [(404, False), (422, False), (503, True)])
def test_the_pybreaker_of_the_page_counts_no_4xx(status: int, counts: bool):
    breaker = CODE["LEDGER"]
    breaker.close()
    request = httpx.Request("GET", "http://127.0.0.1")
    with pytest.raises((httpx.HTTPStatusError, pybreaker.CircuitBreakerError)), breaker.calling():
        httpx.Response(status, request=request).raise_for_status()
    assert breaker.fail_counter == counts


def test_a_budget_of_the_page_allows_a_tenth():
    budget = CODE["RetryBudget"]()
    made = 0
    for _ in range(1_000):
        budget.earn()
        made += budget.spend()
    assert made in range(99, 104)


@awaited
async def test_an_open_breaker_ends_the_retries_of_the_page():
    calls = 0

    async def call() -> httpx.Response:
        nonlocal calls
        calls += 1
        raise pybreaker.CircuitBreakerError

    with pytest.raises(pybreaker.CircuitBreakerError):
        await CODE["with_retry"](call, 0.0)
    assert calls == 1


@pytest.mark.parametrize(
    ("status", "told", "in_s"),
    [(404, "", None), (422, "1", None), (503, "", 0.1), (503, "7", 7.0), (429, "0", 0.1), (429, "Sun, 06 Nov", None)],
)
def test_retries_of_the_page_are_made_when_told(status: int, told: str, in_s: float | None):
    answer = httpx.Response(status, headers={"Retry-After": told} if told else {})
    assert CODE["retry_in_s"](answer, 0.1) == in_s


@awaited
async def test_a_charge_of_the_page_is_sent_again_under_the_same_key():
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(201)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://127.0.0.1") as http:
        assert (await CODE["charge"](http, "a", 5)).status_code == 201
    first, second = keys
    assert first == second


@awaited
async def test_a_token_of_the_page_is_fetched_once_for_all_and_again_after_a_failure():
    fetched = 0

    async def fetch() -> str:
        nonlocal fetched
        fetched += 1
        await asyncio.sleep(0)
        if fetched == 1:
            raise OSError("out")
        return "token"

    token = CODE["Token"](fetch)
    first = await asyncio.gather(*(token.get() for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in first] == [OSError] * 3
    assert await asyncio.gather(*(token.get() for _ in range(3))) == ["token"] * 3
    assert fetched == 2


def test_places_of_the_page_are_refused_when_all_are_taken_and_given_back():
    places = CODE["Places"](1)
    with places.place(), pytest.raises(CODE["Full"]), places.place():
        pass
    with places.place():
        pass


@awaited
async def test_the_queue_of_the_page_refuses_and_drops():
    done: list[str] = []

    def work(name: str) -> Any:
        async def run() -> None:
            done.append(name)

        return run

    jobs: asyncio.Queue[Any] = asyncio.Queue(maxsize=2)
    assert CODE["accept"](jobs, work("late"), within_s=-1.0)
    assert CODE["accept"](jobs, work("in time"), within_s=60.0)
    assert not CODE["accept"](jobs, work("too many"), within_s=60.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(CODE["serve"](jobs), 0.05)
    assert done == ["in time"]


@pytest.mark.parametrize(("status", "is_degraded"), [(200, False), (503, True)])
@awaited
async def test_a_statement_of_the_page_says_whether_it_is_degraded(status: int, is_degraded: bool):
    async with answering(status) as http:
        told = await CODE["statement"](http, [{"merchant_id": "m"}])
    assert told["degraded"] is is_degraded


@awaited
async def test_a_stream_of_the_page_is_closed_when_it_failed():
    closed = False

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield b"x\n"

        async def aclose(self) -> None:
            nonlocal closed
            closed = True

    transport = httpx.MockTransport(lambda request: httpx.Response(503, stream=Body()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        with pytest.raises(httpx.HTTPStatusError):
            _ = [row async for row in CODE["rows"](http, "/")]
    assert closed


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"cents": 5, "curr', "Unterminated"),
        ("{}", "not a balance"),
        ("[]", "not a balance"),
        ('{"cents": "5", "currency": "EUR"}', "not a balance"),
    ],
)
def test_a_balance_of_the_page_is_whole_or_an_error(body: str, problem: str):
    assert CODE["balance_of"](httpx.Response(200, text='{"cents": 5, "currency": "EUR"}')).cents == 5
    with pytest.raises(ValueError, match=problem):
        CODE["balance_of"](httpx.Response(200, text=body))


@awaited
async def test_the_loser_of_the_page_is_cancelled():
    ended: list[str] = []

    async def late() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("late")
            raise
        return "late"

    async def soon() -> str:
        return "soon"

    assert await CODE["hedged"](late, soon, after_s=0.0) == "soon"
    assert ended == ["late"]


def test_a_service_of_the_page_is_alive_without_anybody_and_ready_with_what_it_needs():
    assert CODE["live"]() == 200
    assert CODE["ready"]({"ledger": False, "feed": True}, frozenset({"ledger"})) == 200
    assert CODE["ready"]({"ledger": True, "feed": False}, frozenset({"ledger"})) == 503


@awaited
async def test_a_start_of_the_page_waits_for_its_dependency():
    tries = 0

    async def connect() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError("out")

    is_ready = asyncio.Event()
    await CODE["until_there"](connect, is_ready, most_s=0.0)
    assert is_ready.is_set()
    assert tries == 3
