"""A load shared out: nothing twice, nothing left over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.scenarios.load.share import Share


def test_one_worker_alone_has_all_of_it():
    alone = Share()
    assert (alone.first, alone.arrivals(7), alone.of(7)) == (1, 7, 7)


@pytest.mark.parametrize(("worker", "first", "of_ten"), [(0, 3, 3), (1, 1, 4), (2, 2, 3)])
def test_arrival_k_belongs_to_worker_k_mod_n(worker, first, of_ten):
    share = Share(worker, 3)
    own = [number for number in range(1, 11) if number % 3 == worker]
    assert list(range(share.first, 11, share.workers)) == own
    assert (share.first, share.arrivals(10)) == (first, of_ten)


@given(total=st.integers(0, 1000), workers=st.integers(1, 20))
def test_the_shares_of_all_workers_add_up(total, workers):
    shares = [Share(worker, workers) for worker in range(workers)]
    assert sum(share.arrivals(total) for share in shares) == total
    assert sum(share.of(total) for share in shares) == total
    assert max(share.of(total) for share in shares) - min(share.of(total) for share in shares) <= 1
