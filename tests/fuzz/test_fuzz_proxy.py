"""No request, however bad, breaks the proxy's API: it answers or closes, goes on, and makes no mistake of its own.

`SEATRIAL_FUZZ_SEED=N pytest tests/fuzz` tries other inputs; `python bench/fuzz.py --proxy` tries ten thousand.
"""

from __future__ import annotations

import asyncio
import os

import mutate
import proxy_requests
import proxy_toggles
import proxy_wire
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.chaos.proxy.events import Counters, EventLog, Fate
from seatrial.chaos.proxy.observer import Observer

SEED = int(os.environ.get("SEATRIAL_FUZZ_SEED", "1"))
INPUTS = 300
BLOCK = 100
TOGGLED = 60
ODD = st.sampled_from(mutate.ODD_VALUES) | st.text(max_size=8) | st.integers() | st.floats()
KEYS = st.sampled_from(
    (*proxy_requests.KEYS, "latency", "jitter", "rate", "bytes", "average_size", "holder", "status")
)
TREES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12
)
TOXICS = st.fixed_dictionaries(
    {"type": st.sampled_from(("latency", "bandwidth", "slicer", "timeout", "limit_data", "http_error")) | ODD},
    optional={"name": ODD, "stream": ODD, "toxicity": ODD, "attributes": TREES, "lease": TREES},
)
PROXIES = st.fixed_dictionaries(
    {"name": st.just("x") | ODD, "upstream": st.just("127.0.0.1:9") | ODD},
    optional={"listen": ODD, "enabled": ODD, "toxics": st.lists(TOXICS, max_size=3) | TREES},
)
ASKED = st.one_of(
    st.tuples(st.just("POST"), st.just("/proxies"), PROXIES | TREES),
    st.tuples(st.just("PATCH"), st.just("/proxies/p"), PROXIES | TREES),
    st.tuples(st.just("POST"), st.just("/proxies/p/toxics"), TOXICS | TREES),
    st.tuples(st.just("PATCH"), st.just("/proxies/p/toxics/t"), TOXICS | TREES),
    st.tuples(st.just("POST"), st.just("/populate"), st.lists(PROXIES, max_size=3) | TREES),
    st.tuples(st.just("POST"), st.just("/leases/run-1"), TREES),
)
BY_EXAMPLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("block", range(0, INPUTS, BLOCK))
def test_bad_request_is_answered_and_the_server_goes_on(block, tmp_path):
    async def fire():
        async with proxy_requests.under_fire() as server:
            for index in range(block, block + BLOCK):
                content = proxy_requests.requests_of(SEED, index)
                (tmp_path / "input").write_bytes(content)  # kept where this fails
                await server.attempt(content)

    asyncio.run(fire())


async def _carry_all(of, indexes):
    """Carry the inputs of those numbers; the one that fails is told."""
    for index in indexes:
        content = of.input_of(SEED, index)
        try:
            await of.carry(content)
        except Exception as defect:
            defect.add_note(f"index {index}: {content}")
            raise


@pytest.mark.parametrize("block", range(0, INPUTS, BLOCK))
def test_bad_bytes_through_toxics_leave_nothing_and_are_counted_right(block):
    asyncio.run(_carry_all(proxy_wire, range(block, block + BLOCK)))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_bytes_arrive_as_they_are_while_reading_and_toxics_come_and_go(loop):
    run = pytest.importorskip(loop).run

    run(_carry_all(proxy_toggles, range(TOGGLED)))


def test_good_requests_are_good_and_bad_ones_are_of_every_sort():
    """Else nothing but refusals would be tried."""

    async def fire():
        async with proxy_requests.under_fire() as server:
            good = await server.attempt(b"".join(proxy_requests.samples()))
            bad = [await server.attempt(proxy_requests.requests_of(SEED, index)) for index in range(200)]
        return good, {status for statuses in bad for status in statuses}

    good, bad = asyncio.run(fire())
    assert sum(status < 300 for status in good) >= len(good) * 0.7
    assert {200, 201, 400, 404, 409} <= bad


@BY_EXAMPLE
@given(conversation=st.lists(ASKED, max_size=4))
def test_bodies_of_known_keys_and_odd_values_are_taken_or_refused(conversation):
    async def fire():
        async with proxy_requests.under_fire() as server:
            for method, path, body in (*proxy_requests._ASKED[:1], *proxy_requests._ASKED[4:5], *conversation):
                response = await server.ask(method, path, mutate.as_json(body))
                assert response.status in proxy_requests.STATUSES
                if response.status >= 400:
                    assert b'"error":' in response.body
            assert (await server.ask("GET", "/metrics", b"")).status == 200

    asyncio.run(fire())


HTTP_BYTES = st.sampled_from(
    (
        b"GET /a HTTP/1.1\r\n\r\n",
        b"POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\nuntil close",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
    )
)
CHUNKS = st.lists(st.tuples(st.booleans(), HTTP_BYTES | st.binary(max_size=30)), max_size=12)


@BY_EXAMPLE
@given(
    chunks=CHUNKS, cuts=st.lists(st.integers(1, 40), max_size=6), ended=st.sampled_from(("client", "upstream", "cut"))
)
def test_observer_takes_any_bytes_and_its_counts_agree(chunks, cuts, ended):
    counters, log = Counters(), EventLog()
    observer = Observer("e", 1, counters=counters, log=log)
    for index, (up, data) in enumerate(chunks):
        cut = cuts[index % len(cuts)] if cuts else len(data)
        for part in filter(None, (data[:cut], data[cut:])):
            (observer.sent if up else observer.answered)(part)
            (observer.passed_up if up else observer.passed_down)(len(part))
    {"client": observer.client_ended, "upstream": observer.upstream_ended, "cut": lambda: None}[ended]()
    observer.closed(Fate.CUT)
    assert counters.requests_open == 0
    assert sum(counters.by_route.values()) == counters.requests_total
    assert log.next == 2 * counters.requests_total
