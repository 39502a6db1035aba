"""What the tests of a system need: a service of it healthy, with a defect, or both side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from calm import calmly
from stand import Stand


@pytest.fixture
def stand(tmp_path) -> Iterator:
    """Starts a service of the shop, with the defects given."""
    with ExitStack() as stack:

        def start(service, defects=""):
            stand = Stand(service, defects, tmp_path / f"{service}-{defects.partition(':')[0]}.log")
            stand.start()
            stack.callback(stand.close)
            return stand

        yield start


@pytest.fixture
def observed(stand):
    """What is observed of a service in a calm: `observed("orders", "5:orders->stock", observe)`."""

    def observed(service, defects, observe):
        def afresh():
            begun = stand(service, defects)
            try:
                begun.wait_until_alive()
                return observe(begun)
            finally:
                begun.close()

        return calmly(afresh)

    return observed


@pytest.fixture
def both(observed):
    """What is observed of a healthy service, and of one with the defect: `both("5:orders->stock", observe)`."""

    def compare(defect, observe):
        service = defect.partition(":")[2].partition("->")[0]
        with ThreadPoolExecutor(2) as pool:
            healthy, defective = pool.map(lambda defects: observed(service, defects, observe), ("", defect))
        return healthy, defective

    return compare
